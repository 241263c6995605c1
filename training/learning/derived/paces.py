"""Paces: how an indicator's window compares with its next longer one, day for day.

Windows are nested: 7, 28 and 90 days hold the same events. A declared side on each of them forbids
a model to say "much in 90 days, little in 7", which is the earliest sign of a decline. A pace says
it, with the same side: the usage of one account against its own. It does not change when all
windows are multiplied, so the side holds for the indicator as a whole, whatever the model learns.
"""

from collections.abc import Sequence
from itertools import pairwise

from features.declaring.company import Company
from features.declaring.indicator import Measure
from training.learning.matrix import Feature

ADDITIVE: tuple[Measure, ...] = ("count", "sum")


def with_paces(features: Sequence[Feature], company: Company) -> list[Feature]:
    """The features, and after them the paces of neighbouring windows of additive measures."""
    names = dict.fromkeys(
        feature.indicator
        for feature in features
        if company.indicators[feature.indicator].measure in ADDITIVE
    )
    return [*features, *(item for name in names for item in _paces(name, features))]


def _paces(indicator: str, features: Sequence[Feature]) -> list[Feature]:
    windows = sorted(
        feature.window
        for feature in features
        if feature.indicator == indicator and feature.window is not None
    )
    return [
        Feature(f"{indicator}__pace_{days}d_{longer}d", indicator, days, "number", against=longer)
        for days, longer in pairwise(windows)
    ]
