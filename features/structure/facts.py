"""Whether the facts belong to known accounts and to a time that makes sense.

One pass over each source answers for all of `RULES`; a new rule on single facts is one entry.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from features.assembling import source_sql
from features.declaring.company import (
    AccountKey,
    Event,
    KnownTime,
    Source,
    TimeColumn,
)
from features.engines.sql_text import quote
from features.errors import Finding
from features.structure.readable import ReadableTables, with_read_errors


@dataclass(frozen=True)
class Rule:
    """A condition on a fact that must not hold, and what to say of the facts for which it does.

    `condition` is SQL over fact_key, event, known (null where not recorded), account (null where
    not known), since. A tolerable rule is an error when more than `tolerate` of the rows break
    it, or all of them; a fatal one always is; the others are warnings.
    """

    name: str
    column: Literal["account", "event", "known"]
    condition: str
    detail: str
    mend: str
    tolerable: bool = False
    fatal: bool = False


RULES = (
    Rule(
        "null_key",
        "account",
        "fact_key IS NULL",
        "facts without an account key are left out",
        "fill in the key or remove the rows",
        tolerable=True,
    ),
    Rule(
        "null_event_time",
        "event",
        "event IS NULL",
        "facts without an event time are left out",
        "fill in the time or remove the rows",
        tolerable=True,
    ),
    Rule(
        "placeholder_time",
        "event",
        "NOT (event >= DATE '1900-01-02' AND event < DATE '2100-01-01' "
        "AND coalesce(known < DATE '2100-01-01', TRUE))",
        "times before 1900 or after 2100, which stand for something else",
        "leave such times empty",
        fatal=True,
    ),
    Rule(
        "unknown_account",
        "account",
        "fact_key IS NOT NULL AND account IS NULL",
        "facts of accounts that the account table does not know are left out",
        "add the accounts, mend the keys",
        tolerable=True,
    ),
    Rule(
        "before_sign_up",
        "event",
        "event < since - slack",
        "facts before their account's first day are left out",
        "mend the time, or the sign-up day in the account table",
        tolerable=True,
    ),
    Rule(
        "known_before_event",
        "known",
        "known < event AND NOT (by_day AND CAST(known AS DATE) = CAST(event AS DATE))",
        "facts known before they happened are taken as known when they happened",
        "mend the two columns, or their zones",
    ),
    Rule(
        "null_known_time",
        "known",
        "has_known AND known IS NULL",
        "facts without a known time are left out",
        "fill in when the fact was recorded, or declare a delay",
        tolerable=True,
    ),
)
LEFT_OUT = frozenset(rule.name for rule in RULES if rule.tolerable)
"""The rules whose facts are left out: the others can still be worked with."""

AFTER = Rule(
    "after_data_until",
    "event",
    "event >= last_day + INTERVAL 1 DAY OR known >= last_day + INTERVAL 1 DAY",
    "facts in the future of company.data_until are not used yet",
    "move data_until, if the tables are complete up to a later day",
)


def breaches(ground: ReadableTables) -> Iterator[Finding]:
    """What is wrong with the facts of each source whose columns can be read."""
    for name, source in ground.company.sources.items():
        if _askable(ground, name, source):
            yield from with_read_errors(name, ground.file(name), _of_source(ground, name, source))


def _askable(ground: ReadableTables, name: str, source: Source) -> bool:
    if source.account is None or source.event_time is None:
        return False
    known = source.known_time.column if source.known_time else None
    return ground.holds(name, source.account.column, source.event_time.column, known)


def _of_source(ground: ReadableTables, name: str, source: Source) -> Iterator[Finding]:
    until = ground.company.about.data_until
    rules = (*RULES, AFTER) if until else RULES
    counts = ", ".join(f"count(*) FILTER (WHERE {rule.condition}) AS {rule.name}" for rule in rules)
    facts = _facts(ground, name, source)
    counted = ground.row(f"SELECT count(*) AS rows, {counts} FROM ({facts})")
    for rule in rules:
        if counted[rule.name] and _applies(ground, rule):
            yield _finding(ground, name, rule, counted)


def _applies(ground: ReadableTables, rule: Rule) -> bool:
    """Without a readable account table nobody can say which accounts are unknown."""
    accounts = ground.company.accounts
    readable = ground.holds(accounts.source, accounts.key, *accounts.crosswalk.values())
    return rule.name not in ("unknown_account", "before_sign_up") or readable


def _facts(ground: ReadableTables, name: str, source: Source) -> str:
    """SELECT of the terms that the rules are written in."""
    assert source.account is not None
    event_type = _type(ground, name, source.event_time)
    known = source_sql.recorded_time(ground.tables, name)
    has_known = source.known_time is not None and source.known_time.column is not None
    by_day = has_known and "DATE" in (event_type, _type(ground, name, source.known_time))
    until = ground.company.about.data_until
    last_day = f"'{until}'" if until else "NULL"
    return (
        f"SELECT fact_key, event, known, account, since, {by_day} AS by_day, "
        f"{has_known} AS has_known, {source_sql.slack(ground.tables, name)} AS slack, "
        f"CAST({last_day} AS TIMESTAMP) AS last_day FROM ("
        f"SELECT CAST({quote(source.account.column)} AS VARCHAR) AS fact_key, "
        f"{source_sql.event_time(ground.tables, name)} AS event, {known or 'NULL'} AS known "
        f"FROM {quote(name)}) LEFT JOIN ({_accounts(ground, source.account)}) "
        "ON fact_key = account"
    )


def _type(ground: ReadableTables, name: str, place: TimeColumn | KnownTime | None) -> str | None:
    return ground.tables.columns[name].get(str(place.column)) if place else None


def _accounts(ground: ReadableTables, key: AccountKey) -> str:
    """SELECT of the accounts that a source may name, each once, and their first moment."""
    declared = ground.company.accounts
    column = declared.crosswalk[key.system] if key.system else declared.key
    if not ground.holds(declared.source, declared.key, column):
        return "SELECT NULL::VARCHAR AS account, NULL::TIMESTAMP AS since"
    since = declared.attributes.since
    start = "NULL"
    if since is not None and ground.holds(declared.source, since):
        start = quote(since)
    return (
        f"SELECT CAST({quote(column)} AS VARCHAR) AS account, "
        f"CAST(CAST(min({start}) AS DATE) AS TIMESTAMP) AS since FROM {quote(declared.source)} "
        f"WHERE {quote(declared.key)} IS NOT NULL GROUP BY 1"
    )


def _finding(ground: ReadableTables, name: str, rule: Rule, counted: dict[str, Any]) -> Finding:
    source = ground.company.sources[name]
    count, total = counted[rule.name], counted["rows"]
    too_many = count / total > source.tolerate or count == total
    is_error = rule.fatal or (rule.tolerable and too_many)
    detail = f"{ground.file(name)}: {rule.detail} ({count / total:.1%} of {total:,} rows)"
    if rule.column == "account" and rule.name != "null_key":
        keys = f"SELECT DISTINCT fact_key FROM ({_facts(ground, name, source)})"
        detail += f", such as {ground.examples(f'{keys} WHERE {rule.condition}')}"
    mend = rule.mend
    if is_error and not rule.fatal and count < total:
        mend += f", or allow a share: sources.{name}.tolerate"
    state: Literal["error", "warning"] = "error" if is_error else "warning"
    return Finding(rule.name, "sources", state, name, _column(source, rule), count, detail, mend)


def _column(source: Source, rule: Rule) -> str | None:
    places = {"account": source.account, "event": source.event_time, "known": source.known_time}
    place = places[rule.column]
    return place.column if place is not None else None


def subscription_ends(ground: ReadableTables) -> Iterator[Finding]:
    """Subscriptions that end before they start, and ends of which nobody knows since when."""
    for target in ground.company.targets.values():
        event = target.event
        if event is None or event.ended is None:
            continue
        source = ground.company.sources[event.source]
        known = event.ended_known.column if event.ended_known else None
        if _askable(ground, event.source, source) and ground.holds(
            event.source, event.ended, known
        ):
            found = _of_ends(ground, event, event.ended, known)
            yield from with_read_errors(event.source, ground.file(event.source), found)


def _of_ends(
    ground: ReadableTables, event: Event, ended: str, known: str | None
) -> Iterator[Finding]:
    name, file = event.source, ground.file(event.source)
    start, end = (
        source_sql.event_time(ground.tables, name),
        source_sql.end_times(ground.tables, event)["ended"],
    )
    never = f"{quote(known)} IS NULL" if known else "FALSE"
    counted = ground.row(
        f"SELECT count(*) FILTER (WHERE {end} < {start}) AS early, "
        f"count(*) FILTER (WHERE {end} IS NOT NULL AND {never}) AS unknown FROM {quote(name)}"
    )
    if count := counted["early"]:
        detail = f"{file}: subscriptions that end before they start"
        mend = "mend the two columns, or their zone"
        yield Finding("ends_before_start", "sources", "warning", name, ended, count, detail, mend)
    if count := counted["unknown"]:
        detail = f"{file}: ends without a known time are taken as known when they happened"
        mend = "fill in when the end was recorded"
        yield Finding("null_ended_known", "sources", "warning", name, known, count, detail, mend)


def duplicates(ground: ReadableTables) -> Iterator[Finding]:
    """Rows of a fact source that are the same in every column."""
    for name, source in ground.company.sources.items():
        if _askable(ground, name, source):
            yield from with_read_errors(name, ground.file(name), _duplicates(ground, name))


def _duplicates(ground: ReadableTables, name: str) -> Iterator[Finding]:
    query = f"SELECT count(*) - count(DISTINCT hash(fact)) AS n FROM {quote(name)} AS fact"
    if count := ground.row(query)["n"]:
        yield Finding(
            "duplicate_rows",
            "sources",
            "warning",
            name,
            None,
            count,
            f"{ground.file(name)}: rows that repeat another row in every column",
            "remove them if they are one fact twice; if they are facts of their own, all is well",
        )
