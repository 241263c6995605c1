"""Path-dependent Shapley values of a LightGBM model by brute force, from the definition.

Nothing here is shared with what it judges: trees come from LightGBM's own `dump_model`, a
coalition's worth from walking down, and a feature's value from all coalitions of the others.
"""

from collections.abc import Iterator
from itertools import combinations
from math import factorial, inf, isnan
from typing import Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Node = dict[str, Any]

# What LightGBM takes for zero: a float32 in its source.
ZERO = float(np.float32(1e-35))
LARGEST_DUMPED = 1e300


def contributions(booster: lgb.Booster, X: Floats) -> Floats:
    """Shapley values (rows × columns + 1) of the margin, the last column the empty coalition's."""
    found = np.zeros((len(X), X.shape[1] + 1))
    for tree in booster.dump_model()["tree_info"]:
        root = tree["tree_structure"]
        features = sorted(set(_features(root)))
        for place, row in enumerate(X):
            found[place, -1] += _worth(root, row, frozenset())
            for feature in features:
                others = [other for other in features if other != feature]
                found[place, feature] += _value(root, row, feature, others)
    return found


def _value(root: Node, row: Floats, feature: int, others: list[int]) -> float:
    count = len(others) + 1
    total = 0.0
    for size in range(count):
        weight = factorial(size) * factorial(count - size - 1) / factorial(count)
        for coalition in combinations(others, size):
            without = _worth(root, row, frozenset(coalition))
            total += weight * (_worth(root, row, frozenset([*coalition, feature])) - without)
    return total


def _worth(node: Node, row: Floats, coalition: frozenset[int]) -> float:
    """The mean of the leaves that are left once the coalition's features are known."""
    if "split_feature" not in node:
        return float(node["leaf_value"])
    left, right = node["left_child"], node["right_child"]
    if node["split_feature"] in coalition:
        return _worth(left if goes_left(node, row) else right, row, coalition)
    share = _rows(left) / int(node["internal_count"])
    return share * _worth(left, row, coalition) + (1 - share) * _worth(right, row, coalition)


def goes_left(node: Node, row: Floats) -> bool:
    """How LightGBM decides at a node."""
    value = float(row[node["split_feature"]])
    if node["decision_type"] == "==":
        known = {int(category) for category in node["threshold"].split("||")}
        return not isnan(value) and -1 < value < 2**31 and int(value) in known
    missing = node["missing_type"]
    if isnan(value) and missing != "NaN":
        value = 0.0
    if abs(value) <= ZERO:
        value = 0.0
    if isnan(value) or (missing == "Zero" and value == 0):
        return bool(node["default_left"])
    threshold = float(node["threshold"])
    # `dump_model` writes a threshold of infinity so, which predictions do not.
    return bool(value <= (inf if threshold == LARGEST_DUMPED else threshold))


def _rows(node: Node) -> int:
    return int(node["internal_count"] if "split_feature" in node else node["leaf_count"])


def _features(node: Node) -> Iterator[int]:
    if "split_feature" in node:
        yield node["split_feature"]
        yield from _features(node["left_child"])
        yield from _features(node["right_child"])
