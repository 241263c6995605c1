"""Labels and eligibility, computed the slow and obvious way: the twin of `measure_oracle`.

Its one design rule is that of its twin: written from the definition alone, importing nothing of
the product.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

from measure_oracle import start_of

Subscription = tuple[date, date | None]


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


def continued_within(grace: int) -> int:
    """Return within how many days another subscription continues one that ended.

    A change of plan closes one row and opens the next on the same day or, where the last day is
    still paid for, on the next: a day at least.
    """
    return max(grace, 1)


def churn_dates(subscriptions: Sequence[Subscription], grace: int) -> list[datetime]:
    """Return the ends that no other subscription outlives, having started in time.

    In time is within `continued_within(grace)` days. One that ended on the day on which it
    started continues nothing.
    """
    dates = []
    for ended in (start_of(ended) for _, ended in subscriptions if ended is not None):
        carried_on = any(
            start_of(started) <= ended + timedelta(days=continued_within(grace))
            and (other is None or start_of(other) > ended)
            and (other is None or other > started)
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
    reported = continued_within(grace) + end_delay
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
