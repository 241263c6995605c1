"""The only place that cuts by time.

Intervals are half-open. A fact counts for `as_of` (00:00 UTC of that day) if and only if
`event_time >= as_of − window`, `event_time < as_of` and `known_time < as_of`. Every condition
is an SQL text over naive UTC timestamps, so that each engine evaluates the same rule while it
reads. A local time that its zone's clocks show twice (the hour that winter time repeats) is the
second one; one that they skip is read with the offset that held before the jump.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from features.company import Target
from features.engines.on_duckdb import literal
from features.sql_types import NULL


class NoZone(ValueError):
    """A timestamp without a zone in a column for which none is declared."""


class NoTime(ValueError):
    """A column that holds neither dates nor timestamps."""


def in_utc(expression: str, type_: str, zone: str | None) -> str:
    """`expression` of SQL type `type_` as a naive UTC timestamp; a DATE is that day's 00:00 UTC.

    Raises
    ------
    NoZone
        It is a naive timestamp and `zone` is not given.
    NoTime
        It is no time at all.
    """
    if type_ in ("DATE", NULL):
        return f"CAST({expression} AS TIMESTAMP)"
    if type_.startswith("TIMESTAMP WITH TIME ZONE"):
        return f"timezone('UTC', {expression})"
    if not type_.startswith("TIMESTAMP"):
        raise NoTime(type_)
    if zone is None:
        raise NoZone(type_)
    return f"timezone('UTC', timezone({literal(zone)}, CAST({expression} AS TIMESTAMP)))"


def zone_exists(zone: str) -> bool:
    """Whether `zone` is an IANA time zone."""
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def known(as_of: str = "as_of") -> str:
    """Facts that had happened and were known on the morning of `as_of`."""
    return f"(event_time < {as_of} AND known_time < {as_of})"


def past(column: str, as_of: str = "as_of") -> str:
    """Times before the morning of `as_of`."""
    return f"({column} < {as_of})"


def within(window: int | None, *, before: int = 0, as_of: str = "as_of") -> str:
    """Event times in `[as_of − before − window, as_of − before)`; no lower end for `None`."""
    end = f"event_time < {as_of} - INTERVAL {before} DAY" if before else "TRUE"
    if window is None:
        return f"({end})"
    return f"(event_time >= {as_of} - INTERVAL {window + before} DAY AND {end})"


def ahead(column: str, start: int, days: int, as_of: str = "as_of") -> str:
    """Times in `[as_of + start, as_of + start + days)`."""
    return (
        f"({column} >= {as_of} + INTERVAL {start} DAY "
        f"AND {column} < {as_of} + INTERVAL {start + days} DAY)"
    )


def days_since(latest: str, as_of: str = "as_of") -> str:
    """Whole days from the UTC day of `latest` to `as_of`."""
    return f"date_diff('day', CAST({latest} AS DATE), CAST({as_of} AS DATE))"


def settled(as_of: date, target: Target) -> date:
    """The day on whose morning the outcome of `target` for `as_of` is known for good."""
    try:
        return as_of + timedelta(days=target.days_to_settle)
    except OverflowError:
        return date.max


def is_mature(as_of: date, target: Target, data_until: date) -> bool:
    """Whether the label of `target` for `as_of` counts: its whole window lies in the data."""
    return settled(as_of, target) <= data_until


def matured(target: Target, data_until: date, as_of: str = "as_of") -> str:
    """`is_mature` as a condition on rows."""
    return f"({as_of} + INTERVAL {target.days_to_settle} DAY <= DATE '{data_until}')"


def month_starts(first: date, last: date) -> Iterator[date]:
    """The first days of the months in `[first, last]`."""
    months = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
    for year, month in (divmod(number, 12) for number in months):
        if first <= (start := date(year, month + 1, 1)) <= last:
            yield start


def weekly(last: date, count: int) -> list[date]:
    """`count` as-of dates, a week apart, up to `last`."""
    return [last - timedelta(weeks=back) for back in reversed(range(count))]
