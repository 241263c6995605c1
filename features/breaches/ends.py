"""Facts that contradict the lives of accounts: facts after the end, parents that do not exist."""

from collections.abc import Iterator

from features.assembling import source_sql
from features.breaches.rounds import Round
from features.engines.sql_text import quote
from features.errors import Finding
from features.evidence import lives, probes
from features.sources import Tables

ROUND = Round.COMPUTABLE

AFTER_DAYS = 28
MANY = 0.1
# The accounts that left, each with its end.
ENDED = "churnlight ended"


def breaches(tables: Tables) -> Iterator[Finding]:
    """Facts of accounts that had long left, and accounts that belong to nobody we know."""
    yield from _parents(tables)
    for name, target in tables.company.targets.items():
        ended = lives.account_ends(tables, target) if target.contractual else None
        for source in probes.fact_sources(tables.company) if ended else ():
            if source != target.source:
                yield from _after(tables, name, source, str(ended))


def _after(tables: Tables, target: str, source: str, ended: str) -> Iterator[Finding]:
    event = tables.company.targets[target].event
    assert event is not None
    days = max(AFTER_DAYS, event.grace)
    by_number = f"SELECT * FROM ({ended}) JOIN {quote(source_sql.ACCOUNTS)} USING (account_id)"
    tables.engine.keep(ENDED, f"SELECT account, ended FROM ({by_number})")
    left, lively, count = tables.engine.row(
        "SELECT count(*), count_if(late > 0), sum(late) FROM ("
        f"SELECT count_if(event_time >= ended + INTERVAL {days} DAY) AS late "
        f"FROM ({source_sql.facts(tables, source)}) JOIN {quote(ENDED)} USING (account) "
        "GROUP BY account)"
    )
    if lively and lively >= MANY * left:
        detail = (
            f"{tables.location(source)}: {lively:,} of {left:,} accounts "
            f"that left (targets.{target}) have facts {days} days or more after their end: the "
            "end is wrong, or the key belongs to another account"
        )
        fix = "fix the ends, or leave out rows about former customers"
        yield Finding("after_the_end", "sources", "warning", source, None, count, detail, fix)


def _parents(tables: Tables) -> Iterator[Finding]:
    accounts = tables.company.accounts
    if accounts.attributes.parent is None:
        return
    parent, table = quote(accounts.attributes.parent), quote(accounts.source)
    keys = f"SELECT CAST({quote(accounts.key)} AS VARCHAR) FROM {table}"
    count = tables.engine.row(
        f"SELECT count(*) FROM {table} WHERE {parent} IS NOT NULL AND CAST({parent} AS VARCHAR) "
        f"NOT IN ({keys} WHERE {quote(accounts.key)} IS NOT NULL)"
    )[0]
    if count:
        detail = f"{tables.location(accounts.source)}: parents without a row"
        fix = "add the parents, or leave the column empty"
        concerned = (accounts.source, accounts.attributes.parent, count)
        yield Finding("unknown_parent", "sources", "warning", *concerned, detail, fix)
