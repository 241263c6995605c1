"""Works out what moved each score since the run before, when a run is made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from features.declaring.company import Company
from features.declaring.definitions import definitions
from features.errors import ChurnlightError
from features.progress import Progress
from serving.published import runs
from serving.published.movement_rows import SCHEMA, to_table
from serving.published.runs import Run
from training.artifact import Artifact
from training.champions import champion_folder
from training.movement.accounting import ScoredSnapshot, movements

KEYS = ["account_id", "target", "band"]


@dataclass(frozen=True)
class RunBefore:
    """The run before: which it is, and the models that made it, as far as they are there.

    `rebuilt` are that date's rows as they are measured today, where a model changed since.
    """

    run: Run
    models: Mapping[str, Artifact]
    rebuilt: pa.Table | None = None

    @property
    def as_of(self) -> date:
        """Its as-of date."""
        return self.run.as_of

    def differs(self, today: Mapping[str, Artifact]) -> bool:
        """Whether a model changed since, so that its date has to be measured again."""
        return any(model.digest != today[name].digest for name, model in self.models.items())


@dataclass(frozen=True)
class RunInMaking:
    """A run in the making: its rows, the models, the scores that they gave, and the run before."""

    rows: pa.Table
    models: Mapping[str, Artifact]
    scores: pa.Table
    before: RunBefore | None


def runs_before(
    dates: Sequence[date], today: Mapping[str, Artifact], root: Path, progress: Progress
) -> dict[date, RunBefore]:
    """The published run before each of `dates`, unless another of them lies between.

    Where it, or the model that made it, cannot be read, `progress` says so.
    """
    before = {}
    for number, day in enumerate(dates):
        try:
            run = runs.before(root, day)
        except ChurnlightError as error:
            progress(f"cannot say what moved the scores since the run before {day}: {error}")
            continue
        if run and run.as_of not in dates and (number == 0 or run.as_of > dates[number - 1]):
            before[day] = RunBefore(run, _models(run, today, root.parent, progress))
    return before


def _models(
    run: Run, today: Mapping[str, Artifact], workspace: Path, progress: Progress
) -> dict[str, Artifact]:
    models = {}
    for target in sorted(today.keys() & run.models.keys()):
        digest = run.models[target]["digest"]
        if digest == today[target].digest:
            models[target] = today[target]
            continue
        try:
            models[target] = Artifact.load(champion_folder(workspace, target) / digest)
        except ChurnlightError as error:
            progress(f"cannot say what moved the scores of {target} since {run.as_of}: {error}")
    return models


def movement_table(made: RunInMaking, company: Company, progress: Progress) -> pa.Table:
    """What moved the scores since the run before, as rows of `movement_rows.SCHEMA`.

    None where the run before cannot be read, or lacks what its model needs; `progress` says so.
    """
    if made.before is None:
        return SCHEMA.empty_table()
    try:
        return _movement_table(made, made.before, company)
    except ChurnlightError as error:
        progress(f"cannot say what moved the scores since {made.before.as_of}: {error}")
        return SCHEMA.empty_table()


def _movement_table(made: RunInMaking, before: RunBefore, company: Company) -> pa.Table:
    scores, features = before.run.scores(KEYS), before.run.features()
    parts = [SCHEMA.empty_table()]
    for target, old in before.models.items():
        ids = _scored(made.scores, target, _scored(scores, target))
        moved = movements(
            ScoredSnapshot(old, _of(features, ids)),
            ScoredSnapshot(made.models[target], _of(made.rows, ids)),
            alike=_alike(old, made.models[target], company),
            rebuilt=None if before.rebuilt is None else _of(before.rebuilt, ids),
        )
        parts.append(to_table(ids, moved, target, before.run))
    return pa.concat_tables(parts)


def _scored(scores: pa.Table, target: str, among: Sequence[str] | None = None) -> list[str]:
    of_target = pc.and_(
        pc.equal(scores["target"], target), pc.not_equal(scores["band"], "unscored")
    )
    if among is not None:
        of_target = pc.and_(of_target, pc.is_in(scores["account_id"], pa.array(among, pa.string())))
    ids: list[str] = scores["account_id"].filter(of_target).to_pylist()
    return ids


def _of(rows: pa.Table, ids: Sequence[str]) -> pa.Table:
    places = pc.index_in(pa.array(ids, pa.string()), rows["account_id"].combine_chunks())
    return rows.take(places)


def _alike(old: Artifact, new: Artifact, company: Company) -> set[str]:
    """The indicators of the old model that today's declaration measures as it did."""
    if old.digest == new.digest:
        return set(old.meanings)
    today = definitions(company, old.target, ("live", "shadow"))
    keys = {name: f"indicators.{name}" for name in old.meanings}
    return {name for name, key in keys.items() if old.definitions[key] == today.get(key)}
