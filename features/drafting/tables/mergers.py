"""Tables of merged accounts: an old key, the key that it became, and the day."""

from collections.abc import Iterable
from dataclasses import dataclass

from features.drafting.tables.profiles import ColumnProfile, TableProfile
from features.drafting.words import ACCOUNT, KNOWN, MERGED, NEW, OLD, head, name_words


@dataclass(frozen=True)
class Merger:
    """A table of mergers: its columns of old and new keys, and of the day of each."""

    table: TableProfile
    old: str
    new: str
    day: ColumnProfile


def find(tables: Iterable[TableProfile]) -> Merger | None:
    """The table of mergers, if there is one."""
    for table in tables:
        old = [column for column in table.keys if column.words & OLD and not column.words & NEW]
        new = [column for column in table.keys if column.words & NEW]
        days = sorted(table.times, key=lambda column: not column.words & KNOWN)
        is_of_mergers = name_words(table.name) & MERGED and head(table.name) not in ACCOUNT
        if is_of_mergers and old and new and days:
            return Merger(table, old[0].name, new[0].name, days[0])
    return None
