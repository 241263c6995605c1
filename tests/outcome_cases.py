"""Random subscriptions and events put on disk, with the targets that are declared over them.

The one design rule: the oracle's answer is asked for the very rows that are written, and the
gap, horizon, grace and data_until are drawn, so that every edge of a label is met.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st

from features.declaring.company import Company
from features.declaring.declaration import parse
from measure_oracle import Fact
from outcome_oracle import (
    Subscription,
    active_at,
    eligible_inactive,
    event_label,
    event_over,
    inactivity_label,
    subscription_label,
)
from random_tables import FactTable, tables

AS_OF = date(2024, 3, 1)
Answers = dict[str, tuple[bool, bool | None]]


@dataclass(frozen=True)
class Terms:
    """The days of a label: gap, horizon, grace and delay of ends (subscriptions), end of data."""

    gap: int
    horizon: int
    grace: int
    end_delay: int
    data_until: date


@st.composite
def terms(draw: st.DrawFn, as_of: date, *, grace: bool = True) -> Terms:
    """Draw a label's days, with data that end just before, at or after its maturity."""
    gap, horizon = draw(st.sampled_from([0, 7])), draw(st.sampled_from([1, 14, 28]))
    days = draw(st.sampled_from([0, 5])) if grace else 0
    delay = draw(st.sampled_from([0, 3])) if grace else 0
    spare = draw(st.sampled_from([0, 1, 90, -1]))
    until = as_of + timedelta(days=gap + horizon + days + delay + spare)
    return Terms(gap, horizon, days, delay, until)


@st.composite
def subscriptions(draw: st.DrawFn) -> dict[str, list[Subscription]]:
    """Draw, per account, up to three subscriptions around `AS_OF`; some never end."""
    starts = st.sampled_from([-90, -20, -1, 0, 1, 6, 7, 8, 12, 13, 20, 34, 35, 40])
    lengths = st.sampled_from([1, 5, 6, 7, 8, 13, 14, 20, 21, 27, 90, None])
    one = st.builds(
        lambda start, days: (_day(start), None if days is None else _day(start + days)),
        starts,
        lengths,
    )
    accounts = [f"a{number}" for number in range(draw(st.integers(1, 6)))]
    return {name: draw(st.lists(one, max_size=3)) for name in accounts}


def _day(shift: int) -> date:
    return AS_OF + timedelta(days=shift)


# On every edge of gap 7 (1 to 7 March), horizon 28 (8 March to 4 April) and grace 5.
_EDGES: dict[str, list[tuple[str, str | None]]] = {
    "open": [("2023-01-01", None)],
    "starts-on-as-of": [("2024-03-01", None)],
    "ended-the-day-before": [("2023-01-01", "2024-02-29")],
    "ends-on-as-of": [("2023-01-01", "2024-03-01")],
    "ends-on-the-gaps-last-day": [("2023-01-01", "2024-03-07")],
    "ends-on-the-windows-first-day": [("2023-01-01", "2024-03-08")],
    "ends-on-the-windows-last-day": [("2023-01-01", "2024-04-04")],
    "ends-a-day-too-late": [("2023-01-01", "2024-04-05")],
    "renewed-on-the-last-day-of-grace": [("2023-01-01", "2024-03-10"), ("2024-03-15", None)],
    "renewed-a-day-after-grace": [("2023-01-01", "2024-03-10"), ("2024-03-16", None)],
    "renewed-and-lost": [("2023-01-01", "2024-03-10"), ("2024-03-12", "2024-03-30")],
    "carried-through-the-gap": [("2023-01-01", "2024-03-03"), ("2024-03-05", "2024-03-30")],
    "lost-in-the-gap-and-again": [("2023-01-01", "2024-03-02"), ("2024-03-10", "2024-03-30")],
    "one-of-two": [("2023-01-01", "2024-03-10"), ("2023-01-01", None)],
    "both-together": [("2023-01-01", "2024-03-10"), ("2024-01-01", "2024-03-10")],
    "came-back-long-ago": [("2022-01-01", "2022-06-01"), ("2023-01-01", None)],
    "came-back-and-leaves": [("2022-01-01", "2022-06-01"), ("2023-01-01", "2024-03-20")],
    "end-not-known-yet": [("2023-01-01", "2024-02-28"), ("2023-05-01", "2024-02-27")],
}
EDGES: dict[str, list[Subscription]] = {
    name: [
        (date.fromisoformat(first), date.fromisoformat(last) if last else None)
        for first, last in items
    ]
    for name, items in _EDGES.items()
}


HEAD = """
[company]
name = "Outcomes"
data_until = {until}
[accounts]
source = "accounts"
key = "key"
attributes = {{ since = "since" }}
[sources.accounts]
path = "accounts.parquet"
[indicators.one]
title = "T"
dimension = "business"
kind = "context"
source = "{source}"
measure = "count"
windows = ["all"]
says = "b"
says_good = "g"
"""

SUBSCRIPTIONS = """
[sources.subscriptions]
path = "subscriptions.parquet"
account = "key"
event_time = "started"
[targets.churn]
gap = "{0.gap}d"
horizon = "{0.horizon}d"
[targets.churn.event]
source = "subscriptions"
ended = "ended"
ended_known = {{ delay = "{0.end_delay}d" }}
grace = "{0.grace}d"
"""


def write_subscriptions(folder: Path, found: dict[str, list[Subscription]], days: Terms) -> Company:
    """Write the subscriptions and return the company that declares churn over them."""
    _write_accounts(folder, list(found))
    rows = [(name, *item) for name, items in found.items() for item in items]
    columns = {
        "key": pa.array([row[0] for row in rows], pa.string()),
        "started": pa.array([row[1] for row in rows], pa.date32()),
        "ended": pa.array([row[2] for row in rows], pa.date32()),
    }
    pq.write_table(pa.table(columns), folder / "subscriptions.parquet")
    head = HEAD.format(until=days.data_until, source="subscriptions")
    return parse(head + SUBSCRIPTIONS.format(days), folder)


def _write_accounts(folder: Path, names: list[str]) -> None:
    since = [date(2020, 1, 1)] * len(names)
    pq.write_table(pa.table({"key": names, "since": since}), folder / "accounts.parquet")


def of_subscriptions(found: dict[str, list[Subscription]], days: Terms) -> Answers:
    """Return (eligible, label) per account, as the oracle says."""
    return {
        name: (
            active_at(items, AS_OF, end_delay=days.end_delay),
            subscription_label(
                items,
                AS_OF,
                days.gap,
                days.horizon,
                days.grace,
                end_delay=days.end_delay,
                data_until=days.data_until,
            ),
        )
        for name, items in found.items()
    }


@dataclass(frozen=True)
class TwoTables:
    """Facts in two sources of the same accounts, one as-of date, and the labels' days."""

    table: FactTable
    others: tuple[Fact, ...]
    days: Terms
    active_within: int


@st.composite
def two_tables(draw: st.DrawFn) -> TwoTables:
    """Draw facts of which every third one stands in another source."""
    table = draw(tables("number"))
    facts = tuple(fact for number, fact in enumerate(table.facts) if number % 3)
    mine = FactTable(
        table.as_of - timedelta(days=30),
        table.window_days,
        table.earlier_days,
        table.accounts,
        facts,
    )
    active = draw(st.sampled_from([7, 28, 60]))
    return TwoTables(mine, table.facts[::3], draw(terms(mine.as_of, grace=False)), active)


EVENTS = """
[sources.facts]
path = "facts.parquet"
account = "key"
event_time = "at"
known_time = "known"
[sources.others]
path = "others.parquet"
account = "key"
event_time = "at"
known_time = "known"
[targets.silence]
inactivity = {{ source = "facts", within = "{0.horizon}d", where = "keep" }}
active_within = "{1}d"
gap = "{0.gap}d"
horizon = "{0.horizon}d"
[targets.complaint]
event = {{ source = "facts", where = "value > 0" }}
active_within = "{1}d"
gap = "{0.gap}d"
horizon = "{0.horizon}d"
[targets.upgrade]
adverse = false
event = {{ source = "facts", where = "value > 0" }}
active_within = "{1}d"
gap = "{0.gap}d"
horizon = "{0.horizon}d"
"""


def write_events(folder: Path, drawn: TwoTables) -> Company:
    """Write both sources and return the company that declares three targets over them."""
    _write_accounts(folder, list(drawn.table.accounts))
    _write_facts(folder / "facts.parquet", drawn.table.facts)
    _write_facts(folder / "others.parquet", drawn.others)
    head = HEAD.format(until=drawn.days.data_until, source="facts")
    return parse(head + EVENTS.format(drawn.days, drawn.active_within), folder)


def _write_facts(path: Path, facts: tuple[Fact, ...]) -> None:
    time = pa.timestamp("us", tz="UTC")
    columns = {
        "key": pa.array([fact.account for fact in facts], pa.string()),
        "at": pa.array([fact.event_time for fact in facts], time),
        "known": pa.array([fact.known_time for fact in facts], time),
        "value": pa.array([fact.value for fact in facts], pa.float64()),
        "keep": pa.array([fact.keep for fact in facts], pa.bool_()),
    }
    pq.write_table(pa.table(columns), path)


def of_events(drawn: TwoTables, target: str) -> Answers:
    """Return (eligible, label) of a target per account, as the oracle says."""
    return {name: _of_account(drawn, target, name) for name in drawn.table.accounts}


def _of_account(drawn: TwoTables, target: str, name: str) -> tuple[bool, bool | None]:
    own = [fact for fact in drawn.table.facts if fact.account == name]
    if target == "silence":
        return _silence(drawn, [fact for fact in own if fact.keep])
    events = _times([fact for fact in own if isinstance(fact.value, float) and fact.value > 0])
    adverse = target == "complaint"
    active = _times([fact for fact in drawn.others if fact.account == name])
    as_of, days = drawn.table.as_of, drawn.days
    label = event_label(
        events, as_of, days.gap, days.horizon, adverse=adverse, data_until=days.data_until
    )
    eligible = eligible_inactive(active, as_of, drawn.active_within)
    eligible = eligible and not (adverse and event_over(events, as_of))
    return eligible, label if eligible else None


def _silence(drawn: TwoTables, own: list[Fact]) -> tuple[bool, bool | None]:
    as_of, days = drawn.table.as_of, drawn.days
    moments = [fact.event_time for fact in own]
    label = inactivity_label(moments, as_of, days.gap, days.horizon, data_until=days.data_until)
    eligible = eligible_inactive(_times(own), as_of, drawn.active_within)
    return eligible, label if eligible else None


def _times(facts: list[Fact]) -> list[tuple[datetime, datetime]]:
    return [(fact.event_time, fact.known_time) for fact in facts]
