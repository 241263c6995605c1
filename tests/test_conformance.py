"""Every engine against the oracle, on two companies that hold every edge at once."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import conformance_cases as cases
from conformance_answers import Truth, windows
from conformance_indicators import INDICATORS, distributed
from declared_measures import Indicator, column
from features import snapshots
from features.declaring.declaration import parse
from features.engines import ENGINES
from measure_agreement import TOLERANCE, agree

Rows = dict[tuple[str, date], dict[str, Any]]
NEEDS = {"spark": "java"}
ASKED = {engine: distributed() if engine == "spark" else INDICATORS for engine in sorted(ENGINES)}
DATES = sorted(set(cases.DATES))
WHALE_DATES = (date(2025, 3, 1),)  # the oracle takes its time over 50,000 facts
DECLARED, DERIVED = Truth(), Truth(derived=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("conformance")
    cases.write(made)
    return made


@pytest.fixture(scope="module", params=sorted(ENGINES))
def engine(request: pytest.FixtureRequest) -> str:
    """Every engine that is registered."""
    name: str = request.param
    if name in NEEDS:
        request.getfixturevalue(NEEDS[name])
    return name


@pytest.fixture(scope="module")
def found(engine: str, folder: Path) -> Rows:
    """All rows of the company with a table of accounts, from a single build."""
    return built(cases.declaration(engine, ASKED[engine]), folder)


@pytest.fixture(scope="module")
def derived(engine: str, folder: Path) -> Rows:
    """All rows of the company that derives its accounts, from a single build."""
    return built(cases.derived_declaration(engine, ASKED[engine]), folder)


def built(declaration: str, folder: Path) -> Rows:
    table = snapshots.build(parse(declaration, folder), cases.DATES).table
    rows = zip(*(table[name].to_pylist() for name in table.column_names), strict=True)
    listed = [dict(zip(table.column_names, row, strict=True)) for row in rows]
    by_key = {(row["account_id"], row["as_of"]): row for row in listed}
    assert len(by_key) == len(listed)
    return by_key


def wrong_cells(
    found: Rows, truth: Truth, indicator: Indicator, dates: Sequence[date]
) -> list[str]:
    """Say in which cells of an indicator the rows and the oracle differ."""
    # A deviation subtracts a mean that may round; everything else is compared to 1e-9 of itself.
    floor = TOLERANCE if indicator.measure == "deviation" else 0.0
    return [
        f"{indicator.name} over {days} at {as_of} of {key!r}: found {value!r}, wanted {wanted!r}"
        for as_of in dates
        for days in windows(indicator)
        for key, wanted in truth.answers(indicator, days, as_of).items()
        if not agree(value := found[key, as_of][column(indicator.name, days)], wanted, floor=floor)
    ]


def test_rows_are_those_of_the_accounts_that_exist_once_per_date(found: Rows) -> None:
    history = {(key, day): n for day in DATES for key, n in DECLARED.history(day).items()}
    assert {key: row["history_days"] for key, row in found.items()} == history
    for (key, _), row in found.items():
        assert row["segment"] == (cases.segment(key) or "unknown")


def test_derived_rows_are_those_of_the_keys_that_are_known(derived: Rows) -> None:
    history = {(key, day): n for day in DATES for key, n in DERIVED.history(day).items()}
    assert {key: row["history_days"] for key, row in derived.items()} == history


def test_every_window_at_every_date_equals_the_oracle(engine: str, found: Rows) -> None:
    wrong = [
        cell
        for indicator in ASKED[engine]
        for cell in wrong_cells(
            found, DECLARED, indicator, WHALE_DATES if indicator.source == "whale" else DATES
        )
    ]
    assert not wrong, "\n".join([f"{len(wrong)} cells", *wrong[:20]])


def test_derived_accounts_with_whole_numbers_for_keys_equal_the_oracle(
    engine: str, derived: Rows
) -> None:
    wrong = [
        cell
        for indicator in ASKED[engine]
        if indicator.name.startswith("bills-")
        for cell in wrong_cells(derived, DERIVED, indicator, DATES)
    ]
    assert not wrong, "\n".join([f"{len(wrong)} cells", *wrong[:20]])


def test_an_empty_account_is_null_or_zero_and_never_of_another(found: Rows) -> None:
    row = found["empty", date(2024, 4, 1)]
    assert {row[column("facts-rows", days)] for days in (7, 28, None)} == {0.0}
    assert {row[column("bills-rows", days)] for days in (7, 28, None)} == {None}
    assert row["facts-silence__28d"] == 28.0
    assert row["facts-shrunk__28d"] == 1.0
    assert row["facts-latest__all"] is None
