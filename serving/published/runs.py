"""Scoring runs: published, immutable directories, one per as-of date and set of models.

`scores/RUN/scores.parquet` holds one row per account and target, `features.parquet` the rows that
were scored, `changes.parquet` what moved the scores since earlier runs
(`serving.published.movement_rows`), `run.json` what scored them. `scores/current.json` names the
current run of each as-of date; replacing that one file is what publishes.
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, NotRequired, TypedDict, TypeVar

import pyarrow as pa

from features import publish
from features.errors import ChurnlightError, NotFound
from serving.assessment.assess import Assessment
from serving.assessment.opportunities import Opportunity
from serving.assessment.score_parts import Driver

if TYPE_CHECKING:
    from training.artifact import Artifact

# Part of a run's name: a run of another make is another run.
FORMAT = 6
TABLES = ("scores", "features", "accounts", "changes")

DRIVER = pa.struct(
    [
        ("indicator", pa.string()),
        ("title", pa.string()),
        ("dimension", pa.string()),
        ("kind", pa.string()),
        ("value", pa.float64()),
        ("value_text", pa.string()),
        ("usual", pa.float64()),
        ("usual_text", pa.string()),
        ("window", pa.int32()),
        ("unit", pa.string()),
        ("health_points", pa.float64()),
        ("sentence", pa.string()),
        ("playbook", pa.string()),
        ("opportunity_points", pa.float64()),
        ("unhealthy", pa.bool_()),
        ("concept", pa.string()),
    ]
)
SCHEMA = pa.schema(
    [
        pa.field("account_id", pa.string(), nullable=False),
        pa.field("as_of", pa.date32(), nullable=False),
        pa.field("target", pa.string(), nullable=False),
        ("churn_probability", pa.float64()),
        ("health_score", pa.float64()),
        ("health_score_unclipped", pa.float64()),
        ("health_score_low", pa.float64()),
        ("health_score_high", pa.float64()),
        ("interval_half_width", pa.float64()),
        ("band", pa.string()),
        ("completeness", pa.float64()),
        ("base_points", pa.float64()),
        ("outcome_points", pa.float64()),
        ("business_points", pa.float64()),
        ("relationship_points", pa.float64()),
        ("context_points", pa.float64()),
        ("drivers", pa.list_(DRIVER)),
        ("playbook", pa.string()),
        ("model_version", pa.string()),
        ("segment", pa.string()),
        ("unscored_reason", pa.string()),
        ("opportunity_probability", pa.float64()),
        ("opportunity_score", pa.float64()),
        ("opportunity_score_unclipped", pa.float64()),
        ("opportunity_score_low", pa.float64()),
        ("opportunity_score_high", pa.float64()),
        ("opportunity", pa.string()),
        ("held_back_reason", pa.string()),
        ("forecast_probability", pa.float64()),
        ("forecast_days", pa.int32()),
    ]
)
# Columns that runs of before do not have: nothing is known in them.
LATER = ("forecast_probability", "forecast_days")
# The column of a driver's points, by what the driver belongs to.
UNITS: dict[type, str] = {Assessment: "health_points", Opportunity: "opportunity_points"}

ScoredRow = Assessment | Opportunity
Score = TypeVar("Score", Assessment, Opportunity)


class DriverRow(TypedDict):
    """One driver of a row, as `DRIVER` has it; only one kind of points is known.

    Runs that were published before a field was there stay readable: they lack the last ones.
    """

    indicator: str
    title: str
    dimension: str
    kind: str
    value: float | None
    value_text: str | None
    usual: float | None
    usual_text: str | None
    window: int | None
    unit: str
    health_points: float | None
    sentence: str
    playbook: str | None
    opportunity_points: float | None
    unhealthy: NotRequired[bool]
    concept: NotRequired[str | None]


class RunModel(TypedDict):
    """The model that made a run's scores; `declaration_hash` is that of its training."""

    name: str
    version: str
    digest: str
    declaration_hash: str
    horizon_days: int
    gap_days: int


@dataclass(frozen=True)
class Run:
    """One published scoring run.

    `models` holds the model of each target; `computed_at` is an ISO 8601
    time in UTC; `declaration_hash` is that of the declaration by which the rows were made.
    """

    folder: Path
    as_of: date
    computed_at: str
    data_until: date
    declaration_hash: str
    data_digest: str
    models: dict[str, RunModel]

    def scores(self, columns: list[str] | None = None) -> pa.Table:
        """The scores of every account as an Arrow table of `SCHEMA`, verified as it is read."""
        table = publish.read_parquet(self.folder / "scores.parquet", columns)
        for name in LATER if columns is None else ():
            if name not in table.column_names:
                nulls = pa.nulls(table.num_rows, SCHEMA.field(name).type)
                table = table.append_column(SCHEMA.field(name), nulls)
        return table

    def features(self) -> pa.Table:
        """The snapshot rows that were scored."""
        return publish.read_parquet(self.folder / "features.parquet")

    def accounts(self, columns: list[str] | None = None) -> pa.Table:
        """Account facts for people: account_id, name, owner, parent, mrr, renewal, since."""
        return publish.read_parquet(self.folder / "accounts.parquet", columns)

    def movements(self) -> pa.Table:
        """What moved the scores since earlier runs, as rows of `movement_rows.SCHEMA`."""
        return publish.read_parquet(self.folder / "changes.parquet")


def described(artifact: "Artifact") -> RunModel:
    """The artifact as a run names it."""
    return {
        "name": artifact.name,
        "version": artifact.version,
        "digest": artifact.digest,
        "declaration_hash": artifact.declaration_hash,
        "horizon_days": artifact.horizon_days,
        "gap_days": artifact.gap_days,
    }


def to_table(rows: Sequence[ScoredRow]) -> pa.Table:
    """The assessments or opportunities as rows of `SCHEMA`, null in what the others have."""
    columns = {
        name: _drivers(rows)
        if name == "drivers"
        else pa.array([getattr(row, name, None) for row in rows], SCHEMA.field(name).type)
        for name in SCHEMA.names
    }
    return pa.table(columns, schema=SCHEMA)


def _drivers(rows: Sequence[ScoredRow]) -> pa.ListArray:
    """All drivers as one list column; a driver at a time costs more than scoring it."""
    every = [driver for row in rows for driver in row.drivers]
    units = [UNITS[type(row)] for row in rows for _ in row.drivers]
    ends = accumulate((len(row.drivers) for row in rows), initial=0)
    columns = [pa.array(_driver_column(every, units, field.name), field.type) for field in DRIVER]
    structs = pa.StructArray.from_arrays(columns, fields=list(DRIVER))
    return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), structs)


def _driver_column(drivers: Sequence[Driver], units: Sequence[str], name: str) -> list[object]:
    if name in UNITS.values():
        return [
            driver.points if unit == name else None
            for driver, unit in zip(drivers, units, strict=True)
        ]
    plain = name.removesuffix("_text")
    if plain not in ("value", "usual"):
        return [getattr(driver, name) for driver in drivers]
    is_text = name != plain
    values = [getattr(driver, plain) for driver in drivers]
    return [value if isinstance(value, str) == is_text else None for value in values]


def from_rows(table: pa.Table) -> list[Assessment]:
    """The assessments that `to_table` made rows of."""
    return _scores(table, Assessment)


def opportunities_from_rows(table: pa.Table) -> list[Opportunity]:
    """The opportunities that `to_table` made rows of."""
    return _scores(table, Opportunity)


def _scores(table: pa.Table, kind: type[Score]) -> list[Score]:
    rows = table.select([field.name for field in fields(kind)]).to_pylist()
    return [kind(**row | {"drivers": tuple(map(_driver, row["drivers"] or ()))}) for row in rows]


def _driver(row: DriverRow) -> Driver:
    points = row["health_points"]
    if points is None:
        points = row["opportunity_points"]
    assert points is not None
    return Driver(
        indicator=row["indicator"],
        title=row["title"],
        dimension=row["dimension"],
        kind=row["kind"],
        value=number_or_text(row["value"], row["value_text"]),
        usual=number_or_text(row["usual"], row["usual_text"]),
        window=row["window"],
        unit=row["unit"],
        points=points,
        sentence=row["sentence"],
        playbook=row["playbook"],
        unhealthy=row.get("unhealthy", False),
        concept=row.get("concept"),
    )


def number_or_text(number: float | None, text: str | None) -> float | str | None:
    """The one value behind a column of numbers and one of texts."""
    return number if text is None else text


def shown_driver(row: DriverRow) -> publish.Row:
    """A driver for formats of text: one value, one usual value, and only its own points."""
    values = {
        "value": number_or_text(row["value"], row["value_text"]),
        "usual": number_or_text(row["usual"], row["usual_text"]),
    }
    others = {f"{name}_text" for name in values}
    others |= {points for points in UNITS.values() if row.get(points) is None}
    return {name: values.get(name, cell) for name, cell in row.items() if name not in others}


def write(run: Run, tables: Mapping[str, pa.Table]) -> Run:
    """Writes `run` to its folder and returns it as it is read back; nobody sees it yet.

    `tables` are its `scores`, `features`, `accounts` and `changes`. A directory of the same name
    stays as it is, unless it can no longer be read.
    """
    if run.folder.exists() and not _readable(run.folder):
        shutil.rmtree(run.folder)
    with publish.new_directory(run.folder) as folder:
        for name in TABLES:
            publish.write_parquet(tables[name], folder / f"{name}.parquet")
        publish.write_json(_description(run), folder / "run.json")
    return read(run.folder)


def _readable(folder: Path) -> bool:
    try:
        kept = read(folder)
        tables = [kept.scores(), kept.features(), kept.accounts(), kept.movements()]
        return all(table is not None for table in tables)
    except (ChurnlightError, OSError, ValueError, KeyError, TypeError):
        return False


def make_current(kept: Sequence[Run], root: Path) -> None:
    """Publishes `kept`, all at once: from now on people see them for their as-of dates."""
    named = _current(root) | {run.as_of.isoformat(): run.folder.name for run in kept}
    publish.write_json(dict(sorted(named.items())), root / "current.json")


def _description(run: Run) -> dict[str, object]:
    plain = {key: value for key, value in asdict(run).items() if key != "folder"}
    return plain | {"as_of": run.as_of.isoformat(), "data_until": run.data_until.isoformat()}


def _current(root: Path) -> dict[str, str]:
    path = root / "current.json"
    try:
        named = json.loads(path.read_text("utf-8")) if path.exists() else {}
    except ValueError:
        named = None
    if not isinstance(named, dict):
        raise ChurnlightError(f"{path.name} of the scores is damaged; remove it and score again")
    return named


def read(folder: Path) -> Run:
    """The run that was published in `folder`."""
    content = json.loads((folder / "run.json").read_text("utf-8"))
    dates = {key: date.fromisoformat(content[key]) for key in ("as_of", "data_until")}
    return Run(**(content | dates), folder=folder)


def published(root: Path) -> list[Run]:
    """Every current run under `root`, oldest as-of date first.

    Raises
    ------
    NotFound
        Nothing has been published yet.
    """
    current = _current(root)
    if not current:
        raise NotFound(f"{root}: no scoring run is published; run: churnlight score")
    return [read(root / name) for name in current.values()]


def current_dates(root: Path) -> list[date]:
    """The as-of dates of the current runs, oldest first.

    Raises
    ------
    ChurnlightError
        What says so is damaged.
    """
    return sorted(map(date.fromisoformat, _current(root)))


def of_date(root: Path, day: date) -> Run | None:
    """The current run of an as-of date; None where there is none.

    Raises
    ------
    ChurnlightError
        What says so, or the run's description, is damaged.
    """
    name = _current(root).get(day.isoformat())
    if name is None:
        return None
    folder = root / name
    try:
        return read(folder)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ChurnlightError(f"{folder}: cannot be read ({error!r}); score again") from error
