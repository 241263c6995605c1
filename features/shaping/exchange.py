"""Amounts of a source in one currency, by the last rate that was known before each fact.

The engine shows every reader the table with its amounts converted, so that nobody adds up what
cannot be added.
"""

from collections.abc import Iterator, Mapping

from features import clock
from features.declaring.source import Currency, Source
from features.engines.on_duckdb import Engine
from features.engines.sql_text import literal, quote
from features.errors import ContractBroken, Finding

OF_RATES = ("date", "currency", "rate")


def rates_of(name: str) -> str:
    """The view of the rates of the source `name`."""
    return f"rates of {name}"


def convert(engine: Engine, name: str, source: Source, types: Mapping[str, str]) -> dict[str, str]:
    """Converts the amounts of the table that is open as `name`; returns its columns.

    The table of rates is open as `rates_of(name)`. What has no rate has no amount.

    Raises
    ------
    ContractBroken
        A column that is needed is not there, or no time can be read.
    """
    if missing := list(_missing(engine, name, source, types)):
        raise ContractBroken(missing)
    engine.rename(name, as_paid(name))
    engine.show_as(name, converted(name, source, types, quote(as_paid(name))))
    return engine.types(f"SELECT * FROM {quote(name)}")


def converted(name: str, source: Source, types: Mapping[str, str], rows: str) -> str:
    """SELECT of `rows`, whose columns have `types`, with the amounts in one currency."""
    declared = source.currency
    assert declared is not None
    columns = [
        f"{_converted(column, declared)} AS {quote(column)}"
        if column in declared.amounts
        else quote(column)
        for column in types
    ]
    return f"SELECT {', '.join(columns)} FROM ({_with_rates(name, source, types, rows)})"


def without_rate(name: str, source: Source, types: Mapping[str, str]) -> str:
    """SELECT of the currency (null: none is given) of each row whose amount has no rate."""
    assert source.currency is not None
    paid = quote(as_paid(name))
    amounts = " OR ".join(f"{quote(column)} IS NOT NULL" for column in source.currency.amounts)
    return (
        f'SELECT "paid in" AS currency FROM ({_with_rates(name, source, types, paid)}) '
        f"WHERE {_rate(source.currency)} IS NULL AND ({amounts})"
    )


def as_paid(name: str) -> str:
    """What a table is called as it was before its amounts were converted."""
    return f"{name} as it was paid"


def _converted(column: str, declared: Currency) -> str:
    return f"CAST({quote(column)} AS DOUBLE) * {_rate(declared)}"


def _rate(declared: Currency) -> str:
    return f'CASE WHEN "paid in" = {literal(declared.to.upper())} THEN 1.0 ELSE rate END'


def _with_rates(name: str, source: Source, types: Mapping[str, str], paid: str) -> str:
    """SELECT of the rows of `paid`, with `paid in` and the rate of the last day before theirs."""
    declared, at = source.currency, source.event_time
    assert declared is not None
    assert at is not None
    day = clock.in_utc(quote(at.column), types[at.column], at.zone)
    paid_in = f"upper(trim(CAST({quote(declared.column)} AS VARCHAR)))"
    rows = f'SELECT *, CAST({day} AS DATE) AS "paid on", {paid_in} AS "paid in" FROM {paid}'
    rates = (
        'SELECT CAST(date AS DATE) AS "known on", upper(trim(currency)) AS "rate of", '
        f"CAST(rate AS DOUBLE) AS rate FROM {quote(rates_of(name))} WHERE rate > 0"
    )
    return (
        f"SELECT paid.*, rate FROM ({rows}) AS paid ASOF LEFT JOIN ({rates}) AS rates "
        'ON "paid in" = "rate of" AND "paid on" > "known on"'
    )


def _missing(
    engine: Engine, name: str, source: Source, types: Mapping[str, str]
) -> Iterator[Finding]:
    declared, at = source.currency, source.event_time
    assert declared is not None
    assert at is not None
    for column in (declared.column, *declared.amounts, at.column):
        if column not in types:
            detail = f"sources.{name}.currency needs the column {column!r}, which is not there"
            fix = f"fix [sources.{name}]"
            yield Finding("missing_column", "sources", "error", name, column, None, detail, fix)
    rates = engine.types(f"SELECT * FROM {quote(rates_of(name))}")
    for column in OF_RATES:
        if column not in rates:
            detail = f"{declared.rates} has no column {column!r}"
            fix = "give it the columns date, currency and rate: what one unit is worth in "
            fix += declared.to
            yield Finding("missing_column", "sources", "error", name, column, None, detail, fix)
    if at.column in types:
        try:
            clock.in_utc("x", types[at.column], at.zone)
        except (clock.NoZone, clock.NoTime):
            detail = f"sources.{name}.event_time cannot be read, so that no rate can be found"
            fix = f'event_time = {{ column = "{at.column}", zone = "Europe/Berlin" }}'
            yield Finding("not_a_time", "sources", "error", name, at.column, None, detail, fix)
