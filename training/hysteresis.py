"""Which changes of a band are announced: those that are far enough, or that last.

The light itself is always that of the score. What is announced (an event, a task, a line in a
digest) follows it over an edge, 40 or 70, only when the score lies `MARGIN` points or more beyond
the edge, or lies beyond it at two consecutive scorings. A scoring without a score ends the account
of what was announced; the next one begins it anew.
"""

import numpy as np
import numpy.typing as npt

from training.calibrating.bands import EDGES, UNSCORED, Codes

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

MARGIN = 3.0


def announced(health: Floats, margin: float = MARGIN) -> Codes:
    """The bands (places in `training.calibrating.bands.BANDS`) as they are announced.

    Parameters
    ----------
    health : array of shape (accounts, scorings)
        Unclipped health scores, the earliest scoring first, NaN where there is none.
    margin : float
        Health points beyond an edge that are enough at once.

    Returns
    -------
    array of shape (accounts, scorings)
    """
    reached = [~_below(health, edge, margin) for edge in EDGES]
    return np.where(np.isnan(health), UNSCORED, np.sum(reached, axis=0)).astype(np.int8)


def _below(health: Floats, edge: float, margin: float) -> Flags:
    """Whether the account counts as below the edge, scoring by scoring."""
    below = health < edge
    far = np.where(below, health < edge - margin, health >= edge + margin)
    scored = ~np.isnan(health)
    counted_below = below.copy()
    for week in range(1, health.shape[1]):
        lasts = below[:, week] == below[:, week - 1]
        follows = far[:, week] | lasts | ~scored[:, week - 1]
        counted_below[:, week] = np.where(follows, below[:, week], counted_below[:, week - 1])
    return counted_below
