"""What it costs a score that values are not known, measured on rows that know them.

Taken from such a row, a column moves its score. The mean products of the moves of any two columns,
where they pull together, are what it costs to miss both: of a scorecard these are the mean squares
of any joint loss, or more. Then columns and whole indicators are taken at random, few to most of
them, and all of one window or dimension at once; the costs are stretched until the score that was
known stays inside for nine of ten rows of each kind of loss. Rows are those that calibrated the
model and, since a source may have been down on their day, those of all days; the larger counts.

What is known of others stands for what is not known of this account. Where values are missing for
a reason that is itself a sign, no row that knows them can tell.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from training.artifact import Artifact
from training.calibrating.score_interval import ScoreInterval
from training.learning import model
from training.learning.matrix import indicator_names

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

COVERED = 0.9
RATES = (0.1, 0.3, 0.5, 0.7, 0.9)
LITTLE, TINY = 0.25, 1e-12
USUAL = 2.7
"""The stretch for nine of ten where moves are normal, and none is large enough to measure it."""


class RowErrors(NamedTuple):
    """Rows (rows × columns), and by how much other models miss their scores (draws × rows).

    In calibrated log-odds.
    """

    X: Floats
    errors: Floats


def ninth(values: Floats) -> float:
    """What nine of ten values do not exceed."""
    return float(np.quantile(values, COVERED, method="higher")) if values.size else 0.0


def costs(artifact: Artifact, shown: Sequence[RowErrors], known: float) -> tuple[Floats, float]:
    """What missing columns cost (columns × columns), and how often intervals with it cover.

    Either half of the rows is checked by the stretch that the other needs; the larger one is kept.
    `known` is the half-width of a row of which all is known.
    """
    plain = np.max([_products(artifact, item.X) for item in shown], axis=0)
    needs = [need for item in shown for need in _needs(artifact, item, known, plain)]
    halves = [[need[side::2] for need in needs] for side in (0, 1)]
    stretches = [
        max((ninth(need[~np.isnan(need)]) for need in half), default=USUAL) for half in halves
    ]
    covered = [
        _covered([need[~np.isnan(need)] for need in half], stretch)
        for half, stretch in zip(halves, stretches[::-1], strict=True)
    ]
    return max(stretches) * plain, float(np.mean(covered))


def _covered(needs: Sequence[Floats], stretch: float) -> float:
    """The share of rows for which the stretch is enough; all where none was asked."""
    return float((np.concatenate(needs) <= stretch).mean()) if needs else 1.0


def _products(artifact: Artifact, X: Floats) -> Floats:
    """Mean products of the moves of every two columns, 0 where they pull apart."""
    known, logits = ~np.isnan(X), artifact.calibration.logits(artifact.margins(X))
    each = np.eye(X.shape[1], dtype=np.bool_)
    moves = [logits - _poorer(artifact, X, lost) for lost in each]
    moved = np.where(known, np.stack(moves, axis=1), 0.0)
    counts = known.astype(np.float64)
    # The order in which threads add would decide the last digits.
    with threadpool_limits(1, "blas"):
        return np.maximum(moved.T @ moved / np.maximum(counts.T @ counts, 1.0), 0.0)


def _poorer(artifact: Artifact, X: Floats, lost: Flags) -> Floats:
    """The log-odds (rows,) when the values that are `lost` are taken."""
    return artifact.calibration.logits(artifact.margins(np.where(lost, np.nan, X)))


def _needs(artifact: Artifact, shown: RowErrors, known: float, plain: Floats) -> Iterator[Floats]:
    """Per kind and rate of loss, the stretch (rows,) of the `plain` costs that each row needs.

    Not a number where so little was lost that other errors decide whether the score is inside; a
    kind of loss that is so for most rows is left out.
    """
    X, interval = shown.X, ScoreInterval.of(0.0, plain)
    logits = artifact.calibration.logits(artifact.margins(X))
    before = interval.half_widths(X) ** 2
    draw = np.arange(len(X)) % len(shown.errors)
    errors = shown.errors[draw, np.arange(len(X))]
    for lost in _losses(artifact, len(X)):
        # What was missing before is in the score that the row is compared with.
        wider = interval.half_widths(np.where(lost, np.nan, X)) ** 2 - before
        missed = errors + logits - _poorer(artifact, X, lost)
        need = np.maximum(missed**2 - known**2, 0.0) / np.maximum(wider, TINY)
        matters = wider > max(LITTLE * known**2, TINY)
        if 2 * matters.sum() >= len(X):
            yield np.where(matters, need, np.nan)


def _losses(artifact: Artifact, rows: int) -> Iterator[Flags]:
    """Values to take (rows × columns): at each rate whole indicators, and single columns.

    Then all of one window or one dimension, since sources fail as a whole.
    """
    random = np.random.default_rng(model.SEED)
    names = indicator_names(artifact.features)
    place = [names.index(item.indicator) for item in artifact.features]
    windows = np.array([item.window or 0 for item in artifact.features])
    dimensions = np.array(
        [artifact.meanings[item.indicator].dimension for item in artifact.features]
    )
    for family in (windows, dimensions):
        for one in np.unique(family):
            yield np.tile(family == one, (rows, 1))
    for rate in RATES:
        yield random.random((rows, len(names)))[:, place] < rate
        yield random.random((rows, len(place))) < rate
