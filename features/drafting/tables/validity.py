"""Tables that say from when until when each row holds: a user moved from one account to another."""

from dataclasses import dataclass

from features import clock
from features.drafting.tables.profiles import ColumnProfile, TableProfile
from features.drafting.words import BEGINS_TO_HOLD, HOLDS, HOLDS_NO_MORE, TIMES
from features.engines.on_duckdb import Engine
from features.engines.sql_text import quote


@dataclass(frozen=True)
class Validity:
    """The columns of a table that say since when a row holds and when it no longer did."""

    begins: ColumnProfile
    ends: ColumnProfile

    @property
    def is_said(self) -> bool:
        """Whether the columns say by their names that rows hold, and do not just begin and end."""
        return bool(self.begins.words & HOLDS and self.ends.words & HOLDS)


def of(table: TableProfile) -> Validity | None:
    """The columns between whose times a row of the table holds, if there is one such pair."""
    times = [column for column in table.columns if column.is_time]
    begins = [column for column in times if _says(column, BEGINS_TO_HOLD)]
    ends = [column for column in times if _says(column, HOLDS_NO_MORE)]
    pairs = [
        Validity(one, other)
        for one in begins
        for other in ends
        if one != other and bool(one.words & HOLDS) == bool(other.words & HOLDS)
    ]
    said = [pair for pair in pairs if pair.is_said] or pairs
    return said[0] if len(said) == 1 else None


def _says(column: ColumnProfile, words: frozenset[str]) -> bool:
    return bool(column.words & words) and column.words <= words | HOLDS | TIMES


def tells_apart(engine: Engine, table: TableProfile, key: ColumnProfile, holds: Validity) -> bool:
    """Whether each key has one row at a time, so that the row which held is known."""
    begins, ends = (
        clock.in_utc(quote(column.name), column.type, "UTC")
        for column in (holds.begins, holds.ends)
    )
    overlaps = engine.row(
        f"SELECT count_if(ended IS NULL OR ended > begins) FROM (SELECT {begins} AS begins, "
        f"lag({ends}) OVER each AS ended, row_number() OVER each AS place "
        f"FROM {quote(table.name)} WHERE {quote(key.name)} IS NOT NULL "
        f"WINDOW each AS (PARTITION BY {quote(key.name)} ORDER BY {begins} NULLS FIRST)) "
        "WHERE place > 1"
    )[0]
    return not overlaps
