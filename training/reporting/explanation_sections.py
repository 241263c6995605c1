"""What moves scores and how far to trust it: drivers, certificate, range, lead times, drift."""

from collections.abc import Sequence

from features.breaches.drift import MAJOR
from training.artifact import Artifact
from training.metrics.quality import ShadowColumn
from training.records.evaluation import (
    Certificate,
    Drift,
    IndicatorLead,
    IndicatorLeads,
)
from training.reporting import driver_plots, lead_plots, plots
from training.reporting.page import UNKNOWN, Note, Part, Section, Table, number, share
from training.reporting.target_words import points_name


def drivers(artifact: Artifact) -> Section:
    """Which indicators move scores."""
    text = (
        "Exact Shapley values in points of the score, added up per indicator; base and drivers sum "
        "to the score. They show what moves the score, not why customers act."
    )
    strengths = artifact.evaluation.drivers
    if strengths is None:
        return Section("Drivers", text)
    return Section("Drivers", text, driver_plots.summary(strengths, points_name(artifact)))


def score_range(artifact: Artifact) -> Section:
    """How wide the range around a score is, and how often it covered where it was measured."""
    title, interval = "Likely range of a score", artifact.evaluation.interval
    if interval is None:
        return Section(
            title, "Not measured, because there are too few accounts: the range is the whole scale."
        )
    return Section(
        title,
        f"With all values known, the range reaches {number(interval.half_width, 1)} points to "
        "either side of the score; every missing value widens it. The aim is that 9 in 10 scores "
        "of models trained on a different sample of accounts lie within it. In the checks, "
        f"{share(interval.covered, 1)} did; the range was then widened by a factor of "
        f"{number(interval.widened, 2)}. With values removed, "
        f"{share(interval.covered_with_losses, 1)} did.",
    )


def certificate(made: Certificate) -> Section:
    """The checks of the explanations, and those that failed."""
    rows = [
        [
            check.name,
            check.says,
            UNKNOWN if check.value is None else f"{check.value:.3g}",
            f"{check.aim} {check.threshold:g}",
            number(check.cases, 0),
            _result(check.passed),
        ]
        for check in made.checks
    ]
    failed = [check.name for check in made.failed]
    verdict = Note("Every check that could be made has passed.", "good")
    if failed:
        verdict = Note(f"Failed: {', '.join(failed)}.", "caution")
    head = ["check", "measures", "value", "target", "cases", "result"]
    table = Table(f"Checks on {made.as_of}", head, rows)
    return Section("Certificate of the explanations", verdict, table)


def _result(passed: bool | None) -> str:
    return {True: "passed", False: "failed", None: "nothing to check"}[passed]


def lead_times(measured: IndicatorLeads) -> Section:
    """How long before churn each indicator separates, on month starts."""
    leading = [each for each in measured.indicators if each.lead_days is not None]
    others = [each.title for each in measured.indicators if each.lead_days is None]
    rows = [
        [each.title, each.declared or UNKNOWN, each.finding, _lead(each)]
        for each in sorted(leading, key=lambda each: -(each.lead_days or 0))
    ]
    text = (
        f"On as-of dates {measured.step_days} days apart, {measured.churners:,} accounts that "
        "churned are compared with accounts at risk of similar tenure. Thick line: the separation "
        f"is significant. Dashed line: the gap of {measured.gap_days} days. churnlight lead-time "
        "measures in weekly steps."
    )
    parts: list[Part] = [text, *lead_plots.curves(measured)]
    if rows:
        parts.append(Table("Leads", ["indicator", "declared", "measured", "lead"], rows))
    if others:
        parts.append(f"Without a significant lead: {', '.join(others)}.")
    return Section("Lead times", *parts)


def _lead(indicator: IndicatorLead) -> str:
    return f"{indicator.lead_days} days{' or more' if indicator.open_ended else ''}"


def drift(measured: Drift) -> Section:
    """How far the columns have moved in the history."""
    text = (
        f"Population stability index of {measured.columns} columns from {measured.since} to "
        f"{measured.until}. 0 = no change; {MAJOR} or more is commonly called major."
    )
    return Section("Drift", text, plots.shift(measured.furthest, "Columns that moved furthest"))


def shadows(columns: Sequence[ShadowColumn]) -> Section:
    """Indicators that are computed and move no score yet."""
    rows = [[column.column, share(column.known), number(column.auc)] for column in columns]
    return Section(
        "Shadow indicators",
        "They are computed and reported, but move no score.",
        Table("Each column by itself", ["column", "known", "AUC"], rows),
    )
