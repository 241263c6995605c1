"""The words and drawings that figures become."""

import re
from dataclasses import replace
from datetime import date, timedelta
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

import page_cases
from serving.pages import account_card, charts, movement_card, wording
from serving.pages.account_list import BadQuery, one_of, whole
from serving.pages.selection import weeks_before
from serving.published.edition import Point
from training.calibrating.bands import band_of
from training.movement.change import Change

START = date(2026, 1, 1)


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


def test_a_step_over_a_whole_number_is_one_point() -> None:
    assert wording.arrow(40.9, 41.0) == wording.Arrow("▲", 1, "better")
    assert wording.arrow(41.0, 40.9) == wording.Arrow("▼", 1, "worse")
    assert wording.arrow(None, 41.0) is wording.arrow(41.0, None) is None


@given(st.floats(-20, 120, allow_nan=False))
def test_the_printed_score_is_in_the_band_of_the_exact_one(health: float) -> None:
    clipped = min(max(health, 0.0), 100.0)
    assert page_cases.band_of(float(wording.score(clipped))) == page_cases.band_of(clipped)


@pytest.mark.parametrize(
    ("amount", "currency", "said"),
    [
        (8400, "EUR", "€8,400"),
        (8400.4, "CHF", "8,400 CHF"),
        (-1, "$", "−$1"),
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
    assert 'width="150" height="12"' in charts.bar(-4.0, 8.0)


# A chart of a score over time


def drawn(*scores: float | None, days: tuple[int, ...]) -> ElementTree.Element:
    """The chart of these scores, so many days after `START`."""
    trend = [
        Point(
            START + timedelta(days=after), health, "unscored" if health is None else band_of(health)
        )
        for after, health in zip(days, scores, strict=True)
    ]
    return ElementTree.fromstring(charts.history(trend))


def attributes(chart: ElementTree.Element, tag: str, *names: str) -> list[tuple[str, ...]]:
    return [tuple(part.attrib[name] for name in names) for part in chart.iter(tag)]


def test_a_history_places_each_score_by_its_day_and_its_points() -> None:
    chart = drawn(100.0, None, 70.0, 40.0, 0.0, None, days=(0, 10, 30, 50, 75, 100))
    assert attributes(chart, "circle", "cx", "cy", "r") == [
        ("0.0%", "6.0", "2"),
        ("30.0%", "57.0", "2"),
        ("50.0%", "108.0", "2"),
        ("75.0%", "176.0", "5"),
    ]
    assert [title.text for title in chart.iter("title")] == [
        "1 Jan 2026: 100, Healthy",
        "31 Jan 2026: 70, Healthy",
        "20 Feb 2026: 40, Watch",
        "17 Mar 2026: 0, At risk",
    ]
    assert attributes(chart, "line", "x1", "y1", "x2", "y2") == [
        ("30.0%", "57.0", "50.0%", "108.0"),
        ("50.0%", "108.0", "75.0%", "176.0"),
    ]
    assert chart.attrib["aria-label"] == "Score from 100 on 1 Jan 2026 to 0 on 17 Mar 2026"
    assert chart.attrib["height"] == "200"


def test_a_history_has_a_zone_for_each_band_and_a_tick_at_each_edge() -> None:
    chart = drawn(50.0, days=(0,))
    assert chart.attrib["aria-label"] == "Score 50 on 1 Jan 2026"
    assert attributes(chart, "circle", "cx") == [("100.0%",)]
    assert attributes(chart, "rect", "class", "y", "height") == [
        ("zone green", "6.0", "51.0"),
        ("zone yellow", "57.0", "51.0"),
        ("zone red", "108.0", "68.0"),
    ]
    texts = [(text.attrib["class"], text.text, text.attrib["y"]) for text in chart.iter("text")]
    assert texts == [
        ("zone-word", "Healthy 70–100", "35.5"),
        ("zone-word", "Watch 40–69", "86.5"),
        ("zone-word", "At risk 0–39", "146.0"),
        ("tick", "100", "10.0"),
        ("tick", "70", "61.0"),
        ("tick", "40", "112.0"),
        ("tick", "0", "180.0"),
        ("when last", "1 Jan", "196"),
    ]


def test_a_history_names_its_first_and_last_day_and_two_between() -> None:
    chart = drawn(*[50.0] * 13, days=tuple(range(0, 91, 7))[:13])
    days = [(text.attrib["class"], text.text, text.attrib["x"]) for text in chart.iter("text")][7:]
    assert days == [
        ("when first", "1 Jan", "0.0%"),
        ("when inner", "29 Jan", "33.33%"),
        ("when inner", "26 Feb", "66.67%"),
        ("when last", "26 Mar", "100.0%"),
    ]


def test_a_history_without_a_score_is_not_drawn() -> None:
    assert charts.history([Point(START, None, "unscored")]) == ""


def test_a_sparkline_is_as_wide_as_its_days_are_apart() -> None:
    days = [START + timedelta(days=after) for after in (0, 7, 28)]
    assert charts.places(days) == [4, 28, 100]
    assert charts.places(days[:1]) == [100]


# What a list is asked for


def test_a_choice_of_many_names_the_first_twelve() -> None:
    names = [f"n{number:02}" for number in range(13)]
    assert one_of({"n": "n12"}, "n", names) == "n12"
    assert one_of({"n": ""}, "n", names) == "n00"
    for few, more in ((names[:2], ""), (names[:12], ""), (names, ", …")):
        shown = re.escape(f"choose one of {', '.join(few[:12])}{more}")
        with pytest.raises(BadQuery, match=f"n: got “x”; {shown}$"):
            one_of({"n": "x"}, "n", few)


def test_a_whole_number_has_at_most_eight_digits() -> None:
    assert [whole({"page": text}, "page") for text in ("", "1", "99999999")] == [1, 1, 99_999_999]
    with pytest.raises(BadQuery, match="whole number"):
        whole({"page": "999999999"}, "page")


@pytest.mark.parametrize(
    ("days", "place"),
    [
        ((35, 0), 0),
        ((36, 0), None),
        ((21, 0), 0),
        ((20, 0), None),
        ((56, 29, 26, 0), 1),
        ((0,), None),
    ],
)
def test_four_weeks_ago_is_the_nearest_run_within_a_week_of_it(
    days: tuple[int, ...], place: int | None
) -> None:
    assert weeks_before(tuple(START - timedelta(days=ago) for ago in days)) == place


def test_where_a_score_stood_says_how_long_ago() -> None:
    trend = [Point(START + timedelta(days=after), 50.0 - after, "yellow") for after in (0, 2, 30)]
    assert account_card.past(trend, None) is None
    then = account_card.past(trend, 1)
    assert then == (wording.Arrow("▼", 28, "worse"), "48", "Watch", "3 Jan", "4 weeks")
    first = account_card.past(trend, 0)
    assert first is not None
    assert first.span == "30 days"


# What moved

DAYS = (date(2026, 6, 22), date(2026, 6, 29))


@pytest.mark.parametrize(
    ("kind", "tenths", "listed"),
    [("leading", 1, True), ("leading", 0, False), ("context", -10, True), ("context", -9, False)],
)
def test_a_line_is_for_a_signal_that_moved_the_score(kind: str, tenths: int, listed: bool) -> None:
    points = tenths / 10
    change = Change("a", "A", "outcome", kind, 1.0, 2.0, 28, "", "behaviour", points)
    found = movement_card.describe_movement(page_cases.movement_of(50.0, (change,)), *DAYS)
    assert [line.title for line in found.signals] == ["A"] * listed
    assert found.total == wording.points(points)
    assert found.others == (None if listed else ("1 signal", wording.points(points)))
