"""What the tables of a folder are, taken together: accounts, facts, how leaving shows.

Each question has its module in this room; here their answers become one reading. A guess is a
plain value with the reason for it, so that the draft can say why.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from features.drafting import ends
from features.drafting.ends import End
from features.drafting.tables import (
    account_table,
    facts,
    hops,
    left_out,
    links,
    mergers,
    snapshot_tables,
    spans,
)
from features.drafting.tables.account_table import AccountTable
from features.drafting.tables.facts import FactTable
from features.drafting.tables.hops import Way
from features.drafting.tables.left_out import LeftOut
from features.drafting.tables.links import Link
from features.drafting.tables.mergers import Merger
from features.drafting.tables.profiles import (
    KEY_WORDS,
    ColumnProfile,
    TableProfile,
)
from features.drafting.tables.spans import LastDay
from features.drafting.words import (
    ACCOUNT,
    BAD,
    FACTS,
    PERSON,
    RELATION,
    WORK,
    head,
    name_words,
    singular,
)
from features.engines.on_duckdb import Engine

SIDE_SHOW = BAD | WORK | RELATION


@dataclass(frozen=True)
class Reading:
    """The whole guess.

    `accounts` is none where accounts are derived from the first of `facts`; then `why` says why
    no table is the account table. `between` gives, by name, the tables by way of which other
    facts lead to accounts, `merger` the table of merged accounts. `ends` are all ways in which
    leaving may show, the likeliest first; `until` is the morning up to which the facts are
    complete, by the column `latest`. `unheard` are the ways that tables could have told which are
    left out.
    """

    accounts: AccountTable | None
    key: str
    why: str
    attributes: dict[str, str] = field(default_factory=dict)
    crosswalk: dict[str, str] = field(default_factory=dict)
    facts: tuple[FactTable, ...] = ()
    between: dict[str, TableProfile] = field(default_factory=dict)
    merger: Merger | None = None
    left_out: tuple[LeftOut, ...] = ()
    ends: tuple[End, ...] = ()
    until: LastDay | None = None
    latest: tuple[FactTable, ColumnProfile] | None = None
    unheard: tuple[tuple[End, LeftOut], ...] = ()

    @property
    def end(self) -> End | None:
        """The way in which leaving shows, where a table says it."""
        return next((end for end in self.ends if not end.against), None)

    @property
    def activity(self) -> FactTable | None:
        """The busiest facts that customers make themselves, if there are any."""
        taken = {self.end.facts.table.name} if self.end is not None else set()
        usable = [entry for entry in self.facts if entry.table.name not in taken]
        return busiest(usable)


def busiest(entries: list[FactTable]) -> FactTable | None:
    """The table of facts with most rows; one of use or orders before one of troubles or notes."""
    own = [entry for entry in entries if not is_side_show(entry)]
    return max(own or entries, key=lambda entry: entry.table.rows, default=None)


def is_side_show(entry: FactTable) -> bool:
    """Whether the facts are troubles, our own work or contracts rather than use and orders."""
    if entry.table.export is not None:
        return entry.table.export.kind not in ("usage", "invoices")
    return entry.is_contract or bool(name_words(entry.table.name) & SIDE_SHOW)


def read(engine: Engine, tables: list[TableProfile]) -> Reading | None:
    """A reading of the tables; None where no column can be the key of an account."""
    merger = mergers.find(tables)
    linked, missed = links.find(engine, tables, merger)
    found = account_table.find(tables, linked)
    reading = None
    why = "no table has one row per account, with a key that other tables name"
    if found is not None and found.since is not None:
        reading = _with_account_table(tables, linked, missed, found, merger)
        why = f"{found.table.path}: no other table names its {found.key} beside a time"
    elif found is not None:
        why = f"{found.table.path}: no column says when an account began"
    if reading is None or not (reading.facts or _own(reading)):
        reading = _derived(tables, linked, found, why) or reading
    return reading and _with_ends(engine, reading)


def _with_ends(engine: Engine, reading: Reading) -> Reading:
    """The reading with all ways in which leaving may show, and the day up to which it is told."""
    own = _own(reading)
    found = _latest(engine, reading, own)
    if found is None:
        return reading
    until, entry, column = found
    ways = ends.find(engine, reading.facts, own, until.until)
    read_all = replace(
        reading,
        ends=tuple(ways),
        until=until,
        latest=(entry, column),
        unheard=tuple(_unheard(reading.left_out)),
    )
    if own is None or read_all.end is None or read_all.end.facts is not own:
        return read_all
    return replace(read_all, facts=(own, *reading.facts))


def _unheard(without: Iterable[LeftOut]) -> Iterator[tuple[End, LeftOut]]:
    """How leaving may show in the tables that are left out, as far as names and types say it."""
    for each in without:
        for end in ends.candidates(each.facts) if each.facts is not None else ():
            if not end.against:
                yield end, each


def _latest(
    engine: Engine, reading: Reading, own: FactTable | None
) -> tuple[LastDay, FactTable, ColumnProfile] | None:
    """The last complete morning of the busiest facts, else of all times that are there."""
    moving = [entry for entry in reading.facts if not entry.is_contract]
    first = busiest(moving)
    if first is not None:
        places = [(first, first.known or first.event)]
    else:
        entries = [*reading.facts, *([own] if own is not None else [])]
        places = [(entry, column) for entry in entries for column in entry.passing]
    found = [
        (until, entry, column)
        for entry, column in places
        if (until := spans.complete_until(engine, entry.table.name, column)) is not None
    ]
    return max(found, key=lambda each: each[0].until, default=None)


def _own(reading: Reading) -> FactTable | None:
    """The account table read as facts: an account begins, and may end."""
    table = reading.accounts
    if table is None or table.since is None:
        return None
    return FactTable(table.table, table.key, table.table.column(table.since))


def _with_account_table(
    tables: list[TableProfile],
    linked: list[Link],
    missed: list[Link],
    found: AccountTable,
    merger: Merger | None,
) -> Reading:
    systems: dict[str, str] = {}
    entries: list[FactTable] = []
    apart = {found.table.name, *([merger.table.name] if merger is not None else [])}
    others = [table for table in tables if table.name not in apart]
    links_of = {other.name: _link(linked, other, found) for other in others}
    named = {
        name: Way(link.column, system_key=None if link.to_column == found.key else link.to_column)
        for name, link in links_of.items()
        if link is not None
    }
    ways = hops.ways(linked, named, tables)
    leading = {
        table.name: table.path
        for table in tables
        if table.name in {found.table.name, *named, *ways}
    }
    unused: dict[str, LeftOut] = {}
    for other in others:
        link = links_of[other.name]
        entry = _direct(other, link) or _on_a_way(other, ways)
        if entry is None:
            unused[other.name] = left_out.without_accounts(other, found, missed, leading)
        elif snapshot_tables.is_snapshot(other, entry.account):
            unused[other.name] = left_out.of_today(other)
        else:
            entries.append(_named_in_system(entry, link, found.key, systems))
    shown = account_table.attributes(found.table, {found.key, str(found.since), *systems})
    reading = Reading(found, found.key, found.why, shown, facts=tuple(entries), merger=merger)
    crosswalk = {system: column for column, system in systems.items()}
    between = _between(tables, entries)
    without = tuple(each for name, each in unused.items() if name not in between)
    return replace(reading, crosswalk=crosswalk, between=between, left_out=without)


def _direct(table: TableProfile, link: Link | None) -> FactTable | None:
    return facts.read(table, link.column) if link is not None else None


def _on_a_way(table: TableProfile, ways: dict[str, Way]) -> FactTable | None:
    """The table as facts whose key leads to accounts over other tables."""
    way = ways.get(table.name)
    entry = facts.read(table, way.column) if way is not None else None
    return replace(entry, hop=way.hop) if entry is not None and way is not None else None


def _between(tables: list[TableProfile], entries: list[FactTable]) -> dict[str, TableProfile]:
    used = {hop.source for entry in entries if entry.hop is not None for hop in entry.hop.along}
    return {table.name: table for table in tables if table.name in used}


def _link(linked: list[Link], other: TableProfile, found: AccountTable) -> Link | None:
    """How `other` names the accounts, by their own key rather than by another system's."""
    here = (other.name, found.table.name)
    matching = [link for link in linked if link.is_plain and (link.table, link.to_table) == here]
    return min(matching, key=lambda link: (link.to_column != found.key, link.column), default=None)


def _named_in_system(
    entry: FactTable, link: Link | None, key: str, systems: dict[str, str]
) -> FactTable:
    """The facts with the name of the system whose keys lead to accounts, if not their own do."""
    if entry.hop is not None:
        column = entry.hop.account_column
        return (
            entry
            if column is None
            else replace(entry, hop=hops.in_system(entry.hop, _system(column, systems)))
        )
    if link is None or link.to_column == key:
        return entry
    return replace(entry, system=_system(link.to_column, systems))


def _system(column: str, systems: dict[str, str]) -> str:
    if column not in systems:
        short = re.sub(r"_?(id|no|nr|number|key|code|org|uuid)$", "", column.lower()).strip("_")
        taken = set(systems.values())
        name = short if short and short not in taken else column.lower()
        systems[column] = re.sub(r"[^a-z0-9_]+", "_", name)
    return systems[column]


def _derived(
    tables: list[TableProfile], linked: list[Link], found: AccountTable | None, why: str
) -> Reading | None:
    """Accounts are the distinct keys of the busiest table of facts."""
    entries = _linked(tables, linked, found) if found is not None else []
    entries = entries or _named(tables)
    first = busiest(entries)
    if first is None:
        return None
    ordered = (first, *(entry for entry in entries if entry is not first))
    named = {
        entry.table.name: Way(entry.account) for entry in ordered if entry.account == first.account
    }
    ways = hops.ways(linked, named, tables)
    more = [
        entry
        for table in tables
        if table.name not in {other.table.name for other in ordered}
        if (entry := _on_a_way(table, ways)) is not None
    ]
    every = (*ordered, *more)
    used = {entry.table.name for entry in every}
    between = _between(tables, more)
    without = tuple(
        left_out.of_other_accounts(table)
        for table in tables
        if table.name not in used and table.name not in between
    )
    return Reading(None, first.account, why, facts=every, between=between, left_out=without)


def _linked(tables: list[TableProfile], linked: list[Link], found: AccountTable) -> list[FactTable]:
    """The tables whose values name the rows of the account table."""
    entries = []
    for table in tables:
        link = _link(linked, table, found)
        entry = facts.read(table, link.column) if link is not None else None
        entries += [entry] if entry is not None else []
    return entries


def _named(tables: list[TableProfile]) -> list[FactTable]:
    """The tables that share the column which looks most like an account's key, by its name."""
    by_name: dict[str, list[FactTable]] = defaultdict(list)
    for table in tables:
        for column in _repeating_keys(table):
            entry = facts.read(table, column.name)
            if entry is not None:
                by_name[column.name].append(entry)
    return max(
        by_name.values(),
        key=lambda entries: (
            _likeness(entries[0]),
            len(entries),
            max(entry.table.rows for entry in entries),
        ),
        default=[],
    )


def _repeating_keys(table: TableProfile) -> list[ColumnProfile]:
    """The columns that may name accounts: keys that repeat, and are not the table's own."""
    if (export := table.export) is not None:
        account = None if export.needs_link else export.account
        return [column for column in table.columns if column.name == account]
    own = head(table.name)
    return [
        column
        for column in table.keys
        if not column.is_unique and column.filled
        if own not in {singular(word) for word in column.words} or own in ACCOUNT | PERSON
        if column.words & (ACCOUNT | PERSON) or not column.words & FACTS
    ]


def _likeness(entry: FactTable) -> int:
    words = name_words(entry.account)
    return 3 * bool(words & ACCOUNT) or 2 * bool(words & PERSON) or bool(words & KEY_WORDS)
