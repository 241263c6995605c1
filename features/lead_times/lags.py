"""The grid of lags: whole days from an as-of date to the day of the churn, in half-open bins."""

from dataclasses import dataclass
from itertools import pairwise

LONGEST = 365


@dataclass(frozen=True, order=True)
class Lag:
    """Churn `start` to `upto − 1` days after the as-of date; day 0 is the as-of date itself."""

    start: int
    upto: int


def grid(gap: int, step: int, longest: int = LONGEST) -> list[Lag]:
    """Bins of `step` days that cover 0 to `longest` days before churn, nearest first.

    The target's `gap` (days) is one of the edges, so that everything before it was known
    when somebody could still act; the bin nearest to churn may be narrower for that.
    """
    edges = sorted({0, *range(gap % step, longest + step + 1, step)})
    return [Lag(start, upto) for start, upto in pairwise(edges) if start <= longest]


def at_gap(lags: list[Lag], gap: int) -> int:
    """The number of the first bin that lies wholly before the gap."""
    return next(number for number, lag in enumerate(lags) if lag.start >= gap)
