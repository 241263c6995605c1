"""The forms in which people write days and moments, and the SQL that reads each of them.

A form is a date, a time of day and a zone, each written in one of a few ways. A date of numbers
alone may be day first or month first: its form has both readings, and only values decide.
"""

import re
from dataclasses import dataclass
from functools import cache
from typing import Literal

from features.engines.sql_text import literal

Order = Literal["day first", "month first"]
ORDERS: tuple[Order, Order] = ("day first", "month first")

MONTHS = "(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
LONG_MONTHS = (
    "(?i:january|february|march|april|may|june|july|august|september|october|november|december)"
)
# name: (pattern, how strptime reads it); %1 and %2 stand for day and month, in either order
DATES = {
    "iso": (r"\d{4}-\d{1,2}-\d{1,2}", "%Y-%m-%d"),
    "year/": (r"\d{4}/\d{1,2}/\d{1,2}", "%Y/%m/%d"),
    "year.": (r"\d{4}\.\d{1,2}\.\d{1,2}", "%Y.%m.%d"),
    **{
        f"{sign}{digits}": (
            rf"\d{{1,2}}{re.escape(sign)}\d{{1,2}}{re.escape(sign)}\d{{{digits}}}",
            f"%1{sign}%2{sign}{'%Y' if digits == 4 else '%y'}",
        )
        for sign in "/-."
        for digits in (4, 2)
    },
    **{
        f"day{sign}{digits}{name}": (
            rf"\d{{1,2}}{sign}{month}{sign}\d{{{digits}}}",
            f"%d{sign}{name}{sign}{'%Y' if digits == 4 else '%y'}",
        )
        for sign in "- "
        for digits in (4, 2)
        for month, name in ((MONTHS, "%b"), (LONG_MONTHS, "%B"))
    },
    **{
        f"{name}{comma}": (rf"{month} \d{{1,2}}{comma} \d{{4}}", f"{name} %d{comma} %Y")
        for comma in (",", "")
        for month, name in ((MONTHS, "%b"), (LONG_MONTHS, "%B"))
    },
}
CLOCK = r"\d{1,2}:\d{2}"
# pattern, and how strptime reads it; the first part is what stands before the time
TIMES = {
    "": ("", ""),
    **{
        f"{before}{seconds}{half}": (
            f"{before}{CLOCK}{pattern}{half and gap + '[AaPp][Mm]'}",
            f"{before}{'%I' if half else '%H'}:%M{read}{half and gap + '%p'}",
        )
        for before in ("T", " ", ", ")
        for seconds, (pattern, read) in {
            "minute": ("", ""),
            "second": (r":\d{2}", ":%S"),
            "fraction": (r":\d{2}\.\d{1,9}", ":%S.%f"),
        }.items()
        for half, gap in (("", ""), ("half", ""), ("half ", " "))
    },
}
ZONES = {
    "": ("", ""),
    "Z": ("Z", "Z"),
    "UTC": (" UTC", " UTC"),
    "GMT": (" GMT", " GMT"),
    "offset": (r"[+-]\d{2}(?::?\d{2})?", "%z"),
    " offset": (r" [+-]\d{2}(?::?\d{2})?", " %z"),
}
NO_DAY = re.compile(r"0000-00-00(?:[T ]00:00(?::00(?:\.0+)?)?)?")


@dataclass(frozen=True)
class Form:
    """One way to write a day or a moment, by the names of its three parts."""

    date: str
    time: str
    zone: str

    @property
    def pattern(self) -> str:
        """What a value of this form matches, as a whole."""
        return DATES[self.date][0] + TIMES[self.time][0] + ZONES[self.zone][0]

    @property
    def is_open(self) -> bool:
        """Whether day and month may stand in either order."""
        return "%1" in DATES[self.date][1]

    @property
    def is_day(self) -> bool:
        """Whether it is a day, without a time."""
        return not self.time

    @property
    def has_zone(self) -> bool:
        """Whether it says its offset from UTC."""
        return bool(self.zone)

    def sql(self, text: str, order: Order | None) -> str:
        """`text` as a DATE or a TIMESTAMP, with its zone or none; NULL where no such day is."""
        if self.date == "iso" and not self.time.endswith(("half", "half ")) and self.zone != "GMT":
            kind = "DATE" if self.is_day else "TIMESTAMPTZ" if self.has_zone else "TIMESTAMP"
            return f"TRY_CAST({text} AS {kind})"
        moment = f"try_strptime({text}, {literal(self._format(order))})"
        if self.is_day:
            return f"CAST({moment} AS DATE)"
        if self.zone in ("Z", "UTC", "GMT"):
            return f"timezone('UTC', {moment})"
        return moment

    def _format(self, order: Order | None) -> str:
        date = DATES[self.date][1]
        first, second = ("%m", "%d") if order == "month first" else ("%d", "%m")
        whole = date.replace("%1", first).replace("%2", second)
        return whole + TIMES[self.time][1] + ZONES[self.zone][1]


@cache
def _parts() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Each date, and what may follow it, as one pattern with groups."""
    return tuple((name, re.compile(pattern)) for name, (pattern, _) in DATES.items())


@cache
def _rests() -> tuple[tuple[str, str, re.Pattern[str]], ...]:
    return tuple(
        (time, zone, re.compile(pattern + end))
        for time, (pattern, _) in TIMES.items()
        for zone, (end, _) in ZONES.items()
        if time or not zone
    )


def form_of(value: str) -> Form | None:
    """The form of a value; none where it is no day and no moment."""
    for date, pattern in _parts():
        if (found := pattern.match(value)) is None:
            continue
        rest = value[found.end() :]
        for time, zone, after in _rests():
            if after.fullmatch(rest):
                return Form(date, time, zone)
    return None
