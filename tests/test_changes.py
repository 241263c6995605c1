"""What a movement is made of: parts that add up, under one model or from one to another."""

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import baseline_oracle
from trained_company import House, built
from training.artifact import Artifact
from training.calibrating.calibration import Calibration
from training.calibrating.health import Anchors
from training.learning.matrix import matrix
from training.learning.scorecard import ColumnCard, Scorecard
from training.movement.accounting import ScoredSnapshot, movements
from training.movement.causes import Nature, Unchanged
from training.movement.change import CHANGE_PARTS, Movement

Floats = npt.NDArray[np.float64]
Dates = tuple[pa.Table, pa.Table]

NUMBERS = st.none() | st.floats(-50, 1e4) | st.integers(0, 90).map(float)
WORDS = st.none() | st.sampled_from(["web", "shop", "app", "fax"])


def tables(artifact: Artifact, rows: Sequence[dict[str, Any]]) -> pa.Table:
    types = {"number": pa.float64(), "category": pa.string()}
    schema = pa.schema([(item.name, types[item.dtype]) for item in artifact.features])
    return pa.Table.from_pylist(list(rows), schema)


@st.composite
def two_dates(draw: st.DrawFn, artifact: Artifact) -> Dates:
    """Draw accounts on two dates; a third of the columns stay as they were."""
    row = st.fixed_dictionaries(
        {item.name: WORDS if item.dtype == "category" else NUMBERS for item in artifact.features}
    )
    old = draw(st.lists(row, min_size=1, max_size=8))
    new = [
        {
            name: draw(st.sampled_from([value, mine[name], value]))
            for name, value in draw(row).items()
        }
        for mine in old
    ]
    return tables(artifact, old), tables(artifact, new)


@st.composite
def unchanged(draw: st.DrawFn, artifact: Artifact, new: pa.Table) -> Unchanged:
    """Draw the new rows as if nothing had happened: some of their values are others."""
    names, rows = new.column_names, new.to_pylist()
    drawn = draw(two_dates(artifact))[0].to_pylist()
    still = [
        {name: draw(st.sampled_from([row[name], drawn[n % len(drawn)][name]])) for name in names}
        for n, row in enumerate(rows)
    ]
    flags = st.booleans()
    natures = {
        name: Nature(draw(flags), draw(flags), draw(flags), draw(flags), draw(flags))
        for name in artifact.meanings
    }
    ages = {name: np.full(len(rows), 12.0) for name in artifact.meanings}
    table = pa.Table.from_pylist(still, new.schema)
    return Unchanged(date(2025, 9, 1), date(2025, 10, 1), table, natures, ages)


def other(artifact: Artifact) -> Artifact:
    """Another model of the same columns: fewer trees, a scorecard, another line and anchors."""
    number = ColumnCard((0.0, 2.0, 4.0), (0.3, 0.0, -0.4), 0.1, False)
    word = ColumnCard((0.0, 1.0, 2.0), (-0.1, 0.2, 0.1), 0.3, True)
    cards = tuple(word if item.dtype == "category" else number for item in artifact.features)
    return replace(
        artifact,
        models=artifact.models[:1],
        scorecard=Scorecard(0.2, cards),
        calibration=Calibration(0.8, 0.3, 100, 30),
        anchors=Anchors(0.5, 0.1, "declared"),
    )


def score(artifact: Artifact, table: pa.Table) -> Floats:
    return artifact.scale.unclipped(artifact.margins(matrix(table, artifact.features)))


def adds_up(found: Movement) -> bool:
    parts = {
        part: math.fsum(item.health_points for item in found.changes if item.part == part)
        for part in CHANGE_PARTS
    }
    whole = math.fsum([*parts.values(), found.model, found.definition])
    return (
        all(abs(parts[part] - getattr(found, part)) <= 1e-9 for part in CHANGE_PARTS)
        and abs(whole - (found.new_score - found.old_score)) <= 1e-9
    )


@settings(max_examples=25)
@given(data=st.data())
def test_the_parts_add_up_to_the_movement(data: st.DataObject, trained: House) -> None:
    artifact = trained.champion
    old, new = data.draw(two_dates(artifact))
    later = data.draw(st.sampled_from([artifact, other(artifact)]))
    alike = data.draw(st.sets(st.sampled_from(sorted(artifact.meanings))))
    rebuilt, _ = data.draw(two_dates(artifact))
    rebuilt = rebuilt.take(pa.array(np.arange(old.num_rows) % rebuilt.num_rows))
    found = movements(
        ScoredSnapshot(artifact, old),
        ScoredSnapshot(later, new),
        alike=alike,
        rebuilt=rebuilt,
        unchanged=data.draw(st.none() | unchanged(artifact, new)),
    )
    assert all(map(adds_up, found))
    assert np.allclose([item.old_score for item in found], score(artifact, old), atol=1e-9)
    assert np.allclose([item.new_score for item in found], score(later, new), atol=1e-9)


@settings(max_examples=15)
@given(data=st.data())
def test_under_one_model_only_what_changed_has_a_part(data: st.DataObject, trained: House) -> None:
    artifact = trained.champion
    old, new = data.draw(two_dates(artifact))
    found = movements(
        ScoredSnapshot(artifact, old), ScoredSnapshot(artifact, new), alike=artifact.meanings
    )
    X, Y = matrix(old, artifact.features), matrix(new, artifact.features)
    for row, item in enumerate(found):
        assert (item.model, item.definition) == (0.0, 0.0)
        moved = {
            feature.indicator
            for feature, then, now in zip(artifact.features, X[row], Y[row], strict=True)
            if not (then == now or (np.isnan(then) and np.isnan(now)))
        }
        assert {change.indicator for change in item.changes} == moved
        assert all(change.old != change.new for change in item.changes)


@pytest.fixture(scope="module")
def real_dates(trained: House) -> Dates:
    """Two real dates of the same accounts."""
    days = map(date.fromisoformat, trained.trained.artifact.training.as_of[-2:])
    old, new = (built(trained.company, day).table for day in days)
    ids = sorted(set(old["account_id"].to_pylist()) & set(new["account_id"].to_pylist()))[:60]
    return _of(old, ids), _of(new, ids)


def _of(table: pa.Table, ids: Sequence[str]) -> pa.Table:
    place = {key: row for row, key in enumerate(table["account_id"].to_pylist())}
    return table.take(pa.array([place[key] for key in ids]))


def test_points_are_the_mean_over_all_orders_of_joining(trained: House, real_dates: Dates) -> None:
    artifact = other(trained.champion)
    old, new = real_dates
    names = list(artifact.meanings)
    groups = [names.index(item.indicator) for item in artifact.features]
    X, Y = (matrix(table, artifact.features) for table in (old, new))
    wanted = baseline_oracle.contributions(artifact.margins, X, Y, groups)
    wanted = wanted * artifact.scale.points_per_margin
    found = movements(
        ScoredSnapshot(artifact, old), ScoredSnapshot(artifact, new), alike=artifact.meanings
    )
    points = np.zeros_like(wanted)
    for row, item in enumerate(found):
        for change in item.changes:
            points[row, names.index(change.indicator)] = change.health_points
    assert np.abs(points - wanted).max() <= 1e-9
    assert np.abs(points).max() > 1


def test_what_only_the_new_model_knows_moves_under_it(trained: House, real_dates: Dates) -> None:
    new = trained.champion
    known = [item for item in new.features if item.indicator != "recency"]
    old = replace(
        new,
        features=tuple(known),
        models=(),
        scorecard=Scorecard(
            0.1, tuple(ColumnCard((0.0, 1.0), (0.0, 0.0), 0.0, False) for _ in known)
        ),
        meanings={name: item for name, item in new.meanings.items() if name != "recency"},
    )
    before, after = real_dates
    alike = set(old.meanings)
    found = movements(
        ScoredSnapshot(old, before), ScoredSnapshot(new, after), alike=alike, rebuilt=before
    )
    still = matrix(after, new.features)
    place = [item.name for item in new.features].index("recency__all")
    still[:, place] = matrix(before, new.features)[:, place]
    moved = new.scale.unclipped(new.margins(matrix(after, new.features))) - new.scale.unclipped(
        new.margins(still)
    )
    recency = [
        math.fsum(change.health_points for change in item.changes if change.indicator == "recency")
        for item in found
    ]
    assert np.allclose(recency, moved, atol=1e-9)
    assert np.abs(moved).max() > 0.1
    assert all(map(adds_up, found))


def test_what_came_to_be_known_or_ceased_to_be_is_data(trained: House) -> None:
    artifact = trained.champion
    known = {item.name: item.usual for item in artifact.features}
    gone = known | {"recency__all": None, "visits__28d": None}
    (there,) = movements(
        ScoredSnapshot(artifact, tables(artifact, [known])),
        ScoredSnapshot(artifact, tables(artifact, [gone])),
        alike=artifact.meanings,
    )
    parts = {change.indicator: change.part for change in there.changes}
    # One window of the visits is still known.
    assert parts == {"recency": "data", "visits": "behaviour"}
    (recency,) = (change for change in there.changes if change.part == "data")
    assert (recency.old, recency.new) == (known["recency__all"], None)


def test_new_anchors_are_the_definition_and_a_new_line_is_the_model(
    trained: House, real_dates: Dates
) -> None:
    artifact = trained.champion
    old, _ = real_dates
    anchored = replace(artifact, anchors=Anchors(0.7, 0.2, "declared"))
    drawn = replace(artifact, calibration=replace(artifact.calibration, offset=0.5))
    for later, part in ((anchored, "definition"), (drawn, "model")):
        found = movements(
            ScoredSnapshot(artifact, old), ScoredSnapshot(later, old), alike=artifact.meanings
        )
        wanted = score(later, old) - score(artifact, old)
        assert np.allclose([getattr(item, part) for item in found], wanted, atol=1e-9)
        assert not any(item.changes for item in found)
        assert all(map(adds_up, found))
