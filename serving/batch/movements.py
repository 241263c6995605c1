"""Works out what moved each score since earlier runs, when a run is made."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from features import snapshots
from features.assembling import unchanged
from features.declaring.company import Company
from features.declaring.definitions import definitions
from features.errors import ChurnlightError
from features.progress import Progress, silent
from features.sources import Tables
from serving.batch.comparisons import Comparison, models_of
from serving.published.movement_rows import SCHEMA, to_table
from serving.published.runs import Run
from training.artifact import Artifact
from training.movement.accounting import ScoredSnapshot, movements
from training.movement.causes import Unchanged, natures

KEYS = ["account_id", "target", "band"]
# So many earlier dates are measured anew at a time.
AT_ONCE = 8


@dataclass(frozen=True)
class RunInMaking:
    """A run in the making: its as-of date, its rows, the models, and the scores that they gave."""

    as_of: date
    rows: pa.Table
    models: Mapping[str, Artifact]
    scores: pa.Table


@dataclass(frozen=True)
class EarlierRun:
    """An earlier run, the models that made it, and what measuring anew gives.

    `unchanged` are the rows of the run in the making as if nothing had happened since it;
    `rebuilt` are its own rows as they are measured today, where a model changed since.
    """

    run: Run
    models: Mapping[str, Artifact]
    comparisons: Sequence[Comparison]
    unchanged: pa.Table | None = None
    rebuilt: pa.Table | None = None


def movement_table(
    made: RunInMaking,
    compared: Sequence[Comparison],
    company: Company,
    workspace: Path,
    *,
    tables: Tables | None = None,
    progress: Progress = silent,
) -> pa.Table:
    """What moved the scores since the runs `compared`, as rows of `movement_rows.SCHEMA`.

    With the company's open `tables` the rows are measured anew, so that what time alone did is told
    from behaviour. None of a run that cannot be read, or lacks what its model needs; `progress`
    says so.
    """
    parts = [SCHEMA.empty_table()]
    for earlier in _earlier(made, compared, workspace, tables, progress):
        try:
            parts += _since(earlier, made, company)
        except ChurnlightError as error:
            progress(f"cannot say what moved the scores since {earlier.run.as_of}: {error}")
    return pa.concat_tables(parts)


def _earlier(
    made: RunInMaking,
    compared: Sequence[Comparison],
    workspace: Path,
    tables: Tables | None,
    progress: Progress,
) -> Iterator[EarlierRun]:
    """The runs that are compared with, each once, and a few at a time."""
    ordered = sorted(compared, key=lambda item: item.run.as_of)
    every = [
        EarlierRun(run, models_of(run, made.models, workspace, progress), list(items))
        for run, items in _by_run(ordered)
    ]
    usable = [earlier for earlier in every if earlier.models]
    for start in range(0, len(usable), AT_ONCE):
        some = usable[start : start + AT_ONCE]
        yield from some if tables is None else _measured(some, made, tables, progress)


def _by_run(ordered: Sequence[Comparison]) -> Iterator[tuple[Run, list[Comparison]]]:
    for _, group in groupby(ordered, key=lambda item: item.run.folder):
        items = list(group)
        yield items[0].run, items


def _measured(
    some: Sequence[EarlierRun], made: RunInMaking, tables: Tables, progress: Progress
) -> Iterator[EarlierRun]:
    days = [earlier.run.as_of for earlier in some]
    still = snapshots.build_unchanged(tables, made.as_of, days, progress=progress)
    changed = [
        earlier.run.as_of
        for earlier in some
        if any(model.digest != made.models[name].digest for name, model in earlier.models.items())
    ]
    anew = snapshots.build_from(tables, changed, progress=progress) if changed else None
    for earlier in some:
        day = earlier.run.as_of
        rebuilt = anew.at(day).table if anew and day in changed else None
        yield EarlierRun(earlier.run, earlier.models, earlier.comparisons, still[day], rebuilt)


def _since(earlier: EarlierRun, made: RunInMaking, company: Company) -> list[pa.Table]:
    scores, features = earlier.run.scores(KEYS), earlier.run.features()
    found = []
    for target, old in earlier.models.items():
        both = _scored(made.scores, target, _scored(scores, target))
        wanted = [item.accounts for item in earlier.comparisons]
        ids = [key for key in both if any(some is None or key in some for some in wanted)]
        moved = movements(
            ScoredSnapshot(old, _of(features, ids)),
            ScoredSnapshot(made.models[target], _of(made.rows, ids)),
            alike=_alike(old, made.models[target], company),
            rebuilt=None if earlier.rebuilt is None else _of(earlier.rebuilt, ids),
            unchanged=_unchanged(earlier, made, ids, company),
        )
        of_account = dict(zip(ids, moved, strict=True))
        for item in earlier.comparisons:
            some = item.accounts
            kept = {key: of_account[key] for key in ids if some is None or key in some}
            found.append(to_table(kept, target, item.over, earlier.run))
    return found


def _unchanged(
    earlier: EarlierRun, made: RunInMaking, ids: Sequence[str], company: Company
) -> Unchanged | None:
    if earlier.unchanged is None:
        return None
    rows, names = _of(earlier.unchanged, ids), company.staged("live", "shadow")
    ages = {name: unchanged.last_facts(company, rows, name) for name in names}
    return Unchanged(earlier.run.as_of, made.as_of, rows, natures(company), ages)


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
