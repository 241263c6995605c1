"""What changed since the run before, worded: status, score, signals, data, model.

Its one rule: the points are those of the movement as it is kept with the run, rounded to one
decimal so that the printed parts sum to the printed whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from serving.assessment.assess import Assessment
from serving.pages import wording
from serving.pages.figures import CONTEXT, share_out
from serving.published.edition import Entry
from training.calibrating.bands import BAND_WORDS
from training.explaining.drivers import amount, span
from training.movement.change import Change, Movement

MOST_CHANGES = 5
# Tenths of a point.
WORTH_A_LINE = 10
PART_WORDS = {
    "behaviour": "Signals that changed",
    "data": "Data added or lost",
    "model": "New model",
    "definition": "New scale (band thresholds)",
}


class MovedSignal(NamedTuple):
    """One indicator's value before and now, and its points."""

    title: str
    old: str
    new: str
    window: str
    points: str


@dataclass(frozen=True, slots=True)
class PartWords:
    """One of the four parts of a movement, and the indicators that it consists of."""

    title: str
    points: str
    figures: tuple[MovedSignal, ...]


@dataclass(frozen=True, slots=True)
class MovementWords:
    """A movement in words: the signals worth a line, what the others come to, and the sum.

    `signals` are those worth a line, `others` how many more moved and their points; `model` and
    `definition` are the points of a change of either, empty where there was none.
    """

    signals: tuple[MovedSignal, ...]
    others: tuple[str, str] | None
    went: tuple[MovedSignal, ...]
    came: tuple[MovedSignal, ...]
    model: str
    definition: str
    parts: tuple[PartWords, ...]
    total: str
    clipped: bool


@dataclass(frozen=True, slots=True)
class MovementCard:
    """The changes since the previous run; `words` are missing where no score moved."""

    since: str
    moved: tuple[str, str] | None
    scores: tuple[str, str] | None
    models: tuple[str, str] | None
    words: MovementWords | None


def movement_card(entry: Entry) -> MovementCard | None:
    """The changes since the previous run; None where that had no such account."""
    now, before = entry.assessment, entry.previous
    if before is None or before.as_of is None:
        return None
    return MovementCard(
        since=wording.day(before.as_of),
        moved=_differ(BAND_WORDS[before.band], BAND_WORDS[now.band]),
        scores=_scores(before, now),
        models=_differ(wording.version(before.model_version), wording.version(now.model_version)),
        words=describe_movement(entry.movement) if entry.movement else None,
    )


def _differ(old: str, new: str) -> tuple[str, str] | None:
    return (old, new) if old != new else None


def _scores(before: Assessment, now: Assessment) -> tuple[str, str] | None:
    if before.health_score is None or now.health_score is None:
        return None
    return wording.score(before.health_score), wording.score(now.health_score)


def describe_movement(movement: Movement) -> MovementWords:
    """The movement in words; its tenths are shared out by largest remainder."""
    total = round(10 * (movement.new_score - movement.old_score))
    shares = share_out(total, [10 * getattr(movement, name) for name in PART_WORDS])
    tenths = dict(zip(PART_WORDS, shares, strict=True))
    lines = {name: _lines(movement, name, tenths[name]) for name in PART_WORDS}
    listed = [line for line in lines["behaviour"] if line.deserves_a_line][:MOST_CHANGES]
    return MovementWords(
        signals=tuple(line.moved for line in listed),
        others=_others(lines["behaviour"], listed),
        went=tuple(line.moved for line in lines["data"] if line.change.new is None),
        came=tuple(line.moved for line in lines["data"] if line.change.new is not None),
        model=_unless_none(tenths["model"]),
        definition=_unless_none(tenths["definition"]),
        parts=tuple(
            PartWords(title, _points(tenths[name]), tuple(line.moved for line in lines[name]))
            for name, title in PART_WORDS.items()
        ),
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


def _lines(movement: Movement, part: str, tenths: int) -> list[_Line]:
    changes = [change for change in movement.changes if change.part == part]
    if not changes:
        return []
    shares = share_out(tenths, [10 * change.health_points for change in changes])
    return [
        _Line(change, share, _moved_signal(change, share))
        for change, share in zip(changes, shares, strict=True)
    ]


def _moved_signal(change: Change, tenths: int) -> MovedSignal:
    old, new = amount(change.old, change.unit), wording.known(change.new, change.unit)
    return MovedSignal(change.title, old, new, span(change.window), _points(tenths))


def _others(lines: Sequence[_Line], listed: Sequence[_Line]) -> tuple[str, str] | None:
    """How many more signals moved, and their points together."""
    rest = len(lines) - len(listed)
    if not rest:
        return None
    tenths = sum(line.tenths for line in lines) - sum(line.tenths for line in listed)
    more = "other signal" if listed else "signal"
    return wording.counted(rest, more), _points(tenths)


def _unless_none(tenths: int) -> str:
    return _points(tenths) if tenths else ""


def _points(tenths: int) -> str:
    return wording.points(tenths / 10)
