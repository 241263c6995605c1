"""Ids of which one thing may have two: `1.0` beside `1`, and those that are kept as bytes."""

from collections.abc import Sequence

from features.engines.sql_text import literal, quote
from features.reading.columns import ROW, Rows
from features.reading.notes import Note

UUID_BYTES = 16
# Where the dashes of a UUID stand: its parts, as first digit and length.
UUID_PARTS = ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))
# Bytes that are text all the same, as some programs write it.
PRINTABLE = "^([2-6][0-9A-F]|7[0-9A-E])*$"


def as_uuid(column: str) -> str:
    """SQL: 16 bytes as the text of a UUID."""
    digits = f"lower(hex({column}))"
    return " || '-' || ".join(f"substr({digits}, {at}, {n})" for at, n in UUID_PARTS)


def are_uuids(rows: Rows, columns: Sequence[str]) -> list[str]:
    """The columns of bytes whose values are all of 16, and no text."""
    if not columns:
        return []
    checks = ", ".join(
        f"coalesce(bool_and(octet_length({quote(name)}) = {UUID_BYTES}), FALSE) AND "
        f"bool_or(NOT regexp_matches(hex({quote(name)}), {literal(PRINTABLE)}))"
        for name in columns
    )
    found = rows.engine.row(f"SELECT {checks} FROM {rows.scan}")
    return [name for name, are_such in zip(columns, found, strict=True) if are_such]


def doubles(rows: Rows, columns: Sequence[str]) -> list[Note]:
    """What is said of text columns that hold an id as `17.0` and as `17` too."""
    if not columns:
        return []
    counts = ", ".join(
        f"count_if(ends_with(CAST({quote(name)} AS VARCHAR), '.0'))" for name in columns
    )
    found = rows.engine.row(f"SELECT {counts} FROM {rows.scan}")
    suspects = [name for name, count in zip(columns, found, strict=True) if count]
    return [note for name in suspects for note in _double(rows, name)]


def _double(rows: Rows, column: str) -> list[Note]:
    text = quote(column)
    decimal = f"regexp_full_match({text}, '[+-]?[0-9]+\\.0')"
    keys = f"SELECT {text} AS k, count(*) AS n, min({ROW}) AS row FROM {rows.scan} GROUP BY 1"
    found = rows.asked(
        f"WITH keys AS ({keys}) SELECT count(*) AS keys, sum(d.n)::BIGINT AS n, "
        "arg_min(d.k, d.row) AS k, arg_min(d.n, d.row) AS of_first, min(d.row) AS row, "
        "arg_min(w.k, d.row) AS whole, arg_min(w.n, d.row) AS beside "
        f"FROM (SELECT * FROM keys WHERE {decimal.replace(text, 'k')}) d "
        "JOIN keys w ON w.k = substr(d.k, 1, length(d.k) - 2)"
    )[0]
    if not found["keys"]:
        return []
    detail = (
        f"{found['keys']:,} ids are written in two ways, such as {found['k']!r} "
        f"({found['of_first']:,}×, first in row {found['row'] + rows.first:,}) beside "
        f"{found['whole']!r} ({found['beside']:,}×): they count as different ids"
    )
    fix = "write them in one way; a program that took ids for numbers added the .0"
    return [Note("two_spellings", "warning", column, found["n"], detail, fix)]
