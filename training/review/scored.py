"""Rows with an artifact's scores, as arrays: for reports that look at many dates at once.

What people see of one account is made in the room above, from the same score and by the same rules;
tests hold both to the same bands.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from training.artifact import Artifact
from training.calibrating.bands import Codes, Obstacle, band_codes, obstacles
from training.learning.matrix import known_share, matrix

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class ScoredArrays:
    """Per row: calibrated logits and scores, both NaN where unscored.

    `health` is the unclipped score, of an opportunity its own; `completeness` is
    the share of the model's indicators that are known.
    """

    logits: Floats
    health: Floats
    completeness: Floats

    @property
    def there(self) -> Flags:
        """Which rows are scored."""
        return ~np.isnan(self.health)

    @property
    def bands(self) -> Codes:
        """Places in `BANDS`."""
        return band_codes(self.health)


def score_rows(rows: pa.Table, artifact: Artifact) -> ScoredArrays:
    """The scores of snapshot rows by `artifact`, in their order.

    A row is scored where `training.calibrating.bands` names no obstacle.

    Raises
    ------
    ContractBroken
        The rows lack columns that the model needs, or have them in another type.
    """
    X = matrix(rows, artifact.features)
    share = known_share(X, artifact.features)
    there = obstacles(rows, artifact.target, artifact.min_history_days, share) == Obstacle.NONE
    logits, health = np.full(len(X), np.nan), np.full(len(X), np.nan)
    if there.any():
        margins = artifact.margins(X[there])
        logits[there] = artifact.calibration.logits(margins)
        health[there] = artifact.scale.unclipped(margins)
    return ScoredArrays(logits, health, share)
