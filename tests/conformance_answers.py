"""What the oracle says of the conformance company, from the same rows that were written."""

from datetime import date, timedelta
from functools import cache
from typing import cast

from conformance_cases import KEYS, Row, rows, segment, since
from conformance_indicators import INDICATORS, SOURCES
from declared_measures import TOPICS, Indicator
from keyword_oracle import mentions
from measure_oracle import Answers, Fact, MeasureName, measure, peer_rank, quotient, start_of

BY_NAME = {indicator.name: indicator for indicator in INDICATORS}
# A first day carries no zone: it begins nowhere earlier than at UTC+14.
EARLIEST_ZONE = timedelta(hours=14)
_ROWS = cache(rows)


def present(as_of: date) -> list[str]:
    """Return the accounts whose first day came before the as-of date."""
    return [key for key in KEYS if (first := since(key)) is not None and first < as_of]


def windows(indicator: Indicator) -> tuple[int | None, ...]:
    """Return the windows of an indicator, which others may say for it."""
    if indicator.windows:
        return indicator.windows
    more = indicator.more
    return windows(BY_NAME[more["over"] if "over" in more else more["of"]])


def answers(indicator: Indicator, days: int | None, as_of: date) -> Answers:
    """Return the value of every account that is there at `as_of`, over one window."""
    more = indicator.more
    if indicator.measure == "quotient":
        per = BY_NAME[more["per"]]
        same = days if days in per.windows else per.windows[0]
        return quotient(answers(BY_NAME[more["over"]], days, as_of), answers(per, same, as_of))
    if indicator.measure == "peer_rank":
        of = answers(BY_NAME[more["of"]], days, as_of)
        return peer_rank(of, {key: segment(key) for key in of})
    source = next(source for source in SOURCES if source.name == indicator.source)
    accounts = present(as_of)
    return measure(
        _facts(indicator),
        as_of,
        accounts=accounts,
        window_days=days,
        measure=cast("MeasureName", indicator.measure),
        absent=source.absent,
        history={key: (as_of - (since(key) or as_of)).days for key in accounts},
        **more,
    )


@cache
def _facts(indicator: Indicator) -> tuple[Fact, ...]:
    source = next(source for source in SOURCES if source.name == indicator.source)
    made = (_fact(row, indicator) for row in _ROWS(source))
    return tuple(fact for fact in made if fact is not None)


def _fact(row: Row, indicator: Indicator) -> Fact | None:
    """Return the row as the indicator sees it; None if its key or time is broken."""
    first = since(row.account) if row.account in KEYS else None
    if row.account is None or row.at is None or row.known is None or first is None:
        return None
    if row.at < start_of(first) - EARLIEST_ZONE:
        return None
    keep = indicator.where is None or row.keep is True
    if indicator.about:
        text, topic = indicator.about
        keep = keep and mentions(getattr(row, text), TOPICS[topic])
    value = getattr(row, indicator.value) if indicator.value else True
    return Fact(row.account, row.at, row.known, value, keep)
