"""`score`: every account of a company on its as-of dates, published as immutable runs."""

import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Self, cast

import pyarrow as pa

from features import contract, publish, snapshots
from features.assembling import source_sql
from features.declaring.company import Company
from features.errors import ChurnlightError, DeclarationError, NotFound
from features.progress import Progress, silent
from features.settings import Settings
from features.snapshots import Snapshots
from serving.assessment.assess import assess
from serving.assessment.opportunities import opportunities, risks
from serving.batch import comparisons
from serving.batch.comparisons import Comparison
from serving.batch.movements import RunInMaking, movement_table
from serving.published import runs
from serving.published.edition import bind
from serving.published.expected_loss import expected_losses, lines
from serving.published.movement_rows import beside
from serving.published.runs import Run, RunModel
from training import artifact as artifacts
from training import champions
from training.artifact import Artifact
from training.expiry import ExpiredModel, overdue
from training.metrics.losses import LossOnDate
from training.train import choose_targets

CHAMPION = "champion"


def score(
    company: Company,
    as_of: Sequence[date] = (),
    *,
    targets: Sequence[str] = (),
    model: str = CHAMPION,
    settings: Settings | None = None,
    progress: Progress = silent,
) -> list[Run]:
    """Scores every account on each as-of date and publishes one run per date, all at once.

    Parameters
    ----------
    as_of : sequence of date
        Without any: `data_until`.
    targets : sequence of str
        Without any: every adverse target, and every opportunity that has a champion.
    model : str
        A registry alias or version, or an artifact's folder. Only runs of the champion over
        every target become what people see; other runs are kept beside them.

    Raises
    ------
    ContractBroken
        The tables break the data contract, or no longer give what the model needs.
    NotFound
        There is no such model, or an as-of date is later than the data or before any account.
    """
    settings = settings or Settings.read()
    models = Models.of(company, targets, model, settings, progress)
    for artifact in models.everything:
        artifacts.require_same_meaning(artifact, company)
    workspace, kept = settings.workspace_of(company), list[Run]()
    root = workspace / "scores"
    with contract.sound_tables(company) as tables:
        dates = sorted(set(snapshots.requested_dates(tables, as_of)))
        _warn_of_expiry(models.everything, dates[-1])
        earlier = comparisons.earlier_runs(dates, root, progress)
        built = snapshots.build_from(tables, dates, progress=progress)
        accounts = tables.engine.rows(source_sql.account_facts(tables))
        for day in dates:
            progress(f"scoring {day}")
            rows_then = _anybody(built.at(day), day)
            scores = models.score(rows_then.table, company)
            made = RunInMaking(day, rows_then.table, models.adverse, scores)
            compared = comparisons.comparisons(day, [*earlier, *kept], progress)
            changes = movement_table(
                made, compared, company, workspace, tables=tables, progress=progress
            )
            run = _run(rows_then, accounts, compared, models, company, root)
            contents = {"scores": scores, "features": made.rows, "accounts": accounts}
            kept.append(runs.write(run, contents | {"changes": changes}))
    if model == CHAMPION and choose_targets(company, targets) == choose_targets(company, ()):
        runs.make_current(kept, root)
    return kept


def _warn_of_expiry(models: Iterable[Artifact], day: date) -> None:
    for warning in filter(None, (overdue(model, day) for model in models)):
        warnings.warn(warning, ExpiredModel, stacklevel=3)


def _anybody(built: Snapshots, day: date) -> Snapshots:
    if not built.table.num_rows:
        raise NotFound(f"--as-of {day}: no account was there yet; take a later day")
    return built


@dataclass(frozen=True)
class Models:
    """The models of the `chosen` targets, and the champions that hold their opportunities back."""

    chosen: dict[str, Artifact]
    guards: dict[str, Artifact]

    @classmethod
    def of(
        cls,
        company: Company,
        targets: Sequence[str],
        model: str,
        settings: Settings,
        progress: Progress,
    ) -> Self:
        """The models that `score` is asked for; errors as there."""
        chosen = {}
        for name in choose_targets(company, targets):
            try:
                chosen[name] = _artifact(company, name, model, settings)
            except NotFound as error:
                if targets or name in company.adverse:
                    raise
                progress(f"leaving out {name}: {error}")
        upward = any(not artifact.adverse for artifact in chosen.values())
        others = [name for name in company.adverse if name not in chosen] if upward else []
        workspace = settings.workspace_of(company)
        return cls(chosen, {name: champions.champion(workspace, name) for name in others})

    @property
    def adverse(self) -> dict[str, Artifact]:
        """Those of the chosen that score health."""
        return {name: model for name, model in self.chosen.items() if model.adverse}

    @property
    def everything(self) -> list[Artifact]:
        """All of them."""
        return [*self.chosen.values(), *self.guards.values()]

    def score(self, rows: pa.Table, company: Company) -> pa.Table:
        """The scores of snapshot rows by the chosen models, one model after the other."""
        adverse = (artifact for artifact in self.everything if artifact.adverse)
        health = {artifact.target: assess(rows, artifact, company) for artifact in adverse}
        held = risks(health.values(), company)
        said = [
            health[name] if name in health else opportunities(rows, artifact, company, held)
            for name, artifact in self.chosen.items()
        ]
        return pa.concat_tables([runs.to_table(items) for items in said])


def _artifact(company: Company, target: str, model: str, settings: Settings) -> Artifact:
    if model == CHAMPION:
        return champions.champion(settings.workspace_of(company), target)
    if Path(model).is_dir():
        artifact = artifacts.first_load(Path(model))
        if artifact.target != target:
            raise DeclarationError(
                f"{model}: is a model of target {artifact.target!r}, not {target!r}"
            )
        return artifact
    from training.registry import tracking

    return tracking.fetch(company, target, model, settings)


def _run(
    built: Snapshots,
    accounts: pa.Table,
    compared: Sequence[Comparison],
    models: Models,
    company: Company,
    root: Path,
) -> Run:
    """The run of these rows; its name is of everything that decides its content."""
    day: date = built.table["as_of"][0].as_py()
    digest = built.digest
    made_by = [model.digest for model in models.everything]
    facts, before = snapshots.digest(accounts), [item.run.folder.name for item in compared]
    parts = [str(runs.FORMAT), company.declaration_hash, digest, facts, *made_by, *before]
    name = f"{day}--{sha256(' '.join(parts).encode()).hexdigest()[:12]}"
    return Run(
        folder=root / name,
        as_of=day,
        computed_at=datetime.now(UTC).isoformat(timespec="seconds"),
        data_until=built.data_until,
        declaration_hash=company.declaration_hash,
        data_digest=digest,
        models={target: runs.described(model) for target, model in models.chosen.items()},
    )


def loss_lines(published: Sequence[Run], company: Company, settings: Settings) -> Iterator[str]:
    """By renewal, what the latest of the runs expects to be lost, beside past dates."""
    run = published[-1]
    for name, target in company.targets.items():
        if name not in run.models or not target.by_renewal:
            continue
        found = expected_losses(bind([run], name, {}), target.notice or 0)
        if found is not None:
            yield from lines(name, found, _tested(run.models[name], company, name, settings))


def _tested(
    made_by: RunModel, company: Company, target: str, settings: Settings
) -> tuple[LossOnDate, ...]:
    """The back-test of the champion's forecast; nothing where another model made the scores."""
    try:
        model = champions.champion(settings.workspace_of(company), target)
    except ChurnlightError:
        return ()
    if model.forecast is None or model.digest != made_by["digest"]:
        return ()
    return model.forecast.evaluation.losses


def export(published: Sequence[Run], path: Path) -> int:
    """Writes the runs' scores to `path` (Parquet, CSV or JSON by its suffix); returns the count.

    Parquet holds them as `runs.SCHEMA` says, and beside them `movements`. In text a driver's value
    and usual value are a number or a text, and in CSV each list is one JSON text.

    Raises
    ------
    DeclarationError
        The suffix is none of the three.
    """
    table = pa.concat_tables([beside(run.scores(), run.movements()) for run in published])
    publish.write_table(table, path, _shown)
    return int(table.num_rows)


def _shown(row: publish.Row) -> publish.Row:
    drivers = cast("list[runs.DriverRow] | None", row["drivers"]) or ()
    return row | {"drivers": [runs.shown_driver(driver) for driver in drivers]}
