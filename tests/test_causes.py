"""Why an indicator's value changed: the account, the calendar, a window that ran out, the data."""

from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import small_company
from training.learning.matrix import Feature
from training.movement import causes
from training.movement.causes import Nature, Unchanged, Values
from training.movement.change import CHANGE_PARTS

NONE = float("nan")
COUNT = Nature(rises_by_facts=True, adds_up=True)
SUM = Nature(adds_up=True)
DISTANCE = Nature(by_date=True)
TERM = Nature(by_date=True, is_contract=True)
ANSWER, TELEMETRY = Nature(), Nature(silence_is_unknown=True)


def part(
    nature: Nature,
    old: float,
    still: float,
    new: float,
    *,
    window: int | None = 28,
    days: int = 7,
) -> str:
    """Return the part of one indicator with one window, `days` after the old date."""
    features = (Feature("a", "a", window, "number"),)
    then, now, without = (np.array([[value]]) for value in (old, new, still))
    values = Values(then, now, without, features, np.array([[0]]))
    as_of = date(2026, 6, 29)
    since = date.fromordinal(as_of.toordinal() - days)
    unchanged = Unchanged(since, as_of, pa.table({}), {"a": nature}, {})
    found = causes.parts(values, ["a"], [np.array([0])], unchanged)
    return CHANGE_PARTS[int(found[0, 0])]


@pytest.mark.parametrize(
    ("nature", "old", "still", "new", "wanted"),
    [
        # Facts left the window and none came.
        (COUNT, 3, 0, 0, "windows"),
        (COUNT, 12, 9, 9, "windows"),
        # An answer is older than its window; days since the last fact grow.
        (ANSWER, 9, NONE, NONE, "windows"),
        (ANSWER, 10, 17, 17, "windows"),
        # No telemetry came: nothing is known of the account.
        (TELEMETRY, 140, NONE, NONE, "data"),
        # What is known for the first time.
        (ANSWER, NONE, NONE, 9, "data"),
        (ANSWER, NONE, 9, 9, "data"),
        # More or less happened than before.
        (COUNT, 12, 9, 15, "behaviour"),
        (COUNT, 12, 9, 10, "behaviour"),
        (ANSWER, 9, 9, 3, "behaviour"),
        # A count never grows without a fact: the tables were corrected.
        (COUNT, 5, 7, 7, "data"),
        (SUM, 5, 7, 7, "windows"),
        # The date alone, and a new term.
        (DISTANCE, 40, 33, 33, "calendar"),
        (DISTANCE, 40, 33, 60, "behaviour"),
        (TERM, 40, 33, 33, "calendar"),
        (TERM, 3, -4, 361, "calendar"),
        (TERM, NONE, NONE, 361, "data"),
    ],
)
def test_the_cause_of_a_change(
    nature: Nature, old: float, still: float, new: float, wanted: str
) -> None:
    assert part(nature, old, still, new) == wanted


@pytest.mark.parametrize(
    ("old", "still", "new", "wanted"),
    [
        # 28 of a burst left and 3 came, where the pace of the other 83 days is 2.7.
        (60, 32, 35, "windows"),
        # 4 left and 1 came, where the pace of the other 83 days is 4.7.
        (60, 56, 57, "behaviour"),
        # The shared days hold .4 a day, that is 2.8 in seven: less came, and little had left.
        (35, 33, 33.4, "behaviour"),
    ],
)
def test_a_burst_that_left_is_told_from_a_decline(
    old: float, still: float, new: float, wanted: str
) -> None:
    assert part(COUNT, old, still, new, window=90) == wanted


def test_a_window_that_has_passed_whole_is_behaviour() -> None:
    assert part(COUNT, 31, 0, 12, window=28, days=91) == "behaviour"
    assert part(COUNT, 31, 0, 0, window=28, days=91) == "windows"


def test_the_declaration_says_how_time_moves_an_indicator(tmp_path: Path) -> None:
    company = small_company.write(tmp_path)
    found = causes.natures(company)
    assert found["visits"] == COUNT
    assert found["spend"] == SUM
    assert found["recency"] == Nature()
    assert found["channel"] == Nature()
