"""What other readings of a target would give: a wrong one is seen beside the right one."""

from dataclasses import dataclass
from datetime import date

from features.assembling import subscriptions
from features.declaring.target import Event, Target
from features.sources import Tables

# How late a customer who left begins again without ever having left, as most would say.
AGAIN_DAYS = 30


def other_readings(target: Target) -> dict[str, Target]:
    """The target as it would be declared otherwise, each by what is other about it."""
    form = "event" if target.event else "inactivity"
    part = target.event or target.inactivity
    assert part is not None
    changed: dict[str, dict[str, int | None]] = {}
    if isinstance(part, Event) and part.ended is not None:
        if part.days_to_continue > 1:
            changed["without grace"] = {"grace": 0}
        if part.grace < AGAIN_DAYS:
            changed[f"with {AGAIN_DAYS} days of grace"] = {"grace": AGAIN_DAYS}
        if part.paused is not None:
            changed["without paused"] = {"paused": None}
    if part.where is not None:
        changed["without where"] = {"where": None}
    return {
        words: target.model_copy(update={form: part.model_copy(update=update)})
        for words, update in changed.items()
    }


@dataclass(frozen=True)
class Returns:
    """How many ends another subscription follows: at once, soon after a churn, and how soon.

    `changes` of plan are no churns. `again` of the `churns` begin again within `AGAIN_DAYS`,
    typically after `days`.
    """

    ends: int
    changes: int
    churns: int
    again: int
    days: float | None


def returns(tables: Tables, part: Event, until: date) -> Returns:
    """Counts the ends before `until` that another subscription of the account follows."""
    rows = subscriptions.stored(tables, part)
    ends, changes = _changes(tables, rows, until)
    churned, again, days = _again(tables, rows, part, until)
    return Returns(ends, changes, churned, again, days)


def _changes(tables: Tables, rows: str, until: date) -> tuple[int, int]:
    day = subscriptions.day
    follows = (
        f"SELECT 1 FROM ({rows}) AS later WHERE later.account = s.account AND later.lasted "
        f"AND {day('later.event_time')} BETWEEN {day('s.ended')} "
        f"AND {day('s.ended')} + INTERVAL 1 DAY "
        f"AND (later.ended IS NULL OR {day('later.ended')} > {day('s.ended')})"
    )
    ends, changes = tables.engine.row(
        f"SELECT count(*), count(*) FILTER (WHERE EXISTS ({follows})) FROM ({rows}) AS s "
        f"WHERE lasted AND ended < DATE '{until}'"
    )
    return ends, changes


def _again(tables: Tables, rows: str, part: Event, until: date) -> tuple[int, int, float | None]:
    churns = subscriptions.churns(rows, part)
    days = "date_diff('day', s.event_time, later.event_time)"
    following = (
        f"SELECT min({days}) AS days FROM ({churns}) AS s LEFT JOIN ({rows}) AS later "
        "ON later.account = s.account AND later.lasted AND later.event_time > s.event_time "
        f"WHERE s.lasted AND s.event_time < DATE '{until}' GROUP BY s.account, s.event_time"
    )
    soon = f"FILTER (WHERE days <= {AGAIN_DAYS})"
    churned, again, typical = tables.engine.row(
        f"SELECT count(*), count(*) {soon}, median(days) {soon} FROM ({following})"
    )
    return churned, again, typical
