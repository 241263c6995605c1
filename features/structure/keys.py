"""Whether the account table has one row per account, and every account one key per system."""

from collections.abc import Iterator

from features.declaring.company import Accounts
from features.engines.sql_text import quote
from features.errors import Finding
from features.structure.readable import ReadableTables, with_read_errors

DECIMAL = ("FLOAT", "DOUBLE", "REAL")


def breaches(readable: ReadableTables) -> Iterator[Finding]:
    """Null, double and decimal keys of the account table, and accounts without a first day."""
    accounts = readable.company.accounts
    yield from with_read_errors(
        accounts.source, readable.file(accounts.source), _all(readable, accounts)
    )


def _all(readable: ReadableTables, accounts: Accounts) -> Iterator[Finding]:
    if not readable.holds(accounts.source, accounts.key):
        return
    yield from _decimal(readable, accounts)
    if accounts.derived:
        return
    yield from _null(readable, accounts)
    yield from _double(readable, accounts.key, "duplicate_account_key", "accounts.key")
    yield from _without_start(readable, accounts)
    for system, column in accounts.crosswalk.items():
        if readable.holds(accounts.source, column):
            key = f"accounts.crosswalk.{system}"
            yield from _double(readable, column, "duplicate_crosswalk_key", key)


def _decimal(readable: ReadableTables, accounts: Accounts) -> Iterator[Finding]:
    if readable.tables.columns[accounts.source][accounts.key] in DECIMAL:
        yield Finding(
            "decimal_account_key",
            "sources",
            "warning",
            accounts.source,
            accounts.key,
            None,
            f"{readable.file(accounts.source)}: keys are decimal numbers, so account 17850 is "
            "called '17850.0' and may not meet the same key elsewhere",
            "write the keys as text or whole numbers",
        )


def _null(readable: ReadableTables, accounts: Accounts) -> Iterator[Finding]:
    rows = _count(readable, accounts, f"{quote(accounts.key)} IS NULL")
    if rows:
        yield Finding(
            "null_account_key",
            "sources",
            "error",
            accounts.source,
            accounts.key,
            rows,
            f"{readable.file(accounts.source)}: accounts without a key",
            "give each account its key, or remove these rows",
        )


def _double(readable: ReadableTables, column: str, name: str, key: str) -> Iterator[Finding]:
    source = readable.company.accounts.source
    double = (
        f"SELECT {quote(column)} AS key, count(*) AS n FROM {quote(source)} "
        f"WHERE {quote(column)} IS NOT NULL GROUP BY 1 HAVING count(*) > 1"
    )
    counted = readable.row(f"SELECT count(*) AS keys, sum(n)::BIGINT AS n FROM ({double})")
    if counted["keys"]:
        examples = readable.examples(f"SELECT key FROM ({double})")
        yield Finding(
            name,
            "sources",
            "error",
            source,
            column,
            counted["n"],
            f"{readable.file(source)}: {counted['keys']:,} keys of {key} are in several rows, "
            f"such as {examples}",
            "keep one row per account",
        )


def _without_start(readable: ReadableTables, accounts: Accounts) -> Iterator[Finding]:
    since = str(accounts.attributes.since)
    if not readable.holds(accounts.source, since):
        return
    if rows := _count(readable, accounts, f"{quote(since)} IS NULL"):
        yield Finding(
            "null_since",
            "sources",
            "warning",
            accounts.source,
            since,
            rows,
            f"{readable.file(accounts.source)}: accounts without a first day are never scored",
            "fill in the day of their sign-up",
        )


def _count(readable: ReadableTables, accounts: Accounts, condition: str) -> int:
    counted = readable.row(f"SELECT count(*) AS n FROM {quote(accounts.source)} WHERE {condition}")
    return int(counted["n"])
