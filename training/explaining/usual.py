"""The usual value of a column: in all accounts, and in each segment, shrunk towards all.

It is the median, or the most frequent category, of the accounts that calibrated the model. Those
of a segment are joined by so many of all accounts that a small segment says what all say.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from training.learning.matrix import Feature

Floats = npt.NDArray[np.float64]
Value = float | str

# As many of all accounts join those of a segment.
JOINED = 20.0


def usual(column: pa.ChunkedArray) -> Value | None:
    """The usual value of a column, numbers or texts; None where nothing is known."""
    values = pc.drop_null(column)
    return _usual(values, np.ones(len(values))) if len(values) else None


def by_segment(features: Sequence[Feature], latest: pa.Table) -> tuple[Feature, ...]:
    """The features with what is usual in each segment of the latest rows."""
    return tuple(
        replace(feature, usual_in=usual_in(latest[feature.name], latest["segment"]))
        if feature.against is None
        else feature
        for feature in features
    )


def usual_in(column: pa.ChunkedArray, segments: pa.ChunkedArray) -> tuple[tuple[str, Value], ...]:
    """The usual value in each segment; of none where there is but one segment."""
    is_known = pc.is_valid(column)
    values, names = column.filter(is_known), segments.filter(is_known)
    every = sorted(pc.unique(segments).to_pylist())
    if len(every) < 2 or not len(values):
        return ()
    background = JOINED / len(values)
    return tuple(
        (name, _usual(values, np.asarray(pc.equal(names, name), dtype=float) + background))
        for name in every
    )


def _usual(values: pa.ChunkedArray, weights: Floats) -> Value:
    """The weighted median of numbers, the heaviest of texts (the first of equals)."""
    if pa.types.is_string(values.type):
        texts, places = np.unique(np.array(values.to_pylist(), dtype=str), return_inverse=True)
        return str(texts[np.argmax(np.bincount(places, weights))])
    return _median(values.to_numpy().astype(float), weights)


def _median(values: Floats, weights: Sequence[float] | Floats) -> float:
    """The middle value; the mean of two where the half lies between them.

    Examples
    --------
    >>> _median(np.array([4.0, 1.0, 2.0]), [1.0, 1.0, 1.0])
    2.0
    >>> _median(np.array([4.0, 1.0]), [1.0, 1.0])
    2.5
    """
    order = np.argsort(values, kind="stable")
    below = np.cumsum(np.asarray(weights)[order])
    half = below[-1] / 2
    first, last = np.searchsorted(below, half), np.searchsorted(below, half, side="right")
    return float((values[order[first]] + values[order[min(last, len(order) - 1)]]) / 2)
