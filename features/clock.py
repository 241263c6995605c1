"""The only place that cuts by time.

Intervals are half-open. A fact counts for `as_of` (00:00 UTC of that day) if and only if
`event_time >= as_of − window`, `event_time < as_of` and `known_time < as_of`. Engines read every
time as naive UTC; from then on whole UTC days decide, by the one table of a `Calendar`. A local
time that its zone's clocks show twice (the hour that winter time repeats) is the
second one; one that they skip is read with the offset that held before the jump.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import numpy.typing as npt

from features.declaring.target import Target
from features.engines.sql_text import literal
from features.engines.sql_types import NULL, in_microseconds

EPOCH = date(1970, 1, 1)
# What the SQL types of times that carry their zone begin with.
ZONED = ("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ")


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
    if not type_.startswith("TIMESTAMP"):
        raise NoTime(type_)
    moment = in_microseconds(expression, type_)
    if type_.startswith(ZONED):
        return f"timezone('UTC', {moment})"
    if zone is None:
        raise NoZone(type_)
    if zone == "UTC":
        return f"CAST({moment} AS TIMESTAMP)"
    return f"timezone('UTC', timezone({literal(zone)}, CAST({moment} AS TIMESTAMP)))"


def zone_exists(zone: str) -> bool:
    """Whether `zone` is an IANA time zone."""
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


@dataclass(frozen=True)
class Span:
    """Which days a fold looks at: `[as_of − before − days, as_of − before)`.

    `days = None` is without a lower end. A negative `before` looks ahead. With `known` (always,
    except for labels) a fact counts only if its known time, too, lies before the as-of date.
    """

    days: int | None
    before: int = 0
    known: bool = True

    @property
    def reach(self) -> int | None:
        """Days from the as-of date back to the lower end; `None` without one."""
        return None if self.days is None else self.before + self.days


def ahead(start: int, days: int) -> Span:
    """Event times in `[as_of + start, as_of + start + days)`, known or not."""
    return Span(days, before=-(start + days), known=False)


class Calendar:
    """The grid of as-of dates as day numbers (days since 1970), and the place of a day in it.

    `starts[day − origin]`, with `day` clipped to the table, is the number of as-of dates up to
    and including `day`. Since as-of dates are midnights, a fact of that day lies before exactly
    the as-of dates numbered `starts` and above: days decide, and no time of day is needed.

    `noticed` is the same table for the days on which facts become known. It differs only where
    the dates are one and the same, as it would look had nothing happened `since` earlier ones.
    """

    def __init__(self, as_of: Sequence[date]) -> None:
        """Sorts the as-of dates; repetition does not matter. Raises ValueError without any."""
        if not as_of:
            raise ValueError("no as-of date")
        self.as_of = self.names = sorted(set(as_of))
        self.days = np.array([day_number(day) for day in self.as_of], np.int32)
        self.origin, self.starts = _starts(self.days)
        self.notice_origin, self.noticed = self.origin, self.starts

    @classmethod
    def unchanged(cls, as_of: date, since: Sequence[date]) -> Self:
        """One as-of date, once for each of some earlier ones, as if nothing had happened `since`.

        A fact counts only if it was known before the morning of the earlier date, by which the
        rows are then named.
        """
        calendar = cls(since)
        calendar.notice_origin, calendar.noticed = calendar.origin, calendar.starts
        calendar.as_of = [as_of] * len(calendar.names)
        calendar.days = np.full(len(calendar.names), day_number(as_of), np.int32)
        calendar.origin, calendar.starts = _starts(calendar.days)
        return calendar

    def first_after(self, days: npt.NDArray[np.int64]) -> npt.NDArray[np.uint16]:
        """For each day number the position of the first as-of date after it; K if there is none."""
        return self.noticed[np.clip(days - self.notice_origin, 0, len(self.noticed) - 1)]


def _starts(days: npt.NDArray[np.int32]) -> tuple[int, npt.NDArray[np.uint16]]:
    """The day before the first of the sorted `days`, and how many there are up to each day."""
    origin = int(days[0]) - 1
    every = np.arange(origin, int(days[-1]) + 1)
    return origin, np.searchsorted(days, every, side="right").astype(np.uint16)


def day_number(day: date) -> int:
    """Days since 1970-01-01.

    Examples
    --------
    >>> day_number(date(1970, 1, 31))
    30
    """
    return (day - EPOCH).days


def in_reach(spans: Iterable[Span], first: date, last: date) -> str:
    """SQL condition that no fact outside of it can count for as-of dates in `[first, last]`."""
    asked = list(spans)
    conditions = ["event_time IS NOT NULL", "known_time IS NOT NULL"]
    reaches = [span.reach for span in asked]
    if None not in reaches:
        lowest = _shifted(first, -max(reach for reach in reaches if reach is not None))
        conditions.append(f"event_time >= TIMESTAMP '{lowest}'")
    highest = _shifted(last, max(-span.before for span in asked))
    conditions.append(f"event_time < TIMESTAMP '{highest}'")
    if all(span.known for span in asked):
        conditions.append(f"known_time < TIMESTAMP '{last}'")
    return " AND ".join(conditions)


def _shifted(day: date, days: int) -> date:
    """`day` and so many days, at most to the ends of the calendar."""
    number = min(max(day.toordinal() + days, 1), date.max.toordinal())
    return date.fromordinal(number)


def settled(as_of: date, target: Target) -> date:
    """The day on whose morning the outcome of `target` for `as_of` is known for good."""
    try:
        return as_of + timedelta(days=target.days_to_settle)
    except OverflowError:
        return date.max


def is_mature(as_of: date, target: Target, data_until: date) -> bool:
    """Whether the label of `target` for `as_of` counts: its whole window lies in the data."""
    return settled(as_of, target) <= data_until


def churns_known_until(target: Target, data_until: date) -> date:
    """Every churn before this day is known for good; of later ones some are still to come out."""
    grace = target.event.days_to_continue if target.event else 0
    silence = target.inactivity.within if target.inactivity else 0
    return data_until - timedelta(days=grace + silence + target.reporting_delay)


def month_starts(first: date, last: date) -> Iterator[date]:
    """The first days of the months in `[first, last]`.

    Examples
    --------
    >>> [str(day) for day in month_starts(date(2026, 1, 15), date(2026, 3, 1))]
    ['2026-02-01', '2026-03-01']
    """
    months = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
    for year, month in (divmod(number, 12) for number in months):
        if first <= (start := date(year, month + 1, 1)) <= last:
            yield start


def evenly_spaced(first: date, last: date, step: int) -> list[date]:
    """As-of dates in `[first, last]`, `step` days apart, the latest on `last`.

    Examples
    --------
    >>> [str(day) for day in evenly_spaced(date(2026, 1, 1), date(2026, 1, 20), 7)]
    ['2026-01-06', '2026-01-13', '2026-01-20']
    """
    return [last - timedelta(days=back) for back in range(0, (last - first).days + 1, step)][::-1]


def weekly(last: date, count: int) -> list[date]:
    """`count` as-of dates, a week apart, up to `last`.

    Examples
    --------
    >>> [str(day) for day in weekly(date(2026, 1, 12), 2)]
    ['2026-01-05', '2026-01-12']
    """
    return [last - timedelta(weeks=back) for back in reversed(range(count))]
