"""The parts of a compiled bag: codes, the steps of each index, tables of contributions.

Everything is flat arrays, as the kernels read them: the look-ups of one output side by side, and
as many groups to a *tile* as keep their indices in the processor's cache for a block of rows.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bytes = npt.NDArray[np.uint8]
Flags = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int64]
Shorts = npt.NDArray[np.int32]
TableArray = Floats | Bytes | Flags | Places | Shorts


class Codes(NamedTuple):
    """How values become codes, a byte each: what `codes` calls a code is here cut into pages.

    Numeric feature n is column `feature[n]` of X; its thresholds, filled up by infinities to
    `2 * half[n] - 1`, are `cuts[start[n]:]`, `half` a power of two. Its pages are
    `page[n]:page[n + 1]`: each holds `code - base`, clipped to a byte, of the code of the value,
    `at_nan` for NaN and `at_zero` for zero. Category v of the categorical feature m, which is
    column `category_feature[m]` of X, has code `category_codes[category_start[m] + v]`; its pages
    follow those of the numbers.
    """

    feature: Places
    start: Places
    half: Places
    cuts: Floats
    page: Places
    base: Places
    at_nan: Bytes
    at_zero: Bytes
    category_feature: Places
    category_start: Places
    category_codes: Places
    category_page: Places


class Indices(NamedTuple):
    """How codes become indices; row i is the index of one group (or of one lone condition).

    It begins with `first[i]`; step s of `start[i]:start[i + 1]` adds `change[s]` where the code
    on `page[s]` is above `cut[s]`. Bytes wrap around, so a change may go down.
    """

    first: Bytes
    start: Places
    page: Shorts
    cut: Bytes
    change: Bytes


class Sums(NamedTuple):
    """Where the indices look up contributions.

    Tile t has the index rows `rows[t]:rows[t + 1]`. Output c sums in tile t the look-ups
    `start[t, c]:start[t, c + 1]`: index row `row` (of the tile) into `table` from `offset` on.
    """

    rows: Places
    start: Places
    row: Shorts
    offset: Shorts
    table: Floats


class Lone(NamedTuple):
    """Leaves with too many features for a table, which quadrature sums for every row.

    Their factors form one trie per tree, so that leaves share the factors that they begin with.
    Tile t has the tries `tries[t]:tries[t + 1]`; trie k has the nodes `start[k]:start[k + 1]`,
    parents first, and `needs[k]` points. A node is the factor of one feature: its own `place` and
    its `parent` (counted within the trie, -1 for a first factor), whether it is its parent's last
    child (`youngest`), whether index row `row` of the tile is `met`, the `output` that the feature
    contributes to, its `share`, and whether a leaf `ends` there, of which `value`. (`place` is
    written down because a compiler that sees the order of the rows that a loop visits asks for
    no overlap among all of them, finds one, and makes no vector code.)
    """

    tries: Places
    start: Places
    needs: Places
    place: Shorts
    parent: Shorts
    youngest: Flags
    row: Shorts
    met: Bytes
    output: Shorts
    ends: Flags
    share: Floats
    value: Floats


class ShapTables(NamedTuple):
    """A compiled bag: contributions of X are (rows × `outputs`) in margin units, plus `bias`."""

    codes: Codes
    indices: Indices
    sums: Sums
    lone: Lone
    points: Floats
    weights: Floats

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        parts = (self.codes, self.indices, self.sums, self.lone)
        return sum(array.nbytes for part in parts for array in part)
