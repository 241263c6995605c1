"""What changed since earlier runs, worded: status, score, why each signal changed, data, model.

Its rules: the points are those of the movement as it is kept with the run, rounded to one decimal
so that the printed parts sum to the printed whole; and what is folded into "other signals" never
comes to more than any cause that is told.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from serving.assessment.assess import Assessment
from serving.pages import movement_lines, wording
from serving.pages.figures import share_out
from serving.pages.movement_lines import NO_CONCEPTS, MovedSignal
from serving.published.edition import Entry
from serving.published.movement_rows import Moved, Over
from training.calibrating.bands import BAND_WORDS
from training.movement.change import CHANGE_PARTS, Movement

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


def movement_card(
    entry: Entry, concepts: Mapping[str, str | None] = NO_CONCEPTS
) -> MovementCard | None:
    """The changes since the previous run; None where that had no such account.

    `concepts` are those of the indicators, by name.
    """
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
        words=describe_movement(last.movement, last.since, now.as_of, concepts) if last else None,
        periods=tuple(_period(item, now.as_of, concepts) for item in _further_back(moved)),
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


def _period(item: Moved, as_of: date, concepts: Mapping[str, str | None]) -> Period:
    movement = item.movement
    old, new = (min(max(end, 0.0), 100.0) for end in (movement.old_score, movement.new_score))
    scores = wording.score(old), wording.score(new)
    words = describe_movement(movement, item.since, as_of, concepts)
    return Period(AGO[item.over], wording.day(item.since), scores, words)


def _differ(old: str, new: str) -> tuple[str, str] | None:
    return (old, new) if old != new else None


def _scores(before: Assessment, now: Assessment) -> tuple[str, str] | None:
    if before.health_score is None or now.health_score is None:
        return None
    return wording.score(before.health_score), wording.score(now.health_score)


def describe_movement(
    movement: Movement, since: date, as_of: date, concepts: Mapping[str, str | None] = NO_CONCEPTS
) -> MovementWords:
    """The movement in words; its tenths are shared out by largest remainder.

    Changes of indicators of one concept, by their names, are told in one line.
    """
    total = round(10 * (movement.new_score - movement.old_score))
    shares = share_out(total, [10 * getattr(movement, name) for name in PART_WORDS])
    tenths = dict(zip(PART_WORDS, shares, strict=True))
    lines = {
        name: movement_lines.lines_of(movement, name, tenths[name], since, as_of)
        for name in PART_WORDS
    }
    signals = [
        line
        for name in CHANGE_PARTS
        if name != "data"
        for line in movement_lines.merged(lines[name], concepts)
    ]
    also = [line.tenths for line in lines["data"]] + [tenths["model"], tenths["definition"]]
    listed, folded = movement_lines.fold(signals, also)
    return MovementWords(
        signals=tuple(line.moved for line in listed),
        others=movement_lines.others(folded, bool(listed)),
        went=tuple(line.moved for line in lines["data"] if line.change.new is None),
        came=tuple(line.moved for line in lines["data"] if line.change.new is not None),
        model=_unless_none(tenths["model"]),
        definition=_unless_none(tenths["definition"]),
        parts=tuple(
            PartWords(
                title,
                movement_lines.points(tenths[name]),
                tuple(line.moved for line in lines[name]),
            )
            for name, title in PART_WORDS.items()
        ),
        briefly=tuple(
            (BRIEFLY[name], movement_lines.points(part)) for name, part in tenths.items() if part
        ),
        total=movement_lines.points(total),
        clipped=any(not 0 <= end <= 100 for end in (movement.old_score, movement.new_score)),
    )


def _unless_none(tenths: int) -> str:
    return movement_lines.points(tenths) if tenths else ""
