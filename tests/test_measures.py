"""Every measure, label and eligibility that the product computes, against the oracle."""

import tempfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import outcome_cases as cases
from features import sources
from features.assembling import source_sql
from features.snapshots import Snapshots
from measure_agreement import assert_equals_the_oracle
from measure_cases import (
    Asked,
    Keys,
    Layout,
    built,
    by_account,
    every_comparison,
    every_measure,
    expected,
    stored,
    write,
)
from measure_oracle import Fact
from outcome_cases import Answers
from outcome_oracle import Subscription
from random_tables import FactTable, Kind, crowds

ROWS = Asked("rows", "count", 1, by_value=False)


@settings(max_examples=30)
@given(drawn=stored("number"))
def test_measures_of_numbers_equal_the_oracle(drawn: tuple[FactTable, Layout]) -> None:
    assert_equals_the_oracle(*drawn, list(every_measure("number", drawn[0])))


@settings(max_examples=10)
@given(drawn=stored("flag"))
def test_measures_of_flags_equal_the_oracle(drawn: tuple[FactTable, Layout]) -> None:
    assert_equals_the_oracle(*drawn, list(every_measure("flag", drawn[0])))


@settings(max_examples=10)
@given(drawn=stored("text"))
def test_measures_of_texts_equal_the_oracle(drawn: tuple[FactTable, Layout]) -> None:
    assert_equals_the_oracle(*drawn, list(every_measure("text", drawn[0])))


@settings(max_examples=25)
@given(drawn=stored("number"))
def test_comparisons_of_numbers_equal_the_oracle(drawn: tuple[FactTable, Layout]) -> None:
    assert_equals_the_oracle(*drawn, list(every_comparison("number", drawn[0])))


@pytest.mark.parametrize("kind", ["day", "moment", "body"])
def test_days_ahead_and_topics_equal_the_oracle(kind: Kind) -> None:
    @settings(max_examples=10)
    @given(drawn=stored(kind))
    def equal(drawn: tuple[FactTable, Layout]) -> None:
        assert_equals_the_oracle(*drawn, list(every_comparison(kind, drawn[0])))

    equal()


@settings(max_examples=15)
@given(table=crowds(), keys=st.sampled_from(["string", "derived"]))
def test_ranks_among_peers_equal_the_oracle(table: FactTable, keys: Keys) -> None:
    assert_equals_the_oracle(table, Layout(keys=keys), list(every_comparison("number", table)))


def outcomes(snapshot: Snapshots, target: str) -> Answers:
    eligible = by_account(snapshot, f"eligible__{target}")
    labels = by_account(snapshot, f"label__{target}")
    return {name: (eligible[name], None if y is None else y == 1) for name, y in labels.items()}


@settings(max_examples=30)
@given(found=cases.subscriptions(), days=cases.terms(cases.AS_OF))
def test_subscription_churn_equals_the_oracle(
    found: dict[str, list[Subscription]], days: cases.Terms
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        company = cases.write_subscriptions(Path(folder), found, days)
        snapshot = built(company, cases.AS_OF)
    assert outcomes(snapshot, "churn") == cases.of_subscriptions(found, days)


@pytest.mark.parametrize("end_delay", [0, 3])
def test_subscriptions_on_every_edge_equal_the_oracle(end_delay: int, tmp_path: Path) -> None:
    days = cases.Terms(7, 28, 5, end_delay, date(2024, 12, 1))
    snapshot = built(cases.write_subscriptions(tmp_path, cases.EDGES, days), cases.AS_OF)
    found = outcomes(snapshot, "churn")
    assert found == cases.of_subscriptions(cases.EDGES, days)
    assert {label for _, label in found.values()} == {True, False, None}


@settings(max_examples=20)
@given(drawn=cases.two_tables())
def test_silence_and_events_equal_the_oracle(drawn: cases.TwoTables) -> None:
    with tempfile.TemporaryDirectory() as folder:
        snapshot = built(cases.write_events(Path(folder), drawn), drawn.table.as_of)
    for target in ("silence", "complaint", "upgrade"):
        assert outcomes(snapshot, target) == cases.of_events(drawn, target), target


def one_table(folder: Path, facts: list[Fact], layout: Layout, as_of: date) -> Snapshots:
    """The snapshot of `facts` as they are stored by `layout`."""
    table = FactTable(as_of, 1, 7, tuple(sorted({fact.account for fact in facts})), tuple(facts))
    return built(write(folder, table, layout, [ROWS]), as_of)


def test_of_events_at_the_same_time_the_last_known_and_then_the_largest_is_the_latest(
    tmp_path: Path,
) -> None:
    at, later = datetime(2024, 4, 1, tzinfo=UTC), datetime(2024, 4, 2, tzinfo=UTC)
    facts = [
        Fact("a1", at, later, 1.0),
        Fact("a1", at, at, 5.0),
        Fact("a2", at, at, 1.0),
        Fact("a2", at, at, 5.0),
    ]
    asked = [Asked("latest", "latest", None)]
    table = FactTable(date(2024, 5, 1), 1, 7, ("a1", "a2"), (*facts, *facts[::-1]))
    found = built(write(tmp_path, table, Layout(), asked), table.as_of)
    assert by_account(found, "latest__all") == {"a1": 1.0, "a2": 5.0}
    assert by_account(found, "latest__all") == expected(table, Layout(), asked[0])


@pytest.mark.parametrize(
    ("moment", "as_of"),
    [
        ("2024-03-30T22:59:59", date(2024, 3, 31)),
        ("2024-03-31T00:30:00", date(2024, 4, 1)),  # an hour before the clocks go forward
        ("2024-03-31T01:30:00", date(2024, 4, 1)),  # half an hour after
        ("2024-03-31T23:59:59", date(2024, 4, 1)),
        ("2024-10-27T01:30:00", date(2024, 10, 28)),  # in the second showing of the hour
        ("2024-10-27T23:30:00", date(2024, 10, 28)),
    ],
)
@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_a_day_ends_at_midnight_utc_when_clocks_change(
    moment: str, as_of: date, suffix: str, tmp_path: Path
) -> None:
    at = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    layout = Layout(suffix="csv" if suffix == "csv" else "parquet", zone="Europe/Berlin")
    for day, count in ((as_of, 1.0), (as_of + timedelta(days=1), 0.0)):
        found = one_table(tmp_path, [Fact("a1", at, at, 1.0)], layout, day)
        assert by_account(found, "rows__1d") == {"a1": count}


def test_an_hour_that_is_shown_twice_is_the_second_one(tmp_path: Path) -> None:
    # 02:30 on the clocks of Berlin is 00:30 and 01:30 UTC; the fact of 00:30 is read as the later.
    at = datetime(2024, 10, 27, 0, 30, tzinfo=UTC)
    table = FactTable(at.date(), 1, 7, ("a1",), (Fact("a1", at, at),), "flag")
    company = write(tmp_path, table, Layout(zone="Europe/Berlin"), [ROWS])
    with sources.open_tables(company) as opened:
        found = opened.engine.row(f"SELECT {source_sql.event_time(opened, 'facts')} FROM facts")
    assert found[0] == datetime(2024, 10, 27, 1, 30)  # noqa: DTZ001 - the engine's own, in UTC


def test_a_date_is_midnight_utc_whatever_zone_the_company_lives_in(tmp_path: Path) -> None:
    day = datetime(2024, 5, 1, tzinfo=UTC)
    table = FactTable(day.date(), 1, 7, ("a1",), (Fact("a1", day, day),), "flag")
    company = write(tmp_path, table, Layout(), [ROWS])
    facts = pq.read_table(tmp_path / "facts.parquet")
    for name in ("at", "known"):
        facts = facts.set_column(facts.column_names.index(name), name, facts[name].cast("date32"))
    pq.write_table(facts, tmp_path / "facts.parquet")
    snapshot = built(company, date(2024, 5, 1), date(2024, 5, 2), date(2024, 5, 3))
    assert snapshot.table["rows__1d"].to_pylist() == [0.0, 1.0, 0.0]


def test_keys_of_a_csv_keep_their_zeros(tmp_path: Path) -> None:
    at = datetime(2024, 5, 1, tzinfo=UTC)
    facts = [Fact(name, at, at, 1.0) for name in ("007", "7")]
    found = one_table(tmp_path, facts, Layout(suffix="csv"), date(2024, 5, 2))
    assert by_account(found, "rows__1d") == {"007": 1.0, "7": 1.0}
