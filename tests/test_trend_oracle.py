"""The oracle's comparisons in time, among accounts and of texts, against numbers made by hand."""

import itertools
import math
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyword_oracle import mentions, words
from measure_oracle import (
    Fact,
    MeasureName,
    Value,
    measure,
    peer_rank,
    quotient,
    start_of,
    usable,
)
from random_tables import FactTable, tables

AS_OF = date(2024, 3, 1)  # a leap year: the day before is 29 February


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def fact(event: str, value: Value | None = True, known: str | None = None, **more: bool) -> Fact:
    return Fact("a", at(event), at(known or event), value, **more)


def ago(days: float, value: Value | None = True) -> Fact:
    """Return a fact of so many days before the as-of date, known at once."""
    moment = start_of(AS_OF) - timedelta(days=days)
    return Fact("a", moment, moment, value)


def ask(facts: list[Fact], name: MeasureName, days: int | None = 7, **more: Any) -> Value | None:
    options: dict[str, Any] = {"accounts": ["a"], "window_days": days, "measure": name, **more}
    return measure(facts, AS_OF, **options)["a"]


# The window is [23 February, 1 March); the same week of last year, 364 days before, is
# [24 February 2023, 3 March 2023).
YEARS = [
    fact("2023-02-23T23:59:59.999999"),  # a microsecond too early
    fact("2023-02-24T00:00:00"),
    fact("2023-02-28T12:00:00"),
    fact("2023-03-02T23:59:59.999999"),
    fact("2023-03-03T00:00:00"),  # 364 days before as_of: too late
    fact("2024-02-16T00:00:00"),  # between the two
    fact("2024-02-23T00:00:00"),
    fact("2024-02-29T12:00:00"),
    fact("2024-02-29T12:00:00", known="2024-03-01"),
]


def test_a_ratio_with_a_lag_compares_with_the_same_days_of_last_year() -> None:
    # two to three, both in 7 days
    found = ask(YEARS, "ratio", of="count", earlier_days=7, lag_days=364)
    assert found == pytest.approx(2 / 3, rel=1e-15)


def test_a_lag_of_the_window_is_the_default() -> None:
    # two in 7 days to one in the 14 before: (2/7) / (1/14) = 4
    for lag in (None, 7):
        assert ask(YEARS, "ratio", of="count", earlier_days=14, lag_days=lag) == pytest.approx(4)


def test_a_lag_leaves_out_what_lies_between() -> None:
    # 5 days: [25 February, 1 March) holds one; lagged 7 days, [9 February, 23 February) holds one
    found = ask(YEARS, "ratio", 5, of="count", earlier_days=14, lag_days=7)
    assert found == pytest.approx((1 / 5) / (1 / 14), rel=1e-15)


@pytest.mark.parametrize(
    ("recent", "earlier", "shrink", "expected"),
    [
        # 7 and 21 days: of k pseudo-facts a quarter falls into the window, the rest before it
        (0, 0, 4.0, 1.0),
        (2, 0, 4.0, 3.0),  # ((2 + 1) / 7) / (3 / 21)
        (0, 3, 4.0, 0.5),  # (1 / 7) / ((3 + 3) / 21)
        (1, 3, 4.0, 1.0),  # as often as before: stays
        (3, 3, 4.0, 2.0),  # unshrunk 3: (4 / 7) / (6 / 21)
        (3, 3, 0.0, 3.0),
        (3, 0, 0.0, None),
        (0, 0, 0.0, None),
        (1, 0, 0.5, 9.0),  # (1.125 / 7) / (0.375 / 21)
    ],
)
def test_a_ratio_shrinks_towards_one(
    recent: int, earlier: int, shrink: float, expected: float | None
) -> None:
    facts = [ago(1)] * recent + [ago(8)] * earlier
    found = ask(facts, "ratio", of="count", earlier_days=21, shrink=shrink)
    assert found == pytest.approx(expected)


def test_a_ratio_shrinks_for_counts_only_and_lags_no_less_than_the_window() -> None:
    wrongs: list[dict[str, Any]] = [{"of": "sum", "shrink": 1.0}, {"of": "count", "lag_days": 6}]
    for wrong in wrongs:
        with pytest.raises(ValueError, match=r"lag_days >= window_days; shrink >= 0, for counts"):
            ask(YEARS, "ratio", earlier_days=7, **wrong)


def test_a_missing_source_has_no_ratio_however_much_it_is_shrunk() -> None:
    options: dict[str, Any] = {"of": "count", "earlier_days": 14, "shrink": 2.0}
    assert ask([ago(10)], "ratio", **options, absent="missing") is None
    assert ask([], "ratio", **options, absent="zero") == 1.0
    # a row that does not count was reported all the same: ((0 + 2/3)/7) / ((1 + 4/3)/14)
    found = ask([ago(10), ago(2, None)], "ratio", **options, absent="missing")
    assert found == pytest.approx(4 / 7, rel=1e-15)
    # only the window is asked for: ((1 + 2/3)/7) / ((4/3)/14)
    assert ask([ago(1)], "ratio", **options, absent="missing") == pytest.approx(2.5, rel=1e-15)


@pytest.mark.parametrize(
    ("name", "options", "needed"),
    [
        ("ratio", {"of": "count", "earlier_days": 14}, 21),
        ("ratio", {"of": "count", "earlier_days": 14, "lag_days": 30}, 44),
        ("longest_silence", {}, 7),
        ("deviation", {"earlier_days": 21}, 28),
    ],
)
def test_a_comparison_needs_its_whole_history(
    name: MeasureName, options: dict[str, Any], needed: int
) -> None:
    facts = [ago(1), ago(8), ago(31)]
    assert ask(facts, name, **options, history={"a": needed}) is not None
    assert ask(facts, name, **options, history={"a": needed - 1}) is None


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ([ago(1, 9.0), ago(10, 7.0)], 2.0),
        ([ago(1, 9.0), ago(3, 1.0), ago(8, 7.0), ago(300, 50.0)], 2.0),  # the latest of each
        ([ago(7, 9.0), ago(7.5, 7.0)], 2.0),  # exactly as_of - 7 days is in the window
        ([ago(7, 9.0)], None),  # nothing before it
        ([ago(8, 9.0)], None),  # nothing in it
        ([ago(1, math.nan), ago(2, 3.0), ago(9, math.inf), ago(10, -2.0)], 5.0),
        ([ago(1, 0.0), ago(10, 0.0)], 0.0),
        # an old fact that is not known yet is no fact
        ([ago(1, 9.0), ago(10, 7.0), fact("2024-02-22", 1.0, known="2024-03-01")], 2.0),
        # an old fact that became known in the window is an old fact
        ([ago(1, 9.0), ago(10, 7.0), fact("2024-02-22", 1.0, known="2024-02-29")], 8.0),
        # of two at the same time that was known later, and then the larger
        ([ago(1, 9.0), ago(1, 10.0), ago(10, 7.0)], 3.0),
        (
            [
                ago(1, 9.0),
                fact("2024-02-10", 1.0, known="2024-02-12"),
                fact("2024-02-10", 5.0, known="2024-02-11"),
            ],
            8.0,
        ),
    ],
)
def test_change(facts: list[Fact], expected: float | None) -> None:
    assert ask(facts, "change") == expected


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ([], None),
        ([ago(1, date(2024, 3, 1))], 0.0),
        ([ago(1, date(2024, 3, 31))], 30.0),
        ([ago(1, date(2024, 2, 28))], -2.0),  # over the leap day
        ([ago(1, at("2024-03-02T23:59:59.999999"))], 1.0),  # the day counts, not the hour
        ([ago(1, at("2024-02-29T23:59:59.999999"))], -1.0),
        # the latest fact says it, not the latest day
        ([ago(2, date(2025, 3, 1)), ago(1, date(2024, 3, 11))], 10.0),
        ([ago(2, date(2024, 3, 11)), ago(1, None)], 10.0),
        # in a tie the later day
        ([ago(2, date(2024, 3, 11)), ago(2, date(2024, 3, 21))], 20.0),
        ([ago(0, date(2024, 3, 11))], None),
    ],
)
def test_days_until(facts: list[Fact], expected: float | None) -> None:
    assert ask(facts, "days_until", None) == expected


def test_days_until_sees_only_the_window() -> None:
    facts = [ago(8, date(2024, 3, 11)), ago(7.01, date(2024, 3, 12))]
    assert ask(facts, "days_until", 7) is None
    assert ask([*facts, ago(7, date(2024, 3, 13))], "days_until", 7) == 12.0


@pytest.mark.parametrize(
    ("days_with_facts", "expected"),
    [
        ([], 7.0),
        ([1], 6.0),
        ([7], 6.0),
        ([4], 3.0),  # three days on either side
        ([3], 4.0),  # 7, 6, 5 and 4 days ago
        ([2, 5], 2.0),
        ([1, 2, 3, 4, 5, 6, 7], 0.0),
        ([1, 2, 3, 4, 5, 6], 1.0),
        ([8], 7.0),  # outside
        ([0], 7.0),
        ([6.5], 6.0),  # noon of the first day of the window
    ],
)
def test_longest_silence(days_with_facts: list[float], expected: float) -> None:
    assert ask([ago(days) for days in days_with_facts], "longest_silence") == expected


def test_a_silence_is_broken_only_by_what_counts_and_is_known() -> None:
    unheard = [
        ago(4, None),
        ago(4, math.nan),
        fact("2024-02-26", keep=False),
        fact("2024-02-26", known="2024-03-01"),
    ]
    assert ask(unheard, "longest_silence") == 7.0
    assert ask([*unheard, fact("2024-02-26", known="2024-02-29")], "longest_silence") == 3.0


def test_a_missing_source_is_not_silent() -> None:
    assert ask([], "longest_silence", absent="missing") is None
    assert ask([ago(8)], "longest_silence", absent="missing") is None
    assert ask([ago(3, None)], "longest_silence", absent="missing") == 7.0


@pytest.mark.parametrize(
    ("recent", "before", "expected"),
    [
        # mean 2, deviation 0: the floor is sqrt(2)
        (5, [2, 2, 2], 3 / math.sqrt(2)),
        # mean 2, squares 4 + 0 + 4, divided by 2: deviation 2
        (5, [0, 2, 4], 1.5),
        (0, [0, 2, 4], -1.0),
        # all quiet: the floor is 1
        (3, [0, 0, 0], 3.0),
        (0, [0, 0, 0], 0.0),
        # mean 1/4, deviation 1/2: the floor is 1
        (0, [0, 1, 0, 0], -0.25),
        # mean 9, squares 81 + 0 + 0 + 81, divided by 3: deviation sqrt(54)
        (9, [0, 9, 9, 18], 0.0),
        (18, [0, 9, 9, 18], 9 / math.sqrt(54)),
    ],
)
def test_deviation(recent: int, before: list[int], expected: float) -> None:
    facts = [ago(7)] * recent  # the first moment of the window
    for number, count in enumerate(before, start=2):
        facts += [ago(7 * number)] * count  # and of each week before
    found = ask(facts, "deviation", earlier_days=7 * len(before))
    assert found == pytest.approx(expected, rel=1e-15)


def test_a_deviation_leaves_out_what_lies_before_its_baseline() -> None:
    assert ask([ago(28.001)] * 9, "deviation", earlier_days=21) == 0.0
    # 28 days ago is the first moment of the third week before: mean 3, deviation sqrt(27)
    found = ask([ago(28)] * 9, "deviation", earlier_days=21)
    assert found == pytest.approx(-3 / math.sqrt(27), rel=1e-15)


def test_a_missing_source_deviates_from_nothing() -> None:
    options: dict[str, Any] = {"earlier_days": 21, "absent": "missing"}
    assert ask([ago(28.001)], "deviation", **options) is None
    assert ask([ago(28, None)], "deviation", **options) == 0.0


@pytest.mark.parametrize("earlier", [None, 14, 22])
def test_a_deviation_wants_three_spans_or_more(earlier: int | None) -> None:
    with pytest.raises(ValueError, match="3 or more times window_days"):
        ask([], "deviation", earlier_days=earlier)


def test_quotient() -> None:
    over: dict[str, Value | None] = {"a": 3.0, "b": None, "c": 3.0, "d": 3.0, "e": 0.0, "f": -1.0}
    per: dict[str, Value | None] = {"a": 4.0, "b": 4.0, "c": None, "d": 0.0, "e": 4.0, "f": -4.0}
    wanted = {"a": 0.75, "b": None, "c": None, "d": None, "e": 0.0, "f": 0.25}
    assert quotient(over, per) == wanted


def test_peer_rank_is_the_middle_of_its_equals_among_twenty() -> None:
    values: dict[str, Value | None] = {f"p{number}": float(number) for number in range(18)}
    values |= {"tied": 17.0, "top": 99.0, "silent": None, "stranger": 5.0}
    segments = dict.fromkeys(values, "small") | {"stranger": "large"}
    ranks = peer_rank(values, segments)
    assert ranks["p0"] == 0.5 / 20
    assert ranks["p1"] == 1.5 / 20
    assert ranks["p17"] == ranks["tied"] == (17 + 0.5 * 2) / 20
    assert ranks["top"] == 19.5 / 20
    assert ranks["silent"] is None
    assert ranks["stranger"] is None  # the only one of its segment
    values["top"] = None  # leaves nineteen
    assert set(peer_rank(values, segments).values()) == {None}


def test_words_are_letters_and_digits_of_any_script() -> None:
    assert words("Too  expensive – 20% off_now!\nÄrger, цена2") == [
        *("too", "expensive", "20", "off", "now", "ärger", "цена2")
    ]
    assert words(" ?! ") == []


@pytest.mark.parametrize(
    ("text", "keyword", "found"),
    [
        ("The PRICE is high", "price", True),
        ("price", "Price", True),
        ("prices", "price", False),
        ("overprice", "price", False),
        ("price2", "price", False),
        ("pricé", "price", False),
        ("under_price", "price", True),  # a stroke is no letter
        ("(price)", "price", True),
        ("prices", "price*", True),
        ("price", "price*", True),
        ("overprice", "price*", False),
        ("too expensive", "too expensive", True),
        ("too,\n-- expensive", "too expensive", True),
        ("tooexpensive", "too expensive", False),
        ("too very expensive", "too expensive", False),
        ("expensive too", "too expensive", False),
        ("far too too expensive", "too expensive", True),
        ("too expensively", "too expensive", False),
        ("too expensively", "too expens*", True),
        ("toon expensive", "too expens*", False),
        ("Über den ÄRGER", "ärger", True),
        ("ЦЕНА растёт", "цена", True),
        ("价格 高", "价格", True),
        ("价格高", "价格", False),
        ("价格高", "价格*", True),
        ("wi fi, WI-FI", "wi-fi", True),
        ("wifi", "wi-fi", False),
        ("it's 100 % dear", "100", True),
        ("1000", "100", False),
        ("a.b", "a.b", True),
        ("axb", "a.b", False),  # no pattern but the star
        ("", "price", False),
        (None, "price", False),
    ],
)
def test_mentions(text: str | None, keyword: str, found: bool) -> None:
    assert mentions(text, [keyword]) is found
    assert mentions(text, ["nowhere", keyword]) is found


def test_no_keyword_is_mentioned_nowhere() -> None:
    assert mentions("price", []) is False


@given(table=tables(bounded=True), shrink=st.sampled_from([0.5, 3.0, 1e12]))
def test_a_shrunk_ratio_lies_between_one_and_the_ratio(table: FactTable, shrink: float) -> None:
    def ratios(pseudo: float) -> dict[str, Value | None]:
        return measure(
            table.facts,
            table.as_of,
            accounts=table.accounts,
            window_days=table.window_days,
            measure="ratio",
            of="count",
            earlier_days=table.earlier_days,
            shrink=pseudo,
        )

    plain, shrunk = ratios(0.0), ratios(shrink)
    for account, found in shrunk.items():
        assert isinstance(found, float)
        bare = plain[account]
        if isinstance(bare, float):
            assert min(bare, 1.0) - 1e-9 <= found <= max(bare, 1.0) + 1e-9
        if shrink == 1e12:
            assert found == pytest.approx(1.0)


@given(table=tables(bounded=True))
def test_the_longest_silence_is_the_widest_gap_between_days_with_facts(table: FactTable) -> None:
    days = table.window_days
    assert days is not None
    silences = measure(
        table.facts,
        table.as_of,
        accounts=table.accounts,
        window_days=days,
        measure="longest_silence",
    )
    first = start_of(table.as_of) - timedelta(days=days)
    for account in table.accounts:
        heard = sorted(
            (row.event_time - first).days
            for row in table.facts
            if row.account == account and usable(row, table.as_of) and row.event_time >= first
        )
        borders = [-1, *heard, days]
        gaps = [late - early - 1 for early, late in itertools.pairwise(borders)]
        assert silences[account] == max(0, *gaps)


@given(st.lists(st.none() | st.integers(0, 5).map(float), max_size=60))
def test_ranks_of_enough_peers_have_their_mean_in_the_middle(numbers: list[float | None]) -> None:
    values = {f"a{place}": number for place, number in enumerate(numbers)}
    found = peer_rank(values, dict.fromkeys(values))
    ranks = [rank for rank in found.values() if isinstance(rank, float)]
    known = sum(number is not None for number in numbers)
    assert len(ranks) == (known if known >= 20 else 0)
    assert not ranks or sum(ranks) / len(ranks) == pytest.approx(0.5)
