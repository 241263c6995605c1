"""All the figures of one score, by dimension, rounded so that they visibly add up.

Its one rule: the printed parts sum to the printed whole, and no part is off by a tenth of a
point from the assessment's own figure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor

from features.declaring.indicator import DIMENSIONS
from serving.assessment.assess import Assessment
from serving.assessment.score_parts import Driver
from serving.pages import wording
from training.explaining.drivers import span

CONTEXT = "context"
GROUP_WORDS = {
    "outcome": "Outcomes",
    "business": "Business",
    "relationship": "Relationship",
    CONTEXT: "Context (cannot be changed)",
}


@dataclass(frozen=True, slots=True)
class DriverFigure:
    """One driver's line in the table of all figures."""

    title: str
    value: str
    usual: str
    window: str
    kind: str
    points: str


@dataclass(frozen=True, slots=True)
class DimensionSum:
    """A dimension's drivers and what they come to."""

    title: str
    points: str
    figures: tuple[DriverFigure, ...]


@dataclass(frozen=True, slots=True)
class Sum:
    """The whole score as a sum that adds up in its printed decimals."""

    base: str
    groups: tuple[DimensionSum, ...]
    total: str
    clipped: bool


def adding_up(assessment: Assessment) -> Sum | None:
    """Every driver by dimension, rounded to one decimal so that each sum is exact.

    The total is the unclipped score rounded down, as the printed score is; its tenths are
    shared out among the parts by largest remainder (Hamilton's method), so that no part is
    off by a whole tenth from its own sum.
    """
    if assessment.health_score_unclipped is None or assessment.base_points is None:
        return None
    parts = {name: _members(assessment, name) for name in (*DIMENSIONS, CONTEXT)}
    parts = {name: members for name, members in parts.items() if members}
    sums = [assessment.base_points, *(getattr(assessment, f"{name}_points") for name in parts)]
    total = floor(10 * assessment.health_score_unclipped)
    base, *shares = share_out(total, [10 * value for value in sums])
    groups = (
        _group(name, members, tenths)
        for (name, members), tenths in zip(parts.items(), shares, strict=True)
    )
    return Sum(
        base=wording.points(base / 10),
        groups=tuple(groups),
        total=f"{total / 10:.1f}".replace("-", "−"),
        clipped=assessment.health_score != assessment.health_score_unclipped,
    )


def share_out(total: int, values: Sequence[float]) -> list[int]:
    """`values` rounded to whole numbers that sum to `total`, by largest remainder."""
    floors = [floor(value) for value in values]
    order = sorted(range(len(values)), key=lambda i: floors[i] - values[i])
    missing = total - sum(floors)
    for index in order[: max(missing, 0)]:
        floors[index] += 1
    floors[order[-1]] += min(missing, 0)
    return floors


def _members(assessment: Assessment, name: str) -> list[Driver]:
    mine = [
        driver
        for driver in assessment.drivers
        if name == (CONTEXT if driver.kind == CONTEXT else driver.dimension)
    ]
    return sorted(mine, key=lambda driver: -abs(driver.points))


def _group(name: str, members: Sequence[Driver], tenths: int) -> DimensionSum:
    shares = share_out(tenths, [10 * driver.points for driver in members])
    return DimensionSum(
        title=GROUP_WORDS[name],
        points=wording.points(tenths / 10),
        figures=tuple(map(_figure, members, shares)),
    )


def _figure(driver: Driver, tenths: int) -> DriverFigure:
    return DriverFigure(
        title=driver.title,
        value=wording.known(driver.value, driver.unit),
        usual=wording.DASH if driver.usual is None else wording.known(driver.usual, driver.unit),
        window=span(driver.window),
        kind=driver.kind,
        points=wording.points(tenths / 10),
    )
