"""How far a table reaches: the last day on which what it holds was ordinary.

A few rows after a long silence are ahead: typing errors such as 2031 for 2021, or bookings. They do
not say that the table is complete up to them.
"""

from dataclasses import dataclass
from datetime import date
from weakref import WeakKeyDictionary

from features.assembling import source_sql, subscriptions
from features.declaring.target import Target
from features.engines.on_duckdb import Engine
from features.engines.sql_text import quote
from features.sources import Tables

# Rows are ahead after a silence of more than QUIET_DAYS that is more than TIMES as long as any
# before it, if they are at most FEW or SHARE of all, and at least SEEN days came before.
QUIET_DAYS = 28
TIMES = 2
FEW, SHARE = 5, 0.001
SEEN = 10


@dataclass(frozen=True)
class Reach:
    """The last ordinary day of a table; how many rows are `ahead` of it, from which day on."""

    last: date
    ahead: int = 0
    from_day: date | None = None


# What an engine's sources were found to reach.
_FOUND: WeakKeyDictionary[Engine, dict[str, Reach | None]] = WeakKeyDictionary()


def of_days(engine: Engine, days: str) -> Reach | None:
    """How far the dates (`day`) that the SELECT `days` returns reach; none without any."""
    rows = engine.rows(
        "SELECT least(greatest(day, DATE '0001-01-01'), DATE '9999-12-31') AS day, count(*) AS n "
        f"FROM ({days}) WHERE day IS NOT NULL GROUP BY 1 ORDER BY 1"
    )
    return _ordinary(list(zip(rows["day"].to_pylist(), rows["n"].to_pylist(), strict=True)))


def _ordinary(counts: list[tuple[date, int]]) -> Reach | None:
    if not counts:
        return None
    left = total = sum(rows for _, rows in counts)
    longest = 0
    for place, (day, rows) in enumerate(counts[:-1], start=1):
        left -= rows
        following = counts[place][0]
        silence = (following - day).days
        is_long = silence > max(QUIET_DAYS, TIMES * longest)
        if place >= SEEN and is_long and left <= max(FEW, SHARE * total):
            return Reach(day, left, following)
        longest = max(longest, silence)
    return Reach(counts[-1][0])


def of_source(tables: Tables, source: str) -> Reach | None:
    """How far the facts of a source reach, by the days on which they became known.

    Rows that were written down before they happened, such as what is planned, say nothing. A
    source is read once, however often it is asked.
    """
    found = _FOUND.setdefault(tables.engine, {})
    if source not in found:
        found[source] = of_days(tables.engine, _known_days(tables, source))
    return found[source]


def _known_days(tables: Tables, source: str) -> str:
    event, recorded = (
        source_sql.event_time(tables, source),
        source_sql.recorded_time(tables, source),
    )
    known = f"CAST({source_sql.known_time(tables, source)} AS DATE)"
    written = f" WHERE CAST({event} AS DATE) <= CAST({recorded} AS DATE)" if recorded else ""
    return f"SELECT {known} AS day FROM {quote(source)}{written}"


def of_all(tables: Tables) -> dict[str, date]:
    """Up to which day each source with times reaches, by its name."""
    dated = [name for name, source in tables.company.sources.items() if source.event_time]
    found = {name: of_source(tables, name) for name in dated}
    return {name: reach.last for name, reach in found.items() if reach is not None}


def of_outcomes(tables: Tables, target: Target, reaches: dict[str, date]) -> date:
    """Up to which day the target's own source would show an outcome.

    Ends of subscriptions are facts as well. Where some lie beyond everything else, they are
    planned ahead, and none of them says how far the table reaches.
    """
    last = reaches.get(target.source, date.min)
    if target.event is None or target.event.ended is None:
        return last
    known = subscriptions.end_times(tables, target.event)["ended_known"]
    days = f"SELECT CAST({known} AS DATE) AS day FROM {quote(target.source)}"
    ends = of_days(tables.engine, days)
    is_planned = ends is None or ends.last > max(reaches.values())
    return last if ends is None or is_planned else max(last, ends.last)


def complete_until(tables: Tables) -> date:
    """The day up to which the tables are complete.

    That of the source that reaches furthest, but no later than the own source of any target
    does: an outcome that could not be seen yet must not count as none.
    """
    reaches = of_all(tables)
    own = (of_outcomes(tables, target, reaches) for target in tables.company.targets.values())
    return min([max(reaches.values()), *own])
