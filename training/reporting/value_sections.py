"""The value of a model to the team: value at its capacity, bands or opportunities, segments."""

from training.artifact import Artifact
from training.calibrating.bands import BAND_WORDS, BANDS
from training.calibrating.health import Anchors
from training.calibrating.opportunity import Edge
from training.evaluating import sentences
from training.metrics.proportion import Proportion
from training.metrics.worth import RevenueCaught
from training.records.evaluation import Evaluation
from training.reporting import calibration_plots, gains_plots, plots
from training.reporting.page import (
    Figure,
    Note,
    Part,
    Section,
    Table,
    light,
    number,
    sentence,
    share,
    shares,
    with_interval,
)
from training.reporting.target_words import target_words


def value(artifact: Artifact, *, drawn: bool = True) -> Section:
    """The result of working the riskiest accounts, and the revenue among them."""
    evaluation, speak = artifact.evaluation, target_words(artifact)
    at, revenue = evaluation.value.at_capacity, evaluation.value.revenue
    rows = [
        [f"precision: share of worked accounts that {speak.happened}", shares(at.precision)],
        ["lift: times as many as by chance", with_interval(at.lift, 2)],
        [f"reach: share of all that {speak.happened}", shares(at.reach)],
    ]
    if revenue:
        rows.append(["share of their monthly revenue", _revenue(revenue, artifact)])
    parts: list[Part] = [
        (
            f"Working the {speak.first} {share(at.share)} of the accounts ({at.accounts:,}) "
            f"finds {number(at.churned, 0)} that {speak.happened} later."
        ),
        Table("At the team's capacity", ["measure", "value"], rows),
    ]
    if revenue:
        parts.append(
            "Revenue is the monthly recurring revenue in the account table today. It is known for "
            f"{revenue.known:,} of the {revenue.accounts:,} accounts that {speak.happened}."
        )
    if drawn:
        curve = evaluation.value.gains
        parts += [
            gains_plots.gains(curve, at.share, speak),
            gains_plots.lift(curve, at.share, speak),
            gains_plots.precision(curve, evaluation.quality.base_rate, at, speak),
        ]
    return Section("Value at the team's capacity", *parts)


def _revenue(revenue: RevenueCaught, artifact: Artifact) -> str:
    declared = artifact.training.declared
    currency = declared.currency if declared else ""
    amounts = f"{number(revenue.caught, 0)} of {number(revenue.churned, 0)} {currency}"
    return f"{shares(revenue.share)}, {amounts.strip()}"


def outcomes(artifact: Artifact, *, drawn: bool = True) -> Section:
    """The outcome of the accounts in each band, or of opportunities and others."""
    if isinstance(artifact.anchors, Anchors):
        return bands(artifact, artifact.anchors, drawn=drawn)
    return opportunities(artifact, artifact.anchors)


def opportunities(artifact: Artifact, edge: Edge) -> Section:
    """For how many opportunities, and how many other accounts, the event happened later."""
    counts = artifact.evaluation.opportunities or {}
    names = {"yes": "opportunity", "no": "no opportunity"}
    rows = [
        [
            title,
            number(counts[name].accounts, 0),
            number(counts[name].happened, 0),
            shares(Proportion(counts[name].happened, counts[name].accounts).measured),
        ]
        for name, title in names.items()
    ]
    threshold = (
        f"An account is an opportunity from a probability of {share(edge.p_high, 1)} up, which is "
        f"an opportunity score of 70 (100 = best prospect). {_source_of_thresholds(edge.chosen)}"
    )
    head = ["status", "accounts", target_words(artifact).happened, "rate"]
    return Section("Opportunities", threshold, Table("Opportunities by outcome", head, rows))


def _source_of_thresholds(chosen: str) -> str:
    if chosen == "declared":
        return "Declared in churnlight.toml."
    return f"Chosen from {chosen}."


def _rows_of_rates(evaluation: Evaluation) -> str:
    """On which rows the rates of the bands are counted, and whether these chose the thresholds."""
    if evaluation.anchors_chosen_there:
        return (
            "The rates are of the same accounts that chose these thresholds, because earlier dates "
            "do not support bands; so they may flatter."
        )
    if evaluation.on_later_rows:
        return "The rates are of a later date than the one that chose the thresholds."
    return "The rates are of folds, each scored by a model trained on the other folds."


def bands(artifact: Artifact, anchors: Anchors, *, drawn: bool = True) -> Section:
    """How many accounts were in each band, and how many of these churned later."""
    counts = artifact.evaluation.bands or {}
    thresholds = (
        f"{BAND_WORDS['red']}: churn probability above {share(anchors.p_red, 1)}; "
        f"{BAND_WORDS['green']}: up to {share(anchors.p_green, 1)}. "
        f"{_source_of_thresholds(anchors.chosen)}"
    )
    rows = [
        [light(name), number(counts[name].accounts, 0), number(counts[name].churned, 0), rate]
        for name in BANDS
        if name in counts
        for rate in [shares(Proportion(counts[name].churned, counts[name].accounts).measured)]
    ]
    head = ["band", "accounts", target_words(artifact).happened, "rate"]
    note = "" if anchors.chosen == "declared" else _rows_of_rates(artifact.evaluation)
    parts: list[Part] = [thresholds, Table("Bands by outcome", head, rows, note)]
    if drawn:
        parts.append(plots.bands(counts))
    return Section("Bands", *parts)


# Segments

ONE_FOR_ALL = (
    "The figures shrunk towards all accounts are the better estimate of a segment's calibration. "
    "Scores do not use them: one calibration and one set of thresholds apply to all accounts."
)


def segments(evaluation: Evaluation, *, drawn: bool = True) -> Section:
    """Quality and calibration of each segment, the weak ones named."""
    weak, measured = list(sentences.weak_segments(evaluation)), evaluation.segments
    verdict = Note("No segment is known on which it is worse than the base rate.", "good")
    if weak:
        verdict = Note(sentence("; ".join(weak)), "bad")
    parts: list[Part] = [
        verdict,
        _quality_by_segment(evaluation),
        calibration_plots.segments_table([(each.segment, each.calibration) for each in measured]),
        calibration_plots.shrunken_table([(each.segment, each.shrunken) for each in measured]),
        ONE_FOR_ALL,
    ]
    if drawn:
        parts.append(_curves_by_segment(evaluation))
    return Section("Segments", *parts)


def _quality_by_segment(evaluation: Evaluation) -> Table:
    rows = [
        [
            segment.segment,
            number(segment.accounts, 0),
            number(segment.events, 0),
            share(segment.observed_rate, 1),
            share(segment.predicted_rate, 1),
            with_interval(segment.auc, 2),
            with_interval(segment.gain_over_base_rate, 3),
        ]
        for segment in evaluation.segments
    ]
    head = ["segment", "accounts", "events", "observed", "predicted", "AUC"]
    return Table("By segment", [*head, "gain over the base rate"], rows)


def _curves_by_segment(evaluation: Evaluation) -> Figure:
    every = evaluation.segments
    by_size = sorted(every, key=lambda segment: -segment.accounts)
    largest = by_size[: calibration_plots.MOST]
    shown = [segment for segment in every if segment in largest]
    return calibration_plots.curves(
        [(segment.segment, segment.reliability) for segment in shown],
        "reliability-by-segment",
        f"Reliability by segment{', the largest' if len(shown) < len(every) else ''}",
    )
