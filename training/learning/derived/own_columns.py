"""Columns that a segment has of its own beside those of all, so that its scores learn from both.

A scorecard with them is a hierarchical regression: the ridge shrinks the points of a segment's own
columns to nothing, and with them its score to that of all (Gelman & Hill 2007, chapter 12). What a
score is stays one sum of points. Each has the side of its indicator, so that their sum keeps it.
"""

from collections.abc import Sequence
from dataclasses import replace

from training.learning.matrix import Feature


def with_own(features: Sequence[Feature], segments: Sequence[str]) -> list[Feature]:
    """The features, and after them those of the numbers that each of the segments has of its own.

    Examples
    --------
    >>> plain = Feature("x", "x", None, "number", usual=1.0)
    >>> [one.name for one in with_own([plain], ["pro", "free"])]
    ['x', 'x__own_1', 'x__own_2']
    """
    numbers = [feature for feature in features if isinstance(feature.usual, float)]
    return [
        *features,
        *(
            _own(feature, segment, number)
            for number, segment in enumerate(segments, 1)
            for feature in numbers
        ),
    ]


def _own(feature: Feature, segment: str, number: int) -> Feature:
    usual = dict(feature.usual_in).get(segment, feature.usual)
    name = f"{feature.name}__own_{number}"
    return replace(feature, name=name, usual=usual, usual_in=(), within=segment)


def segments_of(features: Sequence[Feature]) -> tuple[str, ...]:
    """The segments that have columns of their own among the features."""
    named = (feature.within for feature in features if feature.within is not None)
    return tuple(dict.fromkeys(named))
