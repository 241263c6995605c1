"""Which ends of subscriptions are churn: tables of a few rows, with the right days by hand."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from declared_terms import ACCOUNTS_AND_TERMS
from features import contract, snapshots, sources
from features.assembling import churn_days
from features.declaring.company import Company
from features.declaring.declaration import parse
from features.errors import DeclarationError
from features.evidence import lives

HEAD = (
    """
[company]
name = "Terms"
data_until = 2025-01-01
"""
    + ACCOUNTS_AND_TERMS
    + """
[sources.logins]
path = "logins.csv"
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
event = { source = "terms", ended = "ends"%s }
gap = "7d"
horizon = "30d"
"""
)
PAID = ", where = \"kind = 'paid'\""
PAUSED = ', paused = { from = "paused", until = "resumed" }'
Row = Sequence[str]


def company(folder: Path, rows: Iterable[Row], more: str = "") -> Company:
    """Write terms of the account A, unless a row names another: starts, ends, kind, a pause."""
    lines = [[*row, *[""] * (6 - len(row))] for row in rows]
    names = sorted({line[5] or "A" for line in lines} | {"B"})
    whole = [[line[5] or "A", *line[:5]] for line in lines]
    # A term of B decides what a column holds where A's cells are all empty.
    whole.append(["B", "2023-01-01", "2024-12-01", "paid", "2023-05-01", "2023-05-02"])
    head = ["account_id", "starts", "ends", "kind", "paused", "resumed"]
    columns = [_alike(column) for column in zip(*whole, strict=True)]
    _write(folder / "terms.csv", [head, *zip(*columns, strict=True)])
    since = [["account_id", "since"], *([name, "2023-01-01"] for name in names)]
    _write(folder / "accounts.csv", since)
    _write(folder / "logins.csv", [["account_id", "at"], *([name, "2023-02-01"] for name in names)])
    return parse(HEAD % more, folder)


def _alike(column: Sequence[str]) -> list[str]:
    """A column of dates and times written as times; one of dates, or of anything else, as it is."""
    if not any("T" in cell for cell in column):
        return list(column)
    return [f"{cell}T00:00:00Z" if len(cell) == len("2023-01-01") else cell for cell in column]


def _write(path: Path, rows: Iterable[Row]) -> None:
    path.write_text("".join(",".join(row) + "\n" for row in rows), "utf-8")


def churned(folder: Path, rows: Iterable[Row], more: str = "") -> list[str]:
    """On which days A churned, as reviews and lead times see it."""
    with sources.open_tables(company(folder, rows, more)) as tables:
        found = churn_days.of_churn(tables, "churn").to_pylist()
    return [str(row["day"]) for row in found if row["account_id"] == "A"]


def outcome(declared: Company, as_of: str) -> tuple[bool, int | None]:
    """Whether A is eligible, and its label."""
    table = snapshots.build(declared, [date.fromisoformat(as_of)]).table
    row = table.filter([name == "A" for name in table["account_id"].to_pylist()]).to_pylist()[0]
    return row["eligible__churn"], row["label__churn"]


PLAN_CHANGES: dict[str, list[Row]] = {
    "within seconds": [
        ("2023-03-10T00:00:00Z", "2023-06-08T10:00:00Z"),
        ("2023-06-08T10:00:05Z", ""),
    ],
    "earlier the same day": [
        ("2023-03-10T00:00:00Z", "2023-06-08T23:00:00Z"),
        ("2023-06-08T01:00:00Z", ""),
    ],
    "a date and a time": [("2023-03-10", "2023-06-08"), ("2023-06-08T10:00:00Z", "")],
    "an inclusive end": [("2023-03-10", "2023-06-07"), ("2023-06-08T22:00:00Z", "")],
    "the next day": [("2023-03-10", "2023-06-07T00:00:01Z"), ("2023-06-08T23:59:59Z", "")],
}


@pytest.mark.parametrize("rows", PLAN_CHANGES.values(), ids=PLAN_CHANGES)
def test_a_change_of_plan_on_the_same_or_the_next_day_is_no_churn(
    rows: list[Row], tmp_path: Path
) -> None:
    assert churned(tmp_path, rows) == []
    assert outcome(company(tmp_path, rows), "2023-06-01") == (True, 0)


def test_a_grace_counts_whole_days(tmp_path: Path) -> None:
    left = ("2023-03-10", "2023-06-08T09:00:00Z")
    assert churned(tmp_path, [left, ("2023-06-10T00:00:00Z", "")]) == ["2023-06-08"]
    on_the_last_day = [left, ("2023-06-13T23:00:00Z", "")]
    assert churned(tmp_path, on_the_last_day, ', grace = "5d"') == []
    too_late = [left, ("2023-06-14T00:00:00Z", "")]
    assert churned(tmp_path, too_late, ', grace = "5d"') == ["2023-06-08"]


def test_a_label_waits_for_the_next_day_even_without_grace(tmp_path: Path) -> None:
    target = company(tmp_path, []).targets["churn"]
    assert target.days_to_settle == 7 + 30 + 1


TRIALS: list[Row] = [
    ("2023-03-10T00:00:00Z", "2023-03-24T00:00:00Z", "trial"),
    ("2023-04-10T00:00:00Z", "2023-08-08T00:00:00Z", "paid"),
    ("2023-08-20T00:00:00Z", "2023-08-23T00:00:00Z", "failed"),
]


def test_where_leaves_rows_out_wherever_ends_are_used(tmp_path: Path) -> None:
    assert churned(tmp_path, TRIALS, ', grace = "30d"') == ["2023-08-23"]
    assert churned(tmp_path, TRIALS, f', grace = "30d"{PAID}') == ["2023-08-08"]
    paid, all_rows = company(tmp_path, TRIALS, PAID), company(tmp_path, TRIALS)
    assert outcome(all_rows, "2023-03-12") == (True, 1)
    assert outcome(paid, "2023-03-12") == (False, None)
    assert outcome(paid, "2023-08-01") == (True, 1)
    assert outcome(paid, "2023-08-22") == (False, None)
    assert outcome(all_rows, "2023-08-22") == (True, None)


@pytest.mark.parametrize(("more", "day"), [("", "2023-08-23"), (PAID, "2023-08-08")])
def test_where_decides_until_when_an_account_was_a_customer(
    more: str, day: str, tmp_path: Path
) -> None:
    with sources.open_tables(company(tmp_path, TRIALS, more)) as tables:
        ends = lives.account_ends(tables, tables.company.targets["churn"])
        found = tables.engine.rows(f"SELECT * FROM ({ends}) WHERE account_id = 'A'").to_pylist()
    assert [str(row["ended"].date()) for row in found] == [day]


def test_a_row_that_lasts_no_day_moves_no_churn(tmp_path: Path) -> None:
    rows: list[Row] = [
        ("2023-03-10T00:00:00Z", "2023-06-01T00:00:00Z"),
        ("2023-06-20T10:00:00Z", "2023-06-20T11:00:00Z"),
        ("2023-07-15T00:00:00Z", ""),
    ]
    assert churned(tmp_path, rows, ', grace = "30d"') == ["2023-06-01"]
    assert churned(tmp_path, rows[:2], ', grace = "30d"') == ["2023-06-01"]
    assert churned(tmp_path, [rows[1]]) == []


def pause(ended: str, resumed: str) -> Row:
    return ("2023-03-10T00:00:00Z", ended, "paid", "2023-06-01T08:00:00Z", resumed)


BACK: Row = ("2023-09-01T00:00:00Z", "", "paid")


@pytest.mark.parametrize(
    ("rows", "days"),
    [
        # The row closes when the pause begins, or the day before; the next opens at its end.
        ([pause("2023-06-01T08:00:00Z", "2023-09-01T00:00:00Z"), BACK], []),
        ([pause("2023-05-31T23:00:00Z", "2023-09-01T00:00:00Z"), BACK], []),
        # Closed inside the pause, at the end of what was paid for.
        ([pause("2023-06-10T00:00:00Z", "2023-09-01T00:00:00Z"), BACK], []),
        # Paused, and still so; never come back when the pause was over; left in the pause.
        ([pause("2023-06-01T08:00:00Z", "")], []),
        ([pause("2023-06-01T08:00:00Z", "2023-09-01T00:00:00Z")], ["2023-09-01"]),
        ([pause("2023-06-10T00:00:00Z", "2023-09-01T00:00:00Z")], ["2023-06-10"]),
        ([pause("2023-06-10T00:00:00Z", "")], ["2023-06-10"]),
        # Paused once and left later.
        ([pause("2023-10-10T00:00:00Z", "2023-09-01T00:00:00Z")], ["2023-10-10"]),
    ],
)
def test_a_pause_is_no_end(rows: list[Row], days: list[str], tmp_path: Path) -> None:
    assert churned(tmp_path, rows, PAUSED) == days


def test_an_account_stays_eligible_while_it_pauses(tmp_path: Path) -> None:
    rows = [pause("2023-06-01T08:00:00Z", "2023-09-01T00:00:00Z"), BACK]
    assert outcome(company(tmp_path, rows, PAUSED), "2023-07-01") == (True, 0)
    assert outcome(company(tmp_path, rows), "2023-07-01") == (False, None)


@pytest.mark.parametrize(
    "end",
    ["1970-01-01", "1969-12-31T23:00:00Z", "0001-01-01", "1900-01-01", "9999-12-31", "2099-12-31"],
)
def test_a_placeholder_is_no_end_and_is_counted(end: str, tmp_path: Path) -> None:
    rows = [("2023-03-10", end), ("2023-03-10", end, "", "", "", "C")]
    assert churned(tmp_path, rows) == []
    declared = company(tmp_path, rows)
    assert outcome(declared, "2023-06-01") == (True, 0)
    found = [finding for finding in contract.check(declared) if finding.name == "placeholder_end"]
    assert [(one.state, one.column, one.rows) for one in found] == [("warning", "ends", 2)]
    assert "in 2 rows; first in row 2" in found[0].detail


def test_an_end_before_its_start_is_refused_with_both_readings(tmp_path: Path) -> None:
    rows = [("2023-03-10", "2022-06-01"), ("2023-03-10", "", "", "", "", "C")]
    found = [
        finding
        for finding in contract.check(company(tmp_path, rows))
        if finding.name == "ends_before_start"
    ]
    assert [(one.state, one.column, one.rows) for one in found] == [("error", "ends", 1)]
    assert "1 of 3 subscriptions end before they start, first in row 2" in found[0].detail
    assert "read as still running, 1 accounts more would be customers" in found[0].detail


@pytest.mark.parametrize("key", ['grace = "5d"', 'paused = { from = "a", until = "b" }'])
def test_what_only_an_end_can_have_is_refused_without_one(key: str, tmp_path: Path) -> None:
    company(tmp_path, [])
    text = (HEAD % "").replace('ended = "ends"', key) + 'active_within = "90d"\n'
    with pytest.raises(DeclarationError, match=f"{key.split()[0]} without ended"):
        parse(text)


TERMS = st.lists(
    st.tuples(st.integers(0, 120), st.one_of(st.none(), st.integers(2, 60))), max_size=3
)


@settings(max_examples=8)
@given(
    accounts=st.lists(TERMS, min_size=10, max_size=30),
    at=st.integers(2, 59),
    inclusive=st.booleans(),
    grace=st.sampled_from(["", ', grace = "9d"']),
)
def test_two_adjoining_rows_are_one_subscription(
    tmp_path_factory: pytest.TempPathFactory,
    accounts: list[list[tuple[int, int | None]]],
    at: int,
    inclusive: bool,
    grace: str,
) -> None:
    folder = tmp_path_factory.mktemp("split")
    one, two = (
        _all_outcomes(
            company(
                folder,
                [
                    (*row, "", "", "", f"A{number}")
                    for number, terms in enumerate(accounts)
                    for row in _rows(terms, cut, inclusive=inclusive)
                ],
                grace,
            )
        )
        for cut in (None, at)
    )
    assert one.pop("churned") == two.pop("churned")
    for row, whole in one.items():
        # On the one morning between a last day and the next row nobody knows that it goes on.
        assert two[row] in ((whole, (False, None)) if inclusive else (whole,))


def _rows(terms: list[tuple[int, int | None]], cut: int | None, *, inclusive: bool) -> list[Row]:
    """The terms, each closed after `cut` days, where it lasts longer, and opened again."""
    rows: list[Row] = []
    for first, days in terms:
        end = "" if days is None else _day(first + days)
        if cut is None or (days is not None and days <= cut):
            rows.append((_day(first), end))
        else:
            rows += [(_day(first), _day(first + cut - inclusive)), (_day(first + cut), end)]
    return rows


def _all_outcomes(declared: Company) -> dict[Any, Any]:
    """Every account's churn days, and eligibility and label on two mornings."""
    with contract.sound_tables(declared) as tables:
        found: dict[Any, Any] = {"churned": churn_days.of_churn(tables, "churn").to_pylist()}
        table = snapshots.build_from(tables, [date(2023, 2, 20), date(2023, 3, 25)]).table
    for row in table.to_pylist():
        key = (row["account_id"], row["as_of"])
        found[key] = (row["eligible__churn"], row["label__churn"])
    return found


def _day(shift: int) -> str:
    return f"{date(2023, 1, 1) + timedelta(days=shift)}"
