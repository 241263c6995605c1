"""Hypothesis strategies for small fact tables that sit on every edge of the clock.

The one design rule: nothing of the product is imported, so that one table can be given both to
the product and to `measure_oracle`. Times are UTC with microseconds, as parquet keeps them; the
as-of dates lie after a change to summer time. The empty text is among the texts, which a CSV file
cannot tell from null.
"""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from hypothesis import strategies as st

from measure_oracle import Fact, Value, start_of

Kind = Literal["number", "text", "flag", "day", "moment", "body"]

WINDOWS = (1, 7, 28, 60)
EARLIER = (7, 28, 60)
REACH = timedelta(days=120)
AFTER = timedelta(days=5)
LONGEST_DELAY = timedelta(days=10)
MOST_ROWS = 40
LAG = 7  # days between the window of a lagged ratio and the span it is compared with
SPANS = 3  # as many windows are the baseline of a deviation
TICK = timedelta(microseconds=1)
PIECES = (
    *("price", "PRICE", "prices", "invoice", "invoices", "too", "expensive", "expensively"),
    *("цена", "ЦЕНА", "ärger", "ÄRGER", "20", "it's", " ", "  ", "-", "_", ".", "\n", "é"),
)


@dataclass(frozen=True)
class FactTable:
    """Facts of a few accounts, and an as-of date and windows whose edges they hit.

    Parameters
    ----------
    as_of
        The as-of date; some facts happen or become known on it or after it.
    window_days, earlier_days
        W, or None for "all", and the earlier window of a ratio; in days.
    accounts
        The accounts to answer for; some may have no facts.
    facts
        The rows, in no particular order.
    kind
        What the values are, also where all are null.
    """

    as_of: date
    window_days: int | None
    earlier_days: int
    accounts: tuple[str, ...]
    facts: tuple[Fact, ...]
    kind: Kind = "number"


def values(kind: Kind) -> st.SearchStrategy[Value | None]:
    """Return a strategy for a fact's value: null, or a value of that kind.

    Numbers are multiples of 0.5 up to 20, so that any sum of them is exact in binary. Moments are
    timestamps in UTC, often at midnight or beside it; bodies are texts made of a few words.
    """
    days = st.dates(date(2023, 12, 1), date(2024, 12, 1))
    known: dict[Kind, st.SearchStrategy[Value]] = {
        "number": st.integers(-40, 40).map(lambda twice: twice / 2),
        "text": st.sampled_from(["", "basic", "Basic", "pro", "zoë", "it's"]),
        "flag": st.booleans(),
        "day": days,
        "moment": st.builds(
            lambda day, shift: start_of(day) + shift,
            days,
            st.sampled_from([-TICK, timedelta(0), TICK, timedelta(hours=13)]),
        ),
        "body": st.lists(st.sampled_from(PIECES), max_size=5).map("".join),
    }
    # About one in four is null; an even choice would leave most windows empty.
    return st.integers(0, 3).flatmap(lambda choice: known[kind] if choice else st.none())


def event_times(as_of: date, edges: tuple[int, ...]) -> st.SearchStrategy[datetime]:
    """Return a strategy for event times from 120 days before `as_of` to 5 days after it.

    About a third are window edges (`edges`, in days before `as_of`), exact or a microsecond
    beside it; a third are exact midnights; the rest fall anywhere.
    """
    now = start_of(as_of)
    on_edges = st.builds(
        lambda days, ticks: now - timedelta(days=days) + ticks * TICK,
        st.sampled_from((0, *edges)),
        st.sampled_from([-1, 0, 1]),
    )
    midnights = st.integers(-REACH.days, AFTER.days).map(lambda days: now + timedelta(days=days))
    seconds = st.integers(-int(REACH.total_seconds()), int(AFTER.total_seconds()))
    return on_edges | midnights | seconds.map(lambda shift: now + timedelta(seconds=shift))


@st.composite
def known_times(draw: st.DrawFn, event: datetime, as_of: date) -> datetime:
    """Draw when a fact became known: 0 to 10 days after `event`, often at an exact midnight."""
    midnight = datetime(event.year, event.month, event.day, tzinfo=UTC)
    seconds = st.integers(0, int(LONGEST_DELAY.total_seconds()))
    known = draw(
        st.integers(0, LONGEST_DELAY.days).map(lambda days: event + timedelta(days=days))
        | st.integers(1, LONGEST_DELAY.days).map(lambda days: midnight + timedelta(days=days))
        | st.sampled_from([-1, 0, 1]).map(lambda ticks: start_of(as_of) + ticks * TICK)
        | seconds.map(lambda delay: event + timedelta(seconds=delay))
    )
    return min(max(known, event), event + LONGEST_DELAY)


def edges(table: FactTable) -> tuple[int, ...]:
    """Return how many days before the as-of date the spans of any measure begin or end."""
    window = table.window_days or WINDOWS[-1]
    spans = {
        window,
        window + table.earlier_days,
        *(LAG + window, LAG + window + table.earlier_days),
    }
    spans |= {window * number for number in range(2, SPANS + 2)}
    return tuple(sorted(days for days in spans if days <= REACH.days))


@st.composite
def rows(draw: st.DrawFn, table: FactTable, kind: Kind) -> Fact:
    """Draw one fact that fits the accounts, the as-of date and the windows of `table`."""
    event = draw(event_times(table.as_of, edges(table)))
    return Fact(
        account=draw(st.sampled_from(table.accounts)),
        event_time=event,
        known_time=draw(known_times(event, table.as_of)),
        value=draw(values(kind)),
        keep=draw(st.sampled_from([True, True, True, False])),
    )


@st.composite
def tables(draw: st.DrawFn, kind: Kind = "number", *, bounded: bool = False) -> FactTable:
    """Draw a table of 0 to 40 facts of 1 to 5 accounts.

    Parameters
    ----------
    draw
        Given by hypothesis.
    kind
        Whether values are numbers, texts or booleans.
    bounded
        True draws no "all" window, which a ratio cannot have.
    """
    windows: tuple[int | None, ...] = WINDOWS if bounded else (*WINDOWS, None)
    empty = FactTable(
        as_of=draw(st.dates(date(2024, 4, 1), date(2024, 5, 31))),
        window_days=draw(st.sampled_from(windows)),
        earlier_days=draw(st.sampled_from(EARLIER)),
        accounts=tuple(f"a{n + 1}" for n in range(draw(st.integers(1, 5)))),
        facts=(),
    )
    fewest = draw(st.sampled_from([0, 0, 12]))
    facts = draw(st.lists(rows(empty, kind), min_size=fewest, max_size=MOST_ROWS))
    return replace(empty, facts=tuple(facts), kind=kind)


@st.composite
def crowds(draw: st.DrawFn) -> FactTable:
    """Draw a table of 15 to 70 accounts with up to 3 facts each and many equal values."""
    as_of = draw(st.dates(date(2024, 4, 1), date(2024, 5, 31)))
    halves = st.integers(-4, 4).map(lambda twice: twice / 2)
    drawn = draw(st.lists(st.lists(halves, max_size=3), min_size=15, max_size=70))
    accounts = tuple(f"a{number + 1}" for number in range(len(drawn)))
    moment = start_of(as_of) - timedelta(days=2)
    facts = [
        Fact(account, moment, moment, value)
        for account, mine in zip(accounts, drawn, strict=True)
        for value in mine
    ]
    return FactTable(as_of, draw(st.sampled_from([1, 7])), 7, accounts, tuple(facts))
