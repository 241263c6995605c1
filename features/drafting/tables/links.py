"""Which columns are made of the keys of another table: by their values, and by their names.

Text keys that agree are evidence enough. Whole numbers run from 1 in every table, so that equal
numbers prove nothing: there the column must be named after the table, or after its key.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from features.drafting.tables import validity
from features.drafting.tables.mergers import Merger
from features.drafting.tables.profiles import ColumnProfile, TableProfile
from features.drafting.tables.validity import Validity
from features.drafting.words import (
    ACCOUNT,
    FACTS,
    PERSON,
    head,
    singular,
)
from features.engines.on_duckdb import Engine
from features.engines.sql_text import quote

# People who belong to an account for a while; the word may also name a contract.
MEMBERSHIPS = frozenset(["membership"])
# Share of a column's keys that another column must know to be about the same things.
SHARED = 0.9
SAYS_NOTHING = frozenset("id key no nr num number code uuid guid".split())
WHOLE_NUMBER = "[0-9]{1,12}"


@dataclass(frozen=True)
class Link:
    """Column `column` of `table` names rows of `to_table` by their column `to_column`.

    That is unique, or was so at each time by the columns that `holds` names; then `is_plain` is
    false. Of its `keys` different keys, `known` are there.
    """

    table: str
    column: str
    to_table: str
    to_column: str
    known: int
    keys: int
    holds: Validity | None = None
    is_plain: bool = True

    @property
    def is_sure(self) -> bool:
        """Whether enough of the keys are known."""
        return self.known >= SHARED * self.keys


def find(
    engine: Engine, tables: list[TableProfile], merger: Merger | None = None
) -> tuple[list[Link], list[Link]]:
    """The links between the tables, and the pairs of columns that share too few keys for one.

    Keys that were merged away count as known.
    """
    keys = _Keys(engine, tables, merger)
    named = [(other, key, holds) for other in tables for key, holds in _naming(engine, other)]
    compared = [
        Link(table.name, column.name, other.name, key.name, *counts, holds, key.is_unique)
        for other, key, holds in named
        for table in tables
        if table.name != other.name
        for column in table.keys
        if merger is None or (table.name, column.name) != (merger.table.name, merger.old)
        if column.filled and (counts := keys.shared(table, column, other, key)) is not None
    ]
    return (
        [link for link in compared if link.is_sure],
        [link for link in compared if not link.is_sure],
    )


def _naming(engine: Engine, table: TableProfile) -> Iterator[tuple[ColumnProfile, Validity | None]]:
    """The columns of which each value names one row of the table, for good or at a time."""
    is_of_facts = table.export is not None or head(table.name) in FACTS - MEMBERSHIPS
    holds = None if is_of_facts else validity.of(table)
    said = holds if holds is not None and holds.is_said else None
    for key in table.keys:
        if key.is_unique:
            yield key, said
        elif holds is not None and key.filled and validity.tells_apart(engine, table, key, holds):
            yield key, holds


class _Keys:
    """The distinct keys of each column, read once each."""

    def __init__(self, engine: Engine, tables: list[TableProfile], merger: Merger | None) -> None:
        self._engine = engine
        self._merged = "SELECT NULL WHERE FALSE"
        if merger is not None:
            old, table = quote(merger.old), quote(merger.table.name)
            self._merged = f"SELECT CAST({old} AS VARCHAR) FROM {table}"
        self._numbers: dict[tuple[str, str], bool] = {}
        self._of_people = [table.name for table in tables if head(table.name) in ACCOUNT | PERSON]

    def shared(
        self, table: TableProfile, column: ColumnProfile, other: TableProfile, key: ColumnProfile
    ) -> tuple[int, int] | None:
        """How many keys of `column` are keys of `other`, and how many there are.

        None where equal keys would be no evidence.
        """
        are_numbers = [self._are_numbers(table, column), self._are_numbers(other, key)]
        if all(are_numbers) and not (
            _are_of_one_vendor(table, column, other, key)
            or self._is_named_after(column, other, key)
        ):
            return None
        mine, theirs = _kept(table, column), _kept(other, key)
        known, keys = self._engine.row(
            f"SELECT count_if(k IN (SELECT k FROM {quote(theirs)} UNION ALL {self._merged})), "
            f"count(*) FROM {quote(mine)}"
        )
        return int(known), int(keys)

    def _are_numbers(self, table: TableProfile, column: ColumnProfile) -> bool:
        place = table.name, column.name
        if place not in self._numbers:
            kept = _kept(table, column)
            self._engine.keep(
                kept,
                f"SELECT DISTINCT CAST({quote(column.name)} AS VARCHAR) AS k "
                f"FROM {quote(table.name)} WHERE {quote(column.name)} IS NOT NULL",
            )
            self._numbers[place] = self._engine.row(
                f"SELECT bool_and(regexp_full_match(k, '{WHOLE_NUMBER}')) FROM {quote(kept)}"
            )[0]
        return self._numbers[place]

    def _is_named_after(
        self, column: ColumnProfile, other: TableProfile, key: ColumnProfile
    ) -> bool:
        about = {*_telling(key.words), head(other.name)}
        if _telling(column.words) & about:
            return True
        is_only_one = self._of_people == [other.name]
        return is_only_one and bool(column.words & (ACCOUNT | PERSON))


def _are_of_one_vendor(
    table: TableProfile, column: ColumnProfile, people: TableProfile, key: ColumnProfile
) -> bool:
    """Whether an export names people by the keys of the same vendor's export of people."""
    if table.recipe is None or people.recipe is None or table.export is None:
        return False
    is_person = people.export is not None and people.export.person == key.name
    vendors = {recipe.partition(".")[0] for recipe in (table.recipe, people.recipe)}
    return is_person and len(vendors) == 1 and column.name == table.export.account


def _telling(words: frozenset[str]) -> set[str]:
    return {singular(word) for word in words - SAYS_NOTHING}


def _kept(table: TableProfile, column: ColumnProfile) -> str:
    return f"keys of {table.name}: {column.name}"
