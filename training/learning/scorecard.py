"""A logistic scorecard: every column has its own curve of points, and the points add up.

The curve of a number is piecewise linear in signed log1p of the value, between quantiles of what
training saw, and flat beyond them: one straight piece, which is what holds best on later dates, or
several. Its steps are I-splines of degree one (Ramsay 1988), so that a declared sign is the sign of
every step. A category has its own points, and so has the unknown.
A ridge penalty shrinks all of them. With few events it is the whole model, otherwise the part of
it on which the trees need not spend their leaves.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from training.learning import likelihood
from training.learning.likelihood import Start
from training.learning.matrix import Feature

Floats = npt.NDArray[np.float64]

STRAIGHT = (0.0, 1.0)
CURVED = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
# Rows beyond this many cells of a design add little to what its few weights can learn.
CELLS = 5_000_000
# So many rows at a time are turned into points, and added up.
AT_ONCE = 8192
DIGITS = likelihood.DIGITS


@dataclass(frozen=True)
class ColumnCard:
    """One column's points: `points` at each of `knots` (signed log1p), `missing` where unknown.

    For a category, `knots` are the codes.
    """

    knots: tuple[float, ...]
    points: tuple[float, ...]
    missing: float
    category: bool


@dataclass(frozen=True)
class Scorecard:
    """The intercept and one card for each column, in the columns' order; without cards, nothing.

    Cards are centred on training: the mean of their points over its rows is 0.
    """

    intercept: float
    cards: tuple[ColumnCard, ...]

    def margins(self, X: Floats) -> Floats:
        """The sum of points of each row, in log-odds."""
        margins = np.empty(len(X))
        for first in range(0, len(X), AT_ONCE):
            rows = slice(first, first + AT_ONCE)
            margins[rows] = self.contributions(X[rows]).sum(axis=1)
        return margins

    def contributions(self, X: Floats) -> Floats:
        """The points of every column (rows × columns + 1); the last column is the intercept."""
        points = np.zeros((len(X), X.shape[1] + 1))
        points[:, -1] = self.intercept
        if self.cards:
            points[:, self._numbers.columns] = self._numbers.points(X)
        for column in self._categories:
            points[:, column] = _of_category(X[:, column], self.cards[column])
        return points

    def times(self, weight: float) -> "Scorecard":
        """The same with all points multiplied; for the weight 0, the one without cards."""
        if weight == 0:
            return EMPTY
        cards = [
            ColumnCard(
                card.knots,
                tuple(weight * point for point in card.points),
                weight * card.missing,
                card.category,
            )
            for card in self.cards
        ]
        return Scorecard(weight * self.intercept, tuple(cards))

    @cached_property
    def _categories(self) -> list[int]:
        return [column for column, card in enumerate(self.cards) if card.category]

    @cached_property
    def _numbers(self) -> "_Numbers":
        columns = [column for column, card in enumerate(self.cards) if not card.category]
        cards = [self.cards[column] for column in columns]
        return _Numbers.of(np.array(columns, dtype=np.int64), cards)


EMPTY = Scorecard(0.0, ())


def _of_category(codes: Floats, card: ColumnCard) -> Floats:
    table = np.append(card.points, card.missing)
    is_known = ~np.isnan(codes)
    return table[np.where(is_known, codes, len(card.points)).astype(np.int64)]


@dataclass(frozen=True)
class _Numbers:
    """The cards of numbers as arrays (columns × steps), so that a row costs microseconds."""

    columns: npt.NDArray[np.int64]
    starts: Floats
    widths: Floats
    rises: Floats
    lowest: Floats
    missing: Floats

    @classmethod
    def of(cls, columns: npt.NDArray[np.int64], cards: Sequence[ColumnCard]) -> "_Numbers":
        steps = max((len(card.knots) for card in cards), default=1) - 1
        starts, widths, rises = (np.full((len(cards), steps), fill) for fill in (0.0, 1.0, 0.0))
        for number, card in enumerate(cards):
            count = len(card.knots) - 1
            starts[number, :count] = card.knots[:-1]
            widths[number, :count] = np.diff(card.knots)
            rises[number, :count] = np.diff(card.points)
        lowest = np.array([card.points[0] for card in cards])
        missing = np.array([card.missing for card in cards])
        return cls(columns, starts, widths, rises, lowest, missing)

    def points(self, X: Floats) -> Floats:
        bent = signed_log(X[:, self.columns])
        points = np.broadcast_to(self.lowest, bent.shape).copy()
        for step in range(self.starts.shape[1]):
            way = (bent - self.starts[:, step]) / self.widths[:, step]
            points += self.rises[:, step] * np.clip(way, 0.0, 1.0)
        return np.where(np.isnan(bent), self.missing, points)


def signed_log(X: Floats) -> Floats:
    """sign(x) · log(1 + |x|) of every value.

    Examples
    --------
    >>> signed_log(np.array([-1.0, 0.0, 1.0])).round(3).tolist()
    [-0.693, 0.0, 0.693]
    """
    return np.asarray(np.sign(X) * np.log1p(np.abs(X)))


def fit_scorecards(  # noqa: PLR0913 (rows, their columns, and what is asked of a card)
    X: Floats,
    y: npt.NDArray[np.int8],
    features: Sequence[Feature],
    signs: Sequence[int],
    penalties: Sequence[float],
    quantiles: Sequence[float] = CURVED,
    start: Start | None = None,
) -> tuple[list[Scorecard], Start]:
    """A scorecard for each ridge penalty, strongest first, which is the quickest order.

    Also returns where the fit of similar rows may start, for the same penalties.

    Parameters
    ----------
    X, y : arrays of shape (rows × columns) and (rows,)
    features, signs : sequences over the columns
        What they are, and how the margin may move with the value (−1, 0, 1).
    penalties : sequence of float
        Of the squared log-odds, in units of one row's loss.
    quantiles : sequence of float
        Where the curves may bend.
    start : Start, optional
        Where a fit of similar rows ended: it shortens the way, and the kept digits are the same.
    """
    designs = [
        column_design(X[:, column], feature, sign, quantiles)
        for column, (feature, sign) in enumerate(zip(features, signs, strict=True))
    ]
    design = np.hstack([np.ones((len(X), 1)), *(part.columns for part in designs)])
    bound = np.concatenate([np.zeros(1), *(part.bounds for part in designs)])
    with likelihood.one_thread():
        fits = likelihood.maxima(design, y, bound, penalties, start)
    cards = [_scorecard(np.round(weights, DIGITS), designs) for weights in fits.weights]
    return cards, fits


def width(features: Sequence[Feature], quantiles: Sequence[float]) -> int:
    """How many weights a design has at most."""
    weights = [len(feature.categories) or len(quantiles) - 1 for feature in features]
    return 1 + sum(weights) + len(weights)


@dataclass(frozen=True)
class ColumnDesign:
    """A column's part of the design: its columns, the signs of their weights, and its knots.

    `flag` says whether the last column marks unknown values; where training has none, an unknown
    value is worth the mean.
    """

    columns: Floats
    bounds: Floats
    knots: Floats
    spread: float
    category: bool
    flag: bool

    def card(self, weights: Floats) -> tuple[ColumnCard, float]:
        """The centred card, and the mean that was taken out of it."""
        mean = float(self.columns.mean(axis=0) @ weights)
        known_weights = weights[: len(weights) - self.flag]
        if self.category:
            points = known_weights
        else:
            rises = known_weights[0] * np.diff(self.knots) / self.spread
            if len(known_weights) > 1:
                rises = rises + known_weights[1:]
            points = np.concatenate([[0.0], np.cumsum(rises)])
        centred = tuple(float(point) for point in points - mean)
        missing = float(weights[-1] - mean) if self.flag else 0.0
        return ColumnCard(tuple(self.knots.tolist()), centred, missing, self.category), mean


def column_design(
    values: Floats, feature: Feature, sign: int, quantiles: Sequence[float] = CURVED
) -> ColumnDesign:
    """The column's part of the design; unknown values are at the lowest knot, with a flag."""
    unknown = np.isnan(values)
    flags = unknown[:, None] if unknown.any() else unknown[:, None][:, :0]
    flag = bool(flags.shape[1])
    if feature.dtype == "category":
        codes = np.arange(float(max(len(feature.categories), 1)))
        columns = np.hstack([values[:, None] == codes, flags]).astype(np.float64)
        return ColumnDesign(columns, np.zeros(columns.shape[1]), codes, 1.0, True, flag)
    bent = signed_log(values)
    seen = bent[~unknown]
    knots = np.unique(np.quantile(seen, quantiles)) if len(seen) else np.zeros(1)
    spread = float(seen.std()) or 1.0 if len(seen) else 1.0
    filled = np.where(unknown, knots[0], bent)[:, None]
    # A single piece is the line itself.
    inner = knots if len(knots) > 2 else knots[:1]
    ramps = np.clip((filled - inner[:-1]) / np.diff(inner), 0.0, 1.0)
    columns = np.hstack([(filled - knots[0]) / spread, ramps, flags])
    bounds = np.array([sign] * (1 + ramps.shape[1]) + [0] * flag, dtype=np.float64)
    return ColumnDesign(columns, bounds, knots, spread, False, flag)


def _scorecard(weights: Floats, designs: Sequence[ColumnDesign]) -> Scorecard:
    intercept, start, cards = float(weights[0]), 1, []
    for design in designs:
        end = start + design.columns.shape[1]
        card, mean = design.card(weights[start:end])
        cards.append(card)
        intercept, start = intercept + mean, end
    return Scorecard(intercept, tuple(cards))
