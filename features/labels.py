"""Who could leave, and who did: eligibility and label of each target on a grid of as-of dates.

Eligibility uses what was known on the morning of the as-of date; a label looks ahead and counts
only when mature. An account that churned before the label window opens, in the gap or earlier
without our knowing, has no label.
"""

from features import clock, rows
from features.company import Event, Inactivity, Target
from features.engines.on_duckdb import quote
from features.sources import Tables

FLAGS = ("eligible", "over", "happened", "too_soon")


def keep_outcomes(tables: Tables, name: str, target: Target) -> None:
    """Stores, as table `name`: account_id, as_of, eligible, happened, too_soon (booleans).

    Rows are only there where one of them, or `over`, is true: an account whose event is known to
    be over is not eligible, whatever else makes it active.
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
        "SELECT account_id, as_of, bool_or(eligible) AND NOT bool_or(over) AS eligible, "
        f"bool_or(happened) AS happened, bool_or(too_soon) AS too_soon FROM ({query}) "
        f"WHERE {' OR '.join(FLAGS)} GROUP BY account_id, as_of",
    )


def label(target: Target, outcome: str) -> str:
    """The label of an eligible account in a mature row: 1, 0, or null where it is left out.

    `outcome` is the SQL name of the row that `keep_outcomes` stored, nulls if it stored none.
    """
    happened, too_soon = (f"coalesce({outcome}.{word}, FALSE)" for word in ("happened", "too_soon"))
    if target.inactivity is not None:
        return f"CASE WHEN {happened} THEN 0 ELSE 1 END"
    if target.adverse:
        return f"CASE WHEN {too_soon} THEN NULL WHEN {happened} THEN 1 ELSE 0 END"
    return f"CASE WHEN {happened} THEN 1 ELSE 0 END"


def _on_the_grid(facts: str, **flags: str) -> str:
    """SELECT of every fact on every as-of date, with its `FLAGS`: false, unless given."""
    columns = ", ".join(f"{flags.get(name, 'FALSE')} AS {name}" for name in FLAGS)
    return f"SELECT account_id, as_of, {columns} FROM ({facts}) CROSS JOIN {quote(rows.GRID)}"


def _active(target: Target) -> str:
    return f"{clock.known()} AND {clock.within(target.active_within)}"


def _ahead(column: str, target: Target) -> str:
    return f"coalesce({clock.ahead(column, target.gap, target.horizon)}, FALSE)"


def _too_soon(column: str, known: str, target: Target) -> str:
    """In the gap, or before the as-of date without being known by then."""
    in_gap = clock.ahead(column, 0, target.gap)
    unknown = f"({clock.past(column)} AND NOT {clock.past(known)})"
    return f"coalesce({in_gap} OR {unknown}, FALSE)"


def _kept(tables: Tables, part: Event | Inactivity) -> str:
    facts = rows.facts(tables, part.source, {"keep": rows.kept(part)})
    return f"SELECT * FROM ({facts}) WHERE keep"


def _inactivity(tables: Tables, target: Target, part: Inactivity) -> str:
    """`happened` here is any activity in the label window: the opposite of churn."""
    happened = _ahead("event_time", target)
    return _on_the_grid(_kept(tables, part), eligible=_active(target), happened=happened)


def _event(tables: Tables, target: Target, part: Event) -> str:
    """A dated event; an adverse one happens to an account once and ends its eligibility."""
    flags = {"happened": _ahead("event_time", target)}
    if target.adverse:
        flags["over"] = clock.known()
        flags["too_soon"] = _too_soon("event_time", "known_time", target)
    happened = _on_the_grid(_kept(tables, part), **flags)
    active = [
        _on_the_grid(rows.facts(tables, source), eligible=_active(target))
        for source in _activity(tables, target, part)
    ]
    return " UNION ALL ".join([happened, *active])


def _activity(tables: Tables, target: Target, part: Event) -> list[str]:
    """The sources whose facts make an account active: by default all but the event's own."""
    if target.active is not None:
        return [target.active]
    facts = [
        name
        for name, item in tables.company.sources.items()
        if item.account is not None and item.event_time is not None
    ]
    return [name for name in facts if name != part.source] or facts


def _subscription(tables: Tables, target: Target, part: Event) -> str:
    """An account churns at the end of a subscription that no other continues within the grace."""
    name = f"subscriptions of {part.source}"
    tables.engine.keep(name, rows.facts(tables, part.source, rows.end_times(tables, part)))
    continued = (
        f"SELECT 1 FROM {quote(name)} AS next WHERE next.account_id = s.account_id "
        f"AND next.event_time <= s.ended + INTERVAL {part.grace} DAY "
        "AND (next.ended IS NULL OR next.ended > s.ended)"
    )
    churned = f"(s.ended IS NOT NULL AND NOT EXISTS ({continued}))"
    query = (
        f"SELECT s.*, CASE WHEN {churned} THEN s.ended END AS churned_at FROM {quote(name)} AS s"
    )
    over = f"coalesce({clock.past('ended')} AND {clock.past('ended_known')}, FALSE)"
    return _on_the_grid(
        query,
        eligible=f"{clock.known()} AND NOT {over}",
        happened=_ahead("churned_at", target),
        too_soon=_too_soon("churned_at", "ended_known", target),
    )
