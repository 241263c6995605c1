"""Exact baseline Shapley values: how the way from one row to another divides among its groups.

The players are groups of columns. A coalition's members have the values of the second row, all
other groups those of the first one, and the margin of that mixed row is what it is worth
(Sundararajan & Najmi 2020). A leaf is reached by just those coalitions that hold every group which
needs the second row on its path and none that needs the first; of such a game with `a` groups of
the one kind and `b` of the other the Shapley values are known, 1 / (a·C(a+b, a)) and
−1 / (b·C(a+b, b)) of the leaf. So no coalition is enumerated, whatever their number: each tree is
walked once, both ways at a node where the rows part and whose group has not yet chosen
(interventional TreeSHAP, Lundberg et al. 2020, with groups for columns and one row for the
background).

References
----------
Sundararajan, M. & Najmi, A. (2020). The many Shapley values for model explanation. ICML, 9269-9278.

Lundberg, S. M. et al. (2020). From local explanations to global understanding with explainable
AI for trees. Nature Machine Intelligence 2, 56-67.
"""

from collections.abc import Sequence
from math import comb
from typing import NamedTuple, TypeVar

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

from features.folding.compiled import compiled
from training.treeshap.forest import Missing, Tree, parse_forest

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int64]
Scalar = TypeVar("Scalar", np.float64, np.int64, np.bool_)

# LightGBM's kZeroThreshold, a float there: what is as small counts as 0.
ZERO = float(np.float32(1e-35))
NUMBER = -1
MISSING_IS_ZERO, MISSING_IS_NAN = int(Missing.ZERO), int(Missing.NAN)
OLD, NEW = 0, 1


class Nodes(NamedTuple):
    """All nodes of a bag, tree after tree; a child `c < 0` is leaf `-c - 1` of `value`.

    Categorical node n sends `members[start[n] : start[n] + size[n]]` to the left, a flag for each
    category from 0 on; of a numeric node the size is `NUMBER`.
    """

    root: Places
    feature: Places
    threshold: Floats
    missing: Places
    default_left: Flags
    left: Places
    right: Places
    start: Places
    size: Places
    members: Flags
    value: Floats


class BaselineShapley:
    """The way between rows under the mean of `boosters`, which may be none.

    Raises
    ------
    Refused
        The boosters are no sums of constant leaves: random forests, linear trees, several classes.
    """

    def __init__(self, boosters: Sequence[lgb.Booster]) -> None:
        trees = [tree for booster in boosters for tree in parse_forest(booster).trees]
        trees = [tree for tree in trees if len(tree.value) > 1]
        self._deepest = max((len(tree.value) for tree in trees), default=1)
        self._nodes = _nodes(trees, 1 / max(len(boosters), 1))

    def contributions(self, old: Floats, new: Floats, groups: Sequence[int]) -> Floats:
        """The part of each group in `margin(new) - margin(old)`, (rows × groups) in margin units.

        Parameters
        ----------
        old, new : arrays of shape (rows × columns)
            The rows that the ways begin and end with, as LightGBM's `predict` takes them.
        groups : sequence of int
            For each column the number of its group, counted from 0.

        Returns
        -------
        array
            Sums to the difference of the margins; exactly 0 for a group that did not change.
        """
        group = np.asarray(groups, dtype=np.int64)
        out = np.zeros((len(old), int(group.max(initial=-1)) + 1))
        moved = np.flatnonzero(((old != new) & ~(np.isnan(old) & np.isnan(new))).any(axis=1))
        most = min(self._deepest, out.shape[1])
        old, new = (np.ascontiguousarray(rows[moved], dtype=np.float64) for rows in (old, new))
        parts = np.zeros((len(moved), out.shape[1]))
        _walk_all(self._nodes, _weights(most), group, (old, new), self._deepest, parts)
        out[moved] = parts
        return out


def _nodes(trees: Sequence[Tree], scale: float) -> Nodes:
    sizes = [len(tree.feature) for tree in trees]
    roots = np.cumsum([0, *sizes])[:-1] if trees else np.zeros(0)
    leaves = np.cumsum([0, *(len(tree.value) for tree in trees)])
    start, size, members = _members(trees)

    def joined(name: str, kind: type[Scalar]) -> npt.NDArray[Scalar]:
        parts: list[npt.NDArray[Scalar]] = [
            np.asarray(getattr(tree, name), dtype=kind) for tree in trees
        ]
        return np.concatenate([*parts, np.zeros(0, dtype=kind)])

    def children(name: str) -> Places:
        parts = [
            np.where(
                getattr(tree, name) < 0, getattr(tree, name) - leaf, getattr(tree, name) + root
            )
            for tree, root, leaf in zip(trees, roots, leaves[:-1], strict=True)
        ]
        return np.concatenate([*parts, np.zeros(0)]).astype(np.int64)

    return Nodes(
        root=roots.astype(np.int64),
        feature=joined("feature", np.int64),
        threshold=joined("threshold", np.float64),
        missing=joined("missing", np.int64),
        default_left=joined("default_left", np.bool_),
        left=children("left"),
        right=children("right"),
        start=start,
        size=size,
        members=members,
        value=joined("value", np.float64) * scale,
    )


def _members(trees: Sequence[Tree]) -> tuple[Places, Places, Flags]:
    """Where the flags of each node begin, how many they are, and the flags themselves."""
    start, size, flags = [], [], [np.zeros(0, dtype=np.bool_)]
    total = 0
    for tree in trees:
        for node in range(len(tree.feature)):
            categories = tree.categories.get(node)
            start.append(total)
            size.append(NUMBER if categories is None else int(categories.max(initial=-1)) + 1)
            if categories is not None:
                flags.append(np.isin(np.arange(size[-1]), categories))
                total += size[-1]
    return np.array(start, np.int64), np.array(size, np.int64), np.concatenate(flags)


def _weights(most: int) -> Floats:
    """Of a leaf that `a` groups must and `b` must not have joined: what one of the `a` is worth."""
    weights = np.zeros((most + 1, most + 1))
    for a in range(1, most + 1):
        for b in range(most + 1):
            weights[a, b] = 1 / (a * comb(a + b, a))
    return weights


@compiled
def _walk_all(
    nodes: Nodes,
    weights: Floats,
    group: Places,
    rows: tuple[Floats, Floats],
    deepest: int,
    out: Floats,
) -> None:
    """Adds the parts of each pair of rows to `out` (rows × groups)."""
    old, new = rows
    waiting = np.empty((deepest + 1, 3), np.int64)
    chosen = np.empty((deepest + 1, 2), np.int64)
    for row in range(len(out)):
        for tree in range(len(nodes.root)):
            waiting[0, 0], waiting[0, 1] = nodes.root[tree], 0
            _walk(nodes, (old[row], new[row], group), weights, (waiting, chosen), out[row])


@compiled
def _walk(
    nodes: Nodes,
    pair: tuple[Floats, Floats, Places],
    weights: Floats,
    memory: tuple[Places, Places],
    out: Floats,
) -> None:
    """Adds the parts of one tree: every leaf that some mixture of the two rows reaches.

    `chosen` holds the groups that chose a row on the way to the node, and which. `waiting` holds
    the other ways, at first the root: their node, how many had chosen there, and the last of
    them, which takes the old row.
    """
    old, new, group = pair
    waiting, chosen = memory
    open_ways = 1
    while open_ways > 0:
        open_ways -= 1
        node, count = waiting[open_ways, 0], waiting[open_ways, 1]
        if count > 0:
            chosen[count - 1, 0], chosen[count - 1, 1] = waiting[open_ways, 2], OLD
        while node >= 0:
            feature = nodes.feature[node]
            goes_left = _goes_left(nodes, node, new[feature])
            if _goes_left(nodes, node, old[feature]) != goes_left:
                side = _side(chosen, count, group[feature])
                if side < 0:
                    waiting[open_ways, 0] = nodes.right[node] if goes_left else nodes.left[node]
                    waiting[open_ways, 1], waiting[open_ways, 2] = count + 1, group[feature]
                    open_ways += 1
                    chosen[count, 0], chosen[count, 1] = group[feature], NEW
                    count += 1
                elif side == OLD:
                    goes_left = not goes_left
            node = nodes.left[node] if goes_left else nodes.right[node]
        _add_leaf(nodes.value[-node - 1], chosen, count, weights, out)


@compiled
def _goes_left(nodes: Nodes, node: int, value: float) -> bool:
    """LightGBM's own decision."""
    if nodes.size[node] != NUMBER:
        if not -1.0 < value < nodes.size[node]:
            return False
        return bool(nodes.members[nodes.start[node] + np.int64(value)])
    missing = nodes.missing[node]
    if abs(value) <= ZERO or (value != value and missing != MISSING_IS_NAN):
        value = 0.0
    if value != value or (missing == MISSING_IS_ZERO and value == 0.0):
        return bool(nodes.default_left[node])
    return bool(value <= nodes.threshold[node])


@compiled
def _side(chosen: Places, count: int, group: int) -> int:
    """The row that a group chose on the way, -1 where it has not yet."""
    for position in range(count):
        if chosen[position, 0] == group:
            return int(chosen[position, 1])
    return -1


@compiled
def _add_leaf(value: float, chosen: Places, count: int, weights: Floats, out: Floats) -> None:
    new = 0
    for position in range(count):
        new += chosen[position, 1]
    old = count - new
    for position in range(count):
        if chosen[position, 1] == NEW:
            out[chosen[position, 0]] += value * weights[new, old]
        else:
            out[chosen[position, 0]] -= value * weights[old, new]
