"""The simulated calendar: days are counted from 2024-01-01 (a Monday), which is day 0.

One rule: nothing else turns a day into a date or a time stamp.
"""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Dates = NDArray[np.datetime64]

FIRST = np.datetime64("2024-01-01", "D")
EXPORTED = np.datetime64("2026-07-01", "D")
DAYS = int((EXPORTED - FIRST).astype(int))
WEEKS = -(-DAYS // 7)
HELPDESK_ZONE = ZoneInfo("Europe/Berlin")


def day_of(date: str) -> int:
    """Return the day number of an ISO date."""
    return int((np.datetime64(date, "D") - FIRST).astype(int))


def to_date(day: Any) -> Dates:
    """Return dates for day numbers."""
    return np.asarray(FIRST + np.asarray(day, dtype="timedelta64[D]"))


def to_time(day: Any, seconds: Any = 0) -> Dates:
    """Return UTC times in microseconds: a day number (fractions allowed) plus seconds."""
    whole = np.floor(np.asarray(day, dtype=float) * 86400 + np.asarray(seconds)).astype(np.int64)
    start = FIRST.astype("datetime64[us]")
    return np.asarray(start + whole.astype("timedelta64[s]").astype("timedelta64[us]"))


def month_later(day: Ints, months: Ints) -> Ints:
    """Return the day numbers so many months later; the day of the month must be 28 or less."""
    date = to_date(day)
    month = date.astype("datetime64[M]")
    moved = (month + months).astype("datetime64[D]") + (date - month.astype("datetime64[D]"))
    return np.asarray((moved - FIRST).astype(np.int64))


def month_starts(first: str, last: str) -> Ints:
    """Return the day numbers of the first of each month from one month to another, inclusive."""
    months = np.arange(np.datetime64(first, "M"), np.datetime64(last, "M") + 1)
    return np.asarray((months.astype("datetime64[D]") - FIRST).astype(np.int64))


def utc_offset(day: Ints) -> Ints:
    """Return how many seconds the helpdesk's wall clock is ahead of UTC by noon of each day."""
    noon = datetime(2024, 1, 1, 12, tzinfo=UTC)
    ahead = [
        (noon + timedelta(days=d)).astimezone(HELPDESK_ZONE).utcoffset() or timedelta(0)
        for d in range(DAYS + 60)
    ]
    return np.asarray([int(a.total_seconds()) for a in ahead], dtype=np.int64)[day]
