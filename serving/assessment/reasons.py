"""Which drivers of a score are worth saying: its reasons, the same on pages, in files and the API.

A score's drivers add up to it; its reasons do not: those that are left out keep their points in
the sums.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

from serving.assessment.score_parts import Driver, TargetScore
from training.explaining.drivers import amount

MAX_REASONS = 4
REAL_POINTS = 0.5


def reasons(score: TargetScore) -> tuple[Driver, ...]:
    """The drivers worth saying: at most four, each of them a `is_reason`.

    First those of the side that `raising_first` names, the largest first, but a leading one before
    all others, for a lagging one is no headline. Where they would take all places, a real one of
    the other side takes the last.
    """
    worth_saying = [driver for driver in merged(score.drivers) if is_reason(driver)]
    raising = raising_first(score)
    ranked = sorted(
        worth_saying,
        key=lambda driver: ((driver.points > 0) != raising, -abs(driver.points), driver.indicator),
    )
    headline = next((driver for driver in ranked if driver.kind == "leading"), None)
    if headline is None:
        return ()
    return tuple(_both_sides([headline, *(driver for driver in ranked if driver is not headline)]))


def raising_first(score: TargetScore) -> bool:
    """Whether what raises the score comes first.

    It does for a healthy account and for an opportunity; of an account that is not healthy one
    wants to know what lowers its score.
    """
    return getattr(score, "band", "green") == "green"


def merged(drivers: Sequence[Driver]) -> list[Driver]:
    """The drivers with those of one concept as one, the largest of its side, with all its points.

    They keep their order, that of their points included.
    """
    groups: dict[str, list[Driver]] = {}
    for driver in drivers:
        groups.setdefault(driver.concept or f"indicator {driver.indicator}", []).append(driver)
    return sorted(map(_as_one, groups.values()), key=lambda driver: -abs(driver.points))


def _as_one(group: Sequence[Driver]) -> Driver:
    if len(group) == 1:
        return group[0]
    whole = math.fsum(driver.points for driver in group)
    same_side = [driver for driver in group if (driver.points > 0) == (whole > 0)]
    largest = max(same_side or group, key=lambda driver: abs(driver.points))
    return replace(largest, points=whole)


def is_reason(driver: Driver) -> bool:
    """Whether a driver may be a reason: known, no context, half a point or more, and unusual.

    None raises an opportunity by what is unhealthy, such as payments that are late.
    """
    can_be_shown = driver.kind != "context" and driver.value is not None and not driver.unhealthy
    return can_be_shown and abs(driver.points) >= REAL_POINTS and reads_unusual(driver)


def reads_unusual(driver: Driver) -> bool:
    """Whether the value differs from the usual one as both are printed."""
    return amount(driver.value, driver.unit) != amount(driver.usual, driver.unit)


def _both_sides(ranked: Sequence[Driver]) -> list[Driver]:
    first = list(ranked[:MAX_REASONS])
    sides = {driver.points > 0 for driver in first}
    other = [driver for driver in ranked[MAX_REASONS:] if (driver.points > 0) not in sides]
    return [*first[:-1], other[0]] if len(sides) == 1 and other else first
