"""Columns that, from one month on, hold something else: another unit, other words, another type.

A measured column is looked at month by month; a change is what no month before or after mixes.
"""

from collections.abc import Callable, Iterator
from typing import Any

from features.assembling import source_sql
from features.breaches.rounds import Round
from features.engines.sql_text import quote
from features.engines.sql_types import is_number
from features.errors import Finding
from features.evidence import probes
from features.sources import Tables

ROUND = Round.COMPUTABLE

# No unit is nearer to another one than this (hours of a working day, days of a week: 7, 8).
FACTOR = 5.0
FEWEST = 50
NUMBERED = 0.95
MOSTLY, HARDLY = 0.95, 0.05

Month = dict[str, Any]


def breaches(tables: Tables) -> Iterator[Finding]:
    """Changes of the columns that indicators read."""
    for source in probes.fact_sources(tables.company):
        for name, kind in probes.fact_columns(tables, source):
            if not probes.readers(tables.company, source, name):
                continue
            if is_number(kind):
                yield from _unit(tables, source, name)
            elif kind == "VARCHAR":
                yield from _words(tables, source, name)


def _unit(tables: Tables, source: str, name: str) -> Iterator[Finding]:
    column = quote(name)
    distinct, total = tables.engine.row(
        f"SELECT count(DISTINCT {column}), count({column}) FROM {quote(source)}"
    )
    kind = tables.columns[source][name]
    if "INT" in kind and total and distinct >= NUMBERED * total:
        return  # running numbers grow
    size = f"abs(CAST({column} AS DOUBLE))"
    months = _months(tables, source, f"median({size}) AS usual", f"{size} > 0 AND isfinite({size})")
    if change := _change(months, _apart):
        before, after = (sum(m["usual"] for m in part) / len(part) for part in change)
        detail = f"typically {after:,.6g} from {change[1][0]['month']} on, {before:,.6g} before"
        fix = "convert the rows before or after to one unit"
        yield _finding(tables, source, name, "unit_change", (detail, fix))


def _apart(before: list[Month], after: list[Month]) -> bool:
    """Whether every month after is far above, or far below, every month before."""
    low, high = ([month["usual"] for month in part] for part in (before, after))
    return bool(min(high) >= FACTOR * max(low) or min(low) >= FACTOR * max(high))


def _words(tables: Tables, source: str, name: str) -> Iterator[Finding]:
    column = quote(name)
    few = name in probes.kind_columns(tables, source)
    asked = (
        f"{f'list(DISTINCT {column})' if few else '[]'} AS words, "
        f"avg((TRY_CAST({column} AS DOUBLE) IS NOT NULL)::INT) AS numbers"
    )
    months = _months(tables, source, asked, f"{column} IS NOT NULL")
    if change := _change(months, _other_type):
        detail = f"switches between numbers and text from {change[1][0]['month']} on"
        fix = "write the column in one type"
        yield _finding(tables, source, name, "type_change", (detail, fix))
    elif few and (change := _change(months, _no_word_in_common)):
        now, then = (sorted({w for m in part for w in m["words"]})[:3] for part in change[::-1])
        detail = (
            f"none of the earlier values occurs from {change[1][0]['month']} on: "
            f"{', '.join(map(repr, now))} instead of {', '.join(map(repr, then))}"
        )
        fix = "use the same word for the same thing throughout"
        yield _finding(tables, source, name, "renamed_values", (detail, fix))


def _other_type(before: list[Month], after: list[Month]) -> bool:
    old, new = ([month["numbers"] for month in part] for part in (before, after))
    return bool(
        (min(old) >= MOSTLY and max(new) <= HARDLY) or (min(new) >= MOSTLY and max(old) <= HARDLY)
    )


def _no_word_in_common(before: list[Month], after: list[Month]) -> bool:
    old, new = ({word for month in part for word in month["words"]} for part in (before, after))
    return not old & new


def _months(tables: Tables, source: str, asked: str, where: str) -> list[Month]:
    """The aggregates `asked` of the rows of each month that has enough of them."""
    event = source_sql.event_time(tables, source)
    change: list[Month] = tables.engine.rows(
        f"SELECT strftime({event}, '%Y-%m') AS month, {asked} FROM {quote(source)} "
        f"WHERE {where} AND {event} IS NOT NULL GROUP BY 1 HAVING count(*) >= {FEWEST} ORDER BY 1"
    ).to_pylist()
    return change


def _change(
    months: list[Month], differ: Callable[[list[Month], list[Month]], bool]
) -> tuple[list[Month], list[Month]] | None:
    """The months before and after the one from which on they `differ`."""
    for month in range(1, len(months)):
        if differ(months[:month], months[month:]):
            return months[:month], months[month:]
    return None


def _finding(
    tables: Tables, source: str, column: str, check: str, statement: tuple[str, str]
) -> Finding:
    detail = f"{tables.location(source)}: {column}: {statement[0]}"
    return Finding(check, "features", "warning", source, column, None, detail, statement[1])
