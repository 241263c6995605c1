"""Whether renewal dates can be what they are declared as: dates before terms, two at once.

Where a table can be read as one contract per account or as several, both are counted.
"""

from collections.abc import Iterator
from typing import Literal

from features.assembling import renewals, source_sql, subscriptions
from features.declaring.target import Event
from features.engines.sql_text import quote
from features.errors import Finding
from features.structure.facts import can_be_asked
from features.structure.readable import ReadableTables, with_read_errors


def breaches(readable: ReadableTables) -> Iterator[Finding]:
    """What is wrong with the renewal dates of each target by renewal."""
    for target in readable.company.targets.values():
        event = target.event
        if event is None or event.renews is None:
            continue
        source = readable.company.sources[event.source]
        named = (*event.columns_of_the_end, event.renews, event.contract)
        if can_be_asked(readable, event.source, source) and readable.holds(event.source, *named):
            findings = _of_event(readable, event)
            yield from with_read_errors(event.source, readable.file(event.source), findings)


def _of_event(readable: ReadableTables, event: Event) -> Iterator[Finding]:
    rows = _rows(readable, event)
    yield from _unusable(readable, event, rows)
    yield from _two_at_once(readable, event, rows)
    if event.contract is None:
        yield from _side_by_side(readable, event, rows)


def _rows(readable: ReadableTables, event: Event) -> str:
    """SELECT of the rows that pass `where`: key, contract, days of start, renewal and end."""
    tables, name = readable.tables, event.source
    account = readable.company.sources[name].account
    assert account is not None
    day = subscriptions.day
    columns = {
        "row": "row_number() OVER ()",
        "key": f"CAST({quote(account.column)} AS VARCHAR)",
        "contract": f"CAST({quote(event.contract)} AS VARCHAR)" if event.contract else "''",
        "first": day(source_sql.event_time(tables, name)),
        "known": day(source_sql.known_time(tables, name)),
        "written": day(quote(str(event.renews))),
        "renews": renewals.renewal_day(tables, event),
        "last": day(subscriptions.end_times(tables, event)["ended"]),
    }
    selected = ", ".join(f"{sql} AS {column}" for column, sql in columns.items())
    each = f"SELECT {selected}, {source_sql.target_filter(event)} AS keep FROM {quote(name)}"
    return f"SELECT * FROM ({each}) WHERE keep AND (last IS NULL OR last > first)"


def _unusable(readable: ReadableTables, event: Event, rows: str) -> Iterator[Finding]:
    """No date, or one that is not after the first day: those accounts are asked nothing."""
    found = readable.row(
        "SELECT count(*) AS rows, count(*) FILTER (WHERE written IS NULL) AS empty, "
        "count(*) FILTER (WHERE written IS NOT NULL) AS wrong, min(row) AS row "
        f"FROM ({rows}) WHERE renews IS NULL"
    )
    if found["rows"]:
        detail = (
            f"{readable.file(event.source)}: terms without a usable renewal date "
            f"({found['empty']:,} empty, {found['wrong']:,} not after the term's first day or a "
            f"placeholder; first in row {found['row']:,}): while one is in force, its account is "
            "not scored by renewal"
        )
        fix = f"fill in {event.renews}, or compute it in sources.{event.source}.columns"
        yield _finding("no_renewal_date", "warning", event, found["rows"], (detail, fix))


def _two_at_once(readable: ReadableTables, event: Event, rows: str) -> Iterator[Finding]:
    """Versions of a term that reached us on one day with different dates."""
    found = readable.row(
        "SELECT count(*) AS groups, sum(n) AS rows, min(row) AS row FROM (SELECT count(*) AS n, "
        f"min(row) AS row FROM ({rows}) GROUP BY key, contract, first, known "
        "HAVING count(DISTINCT renews) > 1)"
    )
    if found["groups"]:
        detail = (
            f"{readable.file(event.source)}: {found['groups']:,} times rows of one account"
            f"{' and contract' if event.contract else ''} begin on the same day, reached us on "
            f"the same day and renew on different days, first in row {found['row']:,}: as "
            f"versions of one term they are {found['groups']:,} terms, as products "
            f"{found['rows']:,}"
        )
        fix = "declare event.contract if they are products, or when each version was known"
        yield _finding("two_renewals", "error", event, found["rows"], (detail, fix))


def _side_by_side(readable: ReadableTables, event: Event, rows: str) -> Iterator[Finding]:
    """Terms of one account that run on beside a later one, with other renewal dates."""
    beside = (
        f"SELECT 1 FROM ({rows}) AS later WHERE later.key = earlier.key "
        "AND later.first > earlier.first AND later.first < earlier.renews "
        "AND later.renews <> earlier.renews AND (earlier.last IS NULL OR earlier.last > "
        f"later.first + INTERVAL {event.days_to_continue} DAY)"
    )
    newest = (
        "SELECT *, known = max(known) OVER (PARTITION BY key, contract, first) AS is_newest "
        f"FROM ({rows})"
    )
    found = readable.row(
        "SELECT count(*) AS rows, count(DISTINCT key) AS keys, min(row) AS row "
        f"FROM ({newest}) AS earlier WHERE is_newest AND EXISTS ({beside})"
    )
    if not found["rows"]:
        return
    whole = readable.row(f"SELECT count(*) AS rows FROM ({rows})")["rows"]
    detail = (
        f"{readable.file(event.source)}: {found['rows']:,} of {whole:,} terms, of "
        f"{found['keys']:,} accounts, run on beside a later one that renews on another day, first "
        f"in row {found['row']:,}: as one contract the later date replaces the earlier in all of "
        "them, as several contracts each has a decision of its own"
    )
    fix = "declare event.contract, or write the end of a term that another replaces"
    tolerated = readable.company.sources[event.source].tolerate
    state: Literal["error", "warning"] = "error" if found["rows"] > tolerated * whole else "warning"
    yield _finding("several_contracts", state, event, found["rows"], (detail, fix))


def _finding(
    name: str,
    state: Literal["error", "warning"],
    event: Event,
    rows: int,
    words: tuple[str, str],
) -> Finding:
    return Finding(name, "sources", state, event.source, event.renews, rows, *words)
