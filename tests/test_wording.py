"""The words and drawings that figures become."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import page_cases
from serving.pages import charts, wording


@pytest.mark.parametrize(
    ("probability", "said"),
    [
        (0.0, "fewer than 1 in 100"),
        (0.004, "fewer than 1 in 100"),
        (0.437, "about 44 in 100"),
        (0.994, "about 99 in 100"),
        (0.999, "more than 99 in 100"),
    ],
)
def test_chances_are_natural_frequencies(probability: float, said: str) -> None:
    assert wording.chance(probability) == said


@given(st.floats(0, 100), st.floats(0, 100))
def test_a_movement_is_the_difference_of_what_is_printed(then: float, now: float) -> None:
    moved = wording.arrow(then, now)
    assert moved
    sign = {"worse": -1, "same": 0, "better": 1}[moved.word]
    assert int(wording.score(then)) + sign * moved.points == int(wording.score(now))


@given(st.floats(-20, 120, allow_nan=False))
def test_the_printed_score_is_in_the_band_of_the_exact_one(health: float) -> None:
    clipped = min(max(health, 0.0), 100.0)
    assert page_cases.band_of(float(wording.score(clipped))) == page_cases.band_of(clipped)


@pytest.mark.parametrize(
    ("amount", "currency", "said"),
    [
        (8400, "EUR", "€8,400"),
        (8400.4, "CHF", "8,400 CHF"),
        (-12, "$", "−$12"),
        (0, "", "0"),
    ],
)
def test_money(amount: float, currency: str, said: str) -> None:
    assert wording.money(amount, currency) == said


def test_sizes_are_three() -> None:
    most, middle, little = (page_cases.driver("spend", 1.0, points) for points in (-9, -4, -2.9))
    among = [most, middle, little]
    assert wording.size(most, among) == "Lowers the score most"
    assert wording.size(middle, among) == "Lowers the score"
    assert wording.size(little, among) == "Lowers the score a little"
    assert wording.size(little, [little]) == "Lowers the score a little"


def test_most_is_said_only_of_the_largest_whatever_its_kind() -> None:
    reason, plan = page_cases.driver("spend", 1.0, -15.0), page_cases.driver("plan", "x", -43.0)
    assert wording.size(reason, [reason, plan]) == "Lowers the score"
    assert wording.size(plan, [reason, plan]) == "Lowers the score most"


def test_a_reason_in_a_table_is_short() -> None:
    short = page_cases.driver("nps", 4.0, -3.0)
    assert wording.brief(short) == short.sentence
    wordy = "{} of the customer's contacts answered the survey in the last {} days; 8 is usual"
    long = replace(short, sentence=wordy.format(4, 182))
    assert wording.brief(long) == "Survey answer: 4 points, typically 8"
    titled = replace(long, title="Answers to the survey that everybody gets every spring")
    assert wording.brief(titled) == "Answers to the survey that everybody…: 4, typically 8"
    assert len(wording.brief(titled)) <= wording.LONGEST_BRIEF
    assert wording.brief(replace(long, usual=None)) == "Survey answer: 4 points"


def test_a_sparkline_leaves_gaps_and_keeps_its_scale() -> None:
    days = [page_cases.week(number) for number in range(5)]
    drawn = charts.sparkline(charts.places(days), [100.0, 90.0, None, 40.0, 0.0])
    assert re.findall(r'points="([^"]+)"', drawn) == ["4,3 28,6", "76,21 100,33"]
    assert 'd="M0 21h104"' in drawn
    assert 'aria-label="Score from 100 to 0"' in drawn
    assert "no trend yet" in charts.sparkline(charts.places(days), [None] * 5)


def test_a_bar_points_to_the_side_of_its_driver() -> None:
    assert 'class="bar lowers"' in charts.bar(-4.0, 8.0)
    assert 'x="38" y="1" width="37"' in charts.bar(-4.0, 8.0)
    assert 'x="75" y="1" width="74"' in charts.bar(8.0, 8.0)
