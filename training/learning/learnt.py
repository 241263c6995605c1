"""What labelled rows teach: a model under a restraint, and the calibration of its history."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from training.learning import model, offsets, split
from training.learning.model import Model, Restraint, Rows
from training.learning.offsets import History

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Learnt:
    """A model, the rows that taught it, and its calibration on those that are `calibrating`.

    `parts` (2 × rows) are cross-fitted margins, of the scorecard and of the trees: each is of a
    model that never saw its account. `given` is the model where it is at hand; else it is fitted
    when it is asked for.
    """

    rows: Rows
    restraint: Restraint
    calibrating: split.Mask
    parts: Floats
    history: History
    given: Model | None = None

    @classmethod
    def of(cls, rows: Rows, restraint: Restraint, calibrating: split.Mask) -> "Learnt":
        """What `rows` teach under `restraint`.

        Raises
        ------
        GateRefused
            The calibration's slope is not positive.
        """
        parts = model.cross_fitted_parts(rows, restraint)
        history = offsets.of(parts.sum(axis=0), rows, calibrating)
        return cls(rows, restraint, calibrating, parts, history)

    def without_trees(self) -> "Learnt":
        """What the same rows teach a scorecard alone, which is a part of most models.

        Raises
        ------
        GateRefused
            The calibration's slope is not positive.
        """
        plain, weight = replace(self.restraint, share=0.0), 1 - self.restraint.share
        if not weight:
            return Learnt.of(self.rows, plain, self.calibrating)
        parts = self.parts / weight * [[1.0], [0.0]]
        history = offsets.of(parts[0], self.rows, self.calibrating)
        card = Model(self.model.scorecard.times(1 / weight), ())
        return Learnt(self.rows, plain, self.calibrating, parts, history, card)

    @cached_property
    def model(self) -> Model:
        """The model of all rows."""
        return self.given or model.fit(self.rows, self.restraint)

    @property
    def margins(self) -> Floats:
        """Cross-fitted margins (rows,)."""
        margins: Floats = self.parts.sum(axis=0)
        return margins

    @property
    def base(self) -> float:
        """The rate of the event in the rows that calibrated."""
        return self.history.line.events / self.history.line.rows

    @property
    def days(self) -> Sequence[str]:
        """The as-of dates that taught."""
        return [str(day) for day in np.unique(self.rows.as_of)]

    @property
    def held(self) -> Rows:
        """The rows that calibrated."""
        return self.rows.where(self.calibrating)

    @property
    def held_margins(self) -> Floats:
        """Cross-fitted margins of the rows that calibrated."""
        return self.margins[self.calibrating]

    def logits(self, X: Floats) -> Floats:
        """Calibrated log-odds (rows,) of rows with the columns that taught."""
        return self.history.line.logits(self.model.margins(X))
