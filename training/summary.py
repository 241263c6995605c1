"""The summary that `churnlight train` prints: its rows, its tests, and how it compares."""

from collections.abc import Sequence

from training import certificate, phrases
from training.artifact import Artifact
from training.evaluating import gate, sentences
from training.metrics.quality import ShadowColumn
from training.procedure import size
from training.records.evaluation import BaselineGain, Evaluation, IndicatorLeads
from training.records.training_record import TrainingRecord
from training.train import Trained

NAMED_SHADOWS = 3


def of_company(trained: Trained) -> str:
    """The trained model and its evaluation, with everything that is not significant.

    Three lines, then one for each baseline, what the gate will say, and one each of the shadow
    columns and of the indicators that are declared leading without a measured lead.
    """
    evaluation, made = trained.artifact.evaluation, trained.artifact.training
    lines = [
        f"{trained.name} version {trained.version}: {_rows(made)}, {size(made)}",
        f"evaluated on {_tested(evaluation)}: {_quality(evaluation)}",
        f"digest {trained.artifact.digest[:12]}, MLflow run {trained.run_id}",
        *comparisons(trained.artifact),
        *sentences.contradicted_sides(made),
        *_forecast(trained.artifact),
        *sentences.own_columns(evaluation),
        *_shadow_columns(evaluation.shadow),
        *_not_leading(evaluation.lead_times),
    ]
    return "\n  ".join(lines)


def _forecast(artifact: Artifact) -> list[str]:
    """By renewal, how good the forecast beside the light is, or that there is none."""
    if artifact.forecast is None:
        none = "no forecast beside it: its rows support none"
        return [none] if artifact.training.by_renewal else []
    judged = artifact.forecast.evaluation
    measured = judged.quality
    line = (
        f"forecast of {artifact.forecast.horizon_days} days on {judged.as_of}: "
        f"{measured.predicted_rate:.1%} predicted, {measured.base_rate:.1%} left; gain over the "
        f"base rate {phrases.with_interval(judged.gain_over_base_rate)} on "
        f"{sentences.test_dates(judged)}"
    )
    return [line]


def of_table(artifact: Artifact) -> str:
    """The model of one table and its evaluation, in a few lines; first, what to look at."""
    evaluation, made = artifact.evaluation, artifact.training
    lines = [
        *(made.table.notices if made.table else ()),
        *sentences.too_good(evaluation),
        f"{made.rows:,} rows, {made.events:,} with the event, {size(made)}",
        f"evaluated on {_test_rows(evaluation)}: {_quality(evaluation)}",
        f"model settings chosen on {made.chosen_on}; digest {artifact.digest[:12]}",
        *_simpler_models(artifact),
        *certificate.failures(evaluation),
    ]
    return "\n  ".join(lines)


def _rows(made: TrainingRecord) -> str:
    return f"{made.rows:,} rows of {made.accounts:,} accounts"


def _tested(evaluation: Evaluation) -> str:
    """The test rows, their date, and whether the model itself was tested or its procedure."""
    return f"{_test_rows(evaluation)}, {evaluation.as_of} (the {evaluation.tested})"


def _test_rows(evaluation: Evaluation) -> str:
    """The kind of the test rows, with its article."""
    return f"a {evaluation.kind}" if evaluation.on_later_rows else evaluation.kind


def _quality(evaluation: Evaluation) -> str:
    measured = evaluation.quality
    return (
        f"AUC {phrases.with_interval(measured.auc)}, log loss "
        f"{phrases.with_interval(measured.log_loss)}, ECE {measured.calibration.ece.value:.3f}"
    )


def comparisons(artifact: Artifact) -> list[str]:
    """How the model compares with simpler ones and the champion, and which checks it failed."""
    evaluation = artifact.evaluation
    return [
        *_simpler_models(artifact),
        *gate.outlook(evaluation),
        *certificate.failures(evaluation),
    ]


def _simpler_models(artifact: Artifact) -> list[str]:
    """Why there are no trees, and how the model compares with each simpler one."""
    evaluation, why = artifact.evaluation, artifact.training.trees_left_out
    return [
        *([f"a scorecard without trees: {why}"] if why else []),
        *(_compared(rival, evaluation) for rival in evaluation.baselines),
    ]


def _compared(rival: BaselineGain, evaluation: Evaluation) -> str:
    """How the model compares with a baseline, over all test dates."""
    line = phrases.compared(rival.baseline, rival.gain)
    several = len(evaluation.test_dates) > 1
    return f"{line} on {sentences.test_dates(evaluation)}" if several else line


def _shadow_columns(columns: Sequence[ShadowColumn]) -> list[str]:
    """How many shadow columns there are, and those that alone separate best."""
    if not columns:
        return []
    best = sorted(columns, key=lambda column: -abs((column.auc or 0.5) - 0.5))[:NAMED_SHADOWS]
    named = [
        f"{one.column} {phrases.plain(one.auc)} (known for {one.known:.0%} of rows)" for one in best
    ]
    count = "1 shadow column" if len(columns) == 1 else f"{len(columns)} shadow columns"
    more = ", …" if len(best) < len(columns) else ""
    return [f"{count} (not in any score); best on their own, by AUC: {', '.join(named)}{more}"]


def _not_leading(leads: IndicatorLeads | None) -> list[str]:
    """The indicators that are declared leading and count as lagging."""
    names = [
        lead.indicator
        for lead in (leads.indicators if leads else ())
        if lead.declared == "leading" and not lead.headline
    ]
    if leads is None or not names:
        return []
    least = f"of {leads.gap_days} days or more " if leads.gap_days else ""
    lead = f"no lead {least}was measured ({leads.step_days}-day steps)"
    return [f"declared leading, treated as lagging, because {lead}: {', '.join(names)}"]
