"""How good a model of the next renewal is for each kind of decision: a section of its report."""

from training.artifact import Artifact
from training.calibrating.bands import BANDS
from training.metrics.proportion import Proportion
from training.records.evaluation import DECIDED_BY, DecidedBy, DecisionGroup
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
