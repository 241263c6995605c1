"""Declarations to the scalar SELECT of each source: account, event time, known time, values.

Row work only (filters, expressions, zones, keys); what needs the clock is `windows`.
"""

from features import clock
from features.company import Company, Event, Inactivity, Indicator
from features.engines.on_duckdb import quote
from features.sources import Tables

ACCOUNTS = "churnlight accounts"
GRID = "churnlight grid"


def accounts(tables: Tables) -> str:
    """SELECT of the accounts: account_id, since (a date; null where derived), segment."""
    declared = tables.company.accounts
    source, key = quote(declared.source), _text(declared.key)
    if declared.derived:
        return (
            f"SELECT DISTINCT {key} AS account_id, CAST(NULL AS DATE) AS since, "
            f"'all' AS segment FROM {source} WHERE {key} IS NOT NULL"
        )
    since = quote(str(declared.attributes.since))
    crosswalk = [
        f"{_text(column)} AS {quote(f'key of {system}')}"
        for system, column in declared.crosswalk.items()
    ]
    columns = [
        f"{key} AS account_id",
        f"CAST({since} AS DATE) AS since",
        f"{segment(tables.company)} AS segment",
        *crosswalk,
    ]
    return f"SELECT {', '.join(columns)} FROM {source} WHERE {key} IS NOT NULL"


def account_facts(tables: Tables) -> str:
    """SELECT of what people want to see of each account: name, owner, parent, mrr, renewal.

    As the account table says today; none of it is a feature.
    """
    declared = tables.company.accounts
    kinds = {"name": "VARCHAR", "owner": "VARCHAR", "parent": "VARCHAR", "mrr": "DOUBLE"}
    shown = kinds | {"renewal": "DATE"}
    own = {name: getattr(declared.attributes, name) for name in shown}
    columns = [
        f"CAST({quote(own[name]) if own[name] else 'NULL'} AS {kind}) AS {name}"
        for name, kind in shown.items()
    ]
    known = f"SELECT DISTINCT {_text(declared.key)} AS account_id, {', '.join(columns)}"
    return (
        f"{known} FROM {quote(declared.source)} WHERE {quote(declared.key)} IS NOT NULL "
        "ORDER BY account_id"
    )


def _text(column: str) -> str:
    return f"CAST({quote(column)} AS VARCHAR)"


def segment(company: Company) -> str:
    """The segment of a row of the account table; the first that matches, in declared order."""
    attribute = company.accounts.attributes.segment
    rest = f"coalesce({_text(attribute)}, 'unknown')" if attribute else "'all'"
    cases = [f"WHEN ({item.where}) THEN '{name}'" for name, item in company.segments.items()]
    return f"CASE {' '.join(cases)} ELSE {rest} END" if cases else rest


def facts(tables: Tables, source: str, extra: dict[str, str] | None = None) -> str:
    """SELECT of a source's facts: account_id, event_time, known_time and the `extra` columns.

    Facts of accounts that no account table knows, without key or without time are left out
    (the data usability report counts them).

    Raises
    ------
    clock.NoZone, clock.NoTime
        A time column cannot be read as a time.
    """
    declared = tables.company.sources[source]
    assert declared.account is not None
    columns = [f"{sql} AS {quote(name)}" for name, sql in (extra or {}).items()]
    own = ", ".join(
        [
            f"{_text(declared.account.column)} AS fact_key",
            f"{event_time(tables, source)} AS event_time",
            f"{known_time(tables, source)} AS known_time",
            *columns,
        ]
    )
    names = ", ".join(["event_time", "known_time", *map(quote, extra or {})])
    system = declared.account.system
    key = quote(f"key of {system}") if system else "account_id"
    return (
        f"SELECT account_id, {names} FROM (SELECT {own} FROM {quote(source)}) "
        f"JOIN {quote(ACCOUNTS)} ON fact_key = {key} "
        "WHERE event_time IS NOT NULL AND known_time IS NOT NULL"
    )


def event_time(tables: Tables, source: str) -> str:
    """A fact's event time as naive UTC."""
    declared = tables.company.sources[source].event_time
    assert declared is not None
    type_ = tables.columns[source][declared.column]
    return clock.in_utc(quote(declared.column), type_, declared.zone)


def known_time(tables: Tables, source: str) -> str:
    """A fact's known time as naive UTC, never before its event time."""
    declared = tables.company.sources[source].known_time
    event = event_time(tables, source)
    if declared is None:
        return event
    if declared.column is None:
        return f"{event} + INTERVAL {declared.delay} DAY"
    return f"greatest({event}, coalesce({recorded_time(tables, source)}, {event}))"


def recorded_time(tables: Tables, source: str) -> str | None:
    """A fact's known time as its column says it, naive UTC; none where no column says it."""
    declared = tables.company.sources[source].known_time
    if declared is None or declared.column is None:
        return None
    type_ = tables.columns[source][declared.column]
    return clock.in_utc(quote(declared.column), type_, declared.zone)


def kept(part: Event | Inactivity) -> str:
    """The filter of a target's facts."""
    return f"coalesce(({part.where}), FALSE)" if part.where else "TRUE"


def keep(indicator: Indicator) -> str:
    """Whether a row counts for the indicator: it passes the filter and has a value."""
    conditions = [f"({text})" for text in (indicator.where,) if text]
    if indicator.value is not None:
        conditions.append(f"({indicator.value}) IS NOT NULL")
    return f"coalesce({' AND '.join(conditions)}, FALSE)" if conditions else "TRUE"
