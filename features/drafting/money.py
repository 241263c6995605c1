"""Amounts that cannot be added up as they are: in several currencies, or in cents."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from features.drafting import toml_text
from features.drafting.tables.facts import FactTable
from features.drafting.tables.profiles import ColumnProfile, TableProfile
from features.drafting.words import AMOUNT, CENTS, CURRENCY
from features.engines.on_duckdb import Engine
from features.engines.sql_text import quote
from features.plurals import counted


@dataclass(frozen=True)
class Doubt:
    """What to decide about an amount, and the stage of its indicator until then."""

    told: str
    stage: Literal["draft", "shadow"]


Doubts = dict[tuple[str, str], Doubt]

MOST_CURRENCIES, SHOWN = 60, 3
# Whole numbers as large as prices in cents are, most of them ending like prices do.
LARGE, LIKE_PRICES = 1000, 0.7


def doubts(engine: Engine, facts: Iterable[FactTable]) -> Doubts:
    """What to decide about amounts before they are added up, by table and column."""
    return {
        (entry.table.name, column.name): doubt
        for entry in facts
        for column in entry.table.columns
        if column.is_number and column.words & AMOUNT
        if (doubt := _doubt(engine, entry.table, column)) is not None
    }


def _doubt(engine: Engine, table: TableProfile, amount: ColumnProfile) -> Doubt | None:
    for column in table.columns:
        several = 1 < column.distinct <= MOST_CURRENCIES and column.type == "VARCHAR"
        if column.words & CURRENCY and several:
            return Doubt(_several(engine, table, amount, column), "draft")
    if amount.words & CENTS:
        told = f"{_place(table, amount)} is called like an amount in cents; {_unit(table, amount)}"
        return Doubt(told, "shadow")
    told = _like_cents(engine, table, amount) if "INT" in amount.type else ""
    return Doubt(f"{told} {_unit(table, amount)}", "shadow") if told else None


def _unit(table: TableProfile, amount: ColumnProfile) -> str:
    column = toml_text.value({amount.name: {"unit": "cents"}})
    return f"for whole units: sources.{table.name}.columns = {column}"


def _several(
    engine: Engine, table: TableProfile, amount: ColumnProfile, currency: ColumnProfile
) -> str:
    found = engine.rows(
        f"SELECT {quote(currency.name)} AS currency, count(*) AS rows FROM {quote(table.name)} "
        f"WHERE {quote(currency.name)} IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1"
    ).to_pylist()
    listed = ", ".join(f"{row['currency']}: {row['rows']:,} rows" for row in found[:SHOWN])
    more = f", and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    key = {"column": currency.name, "to": found[0]["currency"], "rates": "rates.csv"}
    return (
        f"{_place(table, amount)} is in {len(found)} currencies by {currency.name} "
        f"({listed}{more}); added up they mean nothing: sources.{table.name}.currency = "
        f"{toml_text.value(key | {'amounts': [amount.name]})}"
    )


def _like_cents(engine: Engine, table: TableProfile, amount: ColumnProfile) -> str:
    """What makes whole numbers look like cents; empty where nothing does."""
    column = quote(amount.name)
    rows, typical, like_prices = engine.row(
        f"SELECT count(*), median({column}), avg(CAST(list_contains([0, 50, 90, 95, 99], "
        f"{column} % 100) AS INT)) FROM {quote(table.name)} WHERE {column} > 0"
    )
    if not rows or typical < LARGE or like_prices < LIKE_PRICES:
        return ""
    return (
        f"{_place(table, amount)}: {counted(rows, 'whole number')}, typically {typical:,.0f}, "
        f"of which {like_prices:.0%} end like prices in cents; are they?"
    )


def _place(table: TableProfile, column: ColumnProfile) -> str:
    return f"{table.path}, {column.name}"
