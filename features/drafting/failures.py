"""Rows that tell of something that failed: the failed ones among payments, by their state.

Only failures count, which are known when the row is written: an order is cancelled, returned or
refunded later, and its state of today would tell a past day what was to come.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from features.drafting.tables.facts import FactTable
from features.drafting.tables.profiles import ColumnProfile
from features.drafting.words import FAILED, STATE, name_words
from features.engines.on_duckdb import Engine
from features.engines.sql_text import literal, quote

MOST_STATES = 40


@dataclass(frozen=True)
class Failures:
    """The `rows` of a table whose `column` is one of `states`, or just true."""

    column: ColumnProfile
    rows: int
    states: tuple[str, ...] = ()

    @property
    def noun(self) -> str:
        """What they are called: the first of the states, or the column."""
        return self.states[0] if self.states else self.column.name

    def condition(self, column: str) -> str:
        """SQL that keeps them; `column` is the column's name in SQL."""
        if not self.states:
            return column
        values = ", ".join(map(literal, self.states))
        return f"{column} = {values}" if len(self.states) == 1 else f"{column} IN ({values})"


def find(engine: Engine, facts: Iterable[FactTable]) -> dict[str, Failures]:
    """By table the failures among its rows, where other rows did not fail."""
    found = {}
    for entry in facts:
        if entry.table.export is not None:
            continue
        each = (_of_column(engine, entry, column) for column in entry.table.columns)
        if first := next(filter(None, each), None):
            found[entry.table.name] = first
    return found


def _of_column(engine: Engine, facts: FactTable, column: ColumnProfile) -> Failures | None:
    table, name = quote(facts.table.name), quote(column.name)
    if column.type == "BOOLEAN" and column.words & FAILED:
        rows = int(engine.row(f"SELECT count_if({name}) FROM {table}")[0])
        return Failures(column, rows) if 0 < rows < column.filled else None
    is_state = column.words & STATE and column.type == "VARCHAR"
    if not is_state or not 1 < column.distinct <= MOST_STATES:
        return None
    listed = engine.rows(f"SELECT {name} AS state, count(*) AS rows FROM {table} GROUP BY 1")
    failed = sorted(
        (row for row in listed.to_pylist() if row["state"] and name_words(row["state"]) & FAILED),
        key=lambda row: (-row["rows"], row["state"]),
    )
    rows = sum(row["rows"] for row in failed)
    states = tuple(row["state"] for row in failed)
    return Failures(column, rows, states) if 0 < rows < column.filled else None
