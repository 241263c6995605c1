"""Who could leave, and who did: eligibility and label of each target on a grid of as-of dates.

Eligibility uses what was known on the morning of the as-of date; a label looks ahead and counts
only when mature. An account that churned before the label window opens, in the gap or earlier
without our knowing, has no label. All of it is counts of facts in spans, folded by the same
kernel as the features.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.assembling import source_sql
from features.assembling import subscriptions as terms
from features.clock import Span, ahead
from features.declaring.company import Company
from features.declaring.target import Event, Inactivity, Target
from features.folding.fold_plan import EVERY_FACT, FoldReader, TimeFold
from features.sources import Tables

Flags = npt.NDArray[np.bool_]
# Returns the folds of a stream of facts, by its name.
StreamReader = Callable[[str], FoldReader]

STARTS, ENDS, CHURNS = "subscription starts", "subscription ends", "churn days"


@dataclass(frozen=True)
class Labels:
    """Per row: could it happen to the account, what is its label, is it left out.

    `label` holds for eligible accounts in mature rows.
    """

    eligible: Flags
    label: Flags
    left_out: Flags


def label_rows(company: Company, name: str, streams: StreamReader) -> Labels:
    """The outcome of the target `name` in every row."""
    target = company.targets[name]
    if target.inactivity is not None:
        return _silence(target, target.inactivity, streams)
    assert target.event is not None
    if target.contractual:
        return _end_of_subscription(target, name, streams)
    return _event(company, target, target.event, streams)


def subscriptions(target: str, part: str) -> str:
    """The name of a contractual target's stream: its `STARTS`, `ENDS` or `CHURNS`."""
    return f"{part} for {target}"


def _silence(target: Target, part: Inactivity, streams: StreamReader) -> Labels:
    facts, keep = streams(part.source), source_sql.target_filter(part)
    eligible = facts(TimeFold("count", Span(target.active_within), keep)) > 0
    active_later = facts(TimeFold("count", ahead(target.gap, target.horizon_days), keep)) > 0
    return Labels(eligible, ~active_later, np.zeros_like(eligible))


def _event(company: Company, target: Target, part: Event, streams: StreamReader) -> Labels:
    """A dated event; an adverse one happens to an account once and ends its eligibility."""
    events, keep = streams(part.source), source_sql.target_filter(part)
    active = [
        streams(source)(TimeFold("count", Span(target.active_within), EVERY_FACT)) > 0
        for source in _activity(company, target, part)
    ]
    eligible = np.logical_or.reduce(active)
    happened = events(TimeFold("count", ahead(target.gap, target.horizon_days), keep)) > 0
    if not target.adverse:
        return Labels(eligible, happened, np.zeros_like(eligible))
    known_events = events(TimeFold("count", Span(None), keep))
    return Labels(
        eligible & (known_events == 0), happened, _too_soon(target, events, keep, known_events)
    )


def _too_soon(
    target: Target, events: FoldReader, keep: str, known_events: npt.NDArray[np.float64]
) -> Flags:
    """In the gap, or before the as-of date without being known by then."""
    past = events(TimeFold("count", Span(None, known=False), keep))
    unknown: Flags = past > known_events
    if not target.gap:
        return unknown
    return unknown | (events(TimeFold("count", ahead(0, target.gap), keep)) > 0)


def _activity(company: Company, target: Target, part: Event) -> list[str]:
    """The sources whose facts make an account active: by default all but the event's own."""
    if target.active is not None:
        return [target.active]
    facts = [
        name
        for name, source in company.sources.items()
        if source.account is not None and source.event_time is not None
    ]
    return [name for name in facts if name != part.source] or facts


def _end_of_subscription(target: Target, name: str, streams: StreamReader) -> Labels:
    """An account churns at the end of a subscription that no other continues within the grace."""

    def known(part: str) -> npt.NDArray[np.float64]:
        return streams(subscriptions(name, part))(TimeFold("count", Span(None)))

    churned = streams(subscriptions(name, CHURNS))
    happened = churned(TimeFold("count", ahead(target.gap, target.horizon_days))) > 0
    too_soon = _too_soon(target, churned, EVERY_FACT, known(CHURNS))
    return Labels(known(STARTS) > known(ENDS), happened, too_soon)


def streams_of_subscriptions(tables: Tables, name: str) -> Iterator[tuple[str, str]]:
    """The streams of a contractual target, each with the SELECT of its facts.

    Once for each subscription when it begins; again when it is over and we know, from when on the
    two cancel out; and at the end of each that no other continues.
    """
    part = tables.company.targets[name].event
    assert part is not None
    rows = terms.stored(tables, part)
    begun = f"SELECT account, event_time, known_time FROM ({rows})"
    known_at = "greatest(known_time, ended, ended_known)"
    over = (
        f"SELECT account, {known_at} AS event_time, {known_at} AS known_time FROM ({rows}) "
        "WHERE ended IS NOT NULL AND ended_known IS NOT NULL"
    )
    for kind, query in ((STARTS, begun), (ENDS, over), (CHURNS, terms.churns(rows, part))):
        yield subscriptions(name, kind), query
