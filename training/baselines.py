"""What a model must beat: logistic regression on the same columns, and the best column alone.

Both go the model's own way (calibrated on cross-fitted margins of the latest as-of date), so that
a difference is one of ranking and shape, and not of the base rate's shift.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from training import calibration, evaluate, model
from training.calibration import Calibration
from training.matrix import Feature
from training.model import Model, Restraint, Rows

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Baseline:
    """A simple model of some of the columns (`places`), calibrated."""

    name: str
    places: Sequence[int]
    model: Model
    line: Calibration

    def logits(self, X: Floats) -> Floats:
        """Calibrated log-odds (rows,) of rows with all columns."""
        return self.line.logits(self.model.margins(X[:, list(self.places)]))


def of(rows: Rows, restraint: Restraint) -> list[Baseline]:
    """The baselines that learn from `rows`; of a scorecard, only the column alone.

    A model that is a scorecard is a logistic regression, and is not set beside itself.
    """
    plain = replace(restraint, share=0.0)
    found = [_made(f"{_best(rows).name} alone", [rows.features.index(_best(rows))], rows, plain)]
    if restraint.share:
        every = list(range(len(rows.features)))
        found.append(_made("logistic regression on the same columns", every, rows, plain))
    return found


def _made(name: str, places: Sequence[int], rows: Rows, plain: Restraint) -> Baseline:
    own = rows.only(places)
    latest = rows.as_of == rows.as_of.max()
    margins = model.cross_fitted(own, plain)
    line = calibration.fit(margins[latest], rows.y[latest])
    return Baseline(name, places, model.fit(own, plain), line)


def _best(rows: Rows) -> Feature:
    """The column that tells the outcome best by itself, where it taught."""
    apart = [
        abs((evaluate.alone(rows.X[:, place], rows.y)["auc"] or 0.5) - 0.5)
        for place in range(len(rows.features))
    ]
    return rows.features[int(np.argmax(apart))]
