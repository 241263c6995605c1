"""The forecast beside a light by renewal: the chance that an account leaves within fixed days.

Everybody with a running contract has one, also those whose next decision is no longer scored. It
is pure, as `assess` is.
"""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from training.learning.matrix import HISTORY, known_share, matrix

if TYPE_CHECKING:
    from training.artifact import Artifact


def forecasts(rows: pa.Table, artifact: "Artifact") -> list[float | None]:
    """The chance of leaving of each row, in order; None without a forecast, or a running contract.

    Parameters and errors as of `score_parts`.
    """
    model = artifact.forecast
    if model is None:
        return [None] * rows.num_rows
    X = matrix(rows, model.features)
    asked = _running(rows, artifact.target) & (known_share(X, model.features) > 0)
    asked &= rows[HISTORY].to_numpy() >= model.min_history_days
    chances = np.full(rows.num_rows, np.nan)
    if asked.any():
        chances[asked] = model.scale.probability(model.margins(X[asked]))
    return [None if np.isnan(chance) else float(chance) for chance in chances]


def _running(rows: pa.Table, target: str) -> npt.NDArray[np.bool_]:
    """Whose contract runs; rows that a caller made up count as eligible, and so as running."""
    name = f"running__{target}"
    there = name if name in rows.column_names else f"eligible__{target}"
    return np.asarray(rows[there].to_numpy(), bool)
