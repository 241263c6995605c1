"""Rows of a table of contracts that are none: trials, tests, what was never paid."""

from collections.abc import Iterator

from features.drafting.tables.facts import FactTable
from features.drafting.words import NOT_YET, STATUS, name_words
from features.engines.on_duckdb import Engine
from features.engines.sql_text import literal, quote
from features.plurals import counted

MOST_VALUES = 40


def doubts(engine: Engine, facts: FactTable) -> Iterator[str]:
    """What to decide about rows whose status says that they are no contracts, column by column."""
    for column in facts.table.columns:
        if column.type == "BOOLEAN" and column.words & NOT_YET:
            yield from _flagged(engine, facts, column.name)
        is_status = column.words & STATUS and column.type == "VARCHAR"
        if is_status and column.filled and column.distinct <= MOST_VALUES:
            yield from _named(engine, facts, column.name)


def _named(engine: Engine, facts: FactTable, column: str) -> Iterator[str]:
    found = engine.rows(
        f"SELECT {quote(column)} AS status, count(*) AS rows FROM {quote(facts.table.name)} "
        f"WHERE {quote(column)} IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1"
    ).to_pylist()
    none = [row for row in found if name_words(row["status"]) & NOT_YET]
    if none:
        listed = ", ".join(f"{row['status']}: {counted(row['rows'], 'row')}" for row in none)
        values = ", ".join(literal(row["status"]) for row in none)
        yield (
            f"{facts.table.path}, {column}: {listed}; if these are no contracts, leave them out: "
            f"where = '{quote(column)} NOT IN ({values})' in event"
        )


def _flagged(engine: Engine, facts: FactTable, column: str) -> Iterator[str]:
    rows = engine.row(f"SELECT count_if({quote(column)}) FROM {quote(facts.table.name)}")[0]
    if rows:
        yield (
            f"{facts.table.path}, {column}: {counted(rows, 'row')}; if these are no contracts, "
            f"leave them out: where = 'NOT {quote(column)}' in event"
        )
