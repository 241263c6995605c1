"""Whether the account table has one row per account, and every account one key per system."""

from collections.abc import Iterator

from features.declaring.company import Accounts
from features.engines.sql_text import quote
from features.errors import Finding
from features.structure.readable import ReadableTables, with_read_errors

DECIMAL = ("FLOAT", "DOUBLE", "REAL")


def breaches(ground: ReadableTables) -> Iterator[Finding]:
    """Null, double and decimal keys of the account table, and accounts without a first day."""
    accounts = ground.company.accounts
    yield from with_read_errors(
        accounts.source, ground.file(accounts.source), _all(ground, accounts)
    )


def _all(ground: ReadableTables, accounts: Accounts) -> Iterator[Finding]:
    if not ground.holds(accounts.source, accounts.key):
        return
    yield from _decimal(ground, accounts)
    if accounts.derived:
        return
    yield from _null(ground, accounts)
    yield from _double(ground, accounts.key, "duplicate_account_key", "accounts.key")
    yield from _without_start(ground, accounts)
    for system, column in accounts.crosswalk.items():
        if ground.holds(accounts.source, column):
            key = f"accounts.crosswalk.{system}"
            yield from _double(ground, column, "duplicate_crosswalk_key", key)


def _decimal(ground: ReadableTables, accounts: Accounts) -> Iterator[Finding]:
    if ground.tables.columns[accounts.source][accounts.key] in DECIMAL:
        yield Finding(
            "decimal_account_key",
            "sources",
            "warning",
            accounts.source,
            accounts.key,
            None,
            f"{ground.file(accounts.source)}: keys are decimal numbers, so account 17850 is "
            "called '17850.0' and may not meet the same key elsewhere",
            "write the keys as text or whole numbers",
        )


def _null(ground: ReadableTables, accounts: Accounts) -> Iterator[Finding]:
    rows = _count(ground, accounts, f"{quote(accounts.key)} IS NULL")
    if rows:
        yield Finding(
            "null_account_key",
            "sources",
            "error",
            accounts.source,
            accounts.key,
            rows,
            f"{ground.file(accounts.source)}: accounts without a key",
            "give each account its key, or remove these rows",
        )


def _double(ground: ReadableTables, column: str, name: str, key: str) -> Iterator[Finding]:
    source = ground.company.accounts.source
    double = (
        f"SELECT {quote(column)} AS key, count(*) AS n FROM {quote(source)} "
        f"WHERE {quote(column)} IS NOT NULL GROUP BY 1 HAVING count(*) > 1"
    )
    found = ground.row(f"SELECT count(*) AS keys, sum(n)::BIGINT AS n FROM ({double})")
    if found["keys"]:
        examples = ground.examples(f"SELECT key FROM ({double})")
        yield Finding(
            name,
            "sources",
            "error",
            source,
            column,
            found["n"],
            f"{ground.file(source)}: {found['keys']:,} keys of {key} stand in more than one row, "
            f"such as {examples}",
            "keep one row per account",
        )


def _without_start(ground: ReadableTables, accounts: Accounts) -> Iterator[Finding]:
    since = str(accounts.attributes.since)
    if not ground.holds(accounts.source, since):
        return
    if rows := _count(ground, accounts, f"{quote(since)} IS NULL"):
        yield Finding(
            "null_since",
            "sources",
            "warning",
            accounts.source,
            since,
            rows,
            f"{ground.file(accounts.source)}: accounts without a first day are never scored",
            "fill in the day of their sign-up",
        )


def _count(ground: ReadableTables, accounts: Accounts, condition: str) -> int:
    counted = ground.row(f"SELECT count(*) AS n FROM {quote(accounts.source)} WHERE {condition}")
    return int(counted["n"])
