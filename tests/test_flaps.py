"""Which changes of a band are announced, and how often bands flap: against the rules in words."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.calibrating.bands import BANDS, GREEN, RED, UNSCORED, YELLOW, band_codes
from training.hysteresis import MARGIN, announced
from training.review.sections import flaps

SCORES = st.floats(30, 80) | st.sampled_from([36.9, 37.0, 39.9, 40.0, 43.0, 69.9, 70.0, 73.0])
WEEKS = st.lists(st.none() | SCORES, min_size=1, max_size=12)


def told(*health: float | None) -> list[str]:
    row = np.array([[math.nan if score is None else score for score in health]])
    return [BANDS[place] for place in announced(row)[0]]


def by_the_words(health: list[float | None]) -> list[str]:
    """Bands as the documentation words the rule, one account and one edge at a time."""
    answers, sides = [], {40.0: False, 70.0: False}
    for week, score in enumerate(health):
        before = health[week - 1] if week else None
        if score is None:
            answers.append("unscored")
            continue
        for edge in sides:
            below = score < edge
            far = score < edge - 3 or score >= edge + 3
            lasts = before is not None and (before < edge) == below
            if before is None or far or lasts:
                sides[edge] = below
        answers.append("red" if sides[40.0] else "yellow" if sides[70.0] else "green")
    return answers


@given(health=WEEKS)
def test_bands_are_announced_by_the_rule_in_words(health: list[float | None]) -> None:
    assert told(*health) == by_the_words(health)


@given(health=WEEKS)
def test_what_is_announced_is_at_most_one_scoring_behind_the_light(
    health: list[float | None],
) -> None:
    light = band_codes(np.array([[math.nan if score is None else score for score in health]]))[0]
    said = told(*health)
    for week in range(1, len(health)):
        if light[week] == light[week - 1]:
            assert said[week] == BANDS[light[week]]


def test_a_score_that_dips_below_an_edge_once_announces_nothing() -> None:
    assert told(45, 39, 45, 39, 41) == ["yellow"] * 5


def test_three_points_beyond_or_a_second_time_is_enough() -> None:
    assert told(45, 40 - MARGIN - 0.1, 45) == ["yellow", "red", "yellow"]
    assert told(45, 39, 38) == ["yellow", "yellow", "red"]
    assert told(30, 40 + MARGIN) == ["red", "yellow"]


def test_a_fall_through_both_edges_is_announced_as_far_as_it_is_sure() -> None:
    assert told(80, 39, 39) == ["green", "yellow", "red"]


def test_after_a_gap_the_announcement_begins_anew() -> None:
    assert told(45, None, 39) == ["yellow", "unscored", "red"]


def test_a_flap_is_a_change_that_is_taken_back_within_four_weeks() -> None:
    soon = np.array([[YELLOW, RED, RED, RED, RED, YELLOW]])
    late = np.array([[YELLOW, RED, RED, RED, RED, RED, YELLOW]])
    assert [getattr(flaps.count_changes(soon), key) for key in ("changes", "flaps")] == [2, 1]
    assert [getattr(flaps.count_changes(late), key) for key in ("changes", "flaps")] == [2, 0]


def test_weeks_without_a_score_are_no_account_weeks_and_no_changes() -> None:
    found = flaps.count_changes(np.array([[GREEN, UNSCORED, GREEN, YELLOW], [UNSCORED] * 4]))
    assert (found.account_weeks, found.changes, found.changes_per_100) == (1, 1, 100)
    empty = flaps.count_changes(np.full((2, 3), UNSCORED))
    assert (empty.account_weeks, empty.changes_per_100) == (0, None)


def recount(bands: Sequence[str]) -> tuple[int, int, int]:
    """One account's pairs of scored weeks, changes and flaps, as the documentation words them."""
    pairs = [week for week in range(len(bands) - 1) if "unscored" not in bands[week : week + 2]]
    changes = [week for week in pairs if bands[week] != bands[week + 1]]
    taken_back = [week for week in changes if bands[week] in bands[week + 2 : week + 6]]
    return len(pairs), len(changes), len(taken_back)


@given(accounts=st.lists(st.lists(st.sampled_from(BANDS), min_size=9, max_size=9), min_size=1))
def test_changes_are_counted_as_the_words_count_them(accounts: list[list[str]]) -> None:
    found = flaps.count_changes(np.array([[BANDS.index(b) for b in row] for row in accounts]))
    weeks, changes, taken_back = (
        sum(counts) for counts in zip(*map(recount, accounts), strict=True)
    )
    assert (found.account_weeks, found.changes, found.flaps) == (weeks, changes, taken_back)
    for rate, count in ((found.changes_per_100, changes), (found.flaps_per_100, taken_back)):
        assert rate == (pytest.approx(100 * count / weeks) if weeks else None)


@given(health=WEEKS)
def test_an_announcement_is_late_where_the_light_had_changed_the_week_before(
    health: list[float | None],
) -> None:
    scores = np.array([[math.nan if score is None else score for score in health]])
    light, said = [BANDS[code] for code in band_codes(scores)[0]], by_the_words(health)
    changes = [
        week
        for week in range(len(said) - 1)
        if said[week] != said[week + 1] and "unscored" not in said[week : week + 2]
    ]
    late = sum(light[week] == said[week + 1] for week in changes)
    found = flaps.band_changes(scores)
    assert (found.band.changes, found.announced.changes) == (recount(light)[1], len(changes))
    assert found.a_week_late == late
    assert found.delay_weeks == (late / len(changes) if changes else None)


def test_hysteresis_says_what_it_swallows_and_what_it_delays() -> None:
    health = np.array([[45.0, 39.0, 45.0, 44.0, 39.0, 38.0, 38.0]])
    found = flaps.band_changes(health)
    assert (found.band.changes, found.band.flaps) == (3, 2)
    assert (found.announced.changes, found.announced.flaps) == (1, 0)
    assert found.a_week_late == 1


@pytest.mark.parametrize(
    ("score", "band"), [(39.99, "red"), (40.0, "yellow"), (69.99, "yellow"), (70.0, "green")]
)
def test_bands_begin_at_their_edges(score: float, band: str) -> None:
    assert BANDS[band_codes(np.array([score]))[0]] == band
