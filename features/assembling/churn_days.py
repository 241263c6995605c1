"""On which day each account churned, looking back, whatever was known at the time.

A subscription churns on the day of its end, once the grace has passed without another. A dated
adverse event happens to an account once, on its first day; any other one on each. Silence dates
from the last activity before it, a day that nobody can know before `within` more have passed.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.assembling import labels, renewals, source_sql
from features.declaring.target import Event, Inactivity, Target
from features.engines.sql_text import quote
from features.folding import term_chains
from features.sources import Tables


def of_churn(tables: Tables, target: str) -> pa.Table:
    """The days of churn as account_id (string) and day (date32, UTC), sorted.

    What is not settled yet (see `clock.churns_known_until`) is among the rows.
    """
    declared = tables.company.targets[target]
    tables.engine.keep(source_sql.ACCOUNTS, source_sql.accounts(tables))
    if declared.inactivity is not None:
        return _named(tables, _last_before_silence(tables, declared.inactivity))
    if declared.by_renewal:
        return _of_terms(tables, target, declared)
    if declared.contractual:
        streams = dict(labels.streams_of_subscriptions(tables, target))
        ends = (
            f"SELECT * FROM ({streams[labels.subscriptions(target, labels.CHURNS)]}) WHERE lasted"
        )
        return _named(tables, _days(ends))
    return _named(tables, _event(tables, declared))


def of_activity(tables: Tables, target: str) -> pa.Table | None:
    """The days with an activity that an inactivity target counts, as `of_churn`; else None."""
    part = tables.company.targets[target].inactivity
    if part is None:
        return None
    tables.engine.keep(source_sql.ACCOUNTS, source_sql.accounts(tables))
    return _named(tables, _days(_kept(tables, part)))


def _of_terms(tables: Tables, target: str, declared: Target) -> pa.Table:
    """By renewal: the ends of accounts by the last versions of their terms."""
    assert declared.event is not None
    terms = renewals.terms(tables, target)
    account, day = term_chains.account_ends(terms, declared.event.days_to_continue)
    ends = pa.table({"account": account, "day": pa.array(day.astype(np.int32)).cast(pa.date32())})
    names = tables.engine.rows(
        f"SELECT CAST(account AS BIGINT) AS account, account_id, until "
        f"FROM {quote(source_sql.ACCOUNTS)}"
    )
    rows = ends.join(names, "account", join_type="inner")
    there = pc.or_kleene(pc.is_null(rows["until"]), pc.less_equal(rows["day"], rows["until"]))
    return (
        rows.filter(there)
        .select(["account_id", "day"])
        .sort_by([("account_id", "ascending"), ("day", "ascending")])
    )


def _last_before_silence(tables: Tables, part: Inactivity) -> str:
    following = "lead(day) OVER (PARTITION BY account ORDER BY day)"
    days = f"SELECT *, {following} AS following FROM ({_days(_kept(tables, part))})"
    return f"SELECT * FROM ({days}) WHERE following IS NULL OR following > day + {part.within}"


def _event(tables: Tables, target: Target) -> str:
    assert target.event is not None
    days = _days(_kept(tables, target.event))
    return f"SELECT account, min(day) AS day FROM ({days}) GROUP BY 1" if target.adverse else days


def _kept(tables: Tables, part: Event | Inactivity) -> str:
    facts = source_sql.facts(tables, part.source, {"keep": source_sql.target_filter(part)})
    return f"SELECT * FROM ({facts}) WHERE keep"


def _days(facts: str) -> str:
    return f"SELECT DISTINCT account, CAST(event_time AS DATE) AS day FROM ({facts})"


def _named(tables: Tables, days: str) -> pa.Table:
    return tables.engine.rows(
        f"SELECT account_id, day FROM ({days}) JOIN {quote(source_sql.ACCOUNTS)} USING (account) "
        "WHERE until IS NULL OR day <= until ORDER BY ALL"
    )
