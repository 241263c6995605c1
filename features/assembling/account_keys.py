"""Which account a fact is of: by its own key, by links from other keys, and by merged accounts.

A fact is of an account from the day on which the fact, every link on the way and the merger were
known. All of it is one table of keys per source, to which facts are joined.
"""

from features.assembling.column_sql import in_utc, key_text
from features.declaring.company import Link
from features.declaring.source import AccountKey
from features.engines.sql_text import quote
from features.sources import Tables

ACCOUNTS = "churnlight accounts"
# A merged account may have been merged from others, and so on; deeper is refused.
MOST_MERGERS = 3
# When a fact becomes known of which only labels may know.
NEVER = "TIMESTAMP '9999-12-31'"


def keys(tables: Tables, declared: AccountKey) -> str | None:
    """SELECT of key, account, since, known, shared_from, valid_from, valid_to; none if plain.

    `known` is when the key was known to be of the account (null: always), `shared_from` from when
    on the facts of a merged account tell what became of its old one. Keys are plain where they
    are those of the account table, or of a system of its crosswalk, and no account is merged.
    """
    has_aliases = tables.company.accounts.aliases is not None
    if declared.link is None and not has_aliases:
        return None
    accounts = _members(tables) if has_aliases else _own()
    if declared.link is None:
        found = f"SELECT member AS key, * FROM ({accounts})"
        if declared.system is not None:
            key = quote(f"key of {declared.system}")
            names = f"SELECT {key} AS key, account_id FROM {quote(ACCOUNTS)}"
            found = f"SELECT * FROM ({names}) JOIN ({accounts}) ON account_id = member"
        return f"SELECT key, account, since, known, shared_from, {_always()} FROM ({found})"
    resolved = links(tables, declared.link)
    return (
        "SELECT key, account, since, shared_from, valid_from, valid_to, "
        "CASE WHEN known IS NULL THEN linked ELSE greatest(known, coalesce(linked, known)) END "
        f"AS known FROM ({resolved}) JOIN ({accounts}) ON named = member"
    )


def _own() -> str:
    """Each account as the only member of itself."""
    return (
        "SELECT account_id AS member, account, since, CAST(NULL AS TIMESTAMP) AS known, "
        f"CAST(NULL AS TIMESTAMP) AS shared_from FROM {quote(ACCOUNTS)}"
    )


def _members(tables: Tables) -> str:
    """Each account as a member of itself, of what it became, and of what it came from.

    What happens to an account after the merger is what became of the old one: labels may look at
    it, and nothing else.
    """
    accounts, merged = quote(ACCOUNTS), mergers(tables)
    became = (
        "SELECT old AS member, later.account, own.since, known, CAST(NULL AS TIMESTAMP) "
        f"FROM ({merged}) JOIN {accounts} AS later ON later.account_id = new "
        f"LEFT JOIN {accounts} AS own ON own.account_id = old"
    )
    came = (
        f"SELECT new AS member, earlier.account, own.since, {NEVER}, known "
        f"FROM ({merged}) JOIN {accounts} AS earlier ON earlier.account_id = old "
        f"JOIN {accounts} AS own ON own.account_id = new"
    )
    return f"{_own()} UNION ALL {became} UNION ALL {came}"


def mergers(tables: Tables) -> str:
    """SELECT of old, new and known of merged accounts, also those merged over several."""
    direct = direct_mergers(tables)
    parts = [direct]
    for _ in range(MOST_MERGERS - 1):
        parts.append(
            "SELECT a.old, b.new, greatest(a.known, b.known) AS known "
            f"FROM ({parts[-1]}) AS a JOIN ({direct}) AS b ON a.new = b.old WHERE a.old <> b.new"
        )
    return " UNION ALL ".join(parts)


def direct_mergers(tables: Tables) -> str:
    """SELECT of old, new and known as the table of merged accounts has them."""
    declared = tables.company.accounts.aliases
    assert declared is not None
    at = declared.known_time
    known = in_utc(tables, declared.source, at.column, at.zone)
    old, new = key_text(declared.old), key_text(declared.new)
    return (
        f"SELECT {old} AS old, {new} AS new, min({known}) AS known FROM {quote(declared.source)} "
        f"WHERE {old} <> {new} AND {known} IS NOT NULL GROUP BY {old}, {new}"
    )


def links(tables: Tables, name: str) -> str:
    """SELECT of key, named (a key of the account table), linked (known), valid_from, valid_to."""
    link = tables.company.links[name]
    first = link_rows(tables, link)
    if link.account.link is not None:
        second = links(tables, link.account.link)
        return (
            "SELECT a.key, b.named, "
            f"{_later('a.linked', 'b.linked')} AS linked, "
            f"{_later('a.valid_from', 'b.valid_from')} AS valid_from, "
            "CASE WHEN a.valid_to IS NULL THEN b.valid_to "
            "ELSE least(a.valid_to, coalesce(b.valid_to, a.valid_to)) END AS valid_to "
            f"FROM ({first}) AS a JOIN ({second}) AS b ON a.named = b.key"
        )
    if link.account.system is None:
        return first
    system = quote(f"key of {link.account.system}")
    return (
        f"SELECT a.key, account_id AS named, linked, valid_from, valid_to FROM ({first}) AS a "
        f"JOIN {quote(ACCOUNTS)} ON a.named = {system}"
    )


def _later(one: str, other: str) -> str:
    """The later of two moments that may be null."""
    return (
        f"CASE WHEN {one} IS NULL THEN {other} ELSE greatest({one}, coalesce({other}, {one})) END"
    )


def link_rows(tables: Tables, link: Link) -> str:
    """SELECT of a link's own rows: key, named, linked, valid_from, valid_to.

    A link of which nobody knows since when is none.
    """
    times = {"linked": link.known_time, "valid_from": link.valid_from, "valid_to": link.valid_to}
    columns = [
        f"CAST(NULL AS TIMESTAMP) AS {name}"
        if at is None
        else f"{in_utc(tables, link.source, at.column, at.zone)} AS {name}"
        for name, at in times.items()
    ]
    known = "" if link.known_time is None else "WHERE linked IS NOT NULL"
    selected = (
        f"SELECT {key_text(link.key)} AS key, {key_text(link.account.column)} AS "
        f"named, {', '.join(columns)} FROM {quote(link.source)}"
    )
    return f"SELECT DISTINCT * FROM ({selected}) {known}"


def _always() -> str:
    return "CAST(NULL AS TIMESTAMP) AS valid_from, CAST(NULL AS TIMESTAMP) AS valid_to"
