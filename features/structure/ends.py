"""Whether the ends of subscriptions can be ends: placeholders, ends before starts, unknown times.

A placeholder whose meaning is clear is read as no end, and counted. An end before the start of its
own subscription can mean that the row is void or that it still runs: both readings are shown.
"""

from collections.abc import Iterator
from typing import Any, Literal

from features.assembling import source_sql, subscriptions
from features.declaring.target import Event
from features.engines.on_duckdb import EngineError
from features.engines.sql_text import quote
from features.errors import Finding
from features.shaping.row_numbers import ROW
from features.structure.facts import can_be_asked
from features.structure.readable import ReadableTables, with_read_errors

MOST_VALUES = 4


def breaches(readable: ReadableTables) -> Iterator[Finding]:
    """What is wrong with the ends of each contractual target's subscriptions."""
    for name, target in readable.company.targets.items():
        event = target.event
        if event is None or event.ended is None:
            continue
        source = readable.company.sources[event.source]
        if can_be_asked(readable, event.source, source) and readable.holds(
            event.source, *event.columns_of_the_end
        ):
            findings = _of_target(readable, name, event)
            yield from with_read_errors(event.source, readable.file(event.source), findings)


def _of_target(readable: ReadableTables, target: str, event: Event) -> Iterator[Finding]:
    rows = _rows(readable, event)
    counted = readable.row(
        "SELECT count(*) AS rows, count(*) FILTER (WHERE holder) AS holders, "
        "count(*) FILTER (WHERE early) AS early, count(*) FILTER (WHERE unknown) AS unknown, "
        f"count(*) FILTER (WHERE inside) AS inside FROM ({rows})"
    )
    yield from _placeholders(readable, event, rows, counted)
    yield from _early(readable, event, rows, counted)
    file = readable.file(event.source)
    if count := counted["unknown"]:
        column = event.ended_known.column if event.ended_known else None
        detail = f"{file}: ends without a known time count as known when they happened"
        fix = "fill in when the end was recorded"
        yield _finding("null_ended_known", "warning", event, count, (detail, fix), column)
    if count := counted["inside"]:
        detail = (
            f"{file}: {count:,} of {counted['rows']:,} subscriptions end inside a pause, after its "
            "first day: they are ends, unless another begins by the end of the pause"
        )
        fix = f"is that so? If not, leave {event.ended} empty while a subscription is paused"
        yield _finding("ends_in_a_pause", "advice", event, count, (detail, fix))


def _rows(readable: ReadableTables, event: Event, *, are_numbered: bool = False) -> str:
    """SELECT of the rows that pass `where`, each with what is odd about its end."""
    tables, name = readable.tables, event.source
    table = f"({tables.numbered(name)})" if are_numbered else quote(name)
    row = quote(ROW) if are_numbered else "NULL"
    start, written = (
        source_sql.event_time(tables, name),
        subscriptions.end_as_written(tables, event),
    )
    real_end = subscriptions.end_times(tables, event)["ended"]
    account = readable.company.sources[name].account
    assert account is not None
    known_column = event.ended_known.column if event.ended_known else None
    never = f"{quote(known_column)} IS NULL" if known_column else "FALSE"
    inside = subscriptions.is_inside_a_pause(tables, event)
    each = (
        f"SELECT {row} AS row, {_where(readable, event)} AS keep, "
        f"CAST({quote(account.column)} AS VARCHAR) AS key, "
        f"CAST({quote(str(event.ended))} AS VARCHAR) AS written, "
        f"{subscriptions.is_placeholder(written, start)} AS holder, "
        f"CAST({start} AS DATE) AS first, CAST({real_end} AS DATE) AS last, "
        f"{never} AS nobody_knows, {inside} AS inside FROM {table}"
    )
    return (
        "SELECT *, coalesce(last < first, FALSE) AS early, "
        f"last IS NOT NULL AND nobody_knows AS unknown FROM ({each}) WHERE keep"
    )


def _where(readable: ReadableTables, event: Event) -> str:
    """The target's filter; every row where it cannot be computed, which is told elsewhere."""
    where = source_sql.target_filter(event)
    try:
        readable.tables.engine.row(f"SELECT count({where}) FROM {quote(event.source)}")
    except EngineError:
        return "TRUE"
    return where


def _placeholders(
    readable: ReadableTables, event: Event, rows: str, counted: dict[str, Any]
) -> Iterator[Finding]:
    if not (count := counted["holders"]):
        return
    values = readable.tables.engine.rows(
        f"SELECT written, count(*) AS n FROM ({rows}) WHERE holder GROUP BY 1 "
        f"ORDER BY n DESC, written LIMIT {MOST_VALUES}"
    ).to_pylist()
    listed = ", ".join(f"{value['written']} in {value['n']:,} rows" for value in values)
    detail = (
        f"{readable.file(event.source)}: {count:,} of {counted['rows']:,} ends are placeholders, "
        f"read as no end: {listed}; first in row {_first(readable, event, 'holder')['row']:,}"
    )
    fix = f"leave {event.ended} empty where nothing has ended"
    yield _finding("placeholder_end", "warning", event, count, (detail, fix))


def _early(
    readable: ReadableTables, event: Event, rows: str, counted: dict[str, Any]
) -> Iterator[Finding]:
    """Refused beyond what the source tolerates: an end that is wrong makes a label wrong."""
    if not (count := counted["early"]):
        return
    first = _first(readable, event, "early")
    running = readable.row(
        "SELECT count(*) AS n FROM (SELECT key FROM "
        f"({rows}) GROUP BY key HAVING bool_or(early) AND NOT bool_or(last IS NULL))"
    )["n"]
    detail = (
        f"{readable.file(event.source)}: {count:,} of {counted['rows']:,} subscriptions end before "
        f"they start, first in row {first['row']:,} ({first['first']} to {first['written']}). Left "
        f"out as void, they are nobody's; read as still running, {running:,} accounts more would "
        "be customers today"
    )
    tolerate = readable.company.sources[event.source].tolerate
    too_many = count / counted["rows"] > tolerate or count == counted["rows"]
    fix = f"fix the two columns or their zone, or leave {event.ended} empty where it still runs"
    if too_many and count < counted["rows"]:
        fix += f"; to leave a share out as void: sources.{event.source}.tolerate"
    state: Literal["error", "warning"] = "error" if too_many else "warning"
    yield _finding("ends_before_start", state, event, count, (detail, fix))


def _first(readable: ReadableTables, event: Event, flag: str) -> dict[str, Any]:
    rows = _rows(readable, event, are_numbered=True)
    with readable.tables.engine.in_order():
        return readable.row(f"SELECT * FROM ({rows}) WHERE {flag} ORDER BY row LIMIT 1")


def _finding(
    name: str,
    state: Literal["error", "warning", "advice"],
    event: Event,
    rows: int,
    words: tuple[str, str],
    column: str | None = None,
) -> Finding:
    return Finding(name, "sources", state, event.source, column or event.ended, rows, *words)
