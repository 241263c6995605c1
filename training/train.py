"""`train`: from a company's declaration to a tracked, registered artifact with its evaluation.

The evaluation is on a later as-of date than any that trained the tested model, where the history
has one; else on folds grouped by account. It says which.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

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
from training.evaluating import own_segments
from training.evaluating.evaluation_dates import (
    beside_itself,
    earlier_origins,
    evaluated,
    simplest,
)
from training.evaluating.target_history import TargetHistory
from training.forecast import with_forecast
from training.indicators import lead_times
from training.interval import redraws
from training.leaks.same_grid import require_grid
from training.learning import search, sides
from training.learning.model import TrainingRows
from training.learning.search import Choice
from training.procedure import labelled
from training.records.training_record import Declared, TrainingRecord
from training.registry import refusals, tracking


@dataclass(frozen=True)
class Trained:
    """A trained artifact and where it was registered."""

    artifact: Artifact
    name: str
    version: str
    run_id: str


@dataclass(frozen=True)
class TrainingResult:
    """The result of one training: models, and for each refused target the reason."""

    trained: list[Trained]
    refused: dict[str, GateRefused]


def train(
    company: Company,
    as_of: Sequence[date] = (),
    *,
    targets: Sequence[str] = (),
    per_segment: bool = False,
    settings: Settings | None = None,
    progress: Progress = silent,
) -> TrainingResult:
    """Trains, evaluates, tracks and registers one artifact per target.

    A target whose rows cannot support a model does not stop the others.

    Parameters
    ----------
    as_of : sequence of date
        The as-of dates to train on; without any, all mature month starts.
    targets : sequence of str
        The targets to train; without any, every target that is declared.
    per_segment : bool
        Whether segments may have columns of their own, where these are significantly better.

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
        progress("connecting to the tracking server")
        tracking.require(company, settings)
    with contract.sound_tables(company) as tables:
        try:
            data = _training_data(tables, chosen, as_of, progress)
        except GateRefused as refusal:
            _keep_refusals(dict.fromkeys(chosen, refusal), company, settings)
            raise
    result = TrainingResult([], dict(data.refused))
    for name in data.dates:
        champion = tracking.champion_of(company, name, settings, progress)
        try:
            asked = _Asked(settings.trials, champion, per_segment)
            artifact = _trained(data, company, name, asked, progress)
        except GateRefused as refusal:
            result.refused[name] = refusal
            continue
        progress(f"registering {name}")
        result.trained.append(Trained(artifact, *tracking.register(artifact, company, settings)))
        refusals.forget(company, name, settings)
    _keep_refusals(result.refused, company, settings)
    if not result.trained:
        raise next(iter(result.refused.values()))
    return result


def _keep_refusals(
    refused: Mapping[str, GateRefused], company: Company, settings: Settings
) -> None:
    """Keeps the reasons for `promote`, of targets that have no model to promote."""
    for name, refusal in refused.items():
        if not tracking.has_challenger(company, name, settings):
            refusals.keep(company, name, str(refusal), settings)


@dataclass(frozen=True)
class _TrainingData:
    """The data that all targets are trained on: rows, as-of dates, dates of churn, revenue.

    `refused` are targets without as-of dates, each with the reason.
    """

    built: Snapshots
    dates: Mapping[str, tuple[list[date], list[date]]]
    events: Mapping[str, pa.Table]
    mrr: Mapping[str, float]
    refused: Mapping[str, GateRefused]


def _training_data(
    tables: sources.Tables, targets: Sequence[str], as_of: Sequence[date], progress: Progress
) -> _TrainingData:
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
    return _TrainingData(built, dates, events, revenue(tables), refused)


@dataclass(frozen=True)
class _Asked:
    """How a target is trained: trials of settings, the champion beside it, and by segment."""

    trials: int
    champion: Artifact | None
    per_segment: bool


def _trained(
    data: _TrainingData, company: Company, name: str, asked: _Asked, progress: Progress
) -> Artifact:
    """The artifact of a target with its evaluation, its lead times and what its report draws."""
    learn, later = data.dates[name]
    artifact = fit_and_evaluate(
        data.built,
        company,
        name,
        learn,
        later,
        choice=asked.trials,
        champion=asked.champion,
        mrr=data.mrr,
        per_segment=asked.per_segment,
        progress=progress,
    )
    if company.targets[name].by_renewal:
        progress(f"forecasting {name}")
        artifact = with_forecast(
            artifact, data.built, company, learn, later, mrr=data.mrr, progress=progress
        )
        artifact = beside_itself(artifact, asked.champion)
    seen = [*learn, *later]
    if name in data.events:
        progress(f"measuring lead times of {name}")
        leads = lead_times.of_months(data.built, company, data.events[name], seen)
        artifact = lead_times.with_lead_times(artifact, leads)
    return report_data.with_evidence_of(artifact, data.built, company, seen)


def revenue(tables: sources.Tables) -> dict[str, float]:
    """The monthly recurring revenue by account, where the account table knows it today."""
    if tables.company.accounts.attributes.mrr is None:
        return {}
    facts = tables.engine.rows(source_sql.account_facts(tables))
    stated = facts.filter(pc.is_valid(facts["mrr"]))
    return dict(zip(stated["account_id"].to_pylist(), stated["mrr"].to_pylist(), strict=True))


def choose_targets(company: Company, names: Sequence[str]) -> list[str]:
    """The named targets, or all; adverse ones come before opportunities.

    Raises
    ------
    NotFound
        A named target is not declared.
    """
    for name in names:
        if name not in company.targets:
            raise NotFound(
                f"target {name!r} is not declared; choose among {', '.join(company.targets)}"
            )
    declared_targets = [*company.adverse, *company.opportunities]
    return [name for name in declared_targets if name in names or not names]


def _dates(
    tables: sources.Tables, company: Company, target: str, as_of: Sequence[date]
) -> tuple[list[date], list[date]]:
    """The as-of dates to train on, and a later one to test on where the first are given."""
    asked, until = company.targets[target], snapshots.data_until(tables)
    months = snapshots.mature_month_starts(tables, target)
    if not as_of:
        if not months:
            raise GateRefused(
                f"target {target}: no month start has known outcomes at data_until {until}; add "
                "history, or name as-of dates"
            )
        return months, []
    learn = sorted(set(as_of))
    if immature := [day for day in learn if not clock.is_mature(day, asked, until)]:
        raise GateRefused(
            f"target {target}: outcomes of as-of {immature[0]} are known on "
            f"{clock.settled(immature[0], asked)}, after data_until {until}; "
            "use earlier as-of dates"
        )
    later = [day for day in months if clock.settled(learn[-1], asked) <= day]
    # By renewal, which of them may test is known once their rows are there.
    return learn, later if asked.by_renewal else later[-1:]


def fit_and_evaluate(  # noqa: PLR0913 (rows, dates and five keywords)
    built: Snapshots,
    company: Company,
    target: str,
    learn: Sequence[date],
    later: Sequence[date] = (),
    *,
    choice: Choice | int = search.TRIALS,
    champion: Artifact | None = None,
    mrr: Mapping[str, float] | None = None,
    per_segment: bool = False,
    progress: Progress = silent,
) -> Artifact:
    """The artifact trained on the as-of dates `learn`, with the evaluation its history allows.

    `later` are as-of dates that have not trained it, to evaluate it on; `choice` is how many model
    settings to try, or an earlier choice to keep; `champion` is the model to compare it with, `mrr`
    the monthly recurring revenue by account, for the share of it that would have been caught;
    `per_segment` lets segments have columns of their own where these are significantly better.
    """
    require_grid(built.table, target, company.bands.min_history)
    table = labelled(built, company, target)
    history = TargetHistory(
        built, company, target, table, learn, later, champion=champion, mrr=mrr or {}
    )
    history = history.one_later().choose(choice, progress).choose_earlier(choice, progress)
    own = own_segments.tried(history, progress) if per_segment else ()
    history = replace(history, own=tuple(one.segment for one in own if one.kept))
    make = evaluated if isinstance(choice, Choice) else simplest
    artifact = make(history, list(earlier_origins(history, progress)), progress)
    artifact = artifact.with_evaluation(replace(artifact.evaluation, own_columns=own))
    learning_table = history.learning
    training_rows = history.rows(learning_table, artifact.features)
    artifact = artifact.with_training(_about(artifact, history, learning_table, training_rows))
    artifact = redraws.with_score_interval(artifact, training_rows, training_rows.at_last, progress)
    artifact = beside_itself(artifact, champion)
    return certificate.certified(artifact, training_rows, progress)


def _about(
    artifact: Artifact, history: TargetHistory, table: pa.Table, rows: TrainingRows
) -> TrainingRecord:
    """The training record with the data, the declaration, and how the artifact explains itself."""
    return replace(
        artifact.training,
        data_digest=snapshots.digest(table),
        data_until=str(history.built.data_until),
        explanation_path=artifact.explanation_path,
        declared=declared(history.company, history.target),
        contradicted=sides.contradicted(rows, history.company.targets[history.target]),
    )


def declared(company: Company, target: str) -> Declared:
    """The parts of the declaration that a report shows."""
    about = company.about
    return Declared(
        company=about.name,
        simulated=about.simulated,
        currency=about.currency,
        capacity=company.bands.capacity,
        target=company.targets[target],
    )
