"""The value of scores to a team that works the riskiest first: gains, lift and precision.

The numbers are those of `training.metrics.value`, as evaluations hold them.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from training.metrics.value import GainsPoint
from training.metrics.worth import AtCapacity
from training.reporting.drawing import BLUE, ORANGE, QUIET, drawn, percent, whiskers
from training.reporting.page import Figure, Table, number, share, shares
from training.reporting.target_words import CHURN, TargetWords

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def gains(
    points: Sequence[GainsPoint], capacity: float | None = None, words: TargetWords = CHURN
) -> Figure:
    """The cumulative gains of working the riskiest accounts first.

    Parameters
    ----------
    points : sequence of GainsPoint
        As `value.gains` returns.
    capacity : float, optional
        The team's, marked.
    """
    across = [point.share for point in points]
    reach = [point.reach for point in points]
    tenth = _at(0.1, across, reach)

    def draw(axis: "Axes") -> None:
        axis.plot([0, 1], [0, 1], color=QUIET, linewidth=0.8, linestyle="--", label="by chance")
        axis.plot(
            across, np.array(reach, dtype=float), color=BLUE, linewidth=1.8, label="by the score"
        )
        _mark_capacity(axis, capacity)
        axis.set(xlim=(0, 1), ylim=(0, 1.02))
        axis.set(xlabel=words.order, ylabel=f"of all that {words.happened}")
        percent(axis, "x", "y")
        axis.legend(loc="lower right")

    rows = [[share(point.share), share(point.reach)] for point in points]
    return Figure(
        "gains",
        "Cumulative gains",
        drawn(draw),
        f"Cumulative gains: the {words.first} tenth of the accounts contains {share(tenth)} of all "
        f"that {words.happened}; by chance 10%.",
        Table("Cumulative gains", ["accounts worked", f"of all that {words.happened}"], rows),
    )


def lift(
    points: Sequence[GainsPoint], capacity: float | None = None, words: TargetWords = CHURN
) -> Figure:
    """How many times more churned accounts than chance the riskiest hold; as `gains`."""
    across, lifts = _known_lifts(points)
    tenth = _at(0.1, across, lifts)

    def draw(axis: "Axes") -> None:
        axis.axhline(1, color=QUIET, linewidth=0.8, linestyle="--", label="by chance")
        axis.plot(across, lifts, color=BLUE, linewidth=1.8)
        _mark_capacity(axis, capacity)
        axis.set(xlim=(0, 1), xlabel=words.order, ylabel="lift")
        axis.set_ylim(0, max([1.2, *lifts]) * 1.08)
        percent(axis, "x")
        axis.legend(loc="lower left")

    rows = [[share(x), number(y, 2)] for x, y in zip(across, lifts, strict=True)]
    return Figure(
        "lift",
        "Lift",
        drawn(draw),
        f"Lift: the {words.first} tenth of the accounts contains {number(tenth, 2)} times as many "
        f"that {words.happened} as by chance.",
        Table("Lift", ["accounts worked", "lift"], rows),
    )


def precision(
    points: Sequence[GainsPoint], base_rate: float, worked: AtCapacity, words: TargetWords = CHURN
) -> Figure:
    """Precision by the share of accounts that is worked, the team's capacity marked.

    Parameters
    ----------
    points : sequence of GainsPoint
        As `value.gains` returns.
    base_rate : float
        The precision of chance.
    worked : AtCapacity
        What working the team's capacity finds.
    """
    across, lifts = _known_lifts(points)
    precisions, at = [y * base_rate for y in lifts], worked.precision

    def draw(axis: "Axes") -> None:
        axis.axhline(base_rate, color=QUIET, linewidth=0.8, linestyle="--", label="by chance")
        axis.plot(across, precisions, color=BLUE, linewidth=1.8)
        if at.value is not None:
            whiskers(axis, [worked.share], [at], ORANGE, label="at capacity")
        axis.set(xlim=(0, 1), xlabel=words.order, ylabel="precision")
        axis.set_ylim(0, min(1.02, max([base_rate, *precisions, at.high or 0.0]) * 1.1 + 0.02))
        percent(axis, "x", "y")
        axis.legend(loc="lower left")

    rows = [[share(x), share(y, 1)] for x, y in zip(across, precisions, strict=True)]
    return Figure(
        "precision-at-capacity",
        "Precision at capacity",
        drawn(draw),
        f"Precision: of the {words.first} {share(worked.share)} of the accounts (the team's "
        f"capacity), {shares(at)} {words.happened}; of all accounts, {share(base_rate)}.",
        Table("Precision", ["accounts worked", f"of these {words.happened}"], rows),
    )


def _known_lifts(points: Sequence[GainsPoint]) -> tuple[list[float], list[float]]:
    """Shares and lifts, where the lift is known."""
    measured = [(point.share, point.lift) for point in points if point.lift is not None]
    return [x for x, _ in measured], [y for _, y in measured]


def _mark_capacity(axis: "Axes", capacity: float | None) -> None:
    if capacity is not None:
        label = f"capacity {share(capacity)}"
        axis.axvline(capacity, color=ORANGE, linewidth=1, linestyle=":", label=label)


def _at(target: float, across: Sequence[float], values: Sequence[float | None]) -> float | None:
    if not values or None in values:
        return None
    return float(np.interp(target, across, np.array(values, dtype=float)))
