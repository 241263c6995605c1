"""Guesses about the tables of a folder: the accounts, the facts, their times and keys.

A guess is a plain value with the reason for it, so that the draft can say why. Column names
speak English; a new word is one entry in `ROLE_WORDS`.
"""

import re
from collections import Counter
from dataclasses import dataclass, field

from features.drafting.profiles import KEY_WORDS, ColumnProfile, Link, TableProfile, name_words

ROLE_WORDS: dict[str, frozenset[str]] = {
    role: frozenset(text.split())
    for role, text in {
        "account": "account accounts customer customers client clients company companies org "
        "organisation organization tenant tenants workspace member subscriber user users",
        "known": "ingested recorded loaded synced inserted received landed imported",
        "changed": "updated modified",
        "end": "ended end ends cancelled canceled cancel closed expires expired expiry renewal "
        "due until terminated churned deleted left to finish finished",
        "ended": "ended end ends cancelled canceled terminated churned expired closed",
        "since": "created since signup signed joined registered onboarded start started first "
        "opened",
        "term": "subscription subscriptions contract contracts licence licences license licenses "
        "membership memberships plan plans policy policies",
        "bad": "ticket tickets complaint complaints incident incidents error errors outage "
        "outages reminder reminders refund refunds return returns escalation escalations",
        "work": "action actions task tasks note notes resolution resolutions",
        "relation": "survey surveys nps csat contact contacts email emails call calls meeting "
        "meetings",
        "business": "order orders invoice invoices payment payments sale sales purchase "
        "purchases transaction transactions line lines",
        "amount": "amount total revenue sales dollars spend value mrr fee paid price",
        "quantity": "quantity qty units items minutes hours sessions events logins visits",
        "rating": "score rating nps csat ces stars satisfaction",
    }.items()
}
ATTRIBUTES: dict[str, tuple[str, str]] = {
    "name": ("text", r"(account_?|customer_?|company_?|client_?|org_?)?name|company"),
    "segment": ("few", r"segment|plan(_?(tier|name))?|tier|industry|customer_type|edition"),
    "owner": ("text", r"owner|csm|account_?manager|account_?owner|success_?manager"),
    "parent": ("text", r"parent(_?(id|account|account_?id))?"),
    "mrr": ("number", r"mrr|monthly_?(recurring_?)?(revenue|fee)"),
    "renewal": ("time", r"renewal(_?(date|on|at|day))?|renews(_?(on|at))?|contract_?end.*"),
}
FEW = 12
ACCOUNT_KEY = frozenset({"account", "customer"})


@dataclass(frozen=True)
class FactTable:
    """A table of facts: its account column (of `system`, if another's key) and its times."""

    table: TableProfile
    account: str
    event: ColumnProfile
    system: str | None = None
    known: ColumnProfile | None = None
    ended: ColumnProfile | None = None


@dataclass(frozen=True)
class Reading:
    """The whole guess. `accounts` is none where accounts are derived from the first of `facts`."""

    accounts: TableProfile | None
    key: str
    since: str | None
    attributes: dict[str, str] = field(default_factory=dict)
    crosswalk: dict[str, str] = field(default_factory=dict)
    facts: tuple[FactTable, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def term(self) -> FactTable | None:
        """The facts that say when a contract ended, if any do."""
        ending = [facts for facts in self.facts if facts.ended is not None]
        named = [facts for facts in ending if name_words(facts.table.name) & ROLE_WORDS["term"]]
        return next(iter(named or ending), None)

    @property
    def activity(self) -> FactTable:
        """The busiest facts that customers make themselves."""
        by_customers = [facts for facts in self.facts if not is_side_show(facts)]
        return max(by_customers or self.facts, key=lambda facts: facts.table.rows)


def is_side_show(facts: FactTable) -> bool:
    """Whether the facts are troubles, our own work or contracts rather than use and orders."""
    other = ROLE_WORDS["bad"] | ROLE_WORDS["work"] | ROLE_WORDS["term"] | ROLE_WORDS["relation"]
    return bool(name_words(facts.table.name) & other)


def read(profiles: list[TableProfile], links: list[Link]) -> Reading | None:
    """A reading of the tables; None where no column can be the key of an account."""
    account_table = _account_table(profiles, links)
    if account_table is not None:
        table, key = account_table
        since = _since(table)
        if since is not None:
            return _with_account_table(profiles, links, table, key, since)
    return _derived(profiles, links, account_table)


def _account_table(
    profiles: list[TableProfile], links: list[Link]
) -> tuple[TableProfile, str] | None:
    """The unique key that most other tables share; names, then places decide between equals."""
    named_by: Counter[tuple[str, str]] = Counter()
    for table, to_table, to_column in {(i.table, i.to_table, i.to_column) for i in links}:
        named_by[to_table, to_column] += table != to_table
    by_name = {profile.name: profile for profile in profiles}
    if not named_by:
        return None
    table_name, column = max(
        sorted(named_by),
        key=lambda place: (
            bool(name_words(place[0]) & ROLE_WORDS["account"]),
            named_by[place],
            *_own_key(by_name[place[0]], place[1]),
        ),
    )
    return by_name[table_name], column


def _own_key(table: TableProfile, column: str) -> tuple[bool, bool, int]:
    """How much a unique column looks like the table's own key: by name, then by its place."""
    table_words = {word.removesuffix("s") for word in name_words(table.name)}
    named = {word.removesuffix("s") for word in name_words(column)}
    position = [each.name for each in table.columns].index(column)
    return bool(named & table_words), bool(named & ACCOUNT_KEY), -position


def _since(table: TableProfile) -> str | None:
    named = [column for column in table.times if column.words & ROLE_WORDS["since"]]
    full = [column for column in named if column.filled == column.rows]
    return next((column.name for column in full or named), None)


def _with_account_table(
    profiles: list[TableProfile], links: list[Link], table: TableProfile, key: str, since: str
) -> Reading:
    systems: dict[str, str] = {}
    facts: list[FactTable] = []
    left_out: list[str] = []
    for other in profiles:
        link = _link(links, other, table, key)
        if other.name == table.name:
            read_facts = _own_end(table, key, since)
        elif link is None:
            left_out.append(f"{other.path}: no column holds keys of {table.path}")
            continue
        else:
            read_facts = _facts(other, link.column)
            if read_facts is None:
                left_out.append(f"{other.path}: no column holds dates or timestamps")
        if read_facts is not None and link is not None and link.to_column != key:
            read_facts = _in_system(read_facts, link.to_column, systems)
        facts += [read_facts] if read_facts is not None else []
    crosswalk = {system: column for column, system in systems.items()}
    attributes = _attributes(table, {key, since, *systems})
    return Reading(table, key, since, attributes, crosswalk, tuple(facts), tuple(left_out))


def _link(links: list[Link], other: TableProfile, table: TableProfile, key: str) -> Link | None:
    """How `other` names the accounts, by their own key rather than by another system's."""
    matching = [link for link in links if (link.table, link.to_table) == (other.name, table.name)]
    return min(matching, key=lambda link: (link.to_column != key, link.column), default=None)


def _in_system(facts: FactTable, column: str, systems: dict[str, str]) -> FactTable:
    if column not in systems:
        short = re.sub(r"_?(id|no|nr|number|key|code|org|uuid)$", "", column.lower()).strip("_")
        taken = set(systems.values())
        name = short if short and short not in taken else column.lower()
        systems[column] = re.sub(r"[^a-z0-9_]+", "_", name)
    return FactTable(
        facts.table, facts.account, facts.event, systems[column], facts.known, facts.ended
    )


def _own_end(table: TableProfile, key: str, since: str) -> FactTable | None:
    """The account table itself says who left, where it has a column for that."""
    ended = _ended(table)
    return FactTable(table, key, table.column(since), ended=ended) if ended else None


def _facts(table: TableProfile, account: str) -> FactTable | None:
    known_times = [column for column in table.times if column.words & ROLE_WORDS["known"]]
    changed = [column for column in table.times if column.words & ROLE_WORDS["changed"]]
    ends = [column for column in table.times if column.words & ROLE_WORDS["end"]]
    plain = [column for column in table.times if column not in (*known_times, *changed, *ends)]
    ordered = sorted(
        plain or ends or changed or known_times, key=lambda column: column.filled < column.rows
    )
    chosen = next(iter(ordered), None)
    if chosen is None:
        return None
    recorded = next((column for column in known_times if column != chosen and column.filled), None)
    return FactTable(table, account, chosen, known=recorded, ended=_ended(table, chosen))


def _ended(table: TableProfile, event: ColumnProfile | None = None) -> ColumnProfile | None:
    """A column of ends in which some are still open: what runs has no end yet."""
    open_ends = [
        column
        for column in table.times
        if column.words & ROLE_WORDS["ended"] and not column.words & ROLE_WORDS["known"]
        if column.filled < column.rows and column != event
    ]
    return next(iter(open_ends), None)


def _attributes(table: TableProfile, taken: set[str]) -> dict[str, str]:
    attributes: dict[str, str] = {}
    for attribute, (content, pattern) in ATTRIBUTES.items():
        for column in table.columns:
            snake = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", column.name).lower()
            free = column.name not in taken and column.filled > 0
            if free and re.fullmatch(pattern, snake) and _fits(column, content):
                attributes.setdefault(attribute, column.name)
    return attributes


def _fits(column: ColumnProfile, content: str) -> bool:
    return {
        "text": column.type == "VARCHAR" or "INT" in column.type,
        "few": column.type == "VARCHAR" and 1 < column.distinct <= FEW,
        "number": column.is_number,
        "time": column.is_time,
    }[content]


def _derived(
    profiles: list[TableProfile], links: list[Link], account_table: tuple[TableProfile, str] | None
) -> Reading | None:
    """Accounts are the distinct keys of the busiest table of facts."""
    facts = [
        facts_read
        for table in profiles
        if (facts_read := _linked(table, links, account_table)) is not None
    ]
    for key_words in (ROLE_WORDS["account"], KEY_WORDS):
        facts = facts or [
            facts_read for table in profiles if (facts_read := _named(table, key_words))
        ]
    if not facts:
        return None
    busiest = max(facts, key=lambda facts_read: facts_read.table.rows)
    same = [
        facts_read
        for facts_read in facts
        if facts_read.account == busiest.account or facts_read == busiest
    ]
    used = {facts_read.table.name for facts_read in same}
    left_out = tuple(
        f"{table.path}: no key of the same accounts beside a time"
        for table in profiles
        if table.name not in used
    )
    ordered = (busiest, *(facts_read for facts_read in same if facts_read != busiest))
    return Reading(None, busiest.account, None, facts=ordered, left_out=left_out)


def _linked(
    table: TableProfile, links: list[Link], account_table: tuple[TableProfile, str] | None
) -> FactTable | None:
    """The table as facts, where its values name the rows of the account table."""
    account = next(
        (
            link.column
            for link in links
            if account_table and link.table == table.name and link.to_table == account_table[0].name
        ),
        None,
    )
    return _facts(table, account) if account is not None else None


def _named(table: TableProfile, key_words: frozenset[str]) -> FactTable | None:
    """The table as facts, where a column that repeats its keys is called like one."""
    repeating = [column for column in table.keys if not column.is_unique and column.filled]
    account = next((column.name for column in repeating if column.words & key_words), None)
    return _facts(table, account) if account is not None else None
