"""Champion against challenger in tables and figures."""

from collections.abc import Iterator
from dataclasses import replace

from training.reporting import gains_plots
from training.reporting.page import (
    Figure,
    Part,
    Section,
    Table,
    number,
    sentence,
    share,
    shares,
    with_interval,
)
from training.review.by_model import ROLES
from training.review.comparison import ComparisonResult, ModelComparison
from training.review.content import ReviewContent
from training.review.pages.ledger_section import MRR_TODAY


def comparison_section(content: ReviewContent) -> Section:
    """On which dates the models are compared, and how they do there."""
    comparison = content.comparison
    parts: list[Part] = [sentence(comparison.explanation)]
    if comparison.since_the_champion:
        parts.append(_matured_dates(comparison))
    if comparison.result:
        parts += [
            _levels(content, comparison.result),
            _by_date(content, comparison.result),
            _team_value(content, comparison.result),
            *_gains(content, comparison.result),
            _segments(content, comparison.result),
        ]
    return Section("Champion against challenger", *parts)


def _matured_dates(comparison: ModelComparison) -> Table:
    used = set(comparison.as_of)
    return Table(
        "As-of dates that have matured since the champion was trained",
        ["as-of date", "for the champion", "for the challenger", "compared on"],
        [
            [str(day.as_of), day.champion, day.challenger, "yes" if day.as_of in used else ""]
            for day in comparison.since_the_champion
        ],
        "Trained on: the model was trained on this date. Overlapping: some of its outcomes fall in "
        "the same time as training outcomes. Unseen: all training outcomes were settled by then.",
    )


def _levels(content: ReviewContent, result: ComparisonResult) -> Table:
    both = list(result.quality)
    rows = [
        ["AUC", *(number(model.auc, 4) for model in both)],
        ["log loss", *(number(model.log_loss, 4) for model in both)],
        ["ECE", *(number(model.ece, 4) for model in both)],
        ["predicted rate", *(number(model.predicted_rate, 4) for model in both)],
    ]
    return Table(
        f"{result.rows:,} rows of {result.accounts:,} accounts, {result.events:,} "
        f"{content.words.happened} ({share(result.base_rate, 1)})",
        ["measure", "champion", "challenger"],
        rows,
        "Gains of the challenger, paired by row (above 0 = better): log loss "
        f"{with_interval(result.log_loss_gain, 4)}, AUC {with_interval(result.auc_gain, 4)}.",
    )


def _by_date(content: ReviewContent, result: ComparisonResult) -> Table:
    rows = [
        [
            str(day.as_of),
            number(day.rows, 0),
            share(day.base_rate, 1),
            *(number(levels.log_loss, 4) for levels in day.levels),
            with_interval(day.log_loss_gain, 4),
        ]
        for day in result.by_as_of
    ]
    losses = [f"log loss, {role}" for role in ROLES]
    head = ["as-of date", "rows", content.words.happened, *losses, "gain"]
    return Table("By as-of date", head, rows)


def _team_value(content: ReviewContent, result: ComparisonResult) -> Table:
    day = result.valued
    models, came = list(day.value), content.words.happened
    name = "At risk" if content.adverse else "opportunity"
    capacity = [model.at_capacity for model in models]
    first, revenue = [model.worked_first for model in models], [model.revenue for model in models]
    rows = [
        ["accounts worked at capacity", *(number(at.accounts, 0) for at in capacity)],
        ["precision at capacity", *(shares(at.precision) for at in capacity)],
        ["lift at capacity", *(with_interval(at.lift, 2) for at in capacity)],
        [f"share of all that {came} among them", *(shares(at.reach) for at in capacity)],
        [f"accounts: {name}", *(number(worked.accounts, 0) for worked in first)],
        [f"precision: {name}", *(share(worked.precision, 1) for worked in first)],
    ]
    priced = any(amount and amount.known for amount in revenue)
    if priced:
        shares_caught = [share(amount.share if amount else None, 1) for amount in revenue]
        rows.append(["share of churned MRR that was At risk", *shares_caught])
    return Table(
        f"Value to the team on {day.as_of} (capacity {share(content.capacity)})",
        ["measure", *ROLES],
        rows,
        MRR_TODAY if priced else "",
    )


def _gains(content: ReviewContent, result: ComparisonResult) -> Iterator[Figure]:
    """The cumulative gains of either model on the date that shows the value to the team."""
    day = result.valued
    for role in ROLES:
        curve = day.value.of(role).gains
        drawn = gains_plots.gains(curve, content.capacity, content.words)
        title = f"{drawn.title}, {role}, {day.as_of}"
        yield replace(drawn, name=f"gains-{role}", title=title)


def _segments(content: ReviewContent, result: ComparisonResult) -> Table:
    rows = [
        [
            segment.segment,
            number(segment.rows, 0),
            share(segment.base_rate, 1),
            *(share(rate, 1) for rate in segment.predicted_rate),
            with_interval(segment.log_loss_gain, 4) if segment.log_loss_gain else "too few rows",
        ]
        for segment in result.segments
    ]
    predicted = [f"predicted, {role}" for role in ROLES]
    head = ["segment", "rows", content.words.happened, *predicted, "log loss gain"]
    return Table("By segment", head, rows)
