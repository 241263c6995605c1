"""A table of facts about accounts: whose they are, when they happened, when they became known."""

from dataclasses import dataclass

from features import clock
from features.drafting.tables.hops import Hop
from features.drafting.tables.profiles import ColumnProfile, TableProfile
from features.drafting.words import (
    BIRTH,
    CANCELLED,
    CHANGED,
    ENDS_OF_OTHER_THINGS,
    KNOWN,
    LEFT,
    LOSS,
    OVER,
    STARTS,
    is_contract,
    name_words,
)
from features.engines.sql_text import quote

# What the account's key is called among the columns of `FactTable.rows`.
KEY = '"the account of the row"'
ENDS = LEFT | OVER | CANCELLED


@dataclass(frozen=True)
class FactTable:
    """A table of facts: its account column and its times.

    The column holds the key of `system`, if another's, or leads to the account by `hop`.
    """

    table: TableProfile
    account: str
    event: ColumnProfile
    system: str | None = None
    known: ColumnProfile | None = None
    hop: Hop | None = None

    @property
    def rows(self) -> str:
        """SQL for the rows, in which `key` is the account's key."""
        name, hop = quote(self.table.name), self.hop
        if hop is None:
            return f"(SELECT *, {quote(self.account)} AS {KEY} FROM {name})"
        event = clock.in_utc(f"facts.{quote(self.event.name)}", self.event.type, "UTC")
        joins, key = hop.joined(f"facts.{quote(self.account)}", event)
        return f"(SELECT facts.*, {key} AS {KEY} FROM {name} facts{joins})"

    @property
    def passing(self) -> tuple[ColumnProfile, ...]:
        """The columns of times that say how far the table reaches; of an export, none of plans."""
        export = self.table.export
        if export is None:
            return self.table.times
        ends = (export.event.ended, export.event.notice) if export.event else ()
        names = {export.event_column, export.known_column, *ends}
        return tuple(column for column in self.table.times if column.name in names)

    @property
    def is_contract(self) -> bool:
        """Whether its rows are contracts, as its recipe or its name says."""
        export = self.table.export
        return export.event is not None if export else is_contract(self.table.name)


def read(table: TableProfile, account: str) -> FactTable | None:
    """The table as facts of the accounts in column `account`; None without a column of times."""
    if (export := table.export) is not None and export.event_column is not None:
        known = export.known_column
        event = table.column(export.event_column)
        return FactTable(table, account, event, known=table.column(known) if known else None)
    known_times = [column for column in table.times if column.words & KNOWN]
    others = [column for column in table.times if column not in known_times]
    chosen = min(
        others or known_times,
        key=lambda column: (_doubt(table, column), column.filled < column.rows),
        default=None,
    )
    if chosen is None:
        return None
    recorded = next((column for column in known_times if column != chosen and column.filled), None)
    return FactTable(table, account, chosen, known=recorded)


def _doubt(table: TableProfile, column: ColumnProfile) -> int:
    """How little a column of times looks like the time of what the row tells; 0 is the best."""
    words = column.words
    if words & BIRTH:
        return 5
    if words & CHANGED:
        return 4
    is_end = bool(words & ENDS)
    if name_words(table.name) & LOSS:
        return 0 if is_end else 1
    if is_end or words & ENDS_OF_OTHER_THINGS.keys():
        return 3
    starts = is_contract(table.name) and bool(words & STARTS)
    return 1 if is_contract(table.name) and not starts else 0
