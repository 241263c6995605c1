"""Which leaves share a table, and what the digits of the table's index are.

A leaf's contributions depend on nothing but which of its path's conditions hold. Leaves that are
put into one *group* share an index of mixed radix: one digit for each code column, which numbers
what its codes mean to the group's leaves. Codes that no leaf tells apart share a number, so the
conditions of all ancestors on one feature cost one bit together.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from math import prod

import numpy as np
import numpy.typing as npt

from training.treeshap.codes import LEFT, RIGHT, CodeColumn, Coder
from training.treeshap.forest import Tree

# An index is one byte. More leaves than a signature has bits cannot share one.
MOST_ENTRIES = 256
MOST_FEATURES = 8
MOST_LEAVES = 62
ALWAYS = (LEFT - 1, RIGHT)

Members = npt.NDArray[np.bool_]
Condition = tuple[int, int] | Members


@dataclass(frozen=True)
class Leaf:
    """A leaf: its value, and what its path asks.

    `conditions` holds for each code column either (low, high), met by codes in (low, high], or
    whether each category's code meets it. `shares` holds for each feature the product of the
    shares of training rows that followed the path at the nodes on that feature; the features are
    in the order in which the path asks for them last.
    """

    value: float
    conditions: dict[CodeColumn, Condition]
    shares: dict[int, float]


@dataclass(frozen=True)
class Digit:
    """One digit of a group's index.

    Parameters
    ----------
    column
        The code column it is read from.
    signatures
        For each value of the digit, the leaves whose condition is met, as bits.
    first
        Its value at code 0.
    steps
        (cut, change): the value changes by that much where `code > cut`.
    """

    column: CodeColumn
    signatures: tuple[int, ...]
    first: int
    steps: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class LeafGroup:
    """Leaves with one table, whose index has these digits, the first of them the fastest."""

    leaves: Sequence[Leaf]
    digits: Sequence[Digit]

    @property
    def entries(self) -> int:
        """How many values the index can have."""
        return prod(len(digit.signatures) for digit in self.digits)

    @property
    def features(self) -> list[int]:
        """The features that have contributions in the table."""
        return sorted({feature for leaf in self.leaves for feature in leaf.shares})


@dataclass(frozen=True)
class Subtree:
    """The leaves below a node, as a range of the tree's leaves from left to right."""

    first: int
    last: int
    children: tuple["Subtree", ...] = field(default=())


def leaf_groups(tree: Tree, coder: Coder, entries: int) -> tuple[list[LeafGroup], list[Leaf]]:
    """The groups of a tree's leaves with at most `entries` table entries, and the other leaves.

    The largest subtrees that fit, then merged where that saves look-ups. A leaf with too many
    features for any table stays alone.
    """
    leaves: list[Leaf] = []
    root = _descend(tree, coder, 0, Leaf(1.0, {}, {}), leaves)
    fitting, alone = _fitting(leaves, root, entries)
    return _merged(fitting, entries), alone


def _descend(tree: Tree, coder: Coder, node: int, path: Leaf, leaves: list[Leaf]) -> Subtree:
    """Appends the leaves below `node`, which `path` leads to."""
    if node < 0:
        leaves.append(replace(path, value=float(tree.value[-node - 1])))
        return Subtree(len(leaves) - 1, len(leaves))
    first = len(leaves)
    sides = zip((tree.left[node], tree.right[node]), _sides(tree, coder, node), strict=True)
    children = tuple(
        _descend(tree, coder, int(child), _further(path, tree, (node, int(child)), side), leaves)
        for child, side in sides
    )
    return Subtree(first, len(leaves), children)


def _sides(tree: Tree, coder: Coder, node: int) -> Iterator[tuple[CodeColumn, Condition]]:
    """The conditions of going left and of going right."""
    column = coder.column(tree, node)
    if node in tree.categories:
        members = coder.members(tree, node)
        yield column, members
        yield column, ~members
    else:
        cut = coder.cut(tree, node)
        yield column, (ALWAYS[0], cut)
        yield column, (cut, ALWAYS[1])


def _further(
    path: Leaf, tree: Tree, edge: tuple[int, int], side: tuple[CodeColumn, Condition]
) -> Leaf:
    column, condition = side
    conditions = dict(path.conditions)
    conditions[column] = _both(conditions.get(column), condition)
    shares = dict(path.shares)
    before = shares.pop(column.feature, 1.0)
    shares[column.feature] = before * tree.share(*edge)
    return Leaf(path.value, conditions, shares)


def _both(before: Condition | None, now: Condition) -> Condition:
    if before is None:
        return now
    if isinstance(before, tuple) and isinstance(now, tuple):
        return max(before[0], now[0]), min(before[1], now[1])
    return np.logical_and(before, now)


def _fitting(
    leaves: Sequence[Leaf], subtree: Subtree, entries: int
) -> tuple[list[LeafGroup], list[Leaf]]:
    below = leaves[subtree.first : subtree.last]
    if group := group_of(below, entries):
        return [group], []
    if not subtree.children:
        return [], list(below)
    parts = [_fitting(leaves, child, entries) for child in subtree.children]
    groups = [group for part in parts for group in part[0]]
    return groups, [leaf for part in parts for leaf in part[1]]


def group_of(leaves: Sequence[Leaf], entries: int) -> LeafGroup | None:
    """One group of these leaves, or None where its table would be too large."""
    if len(leaves) > MOST_LEAVES or any(len(leaf.shares) > MOST_FEATURES for leaf in leaves):
        return None
    digits, size = [], 1
    for column in dict.fromkeys(column for leaf in leaves for column in leaf.conditions):
        digit = digit_of(column, leaves)
        size *= len(digit.signatures)
        if size > entries:
            return None
        digits.append(digit)
    return LeafGroup(leaves, digits)


def digit_of(column: CodeColumn, leaves: Sequence[Leaf], numbered: Iterable[int] = ()) -> Digit:
    """The digit of `column`; the signatures in `numbered` get a number even if no code has them."""
    asked = [leaf.conditions.get(column, ALWAYS) for leaf in leaves]
    cuts, pieces = _by_piece(asked) if column.missing is not None else _by_code(asked)
    signatures = tuple(sorted({*pieces, *numbered}))
    number = {signature: position for position, signature in enumerate(signatures)}
    values = [number[signature] for signature in pieces]
    changes = zip(cuts, values[:-1], values[1:], strict=True)
    steps = tuple((cut, after - before) for cut, before, after in changes if after != before)
    return Digit(column, signatures, values[0], steps)


def _by_piece(asked: Sequence[Condition]) -> tuple[list[int], list[int]]:
    """The cuts between pieces of codes that no leaf tells apart, and each piece's signature."""
    bounds = [(int(low), int(high)) for low, high in asked]
    cuts = sorted({cut for bound in bounds for cut in bound}.difference(ALWAYS))
    signatures = [
        sum(1 << bit for bit, (low, high) in enumerate(bounds) if low < code <= high)
        for code in [LEFT, *(cut + 1 for cut in cuts)]
    ]
    return cuts, signatures


def _by_code(asked: Sequence[Condition]) -> tuple[list[int], list[int]]:
    """The same for categories, each code a piece."""
    total = sum(
        (1 if condition is ALWAYS else np.asarray(condition, np.int64)) << bit
        for bit, condition in enumerate(asked)
    )
    signatures = np.asarray(total).tolist()
    return list(range(len(signatures) - 1)), signatures


def key_of(condition: Condition) -> Hashable:
    """Equal for equal conditions."""
    return condition if isinstance(condition, tuple) else condition.tobytes()


def _merged(groups: Sequence[LeafGroup], entries: int) -> list[LeafGroup]:
    """Groups joined, the pair first that saves most look-ups, as long as a table holds them."""
    kept = dict(enumerate(groups))
    features = {number: frozenset(group.features) for number, group in kept.items()}
    refused: set[tuple[int, int]] = set()
    while True:
        pairs = [pair for pair in _savings(kept, features) if pair[1:] not in refused]
        for _, one, other in sorted(pairs, key=lambda pair: -pair[0]):
            if joined := group_of([*kept[one].leaves, *kept[other].leaves], entries):
                del kept[one], kept[other]
                number = len(features)
                kept[number], features[number] = joined, frozenset(joined.features)
                break
            refused.add((one, other))
        else:
            return list(kept.values())


def _savings(
    kept: Iterable[int], features: Mapping[int, frozenset[int]]
) -> Iterator[tuple[int, int, int]]:
    """(look-ups saved, number, number) of the pairs that could share a table."""
    for one, other in combinations(kept, 2):
        if saved := len(features[one] & features[other]):
            yield saved, one, other
