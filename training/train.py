"""`train`: from a company's declaration to a tracked, registered artifact with its evaluation.

The evaluation looks at a later as-of date than any that the judged model learnt from, where the
history has one; else at folds grouped by account. It says which.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features import clock, contract, snapshots, sources
from features.company import Company
from features.errors import DeclarationError, GateRefused, NotFound
from features.settings import Settings
from features.snapshots import Snapshots
from training import evaluate, split, tracking
from training.artifact import Artifact
from training.fit import Held, fit, labelled
from training.matrix import matrix

Progress = Callable[[str], None]


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
    progress: Progress = lambda step: None,
) -> list[Trained]:
    """Trains, evaluates, tracks and registers one artifact per target.

    Parameters
    ----------
    as_of : sequence of date
        The as-of dates to learn from; without any, all mature month starts.
    targets : sequence of str
        The targets to train; without any, every adverse target that is declared.

    Raises
    ------
    ContractBroken
        The company's tables break the data contract.
    GateRefused
        The rows cannot support a model; nothing is registered.
    """
    settings = settings or Settings.read()
    chosen = choose_targets(company, targets)
    with contract.sound(company) as tables:
        dates = {name: _dates(tables, company, name, as_of) for name in chosen}
        every = sorted({day for learn, later in dates.values() for day in [*learn, *later]})
        built = snapshots.build_from(tables, every, progress=progress)
    trained = []
    for name in chosen:
        artifact = fit_and_evaluate(built, company, name, *dates[name], progress=progress)
        progress(f"registering {name}")
        trained.append(Trained(artifact, *tracking.register(artifact, company, settings)))
    return trained


def summary(trained: Trained) -> str:
    """What was trained and how it was judged, in three lines."""
    judged, made = trained.artifact.evaluation, trained.artifact.training
    auc, loss = judged["auc"], judged["log_loss"]
    return (
        f"{trained.name} version {trained.version}: {made['rows']:,} rows of "
        f"{made['accounts']:,} accounts, {made['bag']} × {made['rounds']} trees\n"
        f"  judged on a {judged['kind']}, {judged['as_of']} (the {judged['judged']}): AUC "
        f"{_spread(auc)}, log loss {_spread(loss)}, ECE {judged['ece']:.3f}\n"
        f"  digest {trained.artifact.digest[:12]}, MLflow run {trained.run_id}"
    )


def _spread(measured: dict[str, float | None]) -> str:
    if measured["low"] is None:
        return f"{measured['value']:.3f}"
    return f"{measured['value']:.3f} ({measured['low']:.3f} to {measured['high']:.3f})"


def choose_targets(company: Company, wanted: Sequence[str]) -> list[str]:
    """The targets to work on, known to the declaration and adverse.

    Raises
    ------
    NotFound
        A wanted target is not declared.
    DeclarationError
        A wanted target is not adverse: health scores and bands are of adverse targets.
    """
    for name in wanted:
        if name not in company.targets:
            raise NotFound(f"target {name!r} is not declared; known: {', '.join(company.targets)}")
        if not company.targets[name].adverse:
            raise DeclarationError(f"target {name!r} is not adverse, so it has no health score")
    return list(wanted) or [name for name, item in company.targets.items() if item.adverse]


def _dates(
    tables: sources.Tables, company: Company, target: str, as_of: Sequence[date]
) -> tuple[list[date], list[date]]:
    """The as-of dates to learn from, and a later one to test on where the first are given."""
    declared, until = company.targets[target], snapshots.data_until(tables)
    months = snapshots.mature_month_starts(tables, target)
    if not as_of:
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


def fit_and_evaluate(
    built: Snapshots,
    company: Company,
    target: str,
    learn: Sequence[date],
    later: Sequence[date] = (),
    *,
    progress: Progress = lambda step: None,
) -> Artifact:
    """The artifact learnt from `learn`, with the evaluation that its history allows.

    With a `later` date, the artifact itself is judged on it. Without, the same procedure is
    repeated on those dates of `learn` whose labels were settled by the last of them, and judged
    there; with too short a history, on folds grouped by account.
    """
    table = labelled(built, company, target)
    progress(f"fitting {target}")
    artifact, held = fit(_of(table, learn), built.columns, company, target)
    data = {"data_digest": snapshots.digest(_of(table, learn)), "data_until": str(built.data_until)}
    artifact = replace(artifact, training=artifact.training | data)
    progress(f"evaluating {target}")
    if later:
        return replace(artifact, evaluation=_out_of_time(artifact, _of(table, later), "artifact"))
    earlier = split.settled_before(learn, learn[-1], company.targets[target])
    if earlier and (judged := _backtest(table, earlier, built, company, target)):
        test = _out_of_time(judged, _of(table, learn[-1:]), "procedure")
        return replace(artifact, evaluation=test)
    return replace(artifact, evaluation=_by_folds(artifact, held))


def _of(table: pa.Table, days: Sequence[date]) -> pa.Table:
    return table.filter(pc.is_in(table["as_of"], pa.array(days, pa.date32())))


def _backtest(
    table: pa.Table, earlier: Sequence[date], built: Snapshots, company: Company, target: str
) -> Artifact | None:
    """What the procedure would have made of the earlier dates; None if they cannot support it."""
    try:
        return fit(_of(table, earlier), built.columns, company, target)[0]
    except GateRefused:
        return None


def _out_of_time(artifact: Artifact, test: pa.Table, judged: str) -> dict[str, Any]:
    margins = artifact.margins(matrix(test, artifact.features))
    held = Held(
        test["as_of"][0].as_py(),
        margins,
        test[f"label__{artifact.target}"].to_numpy().astype(np.int8),
        test["account_id"].to_pylist(),
        test["segment"].to_pylist(),
    )
    return _report(artifact, held, "later as-of date", judged)


def _by_folds(artifact: Artifact, held: Held) -> dict[str, Any]:
    return _report(artifact, held, "folds grouped by account", "procedure")


def _report(artifact: Artifact, held: Held, kind: str, judged: str) -> dict[str, Any]:
    """`judged` is the artifact itself, or the procedure that made it, repeated on earlier dates."""
    report = evaluate.evaluate(
        artifact.calibration.logits(held.margins),
        held.labels,
        held.accounts,
        held.segments,
        artifact.training["base_rate"],
    )
    return {
        "kind": kind,
        "judged": judged,
        "as_of": held.day.isoformat(),
        "trained_on": artifact.training["as_of"],
        **report,
        "bands": evaluate.bands(artifact.scale, held.margins, held.labels),
    }
