"""Whether every table has rows, and every declared column is there and holds what it should."""

from collections.abc import Iterator
from dataclasses import replace

from features import clock
from features.declaring.named_columns import NamedColumn, named_columns
from features.declaring.spelling import did_you_mean
from features.engines.sql_text import quote
from features.engines.sql_types import NULL, is_number, type_in_words
from features.errors import Finding
from features.structure.readable import ReadableTables, with_read_errors

KEY_TYPES = frozenset({"VARCHAR", "UUID"})


def breaches(readable: ReadableTables) -> Iterator[Finding]:
    """Empty tables, and columns that are missing or hold something else than declared."""
    empty: set[str] = set()
    for source in readable.tables.columns:
        findings = list(with_read_errors(source, readable.file(source), _empty(readable, source)))
        empty |= {named.table for named in findings}
        yield from findings
    for named in named_columns(readable.company):
        if named.source in readable.tables.columns:
            yield from _breach(readable, named, is_empty=named.source in empty)


def _empty(readable: ReadableTables, source: str) -> Iterator[Finding]:
    if not readable.row(f"SELECT EXISTS (SELECT 1 FROM {quote(source)}) AS some")["some"]:
        where = readable.company.sources[source].where
        kept = f" that sources.{source}.where keeps" if where else ""
        yield Finding(
            "empty_table",
            "sources",
            "error",
            source,
            None,
            0,
            f"{readable.file(source)} has no rows{kept}",
            f"export it again, or remove [sources.{source}] and what uses it",
        )


def _breach(readable: ReadableTables, named: NamedColumn, *, is_empty: bool) -> Iterator[Finding]:
    columns = readable.tables.columns[named.source]
    if named.column not in columns:
        detail = (
            f"{readable.file(named.source)} has no column {named.column!r}, which {named.key} names"
        )
        yield _error("missing_column", named, detail, did_you_mean(named.column, columns))
    elif not is_empty:
        yield from _wrong_content(readable, named, columns[named.column])
    if named.zone is not None and not clock.zone_exists(named.zone):
        detail = f"{named.zone_key}.zone: {named.zone!r} is not a time zone"
        yield _error("unknown_zone", named, detail, 'write an IANA name, such as "Europe/Berlin"')


def _wrong_content(readable: ReadableTables, named: NamedColumn, type_: str) -> Iterator[Finding]:
    where = f"{readable.file(named.source)}, column {named.column!r} ({named.key})"
    if named.content == "key" and not (is_number(type_) or type_ in KEY_TYPES):
        fix = "write keys as text or whole numbers, or name another column"
        yield _error("not_a_key", named, f"{where} holds {type_in_words(type_)}, not keys", fix)
    if named.content == "number" and not is_number(type_):
        fix = "write plain numbers there, or name another column"
        yield _error(
            "not_a_number", named, f"{where} holds {type_in_words(type_)}, not numbers", fix
        )
    if named.content in ("day", "time") and type_ != NULL:
        zone = named.zone if named.content == "time" else "UTC"
        unread = list(_unread(readable, named, type_))
        yield from unread or _wrong_time(named, where, type_, zone)


def _unread(readable: ReadableTables, named: NamedColumn, type_: str) -> Iterator[Finding]:
    """Why the reader could not read the column as times, or not as declared."""
    is_time = type_ == "DATE" or type_.startswith("TIMESTAMP")
    for note in readable.tables.notes.get(named.source, ()):
        if note.column == named.column and (note.state == "error" or not is_time):
            found = note.finding(named.source, readable.file(named.source))
            yield replace(found, state="error")


def _wrong_time(named: NamedColumn, where: str, type_: str, zone: str | None) -> Iterator[Finding]:
    try:
        clock.in_utc("x", type_, zone)
    except clock.NoTime:
        detail = f"{where} holds {type_in_words(type_)}, not dates or timestamps"
        fix = "write every value as 2026-06-30 or 2026-06-30T08:15:00Z, or name another column"
        if is_number(type_) and named.content == "time":
            counts = f'{named.key} = {{ column = "{named.column}", epoch = "seconds" }}'
            fix += f"; if it counts since 1970, say so: {counts}"
        yield _error("not_a_time", named, detail, fix)
    except clock.NoZone:
        column = named.column if named.zone_key == named.key else "…"
        detail = f"{where} holds timestamps without a zone, and none is declared"
        fix = f'{named.zone_key} = {{ column = "{column}", zone = "Europe/Berlin" }}'
        yield _error("naive_time", named, detail, fix)


def _error(name: str, named: NamedColumn, detail: str, fix: str) -> Finding:
    return Finding(name, "sources", "error", named.source, named.column, None, detail, fix)
