"""`score`: every account of a company on its as-of dates, published as immutable runs."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as csv

from features import contract, publish, rows, snapshots
from features.company import Company
from features.errors import DeclarationError, NotFound
from features.settings import Settings
from features.snapshots import Snapshots
from serving import runs
from serving.assess import assess
from serving.runs import Run
from training import artifact as artifacts
from training.artifact import Artifact
from training.train import choose_targets

Progress = Callable[[str], None]
CHAMPION = "champion"


def score(
    company: Company,
    as_of: Sequence[date] = (),
    *,
    targets: Sequence[str] = (),
    model: str = CHAMPION,
    settings: Settings | None = None,
    progress: Progress = lambda step: None,
) -> list[Run]:
    """Scores every account on each as-of date and publishes one run per date.

    Parameters
    ----------
    as_of : sequence of date
        Without any: `data_until`.
    targets : sequence of str
        Without any: every adverse target.
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
    chosen = choose_targets(company, targets)
    models = {name: _artifact(company, name, model, settings) for name in chosen}
    with contract.sound(company) as tables:
        dates = snapshots.asked(tables, as_of)
        built = snapshots.build_from(tables, dates, progress=progress)
        accounts = tables.engine.rows(rows.account_facts(tables))
    published = []
    for day in sorted(set(dates)):
        progress(f"scoring {day}")
        rows_then = _anybody(built.at(day), day)
        run, scores = _run(rows_then, models, company, settings)
        current = model == CHAMPION and chosen == choose_targets(company, ())
        published.append(
            runs.write(
                run, scores, rows_then.table, accounts, root=run.folder.parent, current=current
            )
        )
    return published


def _anybody(built: Snapshots, day: date) -> Snapshots:
    if not built.table.num_rows:
        raise NotFound(f"--as-of {day}: no account was there yet; take a later day")
    return built


def _artifact(company: Company, target: str, model: str, settings: Settings) -> Artifact:
    if model == CHAMPION:
        return artifacts.champion(settings.workspace_of(company), target)
    if Path(model).is_dir():
        artifacts.try_loading(Path(model))
        found = Artifact.load(Path(model))
        if found.target != target:
            raise DeclarationError(
                f"{model}: is a model of target {found.target!r}, not {target!r}"
            )
        return found
    from training import tracking

    return tracking.fetch(company, target, model, settings)


def _run(
    built: Snapshots, models: dict[str, Artifact], company: Company, settings: Settings
) -> tuple[Run, pa.Table]:
    scored = [assess(built.table, artifact, company) for artifact in models.values()]
    day: date = built.table["as_of"][0].as_py()
    digest = built.digest
    parts = [company.declaration_hash, digest, *(item.digest for item in models.values())]
    name = f"{day}--{sha256(' '.join(parts).encode()).hexdigest()[:12]}"
    run = Run(
        folder=settings.workspace_of(company) / "scores" / name,
        as_of=day,
        computed_at=datetime.now(UTC).isoformat(timespec="seconds"),
        data_until=built.data_until,
        declaration_hash=company.declaration_hash,
        data_digest=digest,
        models={target: _named(item) for target, item in models.items()},
    )
    return run, pa.concat_tables([runs.to_table(items) for items in scored])


def _named(item: Artifact) -> dict[str, Any]:
    return {
        "name": item.name,
        "version": item.version,
        "digest": item.digest,
        "horizon_days": item.horizon_days,
        "gap_days": item.gap_days,
    }


def export(published: Sequence[Run], path: Path) -> int:
    """Writes the runs' scores to `path` (Parquet, CSV or JSON by its suffix); answers the rows.

    In CSV the drivers are a JSON text.

    Raises
    ------
    DeclarationError
        The suffix is none of the three.
    """
    table = pa.concat_tables([run.scores() for run in published])
    if path.suffix == ".parquet":
        publish.write_parquet(table, path)
    elif path.suffix == ".json":
        publish.write_json([_message(row) for row in table.to_pylist()], path)
    elif path.suffix == ".csv":
        texts = [
            json.dumps(_message(row)["drivers"], ensure_ascii=False) for row in table.to_pylist()
        ]
        place = table.column_names.index("drivers")
        with publish.replacing(path) as temporary:
            csv.write_csv(table.set_column(place, "drivers", pa.array(texts)), temporary)
    else:
        require_suffix(path)
    return int(table.num_rows)


def require_suffix(path: Path) -> None:
    """Raises DeclarationError unless `path` ends in a suffix that `export` can write."""
    if path.suffix not in {".parquet", ".csv", ".json"}:
        raise DeclarationError(
            f"{path}: cannot write {path.suffix or 'a file without suffix'}; "
            "use .parquet, .csv or .json"
        )


def _message(row: dict[str, Any]) -> dict[str, Any]:
    """A row of the scores as JSON values."""
    drivers = [_driver(item) for item in row["drivers"] or ()]
    return row | {"as_of": row["as_of"].isoformat(), "drivers": drivers}


def _driver(item: dict[str, Any]) -> dict[str, Any]:
    plain = dict(item)
    for key in ("value", "usual"):
        text = plain.pop(f"{key}_text")
        plain[key] = text if text is not None else plain[key]
    return plain
