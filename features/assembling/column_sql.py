"""A column of a source as SQL reads it: keys as text, times in UTC."""

from features import clock
from features.engines.sql_text import quote
from features.sources import Tables


def key_text(column: str) -> str:
    """A column as text, as keys are compared."""
    return f"CAST({quote(column)} AS VARCHAR)"


def in_utc(tables: Tables, source: str, column: str, zone: str | None) -> str:
    """A time column of a source as naive UTC; `clock.in_utc` says what is refused."""
    return clock.in_utc(quote(column), tables.columns[source][column], zone)
