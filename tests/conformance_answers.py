"""What the oracle says of the conformance companies, from the same rows that were written.

The first company has a table of accounts with texts for keys; the second derives its accounts from
`bills`, whose keys are whole numbers.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import cast

import conformance_cases as cases
from conformance_cases import KEYS, Row
from conformance_indicators import INDICATORS, SOURCES
from declared_measures import TOPICS, Indicator
from keyword_oracle import mentions
from measure_oracle import (
    Answers,
    Fact,
    MeasureName,
    is_known,
    measure,
    peer_rank,
    quotient,
    start_of,
)

BY_NAME = {indicator.name: indicator for indicator in INDICATORS}
# A first day carries no zone: it begins nowhere earlier than at UTC+14.
EARLIEST_ZONE = timedelta(hours=14)
DERIVED_FROM = next(source for source in SOURCES if source.name == "bills")
_ROWS = cache(cases.rows)


def windows(indicator: Indicator) -> tuple[int | None, ...]:
    """Return the windows of an indicator, which others may say for it."""
    if indicator.windows:
        return indicator.windows
    more = indicator.more
    return windows(BY_NAME[more["over"] if "over" in more else more["of"]])


@dataclass(frozen=True)
class Truth:
    """The oracle's view of one of the two companies."""

    derived: bool = False

    def history(self, as_of: date) -> dict[str, int]:
        """Return since how many days each account that is there at `as_of` exists."""
        if self.derived:
            return _days_since_first_known(as_of)
        days = {key: (as_of - first).days for key in KEYS if (first := cases.since(key))}
        return {key: number for key, number in days.items() if number > 0}

    def segment(self, key: str) -> str | None:
        """Return the account's segment."""
        return None if self.derived else cases.segment(key)

    def answers(self, indicator: Indicator, days: int | None, as_of: date) -> Answers:
        """Return the value of every account that is there at `as_of`, over one window."""
        return _answers(self, indicator, days, as_of)


@cache
def _answers(truth: Truth, indicator: Indicator, days: int | None, as_of: date) -> Answers:
    """Return what `Truth.answers` promises; every engine is asked for the same."""
    more = indicator.more
    if indicator.measure == "quotient":
        per = BY_NAME[more["per"]]
        same = days if days in per.windows else per.windows[0]
        over = truth.answers(BY_NAME[more["over"]], days, as_of)
        return quotient(over, truth.answers(per, same, as_of))
    if indicator.measure == "peer_rank":
        of = truth.answers(BY_NAME[more["of"]], days, as_of)
        return peer_rank(of, {key: truth.segment(key) for key in of})
    history = truth.history(as_of)
    return measure(
        _facts(indicator, derived=truth.derived),
        as_of,
        accounts=list(history),
        window_days=days,
        measure=cast("MeasureName", indicator.measure),
        absent=next(source.absent for source in SOURCES if source.name == indicator.source),
        history=history,
        **more,
    )


@cache
def _days_since_first_known(as_of: date) -> dict[str, int]:
    first: dict[str, date] = {}
    for row in _ROWS(DERIVED_FROM):
        fact = _whole(row)
        if fact is not None and is_known(fact, as_of):
            key, day = _derived(fact.account), fact.event_time.date()
            first[key] = min(day, first.get(key, day))
    return {key: (as_of - day).days for key, day in first.items()}


def _derived(account: str) -> str:
    return str(cases.number_of(account))


@cache
def _facts(indicator: Indicator, *, derived: bool) -> tuple[Fact, ...]:
    source = next(source for source in SOURCES if source.name == indicator.source)
    made = (_fact(row, indicator, derived) for row in _ROWS(source))
    return tuple(fact for fact in made if fact is not None)


def _fact(row: Row, indicator: Indicator, derived: bool) -> Fact | None:
    """Return the row as the indicator sees it; None if it belongs to no account or no time."""
    whole = _whole(row)
    if whole is None or not (derived or _signed_up(whole)):
        return None
    keep = indicator.where is None or row.keep is True
    if indicator.about:
        text, topic = indicator.about
        keep = keep and mentions(getattr(row, text), TOPICS[topic])
    value = getattr(row, indicator.value) if indicator.value else True
    account = _derived(whole.account) if derived else whole.account
    return Fact(account, whole.event_time, whole.known_time, value, keep)


def _whole(row: Row) -> Fact | None:
    if row.account is None or row.at is None or row.known is None:
        return None
    return Fact(row.account, row.at, row.known)


def _signed_up(fact: Fact) -> bool:
    first = cases.since(fact.account) if fact.account in KEYS else None
    return first is not None and fact.event_time >= start_of(first) - EARLIEST_ZONE
