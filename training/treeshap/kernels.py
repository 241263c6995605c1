"""The inner loops of the compiled TreeSHAP: coding, indexing, summing, and filling the tables.

A block of rows passes through them while its codes, indices and sums stay in the processor's
cache. The order of every sum is fixed, so a row has the same contributions in any company.
"""

import numpy as np
import numpy.typing as npt

from features.folding.compiled import compiled
from training.treeshap.packing import unpacked
from training.treeshap.row import explain_row
from training.treeshap.tables import (
    Bytes,
    Codes,
    Flags,
    Floats,
    Indices,
    Lone,
    Places,
    ShapTables,
    Sums,
)

Counts = npt.NDArray[np.uint64]
# Of a group's digits: their number of values, their features, and what values mean to the leaves.
Digits = tuple[Places, Places, Counts]
# Of a group's leaves: value, and where their factors begin; of the factors: feature, share, slot.
Leaves = tuple[Floats, Places, Places, Floats, Places]

BLOCK = 1024
# Rows of X whose values stay in the nearest cache while their columns are read one by one.
STRIP = 64
# As few rows are better taken one by one than by loops that are made for many.
FEW_ROWS = 6
# Rows of a power of two would all fall into the same few places of the cache.
APART = 64
ZERO = float(np.float32(1e-35))
NO_CHANGE = np.uint8(0)


@compiled
def explain(buffer: Bytes, bounds: Places, X: Floats, bias: float, out: Floats) -> None:
    """Writes the contributions of X (rows × columns) and the bias to `out`."""
    tables = unpacked(buffer, bounds)
    if len(X) > FEW_ROWS:
        explain_blocks(tables, X, bias, out)
    else:
        for row in range(len(X)):
            explain_row(tables, X[row], bias, out[row])


@compiled
def explain_blocks(tables: ShapTables, X: Floats, bias: float, out: Floats) -> None:
    """As `explain`, a block of rows after the other."""
    codes, indices, sums, lone, points, weights = tables
    block = min(BLOCK, -(-len(X) // STRIP) * STRIP)
    tiles = len(sums.rows) - 1
    most = 0
    for tile in range(tiles):
        most = max(most, sums.rows[tile + 1] - sums.rows[tile])
    coded = np.empty((len(codes.base), block), np.uint8)
    index = np.empty((most, block + APART), np.uint8)
    total = aligned_array(out.shape[1] - 1, block + APART)
    for begin in range(0, len(X), block):
        rows = min(block, len(X) - begin)
        code_numbers(codes, X[begin : begin + rows], coded)
        code_categories(codes, X[begin : begin + rows], coded)
        total[:] = 0.0
        for tile in range(tiles):
            find_indices(indices, (sums.rows[tile], sums.rows[tile + 1]), coded, index, rows)
            add_tables(sums, tile, index, total, rows)
            add_lone(lone, tile, (points, weights), index, total, rows)
        write_rows(total, bias, out[begin : begin + rows])


@compiled
def code_numbers(codes: Codes, X: Floats, coded: Bytes) -> None:
    """Writes the pages of the numeric features (pages × rows), by binary search."""
    features = codes.feature
    pages = codes.page
    bases = codes.base
    nans = codes.at_nan
    zeros = codes.at_zero
    below = np.empty(STRIP, np.uint64)
    value = np.empty(STRIP)
    for begin in range(0, len(X), STRIP):
        rows = min(STRIP, len(X) - begin)
        for number in range(len(features)):
            for row in range(rows):
                value[row] = X[begin + row, features[number]]
            find_positions(codes, number, value, below, rows)
            for page in range(pages[number], pages[number + 1]):
                base = bases[page]
                at_nan = nans[page]
                at_zero = zeros[page]
                for row in range(rows):
                    x = value[row]
                    code = np.uint8(min(max(np.int64(below[row]) - base, 0), 255))
                    code = at_zero if abs(x) <= ZERO else code
                    coded[page, begin + row] = at_nan if x != x else code


@compiled
def find_positions(codes: Codes, number: int, value: Floats, below: Counts, rows: int) -> None:
    """How many of a feature's cuts are below each value; a step of all searches after the other."""
    cuts = codes.cuts
    first = np.uint64(codes.start[number]) - np.uint64(1)
    step = np.uint64(codes.half[number])
    for row in range(rows):
        below[row] = np.uint64(0)
    while step > 0:
        for row in range(rows):
            above = cuts[first + below[row] + step] < value[row]
            below[row] += step if above else np.uint64(0)
        step >>= np.uint64(1)


@compiled
def code_categories(codes: Codes, X: Floats, coded: Bytes) -> None:
    """Writes the pages of the categorical features; code 0 is what no node knows."""
    features = codes.category_feature
    starts = codes.category_start
    pages = codes.category_page
    known_codes = codes.category_codes
    bases = codes.base
    for number in range(len(features)):
        feature, first = features[number], starts[number]
        count = starts[number + 1] - first
        for page in range(pages[number], pages[number + 1]):
            base = bases[page]
            for row in range(len(X)):
                x = X[row, feature]
                code = known_codes[first + np.int64(x)] if -1.0 < x < count else 0
                coded[page, row] = min(max(code - base, 0), 255)


@compiled
def find_indices(
    indices: Indices, tile: tuple[int, int], coded: Bytes, index: Bytes, rows: int
) -> None:
    """The index (index rows of a tile × rows) that each group has for each row."""
    pages = indices.page
    cuts = indices.cut
    changes = indices.change
    starts = indices.start
    firsts = indices.first
    for group in range(tile[0], tile[1]):
        target = np.uint64(group - tile[0])
        begin = firsts[group]
        for row in range(rows):
            index[target, row] = begin
        for step in range(starts[group], starts[group + 1]):
            page = np.uint64(pages[step])
            cut = cuts[step]
            change = changes[step]
            for row in range(rows):
                index[target, row] += change if coded[page, row] > cut else NO_CHANGE


@compiled
def add_tables(sums: Sums, tile: int, index: Bytes, total: Floats, rows: int) -> None:
    """Adds a tile's contributions to `total` (outputs × rows), four look-ups at a time."""
    starts = sums.start
    rows_of = sums.row
    offsets = sums.offset
    table = sums.table
    for output in range(len(total)):
        lookup, last = starts[tile, output], starts[tile, output + 1]
        while lookup + 4 <= last:
            a, A = np.uint64(rows_of[lookup]), np.uint64(offsets[lookup])
            b, B = np.uint64(rows_of[lookup + 1]), np.uint64(offsets[lookup + 1])
            c, C = np.uint64(rows_of[lookup + 2]), np.uint64(offsets[lookup + 2])
            d, D = np.uint64(rows_of[lookup + 3]), np.uint64(offsets[lookup + 3])
            for row in range(rows):
                left = table[A + index[a, row]] + table[B + index[b, row]]
                right = table[C + index[c, row]] + table[D + index[d, row]]
                total[output, row] += left + right
            lookup += 4
        while lookup < last:
            a, A = np.uint64(rows_of[lookup]), np.uint64(offsets[lookup])
            for row in range(rows):
                total[output, row] += table[A + index[a, row]]
            lookup += 1


@compiled
def add_lone(
    lone: Lone, tile: int, quadrature: tuple[Floats, Floats], index: Bytes, total: Floats, rows: int
) -> None:
    """Adds the contributions of a tile's lone leaves to `total`, by quadrature."""
    points, weights = quadrature
    most = 0
    for trie in range(lone.tries[tile], lone.tries[tile + 1]):
        most = max(most, lone.start[trie + 1] - lone.start[trie])
    met = np.empty((most, STRIP), np.bool_)
    product = aligned_array(most, STRIP)
    gained = aligned_array(most, STRIP)
    for trie in range(lone.tries[tile], lone.tries[tile + 1]):
        nodes = lone.start[trie], lone.start[trie + 1]
        count = lone.needs[trie]
        for begin in range(0, rows, STRIP):
            strip = begin, min(begin + STRIP, rows)
            read_factors(lone, nodes, index, strip, met)
            gained[: nodes[1] - nodes[0]] = 0.0
            for point in range(count):
                at = points[count, point], weights[count, point], strip[1] - begin
                multiply(lone, nodes, at, met, product)
                add_gains(lone, nodes, at, met, product, gained)
            add_gained(lone, nodes, gained, strip, total)


@compiled
def read_factors(
    lone: Lone, nodes: tuple[int, int], index: Bytes, strip: tuple[int, int], met: Flags
) -> None:
    """Whether each row of a strip meets the conditions of each node of a trie (nodes × rows)."""
    places, index_rows, wanted = lone.place, lone.row, lone.met
    for node in range(nodes[0], nodes[1]):
        place, index_row, want = np.uint64(places[node]), np.uint64(index_rows[node]), wanted[node]
        for row in range(strip[1] - strip[0]):
            met[place, row] = index[index_row, strip[0] + row] == want


@compiled
def add_gained(
    lone: Lone, nodes: tuple[int, int], gained: Floats, strip: tuple[int, int], total: Floats
) -> None:
    """Adds what the nodes of a trie gained to their outputs."""
    places, outputs = lone.place, lone.output
    for node in range(nodes[0], nodes[1]):
        place, output = np.uint64(places[node]), np.uint64(outputs[node])
        for row in range(strip[1] - strip[0]):
            total[output, strip[0] + row] += gained[place, row]


@compiled
def multiply(
    lone: Lone, nodes: tuple[int, int], at: tuple[float, float, int], met: Flags, product: Floats
) -> None:
    """At each node, the product of the factors from the root to it; at a last one times its leaf.

    `product` is (nodes × rows), and so is `met`.
    """
    t, weight, rows = at
    places, parent, ends, shares, value = lone.place, lone.parent, lone.ends, lone.share, lone.value
    for node in range(nodes[0], nodes[1]):
        place, above = np.uint64(places[node]), np.uint64(parent[node])
        scale = weight * value[node] if ends[node] else 1.0
        off = scale * (1.0 - t) * shares[node]
        on = scale * t + off
        if parent[node] < 0:
            for row in range(rows):
                product[place, row] = on if met[place, row] else off
        else:
            for row in range(rows):
                product[place, row] = product[above, row] * (on if met[place, row] else off)


@compiled
def add_gains(
    lone: Lone,
    nodes: tuple[int, int],
    at: tuple[float, float, int],
    met: Flags,
    product: Floats,
    gained: Floats,
) -> None:
    """Adds a trie's contributions at one point, summing the leaves' products up to the root.

    A leaf's product without the factor of a feature, times what that feature changes, is the
    whole product times `up` where its conditions are met, else times `down`.
    """
    t, _, rows = at
    places, parent, youngest, shares = lone.place, lone.parent, lone.youngest, lone.share
    down = -1.0 / (1.0 - t)
    for node in range(nodes[1] - 1, nodes[0] - 1, -1):
        place, above = np.uint64(places[node]), np.uint64(parent[node])
        up = (1.0 - shares[node]) / (t + (1.0 - t) * shares[node])
        for row in range(rows):
            gained[place, row] += product[place, row] * (up if met[place, row] else down)
        if parent[node] < 0:
            continue
        if youngest[node]:
            for row in range(rows):
                product[above, row] = product[place, row]
        else:
            for row in range(rows):
                product[above, row] += product[place, row]


@compiled
def aligned_array(rows: int, width: int) -> Floats:
    """An array (rows × width) that begins on a cache line; `width` is a multiple of eight."""
    room = np.empty(rows * width + 8)
    skip = (64 - room.ctypes.data % 64) // 8
    return room[skip : skip + rows * width].reshape((rows, width))


@compiled
def write_rows(total: Floats, bias: float, out: Floats) -> None:
    """Turns `total` (outputs × rows) into rows of `out`, the bias last."""
    outputs = len(total)
    for row in range(len(out)):
        for output in range(outputs):
            out[row, output] = total[output, row]
        out[row, outputs] = bias


@compiled
def fill(digits: Digits, leaves: Leaves, points: Floats, weights: Floats, table: Floats) -> None:
    """Adds the contributions of a group's leaves to its `table` (slots × entries)."""
    radix, feature, signatures = digits
    value, start, factor, share, slot = leaves
    alive = np.empty(len(slot), np.uint64)
    patterns = np.empty((len(value), table.shape[1]), np.int64)
    for entry in range(table.shape[1]):
        alive[:] = ~np.uint64(0)
        rest = entry
        for digit in range(len(radix)):
            alive[feature[digit]] &= signatures[digit, rest % radix[digit]]
            rest //= radix[digit]
        for leaf in range(len(value)):
            pattern = 0
            for position in range(start[leaf], start[leaf + 1]):
                met = alive[factor[position]] >> np.uint64(leaf) & np.uint64(1)
                pattern |= np.int64(met) << (position - start[leaf])
            patterns[leaf, entry] = pattern
    for leaf in range(len(value)):
        shares = share[start[leaf] : start[leaf + 1]]
        parts = leaf_contributions(value[leaf], shares, points, weights)
        for position in range(len(shares)):
            target = table[slot[factor[start[leaf] + position]]]
            for entry in range(table.shape[1]):
                target[entry] += parts[position, patterns[leaf, entry]]


@compiled
def leaf_contributions(value: float, share: Floats, points: Floats, weights: Floats) -> Floats:
    """A leaf's contributions (features × patterns), bit f of a pattern: f's conditions are met.

    The Shapley value of f in the game `value * prod(met or share)` is an integral over t of the
    product of the others, each met with probability t, which Gauss-Legendre gives exactly.
    """
    count = (len(share) + 1) // 2
    contributions = np.zeros((len(share), 1 << len(share)))
    for pattern in range(contributions.shape[1]):
        for point in range(count):
            t = points[count, point]
            for feature in range(len(share)):
                product = weights[count, point] * value
                for other in range(len(share)):
                    met = pattern >> other & 1
                    if other != feature:
                        product *= met * t + (1.0 - t) * share[other]
                contributions[feature, pattern] += product * (
                    (pattern >> feature & 1) - share[feature]
                )
    return contributions
