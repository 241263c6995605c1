"""How far each source reaches: one that stops before the others makes later labels wrong.

So does one that seems to reach further than it does, by rows that lie ahead of all others.
"""

from collections.abc import Iterator
from datetime import date

from features import snapshots
from features.assembling import reach, source_sql, subscriptions
from features.breaches.rounds import Round
from features.declaring.target import Event
from features.engines.sql_text import quote
from features.errors import Finding
from features.plurals import counted
from features.shaping.row_numbers import ROW
from features.sources import Tables

ROUND = Round.SOUND

QUIET_DAYS = 7
MOST_ROWS = 3
TIMES = ("known_time", "event_time")


def breaches(tables: Tables) -> Iterator[Finding]:
    """Sources that were silent before data_until for longer than they ever were before."""
    until = snapshots.data_until(tables)
    for name, source in tables.company.sources.items():
        if source.account is not None and source.event_time is not None:
            yield from _of_source(tables, name, until)
            if tables.company.about.data_until is None:
                yield from _ahead(tables, name)
    if tables.company.about.data_until is None:
        yield from _held_back(tables, until)


def _ahead(tables: Tables, name: str) -> Iterator[Finding]:
    """Rows that lie after a long silence, and move no data_until."""
    found = reach.of_source(tables, name)
    if found is None or found.from_day is None:
        return
    known_at, event_at = (getattr(tables.company.sources[name], key) for key in TIMES)
    column = known_at.column if known_at and known_at.column else event_at.column
    known = source_sql.known_time(tables, name)
    with tables.engine.in_order():
        rows = tables.engine.rows(
            f"SELECT * FROM (SELECT {quote(ROW)} AS row, {known} AS known, "
            f"CAST({quote(column)} AS VARCHAR) AS value FROM ({tables.numbered(name)})) "
            f"WHERE known >= DATE '{found.from_day}' ORDER BY row LIMIT {MOST_ROWS}"
        ).to_pylist()
    listed = ", ".join(f"{row['value']} in row {row['row']:,}" for row in rows)
    detail = (
        f"{tables.location(name)}: {counted(found.ahead, 'row')} after a silence of "
        f"{(found.from_day - found.last).days:,} days, which moves no data_until: {listed}"
    )
    fix = f"fix the time, or set company.data_until if the table is complete beyond {found.last}"
    yield Finding("ahead", "sources", "warning", name, column, found.ahead, detail, fix)


def _held_back(tables: Tables, until: date) -> Iterator[Finding]:
    """A target whose own source ends before the others."""
    reaches = reach.of_all(tables)
    furthest = max(reaches, key=lambda name: reaches[name])
    for name, target in tables.company.targets.items():
        last = reach.of_outcomes(tables, target, reaches)
        if (reaches[furthest] - last).days > QUIET_DAYS and last == until:
            detail = (
                f"{tables.location(target.source)} shows outcomes of targets.{name} up to {last}, "
                f"{(reaches[furthest] - last).days} days less than {furthest} reaches: data_until "
                "is that day, as an outcome that cannot be seen yet must not count as none"
            )
            fix = "update it, or set company.data_until if nothing happened since"
            where = (target.source, None, None)
            yield Finding("outcomes_end_early", "sources", "warning", *where, detail, fix)


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
    known_times += [
        subscriptions.end_times(tables, event)["ended"] for event in _ends(tables, name)
    ]
    return " UNION ALL ".join(
        f"SELECT CAST({time} AS DATE) AS day FROM {quote(name)}" for time in known_times
    )


def _ends(tables: Tables, name: str) -> list[Event]:
    events = [target.event for target in tables.company.targets.values()]
    return [event for event in events if event and event.ended and event.source == name]
