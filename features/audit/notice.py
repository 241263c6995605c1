"""Outcomes that were on record before they happened, and tables that were made from the outcome."""

from collections.abc import Iterator

from features import snapshots
from features.audit.outcome_grid import OutcomeGrid
from features.engines.sql_text import quote
from features.errors import Finding
from features.evidence import lives, probes
from features.evidence.significance import significantly_most
from features.progress import Progress
from features.sources import Tables

SAME_DAYS = 7
MOST = 0.9
MANY = 0.5


def breaches_of_target(tables: Tables, grid: OutcomeGrid, progress: Progress) -> Iterator[Finding]:
    """Ends that were known in advance; ready-made tables of leavers as they left, others today."""
    progress("looking for outcomes on record before they happened")
    target = tables.company.targets[grid.target]
    ended = lives.account_ends(tables, target)
    if ended is None:
        return
    if target.contractual:
        yield from _known_before(tables, grid, ended)
    others = [name for name in probes.fact_sources(tables.company) if name != target.source]
    for source in others:
        yield from _ready_made(tables, source, ended, len(others))


def _known_before(tables: Tables, grid: OutcomeGrid, ended: str) -> Iterator[Finding]:
    target = tables.company.targets[grid.target]
    until = snapshots.data_until(tables)
    count, early, days = tables.engine.row(
        "SELECT count(*), count(*) FILTER (WHERE early >= 1), "
        "median(early) FILTER (WHERE early >= 1) "
        "FROM (SELECT date_diff('day', ended_known, ended) AS early "
        f"FROM ({ended}) WHERE ended >= DATE '{grid.months[0]}' AND ended < DATE '{until}')"
    )
    if not early or early < MANY * count:
        return
    event = target.event
    assert event is not None
    detail = (
        f"{tables.location(target.source)}: {early:,} of {count:,} ends were "
        f"recorded before they came, typically {days:.0f} days earlier: on as-of dates in between, "
        f"the outcome (targets.{grid.target}) is known already"
    )
    fix = "predict the notice: set ended to the day on which notice was given"
    where = (target.source, event.ended, early)
    yield Finding("outcome_on_record", "audit", "error", *where, detail, fix)


def _ready_made(tables: Tables, source: str, ended: str, tests: int) -> Iterator[Finding]:
    """One row per account: of those that left as they left, of all others on one day."""
    facts = lives.facts_by_account(tables, source)
    tables.engine.keep(
        "churnlight once",
        "SELECT account_id, max(event_time) AS last_time, count(*) AS rows, "
        "any_value(ended) AS ended "
        f"FROM ({facts}) LEFT JOIN ({ended}) USING (account_id) GROUP BY account_id",
    )
    once = quote("churnlight once")
    near = f"abs(date_diff('day', last_time, ended)) <= {SAME_DAYS}"
    single, left, as_left, others = tables.engine.row(
        f"SELECT avg((rows = 1)::INT), count(ended), count(*) FILTER (WHERE {near}), "
        f"count(*) - count(ended) FROM {once}"
    )
    if single is None or single < MOST or not left or not others or as_left < MOST * left:
        return
    together = tables.engine.row(
        f"SELECT count(*) FROM {once} WHERE ended IS NULL GROUP BY CAST(last_time AS DATE) "
        "ORDER BY 1 DESC LIMIT 1"
    )[0]
    if together >= MOST * others and significantly_most(as_left, left, tests):
        detail = (
            f"{tables.location(source)}: one row per account; for {as_left:,} of {left:,} that "
            f"left it dates from within {SAME_DAYS} days of their end, for {together:,} of "
            f"{others:,} others from one day: its date alone reveals who left"
        )
        fix = "provide one row per account for each of the same dates, or the facts behind it"
        yield Finding(
            "made_from_the_outcome", "audit", "error", source, None, left + others, detail, fix
        )
