"""Values as a database's driver hands them out, as Arrow columns; the odd ones are counted.

A value that its column's type cannot hold (`infinity` in a column of dates, `01/31/1997` in
one of SQLite) is odd: it becomes null, and its count, its first text and its row are kept.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pyarrow as pa

MISSING = frozenset({"", "NULL", "N/A", "NA", "-", "\\N", "NONE", "NAT", "NAN"})
NEVER = "infinity"
ISO_DAY = re.compile(r"\d{4}-\d\d-\d\d")
ZERO_DAY = re.compile(r"0000-00-00([ T]00:00:00)?")
FLAGS = {"0": False, "1": True, "false": False, "true": True, "f": False, "t": True}

NOTHING = type(None)
# Arrow would take whole numbers for days or microseconds, so each type says what it takes.
PLAIN: dict[pa.DataType, set[type]] = {
    pa.string(): {str, NOTHING},
    pa.bool_(): {bool, NOTHING},
    pa.int64(): {int, NOTHING},
    pa.float64(): {float, int, NOTHING},
    pa.date32(): {date, NOTHING},
    pa.timestamp("us"): {datetime, NOTHING},
    pa.timestamp("us", tz="UTC"): {datetime, NOTHING},
}


class Odd(ValueError):
    """A value that its column's type cannot hold."""


@dataclass(frozen=True)
class Column:
    """A column of a database table: its name, the Arrow type it becomes, and whether it is padded.

    `never_ends` is set where PostgreSQL's `infinity` says that something has not ended.
    """

    name: str
    kind: pa.DataType
    padded: bool = False
    never_ends: bool = False


@dataclass
class Batch:
    """Rows as Arrow; by column, the places of odd values, and how many ends are `infinity`."""

    table: pa.Table
    odd: dict[str, list[int]] = field(default_factory=dict)
    never: dict[str, int] = field(default_factory=dict)


def batch_of(rows: Sequence[Sequence[Any]], columns: Sequence[Column]) -> Batch:
    """The rows, column by column; each must hold one value per column."""
    batch, arrays = Batch(pa.table({})), []
    values: Sequence[Any]
    for column, values in zip(columns, zip(*rows, strict=True), strict=True):
        never = values.count(NEVER) if column.never_ends else 0
        if never:
            batch.never[column.name] = never
            values = [None if value == NEVER else value for value in values]
        array, places = _array(values, column)
        arrays.append(array)
        if places:
            batch.odd[column.name] = places
    batch.table = pa.table(arrays, names=[column.name for column in columns])
    return batch


def _array(values: Sequence[Any], column: Column) -> tuple[pa.Array, list[int]]:
    """The values, and the places of the odd ones; values of the plain types go the short way."""
    if not column.padded and {*map(type, values)} <= PLAIN.get(column.kind, set()):
        try:
            return pa.array(values, column.kind), []
        except (pa.ArrowException, OverflowError):
            pass
    cells, odd = [], []
    for place, value in enumerate(values):
        try:
            cells.append(None if value is None else cell(value, column))
        except (ValueError, OverflowError):
            cells.append(None)
            odd.append(place)
    return pa.array(cells, column.kind), odd


def cell(value: Any, column: Column) -> Any:
    """One value as its column's type has it; None where it says that there is none.

    Raises
    ------
    Odd
        The type cannot hold it.
    """
    kind = column.kind
    if pa.types.is_string(kind):
        return _text(value).rstrip(" ") if column.padded else _text(value)
    if isinstance(value, str) and (value.strip().upper() in MISSING or ZERO_DAY.fullmatch(value)):
        return None
    if pa.types.is_boolean(kind):
        return _flag(value)
    if pa.types.is_integer(kind):
        return _whole(value)
    if pa.types.is_floating(kind):
        return float(_plain(value))
    if pa.types.is_date(kind):
        return _day(value)
    if pa.types.is_timestamp(kind):
        return _moment(value, zoned=kind.tz is not None)
    return bytes(value)


def _text(value: Any) -> str:
    if isinstance(value, dict | list):
        return json.dumps(value, default=str)
    if isinstance(value, Decimal):
        return format(value, "f")
    return str(value)


def _flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if (text := str(value).strip().lower()) in FLAGS:
        return FLAGS[text]
    raise Odd(value)


def _whole(value: Any) -> int:
    if int(_plain(value)) != value:
        raise Odd(value)
    number = int(value)
    if not -(2**63) <= number < 2**63:
        raise Odd(value)
    return number


def _plain(value: Any) -> Any:
    if isinstance(value, int | float | Decimal):
        return value
    raise Odd(value)


def _day(value: Any) -> date:
    """The day of a date, or of a moment at midnight; a time of day would be lost."""
    if isinstance(value, str):
        value = _read(value)
    if isinstance(value, datetime):
        if value.time() != time() or value.tzinfo is not None:
            raise Odd(value)
        return value.date()
    if isinstance(value, date):
        return value
    raise Odd(value)


def _moment(value: Any, *, zoned: bool) -> datetime:
    if isinstance(value, str):
        value = _read(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time(), UTC if zoned else None)
    if not isinstance(value, datetime) or (value.tzinfo is not None) != zoned:
        raise Odd(value)
    return value


def _read(text: str) -> date | datetime:
    """The date or moment that an ISO text says."""
    stripped = text.strip()
    if not ISO_DAY.match(stripped):
        raise Odd(text)
    if len(stripped) == len("1997-01-31"):
        return date.fromisoformat(stripped)
    return datetime.fromisoformat(stripped)
