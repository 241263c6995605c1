"""Amounts in several currencies: converted by the rate known before their day, or refused."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from features import contract, snapshots
from features.declaring.company import Company
from features.declaring.declaration import parse
from features.errors import DeclarationError, Finding

HEAD = """
[company]
name = "Currencies"
data_from = 2023-01-01
data_until = 2024-01-01
[accounts]
source = "accounts"
key = "account_id"
attributes = { since = "since" }
[sources.accounts]
path = "accounts.csv"
[sources.payments]
path = "payments.csv"
account = "account_id"
event_time = "at"
%s
[indicators.paid]
title = "Paid"
dimension = "business"
kind = "context"
source = "payments"
value = "amount"
measure = "sum"
windows = ["all"]
says = "{value}"
%s
[targets.churn]
inactivity = { source = "payments", within = "30d" }
active_within = "60d"
horizon = "30d"
"""
IN_EUROS = """
currency = { column = "currency", to = "EUR", rates = "rates.csv", amounts = ["amount", "fee"] }
"""
Rows = Sequence[Sequence[str]]
PAYMENTS = [
    ["A", "2023-02-01", "100", "1", "EUR"],
    ["A", "2023-02-02", "100", "1", "usd"],
    ["A", "2023-02-03", "100", "1", "USD"],
    ["B", "2023-02-03", "100", "", "GBP"],
]
RATES = [
    ["2023-02-01", "USD", "0.5"],
    ["2023-02-02", "USD", "0.25"],
    ["2023-02-03", "USD", "9"],
    ["2023-01-01", "GBP", "2"],
]


def company(
    folder: Path,
    declared: str = IN_EUROS,
    rows: Rows = PAYMENTS,
    rates: Rows = RATES,
    more: str = "",
) -> Company:
    tables: dict[str, Rows] = {
        "accounts": [["account_id", "since"], ["A", "2023-01-01"], ["B", "2023-01-01"]],
        "payments": [["account_id", "at", "amount", "fee", "currency"], *rows],
        "rates": [["date", "currency", "rate"], *rates],
    }
    for name, lines in tables.items():
        text = "".join(",".join(line) + "\n" for line in lines)
        (folder / f"{name}.csv").write_text(text, "utf-8")
    return parse(HEAD % (declared, more), folder)


def paid(declared: Company, as_of: str = "2023-03-01") -> dict[str, Any]:
    table = snapshots.build(declared, [date.fromisoformat(as_of)]).table
    names, values = (table[name].to_pylist() for name in ("account_id", "paid__all"))
    return dict(zip(names, values, strict=True))


def found(declared: Company, name: str) -> list[Finding]:
    return [finding for finding in contract.check(declared) if finding.name == name]


def test_an_amount_is_converted_by_the_last_rate_before_its_day(tmp_path: Path) -> None:
    assert paid(company(tmp_path)) == {"A": 100 + 50 + 25, "B": 200}


def test_a_currency_without_a_rate_is_refused_by_name(tmp_path: Path) -> None:
    rows = [*PAYMENTS, ["B", "2023-02-03", "7", "", "CHF"], ["B", "2023-02-03", "8", "", ""]]
    told = found(company(tmp_path, rows=rows), "no_rate")
    assert [(one.state, one.column, one.rows) for one in told] == [("error", "currency", 2)]
    assert "33.3% of 6 rows): CHF in 1 rows, none in 1 rows" in told[0].detail
    tolerant = company(tmp_path, f"{IN_EUROS}tolerate = 0.5\n", rows)
    assert [one.state for one in found(tolerant, "no_rate")] == ["warning"]
    assert paid(tolerant)["B"] == 200


def test_a_rate_of_the_same_day_was_not_known_before_it(tmp_path: Path) -> None:
    rows = [["A", "2023-02-01", "100", "", "USD"], *PAYMENTS]
    assert [one.rows for one in found(company(tmp_path, rows=rows), "no_rate")] == [1]


def test_amounts_of_several_currencies_are_not_added_up(tmp_path: Path) -> None:
    told = found(company(tmp_path, ""), "mixed_currencies")
    assert [(one.state, one.table, one.column, one.rows) for one in told] == [
        ("error", "payments", "currency", 2)
    ]
    assert "indicators.paid puts amounts of 3 currencies into one number" in told[0].detail
    assert "USD in 2 rows, EUR in 1 rows, GBP in 1 rows" in told[0].detail


@pytest.mark.parametrize("where", ["currency = 'EUR'", "amount < 0"])
def test_amounts_of_one_currency_are(where: str, tmp_path: Path) -> None:
    declared = company(tmp_path, "", more=f'where = "{where}"')
    assert found(declared, "mixed_currencies") == []


def test_cents_are_hundredths(tmp_path: Path) -> None:
    cents = 'columns.amount = { unit = "cents" }\n'
    assert paid(company(tmp_path, IN_EUROS + cents)) == {"A": 1.75, "B": 2}
    rows = [["A", "2023-02-01", "1999", "", "EUR"]]
    assert paid(company(tmp_path, cents, rows))["A"] == pytest.approx(19.99, abs=1e-12)


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    declared = company(tmp_path, IN_EUROS.replace('"fee"', '"fees"'))
    assert [one.column for one in found(declared, "missing_column")] == ["fees"]
    with pytest.raises(DeclarationError, match="amounts: missing"):
        parse(HEAD % ('currency = { column = "c", to = "EUR", rates = "rates.csv" }', ""))
