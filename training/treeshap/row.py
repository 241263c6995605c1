"""The inner loops for one row: no block fills a vector, so other things are taken side by side.

What decides the time here is mostly jumps that the processor cannot foresee, so steps are added
up without any, and leaves without a table are summed for all points of the quadrature at once.
Every sum has the order it has in `kernels`, so that a row's contributions are the same.
"""

import numpy as np

from features.folding.compiled import compiled, inlined
from training.treeshap.lanes import (
    LANES,
    Lanes,
    added,
    minus,
    multiplied,
    on_all_lanes,
    over,
    plus,
    read_lanes,
    write_lanes,
)
from training.treeshap.tables import Bytes, Codes, Floats, Indices, Lone, ShapTables, Sums

ZERO = float(np.float32(1e-35))
NO_CHANGE = np.uint8(0)


@compiled
def explain_row(tables: ShapTables, x: Floats, bias: float, out: Floats) -> None:
    """Writes the contributions of the row `x` (columns,) and the bias to `out`."""
    codes, indices, sums, lone, points, weights = tables
    coded = np.empty(len(codes.base), np.uint8)
    index = np.empty(len(indices.first), np.uint8)
    code_row(codes, x, coded)
    index_row(indices, coded, index)
    out[:] = 0.0
    for tile in range(len(sums.rows) - 1):
        in_tile = index[sums.rows[tile] : sums.rows[tile + 1]]
        add_entries(sums, tile, in_tile, out)
        add_lone_leaves(lone, tile, (points, weights), in_tile, out)
    out[len(out) - 1] = bias


@compiled
def code_row(codes: Codes, x: Floats, coded: Bytes) -> None:
    """Writes the row's code on each page."""
    for number in range(len(codes.feature)):
        value = x[codes.feature[number]]
        below = position(codes, number, value)
        for page in range(codes.page[number], codes.page[number + 1]):
            code = min(max(below - codes.base[page], 0), 255)
            code = codes.at_zero[page] if abs(value) <= ZERO else code
            coded[page] = codes.at_nan[page] if value != value else code
    for number in range(len(codes.category_feature)):
        value = x[codes.category_feature[number]]
        first = codes.category_start[number]
        is_known = -1.0 < value < codes.category_start[number + 1] - first
        category_code = codes.category_codes[first + np.int64(value)] if is_known else 0
        for page in range(codes.category_page[number], codes.category_page[number + 1]):
            coded[page] = min(max(category_code - codes.base[page], 0), 255)


@inlined
def position(codes: Codes, number: int, value: float) -> int:
    """How many cuts of a numeric feature are below the value."""
    first, step, below = codes.start[number] - 1, codes.half[number], 0
    while step > 0:
        below += step * np.int64(codes.cuts[np.uint64(first + below + step)] < value)
        step >>= 1
    return below


@compiled
def index_row(indices: Indices, coded: Bytes, index: Bytes) -> None:
    """The index of each group.

    The changes of all steps are summed in one go; a group's is what is added between its bounds.
    """
    starts, pages, cuts, changes = indices.start, indices.page, indices.cut, indices.change
    change = np.empty(len(pages), np.uint8)
    sum_before = np.empty(len(pages) + 1, np.uint8)
    for step in range(len(pages)):
        change[step] = coded[np.uint64(pages[step])]
    for step in range(len(pages)):
        change[step] = changes[step] if change[step] > cuts[step] else NO_CHANGE
    so_far = NO_CHANGE
    for step in range(len(pages)):
        sum_before[step] = so_far
        so_far += change[step]
    sum_before[len(pages)] = so_far
    for group in range(len(index)):
        total_change = (
            sum_before[np.uint64(starts[group + 1])] - sum_before[np.uint64(starts[group])]
        )
        index[group] = indices.first[group] + total_change


@inlined
def looked_up(sums: Sums, lookup: int, index: Bytes) -> float:
    """One look-up."""
    entry = index[np.uint64(sums.row[lookup])]
    contribution: float = sums.table[np.uint64(sums.offset[lookup]) + entry]
    return contribution


@compiled
def add_entries(sums: Sums, tile: int, index: Bytes, total: Floats) -> None:
    """Adds a tile's contributions to `total`."""
    starts = sums.start
    for output in range(len(total) - 1):
        first, last = starts[tile, output], starts[tile, output + 1]
        fours = first + (last - first) // 4 * 4
        sum_so_far = total[output]
        for lookup in range(first, fours, 4):
            left = looked_up(sums, lookup, index) + looked_up(sums, lookup + 1, index)
            right = looked_up(sums, lookup + 2, index) + looked_up(sums, lookup + 3, index)
            sum_so_far += left + right
        for lookup in range(fours, last):
            sum_so_far += looked_up(sums, lookup, index)
        total[output] = sum_so_far


@compiled
def add_lone_leaves(
    lone: Lone, tile: int, quadrature: tuple[Floats, Floats], index: Bytes, total: Floats
) -> None:
    """Adds the contributions of a tile's lone leaves to `total`."""
    points, weights = quadrature
    most = 0
    for trie in range(lone.tries[tile], lone.tries[tile + 1]):
        most = max(most, lone.start[trie + 1] - lone.start[trie])
    product = np.empty((most + 1) * LANES)
    gained = np.empty(most)
    for trie in range(lone.tries[tile], lone.tries[tile + 1]):
        first, last = lone.start[trie], lone.start[trie + 1]
        count = lone.needs[trie]
        gained[: last - first] = 0.0
        for point in range(0, count, LANES):
            t = read_lanes(points[count], np.uint64(point))
            weight = read_lanes(weights[count], np.uint64(point))
            multiply_points(lone, (first, last), (t, weight), index, product)
            gain_points(lone, (first, last), t, index, (product, gained))
        for node in range(first, last):
            total[lone.output[node]] += gained[node - first]


@inlined
def met_by(lone: Lone, node: int, index: Bytes) -> Lanes:
    """On all lanes 1 if the row meets a node's condition, else 0."""
    return on_all_lanes(np.float64(index[np.uint64(lone.row[node])] == lone.met[node]))


@compiled
def multiply_points(
    lone: Lone, nodes: tuple[int, int], at: tuple[Lanes, Lanes], index: Bytes, product: Floats
) -> None:
    """`kernels.multiply` for eight points.

    `product` is flat (1 + nodes × points); it begins with ones, the parent of first factors.
    """
    t, weight = at
    one = on_all_lanes(1.0)
    rest = minus(one, t)
    write_lanes(product, np.uint64(0), one)
    for node in range(nodes[0], nodes[1]):
        scale = multiplied(weight, on_all_lanes(lone.value[node])) if lone.ends[node] else one
        off = multiplied(multiplied(scale, rest), on_all_lanes(lone.share[node]))
        factor = plus(multiplied(met_by(lone, node, index), multiplied(scale, t)), off)
        above = read_lanes(product, np.uint64(LANES * (lone.parent[node] + 1)))
        write_lanes(product, np.uint64(LANES * (node - nodes[0] + 1)), multiplied(above, factor))


@compiled
def gain_points(
    lone: Lone, nodes: tuple[int, int], t: Lanes, index: Bytes, sums: tuple[Floats, Floats]
) -> None:
    """`kernels.add_gains` for eight points, which are added up in their order."""
    product, gained = sums
    one = on_all_lanes(1.0)
    rest = minus(one, t)
    down = over(on_all_lanes(-1.0), rest)
    for node in range(nodes[1] - 1, nodes[0] - 1, -1):
        met = met_by(lone, node, index)
        share = on_all_lanes(lone.share[node])
        up = over(minus(one, share), plus(t, multiplied(rest, share)))
        change = plus(multiplied(met, up), multiplied(minus(one, met), down))
        below = read_lanes(product, np.uint64(LANES * (node - nodes[0] + 1)))
        offset = np.uint64(node - nodes[0])
        gained[offset] = added(gained[offset], multiplied(below, change))
        above = np.uint64(LANES * (lone.parent[node] + 1))
        kept = on_all_lanes(0.0 if lone.youngest[node] else 1.0)
        write_lanes(product, above, plus(multiplied(kept, read_lanes(product, above)), below))
