"""Columns that were filled in after their row was known, as far as an indicator reads them.

A time later than the row's known time is a plan (a due date) or was written down when it had come.
Plans reach beyond the end of the data; what was filled in afterwards never does. Other columns show
it by their gaps: in the latest rows they are not filled yet.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from scipy.special import bdtr

from features import snapshots
from features.assembling import source_sql
from features.engines.sql_text import quote
from features.errors import Finding
from features.evidence import probes
from features.evidence.significance import FAMILY
from features.progress import Progress
from features.sources import Tables

RECENT_DAYS = 28
MORE_GAPS = 0.10
FEWEST_ROWS = 30
NAME = "written_later"


@dataclass(frozen=True)
class ReadColumn:
    """A column of a source that some indicators (by their keys) read."""

    source: str
    name: str
    readers: tuple[str, ...]


def breaches(tables: Tables, progress: Progress) -> Iterator[Finding]:
    """Columns that indicators read and that were not there when the row was known."""
    progress("looking for columns that were filled in afterwards")
    for source in probes.fact_sources(tables.company):
        for name, kind in probes.fact_columns(tables, source):
            column = ReadColumn(source, name, tuple(probes.readers(tables.company, source, name)))
            if not column.readers:
                continue
            if kind.startswith(("DATE", "TIMESTAMP")) and (late := _after_known(tables, column)):
                detail = (
                    f"{name} lies after the row's known time in {late:,} rows and never after the "
                    "end of the data, as a plan would: it was filled in afterwards"
                )
                yield _finding(tables, column, late, detail)
            elif shares := _gaps_at_the_end(tables, column):
                detail = (
                    f"{name} is empty in {shares[0]:.0%} of the rows of the last {RECENT_DAYS} "
                    f"days and was in {shares[1]:.0%} at most before: it is filled in afterwards"
                )
                yield _finding(tables, column, None, detail)


def _after_known(tables: Tables, column: ReadColumn) -> int:
    """How many rows have a time after they were known, where those are no plans.

    Of the rows that came less than the median distance before the end, half should then point
    beyond it; none does by chance with a probability below `FAMILY`.
    """
    until = f"TIMESTAMP '{snapshots.data_until(tables)} 00:00:00'"
    known_at, time = (
        source_sql.known_time(tables, column.source),
        f"CAST({quote(column.name)} AS TIMESTAMP)",
    )
    facts = (
        f"SELECT {known_at} AS known, {time} AS time, "
        f"date_diff('hour', {known_at}, {time}) AS ahead "
        f"FROM {quote(column.source)} WHERE {known_at} < {until}"
    )
    late = "ahead > 24"
    total, later, middle = tables.engine.row(
        f"SELECT count(*), count(*) FILTER (WHERE {late}), "
        f"median(ahead) FILTER (WHERE {late}) FROM ({facts})"
    )
    if not later:
        return 0
    near, beyond = tables.engine.row(
        f"SELECT count(*), count(*) FILTER (WHERE time >= {until} + INTERVAL 1 DAY) FROM ({facts}) "
        f"WHERE known >= {until} - INTERVAL {int(middle)} HOUR"
    )
    chance = bdtr(beyond, near, later / total / 2) if near else 1.0
    return int(later) if chance < FAMILY else 0


def _gaps_at_the_end(tables: Tables, column: ReadColumn) -> tuple[float, float] | None:
    """The share of gaps in the last weeks and the largest before, where the last is out of line."""
    known_at, until = source_sql.known_time(tables, column.source), snapshots.data_until(tables)
    block = f"date_diff('day', CAST({known_at} AS DATE), DATE '{until}' - 1) // {RECENT_DAYS}"
    shares = tables.engine.rows(
        f"SELECT block, avg(({quote(column.name)} IS NULL)::INT) AS gaps FROM "
        f"(SELECT *, {block} AS block FROM {quote(column.source)} "
        f"WHERE {known_at} < TIMESTAMP '{until} 00:00:00') "
        f"GROUP BY block HAVING count(*) >= {FEWEST_ROWS} ORDER BY block"
    ).to_pylist()
    if len(shares) < 4 or shares[0]["block"] != 0:
        return None
    last, before = shares[0]["gaps"], max(row["gaps"] for row in shares[1:])
    return (last, before) if last > max(before + MORE_GAPS, 2 * before) else None


def _finding(tables: Tables, column: ReadColumn, count: int | None, statement: str) -> Finding:
    readers = ", ".join(column.readers)
    detail = f"{tables.location(column.source)}: {statement}; read by {readers}"
    fix = "make it a source of its own, with the time at which it became known"
    return Finding(NAME, "audit", "error", column.source, column.name, count, detail, fix)
