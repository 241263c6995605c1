"""Point-in-time measures, computed the slow and obvious way.

The tests compare the product with this module. Its one design rule: written from the definition
alone, one fact at a time, and importing nothing of the product, so that a shared mistake is
unlikely. Labels have their own: `outcome_oracle`; so have texts: `keyword_oracle`.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

Value = float | str | bool | date
Answers = dict[str, Value | None]
Absent = Literal["zero", "missing"]
RatioOf = Literal["count", "sum"]
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
    "change",
    "days_until",
    "longest_silence",
    "deviation",
]

ZERO_WHEN_ABSENT = ("count", "sum", "distinct")
FEWEST_PEERS = 20


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
        What the indicator's `value` yields in this row; None is null, and a number that is not
        finite is no measurement either. An indicator without a `value` counts rows: give such
        facts any constant, for example True. A timestamp is in UTC, as times are.
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
        moments = [self.event_time, self.known_time]
        moments += [self.value] if isinstance(self.value, datetime) else []
        for moment in moments:
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
    lag_days: int | None = None,
    shrink: float = 0.0,
    history: Mapping[str, int] | None = None,
    absent: Absent = "zero",
    share_of: Value = True,
) -> Answers:
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
    of
        What to compare, for "ratio" only.
    earlier_days
        The days of the earlier span, for "ratio"; for "deviation" those of the baseline, a
        multiple of the window.
    lag_days
        How many days before `as_of` the earlier span of a "ratio" ends; None is the window.
    shrink
        How many pseudo-facts pull a "ratio" of counts towards 1.
    history
        Since how many days each account is there; None: for longer than any measure asks.
    absent
        What no row in a window means for count, sum and distinct: 0 or null; a ratio, a silence
        and a deviation are null. Rows that are not kept or null were reported all the same.
    share_of
        The value whose share is asked for, for "share" only.

    Raises
    ------
    ValueError
        If a measure lacks one of its own parameters, or it is out of its range.
    TypeError
        If a text stands where the measure needs a number.
    """
    terms = _Terms(quantile, of, earlier_days, lag_days, shrink, absent, share_of)
    reported: dict[str, list[Fact]] = {account: [] for account in accounts}
    now = start_of(as_of)
    for fact in facts:
        if fact.account in reported and is_known(fact, now):
            reported[fact.account].append(fact)
    since = history or {}
    return {
        account: _answer(mine, _Question(as_of, window_days, measure, since.get(account), terms))
        for account, mine in reported.items()
    }


def quotient(over: Mapping[str, Value | None], per: Mapping[str, Value | None]) -> Answers:
    """Return `over` / `per` of every account; null where either is null or `per` is 0."""
    answers: Answers = {}
    for account, numerator in over.items():
        denominator = per[account]
        if numerator is None or denominator is None or _as_number(denominator) == 0:
            answers[account] = None
        else:
            answers[account] = _as_number(numerator) / _as_number(denominator)
    return answers


def peer_rank(values: Mapping[str, Value | None], segments: Mapping[str, str | None]) -> Answers:
    """Return each account's mid-rank in 0..1 among the accounts of its segment.

    `values` holds all accounts that are there at one as-of date, `segments` the segment of each.
    Null where an account's own value is null, or where fewer than 20 of its segment have one.
    """
    answers: Answers = {}
    for account, value in values.items():
        peers = [
            _as_number(other)
            for name, other in values.items()
            if other is not None and segments[name] == segments[account]
        ]
        if value is None or len(peers) < FEWEST_PEERS:
            answers[account] = None
            continue
        lower = sum(other < _as_number(value) for other in peers)
        equal = sum(other == _as_number(value) for other in peers)
        answers[account] = (lower + 0.5 * equal) / len(peers)
    return answers


def is_known(fact: Fact, as_of: date) -> bool:
    """Tell whether `fact` had happened and was known at `as_of`."""
    now = start_of(as_of)
    return fact.event_time < now and fact.known_time < now


def usable(fact: Fact, as_of: date) -> bool:
    """Tell whether `fact` was kept, has a value, and had happened and was known at `as_of`."""
    return _counts(fact) and is_known(fact, as_of)


def within(facts: Iterable[Fact], end: date, days: int | None) -> list[Fact]:
    """Return the facts that happened in [end - days, end); `days` None has no beginning."""
    stop = start_of(end)
    before = [fact for fact in facts if fact.event_time < stop]
    if days is None:
        return before
    first = stop - timedelta(days=days)
    return [fact for fact in before if fact.event_time >= first]


@dataclass(frozen=True)
class _Terms:
    quantile: float | None
    of: RatioOf | None
    earlier_days: int | None
    lag_days: int | None
    shrink: float
    absent: Absent
    share_of: Value


@dataclass(frozen=True)
class _Question:
    as_of: date
    window_days: int | None
    measure: MeasureName
    history_days: int | None
    terms: _Terms

    def border(self, days: int) -> datetime:
        """Return the moment `days` days before the as-of date."""
        return start_of(self.as_of) - timedelta(days=days)

    def too_young(self, days: int) -> bool:
        """Tell whether the account is there for fewer than `days` days."""
        return self.history_days is not None and self.history_days < days


def _answer(reported: Sequence[Fact], question: _Question) -> Value | None:
    if question.measure in _OF_SPANS:
        return _OF_SPANS[question.measure](reported, question)
    every = within(reported, question.as_of, question.window_days)
    inside = _counting(every)
    if not inside:
        zero = question.measure in ZERO_WHEN_ABSENT and not _unknown(every, question)
        return 0.0 if zero else None
    return _MEASURES[question.measure](inside, question)


def _counts(fact: Fact) -> bool:
    if isinstance(fact.value, float) and not math.isfinite(fact.value):
        return False
    return fact.keep and fact.value is not None


def _counting(reported: Sequence[Fact]) -> list[Fact]:
    return [fact for fact in reported if _counts(fact)]


def _unknown(every: Sequence[Fact], question: _Question) -> bool:
    return not every and question.terms.absent == "missing"


def _as_number(value: Value) -> float:
    if isinstance(value, str | date):
        raise TypeError(f"{value!r} is not a number")
    return float(value)


def _number(fact: Fact) -> float:
    if fact.value is None or isinstance(fact.value, str | date):
        raise TypeError(f"account {fact.account}: {fact.value!r} is not a number")
    return float(fact.value)


def _sum(facts: Sequence[Fact]) -> float:
    return math.fsum(_number(fact) for fact in facts)


def _share(facts: Sequence[Fact], share_of: Value) -> float:
    return sum(fact.value == share_of for fact in facts) / len(facts)


def _latest(facts: Sequence[Fact]) -> Value | None:
    # Tuples compare left to right, which is the order in which ties are broken.
    keys: list[tuple[Any, ...]] = [(f.event_time, _known(f), f.value) for f in facts]
    latest: Value | None = max(keys)[2]
    return latest


def _known(fact: Fact) -> datetime:
    # Nothing is known before it has happened, whatever was announced.
    return max(fact.event_time, fact.known_time)


def _days(event_time: datetime, as_of: date) -> float:
    return float((start_of(as_of).date() - event_time.date()).days)


def _days_until(facts: Sequence[Fact], as_of: date) -> float:
    due = _latest(facts)
    if not isinstance(due, date):
        raise TypeError(f"measure days_until: {due!r} is no date")
    day = due.date() if isinstance(due, datetime) else due
    return float((day - start_of(as_of).date()).days)


def _quantile(facts: Sequence[Fact], level: float | None) -> float:
    if level is None or not 0 <= level <= 1:
        raise ValueError(f"measure quantile: quantile is {level!r}; give a number in 0..1")
    ordered = sorted(_number(fact) for fact in facts)
    position = (len(ordered) - 1) * level
    below = ordered[math.floor(position)]
    above = ordered[math.ceil(position)]
    return below + (above - below) * (position - math.floor(position))


def _ratio(reported: Sequence[Fact], question: _Question) -> float | None:
    terms, days, earlier_days = question.terms, question.window_days, question.terms.earlier_days
    if days is None or earlier_days is None or terms.of is None:
        raise ValueError("measure ratio: give window_days, earlier_days and of")
    lag = days if terms.lag_days is None else terms.lag_days
    if lag < days or (terms.shrink and terms.of != "count") or terms.shrink < 0:
        raise ValueError("measure ratio: lag_days >= window_days; shrink >= 0, for counts only")
    every = within(reported, question.as_of, days)
    if question.too_young(lag + earlier_days) or _unknown(every, question):
        return None
    recent = _amount(every, terms.of)
    earlier = _amount(within(reported, question.border(lag), earlier_days), terms.of)
    # `shrink` facts that never happened, spread evenly over all the days that are looked at.
    recent += terms.shrink * days / (days + earlier_days)
    earlier += terms.shrink * earlier_days / (days + earlier_days)
    return None if earlier == 0 else (recent / days) / (earlier / earlier_days)


def _amount(every: Sequence[Fact], of: RatioOf) -> float:
    facts = _counting(every)
    return _sum(facts) if of == "sum" else float(len(facts))


def _change(reported: Sequence[Fact], question: _Question) -> float | None:
    days = _bounded(question)
    new = _counting(within(reported, question.as_of, days))
    old = _counting(within(reported, question.border(days), None))
    if not new or not old:
        return None
    return _as_number(_latest(new) or 0.0) - _as_number(_latest(old) or 0.0)


def _longest_silence(reported: Sequence[Fact], question: _Question) -> float | None:
    days = _bounded(question)
    every = within(reported, question.as_of, days)
    if question.too_young(days) or _unknown(every, question):
        return None
    busy = {fact.event_time.date() for fact in _counting(every)}
    longest = run = 0
    for ago in range(days, 0, -1):
        run = 0 if question.border(ago).date() in busy else run + 1
        longest = max(longest, run)
    return float(longest)


def _deviation(reported: Sequence[Fact], question: _Question) -> float | None:
    days, baseline = _bounded(question), question.terms.earlier_days
    if baseline is None or baseline % days or baseline < 3 * days:
        raise ValueError("measure deviation: earlier_days is 3 or more times window_days")
    everything = within(reported, question.as_of, days + baseline)
    if question.too_young(days + baseline) or _unknown(everything, question):
        return None
    recent, *counts = (
        len(_counting(within(reported, question.border(ago), days)))
        for ago in range(0, days + baseline, days)
    )
    mean = sum(counts) / len(counts)
    variance = sum((count - mean) ** 2 for count in counts) / (len(counts) - 1)
    return (recent - mean) / max(math.sqrt(variance), math.sqrt(max(mean, 1.0)))


def _bounded(question: _Question) -> int:
    if question.window_days is None:
        raise ValueError(f"measure {question.measure}: give window_days")
    return question.window_days


_MEASURES: dict[str, Callable[[Sequence[Fact], _Question], Value | None]] = {
    "count": lambda facts, _: float(len(facts)),
    "sum": lambda facts, _: _sum(facts),
    "mean": lambda facts, _: _sum(facts) / len(facts),
    "max": lambda facts, _: max(_number(fact) for fact in facts),
    "min": lambda facts, _: min(_number(fact) for fact in facts),
    "share": lambda facts, question: _share(facts, question.terms.share_of),
    "distinct": lambda facts, _: float(len({fact.value for fact in facts})),
    "latest": lambda facts, _: _latest(facts),
    "days_since": lambda facts, question: _days(
        max(fact.event_time for fact in facts), question.as_of
    ),
    "days_since_first": lambda facts, question: _days(
        min(fact.event_time for fact in facts), question.as_of
    ),
    "days_until": lambda facts, question: _days_until(facts, question.as_of),
    "quantile": lambda facts, question: _quantile(facts, question.terms.quantile),
}
_OF_SPANS: dict[str, Callable[[Sequence[Fact], _Question], float | None]] = {
    "ratio": _ratio,
    "change": _change,
    "longest_silence": _longest_silence,
    "deviation": _deviation,
}
