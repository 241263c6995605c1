"""Which Arrow type each column of a database table becomes.

A server holds what it declares. SQLite holds anything anywhere, so there the values decide: a
column of dates that holds whole numbers becomes a column of numbers.
"""

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from features.engines.sql_text import quote
from features.reading.column_roles import ColumnRoles
from features.reading.databases.cells import Column

if TYPE_CHECKING:
    import sqlalchemy as sa

NAIVE, ZONED = pa.timestamp("us"), pa.timestamp("us", tz="UTC")
DAY_PATTERN = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]"
ZONES = ("Z", "[+-][0-9][0-9]:[0-9][0-9]")
MIDNIGHT = "[ T]00:00*"
# What is counted of each column of SQLite.
COUNTS = {
    "values": "{0} <> ''",
    "whole": "typeof({0}) = 'integer'",
    "decimal": "typeof({0}) = 'real'",
    "day": f"{{0}} GLOB '{DAY_PATTERN}' OR {{0}} GLOB '{DAY_PATTERN}{MIDNIGHT}'",
    "moment": f"{{0}} GLOB '{DAY_PATTERN}*'",
    "zoned": " OR ".join(f"{{0}} GLOB '{DAY_PATTERN}*{zone}'" for zone in ZONES),
}


def columns_of(
    connection: "sa.Connection", table: "sa.Table", roles: ColumnRoles
) -> tuple[Column, ...]:
    """The table's columns with their types; keys stay text, or whole numbers."""
    held = _held(connection, table) if connection.dialect.name == "sqlite" else {}
    return tuple(_column(column, roles, held.get(column.name)) for column in table.columns)


def _column(column: "sa.Column[Any]", roles: ColumnRoles, held: dict[str, int] | None) -> Column:
    import sqlalchemy as sa

    declared = _base(column.type)
    kind = _kind(declared)
    if held is not None:
        kind = _of_sqlite(kind, isinstance(declared, sa.String), held)
    if column.name in roles.keys and pa.types.is_floating(kind) and _is_exact(declared):
        kind = pa.string()
    padded = isinstance(declared, sa.CHAR) and held is None
    return Column(column.name, kind, padded, column.name in roles.ends)


def _base(kind: Any) -> Any:
    """The type behind a domain of PostgreSQL."""
    from sqlalchemy.dialects.postgresql import DOMAIN

    while isinstance(kind, DOMAIN):
        kind = kind.data_type
    return kind


def _is_exact(kind: Any) -> bool:
    """Whether it is a decimal number, of whose digits none may be lost in a key."""
    import sqlalchemy as sa

    return isinstance(kind, sa.Numeric) and not isinstance(kind, sa.Float)


def _kind(kind: Any) -> pa.DataType:
    """The Arrow type of a declared type; text where there is no other."""
    import sqlalchemy as sa

    plain: list[tuple[type, pa.DataType]] = [
        (sa.Boolean, pa.bool_()),
        (sa.Integer, pa.int64()),
        (sa.Numeric, pa.float64()),
        (sa.Float, pa.float64()),
        (sa.Date, pa.date32()),
        (sa.LargeBinary, pa.binary()),
    ]
    if isinstance(kind, sa.DateTime):
        return ZONED if kind.timezone else NAIVE
    return next((arrow for sql, arrow in plain if isinstance(kind, sql)), pa.string())


def _held(connection: "sa.Connection", table: "sa.Table") -> dict[str, dict[str, int]]:
    """What each column of an SQLite table holds, counted."""
    counts = ", ".join(
        f"sum({condition.format(quote(column.name))})"
        for column in table.columns
        for condition in COUNTS.values()
    )
    row = connection.exec_driver_sql(f"SELECT {counts} FROM {quote(table.name)}").one()
    sums = iter([number or 0 for number in row])
    return {column.name: {kind: next(sums) for kind in COUNTS} for column in table.columns}


def _of_sqlite(kind: pa.DataType, is_text: bool, held: dict[str, int]) -> pa.DataType:
    """The type that most values of an SQLite column have; `is_text` by its declaration."""
    numbers = held["whole"] + held["decimal"]
    if is_text or pa.types.is_boolean(kind) or pa.types.is_binary(kind) or not held["values"]:
        return kind
    if 2 * numbers > held["values"]:
        return pa.float64() if held["decimal"] else pa.int64()
    if not pa.types.is_temporal(kind) or 2 * held["moment"] <= held["values"]:
        return pa.string()
    if 2 * held["day"] >= held["moment"] and pa.types.is_date(kind):
        return pa.date32()
    return ZONED if 2 * held["zoned"] > held["moment"] else NAIVE
