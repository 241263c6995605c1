"""Whether every table has rows, and every declared column is there and holds what it should.

`named_columns` lists each column that the declaration names, with the key that names it; a new key
that names a column is one line there.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from features import clock
from features.declaring.company import Company, Source
from features.declaring.spelling import did_you_mean
from features.engines.sql_text import quote
from features.engines.sql_types import NULL, is_number, type_in_words
from features.errors import Finding
from features.structure.readable import ReadableTables, with_read_errors

Content = Literal["any", "key", "day", "time", "number"]

KEY_TYPES = frozenset({"VARCHAR", "UUID"})


@dataclass(frozen=True)
class NamedColumn:
    """A column that the declaration names: the naming key, and what the column should hold.

    A `"time"` needs a zone unless it carries one, a `"day"` does not.
    """

    source: str
    column: str
    key: str
    content: Content = "any"
    zone: str | None = None
    zone_key: str = ""


def named_columns(company: Company) -> Iterator[NamedColumn]:
    """Every column that the declaration names outside of SQL expressions."""
    yield from _of_accounts(company)
    for name, source in company.sources.items():
        yield from _of_source(name, source)
    for name, target in company.targets.items():
        if target.event and target.event.ended:
            source = company.sources[target.event.source]
            zone = source.event_time.zone if source.event_time else None
            yield NamedColumn(
                target.event.source,
                target.event.ended,
                f"targets.{name}.event.ended",
                "time",
                zone,
                f"sources.{target.event.source}.event_time",
            )
        if target.event and target.event.ended_known and target.event.ended_known.column:
            known, key = target.event.ended_known, f"targets.{name}.event.ended_known"
            yield NamedColumn(target.source, str(known.column), key, "time", known.zone, key)


def _of_accounts(company: Company) -> Iterator[NamedColumn]:
    accounts = company.accounts
    yield NamedColumn(accounts.source, accounts.key, "accounts.key", "key")
    contents: dict[str, Content] = {"since": "day", "renewal": "day", "mrr": "number"}
    for attribute, column in accounts.attributes:
        if column is not None:
            key = f"accounts.attributes.{attribute}"
            yield NamedColumn(accounts.source, column, key, contents.get(attribute, "any"))
    for system, column in accounts.crosswalk.items():
        yield NamedColumn(accounts.source, column, f"accounts.crosswalk.{system}", "key")


def _of_source(name: str, source: Source) -> Iterator[NamedColumn]:
    if source.account:
        yield NamedColumn(name, source.account.column, f"sources.{name}.account", "key")
    if source.event_time:
        key = f"sources.{name}.event_time"
        yield NamedColumn(name, source.event_time.column, key, "time", source.event_time.zone, key)
    if source.known_time and source.known_time.column:
        key = f"sources.{name}.known_time"
        yield NamedColumn(name, source.known_time.column, key, "time", source.known_time.zone, key)


def breaches(ground: ReadableTables) -> Iterator[Finding]:
    """Empty tables, and columns that are missing or hold something else than declared."""
    empty: set[str] = set()
    for source in ground.tables.columns:
        found = list(with_read_errors(source, ground.file(source), _empty(ground, source)))
        empty |= {item.table for item in found}
        yield from found
    for item in named_columns(ground.company):
        if item.source in ground.tables.columns:
            yield from _breach(ground, item, is_empty=item.source in empty)


def _empty(ground: ReadableTables, source: str) -> Iterator[Finding]:
    if not ground.row(f"SELECT EXISTS (SELECT 1 FROM {quote(source)}) AS some")["some"]:
        yield Finding(
            "empty_table",
            "sources",
            "error",
            source,
            None,
            0,
            f"{ground.file(source)} has no rows",
            f"export it again, or remove [sources.{source}] and what uses it",
        )


def _breach(ground: ReadableTables, item: NamedColumn, *, is_empty: bool) -> Iterator[Finding]:
    there = ground.tables.columns[item.source]
    if item.column not in there:
        detail = f"{ground.file(item.source)} has no column {item.column!r}, which {item.key} names"
        yield _error("missing_column", item, detail, did_you_mean(item.column, there))
    elif not is_empty:
        yield from _wrong_content(ground, item, there[item.column])
    if item.zone is not None and not clock.zone_exists(item.zone):
        detail = f"{item.zone_key}.zone: {item.zone!r} is no time zone"
        yield _error("unknown_zone", item, detail, 'write an IANA name, such as "Europe/Berlin"')


def _wrong_content(ground: ReadableTables, item: NamedColumn, type_: str) -> Iterator[Finding]:
    where = f"{ground.file(item.source)}, column {item.column!r} ({item.key})"
    if item.content == "key" and not (is_number(type_) or type_ in KEY_TYPES):
        mend = "write keys as text or whole numbers, or name another column"
        yield _error("not_a_key", item, f"{where} holds {type_in_words(type_)}, not keys", mend)
    if item.content == "number" and not is_number(type_):
        mend = "write plain numbers there, or name another column"
        yield _error(
            "not_a_number", item, f"{where} holds {type_in_words(type_)}, not numbers", mend
        )
    if item.content in ("day", "time") and type_ != NULL:
        zone = item.zone if item.content == "time" else "UTC"
        yield from _wrong_time(item, where, type_, zone)


def _wrong_time(item: NamedColumn, where: str, type_: str, zone: str | None) -> Iterator[Finding]:
    try:
        clock.in_utc("x", type_, zone)
    except clock.NoTime:
        detail = f"{where} holds {type_in_words(type_)}, not dates or timestamps"
        mend = "write every value as 2026-06-30 or 2026-06-30T08:15:00Z, or name another column"
        yield _error("not_a_time", item, detail, mend)
    except clock.NoZone:
        column = item.column if item.zone_key == item.key else "…"
        detail = f"{where} holds timestamps without a zone, and none is declared"
        mend = f'{item.zone_key} = {{ column = "{column}", zone = "Europe/Berlin" }}'
        yield _error("naive_time", item, detail, mend)


def _error(name: str, item: NamedColumn, detail: str, mend: str) -> Finding:
    return Finding(name, "sources", "error", item.source, item.column, None, detail, mend)
