"""The oracle itself against numbers worked out by hand: whoever judges must be judged first."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from measure_oracle import (
    Fact,
    MeasureName,
    Value,
    measure,
    usable,
    utc_from_local,
)
from random_tables import FactTable, Kind, tables

AS_OF = date(2024, 3, 1)  # a leap year: the day before is 29 February


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def fact(event: str, value: Value | None = True, known: str | None = None, **more: bool) -> Fact:
    return Fact("a", at(event), at(known or event), value, **more)


def ask(facts: list[Fact], name: MeasureName, days: int | None = 7, **more: object) -> Value | None:
    options: dict[str, object] = {"accounts": ["a"], "window_days": days, "measure": name, **more}
    return measure(facts, AS_OF, **options)["a"]  # type: ignore[arg-type]


# Seven days before 1 March 2024 is 23 February.
NUMBERS = [
    fact("2024-02-22T23:59:59.999999", 100.0),  # a microsecond too early for 7 days
    fact("2024-02-23T00:00:00", 4.0),  # exactly as_of - 7 days: in
    fact("2024-02-25T12:00:00", None),  # null: ignored by every measure
    fact("2024-02-26T12:00:00", 1.5),
    fact("2024-02-27T12:00:00", -2.0),
    fact("2024-02-28T08:00:00", 50.0, keep=False),  # filtered out
    fact("2024-02-28T09:00:00", 60.0, known="2024-03-01T00:00:00"),  # known exactly at as_of: out
    fact("2024-02-28T10:00:00", 70.0, known="2024-03-04T00:00:00"),  # late: out
    fact("2024-02-29T23:00:00", 1.5, known="2024-02-29T23:59:59.999999"),  # just in time
    fact("2024-03-01T00:00:00", 80.0),  # exactly as_of: out
    fact("2024-03-02T00:00:00", 90.0),
]
# In the 7-day window: 4.0, 1.5, -2.0, 1.5; over all time 100.0 as well.


@pytest.mark.parametrize(
    ("name", "in_7_days", "in_all"),
    [
        ("count", 4.0, 5.0),
        ("sum", 5.0, 105.0),
        ("mean", 1.25, 21.0),
        ("max", 4.0, 100.0),
        ("min", -2.0, -2.0),
        ("distinct", 3.0, 4.0),
        ("latest", 1.5, 1.5),
        ("days_since", 1.0, 1.0),
        ("days_since_first", 7.0, 8.0),
    ],
)
def test_numbers(name: MeasureName, in_7_days: float, in_all: float) -> None:
    assert ask(NUMBERS, name, 7) == in_7_days
    assert ask(NUMBERS, name, None) == in_all


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        # ordered: -2.0, 1.5, 1.5, 4.0; position = 3 * level
        (0.0, -2.0),
        (0.125, -0.6875),  # position 0.375: -2 + 0.375 * 3.5
        (0.25, 0.625),  # position 0.75: -2 + 0.75 * 3.5
        (0.5, 1.5),
        (0.75, 2.125),  # position 2.25: 1.5 + 0.25 * 2.5
        (1.0, 4.0),
    ],
)
def test_quantile(level: float, expected: float) -> None:
    assert ask(NUMBERS, "quantile", quantile=level) == expected


def test_quantile_of_one_value_is_that_value() -> None:
    assert ask([fact("2024-02-26", 3.5)], "quantile", quantile=0.9) == 3.5


@pytest.mark.parametrize("level", [None, -0.1, 1.1])
def test_quantile_wants_a_level(level: float | None) -> None:
    with pytest.raises(ValueError, match=r"give a number in 0\.\.1"):
        ask(NUMBERS, "quantile", quantile=level)


FLAGS = [
    fact("2024-02-24", True),
    fact("2024-02-25", False),
    fact("2024-02-26", None),
    fact("2024-02-27", False),
    fact("2024-02-28", False),
    fact("2024-02-28", True, keep=False),
    fact("2024-03-01", True),
]


def test_share_is_of_the_rows_that_are_not_null() -> None:
    assert ask(FLAGS, "share") == 0.25


def test_share_of_false_and_of_a_text() -> None:
    assert ask(FLAGS, "share", share_of=False) == 0.75
    plans = [fact("2024-02-24", "pro"), fact("2024-02-25", "basic"), fact("2024-02-26", None)]
    assert ask(plans, "share", share_of="pro") == 0.5


def test_flags_and_texts_in_other_measures() -> None:
    assert ask(FLAGS, "sum") == 1.0
    assert ask(FLAGS, "distinct") == 2.0
    assert ask(FLAGS, "latest") is False
    with pytest.raises(TypeError, match="'pro' is not a number"):
        ask([fact("2024-02-24", "pro")], "sum")


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        # the later event wins, whenever it became known
        (
            [
                fact("2024-02-26", "old", known="2024-02-29"),
                fact("2024-02-27", "new", known="2024-02-28"),
            ],
            "new",
        ),
        # same event time: the one known later wins, though its value is smaller
        (
            [
                fact("2024-02-27", "z", known="2024-02-28"),
                fact("2024-02-27", "a", known="2024-02-29"),
            ],
            "a",
        ),
        # announced before it happened is known when it happens: a tie, and the greater value wins
        (
            [
                fact("2024-02-27", "b", known="2024-02-20"),
                fact("2024-02-27", "a", known="2024-02-27"),
            ],
            "b",
        ),
        # midnight tie in both times: the greatest value wins, in either order of rows
        ([fact("2024-02-27", "a"), fact("2024-02-27", "b")], "b"),
        ([fact("2024-02-27", "b"), fact("2024-02-27", "a")], "b"),
        ([fact("2024-02-27", 9.0), fact("2024-02-27", 10.0)], 10.0),
        # a correction that is not known yet does not win
        ([fact("2024-02-27", 9.0), fact("2024-02-27", 10.0, known="2024-03-01")], 9.0),
        # a later null does not win, nor does a row that the filter drops
        ([fact("2024-02-27", 1.0), fact("2024-02-28", None)], 1.0),
        ([fact("2024-02-27", 1.0), fact("2024-02-28", 2.0, keep=False)], 1.0),
        # before the window
        ([fact("2024-02-22", 1.0)], None),
    ],
)
def test_latest(facts: list[Fact], expected: Value | None) -> None:
    assert ask(facts, "latest") == expected


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ("2024-02-29T23:00:00", 1.0),
        ("2024-02-29T00:00:00", 1.0),
        ("2024-02-28T23:59:59.999999", 2.0),
        ("2024-01-31T12:00:00", 30.0),  # 29 days of February and one of January
        ("2024-03-01T00:00:00", None),
    ],
)
def test_days_since_counts_days_of_the_calendar(event: str, expected: float | None) -> None:
    assert ask([fact(event)], "days_since", None) == expected
    assert ask([fact(event)], "days_since_first", None) == expected


def test_days_since_sees_only_the_window_and_only_usable_rows() -> None:
    facts = [
        fact("2024-01-01"),
        fact("2024-02-23"),
        fact("2024-02-26"),
        fact("2024-02-28", None),
        fact("2024-02-29", keep=False),
    ]
    assert ask(facts, "days_since", 7) == 4.0
    assert ask(facts, "days_since_first", 7) == 7.0
    assert ask(facts, "days_since_first", None) == 60.0


# Recent [23 February, 1 March), 7 days; earlier [9 February, 23 February), 14 days.
RATIO = [
    fact("2024-02-08T23:59:59", 99.0),  # before both
    fact("2024-02-09T00:00:00", 1.0),  # exactly as_of - W - E: earlier
    fact("2024-02-15T00:00:00", 2.0),
    fact("2024-02-16T00:00:00", None),
    fact("2024-02-17T00:00:00", 99.0, known="2024-03-01T00:00:00"),  # earlier, but not known yet
    fact("2024-02-22T23:59:59", 5.0),
    fact("2024-02-23T00:00:00", 6.0),  # exactly as_of - W: recent, not earlier
    fact("2024-02-24T00:00:00", 99.0, keep=False),
    fact("2024-02-29T00:00:00", 10.0),
    fact("2024-03-01T00:00:00", 99.0),
]


def test_ratio() -> None:
    # counts 2 in 7 days to 3 in 14: (2/7) / (3/14) = 4/3; sums 16 to 8: (16/7) / (8/14) = 4
    assert ask(RATIO, "ratio", of="count", earlier_days=14) == pytest.approx(4 / 3, rel=1e-15)
    assert ask(RATIO, "ratio", of="sum", earlier_days=14) == pytest.approx(4.0, rel=1e-15)


@pytest.mark.parametrize(
    ("facts", "of", "absent", "expected"),
    [
        ([], "count", "zero", None),
        ([fact("2024-02-28", 2.0)], "count", "zero", None),  # earlier is empty
        ([fact("2024-02-28", 2.0)], "sum", "zero", None),
        ([fact("2024-02-10", 2.0)], "count", "zero", 0.0),  # recent is empty: the rate fell to 0
        ([fact("2024-02-10", 2.0)], "sum", "zero", 0.0),
        ([fact("2024-02-10", 2.0)], "count", "missing", None),  # recent is not known
        ([fact("2024-02-28", 2.0)], "count", "missing", None),
        # the earlier rows cancel out: two rows, but a sum of 0
        ([fact("2024-02-10", 2.0), fact("2024-02-11", -2.0)], "sum", "zero", None),
        ([fact("2024-02-10", 2.0), fact("2024-02-11", -2.0)], "count", "zero", 0.0),
        # a negative earlier sum is a number like any other: (7/7) / (-14/14)
        ([fact("2024-02-10", -14.0), fact("2024-02-28", 7.0)], "sum", "zero", -1.0),
    ],
)
def test_ratio_with_nothing_to_compare(
    facts: list[Fact], of: str, absent: str, expected: float | None
) -> None:
    assert ask(facts, "ratio", of=of, earlier_days=14, absent=absent) == expected


def test_ratio_wants_two_windows_and_what_to_compare() -> None:
    with pytest.raises(ValueError, match="window_days, earlier_days and of"):
        ask(RATIO, "ratio", of="count")
    with pytest.raises(ValueError, match="window_days, earlier_days and of"):
        ask(RATIO, "ratio", None, of="count", earlier_days=14)


def test_what_is_known_ahead_counts_once_it_has_happened() -> None:
    facts = [fact("2024-03-01", known="2024-02-20"), fact("2024-02-29", known="2024-02-20")]
    assert [usable(row, AS_OF) for row in facts] == [False, True]
    assert ask(facts, "count") == 1.0


UNUSABLE = [
    fact("2024-02-26", None),
    fact("2024-02-26", 1.0, keep=False),
    fact("2024-02-26", 1.0, known="2024-03-01"),
    fact("2024-02-22T23:00:00", 1.0),
    fact("2024-03-01", 1.0),
]


@pytest.mark.parametrize("name", ["count", "sum", "distinct"])
def test_empty_window_is_zero_or_missing(name: MeasureName) -> None:
    for facts in ([], UNUSABLE):
        assert ask(facts, name) == 0.0
    unreported = UNUSABLE[2:]  # late, too old, too new
    for facts in ([], unreported):
        assert ask(facts, name, absent="missing") is None
    # rows that are null or filtered out were reported: nothing happened, and we know it
    for row in UNUSABLE[:2]:
        assert ask([row], name, absent="missing") == 0.0


@pytest.mark.parametrize("absent", ["zero", "missing"])
@pytest.mark.parametrize("facts", [[], UNUSABLE], ids=["no rows", "no usable rows"])
@pytest.mark.parametrize(
    "name", ["mean", "max", "min", "share", "latest", "days_since", "days_since_first", "quantile"]
)
def test_empty_window_is_null_elsewhere(facts: list[Fact], name: MeasureName, absent: str) -> None:
    assert ask(facts, name, absent=absent, quantile=0.5) is None


def test_accounts_are_kept_apart_and_answered_in_full() -> None:
    facts = [
        Fact("a", at("2024-02-26"), at("2024-02-26"), 1.0),
        Fact("b", at("2024-02-26"), at("2024-02-26"), 2.0),
        Fact("b", at("2024-02-27"), at("2024-02-27"), 4.0),
        Fact("stranger", at("2024-02-27"), at("2024-02-27"), 8.0),
    ]
    sums = measure(facts, AS_OF, accounts=["c", "b", "a"], window_days=7, measure="sum")
    assert sums == {"a": 1.0, "b": 6.0, "c": 0.0}


@pytest.mark.parametrize(
    ("local", "expected"),
    [
        ("2024-01-15T00:00:00", "2024-01-14T23:00:00"),  # winter: an hour ahead of UTC
        ("2024-07-15T00:00:00", "2024-07-14T22:00:00"),  # summer: two hours
        ("2024-03-31T01:59:59", "2024-03-31T00:59:59"),  # the clock jumps from 02:00 to 03:00
        ("2024-03-31T03:00:00", "2024-03-31T01:00:00"),
        ("2024-03-31T02:30:00", "2024-03-31T01:30:00"),  # never shown: read as winter time
        ("2024-10-27T01:59:59", "2024-10-26T23:59:59"),
        ("2024-10-27T02:30:00", "2024-10-27T01:30:00"),  # shown twice: the second one
        ("2024-10-27T03:00:00", "2024-10-27T02:00:00"),
    ],
)
def test_berlin_to_utc(local: str, expected: str) -> None:
    assert utc_from_local(datetime.fromisoformat(local), "Europe/Berlin") == at(expected)


@pytest.mark.parametrize(
    ("local", "as_of", "counted"),
    [
        # the UTC day of the last Sunday in March begins at 01:00 and ends at 02:00 of the next day
        ("2024-03-31T00:59:59", date(2024, 3, 31), 1.0),
        ("2024-03-31T01:00:00", date(2024, 3, 31), 0.0),
        ("2024-04-01T01:59:59", date(2024, 4, 1), 1.0),
        ("2024-04-01T02:00:00", date(2024, 4, 1), 0.0),
        # and in October it begins at 02:00 and ends at 01:00
        ("2024-10-27T01:59:59", date(2024, 10, 27), 1.0),
        ("2024-10-28T00:59:59", date(2024, 10, 28), 1.0),
        ("2024-10-28T01:00:00", date(2024, 10, 28), 0.0),
    ],
)
def test_berlin_facts_are_cut_at_utc_midnight(local: str, as_of: date, counted: float) -> None:
    moment = utc_from_local(datetime.fromisoformat(local), "Europe/Berlin")
    facts = [Fact("a", moment, moment)]
    assert measure(facts, as_of, accounts=["a"], window_days=1, measure="count") == {"a": counted}


@pytest.mark.parametrize("moment", ["2024-02-01T00:00:00", "2024-02-01T00:00:00+01:00"])
def test_facts_must_be_in_utc(moment: str) -> None:
    with pytest.raises(ValueError, match="is not UTC"):
        Fact("a", datetime.fromisoformat(moment), at("2024-02-01"))


KINDS: tuple[Kind, ...] = ("number", "text", "flag")


@given(table=st.sampled_from(KINDS).flatmap(tables))
def test_random_tables_keep_their_promises(table: FactTable) -> None:
    assert len(table.facts) <= 40
    assert 1 <= len(table.accounts) <= 5
    assert {row.account for row in table.facts} <= set(table.accounts)
    now = datetime(table.as_of.year, table.as_of.month, table.as_of.day, tzinfo=UTC)
    for row in table.facts:
        assert now - timedelta(days=121) <= row.event_time <= now + timedelta(days=5)
        assert timedelta(0) <= row.known_time - row.event_time <= timedelta(days=10)


@given(table=tables())
def test_what_is_not_known_changes_nothing(table: FactTable) -> None:
    known = [row for row in table.facts if usable(row, table.as_of)]
    for name in ("count", "sum", "mean", "latest", "days_since"):
        window = table.window_days
        every = measure(
            table.facts, table.as_of, accounts=table.accounts, window_days=window, measure=name
        )
        only = measure(
            known, table.as_of, accounts=table.accounts, window_days=window, measure=name
        )
        assert every == only


@given(table=tables(), level=st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0]))
def test_quantile_agrees_with_numpy(table: FactTable, level: float) -> None:
    got = measure(
        table.facts,
        table.as_of,
        accounts=table.accounts,
        window_days=None,
        measure="quantile",
        quantile=level,
    )
    for account in table.accounts:
        mine = [row for row in table.facts if row.account == account and usable(row, table.as_of)]
        numbers = [row.value for row in mine if isinstance(row.value, float)]
        expected = float(np.quantile(numbers, level)) if numbers else None
        assert got[account] == pytest.approx(expected)


@given(table=tables(bounded=True))
def test_ratio_is_a_quotient_of_two_counts(table: FactTable) -> None:
    recent_days, earlier_days = table.window_days, table.earlier_days
    assert recent_days is not None
    accounts = table.accounts

    def counts(days: int) -> dict[str, Value | None]:
        return measure(
            table.facts, table.as_of, accounts=accounts, window_days=days, measure="count"
        )

    recent, both = counts(recent_days), counts(recent_days + earlier_days)
    ratios = measure(
        table.facts,
        table.as_of,
        accounts=accounts,
        window_days=recent_days,
        measure="ratio",
        of="count",
        earlier_days=earlier_days,
    )
    for account in accounts:
        new, total = recent[account], both[account]
        assert isinstance(new, float)
        assert isinstance(total, float)
        expected = None if total == new else (new / recent_days) / ((total - new) / earlier_days)
        assert ratios[account] == pytest.approx(expected)
