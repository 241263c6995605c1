"""A source has the columns and rows that its declaration gives it, whatever reads it."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from features import contract, snapshots, sources
from features.declaring.company import Company
from features.declaring.declaration import load
from features.errors import ContractBroken, DeclarationError
from features.publish import write_parquet

HEAD = """
[company]
name = "Somebody"
data_until = 2026-06-01
[accounts]
source = "facts"
key = "account"
derived = true
[targets.churn]
inactivity = { source = "facts", within = "90d" }
active_within = "180d"
horizon = "90d"
[indicators.total]
title = "Total"
dimension = "business"
kind = "context"
source = "facts"
measure = "sum"
value = "total"
windows = ["all"]
says = "{value} in {window}, typically {usual}"
[sources.facts]
account = "account"
event_time = "at"
path = "facts.parquet"
"""
ROWS = [
    {"Account Id": "007", "Created At": datetime(2026, 5, 1, tzinfo=UTC), "price": 2.0, "n": 3},
    {"Account Id": "007", "Created At": datetime(2026, 5, 2, tzinfo=UTC), "price": 1.0, "n": None},
    {"Account Id": "008", "Created At": datetime(2026, 5, 3, tzinfo=UTC), "price": 5.0, "n": 1},
]
NAMED = """
[sources.facts.columns]
account = ["account_id"]
at = ["created_at"]
total = "price * n"
"""


def in_folder(folder: Path, keys: str, rows: list[dict[str, Any]] = ROWS) -> Company:
    (folder / "churnlight.toml").write_text(HEAD + keys, "utf-8")
    write_parquet(pa.Table.from_pylist(rows), folder / "facts.parquet")
    return load(folder)


def rows_of(company: Company) -> list[dict[str, Any]]:
    with sources.open_tables(company) as tables:
        assert tables.unreadable == ()
        rows: list[dict[str, Any]] = tables.engine.rows("SELECT * FROM facts").to_pylist()
    return rows


def held(folder: Path, column: str, values: list[Any]) -> list[Any]:
    """What the cells of the column `it` are read as."""
    rows = [ROWS[0] | {"it": value} for value in values]
    return [row["it"] for row in rows_of(in_folder(folder, NAMED + column, rows))]


def refusals(company: Company) -> list[str]:
    return [str(item) for item in contract.check(company) if item.state == "error"]


def test_rows_that_the_condition_of_a_source_leaves_out_are_counted(tmp_path: Path) -> None:
    company = in_folder(tmp_path, f'where = "price > 1"{NAMED}')
    told = [item for item in contract.check(company) if item.name == "left_out"]
    assert [(item.state, item.table, item.rows) for item in told] == [("advice", "facts", 1)]
    assert "1 of 3 rows left out by sources.facts.where: price > 1" in told[0].detail
    every = in_folder(tmp_path, f'where = "price > 0"{NAMED}')
    assert [item for item in contract.check(every) if item.name == "left_out"] == []


def test_columns_are_found_by_name_whatever_case_spaces_and_punctuation(tmp_path: Path) -> None:
    rows = rows_of(in_folder(tmp_path, NAMED))
    assert list(rows[0]) == ["price", "n", "account", "at", "total"]
    assert [(row["account"], row["total"]) for row in rows] == [
        ("007", 6.0),
        ("007", None),
        ("008", 5.0),
    ]


def test_only_the_rows_that_count_are_there_for_whatever_reads_the_source(tmp_path: Path) -> None:
    company = in_folder(tmp_path, 'where = "n > 1"\n' + NAMED)
    built = snapshots.build(company, [date(2026, 6, 1)])
    assert built.table["account_id"].to_pylist() == ["007"]
    assert built.table["total__all"].to_pylist() == [6.0]


def test_a_computed_column_may_use_those_before_and_take_the_name_of_another(
    tmp_path: Path,
) -> None:
    more = 'twice = "total * 2"\nprice = "round(price) + 0.5"\n'
    first = rows_of(in_folder(tmp_path, NAMED + more))[0]
    assert (first["total"], first["twice"], first["price"]) == (6.0, 12.0, 2.5)


def test_an_optional_column_that_is_not_there_is_empty(tmp_path: Path) -> None:
    more = 'where = "coalesce(live, TRUE)"\n' + NAMED + 'live = { holds = "flag", optional = true }'
    assert [row["live"] for row in rows_of(in_folder(tmp_path, more))] == [None, None, None]


@pytest.mark.parametrize(
    ("column", "cell", "expected"),
    [
        ('{ holds = "time", epoch = "seconds" }', 1704448953, "2024-01-05 10:02:33"),
        ('{ holds = "time", epoch = "milliseconds" }', 1704448953123, "2024-01-05 10:02:33.123000"),
        ('{ holds = "time", epoch = "milliseconds" }', "1704448953000", "2024-01-05 10:02:33"),
        (
            '{ holds = "time", epoch = "milliseconds" }',
            "2024-01-05T10:02:33Z",
            "2024-01-05 10:02:33",
        ),
        ('{ holds = "time" }', "2024-01-05T10:02:33.000+0000", "2024-01-05 10:02:33"),
        ('{ holds = "time" }', "2024-01-05 12:02:33+02:00", "2024-01-05 10:02:33"),
        ('{ holds = "time" }', "2024-01-05 10:02:33.500 UTC", "2024-01-05 10:02:33.500000"),
        ('{ holds = "time" }', " ", None),
    ],
)
def test_times_are_read_in_the_forms_that_products_write(
    tmp_path: Path, column: str, cell: Any, expected: str | None
) -> None:
    [moment] = held(tmp_path, f"it = {column}", [cell])
    assert (moment.strftime("%Y-%m-%d %H:%M:%S.%f") if moment else None) == (
        expected if expected is None or "." in expected else f"{expected}.000000"
    )


def test_short_salesforce_ids_become_long_ones(tmp_path: Path) -> None:
    short, long = "001Dn00000AbCdE", "001Dn00000AbCdEIAV"
    assert held(tmp_path, 'it = { holds = "salesforce id" }', [short, long, None]) == [
        long,
        long,
        None,
    ]


def test_numbers_flags_and_texts_are_read_as_what_they_hold(tmp_path: Path) -> None:
    assert held(tmp_path, 'it = { holds = "number" }', ["1.5", "", None]) == [1.5, None, None]
    assert held(tmp_path, 'it = { holds = "flag" }', ["True", "false", ""]) == [True, False, None]
    assert held(tmp_path, 'it = { holds = "text" }', [7, 12345678901234567]) == [
        "7",
        "12345678901234567",
    ]


def test_a_column_that_is_not_there_is_told_with_the_names_that_were_tried(tmp_path: Path) -> None:
    company = in_folder(tmp_path, NAMED.replace('"created_at"', '"createdate", "creation"'))
    [error] = [text for text in refusals(company) if "none of the columns" in text]
    assert "'at', 'createdate', 'creation'" in error
    assert 'columns.at = ["its name in the table"]' in error


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (NAMED + 'bad = "prize * 2"', "sources.facts.columns.bad is refused"),
        ('where = "m > 1"\n' + NAMED, "sources.facts.where is refused"),
        ('where = "price"\n' + NAMED, "sources.facts.where is refused: it gives no true or false"),
        ('where = "random() < 2"\n' + NAMED, "sources.facts.where contains random()"),
        ('where = "random() > 2"\n' + NAMED, "sources.facts.where contains random()"),
        ('where = "price > 99"\n' + NAMED, "has no rows that sources.facts.where keeps"),
    ],
)
def test_what_cannot_be_computed_is_told_with_its_key(tmp_path: Path, keys: str, said: str) -> None:
    assert any(said in text for text in refusals(in_folder(tmp_path, keys)))


def test_a_broken_shape_stops_what_would_read_the_source(tmp_path: Path) -> None:
    company = in_folder(tmp_path, NAMED.replace('["created_at"]', '["creation"]'))
    with pytest.raises(ContractBroken, match="none of the columns 'at', 'creation'"):
        snapshots.build(company, [date(2026, 6, 1)])


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ('{ value = "n", names = ["m"] }', "a computed column has no other keys"),
        ('{ epoch = "seconds" }', "epoch is for times"),
        ('{ holds = "money" }', "no such choice"),
    ],
)
def test_a_column_that_contradicts_itself_is_refused(
    tmp_path: Path, column: str, said: str
) -> None:
    with pytest.raises(DeclarationError, match=said):
        in_folder(tmp_path, NAMED + f"it = {column}")
