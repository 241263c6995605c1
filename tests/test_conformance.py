"""Every engine against the oracle, on one company that holds every edge at once."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

import conformance_cases as cases
from conformance_answers import answers, present, windows
from conformance_indicators import INDICATORS
from declared_measures import Indicator, column
from features import snapshots
from features.declaration import parse
from features.engines import ENGINES

Rows = dict[tuple[str, date], dict[str, Any]]
NEEDS = {"spark": "java"}
WHALE_DATES = (date(2024, 2, 29), date(2025, 3, 1))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("conformance")
    cases.write(made)
    return made


@pytest.fixture(scope="module", params=sorted(ENGINES))
def found(folder: Path, request: pytest.FixtureRequest) -> Rows:
    """All rows of one engine, from a single build."""
    if request.param in NEEDS:
        request.getfixturevalue(NEEDS[request.param])
    company = parse(cases.declaration(request.param), folder)
    table = snapshots.build(company, cases.DATES).table
    names = table.column_names
    rows = zip(*(table[name].to_pylist() for name in names), strict=True)
    listed = [dict(zip(names, row, strict=True)) for row in rows]
    by_key = {(row["account_id"], row["as_of"]): row for row in listed}
    assert len(by_key) == len(listed)
    return by_key


def test_the_rows_are_those_of_the_accounts_that_exist_once_per_date(found: Rows) -> None:
    assert set(found) == {(key, as_of) for as_of in cases.DATES for key in present(as_of)}


def test_accounts_keep_their_segments_and_days(found: Rows) -> None:
    for (key, as_of), row in found.items():
        assert row["segment"] == (cases.segment(key) or "unknown")
        assert row["history_days"] == (as_of - (cases.since(key) or as_of)).days


@pytest.mark.parametrize("indicator", INDICATORS, ids=lambda indicator: indicator.name)
def test_every_window_at_every_date_equals_the_oracle(found: Rows, indicator: Indicator) -> None:
    whale = indicator.source == "whale"
    wrong = [
        f"{indicator.name} over {days} at {as_of} of {key!r}: found {value!r}, wanted {wanted!r}"
        for as_of in (WHALE_DATES if whale else sorted(set(cases.DATES)))
        for days in windows(indicator)
        for key, wanted in answers(indicator, days, as_of).items()
        if not agree(value := found[key, as_of][column(indicator.name, days)], wanted)
    ]
    assert not wrong, "\n".join([f"{len(wrong)} cells", *wrong[:20]])


def agree(found: Any, wanted: Any) -> bool:
    """Tell whether both are the same to 1e-9 of it, nulls included; no number is as small as 0."""
    if wanted is None or isinstance(wanted, str) or found is None:
        return bool(found == wanted)
    return bool(abs(found - wanted) <= 1e-9 * abs(wanted))


def test_an_empty_account_is_null_or_zero_and_never_of_another(found: Rows) -> None:
    row = found["empty", date(2024, 4, 1)]
    assert {row[column("facts-rows", days)] for days in (7, 28, None)} == {0.0}
    assert {row[column("bills-rows", days)] for days in (7, 28, None)} == {None}
    assert row["facts-silence__28d"] == 28.0
    assert row["facts-shrunk__28d"] == 1.0
    assert row["facts-latest__all"] is None
