"""Contributions as the shap package's own `Explanation`, so that each of its plots works on them.

Its one rule: the numbers are the artifact's own. shap computes nothing here, it draws; it is
imported only where somebody asks for it, for that takes seconds and the service never does.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
import numpy.typing as npt

from training.calibrating.health import Scale
from training.calibrating.opportunity import OpportunityScale
from training.explaining.drivers import by_indicator, levels, shown_feature
from training.learning.matrix import Feature, matrix
from training.tables.foreign import columns_for
from training.tables.plain_table import Frame

if TYPE_CHECKING:
    import shap

Floats = npt.NDArray[np.float64]
Texts = npt.NDArray[np.object_]

Units = Literal["health points", "margin"]
By = Literal["column", "indicator"]


class Explainable(Protocol):
    """A model with contributions per column, and the scale of its scores."""

    @property
    def features(self) -> Sequence[Feature]:
        """Its columns, in their order."""

    @property
    def scale(self) -> Scale | OpportunityScale:
        """The scale of its scores."""

    def contributions(self, X: Floats, threads: int = 1) -> Floats:
        """Shapley values (rows × features + 1) in margin units, the last one the bias."""


def explained(artifact: Explainable, frame: Frame, *, units: Units, by: By) -> "shap.Explanation":
    """The Shapley values of each row; parameters, result and errors as of `Artifact.explain`."""
    import shap

    X = matrix(columns_for(frame, artifact.features), artifact.features)
    contributions = artifact.contributions(X)
    names, values, data = _columns(artifact, X, contributions)
    if by == "indicator":
        names, values, data = _indicators(artifact, X, contributions)
    margin, scale = units == "margin", artifact.scale
    return shap.Explanation(
        values=values if margin else values * scale.points_per_margin,
        base_values=contributions[:, -1] if margin else scale.unclipped(contributions[:, -1]),
        data=data,
        display_data=_displayed(artifact, X, contributions, by),
        feature_names=names,
    )


def _columns(
    artifact: Explainable, X: Floats, contributions: Floats
) -> tuple[list[str], Floats, Floats]:
    return [feature.name for feature in artifact.features], contributions[:, :-1], X


def _indicators(
    artifact: Explainable, X: Floats, contributions: Floats
) -> tuple[list[str], Floats, Floats]:
    names, folded = by_indicator(contributions, artifact.features)
    shown = levels(artifact.features)[shown_feature(artifact.features, X, contributions)]
    return names, folded, np.take_along_axis(X, shown, axis=1)


def _displayed(artifact: Explainable, X: Floats, contributions: Floats, by: By) -> Texts:
    """The values as people know them: categories by their names, all else as it is."""
    texts: Texts = X.astype(object)
    for column, feature in enumerate(artifact.features):
        if feature.dtype == "category":
            has_value = ~np.isnan(X[:, column])
            names = np.array(feature.categories, dtype=object)
            texts[has_value, column] = names[X[has_value, column].astype(np.int64)]
    if by == "indicator":
        shown = levels(artifact.features)[shown_feature(artifact.features, X, contributions)]
        texts = np.take_along_axis(texts, shown, axis=1)
    return np.asarray(texts, dtype=object)
