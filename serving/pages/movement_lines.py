"""The lines of a movement: each signal that changed, why, and which of them are told.

What is folded into "other signals" never comes to more than any cause that is told.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from serving.pages import wording
from serving.pages.figures import CONTEXT, share_out
from training.explaining.drivers import amount, span
from training.movement.change import Change, Movement

MOST_CHANGES = 5
# Tenths of a point.
WORTH_A_LINE = 10
# The concepts of indicators that are told each alone.
NO_CONCEPTS: Mapping[str, str | None] = {}


class MovedSignal(NamedTuple):
    """One indicator's value before and now, its points, and what moved it if not behaviour."""

    title: str
    old: str
    new: str
    window: str
    points: str
    cause: str = ""


class Line(NamedTuple):
    """A change, its tenths of a point, and both in words."""

    change: Change
    tenths: int
    moved: MovedSignal

    @property
    def deserves_a_line(self) -> bool:
        """Whether it is worth a line: it reads otherwise, and comes to something.

        A context that is a number, as an age, grows by itself: it is shown where that moved the
        score, as when a renewal comes near.
        """
        grows = self.change.kind == CONTEXT and not isinstance(self.change.new, str)
        least = WORTH_A_LINE if grows else 1
        reads = self.moved.old != amount(self.change.new, self.change.unit)
        return reads and abs(self.tenths) >= least


def lines_of(movement: Movement, part: str, tenths: int, since: date, as_of: date) -> list[Line]:
    """A line for each change of a part, which comes to so many `tenths` of a point."""
    changes = [change for change in movement.changes if change.part == part]
    if not changes:
        return []
    shares = share_out(tenths, [10 * change.health_points for change in changes])
    return [
        Line(change, share, _moved_signal(change, share, since, as_of))
        for change, share in zip(changes, shares, strict=True)
    ]


def merged(lines: Sequence[Line], concepts: Mapping[str, str | None]) -> list[Line]:
    """The lines with those of one concept as one: the largest, with the tenths of all."""
    groups: dict[str, list[Line]] = {}
    for line in lines:
        name = line.change.indicator
        groups.setdefault(concepts.get(name) or f"indicator {name}", []).append(line)
    return [_as_one(group) for group in groups.values()]


def _as_one(group: Sequence[Line]) -> Line:
    largest, *smaller = sorted(group, key=lambda line: -abs(line.tenths))
    if not smaller:
        return largest
    tenths = sum(line.tenths for line in group)
    titles = " and ".join(line.moved.title for line in smaller if line.tenths)
    causes = filter(None, (largest.moved.cause, f"with {titles}" if titles else ""))
    moved = largest.moved._replace(points=points(tenths), cause=", ".join(causes))
    return Line(largest.change, tenths, moved)


def fold(signals: Sequence[Line], also: Sequence[int]) -> tuple[list[Line], list[Line]]:
    """The lines that are told, and the others: those come to no more than any cause told.

    `also` are the tenths of what is told beside them.
    """
    ordered = sorted(signals, key=lambda line: (not line.deserves_a_line, -abs(line.tenths)))
    wanted = min(MOST_CHANGES, sum(line.deserves_a_line for line in ordered))
    if wanted == len(ordered):
        return ordered, []
    counts = range(min(wanted, 1), len(ordered))
    for count in sorted(counts, key=lambda count: (abs(count - wanted), -count)):
        told, rest = ordered[:count], ordered[count:]
        causes = [abs(tenths) for tenths in (*(line.tenths for line in told), *also) if tenths]
        folded = [line.tenths for line in rest]
        if not causes or max(map(abs, [sum(folded), *folded])) <= min(causes):
            return told, rest
    return ordered, []


def others(folded: Sequence[Line], beside_others: bool) -> tuple[str, str] | None:
    """How many more signals moved, and their points together."""
    if not folded:
        return None
    more = "other signal" if beside_others else "signal"
    return wording.counted(len(folded), more), points(sum(line.tenths for line in folded))


def points(tenths: int) -> str:
    """Tenths of a point, worded."""
    return wording.points(tenths / 10)


def _moved_signal(change: Change, tenths: int, since: date, as_of: date) -> MovedSignal:
    old, new = amount(change.old, change.unit), wording.known(change.new, change.unit)
    cause = _cause(change, since, as_of)
    return MovedSignal(change.title, old, new, span(change.window), points(tenths), cause)


def _cause(change: Change, since: date, as_of: date) -> str:
    """What moved it, where that is not what the account did."""
    if change.part == "calendar":
        return "by the calendar" if change.still == change.new else "by a new date"
    return _ran_out(change, since, as_of) if change.part == "windows" else ""


def _ran_out(change: Change, since: date, as_of: date) -> str:
    """Which facts left the window, or when the last one happened."""
    if change.still == change.new:
        return _nothing_new(change, since, as_of)
    if change.window is None or not all(
        isinstance(value, float) for value in (change.old, change.new, change.still)
    ):
        return ""
    left, came = (
        amount(float(one) - float(other), change.unit)  # type: ignore[arg-type]
        for one, other in ((change.old, change.still), (change.new, change.still))
    )
    days = timedelta(change.window)
    first, last = since - days, as_of - days - timedelta(1)
    return f"{left} of {_days(first, last)} left the window, {came} came in"


def _nothing_new(change: Change, since: date, as_of: date) -> str:
    if change.last_fact is None:
        return "nothing new came in"
    last = wording.day(change.last_fact)
    if change.window is not None:
        gone = change.last_fact + timedelta(change.window + 1)
        if since < gone <= as_of:
            return f"the last was on {last} and left the window on {wording.day(gone)}"
    return f"nothing new since {last}"


def _days(first: date, last: date) -> str:
    if first == last:
        return wording.day(first)
    begin = wording.day(first) if first.year != last.year else wording.short_day(first)
    return f"{begin} to {wording.day(last)}"
