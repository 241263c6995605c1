"""Who could leave, and who did: eligibility and label of each target on a grid of as-of dates.

Eligibility uses what was known on the morning of the as-of date; a label looks ahead and counts
only when mature. An account that churns inside the gap has no label.
"""

from features import clock, rows
from features.company import Event, Inactivity, Target
from features.engines.on_duckdb import quote
from features.sources import Tables


def keep_outcomes(tables: Tables, name: str, target: Target) -> None:
    """Stores, as table `name`: account_id, as_of, eligible, happened, in_gap (booleans).

    Rows are only there where one of the three is true.
    """
    if target.inactivity is not None:
        query = _inactivity(tables, target, target.inactivity)
    elif target.contractual and target.event is not None:
        query = _subscription(tables, target, target.event)
    else:
        assert target.event is not None
        query = _event(tables, target, target.event)
    tables.engine.keep(
        name,
        "SELECT account_id, as_of, bool_or(eligible) AS eligible, "
        f"bool_or(happened) AS happened, bool_or(in_gap) AS in_gap FROM ({query}) "
        "GROUP BY account_id, as_of",
    )


def label(target: Target, outcome: str) -> str:
    """The label of an eligible account in a mature row: 1, 0, or null where it is left out.

    `outcome` is the SQL name of the row that `keep_outcomes` stored, nulls if it stored none.
    """
    happened, in_gap = (f"coalesce({outcome}.{word}, FALSE)" for word in ("happened", "in_gap"))
    if target.inactivity is not None:
        return f"CASE WHEN {happened} THEN 0 ELSE 1 END"
    if target.adverse:
        return f"CASE WHEN {in_gap} THEN NULL WHEN {happened} THEN 1 ELSE 0 END"
    return f"CASE WHEN {happened} THEN 1 ELSE 0 END"


def _inactivity(tables: Tables, target: Target, part: Inactivity) -> str:
    """`happened` here is any activity in the label window: the opposite of churn."""
    return _dated(tables, part, target, eligible=_active(target))


def _active(target: Target) -> str:
    return f"{clock.known()} AND {clock.within(target.active_within)}"


def _dated(tables: Tables, part: Event | Inactivity, target: Target, *, eligible: str) -> str:
    facts = rows.facts(tables, part.source, {"keep": rows.kept(part)})
    return (
        f"SELECT account_id, as_of, {eligible} AS eligible, "
        f"{clock.ahead('event_time', target.gap, target.horizon)} AS happened, "
        f"{clock.ahead('event_time', 0, target.gap)} AS in_gap "
        f"FROM ({facts}) CROSS JOIN {quote(rows.GRID)} WHERE keep"
    )


def _event(tables: Tables, target: Target, part: Event) -> str:
    """Any dated event; the active accounts are those with a known fact in any source."""
    happened = _dated(tables, part, target, eligible="FALSE")
    active = " UNION ALL ".join(
        f"SELECT account_id, as_of, {_active(target)} AS eligible, FALSE AS happened, "
        f"FALSE AS in_gap FROM ({rows.facts(tables, source)}) CROSS JOIN {quote(rows.GRID)}"
        for source, declared in tables.company.sources.items()
        if declared.account is not None and declared.event_time is not None
    )
    return f"{happened} UNION ALL {active}"


def _subscription(tables: Tables, target: Target, part: Event) -> str:
    """An account churns at the end of a subscription that no other continues within the grace."""
    name = f"subscriptions of {part.source}"
    tables.engine.keep(name, _subscriptions(tables, part))
    continued = (
        f"SELECT 1 FROM {quote(name)} AS next WHERE next.account_id = s.account_id "
        f"AND next.event_time <= s.ended + INTERVAL {part.grace} DAY "
        "AND (next.ended IS NULL OR next.ended > s.ended)"
    )
    churned = f"(s.ended IS NOT NULL AND NOT EXISTS ({continued}))"
    query = (
        f"SELECT s.*, CASE WHEN {churned} THEN s.ended END AS churned_at FROM {quote(name)} AS s"
    )
    return (
        f"SELECT account_id, as_of, {clock.known()} AND (ended IS NULL OR ended >= as_of) "
        "AS eligible, "
        f"coalesce({clock.ahead('churned_at', target.gap, target.horizon)}, FALSE) AS happened, "
        f"coalesce({clock.ahead('churned_at', 0, target.gap)}, FALSE) AS in_gap "
        f"FROM ({query}) CROSS JOIN {quote(rows.GRID)}"
    )


def _subscriptions(tables: Tables, part: Event) -> str:
    declared = tables.company.sources[part.source].event_time
    column = str(part.ended)
    type_ = tables.columns[part.source][column]
    ended = clock.in_utc(quote(column), type_, declared.zone if declared else None)
    return rows.facts(tables, part.source, {"ended": ended})
