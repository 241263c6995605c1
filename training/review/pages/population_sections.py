"""How all accounts fare under the models, in tables: drift, flaps, lead times and coverage."""

from training.reporting.page import Part, Section, Table, number, share
from training.review.by_model import ROLES
from training.review.content import ReviewContent
from training.review.pages.long_tables import MOST, note_of_rest
from training.review.pages.migration_section import STATUSES
from training.review.sections.coverage import SegmentCoverage
from training.review.sections.drift import MeasuredShift, ReviewDrift, ReviewedColumn
from training.review.sections.flaps import Flaps
from training.review.sections.lead_times import LeadTime, ReviewLeadTimes

FLAPS, LEAD_TIMES = "Flaps", "Lead times"


def drift_section(drift: ReviewDrift) -> Section:
    """How far the champion's columns and scores have moved since its training."""
    before, after = drift.accounts
    return Section(
        "Drift",
        f"How far the champion's columns and scores have moved from {drift.since}, its last "
        f"training date ({before:,} scored accounts), to {drift.until} ({after:,}), by the "
        "population stability index (0 = no change). A shift is major when the index exceeds by "
        f"more than {drift.major_above} what chance alone reaches 1 time in 20.",
        _shifts(drift),
        _statuses_then_and_now(drift),
    )


def _shifts(drift: ReviewDrift) -> Table:
    rows = [_shift("The champion's scores", "", drift.scores)] if drift.scores else []
    rows += [_column_shift(column) for column in drift.columns[:MOST]]
    head = ["indicator", "column", "index", "by chance (1 in 20)", "shift"]
    return Table("Shift of scores and columns", head, rows, note_of_rest(drift.columns))


def _column_shift(column: ReviewedColumn) -> list[str]:
    return _shift(column.title, column.column, column)


def _shift(title: str, column: str, shift: MeasuredShift) -> list[str]:
    return [title, column, number(shift.index), number(shift.by_chance), _size(shift)]


def _size(shift: MeasuredShift) -> str:
    """The size of a shift in words; empty where it may be chance alone."""
    if shift.major:
        return "major"
    return "beyond chance" if shift.index > shift.by_chance else ""


def _statuses_then_and_now(drift: ReviewDrift) -> Table:
    names = list(drift.statuses[0].shares)
    rows = [
        [str(day.as_of), *(share(day.shares[name], 1) for name in names)] for day in drift.statuses
    ]
    head = ["as-of date", *(STATUSES[name] for name in names)]
    return Table("Share of scored accounts, by the champion", head, rows)


def flaps_section(flaps: Flaps) -> Section:
    """How often bands change from week to week, as shown and as announced."""
    rows = [
        [
            f"{role}, {kind}",
            number(changes.account_weeks, 0),
            number(changes.changes, 0),
            number(changes.changes_per_100, 2),
            number(changes.flaps, 0),
            number(changes.flaps_per_100, 2),
            number(delay, 2),
        ]
        for role in ROLES
        for of_model in [flaps.models.of(role)]
        for kind, changes, delay in (
            ("shown", of_model.band, None),
            ("announced", of_model.announced, of_model.delay_weeks),
        )
    ]
    head = [
        "bands",
        "account-weeks",
        "changes",
        "changes per 100",
        "flaps",
        "flaps per 100",
        "delay (weeks)",
    ]
    return Section(
        FLAPS,
        f"Weekly scores from {flaps.since} to {flaps.until}. A flap is a change of band that is "
        f"reversed within {flaps.taken_back_within_weeks} weeks. A change is announced once the "
        f"score is {number(flaps.margin, 0)} points beyond the band's edge, or stays beyond it "
        "for two weeks in a row, which delays the announcement by a week.",
        Table("Changes of band", head, rows, "Rates are per 100 account-weeks."),
    )


def lead_times_section(lead_times: ReviewLeadTimes) -> Section:
    """The indicators whose lead time differs between the two trainings."""
    rows = [
        [_title(indicator.models.champion, indicator.models.challenger) or indicator.indicator]
        + [_lead(indicator.models.of(role)) for role in ROLES]
        for indicator in lead_times.indicators
        if indicator.changed
    ]
    every = len(lead_times.indicators)
    parts: list[Part] = [
        (
            f"{len(rows)} of {every} indicators have another lead time than when the champion was "
            "trained."
        )
    ]
    if rows:
        parts.append(Table("Lead times that changed", ["indicator", *ROLES], rows))
    return Section(LEAD_TIMES, *parts)


def _title(*lead_times: LeadTime | None) -> str:
    """The indicator's latest title."""
    titles = [lead_time.title for lead_time in lead_times if lead_time]
    return titles[-1] if titles else ""


def _lead(lead_time: LeadTime | None) -> str:
    if lead_time is None:
        return "not measured"
    if lead_time.lead_days is None:
        return lead_time.finding
    more = " or more" if lead_time.open_ended else ""
    return f"{lead_time.finding}, {lead_time.lead_days} days{more}"


def coverage_section(content: ReviewContent) -> Section:
    """Who is scored, per segment, and how many indicators are known."""
    head = [
        "segment",
        "accounts",
        "eligible",
        *(f"{role}: {name}" for role in ROLES for name in ("scored", "completeness")),
    ]
    return Section(
        "Coverage",
        f"Accounts on {content.as_of}. “Scored” is the share of eligible accounts with a score; "
        "“completeness” is the average share of the model's indicators that are known for them.",
        Table("Coverage by segment", head, [_covered(segment) for segment in content.coverage]),
    )


def _covered(segment: SegmentCoverage) -> list[str]:
    cells = [
        share(part)
        for of_model in segment.models
        for part in (of_model.share_scored, of_model.completeness)
    ]
    return [segment.segment, number(segment.accounts, 0), number(segment.eligible, 0), *cells]
