"""LightGBM's text form of a model as plain arrays, one `Tree` each, and what we refuse to read.

A decision is LightGBM's own: a number goes left when it is at most the threshold, a category
when it is in the node's set, and a missing value to the side that the node declares.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

from features.errors import ChurnlightError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

CATEGORICAL_BIT = 1
DEFAULT_LEFT_BIT = 2
MISSING_SHIFT = 2


class Refused(ChurnlightError):
    """A model that cannot be compiled exactly; LightGBM itself has to explain it."""


class Missing(IntEnum):
    """The values that a node takes as missing: none (NaN counts as 0), zero and NaN, or NaN."""

    NONE = 0
    ZERO = 1
    NAN = 2


@dataclass(frozen=True)
class Tree:
    """One tree; internal nodes count from 0, and a child `c < 0` is leaf `-c - 1`.

    `cover` counts the training rows of the internal nodes, `leaf_cover` those of the leaves.
    `categories` are the values that go left at a categorical node; elsewhere there is no key.
    """

    value: Floats
    leaf_cover: Ints
    cover: Ints
    feature: Ints
    threshold: Floats
    missing: Ints
    default_left: npt.NDArray[np.bool_]
    left: Ints
    right: Ints
    categories: Mapping[int, Ints]

    @property
    def expected(self) -> float:
        """The mean of the leaves, weighted by their cover: the part of the bias it brings."""
        if len(self.value) == 1:
            return float(self.value[0])
        return float(self.leaf_cover / self.cover[0] @ self.value)

    def share(self, node: int, child: int) -> float:
        """The share of the training rows at `node` that went on to `child`."""
        rows = self.leaf_cover[-child - 1] if child < 0 else self.cover[child]
        return float(rows / self.cover[node])


@dataclass(frozen=True)
class Forest:
    """The trees of one booster over `width` columns."""

    trees: Sequence[Tree]
    width: int


def parse_forest(booster: lgb.Booster) -> Forest:
    """The trees that `booster.predict` uses by default.

    Raises
    ------
    Refused
        Random forests average, linear trees have no constant leaves, several classes have
        several margins: none of them is a sum of constant leaves.
    """
    header, *blocks = booster.model_to_string().split("\nTree=")
    about = _fields(header)
    if "average_output" in header.splitlines():
        raise Refused("random forest: its trees are averaged")
    if int(about["num_tree_per_iteration"]) != 1:
        raise Refused(f"{about['num_tree_per_iteration']} trees per iteration: several classes")
    trees = [_tree(_fields(block)) for block in blocks]
    return Forest(trees, int(about["max_feature_idx"]) + 1)


def _fields(text: str) -> dict[str, str]:
    """The `key=value` lines up to the first empty line after them."""
    lines = text.split("\n\n", 1)[0].splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def _tree(fields: Mapping[str, str]) -> Tree:
    if fields.get("is_linear", "0") != "0":
        raise Refused("linear trees: their leaves are not constant")
    if fields["num_leaves"] == "1":
        return _leaf(float(fields["leaf_value"]))
    decision = _ints(fields, "decision_type")
    threshold = _floats(fields, "threshold")
    return Tree(
        value=_floats(fields, "leaf_value"),
        leaf_cover=_ints(fields, "leaf_count"),
        cover=_ints(fields, "internal_count"),
        feature=_ints(fields, "split_feature"),
        threshold=threshold,
        missing=decision >> MISSING_SHIFT & 3,
        default_left=decision & DEFAULT_LEFT_BIT > 0,
        left=_ints(fields, "left_child"),
        right=_ints(fields, "right_child"),
        categories={
            int(node): _category_set(fields, int(threshold[node]))
            for node in np.flatnonzero(decision & CATEGORICAL_BIT)
        },
    )


def _leaf(value: float) -> Tree:
    nothing = np.zeros(0, dtype=np.int64)
    return Tree(
        value=np.array([value]),
        leaf_cover=nothing,
        cover=nothing,
        feature=nothing,
        threshold=np.zeros(0),
        missing=nothing,
        default_left=np.zeros(0, dtype=bool),
        left=nothing,
        right=nothing,
        categories={},
    )


def _ints(fields: Mapping[str, str], key: str) -> Ints:
    return np.array(fields[key].split(), dtype=np.int64)


def _floats(fields: Mapping[str, str], key: str) -> Floats:
    return np.array(fields[key].split(), dtype=np.float64)


def _category_set(fields: Mapping[str, str], number: int) -> Ints:
    """The members of one of the tree's sets, which are kept as bits of 32-bit words."""
    bounds = _ints(fields, "cat_boundaries")
    words = _ints(fields, "cat_threshold")[bounds[number] : bounds[number + 1]]
    bits = words[:, None] >> np.arange(32) & 1
    return np.flatnonzero(bits.ravel())
