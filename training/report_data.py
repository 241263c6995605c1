"""The figures of a report that need the rows: drivers and drift, as compact plain numbers.

It goes into the evaluation, so that the report can be made again from the artifact. No account is
in it: points of a sample of rows without names, and the rank of a row's value among the others,
never the value itself.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy.stats import rankdata

from features.breaches.drift import stability_index
from features.declaring.company import Company
from features.snapshots import Snapshots
from training.artifact import Artifact
from training.explaining.drivers import by_indicator, levels, shown_feature
from training.learning.matrix import Feature, matrix
from training.learning.split import evenly_spaced
from training.procedure import labelled, scorable
from training.records.evaluation import ColumnShift, Drift, Drivers, DriverStrength

Floats = npt.NDArray[np.float64]

EXPLAINED = 5_000
SAMPLE = 200
SHOWN = 12
MOST_MOVED = 20


def with_evidence_of(
    artifact: Artifact, built: Snapshots, company: Company, days: Sequence[date]
) -> Artifact:
    """The artifact with its drivers and the drift of its columns on as-of dates of its history.

    The latest of `days` is explained; drift is from the date in the middle to the latest.
    """
    # By renewal, the rows of a late date that are settled are not like those that are scored.
    rows_of = scorable if company.targets[artifact.target].by_renewal else labelled
    table = rows_of(built, company, artifact.target)
    day = {name: sorted(days)[index] for name, index in (("middle", len(days) // 2), ("last", -1))}
    X = {name: matrix(_on(table, when), artifact.features) for name, when in day.items()}
    moved = None
    if day["middle"] < day["last"]:
        # Columns over the whole history grow with it.
        bounded = [i for i, feature in enumerate(artifact.features) if feature.window is not None]
        dates = str(day["middle"]), str(day["last"])
        moved = drift(artifact.features, bounded, (X["middle"], X["last"]), dates)
    return with_evidence(artifact, drivers(artifact, X["last"]), moved)


def _on(table: pa.Table, day: date) -> pa.Table:
    return table.filter(pc.equal(table["as_of"], pa.scalar(day, pa.date32())))


def with_evidence(artifact: Artifact, strengths: Drivers, moved: Drift | None) -> Artifact:
    """The artifact with its drivers and the drift of its columns in its evaluation."""
    return artifact.with_evaluation(replace(artifact.evaluation, drivers=strengths, drift=moved))


def drivers(artifact: Artifact, X: Floats) -> Drivers:
    """How many health points each indicator moves, and a sample of rows to draw it from.

    The sample has the first `SHOWN` of them.
    """
    X = X[evenly_spaced(len(X), EXPLAINED)]
    contributions = artifact.contributions(X)
    names, folded = by_indicator(contributions, artifact.features)
    points = folded * artifact.scale.points_per_margin
    strength = np.abs(points).mean(axis=0) if len(X) else np.zeros(len(names))
    order = np.argsort(-strength, kind="stable")
    shown, rows = order[:SHOWN], evenly_spaced(len(X), SAMPLE)
    position = _positions(artifact.features, X, contributions)[np.ix_(rows, shown)]
    return Drivers(
        rows=len(X),
        indicators=tuple(
            DriverStrength(
                names[number],
                artifact.meanings[names[number]].title,
                round(float(strength[number]), 3),
            )
            for number in order
        ),
        points=tuple(map(tuple, np.round(points[np.ix_(rows, shown)], 2).tolist())),
        position=tuple(
            tuple(None if np.isnan(x) else float(round(x, 2)) for x in row) for row in position
        ),
    )


def _positions(features: Sequence[Feature], X: Floats, contributions: Floats) -> Floats:
    """Per row and indicator, the rank of the shown value among the rows, 0 to 1."""
    ranks = rankdata(X, axis=0, nan_policy="omit") - 1
    present = (~np.isnan(X)).sum(axis=0)
    positions: Floats = ranks / np.maximum(present - 1, 1)
    positions[:, [feature.dtype == "category" for feature in features]] = np.nan
    shown = levels(features)[shown_feature(features, X, contributions)]
    return np.take_along_axis(positions, shown, axis=1)


def drift(
    features: Sequence[Feature],
    chosen: Sequence[int],
    rows: tuple[Floats, Floats],
    dates: tuple[str, str],
) -> Drift:
    """How far the numeric ones of the `chosen` columns moved between the `rows` of two dates."""
    before, latest = rows
    moved = [
        ColumnShift(
            features[number].name,
            round(stability_index(before[:, number], latest[:, number])[0], 4),
        )
        for number in chosen
        if features[number].dtype == "number"
    ]
    furthest = sorted(moved, key=lambda shift: (-shift.index, shift.column))[:MOST_MOVED]
    return Drift(*dates, columns=len(moved), furthest=tuple(furthest))
