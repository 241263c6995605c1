"""Days in columns of times: the last complete one, how many they span, one row a day or more."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from features import clock
from features.assembling import reach
from features.drafting.tables.facts import KEY, FactTable
from features.drafting.tables.profiles import ColumnProfile
from features.engines.on_duckdb import Engine
from features.engines.sql_text import quote

DAYS_OF_A_DAILY_TABLE = 20
FIRST_ROWS = 50_000


def day_of(column: ColumnProfile) -> str:
    """SQL for the UTC day of a column's times; those without a zone count as UTC here."""
    return f"CAST({clock.in_utc(quote(column.name), column.type, 'UTC')} AS DATE)"


@dataclass(frozen=True)
class LastDay:
    """The last morning before which a column of times seems complete.

    `later` counts the rows behind it that stand apart or in the future (bookings, typing errors),
    of which the last is on the day `stray`.
    """

    until: date
    later: int = 0
    stray: date | None = None


def complete_until(
    engine: Engine, table: str, column: ColumnProfile, today: date | None = None
) -> LastDay | None:
    """The last day of a column, as far as what it tells had happened by `today`.

    A column of days holds its last day as a whole; timestamps may stop in the middle of it.
    """
    today = today or datetime.now(UTC).date()
    days = f"SELECT {day_of(column)} AS day FROM {quote(table)}"
    found = reach.of_days(engine, f"SELECT day FROM ({days}) WHERE day <= DATE '{today}'")
    if found is None:
        return None
    later, stray = engine.row(
        f"SELECT count(*), max(day) FROM ({days}) WHERE day > DATE '{found.last}'"
    )
    return LastDay(found.last + timedelta(days=column.type == "DATE"), later, stray)


def span(engine: Engine, table: str, column: ColumnProfile) -> int:
    """Days between the first and the last time in a column."""
    day = day_of(column)
    query = f"SELECT date_diff('day', min({day}), max({day})) FROM {quote(table)}"
    return int(engine.row(query)[0] or 0)


def is_daily(engine: Engine, entry: FactTable) -> bool:
    """Whether there is at most one row per account and day, and many of them per account.

    Where two of the first rows are of one account and day, the others are not asked.
    """
    day = day_of(entry.event)
    first = f"SELECT * FROM {entry.rows} LIMIT {FIRST_ROWS}"
    twice = f"SELECT 1 AS n FROM ({first}) WHERE {KEY} IS NOT NULL GROUP BY {KEY}, {day}"
    if engine.rows(f"{twice} HAVING count(*) > 1 LIMIT 1").num_rows:
        return False
    rows, days, accounts = engine.row(
        f"SELECT count(*), count(DISTINCT ({KEY}, {day})), count(DISTINCT {KEY}) FROM {entry.rows}"
    )
    return bool(rows == days and rows > DAYS_OF_A_DAILY_TABLE * accounts)
