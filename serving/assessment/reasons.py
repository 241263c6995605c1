"""Which drivers of a score are worth saying: its reasons, the same on pages, in files and the API.

A score's drivers add up to it; its reasons do not: those that are left out keep their points in
the sums.
"""

from collections.abc import Sequence

from serving.assessment.score_parts import Driver, TargetScore
from training.explaining.drivers import amount

MAX_REASONS = 4
REAL_POINTS = 0.5


def reasons(score: TargetScore) -> tuple[Driver, ...]:
    """The drivers worth saying: at most four, each of them a `is_reason`.

    The largest leading one comes first, for a lagging one is no headline; the others follow by
    the size of their points. Where all are on one side, a real one of the other side takes the
    last place.
    """
    worth_saying = [driver for driver in score.drivers if is_reason(driver)]
    ranked = sorted(worth_saying, key=lambda driver: (-abs(driver.points), driver.indicator))
    headline = next((driver for driver in ranked if driver.kind == "leading"), None)
    if headline is None:
        return ()
    return tuple(_both_sides([headline, *(driver for driver in ranked if driver is not headline)]))


def is_reason(driver: Driver) -> bool:
    """Whether a driver may be a reason: known, no context, half a point or more, and unusual."""
    can_be_shown = driver.kind != "context" and driver.value is not None
    return can_be_shown and abs(driver.points) >= REAL_POINTS and reads_unusual(driver)


def reads_unusual(driver: Driver) -> bool:
    """Whether the value differs from the usual one as both are printed."""
    return amount(driver.value, driver.unit) != amount(driver.usual, driver.unit)


def _both_sides(ranked: Sequence[Driver]) -> list[Driver]:
    first = list(ranked[:MAX_REASONS])
    sides = {driver.points > 0 for driver in first}
    other = [driver for driver in ranked[MAX_REASONS:] if (driver.points > 0) not in sides]
    return [*first[:-1], other[0]] if len(sides) == 1 and other else first
