"""Which rows of a contractual target are subscriptions, from when until when: SQL of one row each.

Days are whole UTC days. A subscription that begins by the day after the end of another of the
account continues it, whatever the hour: that is a change of plan. `grace` makes it more days.
"""

import hashlib
from collections.abc import Mapping

from features.assembling import account_keys, source_sql
from features.assembling.column_sql import in_utc
from features.declaring.target import Event
from features.engines.source_errors import naming_the_source
from features.engines.sql_text import quote
from features.settings import Settings
from features.sources import Tables

# What systems write where nothing has ended yet, and no end of any customer: zero on the clocks of
# Unix (in any zone), Excel and SQL Server, the first day of a calendar, and whatever is far off.
FIRST_DAYS = ("1753-01-01", "1899-12-30", "1899-12-31", "1900-01-01", "1969-12-31", "1970-01-01")
FAR_OFF = "2099-01-01"
FIRST_YEAR = "0002-01-01"


def rows_that_count(tables: Tables, part: Event, also: Mapping[str, str] | None = None) -> str:
    """SELECT of account, event_time, known_time, ended, ended_known, resumes, lasted, and `also`.

    Rows that `where` leaves out are not among them, and one that was over before the account's
    first day is not either. `ended` is null while the subscription runs,
    which it does until the pause is over where an end is but the beginning of a pause. `resumes`
    is when the pause is over inside which the subscription ended, else null; `lasted` whether it
    ran for a day at all.
    """
    extra = end_times(tables, part) | _pause_times(tables, part) | dict(also or {})
    names = "".join(f", {quote(name)}" for name in also or {})
    facts = source_sql.facts(
        tables,
        part.source,
        extra | {"keep": source_sql.target_filter(part)},
        shared=f"coalesce(ended, {account_keys.NEVER})",
        early=True,
    )
    # A contract may be older than the account's row: it counts from the account's first day on.
    is_early = source_sql.is_early(tables, part.source)
    start = f"CASE WHEN {is_early} THEN CAST(since AS TIMESTAMP) ELSE event_time END"
    counts = f"keep AND (NOT {is_early} OR ended IS NULL OR ended > since)"
    ended, resumes = _with_pauses(part)
    rows = (
        f"SELECT account, {start} AS event_time, greatest(known_time, {start}) AS known_time, "
        f"{ended} AS ended, ended_known, {resumes} AS resumes{names} FROM ({facts}) AS facts "
        f"WHERE {counts}"
    )
    return (
        "SELECT account, event_time, known_time, ended, resumes, "
        "CASE WHEN ended IS NOT NULL THEN ended_known END AS ended_known, "
        f"ended IS NULL OR {day('ended')} > {day('event_time')} AS lasted{names} FROM ({rows})"
    )


def stored(tables: Tables, part: Event) -> str:
    """SELECT of `rows_that_count`, of what was computed once while no table changes.

    Raises
    ------
    DeclarationError, ContractBroken
        As `naming_the_source`, of the target's source.
    """
    query = rows_that_count(tables, part)
    if tables.engine.distributes:
        return query
    name = f"subscriptions {hashlib.sha256(query.encode()).hexdigest()[:16]}"
    with naming_the_source(part.source), tables.engine.parallel(Settings.read().cores):
        tables.engine.keep(name, query)
    return f"SELECT * FROM {quote(name)}"


def churns(subscriptions: str, part: Event) -> str:
    """SELECT of the ends that no other of the `subscriptions` continues, as facts with `lasted`.

    A subscription that did not last a day continues none; its own end is a churn only where
    `lasted` does not matter.
    """
    by_then = f"{day('s.ended')} + INTERVAL {part.days_to_continue} DAY"
    continued = (
        f"SELECT 1 FROM ({subscriptions}) AS later WHERE later.account = s.account "
        f"AND later.lasted AND {day('later.event_time')} <= "
        f"greatest({by_then}, coalesce(s.resumes, {by_then})) "
        f"AND (later.ended IS NULL OR {day('later.ended')} > {day('s.ended')})"
    )
    return (
        "SELECT account, ended AS event_time, greatest(ended, ended_known) AS known_time, lasted "
        f"FROM ({subscriptions}) AS s WHERE ended IS NOT NULL AND NOT EXISTS ({continued})"
    )


def end_times(tables: Tables, part: Event) -> dict[str, str]:
    """A row's end and when it was known, naive UTC, both null while it runs.

    An end of which nobody wrote down when it was known counts as known when it happened; one that
    is a placeholder is none.
    """
    written = end_as_written(tables, part)
    start = source_sql.event_time(tables, part.source)
    end = f"CASE WHEN NOT {is_placeholder(written, start)} THEN {written} END"
    known_at = part.ended_known
    if known_at is None:
        return {"ended": end, "ended_known": end}
    if known_at.column is None:
        return {"ended": end, "ended_known": f"{end} + INTERVAL {known_at.delay} DAY"}
    recorded = in_utc(tables, part.source, known_at.column, known_at.zone)
    return {"ended": end, "ended_known": f"coalesce({recorded}, {end})"}


def end_as_written(tables: Tables, part: Event) -> str:
    """A row's end as its column has it, placeholder or not, as naive UTC."""
    return _like_the_event(tables, part, str(part.ended))


def is_placeholder(end: str, start: str) -> str:
    """SQL condition (never null) that an end is a known placeholder, and so none."""
    listed = ", ".join(f"DATE '{first}'" for first in FIRST_DAYS)
    is_first = f"({day(end)} IN ({listed}) OR {end} < TIMESTAMP '{FIRST_YEAR}')"
    return (
        f"coalesce({end} >= TIMESTAMP '{FAR_OFF}' "
        f"OR ({is_first} AND coalesce({end} < {start}, TRUE)), FALSE)"
    )


def day(moment: str) -> str:
    """The UTC day of a moment."""
    return f"CAST({moment} AS DATE)"


def _pause_times(tables: Tables, part: Event) -> dict[str, str]:
    if part.paused is None:
        return {}
    return {
        "paused": _like_the_event(tables, part, part.paused.begins),
        "resumed": _like_the_event(tables, part, part.paused.until),
    }


def _with_pauses(part: Event) -> tuple[str, str]:
    """The end of the subscription, and when the pause is over inside which it ended.

    What the tables said on the day of the end must decide whether it was one: when the account
    resumes may be filled in later, and only the label may look at it.
    """
    if part.paused is None:
        return "ended", "CAST(NULL AS DATE)"
    is_pause = f"{day('ended')} BETWEEN {day('paused')} - INTERVAL 1 DAY AND {day('paused')}"
    return (
        f"CASE WHEN {is_pause} THEN resumed ELSE ended END",
        f"CASE WHEN {_inside('ended', 'paused', 'resumed')} THEN {day('resumed')} END",
    )


def is_inside_a_pause(tables: Tables, part: Event) -> str:
    """SQL condition (never null) that a row ends inside a pause, after its first day."""
    pause = _pause_times(tables, part)
    if not pause:
        return "FALSE"
    inside = _inside(end_times(tables, part)["ended"], pause["paused"], pause["resumed"])
    return f"coalesce({inside}, FALSE)"


def _inside(ended: str, paused: str, resumed: str) -> str:
    return f"{day(ended)} > {day(paused)} AND {day(ended)} <= {day(resumed)}"


def _like_the_event(tables: Tables, part: Event, column: str) -> str:
    zoned = tables.company.sources[part.source].event_time
    return in_utc(tables, part.source, column, zoned.zone if zoned else None)
