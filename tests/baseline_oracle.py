"""Baseline Shapley values by brute force, from the definition: the mean over all orders of joining.

Nothing here is shared with what it judges: the worth of a mixed row is what the model itself
predicts of it.
"""

from collections.abc import Callable, Sequence
from itertools import permutations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Margins = Callable[[Floats], Floats]


def contributions(margins: Margins, old: Floats, new: Floats, groups: Sequence[int]) -> Floats:
    """The part of each group (rows × groups) in the way from the rows `old` to the rows `new`."""
    players = range(max(groups) + 1)
    orders = list(permutations(players))
    found = np.zeros((len(old), len(players)))
    for order in orders:
        mixed = old.copy()
        before = margins(mixed)
        for player in order:
            own = [column for column, group in enumerate(groups) if group == player]
            mixed[:, own] = new[:, own]
            after = margins(mixed)
            found[:, player] += (after - before) / len(orders)
            before = after
    return found
