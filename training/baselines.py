"""What a model must beat: the best column alone, and the scorecard of the same columns.

Both go the model's own way (calibrated on cross-fitted margins of their history), so that a
difference is one of ranking and shape, and not of the base rate's shift. A model is never set
beside itself: a scorecard not beside a scorecard, a model of one column not beside that column.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from features.errors import GateRefused
from training import calibration, evaluate, gate, model, offsets, split
from training.calibration import Calibration
from training.matrix import Feature
from training.model import Model, Restraint, Rows
from training.offsets import Pull

Floats = npt.NDArray[np.float64]
Groups = npt.NDArray[np.int64]

TENTHS = np.arange(1, 10) / 10


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


def beside(
    logits: Floats, test: Rows, taught: Rows, restraint: Restraint, calibrating: split.Mask
) -> list[dict[str, Any]]:
    """By how much `logits` of `test` beat each baseline that the rows `taught`.

    Parameters
    ----------
    calibrating : mask over the rows that taught
        Those that calibrate, as they calibrated the model.

    Returns
    -------
    list of dict
        `baseline` and the gain in log loss as `value`, `low` and `high`. A baseline whose
        calibration would run backwards is worth no more than the base rate, and is left out.
    """
    found = []
    for name, own, places in _drafts(taught, restraint):
        try:
            simple = _made(name, places, own, replace(restraint, share=0.0), calibrating)
        except GateRefused:
            continue
        found.append(_gain(name, logits, simple.logits(test.X), test))
    return found


def beside_held(logits: Floats, taught: Rows, restraint: Restraint, at: split.Mask) -> list[Any]:
    """The same where no later date is at hand, for the rows under the mask `at`.

    `logits` are theirs, each from a model and a line that never saw its account; so are those of
    the baselines.
    """
    held = taught.where(at)
    found = []
    for name, own, _ in _drafts(taught, restraint):
        margins = model.cross_fitted(own, replace(restraint, share=0.0))
        try:
            simple = cross_calibrated(margins[at], held, offsets.of(margins, own, at).pull)
        except GateRefused:
            continue
        found.append(_gain(name, logits, simple, held))
    return found


def cross_calibrated(margins: Floats, rows: Rows, pull: Pull) -> Floats:
    """Logits of held margins (rows,), each fold's line fitted on the other folds' rows."""
    logits = np.empty(len(margins))
    for fold in split.grouped(rows.accounts):
        line = pull.line(margins[fold.train], rows.y[fold.train])
        logits[fold.test] = line.logits(margins[fold.test])
    return logits


def _drafts(rows: Rows, restraint: Restraint) -> Iterator[tuple[str, Rows, list[int]]]:
    """The name of each baseline, its rows and the places of its columns."""
    every = list(range(len(rows.features)))
    if len(every) > 1:
        best = _best(rows)
        yield f"{rows.features[best].name} alone", rows.only([best]), [best]
    if restraint.share:
        yield gate.SCORECARD, rows, every


def _made(
    name: str, places: Sequence[int], own: Rows, plain: Restraint, calibrating: split.Mask
) -> Baseline:
    history = offsets.of(model.cross_fitted(own, plain), own, calibrating)
    return Baseline(name, places, model.fit(own, plain), history.line)


def _gain(name: str, logits: Floats, other: Floats, rows: Rows) -> dict[str, Any]:
    losses = calibration.log_losses(logits, rows.y)
    return {"baseline": name, **evaluate.gain(losses, other, rows.y, rows.accounts)}


def _best(rows: Rows) -> int:
    """The place of the column that tells the outcome best by itself, where it taught."""
    losses = [
        _loss_by_rate(_groups(rows.X[:, place], feature), rows.y)
        for place, feature in enumerate(rows.features)
    ]
    return int(np.argmin(losses))


def _groups(values: Floats, feature: Feature) -> Groups:
    """The group of each row: its category or the tenth its number is in; the unknown are one."""
    known = ~np.isnan(values)
    if not known.any():
        return np.zeros(len(values), dtype=np.int64)
    groups = np.zeros(len(values), dtype=np.int64)
    if feature.dtype == "category":
        groups[known] = 1 + values[known].astype(np.int64)
    else:
        edges = np.unique(np.quantile(values[known], TENTHS))
        groups[known] = 1 + np.searchsorted(edges, values[known], "right")
    return groups


def _loss_by_rate(groups: Groups, y: npt.NDArray[np.int8]) -> float:
    """The mean log loss of saying of each row how often its group has the event."""
    rows = np.bincount(groups)
    rates = (np.bincount(groups, y) + y.mean()) / (rows + 1)
    chance = rates[groups]
    return float(-np.log(np.where(y == 1, chance, 1 - chance)).mean())
