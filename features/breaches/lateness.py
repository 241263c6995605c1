"""When facts reached us: a history that came in one go, and facts that came again, changed.

A fact counts from the day on which it was known. What was loaded long afterwards in one go is
unknown to every as-of date before, as if nothing had happened.
"""

from collections.abc import Iterator
from typing import Any

from features.assembling import source_sql
from features.breaches.rounds import Round
from features.declaring.source import Source
from features.engines.sql_text import quote
from features.errors import Finding
from features.structure.readable import ReadableTables, with_read_errors

ROUND = Round.READABLE

LATE_DAYS = 28
# A load is out of line when it spans more event days than this many times the usual load.
USUAL_TIMES = 3
FEW, MOST = 0.01, 0.5
ONE_OF_A_KIND = 0.95
FEWEST = 50


def breaches(readable: ReadableTables) -> Iterator[Finding]:
    """Loads of old facts and rewritten facts of the sources that record when a fact was known."""
    for name, source in readable.company.sources.items():
        known_column = source.known_time.column if source.known_time else None
        if known_column is None or source.account is None or source.event_time is None:
            continue
        if readable.holds(name, source.account.column, source.event_time.column, known_column):
            per_check = [
                _at_once(readable, name, known_column),
                _rewritten(readable, name, source, known_column),
            ]
            for findings in per_check:
                yield from with_read_errors(name, readable.file(name), findings)


def _at_once(readable: ReadableTables, name: str, known_column: str) -> Iterator[Finding]:
    first = readable.company.about.data_from
    loads = (
        "SELECT loaded, count(*) AS rows, count(*) FILTER (WHERE late) AS old, "
        f"count(DISTINCT happened) AS days FROM ({_facts(readable, name)}) GROUP BY loaded"
    )
    counted = readable.row(
        f"SELECT sum(rows)::BIGINT AS rows, median(days) AS usual FROM ({loads})"
    )
    usual = max(LATE_DAYS, USUAL_TIMES * float(counted["usual"] or 0))
    after = f"AND loaded >= DATE '{first}'" if first else ""
    out_of_line = readable.tables.engine.rows(
        f"SELECT * FROM ({loads}) WHERE old > 0 AND (days > {usual} OR rows = {counted['rows']}) "
        f"{after} ORDER BY old DESC LIMIT 1"
    ).to_pylist()
    if out_of_line and out_of_line[0]["old"] >= FEW * counted["rows"]:
        yield _loaded(readable, name, known_column, out_of_line[0], counted["rows"])


def _facts(readable: ReadableTables, name: str) -> str:
    event, known_at = (
        source_sql.event_time(readable.tables, name),
        source_sql.recorded_time(readable.tables, name),
    )
    return (
        f"SELECT CAST({event} AS DATE) AS happened, CAST({known_at} AS DATE) AS loaded, "
        f"coalesce({known_at} >= {event} + INTERVAL {LATE_DAYS} DAY, FALSE) AS late "
        f"FROM {quote(name)} WHERE {known_at} IS NOT NULL AND {event} IS NOT NULL"
    )


def _loaded(
    readable: ReadableTables, name: str, known_column: str, load: dict[str, Any], total: int
) -> Finding:
    detail = (
        f"{readable.file(name)}: {load['old']:,} facts ({load['old'] / total:.0%}) of "
        f"{load['days']:,} days became known on one day, {load['loaded']}, {LATE_DAYS} days or "
        "more after they happened: earlier as-of dates do not see them"
    )
    fix = (
        f"if {known_column} is the day of a load, declare a delay instead; else set "
        f"company.data_from to {load['loaded']}"
    )
    concerned = (name, known_column, load["old"])
    if load["old"] >= MOST * total:
        return Finding("known_at_once", "sources", "error", *concerned, detail, fix)
    return Finding("late_load", "sources", "warning", *concerned, detail, fix)


def _rewritten(
    readable: ReadableTables, name: str, source: Source, known_column: str
) -> Iterator[Finding]:
    """Facts that came again later with other values."""
    assert source.account is not None
    columns = [column for column in readable.tables.columns[name] if column != known_column]
    facts = (
        "SELECT count(*) AS rows, "
        f"count(DISTINCT {source_sql.recorded_time(readable.tables, name)}) AS times, "
        f"count(DISTINCT hash({', '.join(map(quote, columns))})) AS versions "
        f"FROM {quote(name)} WHERE {quote(source.account.column)} IS NOT NULL "
        f"AND {source_sql.event_time(readable.tables, name)} IS NOT NULL "
        f"GROUP BY {_identity(readable, name, source, columns)}"
    )
    counted = readable.row(
        "SELECT count(*) AS facts, count(*) FILTER (WHERE rows = 1) AS single, "
        f"count(*) FILTER (WHERE times > 1 AND versions > 1) AS rewritten FROM ({facts})"
    )
    if counted["rewritten"] and counted["single"] >= ONE_OF_A_KIND * counted["facts"]:
        count = counted["rewritten"]
        detail = (
            f"{readable.file(name)}: facts that were delivered again with other values "
            f"({count / counted['facts']:.1%} of {counted['facts']:,}): both versions count"
        )
        fix = 'keep one row per fact, or measure with "latest", which takes the later version'
        yield Finding("rewritten", "sources", "warning", name, known_column, count, detail, fix)


def _identity(readable: ReadableTables, name: str, source: Source, columns: list[str]) -> str:
    """The columns that identify a fact: one that numbers the rows, else all but the numbers."""
    assert source.account is not None
    kinds = readable.tables.columns[name]
    numbering = [
        column
        for column in columns
        if column != source.account.column
        and (kinds[column] == "VARCHAR" or "INT" in kinds[column])
    ]
    distinct = ", ".join(f"count(DISTINCT {quote(column)})" for column in numbering)
    if numbering:
        total, *counts = readable.tables.engine.row(
            f"SELECT count(*), {distinct} FROM {quote(name)}"
        )
        for column, count in zip(numbering, counts, strict=True):
            if count >= max(ONE_OF_A_KIND * total, FEWEST):
                return quote(column)
    texts = [quote(column) for column in columns if kinds[column] == "VARCHAR"]
    account = f"CAST({quote(source.account.column)} AS VARCHAR)"
    return ", ".join([account, source_sql.event_time(readable.tables, name), *texts])
