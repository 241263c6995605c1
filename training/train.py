"""`train`: from a company's declaration to a tracked, registered artifact with its evaluation.

The evaluation looks at a later as-of date than any that the judged model learnt from, where the
history has one; else at folds grouped by account. It says which.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from features import clock, contract, snapshots, sources
from features.company import Company
from features.errors import GateRefused, NotFound
from features.lead_times import measure
from features.progress import Progress, silent
from features.settings import Settings
from features.snapshots import Snapshots
from training import lead_times, search, tracking
from training.artifact import Artifact
from training.judge import History, judge
from training.panel import require_grid
from training.procedure import labelled
from training.search import Choice


@dataclass(frozen=True)
class Trained:
    """A trained artifact and where it was registered."""

    artifact: Artifact
    name: str
    version: str
    run_id: str


def train(
    company: Company,
    as_of: Sequence[date] = (),
    *,
    targets: Sequence[str] = (),
    settings: Settings | None = None,
    progress: Progress = silent,
) -> list[Trained]:
    """Trains, evaluates, tracks and registers one artifact per target.

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
        The rows cannot support a model; nothing is registered.
    """
    settings = settings or Settings.read()
    chosen = choose_targets(company, targets)
    if settings.tracking_uri:
        progress("asking the tracking server")
        tracking.require(company, settings)
    with contract.sound(company) as tables:
        dates = {name: _dates(tables, company, name, as_of) for name in chosen}
        every = sorted({day for learn, later in dates.values() for day in [*learn, *later]})
        built = snapshots.build_from(tables, every, progress=progress)
        events = {name: measure.churned(tables, name) for name in chosen if name in company.adverse}
    trained = []
    for name in chosen:
        artifact = fit_and_evaluate(
            built, company, name, *dates[name], choice=settings.trials, progress=progress
        )
        # A lead is warning time; an opportunity warns of nothing.
        if name in events:
            progress(f"measuring lead times of {name}")
            seen = [day for days in dates[name] for day in days]
            leads = lead_times.of_months(built, company, events[name], seen)
            artifact = lead_times.told_by(artifact, leads)
        progress(f"registering {name}")
        trained.append(Trained(artifact, *tracking.register(artifact, company, settings)))
    return trained


def summary(trained: Trained) -> str:
    """What was trained and how it was judged, in three lines, with what did not prove itself.

    One line for each shadow column, and one with the indicators that are declared leading and
    were not found to lead.
    """
    judged, made = trained.artifact.evaluation, trained.artifact.training
    auc, loss = judged["auc"], judged["log_loss"]
    shadow = [
        f"\n  shadow {item['column']}: known {item['known']:.0%}, AUC alone {_plain(item['auc'])}"
        for item in judged["shadow"]
    ]
    return (
        f"{trained.name} version {trained.version}: {made['rows']:,} rows of "
        f"{made['accounts']:,} accounts, {size(made)}\n"
        f"  judged on a {judged['kind']}, {judged['as_of']} (the {judged['judged']}): AUC "
        f"{spread(auc)}, log loss {spread(loss)}, ECE {judged['ece']:.3f}\n"
        f"  digest {trained.artifact.digest[:12]}, MLflow run {trained.run_id}"
        + "".join(map(_beside, judged.get("baselines", ())))
        + "".join(shadow)
        + _not_leading(judged.get("lead_times"))
    )


def _not_leading(found: dict[str, Any] | None) -> str:
    """The indicators that are declared leading and count as lagging."""
    if found is None:
        return ""
    names = [
        item["indicator"]
        for item in found["indicators"]
        if item["declared"] == "leading" and not item["headline"]
    ]
    if not names:
        return ""
    return (
        f"\n  declared leading, not found to lead by the gap of {found['gap_days']} days "
        f"(lags of {found['step_days']} days): {', '.join(names)}"
    )


def _beside(item: dict[str, Any]) -> str:
    """How the model did against a baseline."""
    better = item["low"] is not None and item["low"] > 0
    word = "better" if better else "no better"
    return f"\n  {word} than {item['baseline']}: log loss lower by {spread(item)}"


def size(made: dict[str, Any]) -> str:
    """How big the model is."""
    kept = made["restraint"]
    trees = f"{made['bag']} × {kept['rounds']} trees of {kept['leaves']} leaves"
    if not kept["share"]:
        return "a scorecard"
    return trees if kept["share"] == 1 else f"{trees} ({kept['share']:.0%}) and a scorecard"


def _plain(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3f}"


def spread(measured: dict[str, float | None]) -> str:
    """A measure with its interval."""
    value, low, high = (_plain(measured[key]) for key in ("value", "low", "high"))
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


def fit_and_evaluate(  # noqa: PLR0913 (rows, dates and two keywords)
    built: Snapshots,
    company: Company,
    target: str,
    learn: Sequence[date],
    later: Sequence[date] = (),
    *,
    choice: Choice | int = search.TRIALS,
    progress: Progress = silent,
) -> Artifact:
    """The artifact learnt from the as-of dates `learn`, with the evaluation its history allows.

    `later` are as-of dates that it has not learnt from and may be judged on (see `judge`);
    `choice` is how many restraints are tried, or the one that was chosen before.
    """
    require_grid(built.table, target, company.bands.min_history)
    history = History(built, company, target, labelled(built, company, target), learn, later)
    history = history.choose(choice, progress)
    progress(f"fitting {target}")
    artifact, held = history.fit(learn)
    learnt = snapshots.digest(history.of(learn))
    data = {"data_digest": learnt, "data_until": str(built.data_until)}
    path = {"explanation_path": artifact.explanation_path}
    artifact = replace(artifact, training=artifact.training | data | path)
    progress(f"evaluating {target}")
    return replace(artifact, evaluation=judge(artifact, held, history))
