"""What changed since earlier runs, worded: status, score, why each signal changed, data, model.

Its rules: the points are those of the movement as it is kept with the run, rounded to one decimal
so that the printed parts sum to the printed whole; and what is folded into "other signals" never
comes to more than any cause that is told.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from serving.assessment.assess import Assessment
from serving.pages import wording
from serving.pages.figures import CONTEXT, share_out
from serving.published.edition import Entry
from serving.published.movement_rows import Moved, Over
from training.calibrating.bands import BAND_WORDS
from training.explaining.drivers import amount, span
from training.movement.change import CHANGE_PARTS, Change, Movement

MOST_CHANGES = 5
# Tenths of a point.
WORTH_A_LINE = 10
PART_WORDS = {
    "behaviour": "Signals that changed",
    "calendar": "Calendar (moved by the date alone)",
    "windows": "Windows that ran out",
    "data": "Data added, lost or corrected",
    "model": "New model",
    "definition": "New scale (band thresholds)",
}
BRIEFLY = {
    "behaviour": "behaviour",
    "calendar": "calendar",
    "windows": "windows that ran out",
    "data": "data",
    "model": "new model",
    "definition": "new scale",
}
AGO: dict[Over, str] = {
    "run": "the last run",
    "4 weeks": "4 weeks ago",
    "13 weeks": "13 weeks ago",
    "renewal": "the last renewal",
}


class MovedSignal(NamedTuple):
    """One indicator's value before and now, its points, and what moved it if not behaviour."""

    title: str
    old: str
    new: str
    window: str
    points: str
    cause: str = ""


@dataclass(frozen=True, slots=True)
class PartWords:
    """One of the parts of a movement, and the indicators that it consists of."""

    title: str
    points: str
    figures: tuple[MovedSignal, ...]


@dataclass(frozen=True, slots=True)
class MovementWords:
    """A movement in words: the signals worth a line, what the others come to, and the sum.

    `signals` are those worth a line, `others` how many more moved and their points; `model` and
    `definition` are the points of a change of either, empty where there was none. `briefly` has
    the points of each part that has any.
    """

    signals: tuple[MovedSignal, ...]
    others: tuple[str, str] | None
    went: tuple[MovedSignal, ...]
    came: tuple[MovedSignal, ...]
    model: str
    definition: str
    parts: tuple[PartWords, ...]
    briefly: tuple[tuple[str, str], ...]
    total: str
    clipped: bool


@dataclass(frozen=True, slots=True)
class Period:
    """What moved the score since a run that lies further back."""

    ago: str
    since: str
    scores: tuple[str, str]
    words: MovementWords


@dataclass(frozen=True, slots=True)
class MovementCard:
    """The changes since the previous run; `words` are missing where no score moved.

    `periods` are what moved the score since earlier runs, `lacking` those that there are none of.
    """

    since: str
    moved: tuple[str, str] | None
    scores: tuple[str, str] | None
    models: tuple[str, str] | None
    words: MovementWords | None
    periods: tuple[Period, ...]
    lacking: str


def movement_card(entry: Entry) -> MovementCard | None:
    """The changes since the previous run; None where that had no such account."""
    now, before = entry.assessment, entry.previous
    if before is None or before.as_of is None or now.as_of is None:
        return None
    moved = {item.over: item for item in entry.moved}
    last = moved.get("run")
    return MovementCard(
        since=wording.day(before.as_of),
        moved=_differ(BAND_WORDS[before.band], BAND_WORDS[now.band]),
        scores=_scores(before, now),
        models=_differ(wording.version(before.model_version), wording.version(now.model_version)),
        words=describe_movement(last.movement, last.since, now.as_of) if last else None,
        periods=tuple(_period(item, now.as_of) for item in _further_back(moved)),
        lacking=_lacking(moved) if now.health_score is not None else "",
    )


def _further_back(moved: dict[Over, Moved]) -> list[Moved]:
    """Since four weeks and the last renewal, or else thirteen weeks; each run once."""
    last: Over = "renewal" if "renewal" in moved else "13 weeks"
    names: tuple[Over, ...] = ("run", "4 weeks", last)
    by_date = {moved[over].since: moved[over] for over in reversed(names) if over in moved}
    wanted = [item for item in by_date.values() if item.over != "run"]
    return sorted(wanted, key=lambda item: item.since, reverse=True)


def _lacking(moved: dict[Over, Moved]) -> str:
    """The weeks back to which no comparison leads, as `4 and 13`."""
    known = moved.keys() | ({"13 weeks"} if "renewal" in moved else set())
    return " and ".join(over.split()[0] for over in ("4 weeks", "13 weeks") if over not in known)


def _period(item: Moved, as_of: date) -> Period:
    movement = item.movement
    old, new = (min(max(end, 0.0), 100.0) for end in (movement.old_score, movement.new_score))
    scores = wording.score(old), wording.score(new)
    words = describe_movement(movement, item.since, as_of)
    return Period(AGO[item.over], wording.day(item.since), scores, words)


def _differ(old: str, new: str) -> tuple[str, str] | None:
    return (old, new) if old != new else None


def _scores(before: Assessment, now: Assessment) -> tuple[str, str] | None:
    if before.health_score is None or now.health_score is None:
        return None
    return wording.score(before.health_score), wording.score(now.health_score)


def describe_movement(movement: Movement, since: date, as_of: date) -> MovementWords:
    """The movement in words; its tenths are shared out by largest remainder."""
    total = round(10 * (movement.new_score - movement.old_score))
    shares = share_out(total, [10 * getattr(movement, name) for name in PART_WORDS])
    tenths = dict(zip(PART_WORDS, shares, strict=True))
    lines = {name: _lines(movement, name, tenths[name], since, as_of) for name in PART_WORDS}
    signals = [line for name in CHANGE_PARTS if name != "data" for line in lines[name]]
    also = [line.tenths for line in lines["data"]] + [tenths["model"], tenths["definition"]]
    listed, folded = _fold(signals, also)
    return MovementWords(
        signals=tuple(line.moved for line in listed),
        others=_others(folded, bool(listed)),
        went=tuple(line.moved for line in lines["data"] if line.change.new is None),
        came=tuple(line.moved for line in lines["data"] if line.change.new is not None),
        model=_unless_none(tenths["model"]),
        definition=_unless_none(tenths["definition"]),
        parts=tuple(
            PartWords(title, _points(tenths[name]), tuple(line.moved for line in lines[name]))
            for name, title in PART_WORDS.items()
        ),
        briefly=tuple((BRIEFLY[name], _points(part)) for name, part in tenths.items() if part),
        total=_points(total),
        clipped=any(not 0 <= end <= 100 for end in (movement.old_score, movement.new_score)),
    )


class _Line(NamedTuple):
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


def _fold(signals: Sequence[_Line], also: Sequence[int]) -> tuple[list[_Line], list[_Line]]:
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


def _lines(movement: Movement, part: str, tenths: int, since: date, as_of: date) -> list[_Line]:
    changes = [change for change in movement.changes if change.part == part]
    if not changes:
        return []
    shares = share_out(tenths, [10 * change.health_points for change in changes])
    return [
        _Line(change, share, _moved_signal(change, share, since, as_of))
        for change, share in zip(changes, shares, strict=True)
    ]


def _moved_signal(change: Change, tenths: int, since: date, as_of: date) -> MovedSignal:
    old, new = amount(change.old, change.unit), wording.known(change.new, change.unit)
    cause = _cause(change, since, as_of)
    return MovedSignal(change.title, old, new, span(change.window), _points(tenths), cause)


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


def _others(folded: Sequence[_Line], beside_others: bool) -> tuple[str, str] | None:
    """How many more signals moved, and their points together."""
    if not folded:
        return None
    more = "other signal" if beside_others else "signal"
    return wording.counted(len(folded), more), _points(sum(line.tenths for line in folded))


def _unless_none(tenths: int) -> str:
    return _points(tenths) if tenths else ""


def _points(tenths: int) -> str:
    return wording.points(tenths / 10)
