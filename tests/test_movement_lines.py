"""The lines of a movement on the page: why a signal changed, what is one line, what is folded."""

from datetime import date

import pytest

import page_cases
from serving.pages import movement_card
from serving.published.edition import Entry
from serving.published.movement_rows import Moved
from training.movement.change import Change, ChangePart

SINCE, TODAY = date(2026, 6, 22), date(2026, 6, 29)


def change(
    name: str,
    points: float,
    *,
    old: float = 2.0,
    new: float | None = 1.0,
    still: float | None = None,
    window: int | None = 28,
    part: ChangePart = "behaviour",
    last: date | None = None,
) -> Change:
    return Change(
        name, name, "outcome", "leading", old, new, window, "visits", part, points, still, last
    )


def told(*changes: Change, **concepts: str) -> movement_card.MovementWords:
    movement = page_cases.movement_of(50.0, changes)
    return movement_card.describe_movement(movement, SINCE, TODAY, concepts)


@pytest.mark.parametrize(
    ("item", "wanted"),
    [
        (change("a", -3.0), ""),
        (
            change("a", 3.0, new=0.0, still=0.0, part="windows", last=date(2026, 5, 27)),
            "the last was on 27 May 2026 and left the window on 25 Jun 2026",
        ),
        (
            change("a", 3.0, still=1.0, part="windows", last=date(2026, 6, 12)),
            "nothing new since 12 Jun 2026",
        ),
        (
            change(
                "a", 3.0, window=None, new=9.0, still=9.0, part="windows", last=date(2026, 6, 19)
            ),
            "nothing new since 19 Jun 2026",
        ),
        (change("a", 3.0, still=1.0, part="windows"), "nothing new came in"),
        (
            change("a", -3.0, old=60.0, new=35.0, still=32.0, window=90, part="windows"),
            "28 of 24 Mar to 30 Mar 2026 left the window, 3 came in",
        ),
        (change("a", -3.0, still=1.0, part="calendar"), "by the calendar"),
        (change("a", 3.0, new=90.0, still=-4.0, part="calendar"), "by a new date"),
    ],
)
def test_a_line_says_what_moved_its_signal(item: Change, wanted: str) -> None:
    (line,) = told(item).signals
    assert line.cause == wanted


def test_one_concept_is_one_line_and_apart_in_the_table() -> None:
    until, since = (
        change(name, points, still=1.0, part="calendar")
        for name, points in (("until", -29.0), ("since", -26.9))
    )
    found = told(until, since, change("visits", -3.2), until="calendar", since="calendar")
    assert [(line.title, line.points) for line in found.signals] == [
        ("until", "−55.9"),
        ("visits", "−3.2"),
    ]
    assert found.signals[0].cause == "by the calendar, with since"
    assert [line.points for line in found.parts[1].figures] == ["−29.0", "−26.9"]


def test_what_is_folded_is_never_larger_than_a_cause_that_is_told() -> None:
    large = [change(f"large{number}", -9.0 + number) for number in range(5)]
    found = told(*large, *(change(f"small{number}", -1.5) for number in range(4)))
    assert found.others is not None
    # Four small ones come to 6, more than the fifth large one: all but one of them are told.
    assert len(found.signals) == 8
    assert found.others == ("1 other signal", "−1.5")


def test_every_period_is_told_once_and_what_lacks_is_said() -> None:
    movement = page_cases.movement_of(50.0, (change("a", -3.0),))
    month, quarter = date(2026, 6, 1), date(2026, 3, 30)
    moved = (
        Moved("run", SINCE, movement),
        Moved("4 weeks", month, movement),
        Moved("13 weeks", quarter, movement),
    )
    assert periods(moved) == (["4 weeks ago", "13 weeks ago"], "")
    renewed = (*moved, Moved("renewal", date(2026, 5, 4), movement))
    assert periods(renewed) == (["4 weeks ago", "the last renewal"], "")
    assert periods(moved[:1]) == ([], "4 and 13")
    monthly = (Moved("run", month, movement), Moved("4 weeks", month, movement))
    assert periods(monthly) == ([], "13")


def periods(moved: tuple[Moved, ...]) -> tuple[list[str], str]:
    now = page_cases.scored("northwind", 47.0, TODAY, 1)
    before = page_cases.scored("northwind", 50.0, SINCE, 1)
    entry = Entry(
        name=None,
        owner=None,
        parent=None,
        mrr=None,
        renewal=None,
        since=None,
        assessment=now,
        trend=(),
        previous=before,
        moved=moved,
    )
    card = movement_card.movement_card(entry)
    assert card is not None
    return [period.ago for period in card.periods], card.lacking
