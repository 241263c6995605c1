"""Up to which day tables are complete: what had happened, and what a target's own source shows."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from declared_terms import ACCOUNTS_AND_TERMS
from features import contract, snapshots, sources
from features.assembling import reach
from features.declaring.company import Company
from features.declaring.declaration import parse
from features.drafting.tables import profiles, spans
from features.engines import start

HEAD = (
    """
[company]
name = "Reach"
data_from = 2023-01-01
"""
    + ACCOUNTS_AND_TERMS
    + """
[sources.logins]
path = "logins.csv"
account = "account_id"
event_time = "at"
[sources.sign_ups]
path = "sign_ups.csv"
account = "account_id"
event_time = "at"
[indicators.logins]
title = "Logins"
dimension = "outcome"
kind = "context"
source = "logins"
measure = "count"
windows = ["28d"]
says = "{value} logins"
[targets.churn]
event = { source = "terms", ended = "ends" }
gap = "7d"
horizon = "30d"
"""
)
FIRST = date(2023, 1, 1)


def day(number: int) -> str:
    return f"{FIRST + timedelta(days=number)}"


def company(
    folder: Path,
    logins: Iterable[str],
    terms: Iterable[Sequence[str]] = (),
    sign_ups: Iterable[str] = (),
) -> Company:
    """Write a company of the account A with logins, terms and sign-ups on these days."""
    tables = {
        "accounts": [["account_id", "since"], ["A", day(0)]],
        "terms": [["account_id", "starts", "ends"], *(["A", *term] for term in terms)],
        "logins": [["account_id", "at"], *(["A", at] for at in logins)],
        "sign_ups": [["account_id", "at"], *(["A", at] for at in [day(0), *sign_ups])],
    }
    for name, rows in tables.items():
        lines = "".join(",".join(row) + "\n" for row in rows)
        (folder / f"{name}.csv").write_text(lines, "utf-8")
    return parse(HEAD, folder)


def until(declared: Company) -> str:
    with sources.open_tables(declared) as tables:
        return str(snapshots.data_until(tables))


EVERY = [day(number) for number in range(200)]
TERMS = [(day(number), day(number + 5)) for number in range(0, 195, 3)]


def test_a_row_in_the_future_moves_nothing(tmp_path: Path) -> None:
    assert until(company(tmp_path, EVERY, TERMS)) == day(197)
    typo = [*EVERY[:50], "2031-05-04", *EVERY[50:]]
    declared = company(tmp_path, typo, TERMS)
    assert until(declared) == day(197)
    told = [finding for finding in contract.check(declared) if finding.name == "ahead"]
    assert [(one.state, one.table, one.column, one.rows) for one in told] == [
        ("warning", "logins", "at", 1)
    ]
    assert "2031-05-04 in row 52" in told[0].detail
    assert "beyond 2023-07-19" in told[0].fix


def test_a_side_table_that_ends_early_holds_nothing_back(tmp_path: Path) -> None:
    early = [day(number) for number in range(60)]
    assert until(company(tmp_path, EVERY, TERMS, early)) == day(197)


def test_the_own_source_of_a_target_always_does(tmp_path: Path) -> None:
    terms = [(day(number), day(number + 5)) for number in range(0, 120, 3)]
    declared = company(tmp_path, EVERY, terms)
    assert until(declared) == day(122)
    told = [one for one in contract.check(declared) if one.name == "outcomes_end_early"]
    assert [(one.state, one.table) for one in told] == [("warning", "terms")]
    assert f"up to {day(122)}, 77 days less than logins" in told[0].detail


def test_ends_that_are_planned_prove_nothing(tmp_path: Path) -> None:
    planned = [(day(number), day(number + 90)) for number in range(0, 195, 3)]
    assert until(company(tmp_path, EVERY, planned)) == day(192)


def test_a_table_of_seldom_facts_is_taken_as_it_is(tmp_path: Path) -> None:
    seldom = [day(number) for number in (0, 40, 45, 170)]
    assert until(company(tmp_path, seldom, [(at, day(171)) for at in seldom])) == day(170)


@pytest.mark.parametrize(("time", "last"), [("", "2023-07-20"), ("T10:00:00Z", "2023-07-19")])
def test_a_draft_and_a_report_agree_on_what_lies_ahead(
    time: str, last: str, tmp_path: Path
) -> None:
    cells = [f"{at}{time}" for at in [*EVERY, "2031-05-04"]]
    (tmp_path / "logins.csv").write_text("\n".join(["at", *cells]), "utf-8")
    spool = tmp_path / "spool"
    spool.mkdir()
    with start("duckdb") as engine:
        (table,), _ = profiles.look(engine, tmp_path, spool)
        found = spans.complete_until(engine, "logins", table.column("at"))
    assert found is not None
    assert (str(found.until), found.later, str(found.stray)) == (last, 1, "2031-05-04")


@settings(max_examples=25)
@given(
    days=st.lists(st.integers(0, 300), min_size=20, max_size=60, unique=True),
    ahead=st.lists(st.integers(1400, 9000), min_size=1, max_size=5),
)
def test_rows_in_the_far_future_move_no_reach(days: list[int], ahead: list[int]) -> None:
    with start("duckdb") as engine:

        def last(numbers: Sequence[int]) -> date:
            listed = ", ".join(f"(DATE '{day(number)}')" for number in numbers)
            found = reach.of_days(engine, f"SELECT * FROM (VALUES {listed}) AS t (day)")
            assert found is not None
            return found.last

        # A few rows at the end of `days` may have looked ahead themselves until more came.
        assert last(days) <= last([*days, *ahead]) <= FIRST + timedelta(days=max(days))
