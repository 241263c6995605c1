"""How far missing values can move a score, measured on rows that have them.

Removing a column from such a row moves its score. The mean product of the moves of two columns,
where they pull together, is the cost of missing both: for a scorecard these are the mean squares of
any joint loss, or more. Then columns and whole indicators are removed at random, few to most of
them, and all of one window or dimension at once; the costs are stretched until the score of the
complete row stays inside for nine in ten rows of each kind of loss. The rows are those that
calibrated the model and, since a source may have been down on their day, those of all days; the
larger stretch counts.

Other accounts' values stand for the missing ones of this account. Where values are missing for a
reason that is itself a sign, no complete row can show it.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from training.artifact import Artifact
from training.calibrating.score_interval import ScoreInterval
from training.learning import likelihood, model
from training.learning.matrix import indicator_names

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

COVERED = 0.9
RATES = (0.1, 0.3, 0.5, 0.7, 0.9)
LITTLE, TINY = 0.25, 1e-12
# The stretch for nine in ten where moves are normal, and none is large enough to measure it.
USUAL = 2.7


class RowErrors(NamedTuple):
    """Rows (rows × columns), and the errors of their scores by other models (samples × rows).

    The errors are in calibrated log-odds.
    """

    X: Floats
    errors: Floats


def ninth(values: Floats) -> float:
    """The value that nine in ten do not exceed; 0 of none.

    Examples
    --------
    >>> ninth(np.arange(1.0, 11.0))
    10.0
    >>> ninth(np.zeros(0))
    0.0
    """
    return float(np.quantile(values, COVERED, method="higher")) if values.size else 0.0


def costs(
    artifact: Artifact, samples: Sequence[RowErrors], complete: float
) -> tuple[Floats, float]:
    """The cost of missing columns (columns × columns), and how often intervals with it cover.

    Either half of the rows is checked by the stretch that the other needs; the larger one is kept.
    `complete` is the half-width of a row without missing values.
    """
    plain = np.max([_products(artifact, sample.X) for sample in samples], axis=0)
    needs = [need for sample in samples for need in _needs(artifact, sample, complete, plain)]
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
    """The share of rows for which the stretch is enough; 1 where no row needs one."""
    return float((np.concatenate(needs) <= stretch).mean()) if needs else 1.0


def _products(artifact: Artifact, X: Floats) -> Floats:
    """Mean products of the moves of every two columns, 0 where they pull apart."""
    is_known, logits = ~np.isnan(X), artifact.calibration.logits(artifact.margins(X))
    each = np.eye(X.shape[1], dtype=np.bool_)
    moves = [logits - _poorer(artifact, X, lost) for lost in each]
    moved = np.where(is_known, np.stack(moves, axis=1), 0.0)
    counts = is_known.astype(np.float64)
    with likelihood.one_thread():
        return np.maximum(moved.T @ moved / np.maximum(counts.T @ counts, 1.0), 0.0)


def _poorer(artifact: Artifact, X: Floats, lost: Flags) -> Floats:
    """The log-odds (rows,) without the values that are `lost`."""
    return artifact.calibration.logits(artifact.margins(np.where(lost, np.nan, X)))


def _needs(
    artifact: Artifact, sample: RowErrors, complete: float, plain: Floats
) -> Iterator[Floats]:
    """Per kind and rate of loss, the stretch (rows,) of the `plain` costs that each row needs.

    NaN where so little was lost that other errors decide whether the score is inside; kinds of
    loss that are so for most rows are left out.
    """
    X, interval = sample.X, ScoreInterval.of(0.0, plain)
    logits = artifact.calibration.logits(artifact.margins(X))
    before = interval.half_widths(X) ** 2
    draw = np.arange(len(X)) % len(sample.errors)
    errors = sample.errors[draw, np.arange(len(X))]
    for lost in _losses(artifact, len(X)):
        # Values that were missing before are missing in the score it is compared with, too.
        wider = interval.half_widths(np.where(lost, np.nan, X)) ** 2 - before
        missed = errors + logits - _poorer(artifact, X, lost)
        need = np.maximum(missed**2 - complete**2, 0.0) / np.maximum(wider, TINY)
        matters = wider > max(LITTLE * complete**2, TINY)
        if 2 * matters.sum() >= len(X):
            yield np.where(matters, need, np.nan)


def _losses(artifact: Artifact, rows: int) -> Iterator[Flags]:
    """Values to remove (rows × columns): all of one window or dimension, as whole sources fail.

    Then, at each rate, whole indicators and single columns.
    """
    random = np.random.default_rng(model.TRAINING_SEED)
    names = indicator_names(artifact.features)
    indicator_of = [names.index(feature.indicator) for feature in artifact.features]
    windows = np.array([feature.window or 0 for feature in artifact.features])
    dimensions = np.array(
        [artifact.meanings[feature.indicator].dimension for feature in artifact.features]
    )
    for family in (windows, dimensions):
        for one in np.unique(family):
            yield np.tile(family == one, (rows, 1))
    for rate in RATES:
        yield random.random((rows, len(names)))[:, indicator_of] < rate
        yield random.random((rows, len(indicator_of))) < rate
