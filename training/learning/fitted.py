"""A model fitted to labelled rows with given settings, and the calibration of its history."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from training.calibrating.calibration import Calibration
from training.learning import model, offsets, split
from training.learning.likelihood import Start
from training.learning.model import Model, ModelSettings, TrainingRows
from training.learning.offsets import CalibrationFit

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class FittedModel:
    """A model, its training rows, and its calibration on those that are `calibrating`.

    `parts` (2 × rows) are cross-fitted margins, of the scorecard as if alone and of the trees: each
    is of a model that never saw its account. `given` is the model where there is one already; else
    it is fitted on first use, its scorecard from `start` on.
    """

    rows: TrainingRows
    model_settings: ModelSettings
    calibrating: split.Mask
    parts: Floats
    calibration_fit: CalibrationFit
    given: Model | None = None
    start: Start | None = None

    @classmethod
    def of(
        cls, rows: TrainingRows, model_settings: ModelSettings, calibrating: split.Mask
    ) -> "FittedModel":
        """The model fitted to `rows` with these settings.

        Raises
        ------
        GateRefused
            The calibration's slope is not positive.
        """
        parts, start = model.cross_fitted_parts(rows, model_settings)
        line = offsets.fit_rows(model.blended(parts, model_settings), rows, calibrating)
        return cls(rows, model_settings, calibrating, parts, line, start=start)

    @cached_property
    def without_trees(self) -> "FittedModel":
        """A scorecard alone, fitted to the same rows; it is a part of most models.

        Raises
        ------
        GateRefused
            The calibration's slope is not positive.
        """
        plain = replace(self.model_settings, share=0.0, rounds=0)
        if self.model_settings.share == 1:
            return FittedModel.of(self.rows, plain, self.calibrating)
        parts = self.parts * [[1.0], [0.0]]
        line = offsets.fit_rows(parts[0], self.rows, self.calibrating)
        alone = self.model.alone
        card = Model(alone, (), alone)
        return FittedModel(self.rows, plain, self.calibrating, parts, line, card)

    @cached_property
    def model(self) -> Model:
        """The model of all rows."""
        return self.given or model.fit_model(self.rows, self.model_settings, start=self.start)

    @property
    def margins(self) -> Floats:
        """Cross-fitted margins (rows,)."""
        return model.blended(self.parts, self.model_settings)

    @property
    def base(self) -> float:
        """The rate of the event in the calibration rows, as they count."""
        rows = self.calibration_rows
        return float((rows.counts * rows.y).sum() / rows.counts.sum())

    @property
    def days(self) -> Sequence[str]:
        """The as-of dates of the training rows."""
        return [str(day) for day in np.unique(self.rows.as_of)]

    @property
    def calibration_rows(self) -> TrainingRows:
        """The rows that calibrated the model."""
        return self.rows.where(self.calibrating)

    @property
    def calibration_margins(self) -> Floats:
        """Cross-fitted margins of the rows that calibrated."""
        return self.margins[self.calibrating]

    def line_of(self, mask: split.Mask) -> Calibration:
        """The line of some of the rows that calibrated, pulled by the earlier dates."""
        held = self.calibration_rows.where(mask)
        pull = self.calibration_fit.pull
        return pull.line(self.calibration_margins[mask], held.y, held.counts)

    def logits(self, X: Floats) -> Floats:
        """Calibrated log-odds (rows,) of rows with the columns of training."""
        return self.calibration_fit.line.logits(self.model.margins(X))
