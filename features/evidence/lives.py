"""Until when each account was a customer, where a dated event says so."""

from features.assembling import source_sql, subscriptions
from features.declaring.target import Event, Target
from features.engines.sql_text import quote
from features.sources import Tables


def account_ends(tables: Tables, target: Target) -> str | None:
    """SELECT of account_id, ended, ended_known of accounts that are gone; none for silence.

    Gone is who has no running subscription, since the end of the last one, or to whom the event
    happened, since the first time.
    """
    event = target.event
    if event is None:
        return None
    return _subscriptions(tables, event) if event.ended is not None else _events(tables, event)


def _subscriptions(tables: Tables, event: Event) -> str:
    tables.engine.keep(source_sql.ACCOUNTS, source_sql.accounts(tables))
    last = "arg_max(ended_known, (ended, event_time))"
    return (
        f"SELECT account_id, max(ended) AS ended, {last} AS ended_known "
        f"FROM ({subscriptions.stored(tables, event)}) "
        f"JOIN {quote(source_sql.ACCOUNTS)} USING (account) "
        "WHERE lasted GROUP BY account_id HAVING count(*) = count(ended)"
    )


def _events(tables: Tables, event: Event) -> str:
    events = facts_by_account(tables, event.source, {"keep": source_sql.target_filter(event)})
    return (
        "SELECT account_id, min(event_time) AS ended, min(known_time) AS ended_known "
        f"FROM ({events}) WHERE keep GROUP BY account_id"
    )


def facts_as_text(tables: Tables, source: str, columns: list[str]) -> str:
    """SELECT of a source's facts with some columns as text, each by its own name."""
    as_text = {name: f"CAST({quote(name)} AS VARCHAR)" for name in columns}
    return facts_by_account(tables, source, as_text)


def facts_by_account(tables: Tables, source: str, extra: dict[str, str] | None = None) -> str:
    """SELECT of a source's facts as `rows.facts`, with account_id and segment."""
    tables.engine.keep(source_sql.ACCOUNTS, source_sql.accounts(tables))
    return (
        "SELECT facts.*, account_id, segment "
        f"FROM ({source_sql.facts(tables, source, extra)}) AS facts "
        f"JOIN {quote(source_sql.ACCOUNTS)} USING (account)"
    )
