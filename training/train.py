"""`train`: from a company's declaration to a tracked, registered artifact with its evaluation.

The evaluation looks at a later as-of date than any that the judged model learnt from, where the
history has one; else at folds grouped by account. It says which.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features import clock, contract, snapshots, sources
from features.assembling import source_sql
from features.declaring.company import Company
from features.errors import GateRefused, NotFound
from features.lead_times import measure
from features.progress import Progress, silent
from features.settings import Settings
from features.snapshots import Snapshots
from training import certificate, report_data
from training.artifact import Artifact
from training.evaluating import gate
from training.evaluating.evaluation_dates import (
    beside_itself,
    earlier_origins,
    evaluated,
    simplest,
)
from training.evaluating.target_history import TargetHistory
from training.indicators import lead_times
from training.interval import redraws
from training.leaks.same_grid import require_grid
from training.learning import search
from training.learning.search import Choice
from training.metrics.measured import Measured
from training.phrases import figures
from training.procedure import labelled, size
from training.records.evaluation import BaselineGain, Evaluation, IndicatorLeads, ShadowColumn
from training.records.training_record import Declared, TrainingRecord
from training.registry import tracking

TOLD_SHADOWS = 3


@dataclass(frozen=True)
class Trained:
    """A trained artifact and where it was registered."""

    artifact: Artifact
    name: str
    version: str
    run_id: str


@dataclass(frozen=True)
class Outcome:
    """What one training made: models, and by target why its rows supported none."""

    trained: list[Trained]
    refused: dict[str, GateRefused]


def train(
    company: Company,
    as_of: Sequence[date] = (),
    *,
    targets: Sequence[str] = (),
    settings: Settings | None = None,
    progress: Progress = silent,
) -> Outcome:
    """Trains, evaluates, tracks and registers one artifact per target.

    A target whose rows cannot support a model keeps no other from its own.

    Parameters
    ----------
    as_of : sequence of date
        The as-of dates to learn from; without any, all mature month starts.
    targets : sequence of str
        The targets to train; without any, every target that is declared.

    Raises
    ------
    ContractBroken
        The company's tables break the data contract.
    GateRefused
        The rows of no target can support a model; nothing is registered.
    """
    settings = settings or Settings.read()
    chosen = choose_targets(company, targets)
    if settings.tracking_uri:
        progress("asking the tracking server")
        tracking.require(company, settings)
    with contract.sound_tables(company) as tables:
        ground = _ground(tables, chosen, as_of, progress)
    found = Outcome([], dict(ground.refused))
    for name in ground.dates:
        champion = tracking.champion_of(company, name, settings, progress)
        try:
            artifact = _told(ground, company, name, settings.trials, champion, progress)
        except GateRefused as refusal:
            found.refused[name] = refusal
            continue
        progress(f"registering {name}")
        found.trained.append(Trained(artifact, *tracking.register(artifact, company, settings)))
    if not found.trained:
        raise next(iter(found.refused.values()))
    return found


@dataclass(frozen=True)
class _Ground:
    """What all targets are trained from: rows, as-of dates, dates of churn, and revenue.

    `refused` are targets that have no as-of dates, and why.
    """

    built: Snapshots
    dates: Mapping[str, tuple[list[date], list[date]]]
    events: Mapping[str, pa.Table]
    mrr: Mapping[str, float]
    refused: Mapping[str, GateRefused]


def _ground(
    tables: sources.Tables, targets: Sequence[str], as_of: Sequence[date], progress: Progress
) -> _Ground:
    company, dates, refused = tables.company, {}, {}
    for name in targets:
        try:
            dates[name] = _dates(tables, company, name, as_of)
        except GateRefused as refusal:
            refused[name] = refusal
    if not dates:
        raise next(iter(refused.values()))
    every = sorted({day for learn, later in dates.values() for day in [*learn, *later]})
    built = snapshots.build_from(tables, every, progress=progress)
    # A lead is warning time; an opportunity warns of nothing.
    adverse = [name for name in dates if name in company.adverse]
    events = {name: measure.churned(tables, name) for name in adverse}
    return _Ground(built, dates, events, revenue(tables), refused)


def _told(
    ground: _Ground,
    company: Company,
    name: str,
    trials: int,
    champion: Artifact | None,
    progress: Progress,
) -> Artifact:
    """The artifact of a target with its evaluation, its lead times and what its report draws."""
    learn, later = ground.dates[name]
    artifact = fit_and_evaluate(
        ground.built,
        company,
        name,
        learn,
        later,
        choice=trials,
        champion=champion,
        mrr=ground.mrr,
        progress=progress,
    )
    seen = [*learn, *later]
    if name in ground.events:
        progress(f"measuring lead times of {name}")
        leads = lead_times.of_months(ground.built, company, ground.events[name], seen)
        artifact = lead_times.with_lead_times(artifact, leads)
    return report_data.told_by(artifact, ground.built, company, seen)


def revenue(tables: sources.Tables) -> dict[str, float]:
    """The monthly recurring revenue by account, where the account table knows it today."""
    if tables.company.accounts.attributes.mrr is None:
        return {}
    facts = tables.engine.rows(source_sql.account_facts(tables))
    known = facts.filter(pc.is_valid(facts["mrr"]))
    return dict(zip(known["account_id"].to_pylist(), known["mrr"].to_pylist(), strict=True))


def summary(trained: Trained) -> str:
    """What was trained and how it was judged, in three lines, with what did not prove itself.

    One line for each baseline, what the gate will say, and one line each of the shadow columns
    and of the indicators that are declared leading and were not found to lead.
    """
    found, made = trained.artifact.evaluation, trained.artifact.training
    quality = found.quality
    return (
        f"{trained.name} version {trained.version}: {made.rows:,} rows of "
        f"{made.accounts:,} accounts, {size(made)}\n"
        f"  judged on {where(found)}, {found.as_of} (the {found.tested}): AUC "
        f"{spread(quality.auc)}, log loss {spread(quality.log_loss)}, ECE "
        f"{quality.calibration.ece.value:.3f}\n"
        f"  digest {trained.artifact.digest[:12]}, MLflow run {trained.run_id}"
        + "".join(f"\n  {line}" for line in proven(trained.artifact))
        + _in_shadow(found.shadow)
        + _not_leading(found.lead_times)
    )


def _in_shadow(columns: Sequence[ShadowColumn]) -> str:
    """The shadow columns that tell most by themselves, and how many there are."""
    if not columns:
        return ""
    told = sorted(columns, key=lambda item: -abs((item.auc or 0.5) - 0.5))[:TOLD_SHADOWS]
    best = [f"{item.column} {_plain(item.auc)} (known {item.known:.0%})" for item in told]
    return (
        f"\n  in the shadow, and in no score: {len(columns)} columns, by their AUC alone "
        f"{', '.join(best)}{', …' if len(best) < len(columns) else ''}"
    )


def _not_leading(found: IndicatorLeads | None) -> str:
    """The indicators that are declared leading and count as lagging."""
    if found is None:
        return ""
    names = [
        lead.indicator
        for lead in found.indicators
        if lead.declared == "leading" and not lead.headline
    ]
    if not names:
        return ""
    return (
        f"\n  declared leading, not found to lead by the gap of {found.gap_days} days "
        f"(lags of {found.step_days} days): {', '.join(names)}"
    )


def proven(artifact: Artifact) -> list[str]:
    """How the model did against what is simpler or was there before it, and what that means."""
    found = artifact.evaluation
    left_out = artifact.training.trees_left_out
    return [
        *([f"a scorecard alone: {left_out}"] if left_out else []),
        *(_beside(item, found) for item in found.baselines),
        *gate.told(found),
        *certificate.told(found),
    ]


def _beside(rival: BaselineGain, evaluation: Evaluation) -> str:
    """How the model did against a baseline, over all dates that judged."""
    found = (
        f"{gate.word(rival.gain)} than {rival.baseline}: log loss lower by {figures(rival.gain)}"
    )
    several = len(evaluation.test_dates) > 1
    return f"{found}, over {gate.judges(evaluation)}" if several else found


def where(evaluation: Evaluation) -> str:
    """The kind of rows that judged the model, as they are spoken of in a sentence."""
    return f"a {evaluation.kind}" if evaluation.on_later_rows else evaluation.kind


def _plain(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3f}"


def spread(measured: Measured) -> str:
    """A measure with its interval."""
    value, low, high = map(_plain, (measured.value, measured.low, measured.high))
    return value if low == high else f"{value} ({low} to {high})"


def choose_targets(company: Company, wanted: Sequence[str]) -> list[str]:
    """The wanted targets, or all; what is adverse comes before what is an opportunity.

    Raises
    ------
    NotFound
        A wanted target is not declared.
    """
    for name in wanted:
        if name not in company.targets:
            raise NotFound(f"target {name!r} is not declared; known: {', '.join(company.targets)}")
    known = [*company.adverse, *company.opportunities]
    return [name for name in known if name in wanted or not wanted]


def _dates(
    tables: sources.Tables, company: Company, target: str, as_of: Sequence[date]
) -> tuple[list[date], list[date]]:
    """The as-of dates to learn from, and a later one to test on where the first are given."""
    declared, until = company.targets[target], snapshots.data_until(tables)
    months = snapshots.mature_month_starts(tables, target)
    if not as_of:
        if not months:
            raise GateRefused(
                f"target {target}: no accounts churned or stayed, for no month start is mature at "
                f"data_until {until}; add history, or name as-of dates"
            )
        return months, []
    learn = sorted(set(as_of))
    if immature := [day for day in learn if not clock.is_mature(day, declared, until)]:
        raise GateRefused(
            f"target {target}: labels of as-of {immature[0]} are settled on "
            f"{clock.settled(immature[0], declared)}, after data_until {until}; "
            "use earlier as-of dates"
        )
    later = [day for day in months if clock.settled(learn[-1], declared) <= day]
    return learn, later[-1:]


def fit_and_evaluate(  # noqa: PLR0913 (rows, dates and four keywords)
    built: Snapshots,
    company: Company,
    target: str,
    learn: Sequence[date],
    later: Sequence[date] = (),
    *,
    choice: Choice | int = search.TRIALS,
    champion: Artifact | None = None,
    mrr: Mapping[str, float] | None = None,
    progress: Progress = silent,
) -> Artifact:
    """The artifact learnt from the as-of dates `learn`, with the evaluation its history allows.

    `later` are as-of dates that it has not learnt from and may be judged on (see `judge`);
    `choice` is how many model settings are tried, or the choice made before, which is kept;
    `champion` is the model to compare it with, `mrr` the monthly recurring revenue by account, of
    which the evaluation tells how much would have been caught.
    """
    require_grid(built.table, target, company.bands.min_history)
    table = labelled(built, company, target)
    history = TargetHistory(
        built, company, target, table, learn, later, champion=champion, mrr=mrr or {}
    )
    history = history.choose(choice, progress).choose_earlier(choice, progress)
    make = evaluated if isinstance(choice, Choice) else simplest
    artifact = make(history, list(earlier_origins(history, progress)), progress)
    taught = history.of(learn)
    artifact = artifact.with_training(_about(artifact, history, taught))
    learnt_from = history.rows(taught, artifact.features)
    latest = learnt_from.as_of == np.datetime64(learnt_from.latest, "D")
    artifact = redraws.with_score_interval(artifact, learnt_from, latest, progress)
    artifact = beside_itself(artifact, champion)
    return certificate.certified(artifact, learnt_from, progress)


def _about(artifact: Artifact, history: TargetHistory, taught: pa.Table) -> TrainingRecord:
    """The training record with the data, the declaration, and how the artifact explains itself."""
    return replace(
        artifact.training,
        data_digest=snapshots.digest(taught),
        data_until=str(history.built.data_until),
        explanation_path=artifact.explanation_path,
        declared=declared(history.company, history.target),
    )


def declared(company: Company, target: str) -> Declared:
    """What the reader of a report has to know of the declaration."""
    about = company.about
    return Declared(
        company=about.name,
        simulated=about.simulated,
        currency=about.currency,
        capacity=company.bands.capacity,
        target=company.targets[target],
    )
