"""Moments that are written as a count since 1970: of seconds, milliseconds or microseconds."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from features.declaring.column import Unit

PER_UNIT: dict[Unit, int] = {"seconds": 1_000_000, "milliseconds": 1_000, "microseconds": 1}
# A count is taken for moments only between these years.
FIRST_YEAR, LAST_YEAR = 1990, 2060
EXCEL_DAYS = (30_000, 75_000)
EXCEL_BEGINS = date(1899, 12, 30)
# Days that are written as one whole number, such as 20240131.
WRITTEN_DAYS = (FIRST_YEAR * 10_000, LAST_YEAR * 10_000)


@dataclass(frozen=True)
class Counted:
    """A column of counts, read in one unit: its first and last day."""

    unit: Unit
    first: str
    last: str

    def __str__(self) -> str:
        return f"as {self.unit} {self.first} to {self.last}"


def moment(number: str, epoch: Unit) -> str:
    """SQL: a count as a moment with zone; parts of a microsecond are cut."""
    count = f"CAST(floor({number} * {PER_UNIT[epoch]}) AS BIGINT)"
    if epoch == "microseconds":
        count = f"CAST(floor({number}) AS BIGINT)"
    return f"timezone('UTC', make_timestamp({count}))"


def plausible(least: float, most: float) -> list[Counted]:
    """The units in which such counts are moments of our time; one at most, but for odd spans."""
    found = []
    for unit, factor in PER_UNIT.items():
        try:
            first, last = (
                datetime.fromtimestamp(float(value) * factor / 1_000_000, UTC)
                for value in (least, most)
            )
        except (OverflowError, ValueError, OSError):
            continue
        if first.year >= FIRST_YEAR and last.year < LAST_YEAR:
            found.append(Counted(unit, str(first.date()), str(last.date())))
    return found


def are_excel_days(least: float, most: float) -> bool:
    """Whether such numbers may be days as Excel counts them, of 1982 to 2105."""
    return least >= EXCEL_DAYS[0] and most <= EXCEL_DAYS[1]


def excel_day(number: float) -> date:
    """The day that Excel means by a number."""
    return EXCEL_BEGINS + timedelta(days=int(number))


def may_be_days(least: float, most: float) -> bool:
    """Whether such numbers may be days that are written as one, such as 20240131."""
    return least >= WRITTEN_DAYS[0] and most < WRITTEN_DAYS[1]


def written_day(number: str) -> str:
    """SQL: a day that is written as one number; NULL where there is no such day."""
    year, month, day = f"{number} // 10000", f"{number} // 100 % 100", f"{number} % 100"
    parts = [f"lpad(CAST(CAST({part} AS BIGINT) AS VARCHAR), 2, '0')" for part in (month, day)]
    years = f"CAST(CAST({year} AS BIGINT) AS VARCHAR)"
    whole = f"{years} || '-' || {parts[0]} || '-' || {parts[1]}"
    return f"CASE WHEN {number} = floor({number}) THEN TRY_CAST({whole} AS DATE) END"
