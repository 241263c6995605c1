"""Rows with what an artifact says of them, as arrays: for reports that look at many dates at once.

What people see of one account is made in the room above, from the same score and by the same rules;
tests hold both to the same bands.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from training.artifact import Artifact
from training.calibrating.health import GREEN_FROM, RED_BELOW
from training.learning.matrix import known_share, matrix

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.int8]

BANDS = ("red", "yellow", "green", "unscored")
RED, YELLOW, GREEN, UNSCORED = range(len(BANDS))


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
        return bands(self.health)


def score_rows(rows: pa.Table, artifact: Artifact) -> ScoredArrays:
    """What `artifact` says of snapshot rows, in their order.

    A row is scored where the account is eligible, has `min_history_days`, and any indicator is
    known.

    Raises
    ------
    ContractBroken
        The rows lack columns that the model needs, or have them in another type.
    """
    X = matrix(rows, artifact.features)
    share = known_share(X, artifact.features)
    eligible = rows[f"eligible__{artifact.target}"].to_numpy()
    enough = rows["history_days"].to_numpy() >= artifact.min_history_days
    there = eligible & enough & (share > 0)
    logits, health = np.full(len(X), np.nan), np.full(len(X), np.nan)
    if there.any():
        margins = artifact.margins(X[there])
        logits[there] = artifact.calibration.logits(margins)
        health[there] = artifact.scale.unclipped(margins)
    return ScoredArrays(logits, health, share)


def bands(health: Floats) -> Codes:
    """Places in `BANDS` of unclipped health scores of any shape, NaN where unscored."""
    found = np.full(health.shape, UNSCORED, dtype=np.int8)
    found[health < RED_BELOW] = RED
    found[(health >= RED_BELOW) & (health < GREEN_FROM)] = YELLOW
    found[health >= GREEN_FROM] = GREEN
    return found
