"""Which table has one row per account, by which key, and what else it tells of an account.

A key needs evidence: it is unique, other tables name it, and it is called like its table or like
an account. How many rows a table has is no evidence.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from features.drafting.tables.links import Link
from features.drafting.tables.profiles import ColumnProfile, TableProfile
from features.drafting.words import (
    ACCOUNT,
    ATTRIBUTES,
    BIRTH,
    CHANGED,
    ENDS_OF_OTHER_THINGS,
    FACTS,
    PERSON,
    SINCE,
    head,
    singular,
)

FEW = 12
OWN_KEY = frozenset({"id", "key"})


@dataclass(frozen=True)
class AccountTable:
    """The table, its key, the column of an account's first day, and why it is this table."""

    table: TableProfile
    key: str
    since: str | None
    why: str


def find(tables: list[TableProfile], links: list[Link]) -> AccountTable | None:
    """The account table, or None where no table shows enough evidence to be it."""
    candidates = [
        (table, key, len({link.table for link in links if _names(link, table, key)}))
        for table in tables
        for key in table.keys
        if key.is_unique
    ]
    possible = [each for each in candidates if _can_be(*each, tables)]
    if not possible:
        return None
    table, key, named = max(possible, key=lambda each: _evidence(*each))
    others = f"{named} other {'table names' if named == 1 else 'tables name'} it"
    return AccountTable(
        table,
        key.name,
        _since(table),
        f"{key.name} has a value of its own in each of {table.rows:,} rows; {others}",
    )


def _names(link: Link, table: TableProfile, key: ColumnProfile) -> bool:
    return (link.to_table, link.to_column) == (table.name, key.name)


def _can_be(
    table: TableProfile, key: ColumnProfile, named: int, tables: list[TableProfile]
) -> bool:
    """Whether there is evidence at all, and none that the rows are facts about accounts."""
    if (export := table.export) is not None:
        return export.key == key.name
    if head(table.name) in PERSON and _belongs_to_accounts(table, tables):
        return False
    if _is_of_accounts(table):
        return bool(named) or _is_own_key(table, key)
    if not named:
        return False
    return not (head(table.name) in FACTS and any(map(names_accounts, tables)))


def _is_of_accounts(table: TableProfile) -> bool:
    return head(table.name) in ACCOUNT | PERSON


def _belongs_to_accounts(people: TableProfile, tables: list[TableProfile]) -> bool:
    """Whether a table of people names accounts by a key that other tables name, too."""
    shared = {
        column.name for column in people.keys if column.words & ACCOUNT and not column.is_unique
    }
    return any(
        column.name in shared for table in tables if table is not people for column in table.keys
    )


def names_accounts(table: TableProfile) -> bool:
    """Whether a column repeats keys that are called like an account's."""
    return any(
        column.words & (ACCOUNT | PERSON) and not column.is_unique and column.filled
        for column in table.keys
    )


def _evidence(table: TableProfile, key: ColumnProfile, named: int) -> tuple[object, ...]:
    """What speaks for a table and its key, the strongest first."""
    noun = head(table.name)
    is_export = table.export is not None
    position = [each.name for each in table.columns].index(key.name)
    return (
        3 * is_export + 2 * (noun in ACCOUNT) + (noun in PERSON),
        bool(key.words & ACCOUNT) and not names_accounts(table),
        named,
        _is_own_key(table, key),
        bool(key.words & ACCOUNT),
        -position,
        table.name,
    )


def _is_own_key(table: TableProfile, key: ColumnProfile) -> bool:
    """Whether a unique column is called like its table, or just a key."""
    named = {singular(word) for word in key.words}
    return head(table.name) in named or key.words <= OWN_KEY


def _since(table: TableProfile) -> str | None:
    if table.export is not None:
        return table.export.attributes.since
    passed_over = BIRTH | CHANGED | ENDS_OF_OTHER_THINGS.keys()
    named = [
        column for column in table.times if column.words & SINCE and not column.words & passed_over
    ]
    full = [column for column in named if column.filled == column.rows]
    return next((column.name for column in full or named), None)


def attributes(table: TableProfile, taken: set[str]) -> dict[str, str]:
    """The columns that hold what every page wants to show; `taken` ones are not among them."""
    if table.export is not None:
        named = table.export.attributes.model_dump(exclude={"since"}, exclude_none=True)
        return {name: column for name, column in named.items() if table.column(column).filled}
    return dict(_attributes(table, taken))


def _attributes(table: TableProfile, taken: set[str]) -> Iterator[tuple[str, str]]:
    for attribute, (content, pattern) in ATTRIBUTES.items():
        for column in table.columns:
            snake = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", column.name).lower()
            free = column.name not in taken and column.filled > 0
            if free and re.fullmatch(pattern, snake) and _fits(column, content):
                yield attribute, column.name
                break


def _fits(column: ColumnProfile, content: str) -> bool:
    return {
        "text": column.type == "VARCHAR" or "INT" in column.type,
        "few": column.type == "VARCHAR" and 1 < column.distinct <= FEW,
        "number": column.is_number,
        "time": column.is_time,
    }[content]
