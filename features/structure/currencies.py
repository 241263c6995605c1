"""Whether amounts that are added up are in one currency, and every conversion has its rate."""

import re
from collections.abc import Iterator
from typing import Literal

from features.declaring.indicator import Indicator
from features.declaring.source import Source
from features.engines.on_duckdb import EngineError
from features.engines.sql_text import quote
from features.errors import Finding
from features.shaping import exchange
from features.structure.readable import ReadableTables, with_read_errors

OF_A_CURRENCY = re.compile(r"(^|_)(currency|currencies|ccy)(_|$)|currency_?code$", re.IGNORECASE)
AMOUNTS = re.compile(
    r"amount|total|revenue|sales|spend|value|mrr|arr\b|fee|paid|price|cost|charge|refund|discount"
    r"|tax|net\b|gross|balance|due",
    re.IGNORECASE,
)
ADDED = ("sum", "mean", "max", "min", "quantile", "change", "ratio")
MOST_CURRENCIES = 5


def breaches(readable: ReadableTables) -> Iterator[Finding]:
    """Amounts of several currencies in one number, and amounts without a rate."""
    for name, source in readable.company.sources.items():
        if readable.holds(name) and not _is_unconverted(readable, name, source):
            found = _without_rate if source.currency else _mixed
            yield from with_read_errors(name, readable.file(name), found(readable, name, source))


def _is_unconverted(readable: ReadableTables, name: str, source: Source) -> bool:
    """Whether the conversion that is declared could not be made, which is told already."""
    if source.currency is None or source.event_time is None:
        return False
    columns = (source.currency.column, *source.currency.amounts, source.event_time.column)
    has_rates = (exchange.rates_of(name), None) not in readable.broken
    return not (has_rates and readable.holds(name, *columns, *exchange.OF_RATES))


def _without_rate(readable: ReadableTables, name: str, source: Source) -> Iterator[Finding]:
    assert source.currency is not None
    rows = exchange.without_rate(name, source, readable.tables.columns[name])
    counts = _by_currency(readable, rows)
    if counts:
        count = sum(counts.values())
        total = readable.row(f"SELECT count(*) AS n FROM {quote(name)}")["n"]
        state: Literal["error", "warning"] = "error"
        if count / total <= source.tolerate:
            state = "warning"
        detail = (
            f"{readable.file(name)}: amounts without a rate before their day are left out "
            f"({count / total:.1%} of {total:,} rows): {_listed(counts)}"
        )
        fix = f"add their rates to {source.currency.rates}, or allow a share: sources.{name}."
        place = (name, source.currency.column, count)
        yield Finding("no_rate", "sources", state, *place, detail, f"{fix}tolerate")


def _mixed(readable: ReadableTables, name: str, source: Source) -> Iterator[Finding]:
    columns = [one for one in readable.tables.columns[name] if OF_A_CURRENCY.search(one)]
    for key, indicator in readable.company.indicators.items():
        if indicator.source == name and indicator.measure in ADDED and indicator.value:
            for column in columns:
                yield from _of_indicator(readable, key, indicator, column)


def _of_indicator(
    readable: ReadableTables, key: str, indicator: Indicator, column: str
) -> Iterator[Finding]:
    text = f"{indicator.value} {indicator.where or ''}"
    if re.search(rf"\b{re.escape(column)}\b", text) or not AMOUNTS.search(str(indicator.value)):
        return
    rows = (
        f"SELECT upper(trim(CAST({quote(column)} AS VARCHAR))) AS currency "
        f"FROM {quote(indicator.source)} WHERE ({indicator.value}) IS NOT NULL "
        f"AND ({indicator.where or 'TRUE'}) AND {quote(column)} IS NOT NULL"
    )
    try:
        counts = _by_currency(readable, rows)
    except EngineError:
        return  # the expression is told elsewhere
    if len(counts) > 1:
        detail = (
            f"{readable.file(indicator.source)}: indicators.{key} puts amounts of "
            f"{len(counts)} currencies into one number: {_listed(counts)}"
        )
        fix = (
            f'sources.{indicator.source}.currency = {{ column = "{column}", to = '
            f'"{next(iter(counts))}", rates = "rates.csv", amounts = ["…"] }}, or where = '
            f"\"{column} = '{next(iter(counts))}'\""
        )
        state: Literal["error", "warning"] = "warning" if indicator.stage == "draft" else "error"
        count = sum(counts.values()) - max(counts.values())
        place = (indicator.source, column, count)
        yield Finding("mixed_currencies", "features", state, *place, detail, fix)


def _by_currency(readable: ReadableTables, rows: str) -> dict[str, int]:
    """Rows by currency, most first."""
    found = readable.tables.engine.rows(
        f"SELECT coalesce(currency, 'none') AS currency, count(*) AS n FROM ({rows}) "
        "GROUP BY 1 ORDER BY n DESC, currency"
    ).to_pylist()
    return {row["currency"]: row["n"] for row in found}


def _listed(counts: dict[str, int]) -> str:
    shown = [f"{name} in {rows:,} rows" for name, rows in counts.items()][:MOST_CURRENCIES]
    more = len(counts) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
