"""The parts of a score's movement between two dates, in health points that add up to it.

Differences of two sets of Shapley values put a good part of a movement on indicators that did not
move. So the two snapshots of an account are compared under one model, by baseline Shapley values
over the indicators that changed (`training.treeshap.baseline`): what stayed as it was has nothing.
Where the model changed in between, one way leads from the one score to the other:

1. the indicators that both declarations measure alike go to their new values, under the old
   model: *behaviour*, *calendar*, *windows* that ran out, or *data* (`training.movement.causes`);
2. *model*: the new model, calibrated, takes the old one's place. What only it knows, or what the
   declaration measures otherwise since, stands at its value on the old date, measured as today;
3. *definition*: the new anchors of the bands take the old ones' place;
4. those indicators go to their new values, under the new model, in the same four parts.

Segments are no step: there is one pair of anchors per target. Where a segment has columns of its
own, an account that changes its segment moves the indicators that these belong to.
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from training.artifact import Artifact
from training.calibrating.scales import scale
from training.learning.matrix import Feature, indicator_names, matrix
from training.movement import causes
from training.movement.causes import Unchanged, Values
from training.movement.change import CHANGE_PARTS, Change, Movement

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class ScoredSnapshot:
    """Accounts on one date: the rows that were scored, one for each, and the model that did it."""

    artifact: Artifact
    rows: pa.Table


def movements(
    old: ScoredSnapshot,
    new: ScoredSnapshot,
    *,
    alike: Collection[str],
    rebuilt: pa.Table | None = None,
    unchanged: Unchanged | None = None,
) -> list[Movement]:
    """The movement of each account, in the order of the rows.

    Parameters
    ----------
    old, new : ScoredSnapshot
        The same accounts in the same order, all of them scored on both dates.
    alike : collection of str
        The indicators of the old model that are still measured as they were at its training; the
        new rows have their columns.
    rebuilt : pyarrow.Table, optional
        The old date's rows as they are measured today; without them the old rows, which will do
        where one model made both scores.
    unchanged : Unchanged, optional
        The new date's rows had nothing happened since; without them no calendar and no windows are
        told from behaviour.

    Raises
    ------
    ContractBroken
        Rows lack columns that the model needs, or have them in another type.
    """
    if not new.rows.num_rows:
        return []
    first = _Step.of_alike(old, new, alike, unchanged)
    last = _Step.of_others(new, alike, old.rows if rebuilt is None else rebuilt, unchanged)
    before, after = old.artifact.scale, new.artifact.scale
    # The new model's calibration under the old anchors: what lies between model and definition.
    between = scale(after.calibration, old.artifact.anchors)
    stops = (
        before.unclipped(old.artifact.margins(first.old)),
        before.unclipped(old.artifact.margins(first.new)),
        between.unclipped(new.artifact.margins(last.old)),
        after.unclipped(new.artifact.margins(last.old)),
        after.unclipped(new.artifact.margins(last.new)),
    )
    return [
        _movement([float(stop[row]) for stop in stops], [*first.of(row), *last.of(row)])
        for row in range(new.rows.num_rows)
    ]


def _movement(stops: Sequence[float], changes: list[Change]) -> Movement:
    changes.sort(key=lambda change: -abs(change.health_points))
    sums = {
        part: math.fsum(change.health_points for change in changes if change.part == part)
        for part in CHANGE_PARTS
    }
    return Movement(
        old_score=stops[0],
        new_score=stops[-1],
        **sums,
        model=stops[2] - stops[1],
        definition=stops[3] - stops[2],
        changes=tuple(changes),
    )


class _Step:
    """Some indicators go from their old to their new values under one model."""

    def __init__(
        self,
        artifact: Artifact,
        old: Floats,
        new: Floats,
        still: Floats,
        unchanged: Unchanged | None,
    ) -> None:
        self.artifact, self.old, self.new, self._still = artifact, old, new, still
        self._unchanged = unchanged
        self._names = indicator_names(artifact.features)
        places = [self._names.index(feature.indicator) for feature in artifact.features]
        columns_of = [
            np.flatnonzero(np.array(places) == number) for number in range(len(self._names))
        ]
        moved = ~causes.equal(old, new)
        self._moved = _any(moved, columns_of)
        columns = _points(artifact, old, new, range(len(places)))
        self._points = _points(artifact, old, new, places)
        rank = moved * 2 + (moved & ~np.isnan(old) & ~np.isnan(new))
        # A pace is told by the windows that it compares, a segment's own column by that of all.
        rank[:, [feature.is_made for feature in artifact.features]] = -1
        self._shown = _shown_columns(columns_of, rank, columns, self._points)
        values = Values(old, new, still, artifact.features, self._shown)
        self._part = causes.parts(values, self._names, columns_of, unchanged)

    @classmethod
    def of_alike(
        cls,
        old: ScoredSnapshot,
        new: ScoredSnapshot,
        alike: Collection[str],
        unchanged: Unchanged | None,
    ) -> "_Step":
        """The indicators that are measured alike, under the old model; the others stay."""
        features = old.artifact.features
        X = matrix(old.rows, features)
        still = X if unchanged is None else _with(X, unchanged.rows, features, alike)
        return cls(old.artifact, X, _with(X, new.rows, features, alike), still, unchanged)

    @classmethod
    def of_others(
        cls,
        new: ScoredSnapshot,
        alike: Collection[str],
        rebuilt: pa.Table,
        unchanged: Unchanged | None,
    ) -> "_Step":
        """All other indicators of the new model, from what they were on the old date."""
        features = new.artifact.features
        others = {feature.indicator for feature in features} - set(alike)
        X = matrix(new.rows, features)
        still = X if unchanged is None else _with(X, unchanged.rows, features, others)
        return cls(new.artifact, _with(X, rebuilt, features, others), X, still, unchanged)

    def of(self, row: int) -> list[Change]:
        """The changes of one account."""
        return [self._change(row, int(number)) for number in np.flatnonzero(self._moved[row])]

    def _change(self, row: int, number: int) -> Change:
        name, column = self._names[number], int(self._shown[row, number])
        meaning, feature = self.artifact.meanings[name], self.artifact.features[column]
        unchanged = self._unchanged
        return Change(
            indicator=name,
            title=meaning.title,
            dimension=meaning.dimension,
            kind=self.artifact.kinds[name],
            old=feature.value(self.old[row, column]),
            new=feature.value(self.new[row, column]),
            window=feature.window,
            unit=meaning.unit,
            part=CHANGE_PARTS[self._part[row, number]],
            health_points=float(self._points[row, number]),
            still=feature.value(self._still[row, column]) if unchanged else None,
            last_fact=unchanged.last_fact(name, row) if unchanged else None,
        )


def _points(artifact: Artifact, old: Floats, new: Floats, groups: Sequence[int]) -> Floats:
    """The health points of each group of columns (rows × groups)."""
    contributions = artifact.movement_explainer.contributions(old, new, groups)
    moved = artifact.scorecard.contributions(new) - artifact.scorecard.contributions(old)
    for column, group in enumerate(groups):
        contributions[:, group] += moved[:, column]
    return contributions * artifact.scale.points_per_margin


def _any(flags: Flags, columns_of: Sequence[Places]) -> Flags:
    """Whether any column of each indicator has its flag (rows × indicators)."""
    return np.stack([flags[:, columns].any(axis=1) for columns in columns_of], axis=1)


def _with(
    X: Floats, rows: pa.Table, features: Sequence[Feature], indicators: Collection[str]
) -> Floats:
    """`X` with the columns of some indicators as `rows` have them."""
    chosen = [column for column, feature in enumerate(features) if feature.indicator in indicators]
    mixed = X.copy()
    mixed[:, chosen] = matrix(rows, [features[column] for column in chosen])
    return mixed


def _shown_columns(
    columns_of: Sequence[Places], rank: Places, columns: Floats, points: Floats
) -> Places:
    """For each row and indicator, the feature (its number) whose change is shown.

    Of those of the highest rank (changed, and known on both dates) it is the one that pushes most
    to the side of the indicator's points.
    """
    chosen = np.zeros(points.shape, dtype=np.int64)
    for number, mine in enumerate(columns_of):
        push = columns[:, mine] * np.sign(points[:, [number]])
        best = rank[:, mine] == rank[:, mine].max(axis=1, keepdims=True)
        chosen[:, number] = mine[np.argmax(np.where(best, push, -np.inf), axis=1)]
    return chosen
