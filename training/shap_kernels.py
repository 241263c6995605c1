"""The inner loops of the compiled TreeSHAP: coding, indexing, summing, and filling the tables.

A block of rows passes through them while its codes, indices and sums stay in the processor's
cache. The order of every sum is fixed, so a row has the same contributions in any company.
"""

from typing import Any

import numpy as np

from training.compilation import compiled

BLOCK = 1024
# Rows of X whose values stay in the nearest cache while their columns are read one by one.
STRIP = 64
# Rows of a power of two would all fall into the same few places of the cache.
APART = 64
ZERO = float(np.float32(1e-35))
NOTHING = np.uint8(0)


@compiled
def explain(tables: Any, X: Any, bias: float, out: Any) -> None:
    """Writes the contributions of X (rows × columns) and the bias to `out`."""
    codes, indices, sums, lone, points, weights = tables
    block = min(BLOCK, len(X))
    tiles = len(sums.rows) - 1
    most = 0
    for tile in range(tiles):
        most = max(most, sums.rows[tile + 1] - sums.rows[tile])
    coded = np.empty((len(codes.base), block), np.uint8)
    index = np.empty((most, block + APART), np.uint8)
    total = np.empty((out.shape[1] - 1, block + APART))
    for begin in range(0, len(X), block):
        rows = min(block, len(X) - begin)
        code_numbers(codes, X[begin : begin + rows], coded)
        code_categories(codes, X[begin : begin + rows], coded)
        total[:] = 0.0
        for tile in range(tiles):
            find_indices(indices, sums.rows[tile], sums.rows[tile + 1], coded, index, rows)
            add_tables(sums, tile, index, total, rows)
            add_lone(lone, tile, (points, weights), index, total, rows)
        write(total, bias, out[begin : begin + rows])


@compiled
def code_numbers(codes: Any, X: Any, coded: Any) -> None:
    """Writes the pages of the numeric features (pages × rows), by binary search."""
    below = np.empty(STRIP, np.uint64)
    value = np.empty(STRIP)
    for begin in range(0, len(X), STRIP):
        rows = min(STRIP, len(X) - begin)
        for number in range(len(codes.feature)):
            for row in range(rows):
                value[row] = X[begin + row, codes.feature[number]]
            find_positions(codes.cuts[codes.start[number] :], codes.half[number], value, below)
            for page in range(codes.page[number], codes.page[number + 1]):
                base = codes.base[page]
                at_nan = codes.at_nan[page]
                at_zero = codes.at_zero[page]
                target = coded[page, begin : begin + rows]
                for row in range(rows):
                    x = value[row]
                    code = np.uint8(min(max(np.int64(below[row]) - base, 0), 255))
                    code = at_zero if abs(x) <= ZERO else code
                    target[row] = at_nan if x != x else code


@compiled
def find_positions(cuts: Any, half: int, value: Any, below: Any) -> None:
    """How many of the cuts are below each value; one step of all searches after the other."""
    below[:] = 0
    step = np.uint64(half)
    while step > 0:
        for row in range(len(value)):
            above = cuts[below[row] + step - np.uint64(1)] < value[row]
            below[row] += step if above else np.uint64(0)
        step >>= np.uint64(1)


@compiled
def code_categories(codes: Any, X: Any, coded: Any) -> None:
    """Writes the pages of the categorical features; code 0 is what no node knows."""
    for number in range(len(codes.category_feature)):
        feature = codes.category_feature[number]
        first, last = codes.category_start[number], codes.category_start[number + 1]
        known = codes.category_codes[first:last]
        for page in range(codes.category_page[number], codes.category_page[number + 1]):
            base = codes.base[page]
            for row in range(len(X)):
                x = X[row, feature]
                code = known[np.int64(x)] if -1.0 < x < len(known) else 0
                coded[page, row] = min(max(code - base, 0), 255)


@compiled
def find_indices(indices: Any, first: int, last: int, coded: Any, index: Any, rows: int) -> None:
    """The index (index rows of a tile × rows) that each group has for each row."""
    for place in range(first, last):
        target = index[place - first]
        begin = indices.first[place]
        for row in range(rows):
            target[row] = begin
        for step in range(indices.start[place], indices.start[place + 1]):
            code = coded[indices.page[step]]
            cut = indices.cut[step]
            change = indices.change[step]
            for row in range(rows):
                target[row] += change if code[row] > cut else NOTHING


@compiled
def add_tables(sums: Any, tile: int, index: Any, total: Any, rows: int) -> None:
    """Adds a tile's contributions to `total` (outputs × rows), four look-ups at a time."""
    for output in range(len(total)):
        target = total[output]
        place, last = sums.start[tile, output], sums.start[tile, output + 1]
        while place + 4 <= last:
            a, A = index[sums.row[place]], sums.table[sums.offset[place] :]
            b, B = index[sums.row[place + 1]], sums.table[sums.offset[place + 1] :]
            c, C = index[sums.row[place + 2]], sums.table[sums.offset[place + 2] :]
            d, D = index[sums.row[place + 3]], sums.table[sums.offset[place + 3] :]
            for row in range(rows):
                target[row] += (A[a[row]] + B[b[row]]) + (C[c[row]] + D[d[row]])
            place += 4
        while place < last:
            a, A = index[sums.row[place]], sums.table[sums.offset[place] :]
            for row in range(rows):
                target[row] += A[a[row]]
            place += 1


@compiled
def add_lone(lone: Any, tile: int, quadrature: Any, index: Any, total: Any, rows: int) -> None:
    """Adds the contributions of a tile's lone leaves to `total`, by quadrature."""
    points, weights = quadrature
    most = 0
    for trie in range(lone.tries[tile], lone.tries[tile + 1]):
        most = max(most, lone.start[trie + 1] - lone.start[trie])
    met = np.empty((most, STRIP), np.bool_)
    product = np.empty((most, STRIP))
    gained = np.empty((most, STRIP))
    for trie in range(lone.tries[tile], lone.tries[tile + 1]):
        first, last = lone.start[trie], lone.start[trie + 1]
        count = lone.count[trie]
        for begin in range(0, rows, STRIP):
            strip = min(STRIP, rows - begin)
            for node in range(first, last):
                own = index[lone.row[node]]
                for row in range(strip):
                    met[node - first, row] = own[begin + row] == lone.met[node]
                gained[node - first] = 0.0
            for point in range(count):
                t, weight = points[count, point], weights[count, point]
                multiply(lone, first, last, t, met, product)
                gain(lone, first, last, (t, weight), met, product, gained)
            for node in range(first, last):
                target = total[lone.output[node]]
                for row in range(strip):
                    target[begin + row] += gained[node - first, row]


@compiled
def multiply(lone: Any, first: int, last: int, t: float, met: Any, product: Any) -> None:
    """At each node of a trie, the product of the factors from the root to it."""
    for node in range(first, last):
        own = met[node - first]
        off = (1.0 - t) * lone.share[node]
        on = t + off
        target = product[node - first]
        if lone.parent[node] < 0:
            for row in range(STRIP):
                target[row] = on if own[row] else off
        else:
            above = product[lone.parent[node]]
            for row in range(STRIP):
                target[row] = above[row] * (on if own[row] else off)


@compiled
def gain(lone: Any, first: int, last: int, at: Any, met: Any, product: Any, gained: Any) -> None:
    """Adds a trie's contributions at one point, from the leaves up to the root."""
    t, weight = at
    down = -1.0 / (1.0 - t)
    for node in range(first, last):
        value = weight * lone.value[node]
        target = product[node - first]
        for row in range(STRIP):
            target[row] *= value
    for node in range(last - 1, first - 1, -1):
        own = met[node - first]
        up = (1.0 - lone.share[node]) / (t + (1.0 - t) * lone.share[node])
        below, target = product[node - first], gained[node - first]
        for row in range(STRIP):
            target[row] += below[row] * (up if own[row] else down)
        if lone.parent[node] >= 0:
            above = product[lone.parent[node]]
            for row in range(STRIP):
                above[row] += below[row]


@compiled
def write(total: Any, bias: float, out: Any) -> None:
    """Turns `total` (outputs × rows) into rows of `out`, the bias last."""
    outputs = len(total)
    for row in range(len(out)):
        for output in range(outputs):
            out[row, output] = total[output, row]
        out[row, outputs] = bias


@compiled
def fill(digits: Any, leaves: Any, points: Any, weights: Any, table: Any) -> None:
    """Adds the contributions of a group's leaves to its `table` (slots × entries)."""
    radix, feature, signatures = digits
    value, start, factor, share, slot = leaves
    holds = np.empty(table.shape[1], np.uint64)
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
            for place in range(start[leaf], start[leaf + 1]):
                met = alive[factor[place]] >> np.uint64(leaf) & np.uint64(1)
                pattern |= np.int64(met) << (place - start[leaf])
            patterns[leaf, entry] = pattern
    for leaf in range(len(value)):
        own = share[start[leaf] : start[leaf + 1]]
        parts = leaf_contributions(value[leaf], own, points, weights)
        for place in range(len(own)):
            target = table[slot[factor[start[leaf] + place]]]
            for entry in range(table.shape[1]):
                target[entry] += parts[place, patterns[leaf, entry]]


@compiled
def leaf_contributions(value: float, share: Any, points: Any, weights: Any) -> Any:
    """A leaf's contributions (features × patterns), bit f of a pattern: f's conditions are met.

    The Shapley value of f in the game `value * prod(met or share)` is an integral over t of the
    product of the others, each met with probability t, which Gauss-Legendre gives exactly.
    """
    count = (len(share) + 1) // 2
    found = np.zeros((len(share), 1 << len(share)))
    for pattern in range(found.shape[1]):
        for point in range(count):
            t = points[count, point]
            for own in range(len(share)):
                product = weights[count, point] * value
                for other in range(len(share)):
                    met = pattern >> other & 1
                    if other != own:
                        product *= met * t + (1.0 - t) * share[other]
                found[own, pattern] += product * ((pattern >> own & 1) - share[own])
    return found
