"""Declared sides that the data contradict, and what each of them costs.

A side is a restraint. A right one keeps the model of a small company honest; a wrong one takes its
indicator away, and no figure tells. On each fold two scorecards of straight lines are fitted, with
all sides and with none. Where an indicator's points run against its side in the second, they are
held against what the first leaves unexplained on the fold's later rows: a score test (Rao 1948) by
sums of accounts, significant over all indicators that have a side (Holm 1979). The cost of a side
is what the first scorecard gains by leaving its indicator free; one that costs nothing may stay.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import count

import numpy as np
import numpy.typing as npt
from scipy.special import expit, ndtr

from features.declaring.indicator import Side
from features.declaring.target import Target
from training.calibrating import calibration
from training.learning import model
from training.learning.folds import folds_of, thinned
from training.learning.model import TrainingRows
from training.learning.scorecard import Scorecard
from training.learning.split import CvFold
from training.metrics import quality
from training.metrics.measured import Measured
from training.phrases import figures

Floats = npt.NDArray[np.float64]
Columns = Mapping[str, list[int]]

FIX = "turn the side round, or leave it out where neither is right"
PENALTY = 10.0
# What a side costs shows on more dates than a search of settings needs.
MOST_FOLDS = 12
# The chance that any right side of a target is called wrong.
FALSE_ALARMS = 0.05


@dataclass(frozen=True)
class ContradictedSide:
    """A side of an indicator and its `cost`: the log loss on later rows that it adds."""

    indicator: str
    side: Side
    cost: Measured


@dataclass(frozen=True)
class _Fold:
    """Rows to fit on, and later ones to measure on."""

    train: TrainingRows
    test: TrainingRows

    def card(self, signs: Sequence[int]) -> Scorecard:
        """The scorecard of the earlier rows under these signs."""
        (card,), _ = model.scorecards(replace(self.train, signs=signs), [PENALTY], curved=False)
        return card

    @cached_property
    def bound(self) -> Floats:
        """Margins of the later rows with all sides."""
        return self.card(self.train.signs).margins(self.test.X)

    @cached_property
    def surplus(self) -> Floats:
        """What happened less what the scorecard with all sides expects, per later row."""
        slopes, offsets = calibration.lines(self.bound[None], self.test.y)
        # A reversed scorecard knows nothing but the base rate.
        return np.asarray(self.test.y - expit(max(slopes[0], 0.0) * self.bound + offsets[0]))

    @cached_property
    def free(self) -> Floats:
        """Points of the later rows by column, without any side."""
        card = self.card([0] * len(self.train.signs))
        return card.contributions(self.test.X)[:, :-1]

    def rise(self, columns: Sequence[int]) -> float:
        """By how much the free points of columns rise with their values, in the sides' direction.

        Over one standard deviation of each column.
        """
        signs = self.train.signs
        slopes = [_slope(self.test.X[:, one], self.free[:, one]) for one in columns]
        return sum(signs[one] * slope for one, slope in zip(columns, slopes, strict=True))

    def pull(self, columns: Sequence[int]) -> Floats:
        """Per later row, how the surplus goes with the free points of columns."""
        points = self.free[:, columns].sum(axis=1)
        return np.asarray(self.surplus * (points - points.mean()))

    def cost(self, columns: Sequence[int]) -> Floats:
        """Per later row, the log loss that the sides of columns add."""
        signs = [0 if one in columns else sign for one, sign in enumerate(self.train.signs)]
        freed = self.card(signs).margins(self.test.X)
        held, without = calibration.left_over(np.stack([self.bound, freed]), self.test.y)
        return np.asarray(held - without)


def contradicted(rows: TrainingRows, target: Target) -> tuple[ContradictedSide, ...]:
    """The sides of a target that labelled rows contradict, the dearest first."""
    columns = _sided(rows)
    folds = [_ready(rows, fold) for fold in folds_of(rows, target, MOST_FOLDS)[0]]
    if not columns or not folds:
        return ()
    accounts = [account for fold in folds for account in fold.test.accounts]
    chances = {
        name: _chance(np.concatenate([fold.pull(numbers) for fold in folds]), accounts)
        for name, numbers in columns.items()
        if sum(fold.rise(numbers) for fold in folds) < 0
    }
    found = []
    for name in _significant(chances, len(columns)):
        numbers = columns[name]
        by_row = np.concatenate([fold.cost(numbers) for fold in folds])
        cost = quality.mean_interval(by_row, accounts)
        if cost.above_zero:
            found.append(ContradictedSide(name, _side(rows.signs[numbers[0]], target), cost))
    return tuple(sorted(found, key=lambda item: -(item.cost.value or 0.0)))


def _ready(rows: TrainingRows, fold: CvFold) -> _Fold:
    return _Fold(*thinned(rows, fold))


def said(found: ContradictedSide, target: Target) -> str:
    """A contradicted side in words, with its cost and the cure."""
    key = "healthy" if target.adverse else "likelier"
    return (
        f'the data contradict {key} = "{found.side}" of {found.indicator}: without that side the '
        f"log loss on later rows is lower by {figures(found.cost)}"
    )


def _sided(rows: TrainingRows) -> Columns:
    """The columns of each indicator that has a side."""
    columns: dict[str, list[int]] = {}
    for number, feature, sign in zip(count(), rows.features, rows.signs, strict=False):
        if sign:
            columns.setdefault(feature.indicator, []).append(number)
    return columns


def _side(sign: int, target: Target) -> Side:
    """The side that was declared where the margin may move with the value as `sign` says."""
    return "higher" if (sign > 0) != target.adverse else "lower"


def _slope(values: Floats, points: Floats) -> float:
    """By how much points rise over one standard deviation of the known values."""
    is_known = ~np.isnan(values)
    if not is_known.any() or not (spread := values[is_known].std()):
        return 0.0
    return float(np.cov(values[is_known], points[is_known], bias=True)[0, 1] / spread)


def _chance(values: Floats, accounts: Sequence[str]) -> float:
    """The chance of a sum so far above 0 where there is nothing; the normal one, by account."""
    codes = np.unique(np.asarray(accounts), return_inverse=True)[1]
    error = float(np.sqrt((np.bincount(codes, values) ** 2).sum()))
    return float(ndtr(-values.sum() / error)) if error else 1.0


def _significant(chances: Mapping[str, float], tests: int) -> list[str]:
    """The names that are significant among so many tests, by Holm's steps."""
    ordered = sorted(chances, key=lambda name: chances[name])
    for place, name in enumerate(ordered):
        if chances[name] > FALSE_ALARMS / (tests - place):
            return ordered[:place]
    return ordered
