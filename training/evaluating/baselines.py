"""Baselines that a model must beat: the best column alone, and the scorecard of the same columns.

The best column is one of those that are declared, by which anybody can sort: a pace is what the
model makes of two of them, and where decline is the whole cause it would refuse every model.

Both go the model's own way (calibrated on cross-fitted margins of their history), so that a
difference is one of ranking and shape, and not of the base rate's shift. A model is never set
beside itself: a scorecard not beside a scorecard, a model of one column not beside that column.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from features.errors import GateRefused
from training.evaluating.origins import SCORECARD, Rival, constant
from training.learning import split
from training.learning.fitted import FittedModel
from training.learning.matrix import Feature
from training.learning.model import TrainingRows

Floats = npt.NDArray[np.float64]
Groups = npt.NDArray[np.int64]

TENTHS = np.arange(1, 10) / 10


def beside(test: TrainingRows, fitted: FittedModel) -> list[Rival]:
    """The baselines, trained and calibrated on the model's own rows, on the rows `test`.

    The best column comes first. A baseline whose calibration would run backwards is worth no more
    than the base rate, and predicts that.
    """
    rivals = []
    for name, columns, make in _drafts(fitted):
        try:
            logits = make().logits(test.X[:, columns])
        except GateRefused:
            logits = constant(fitted.base, len(test.y))
        rivals.append(Rival(name, logits))
    return rivals


def beside_held(fitted: FittedModel) -> list[Rival]:
    """The same where no later date is at hand, on the rows that calibrated.

    Each row by a model and a line that never saw its account.
    """
    rivals = []
    for name, _, make in _drafts(fitted):
        try:
            logits = cross_calibrated(make())
        except GateRefused:
            logits = constant(fitted.base, len(fitted.calibration_rows.y))
        rivals.append(Rival(name, logits))
    return rivals


def cross_calibrated(fitted: FittedModel) -> Floats:
    """Logits of the rows that calibrated, each fold's line fitted on the other folds' rows."""
    margins, rows = fitted.calibration_margins, fitted.calibration_rows
    logits = np.empty(len(margins))
    for fold in split.by_account(rows.accounts):
        logits[fold.test] = fitted.line_of(fold.train).logits(margins[fold.test])
    return logits


def _drafts(fitted: FittedModel) -> Iterator[tuple[str, list[int], Callable[[], FittedModel]]]:
    """The name of each baseline, the numbers of its columns, and the function that trains it."""
    every = list(range(len(fitted.rows.features)))
    if len(every) > 1:
        best = _best(fitted.rows)
        yield f"{fitted.rows.features[best].name} alone", [best], lambda: _alone(fitted, best)
    if fitted.model_settings.share:
        yield SCORECARD, every, lambda: fitted.without_trees


def _alone(fitted: FittedModel, column: int) -> FittedModel:
    """The model of one column."""
    plain = replace(fitted.model_settings, share=0.0)
    return FittedModel.of(fitted.rows.only([column]), plain, fitted.calibrating)


def _best(rows: TrainingRows) -> int:
    """The number of the declared column that alone predicts best for accounts it was not fitted on.

    For those it was fitted on a category of many values predicts best, even where it is noise.
    """
    fold = split.account_folds(rows.accounts)
    losses = {
        column: _loss_by_rate(_groups(rows.X[:, column], feature), rows.y, fold)
        for column, feature in enumerate(rows.features)
        if not feature.is_made
    }
    return min(losses, key=lambda column: losses[column])


def _groups(values: Floats, feature: Feature) -> Groups:
    """The group of each row: its category or the tenth its number is in; the unknown are one."""
    has_value = ~np.isnan(values)
    if not has_value.any():
        return np.zeros(len(values), dtype=np.int64)
    groups = np.zeros(len(values), dtype=np.int64)
    if feature.dtype == "category":
        groups[has_value] = 1 + values[has_value].astype(np.int64)
    else:
        edges = np.unique(np.quantile(values[has_value], TENTHS))
        groups[has_value] = 1 + np.searchsorted(edges, values[has_value], "right")
    return groups


def _loss_by_rate(groups: Groups, y: npt.NDArray[np.int8], fold: Groups) -> float:
    """The mean log loss of predicting for each row its group's rate in the other folds."""
    cells = (split.FOLDS, int(groups.max()) + 1)
    cell = fold * cells[1] + groups
    rows = np.bincount(cell, minlength=cells[0] * cells[1]).reshape(cells)
    events = np.bincount(cell, y, minlength=cells[0] * cells[1]).reshape(cells)
    others = events.sum(axis=0) - events, rows.sum(axis=0) - rows
    chance = ((others[0] + y.mean()) / (others[1] + 1))[fold, groups]
    return float(-np.log(np.where(y == 1, chance, 1 - chance)).mean())
