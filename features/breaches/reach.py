"""How far each source reaches: one that stops before the others makes later labels wrong."""

from collections.abc import Iterator
from datetime import date

from features import snapshots
from features.assembling import source_sql
from features.breaches.rounds import Round
from features.declaring.company import Event
from features.engines.sql_text import quote
from features.errors import Finding
from features.sources import Tables

ROUND = Round.SOUND

QUIET_DAYS = 7


def breaches(tables: Tables) -> Iterator[Finding]:
    """Sources that were silent before data_until for longer than they ever were before."""
    until = snapshots.data_until(tables)
    for name, source in tables.company.sources.items():
        if source.account is not None and source.event_time is not None:
            yield from _of_source(tables, name, until)


def _of_source(tables: Tables, name: str, until: date) -> Iterator[Finding]:
    days = f"SELECT DISTINCT day FROM ({_days(tables, name)}) WHERE day <= DATE '{until}'"
    last, longest = tables.engine.row(
        "SELECT max(day), max(silence) FROM (SELECT day, "
        f"date_diff('day', lag(day) OVER (ORDER BY day), day) AS silence FROM ({days}))"
    )
    if last is not None and (until - last).days > max(QUIET_DAYS, longest or 0):
        detail = (
            f"{tables.location(name)} ends on {last}, {(until - last).days} "
            f"days before data_until ({until}); it was never silent that long before"
        )
        fix = f"update it to {until}, or set company.data_until to where every table is complete"
        yield Finding("source_ends_early", "sources", "warning", name, None, None, detail, fix)


def _days(tables: Tables, name: str) -> str:
    """The days on which anything of a source became known; the ends of subscriptions count."""
    known_times = [source_sql.known_time(tables, name)]
    known_times += [source_sql.end_times(tables, event)["ended"] for event in _ends(tables, name)]
    return " UNION ALL ".join(
        f"SELECT CAST({time} AS DATE) AS day FROM {quote(name)}" for time in known_times
    )


def _ends(tables: Tables, name: str) -> list[Event]:
    events = [target.event for target in tables.company.targets.values()]
    return [event for event in events if event and event.ended and event.source == name]
