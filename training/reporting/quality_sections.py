"""How good a model is: sections of the report and of the model card, from its evaluation.

Every measure has its 95% interval, and simpler models beside it.
"""

from collections.abc import Sequence

from training import phrases
from training.artifact import Artifact
from training.evaluating import gate, sentences
from training.metrics.calibration_table import DateCalibration
from training.metrics.measured import Measured
from training.records.evaluation import Evaluation
from training.reporting import calibration_plots
from training.reporting.page import (
    Figure,
    Key,
    Note,
    Part,
    Section,
    Table,
    number,
    sentence,
    share,
    with_interval,
)


def tested_on(evaluation: Evaluation) -> str:
    """Where the model was tested, in a sentence."""
    model = "The model"
    if evaluation.tested != "artifact":
        model = "The procedure that made this model, repeated on earlier data only,"
    size = f"{evaluation.quality.rows:,} rows of {evaluation.quality.accounts:,} accounts"
    if evaluation.on_later_rows:
        return (
            f"{model} was tested on a {evaluation.kind}, {evaluation.as_of}: {size}, none "
            "of which were used in its training."
        )
    return (
        f"The procedure that made this model was tested on {evaluation.kind}, because there is "
        f"no later date to test it on: {size}."
    )


def keys(evaluation: Evaluation) -> list[Key]:
    """The few figures that one asks for first."""
    at = evaluation.value.at_capacity
    measured, ece = evaluation.quality, evaluation.quality.calibration.ece
    return [
        Key("AUC", number(measured.auc.value), _range(measured.auc)),
        Key(
            "Log loss",
            number(evaluation.quality.log_loss.value),
            _range(evaluation.quality.log_loss),
        ),
        Key("Calibration error (ECE)", number(ece.value), _range(ece)),
        Key(
            f"Lift at capacity {share(at.share)}",
            number(at.lift.value, 2),
            _range(at.lift, 2),
        ),
    ]


def _range(measure: Measured, digits: int = 3) -> str:
    if measure.low is None or measure.high is None:
        return "no interval"
    return f"{number(measure.low, digits)} to {number(measure.high, digits)}"


def verdicts(evaluation: Evaluation) -> list[Note]:
    """The notes of the gate: whether it may be promoted, the champion beside it, weak segments."""
    if shortfalls := gate.shortfalls(evaluation):
        first = Note(sentence(f"cannot be promoted: it is {'; '.join(shortfalls)}"), "bad")
    else:
        gain = with_interval(evaluation.gain_over_base_rate, 4)
        first = Note(
            f"On {sentences.test_dates(evaluation)}, it is significantly better than the base rate "
            f"(gain in log loss {gain}) and than every simpler model.",
            "good",
        )
    line = sentences.champion_line(evaluation)
    weak = [Note(sentence(text), "caution") for text in sentences.weak_segments(evaluation)]
    return [first, *([Note(sentence(line))] if line else []), *weak]


def doubts(artifact: Artifact) -> list[Note]:
    """What a person should look at in an undeclared table before believing the figures."""
    table = artifact.training.table
    if table is None:
        return []
    told = [*sentences.too_good(artifact.evaluation), *table.notices]
    return [Note(sentence(text), "caution") for text in told]


def without_trees(artifact: Artifact) -> list[Note]:
    """Why the model is a scorecard alone, where it is."""
    why = artifact.training.trees_left_out
    return [Note(sentence(f"the model is a scorecard without trees: {why}"))] if why else []


def contradicted_sides(artifact: Artifact) -> list[Note]:
    """The declared sides that the rows speak against, each with its cost."""
    told = sentences.contradicted_sides(artifact.training)
    return [Note(sentence(text), "caution") for text in told]


def own_columns(artifact: Artifact) -> list[Note]:
    """Each segment that was tried with columns of its own, with the gain."""
    return [Note(sentence(text)) for text in sentences.own_columns(artifact.evaluation)]


def quality(evaluation: Evaluation) -> Section:
    """Measures with their intervals, beside the baselines."""
    rows = [
        ["AUC", with_interval(evaluation.quality.auc), "0.5 = chance, 1 = perfect"],
        ["log loss", with_interval(evaluation.quality.log_loss, 4), "lower is better"],
        [
            "gain over the base rate",
            with_interval(evaluation.gain_over_base_rate, 4),
            f"log loss on {sentences.test_dates(evaluation)}; above 0 = better",
        ],
    ]
    parts: list[Part] = [Table("Measures", ["measure", "value", "scale"], rows)]
    if evaluation.baselines:
        parts.append(_baselines(evaluation))
    if len(evaluation.test_dates) > 1:
        parts += [_test_dates(evaluation), _baselines_by_date(evaluation)]
    return Section("Quality", *parts)


def _baselines(evaluation: Evaluation) -> Table:
    """The gains over the baselines, and what the model is by them."""
    rows = [
        [baseline.baseline, with_interval(baseline.gain, 4), phrases.result(baseline.gain)]
        for baseline in evaluation.baselines
    ]
    head = ["simpler model", "gain in log loss", "result"]
    return Table("Compared with simpler models", head, rows)


def _test_dates(evaluation: Evaluation) -> Table:
    """The result of each date over which gains are pooled."""
    rows = [
        [
            date.as_of,
            number(date.rows, 0),
            number(date.events, 0),
            with_interval(date.auc),
            with_interval(date.log_loss, 4),
            with_interval(date.gain_over_base_rate, 4),
        ]
        for date in evaluation.test_dates
    ]
    note = (
        "Gains over simpler models are averages over the rows of all these dates; an account that "
        "was tested on several dates counts once. For each date the whole training was repeated on "
        "what was known by then, including the choice of the model and of the best single column. "
        "All other figures are of the first date in this table."
    )
    head = ["test date", "rows", "events", "AUC", "log loss", "gain over the base rate"]
    return Table("By test date", head, rows, note)


def _baselines_by_date(evaluation: Evaluation) -> Table:
    rows = [
        [date.as_of, baseline.baseline, with_interval(baseline.gain, 4)]
        for date in evaluation.test_dates
        for baseline in date.baselines
    ]
    head = ["test date", "simpler model", "gain in log loss"]
    return Table("By test date, compared with simpler models", head, rows)


def calibration(artifact: Artifact, *, drawn: bool = True) -> Section:
    """Whether the probabilities are right, on the test rows and over time."""
    evaluation, dates = artifact.evaluation, artifact.training.calibration_by_as_of
    named = "year of outcomes until" if artifact.training.by_renewal else "as-of date"
    parts: list[Part] = [_line(artifact), _calibration_measures(evaluation)]
    if drawn:
        parts += [
            calibration_plots.curve(evaluation.quality.reliability),
            calibration_plots.by_date(dates, named),
        ]
    parts.append(calibration_plots.dates_table(dates, "By training date", named))
    if drawn and len(dates) > 1:
        parts.append(_curves_by_date(dates, named))
    return Section("Calibration", *parts)


def _line(artifact: Artifact) -> str:
    line = artifact.calibration
    rows = "latest as-of date" if artifact.training.declared else "latest rows"
    if artifact.training.by_renewal:
        rows = "latest year of outcomes, each decision counted once"
    return (
        f"The margin is calibrated by a straight line with slope {number(line.slope, 2)} (prior "
        f"1 ± {line.prior_width:g}), fitted on the {line.rows:,} rows and {line.events:,} events "
        f"of the {rows}. Each row's margin came from models that were not trained on its account."
    )


def _calibration_measures(evaluation: Evaluation) -> Table:
    measures = evaluation.quality.calibration
    rows = [
        ["observed − predicted rate", with_interval(measures.in_the_large), "ideal 0"],
        ["slope", with_interval(measures.slope), "ideal 1; below 1: overconfident"],
        [
            f"ECE, {len(evaluation.quality.reliability)} groups",
            with_interval(measures.ece),
            "ideal 0",
        ],
        ["observed rate", share(evaluation.quality.base_rate, 1), ""],
        ["predicted rate", share(evaluation.quality.predicted_rate, 1), ""],
        ["base rate in training", share(evaluation.quality.base_rate_in_training, 1), ""],
    ]
    return Table("Calibration on the test rows", ["measure", "value", "scale"], rows)


def _curves_by_date(dates: Sequence[DateCalibration], named: str) -> Figure:
    latest = dates[-calibration_plots.MOST :]
    return calibration_plots.curves(
        [(date.as_of, date.table.reliability) for date in latest],
        "reliability-by-date",
        f"Reliability by {named}{', the latest' if len(latest) < len(dates) else ''}",
    )
