"""Point-in-time measures and labels, computed the slow and obvious way.

The tests compare the product with this module. Its one design rule: written from the definition
alone, one fact at a time, and importing nothing of the product, so that a shared mistake is
unlikely.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

Value = float | str | bool
Absent = Literal["zero", "missing"]
RatioOf = Literal["count", "sum"]
Subscription = tuple[date, date | None]
MeasureName = Literal[
    "count",
    "sum",
    "mean",
    "max",
    "min",
    "share",
    "distinct",
    "latest",
    "days_since",
    "days_since_first",
    "quantile",
    "ratio",
]

ZERO_WHEN_ABSENT = ("count", "sum", "distinct")


@dataclass(frozen=True)
class Fact:
    """One row of a source, as a measure sees it.

    Parameters
    ----------
    account
        The account the fact belongs to.
    event_time, known_time
        When it happened and when it reached us; aware, in UTC.
    value
        What the indicator's `value` yields in this row; None is null. An indicator without a
        `value` counts rows: give such facts any constant, for example True.
    keep
        What the indicator's `where` yields; null counts as False.

    Raises
    ------
    ValueError
        If a time is naive or not in UTC.
    """

    account: str
    event_time: datetime
    known_time: datetime
    value: Value | None = True
    keep: bool = True

    def __post_init__(self) -> None:
        """Refuse times that are not in UTC."""
        for moment in (self.event_time, self.known_time):
            if moment.utcoffset() != timedelta(0):
                raise ValueError(f"account {self.account}: {moment!r} is not UTC; convert it first")


def start_of(day: date) -> datetime:
    """Return 00:00 UTC of `day`; a datetime in UTC is returned as it is."""
    if isinstance(day, datetime):
        return day
    return datetime.combine(day, time(), tzinfo=UTC)


def utc_from_local(naive: datetime, zone: str) -> datetime:
    """Return the UTC moment at which clocks in `zone` show `naive`.

    In the two odd hours of a year a time that occurs twice is the second one, and a time that is
    skipped is read with the offset that held before the jump.
    """
    first, second = (
        naive.replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC) for fold in (0, 1)
    )
    # A skipped time has its two readings in reverse: the earlier offset gives the later moment.
    return max(first, second)


def measure(
    facts: Iterable[Fact],
    as_of: date,
    *,
    accounts: Sequence[str],
    window_days: int | None,
    measure: MeasureName,
    quantile: float | None = None,
    of: RatioOf | None = None,
    earlier_days: int | None = None,
    absent: Absent = "zero",
    share_of: Value = True,
) -> dict[str, Value | None]:
    """Return one indicator's value at `as_of` for every account in `accounts`.

    Numbers are floats, whatever the measure; None is null.

    Parameters
    ----------
    facts
        Rows of any accounts in any order; those of accounts not asked for are ignored.
    as_of
        The as-of date; the clock stands at 00:00 UTC of that day.
    accounts
        The accounts to answer for, whether or not they have facts.
    window_days
        W of the observation window [as_of - W, as_of); None is "all".
    measure
        The name of the measure.
    quantile
        Level in 0..1, for "quantile" only; linear between order statistics.
    of, earlier_days
        What to compare and the days of the earlier window, for "ratio" only.
    absent
        What no row in a window means for count, sum and distinct: 0 or null. Rows that are
        not kept or null were reported all the same, so that they make it 0 in any case.
    share_of
        The value whose share is asked for, for "share" only.

    Raises
    ------
    ValueError
        If a measure lacks one of its own parameters.
    TypeError
        If a text stands where the measure needs a number.
    """
    question = _Question(as_of, window_days, measure, quantile, of, earlier_days, absent, share_of)
    reported = [fact for fact in facts if is_known(fact, as_of)]
    return {
        account: _answer([fact for fact in reported if fact.account == account], question)
        for account in accounts
    }


def is_known(fact: Fact, as_of: date) -> bool:
    """Tell whether `fact` had happened and was known at `as_of`."""
    return fact.event_time < start_of(as_of) and fact.known_time < start_of(as_of)


def usable(fact: Fact, as_of: date) -> bool:
    """Tell whether `fact` was kept, is not null, and had happened and was known at `as_of`."""
    return fact.keep and fact.value is not None and is_known(fact, as_of)


def within(facts: Iterable[Fact], end: date, days: int | None) -> list[Fact]:
    """Return the facts that happened in [end - days, end); `days` None has no beginning."""
    stop = start_of(end)
    before = [fact for fact in facts if fact.event_time < stop]
    if days is None:
        return before
    return [fact for fact in before if fact.event_time >= stop - timedelta(days=days)]


@dataclass(frozen=True)
class _Question:
    as_of: date
    window_days: int | None
    measure: MeasureName
    quantile: float | None
    of: RatioOf | None
    earlier_days: int | None
    absent: Absent
    share_of: Value


def _answer(reported: Sequence[Fact], question: _Question) -> Value | None:
    if question.measure == "ratio":
        return _ratio(reported, question)
    every = within(reported, question.as_of, question.window_days)
    inside = _counting(every)
    if not inside:
        zero = question.measure in ZERO_WHEN_ABSENT and not _unknown(every, question)
        return 0.0 if zero else None
    return _MEASURES[question.measure](inside, question)


def _counting(reported: Sequence[Fact]) -> list[Fact]:
    return [fact for fact in reported if fact.keep and fact.value is not None]


def _unknown(every: Sequence[Fact], question: _Question) -> bool:
    return not every and question.absent == "missing"


def _number(fact: Fact) -> float:
    if fact.value is None or isinstance(fact.value, str):
        raise TypeError(f"account {fact.account}: {fact.value!r} is not a number")
    return float(fact.value)


def _sum(facts: Sequence[Fact]) -> float:
    return math.fsum(_number(fact) for fact in facts)


def _share(facts: Sequence[Fact], share_of: Value) -> float:
    return sum(fact.value == share_of for fact in facts) / len(facts)


def _latest(facts: Sequence[Fact]) -> Value | None:
    # Tuples compare left to right, which is the order in which ties are broken.
    keys: list[tuple[Any, ...]] = [(f.event_time, f.known_time, f.value) for f in facts]
    latest: Value | None = max(keys)[2]
    return latest


def _days(event_time: datetime, as_of: date) -> float:
    return float((start_of(as_of).date() - event_time.date()).days)


def _quantile(facts: Sequence[Fact], level: float | None) -> float:
    if level is None or not 0 <= level <= 1:
        raise ValueError(f"measure quantile: quantile is {level!r}; give a number in 0..1")
    ordered = sorted(_number(fact) for fact in facts)
    position = (len(ordered) - 1) * level
    below = ordered[math.floor(position)]
    above = ordered[math.ceil(position)]
    return below + (above - below) * (position - math.floor(position))


def _ratio(reported: Sequence[Fact], question: _Question) -> float | None:
    days, earlier_days = question.window_days, question.earlier_days
    if days is None or earlier_days is None or question.of is None:
        raise ValueError("measure ratio: give window_days, earlier_days and of")
    border = start_of(question.as_of) - timedelta(days=days)
    recent = _amount(within(reported, question.as_of, days), question)
    earlier = _amount(within(reported, border, earlier_days), question)
    if recent is None or earlier is None or earlier == 0:
        return None
    return (recent / days) / (earlier / earlier_days)


def _amount(every: Sequence[Fact], question: _Question) -> float | None:
    if _unknown(every, question):
        return None
    facts = _counting(every)
    return _sum(facts) if question.of == "sum" else float(len(facts))


_MEASURES: dict[str, Callable[[Sequence[Fact], _Question], Value | None]] = {
    "count": lambda facts, _: float(len(facts)),
    "sum": lambda facts, _: _sum(facts),
    "mean": lambda facts, _: _sum(facts) / len(facts),
    "max": lambda facts, _: max(_number(fact) for fact in facts),
    "min": lambda facts, _: min(_number(fact) for fact in facts),
    "share": lambda facts, question: _share(facts, question.share_of),
    "distinct": lambda facts, _: float(len({fact.value for fact in facts})),
    "latest": lambda facts, _: _latest(facts),
    "days_since": lambda facts, question: _days(
        max(fact.event_time for fact in facts), question.as_of
    ),
    "days_since_first": lambda facts, question: _days(
        min(fact.event_time for fact in facts), question.as_of
    ),
    "quantile": lambda facts, question: _quantile(facts, question.quantile),
}


def is_mature(as_of: date, gap: int, horizon: int, grace: int, data_until: date) -> bool:
    """Tell whether as_of + gap + horizon + grace (days) is no later than `data_until`."""
    return start_of(as_of) + timedelta(days=gap + horizon + grace) <= start_of(data_until)


def eligible_inactive(
    events_known: Iterable[tuple[datetime, datetime]], as_of: date, within_days: int
) -> bool:
    """Tell whether an account was active in [as_of - within_days, as_of), as known at `as_of`.

    `events_known` holds the (event_time, known_time) of the account's activity.
    """
    now = start_of(as_of)
    first = now - timedelta(days=within_days)
    return any(first <= event < now and known < now for event, known in events_known)


def inactivity_label(
    events: Iterable[date], as_of: date, gap: int, horizon: int, *, data_until: date | None = None
) -> bool | None:
    """Tell whether an account has no event in [as_of + gap, as_of + gap + horizon).

    None if `data_until` is given and the label is not mature. Eligibility is another question:
    `eligible_inactive`.
    """
    if data_until is not None and not is_mature(as_of, gap, horizon, 0, data_until):
        return None
    first = start_of(as_of) + timedelta(days=gap)
    last = first + timedelta(days=horizon)
    return not any(first <= start_of(event) < last for event in events)


def active_at(subscriptions: Iterable[Subscription], as_of: date, *, end_delay: int = 0) -> bool:
    """Tell whether a subscription started before `as_of` and is not known to have ended before.

    An end becomes known `end_delay` days after it happened.
    """
    now = start_of(as_of)
    return any(
        start_of(started) < now and (ended is None or not _over(start_of(ended), now, end_delay))
        for started, ended in subscriptions
    )


def _over(ended: datetime, now: datetime, delay: int) -> bool:
    return ended < now and ended + timedelta(days=delay) < now


def churn_dates(subscriptions: Sequence[Subscription], grace: int) -> list[datetime]:
    """Return the ends that no other subscription outlives, having started within `grace` days."""
    dates = []
    for ended in (start_of(ended) for _, ended in subscriptions if ended is not None):
        carried_on = any(
            start_of(started) <= ended + timedelta(days=grace)
            and (other is None or start_of(other) > ended)
            for started, other in subscriptions
        )
        if not carried_on:
            dates.append(ended)
    return dates


def subscription_label(
    subscriptions: Sequence[Subscription],
    as_of: date,
    gap: int,
    horizon: int,
    grace: int,
    *,
    end_delay: int = 0,
    data_until: date | None = None,
) -> bool | None:
    """Tell whether an account churns in [as_of + gap, as_of + gap + horizon).

    None if the account is not active at `as_of`, if it churned before the window opens (inside
    the gap, or earlier without that being known), or if `data_until` is given and the label is
    not mature.
    """
    reported = grace + end_delay
    if data_until is not None and not is_mature(as_of, gap, horizon, reported, data_until):
        return None
    if not active_at(subscriptions, as_of, end_delay=end_delay):
        return None
    now = start_of(as_of)
    first = now + timedelta(days=gap)
    churned = churn_dates(subscriptions, grace)
    if any(moment < first and not _over(moment, now, end_delay) for moment in churned):
        return None
    return any(first <= moment < first + timedelta(days=horizon) for moment in churned)


def event_over(events_known: Iterable[tuple[datetime, datetime]], as_of: date) -> bool:
    """Tell whether one of the (event_time, known_time) had happened and was known at `as_of`."""
    now = start_of(as_of)
    return any(event < now and known < now for event, known in events_known)


def event_label(
    events_known: Iterable[tuple[datetime, datetime]],
    as_of: date,
    gap: int,
    horizon: int,
    *,
    adverse: bool,
    data_until: date,
) -> bool | None:
    """Tell whether a dated event falls into [as_of + gap, as_of + gap + horizon).

    None if the label is not mature or, for an adverse event, if one came before the window opens:
    inside the gap, or earlier without being known. Eligibility is another question: activity, and
    for an adverse event that none is known to be over.
    """
    if not is_mature(as_of, gap, horizon, 0, data_until):
        return None
    moments = list(events_known)
    now = start_of(as_of)
    first = now + timedelta(days=gap)
    late = any(event < first and not (event < now and known < now) for event, known in moments)
    if adverse and late:
        return None
    return any(first <= event < first + timedelta(days=horizon) for event, _ in moments)
