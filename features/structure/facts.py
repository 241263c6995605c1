"""Whether the facts belong to known accounts and to a time that makes sense.

One pass over each source counts for all of `RULES`; a new rule on single facts is one entry.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

from features.assembling import account_keys, source_sql
from features.declaring.source import AccountKey, KnownTime, Source, TimeColumn
from features.engines.sql_text import quote
from features.errors import Finding
from features.shaping.row_numbers import ROW
from features.structure.readable import ReadableTables, with_read_errors


@dataclass(frozen=True)
class Rule:
    """A condition on a fact that must not hold, and the finding where it does.

    `condition` is SQL over fact_key, event, known (null where not recorded), account (null where
    not known), since. A tolerable rule is an error when more than `tolerate` of the rows break
    it, or all of them; a fatal one always is; the others are warnings.
    """

    name: str
    column: Literal["account", "event", "known"]
    condition: str
    detail: str
    fix: str
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
        "times before 1900 or after 2100, which are placeholders",
        "leave such times empty",
        fatal=True,
    ),
    Rule(
        "unknown_account",
        "account",
        "fact_key IS NOT NULL AND account IS NULL",
        "facts of accounts missing from the account table are left out",
        "add the accounts or fix the keys",
        tolerable=True,
    ),
    Rule(
        "before_sign_up",
        "event",
        "event < since - slack",
        "facts before their account's first day are left out",
        "fix the time, or the sign-up day in the account table",
        tolerable=True,
    ),
    Rule(
        "known_before_event",
        "known",
        "known < event AND NOT (by_day AND CAST(known AS DATE) = CAST(event AS DATE))",
        "facts with a known time before their event time count as known when they happened",
        "fix the two columns or their zones",
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
# What is said of contracts by the rule `before_sign_up`.
CONTRACTS = (
    "contracts that begin before their account's first day count from that day on (facts of an "
    "indicator do not)"
)
# The rules whose facts are left out: the others can still be worked with.
LEFT_OUT = frozenset(rule.name for rule in RULES if rule.tolerable)

AFTER = Rule(
    "after_data_until",
    "event",
    "event >= last_day + INTERVAL 1 DAY OR known >= last_day + INTERVAL 1 DAY",
    "facts after company.data_until are not used yet",
    "move data_until, if the tables are complete up to a later day",
)


def breaches(readable: ReadableTables) -> Iterator[Finding]:
    """What is wrong with the facts of each source whose columns can be read."""
    for name, source in readable.company.sources.items():
        if can_be_asked(readable, name, source):
            yield from with_read_errors(
                name, readable.file(name), _of_source(readable, name, source)
            )


def can_be_asked(readable: ReadableTables, name: str, source: Source) -> bool:
    """Whether account, event time and known time of the source's facts can be read."""
    if source.account is None or source.event_time is None:
        return False
    known_column = source.known_time.column if source.known_time else None
    return readable.holds(name, source.account.column, source.event_time.column, known_column)


def _of_source(readable: ReadableTables, name: str, source: Source) -> Iterator[Finding]:
    until = readable.company.about.data_until
    rules = (*RULES, AFTER) if until else RULES
    counts = ", ".join(f"count(*) FILTER (WHERE {rule.condition}) AS {rule.name}" for rule in rules)
    facts = _facts(readable, name, source)
    counted = readable.row(f"SELECT count(*) AS rows, {counts} FROM ({facts})")
    for rule in rules:
        if counted[rule.name] and _applies(readable, rule):
            yield _finding(readable, name, rule, counted)


def _applies(readable: ReadableTables, rule: Rule) -> bool:
    """Without a readable account table nobody can say which accounts are unknown."""
    accounts = readable.company.accounts
    are_known = readable.holds(accounts.source, accounts.key, *accounts.crosswalk.values())
    are_known &= all(_can_be_followed(readable, name) for name in readable.company.links)
    are_known &= _mergers_can_be_read(readable)
    return rule.name not in ("unknown_account", "before_sign_up") or are_known


def _facts(readable: ReadableTables, name: str, source: Source, more: str = "") -> str:
    """SELECT of the terms that the rules are written in.

    `more` are further columns, of rows with their numbers.
    """
    assert source.account is not None
    event_type = _type(readable, name, source.event_time)
    known_at = source_sql.recorded_time(readable.tables, name)
    has_known = source.known_time is not None and source.known_time.column is not None
    by_day = has_known and "DATE" in (event_type, _type(readable, name, source.known_time))
    until = readable.company.about.data_until
    last_day = f"'{until}'" if until else "NULL"
    rows = f"({readable.tables.numbered(name)})" if more else quote(name)
    return (
        f"SELECT fact_key, event, known, account, since, {by_day} AS by_day, "
        f"{has_known} AS has_known, {source_sql.slack(readable.tables, name)} AS slack, "
        f"CAST({last_day} AS TIMESTAMP) AS last_day{', row, value' if more else ''} FROM ("
        f"SELECT {more}CAST({quote(source.account.column)} AS VARCHAR) AS fact_key, "
        f"{source_sql.event_time(readable.tables, name)} AS event, {known_at or 'NULL'} AS known "
        f"FROM {rows}) LEFT JOIN ({_accounts(readable, source.account)}) "
        "ON fact_key = account AND (valid_from IS NULL OR event >= valid_from) "
        "AND (valid_to IS NULL OR event < valid_to)"
    )


def _type(readable: ReadableTables, name: str, column: TimeColumn | KnownTime | None) -> str | None:
    return readable.tables.columns[name].get(str(column.column)) if column else None


def _accounts(readable: ReadableTables, key: AccountKey) -> str:
    """SELECT of the keys that lead to an account, each once, and the account's first moment."""
    plain = _plain_keys(readable, key)
    followed = None
    is_clear = key.link is None or _can_be_followed(readable, key.link)
    if plain is not None and is_clear and _mergers_can_be_read(readable):
        followed = _followed_keys(readable, key)
    if followed is not None:
        return followed
    always = "NULL::TIMESTAMP AS valid_from, NULL::TIMESTAMP AS valid_to"
    if plain is None or key.link is not None:
        return f"SELECT NULL::VARCHAR AS account, NULL::TIMESTAMP AS since, {always}"
    return f"SELECT account, since, {always} FROM ({plain})"


def _plain_keys(readable: ReadableTables, key: AccountKey) -> str | None:
    """The keys that the account table itself has; none where it cannot be read."""
    declared = readable.company.accounts
    column = declared.crosswalk[key.system] if key.system else declared.key
    if not readable.holds(declared.source, declared.key, column):
        return None
    since = declared.attributes.since
    start = "NULL"
    if since is not None and readable.holds(declared.source, since):
        start = quote(since)
    return (
        f"SELECT CAST({quote(column)} AS VARCHAR) AS account, "
        f"CAST(CAST(min({start}) AS DATE) AS TIMESTAMP) AS since FROM {quote(declared.source)} "
        f"WHERE {quote(declared.key)} IS NOT NULL GROUP BY 1"
    )


def _can_be_followed(readable: ReadableTables, name: str) -> bool:
    link = readable.company.links[name]
    times = [at.column for at in (link.valid_from, link.valid_to, link.known_time) if at]
    return readable.holds(link.source, link.key, link.account.column, *times)


def _mergers_can_be_read(readable: ReadableTables) -> bool:
    merged = readable.company.accounts.aliases
    return merged is None or readable.holds(
        merged.source, merged.old, merged.new, merged.known_time.column
    )


def _followed_keys(readable: ReadableTables, key: AccountKey) -> str | None:
    """As `_plain_keys`, by links and mergers, each with when it holds; none without any."""
    # Segments may be declared by expressions that are not checked yet, and are not asked here.
    company = readable.company.model_copy(update={"segments": {}})
    tables = replace(readable.tables, company=company)
    followed = account_keys.keys(tables, key)
    if followed is None:
        return None
    tables.engine.keep(source_sql.ACCOUNTS, source_sql.accounts(tables))
    return (
        "SELECT key AS account, CAST(min(since) AS TIMESTAMP) AS since, valid_from, valid_to "
        f"FROM ({followed}) WHERE shared_from IS NULL GROUP BY key, valid_from, valid_to"
    )


def _finding(readable: ReadableTables, name: str, rule: Rule, counted: dict[str, Any]) -> Finding:
    source = readable.company.sources[name]
    count, total = counted[rule.name], counted["rows"]
    too_many = count / total > source.tolerate or count == total
    is_error = rule.fatal or (rule.tolerable and too_many)
    says = (
        CONTRACTS
        if rule.name == "before_sign_up" and _has_contracts(readable, name)
        else rule.detail
    )
    detail = f"{readable.file(name)}: {says} ({count / total:.1%} of {total:,} rows)"
    if rule.column == "account" and rule.name != "null_key":
        keys = f"SELECT DISTINCT fact_key FROM ({_facts(readable, name, source)})"
        detail += f", such as {readable.examples(f'{keys} WHERE {rule.condition}')}"
    detail += _first(readable, name, rule)
    fix = rule.fix
    if is_error and not rule.fatal and count < total:
        fix += f", or allow a share: sources.{name}.tolerate"
    state: Literal["error", "warning"] = "error" if is_error else "warning"
    return Finding(rule.name, "sources", state, name, _column(source, rule), count, detail, fix)


def _has_contracts(readable: ReadableTables, name: str) -> bool:
    targets = readable.company.targets.values()
    return any(target.contractual and target.source == name for target in targets)


def _first(readable: ReadableTables, name: str, rule: Rule) -> str:
    """The first row that breaks the rule, and what its column holds."""
    source = readable.company.sources[name]
    column = _column(source, rule)
    if column is None:
        return ""
    more = f"{quote(ROW)} AS row, CAST({quote(column)} AS VARCHAR) AS value, "
    facts = _facts(readable, name, source, more)
    with readable.tables.engine.in_order():
        found = readable.tables.engine.rows(
            f"SELECT row, value FROM ({facts}) WHERE {rule.condition} ORDER BY row LIMIT 1"
        ).to_pylist()
    # A source whose own condition is random, which is refused, may hold other rows by now.
    if not found:
        return ""
    value = "" if found[0]["value"] is None else f": {found[0]['value']}"
    return f"; first in row {found[0]['row']:,}{value}"


def _column(source: Source, rule: Rule) -> str | None:
    places = {"account": source.account, "event": source.event_time, "known": source.known_time}
    column = places[rule.column]
    return column.column if column is not None else None
