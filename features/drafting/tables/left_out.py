"""Tables that the draft does not read, with the reason, and what they would have been read as."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from features.drafting.tables import facts, snapshot_tables
from features.drafting.tables.account_table import AccountTable
from features.drafting.tables.facts import FactTable
from features.drafting.tables.links import SHARED, Link
from features.drafting.tables.profiles import TableProfile
from features.drafting.words import ACCOUNT, PERSON


@dataclass(frozen=True)
class LeftOut:
    """A table that is left out, and why; `facts` is what it would be if its keys were known.

    `facts` is none where the table has no times, or is the state of today.
    """

    table: TableProfile
    why: str
    facts: FactTable | None = None

    @property
    def told(self) -> str:
        """The table and the reason."""
        return f"{self.table.path}: {self.why}"


def of_today(table: TableProfile) -> LeftOut:
    """A table with one row per account, in the state of today."""
    return LeftOut(table, snapshot_tables.told(table))


def without_accounts(
    table: TableProfile, found: AccountTable, missed: Collection[Link], leading: Mapping[str, str]
) -> LeftOut:
    """A table whose keys are not those of the accounts, nor of the tables that lead to these.

    `missed` are the columns that share too few keys with another table, `leading` the paths, by
    name, of the account table and of those on a way to it.
    """
    if not table.times:
        return LeftOut(table, "no column holds dates or timestamps")
    near = [link for link in missed if link.table == table.name and link.to_table in leading]
    close = max((link for link in near if _tells(table, link)), key=_closeness, default=None)
    if close is None:
        return LeftOut(table, f"no column holds keys of {found.table.path}", _as_facts(table))
    are = "is" if close.known == 1 else "are"
    why = (
        f"only {close.known:,} of the {close.keys:,} different keys in {close.column} {are} in "
        f"{leading[close.to_table]}, {close.to_column}; {SHARED:.0%} must be"
    )
    return LeftOut(table, why, _as_facts(table))


def of_other_accounts(table: TableProfile) -> LeftOut:
    """A table that does not have the column by which accounts are derived."""
    return LeftOut(table, "no key of the same accounts beside a time", _as_facts(table))


def _as_facts(table: TableProfile) -> FactTable | None:
    """The table as facts; of whom does not matter for what it could have told."""
    return facts.read(table, (table.keys or table.columns)[0].name)


def _tells(table: TableProfile, link: Link) -> bool:
    """Whether keys are shared, or should be by the column's name or by the export's recipe."""
    if link.known or (table.export is not None and table.export.account == link.column):
        return True
    return bool(table.column(link.column).words & (ACCOUNT | PERSON))


def _closeness(link: Link) -> tuple[object, ...]:
    return (link.known / link.keys, link.is_plain, link.column, link.to_column)
