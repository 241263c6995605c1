"""What a report says of a model of the next renewal alone: its decisions, and its forecast."""

from collections.abc import Sequence

from training.artifact import Artifact
from training.calibrating.bands import BANDS
from training.evaluating import sentences
from training.metrics.losses import LossOnDate
from training.metrics.proportion import Proportion
from training.records.evaluation import DECIDED_BY, DecidedBy, DecisionGroup
from training.reporting import calibration_plots
from training.reporting.page import (
    Part,
    Section,
    Table,
    light,
    number,
    share,
    shares,
    with_interval,
)
from training.reporting.target_words import target_words

WHY = (
    "A monthly contract is decided several times in a window, a yearly one once; and a near "
    "decision shows more of itself than a far one. So the calibration and the error of each colour "
    "are told for each. One calibration and one set of thresholds apply to all of them."
)


def decisions(artifact: Artifact) -> list[Section]:
    """Calibration and bands by term and by days to the decision; none of other models."""
    groups = artifact.evaluation.decisions
    if not groups:
        return []
    parts: list[Part] = [WHY]
    for by in DECIDED_BY:
        own = [group for group in groups if group.by == by]
        parts += [_quality(by, own), _bands(by, own, artifact)]
    return [Section("Decisions", *parts)]


def forecast(artifact: Artifact) -> list[Section]:
    """How good the forecast beside the light was on later dates; none of other models."""
    if artifact.forecast is None:
        return []
    days, judged = artifact.forecast.horizon_days, artifact.forecast.evaluation
    measured = judged.quality
    rows = [
        [
            "observed rate",
            share(measured.base_rate, 1),
            f"{measured.events:,} of {measured.rows:,}",
        ],
        ["predicted rate", share(measured.predicted_rate, 1), ""],
        [
            "observed − predicted",
            with_interval(measured.calibration.in_the_large, 3),
            "ideal 0",
        ],
        ["slope", with_interval(measured.calibration.slope, 2), "ideal 1"],
        ["log loss", with_interval(measured.log_loss, 4), "lower is better"],
        [
            "gain over the base rate",
            with_interval(judged.gain_over_base_rate, 4),
            f"log loss on {sentences.test_dates(judged)}; above 0 = better",
        ],
    ]
    return [
        Section(
            "Forecast",
            f"Beside the light stands the chance that an account leaves within {days} days of the "
            "as-of date, whatever the day of its decision: a model of its own, with labels and a "
            f"calibration of its own, tested on a {judged.kind}, {judged.as_of}.",
            Table("Measures of the forecast", ["measure", "value", "scale"], rows),
            calibration_plots.rates_table(measured.reliability, "The forecast by predicted rate"),
            *_losses(judged.losses),
        )
    ]


def _losses(dates: Sequence[LossOnDate]) -> list[Table]:
    """What was expected to be lost on the test dates, and what was; of those with a known worth."""
    rows = [
        [
            date.as_of,
            number(date.loss.accounts, 0),
            number(date.loss.worth, 0),
            with_interval(date.loss.expected, 0),
            number(date.lost, 0),
        ]
        for date in dates
        if date.loss.accounts
    ]
    head = ["as-of date", "accounts", "worth", "expected to be lost", "lost"]
    return [Table("Expected and lost", head, rows)] if rows else []


def _quality(by: DecidedBy, groups: list[DecisionGroup]) -> Table:
    rows = [
        [
            group.result.segment,
            number(group.result.accounts, 0),
            number(group.result.events, 0),
            share(group.result.observed_rate, 1),
            share(group.result.predicted_rate, 1),
            with_interval(group.result.calibration.in_the_large, 3),
            with_interval(group.result.auc, 2),
        ]
        for group in groups
    ]
    head = [by, "accounts", "events", "observed", "predicted", "observed − predicted", "AUC"]
    return Table(f"By {by}", head, rows)


def _bands(by: DecidedBy, groups: list[DecisionGroup], artifact: Artifact) -> Table:
    rows = [
        [
            group.result.segment,
            light(band),
            number(group.bands[band].accounts, 0),
            number(group.bands[band].churned, 0),
            shares(Proportion(group.bands[band].churned, group.bands[band].accounts).measured),
        ]
        for group in groups
        for band in BANDS
        if band in group.bands and group.bands[band].accounts
    ]
    head = [by, "band", "accounts", target_words(artifact).happened, "rate"]
    return Table(f"Bands by {by}", head, rows)
