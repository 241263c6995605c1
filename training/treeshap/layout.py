"""Compiles a bag of forests into `Tables`: index rows, contributions, and tries of lone leaves."""

from collections.abc import Hashable, Iterable, Sequence
from itertools import groupby

import numpy as np

from training.treeshap import kernels
from training.treeshap.codes import Categories, CodeColumn, Coder, coder
from training.treeshap.forest import Forest, Refused
from training.treeshap.groups import (
    MOST_ENTRIES,
    MOST_FEATURES,
    Digit,
    Leaf,
    LeafGroup,
    digit_of,
    key_of,
    leaf_groups,
)
from training.treeshap.tables import (
    Codes,
    Floats,
    Indices,
    Lone,
    Places,
    ShapTables,
    Shorts,
    Sums,
)

MOST_BYTES = 64 << 20
ENTRIES = (MOST_ENTRIES, MOST_ENTRIES // 4, MOST_ENTRIES // 16, 1)
TILE = 256
# Codes of one page: as many cuts as fit into a byte.
PAGE = 255
# Tables begin on a cache line of eight numbers.
LINE = 8


def compile_tables(forests: Sequence[Forest], fold: Sequence[int]) -> ShapTables:
    """The tables of the mean of `forests`, feature f contributing to output `fold[f]`.

    Tables larger than `MOST_BYTES` are avoided by fewer entries each, in the end by quadrature.

    Raises
    ------
    Refused
        The model has what has no codes, or is too large even so.
    """
    trees = [tree for forest in forests for tree in forest.trees if len(tree.value) > 1]
    code = coder(trees)
    for entries in ENTRIES:
        parts = [leaf_groups(tree, code, entries) for tree in trees]
        groups = [group for part in parts for group in part[0]]
        if sum(_bytes(group, fold) for group in groups) <= MOST_BYTES:
            break
    tables = _laid_out(code, groups, [part[1] for part in parts if part[1]], fold)
    if tables.nbytes > MOST_BYTES:
        raise Refused(f"{tables.nbytes >> 20} MiB of tables; {MOST_BYTES >> 20} MiB are allowed")
    scale = 1 / len(forests)
    tables.sums.table[:] *= scale
    tables.lone.value[:] *= scale
    return tables


def _bytes(group: LeafGroup, fold: Sequence[int]) -> int:
    return 8 * _padded(group.entries) * len({fold[feature] for feature in group.features})


def _padded(entries: int) -> int:
    return -(-entries // LINE) * LINE


def _laid_out(
    code: Coder, groups: Sequence[LeafGroup], alone: Sequence[Sequence[Leaf]], fold: Sequence[int]
) -> ShapTables:
    deepest = max([MOST_FEATURES, *(len(leaf.shares) for leaves in alone for leaf in leaves)])
    points, weights = _quadrature(deepest)
    codes, pages = _codes(code, _columns([*(group.leaves for group in groups), *alone]))
    rows, sums, lone = _Rows(pages), _Sums(max(fold, default=-1) + 1), _Lone(fold)
    for first in range(0, len(groups), TILE):
        in_tile = groups[first : first + TILE]
        for group in in_tile:
            rows.add(group.digits)
        sums.close([_filled(group, fold, points, weights) for group in in_tile], len(rows))
        lone.close()
    for number, leaves in enumerate(alone, start=1):
        lone.add(leaves, rows, sums.rows)
        if len(rows) - sums.rows >= TILE or number == len(alone):
            sums.close([], len(rows))
            lone.close()
    return ShapTables(codes, rows.arrays(), sums.arrays(), lone.arrays(), points, weights)


def _columns(leaves: Iterable[Sequence[Leaf]]) -> list[CodeColumn]:
    """The code columns that any leaf asks for, by feature, numbers before categories."""
    columns = {column for of_tree in leaves for leaf in of_tree for column in leaf.conditions}
    return sorted(columns, key=lambda column: (column.missing is None, column.feature, column[1:]))


def _quadrature(features: int) -> tuple[Floats, Floats]:
    """Gauss-Legendre points and weights on [0, 1] for each number of points up to features / 2.

    Each row is filled up by points that weigh nothing.
    """
    most = (features + 1) // 2
    wide = -(-most // LINE) * LINE
    points, weights = np.full((most + 1, wide), 0.5), np.zeros((most + 1, wide))
    for count in range(1, most + 1):
        nodes, masses = np.polynomial.legendre.leggauss(count)
        points[count, :count], weights[count, :count] = (nodes + 1) / 2, masses / 2
    return points, weights


def _filled(
    group: LeafGroup, fold: Sequence[int], points: Floats, weights: Floats
) -> list[tuple[int, Floats]]:
    """The outputs that a group contributes to, each with its table."""
    position = {feature: number for number, feature in enumerate(group.features)}
    outputs = sorted({fold[feature] for feature in position})
    radix = np.array([len(digit.signatures) for digit in group.digits])
    signatures = np.zeros((len(radix), radix.max()), dtype=np.uint64)
    for number, digit in enumerate(group.digits):
        signatures[number, : radix[number]] = digit.signatures
    owners = np.array([position[digit.column.feature] for digit in group.digits])
    shares = [leaf.shares for leaf in group.leaves]
    leaves = (
        np.array([leaf.value for leaf in group.leaves]),
        np.cumsum([0, *map(len, shares)]),
        np.array([position[feature] for of_leaf in shares for feature in of_leaf]),
        np.array([share for of_leaf in shares for share in of_leaf.values()]),
        np.array([outputs.index(fold[feature]) for feature in position]),
    )
    table = np.zeros((len(outputs), _padded(group.entries)))
    kernels.fill((radix, owners, signatures), leaves, points, weights, table)
    return list(zip(outputs, table, strict=True))


def _codes(code: Coder, columns: Sequence[CodeColumn]) -> tuple[Codes, dict[CodeColumn, int]]:
    """How values become pages of codes, and the first page of each column."""
    first: dict[CodeColumn, int] = {}
    pages: list[tuple[int, int, int]] = []
    for column in columns:
        first[column] = len(pages)
        special = (0, 0) if column.missing is None else code.codes_of_missing(column)
        for base in range(0, max(code.size(column), 1), PAGE):
            at_nan, at_zero = (min(max(limit - base, 0), PAGE) for limit in special)
            pages.append((base, at_nan, at_zero))
    numbers = _by_feature([column for column in columns if column.missing is not None], first)
    others = _by_feature([column for column in columns if column.missing is None], first)
    ends = [page for _, page in others[:1]] or [len(pages)]
    thresholds = [_searchable(code.thresholds[feature]) for feature, _ in numbers]
    category_codes = [_category_codes(code.categories[feature]) for feature, _ in others]
    bases, nans, zeros = np.array(pages, dtype=np.int64).reshape(-1, 3).T
    return Codes(
        feature=_places(feature for feature, _ in numbers),
        start=np.cumsum([0, *map(len, thresholds)]),
        half=_places((len(cuts) + 1) // 2 for cuts in thresholds),
        cuts=np.concatenate([np.zeros(0), *thresholds]),
        page=_places([*(page for _, page in numbers), *ends]),
        base=bases.copy(),
        at_nan=nans.astype(np.uint8),
        at_zero=zeros.astype(np.uint8),
        category_feature=_places(feature for feature, _ in others),
        category_start=np.cumsum([0, *map(len, category_codes)]),
        category_codes=np.concatenate([np.zeros(0, np.int64), *category_codes]),
        category_page=_places([*(page for _, page in others), len(pages)]),
    ), first


def _by_feature(
    columns: Sequence[CodeColumn], first: dict[CodeColumn, int]
) -> list[tuple[int, int]]:
    """Each feature with its first page."""
    runs = groupby(columns, key=lambda column: column.feature)
    return [(feature, first[next(run)]) for feature, run in runs]


def _places(numbers: Iterable[int]) -> Places:
    return np.array(list(numbers), dtype=np.int64)


def _searchable(thresholds: Floats) -> Floats:
    """Filled up to one less than a power of two, where nothing is above."""
    size = (1 << len(thresholds).bit_length()) - 1
    return np.pad(thresholds, (0, size - len(thresholds)), constant_values=np.inf)


def _category_codes(categories: Categories) -> Places:
    """The code of each category from 0 to the largest that is known."""
    codes = np.zeros(categories.max(initial=0) + 1, dtype=np.int64)
    codes[categories] = np.arange(1, len(categories) + 1)
    return codes


def _within(starts: Sequence[int]) -> Shorts:
    """The numbers from 0 on of each of several runs, which begin and end at `starts`."""
    places: Places = np.arange(starts[-1]) - np.repeat(starts[:-1], np.diff(starts))
    return places.astype(np.int32)


class _Rows:
    """Collects the index rows."""

    def __init__(self, pages: dict[CodeColumn, int]) -> None:
        self._pages = pages
        self._first: list[int] = []
        self._steps: list[tuple[int, int, int]] = []
        self._ends = [0]

    def __len__(self) -> int:
        return len(self._first)

    def add(self, digits: Sequence[Digit], *, counted: bool = False) -> int:
        """The number of a new row with these digits, or (`counted`) with their plain sum."""
        first, stride = 0, 1
        for digit in digits:
            page = self._pages[digit.column]
            first += stride * digit.first
            for cut, change in digit.steps:
                self._steps.append((page + cut // PAGE, cut % PAGE, stride * change))
            stride *= 1 if counted else len(digit.signatures)
        self._first.append(first)
        self._ends.append(len(self._steps))
        return len(self) - 1

    def arrays(self) -> Indices:
        """The rows as the kernels read them."""
        pages, cuts, changes = np.array(self._steps, dtype=np.int64).reshape(-1, 3).T
        return Indices(
            first=_places(self._first).astype(np.uint8),
            start=_places(self._ends),
            page=pages.astype(np.int32),
            cut=cuts.astype(np.uint8),
            change=changes.astype(np.uint8),
        )


class _Sums:
    """Collects the tables, tile by tile, those of one output side by side."""

    def __init__(self, outputs: int) -> None:
        self._outputs = outputs
        self._bounds = [0]
        self._starts: list[Places] = []
        self._lookups: list[tuple[int, int]] = []
        self._tables: list[Floats] = []
        self._size = 0

    @property
    def rows(self) -> int:
        """The index row with which the next tile begins."""
        return self._bounds[-1]

    def close(self, groups: Sequence[Sequence[tuple[int, Floats]]], rows: int) -> None:
        """Takes the tables of each group of the next tile, which ends before index row `rows`."""
        entries = [
            (output, row, table) for row, tables in enumerate(groups) for output, table in tables
        ]
        entries.sort(key=lambda entry: entry[:2])
        ends = np.searchsorted([entry[0] for entry in entries], np.arange(self._outputs + 1))
        self._starts.append(len(self._lookups) + ends)
        for _, row, table in entries:
            self._lookups.append((row, self._size))
            self._tables.append(table)
            self._size += len(table)
        self._bounds.append(rows)

    def arrays(self) -> Sums:
        """The tables as the kernels read them."""
        rows, offsets = np.array(self._lookups, dtype=np.int64).reshape(-1, 2).T
        return Sums(
            rows=_places(self._bounds),
            start=np.array(self._starts, dtype=np.int64).reshape(-1, self._outputs + 1),
            row=rows.astype(np.int32),
            offset=offsets.astype(np.int32),
            table=np.concatenate([np.zeros(0), *self._tables]),
        )


class _Lone:
    """Collects tries of leaves without a table, tile by tile."""

    def __init__(self, fold: Sequence[int]) -> None:
        self._fold = fold
        self._rows: dict[Hashable, int] = {}
        self._tries = [0]
        self._starts = [0]
        self._counts: list[int] = []
        self._nodes: list[tuple[float, ...]] = []

    def add(self, leaves: Sequence[Leaf], rows: _Rows, first: int) -> None:
        """Takes leaves of one tree into the tile whose index rows begin with `first`."""
        nodes: dict[Hashable, int] = {}
        for number, leaf in enumerate(leaves):
            parent, last = -1, len(leaf.shares) - 1
            for depth, (feature, share) in enumerate(leaf.shares.items()):
                row, met = self._row(leaf, feature, rows)
                # A leaf's last node is its own, and nobody's parent.
                key = parent, row, met, share, number if depth == last else None
                if key not in nodes:
                    nodes[key] = len(nodes)
                    output, ends = self._fold[feature], depth == last
                    self._nodes.append((parent, row - first, met, output, ends, share, leaf.value))
                parent = nodes[key]
        self._starts.append(len(self._nodes))
        self._counts.append(max((len(leaf.shares) + 1) // 2 for leaf in leaves))

    def _row(self, leaf: Leaf, feature: int, rows: _Rows) -> tuple[int, int]:
        """The index row of a leaf's conditions on a feature, and the index that meets them.

        Leaves that ask the same share a row.
        """
        columns = [column for column in leaf.conditions if column.feature == feature]
        key = tuple((column, key_of(leaf.conditions[column])) for column in columns)
        if key not in self._rows:
            digits = [digit_of(column, [leaf], numbered=(0, 1)) for column in columns]
            self._rows[key] = rows.add(digits, counted=True)
        return self._rows[key], len(columns)

    def close(self) -> None:
        """Ends a tile."""
        self._tries.append(len(self._counts))
        self._rows.clear()

    def arrays(self) -> Lone:
        """The tries as the kernels read them."""
        nodes = np.array(self._nodes, dtype=np.float64).reshape(-1, 7)
        parent, row, met, output, ends = nodes[:, :5].astype(np.int64).T
        tries = np.repeat(np.arange(len(self._counts)), np.diff(self._starts))
        _, last = np.unique(np.column_stack([tries, parent])[::-1], axis=0, return_index=True)
        youngest = np.zeros(len(nodes), dtype=bool)
        youngest[len(nodes) - 1 - last] = True
        return Lone(
            tries=_places(self._tries),
            start=_places(self._starts),
            needs=_places(self._counts),
            place=_within(self._starts),
            parent=parent.astype(np.int32),
            youngest=youngest,
            row=row.astype(np.int32),
            met=met.astype(np.uint8),
            output=output.astype(np.int32),
            ends=ends.astype(bool),
            share=nodes[:, 5].copy(),
            value=nodes[:, 6].copy(),
        )
