"""The scores of a table that nobody declared, by a model that was trained on such a table."""

from pathlib import Path
from typing import TypedDict

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy.special import expit

from features import publish
from features.errors import DeclarationError
from training.artifact import Artifact, first_load
from training.calibrating.bands import BANDS, band_codes
from training.explaining import drivers
from training.learning.matrix import Feature, matrix
from training.tables import foreign, table_file

Floats = npt.NDArray[np.float64]

SHOWN = 4
DRIVERS = pa.list_(
    pa.struct([("column", pa.string()), ("value", pa.string()), ("points", pa.float64())])
)


class ColumnDriver(TypedDict):
    """A column that moves a row's score, as `DRIVERS` has it; `points` are health points."""

    column: str
    value: str | None
    points: float


def score(model: Path, table: Path, out: Path) -> tuple[int, list[str]]:
    """Writes the score of each row to `out`; returns how many, and columns that nothing reads.

    That is probability and health score with their intervals, band and drivers; a table's id
    column, where training named one, comes first.

    Raises
    ------
    NotFound, DamagedArtifact
        There is no such model, or it is not as it was written.
    DeclarationError
        The model was not trained on a table.
    ContractBroken
        The table's columns are not those of training; the error lists every difference.
    """
    artifact = first_load(model)
    if artifact.training.table is None:
        raise DeclarationError(f"{model}: a model of a company; score it with --company")
    rows = table_file.read_table(table, _texts(artifact))
    scores = scored(artifact, rows)
    publish.write_table(scores, out)
    known = artifact.training.table.without_meaning
    return int(scores.num_rows), foreign.further_columns(rows, artifact.features, known)


def _texts(artifact: Artifact) -> set[str]:
    """The columns whose values are kept as they are written: the id, and categories."""
    assert artifact.training.table is not None
    identity = artifact.training.table.roles.id
    categories = {column.name for column in artifact.features if column.dtype == "category"}
    return categories | ({identity} if identity else set())


def scored(artifact: Artifact, table: pa.Table) -> pa.Table:
    """The rows' scores, in their order: no row is left out.

    `probability_low` and `probability_high` are the ends of the interval of the health score, from
    `health_score_high` to `health_score_low`, as probabilities.
    """
    X = matrix(foreign.columns_for(table, artifact.features), artifact.features)
    margins = artifact.margins(X)
    health, around = artifact.scale.unclipped(margins), artifact.half_widths(X)
    logits, wide = artifact.calibration.logits(margins), artifact.interval.half_widths(X)
    identity = artifact.training.table.roles.id if artifact.training.table else None
    identities = {identity: table[identity]} if identity in table.column_names else {}
    return pa.table(
        {
            **identities,
            "probability": artifact.scale.probability(margins),
            "probability_low": expit(logits - wide),
            "probability_high": expit(logits + wide),
            "health_score": np.clip(health, 0, 100),
            "health_score_low": np.clip(health - around, 0, 100),
            "health_score_high": np.clip(health + around, 0, 100),
            "band": [BANDS[code] for code in band_codes(health)],
            "drivers": pa.array(_drivers(artifact, X), DRIVERS),
        }
    )


def _drivers(artifact: Artifact, X: Floats) -> list[list[ColumnDriver]]:
    """The columns that move each row's score most, in health points."""
    names, folded = drivers.by_indicator(artifact.contributions(X), artifact.features)
    points = folded * artifact.scale.points_per_margin
    order = np.argsort(-np.abs(points), axis=1, kind="stable")[:, :SHOWN]
    return [
        [
            {
                "column": names[column],
                "value": _value(artifact.features[column], float(X[row, column])),
                "points": float(points[row, column]),
            }
            for column in places
        ]
        for row, places in enumerate(order)
    ]


def _value(feature: Feature, coded: float) -> str | None:
    if np.isnan(coded):
        return None
    return feature.categories[int(coded)] if feature.dtype == "category" else f"{coded:g}"
