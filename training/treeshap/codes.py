"""How a value becomes a small code, so that a node's decision is one comparison of integers.

Of a number the code is how many of its feature's thresholds lie below it: `code <= k` is
LightGBM's `value <= thresholds[k]`. Zero and NaN get what the node's rule for missing values
makes of them: code 0 goes left at every node, `RIGHT` goes right. Of a category the code is its
rank among those that any node knows, 0 for every other value. A feature has one *code column*
for each rule that its nodes follow.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from training.treeshap.forest import Missing, Refused, Tree

Floats = npt.NDArray[np.float64]
Categories = npt.NDArray[np.int64]

# LightGBM's kZeroThreshold, a float there: what is as small counts as 0.
ZERO = float(np.float32(1e-35))
LEFT, RIGHT = 0, 1 << 30
LARGEST_CATEGORY = 1 << 20


class CodeColumn(NamedTuple):
    """One column of codes: a feature under one rule for missing values.

    `missing` is None for a categorical feature, whose rule is its unknown categories'.
    """

    feature: int
    missing: Missing | None = None
    goes_left: bool = False


class Coder(NamedTuple):
    """The thresholds (ascending) of each numeric feature, the categories of each other one.

    The categories are in the order of their codes, which begin with 1.
    """

    thresholds: Mapping[int, Floats]
    categories: Mapping[int, Categories]

    def column(self, tree: Tree, node: int) -> CodeColumn:
        """The code column on which a node decides."""
        feature = int(tree.feature[node])
        if node in tree.categories:
            return CodeColumn(feature)
        missing = Missing(int(tree.missing[node]))
        # Where nothing is missing, the side that is declared for it does not count.
        return CodeColumn(
            feature, missing, bool(tree.default_left[node]) and missing > Missing.NONE
        )

    def cut(self, tree: Tree, node: int) -> int:
        """The largest code that goes left at a numeric node."""
        return int(self.thresholds[int(tree.feature[node])].searchsorted(tree.threshold[node]))

    def members(self, tree: Tree, node: int) -> npt.NDArray[np.bool_]:
        """For each code of a categorical node's column, whether it goes left."""
        categories = self.categories[int(tree.feature[node])]
        return np.append(False, np.isin(categories, tree.categories[node]))

    def size(self, column: CodeColumn) -> int:
        """The largest code but `RIGHT`."""
        by_feature = self.categories if column.missing is None else self.thresholds
        return len(by_feature[column.feature])

    def codes_of_missing(self, column: CodeColumn) -> tuple[int, int]:
        """The codes of NaN and of zero in a numeric column."""
        zero = int(self.thresholds[column.feature].searchsorted(0.0))
        default = LEFT if column.goes_left else RIGHT
        return (
            zero if column.missing is Missing.NONE else default,
            default if column.missing is Missing.ZERO else zero,
        )


def coder(trees: Sequence[Tree]) -> Coder:
    """The codes that distinguish what the nodes of `trees` distinguish.

    Raises
    ------
    Refused
        A feature has categories too large to be numbered, or is no category in some trees.
    """
    thresholds: dict[int, set[float]] = {}
    categories: dict[int, Counter[int]] = {}
    for tree in trees:
        for node, (feature, threshold) in enumerate(zip(tree.feature, tree.threshold, strict=True)):
            if node in tree.categories:
                counts = categories.setdefault(int(feature), Counter())
                counts.update(tree.categories[node].tolist())
            else:
                thresholds.setdefault(int(feature), set()).add(float(threshold))
    if mixed := thresholds.keys() & categories.keys():
        raise Refused(f"feature {min(mixed)} is a number in one tree and a category in another")
    for feature, counts in categories.items():
        if max(counts, default=0) > LARGEST_CATEGORY:
            raise Refused(f"feature {feature} has categories beyond {LARGEST_CATEGORY:,}")
    return Coder(
        {feature: np.array(sorted(cuts)) for feature, cuts in thresholds.items()},
        {feature: _ordered(counts) for feature, counts in categories.items()},
    )


def _ordered(counts: Counter[int]) -> Categories:
    """Categories that often go left together get neighbouring codes: fewer steps per index."""
    return np.array(sorted(counts, key=lambda category: (counts[category], category)), np.int64)
