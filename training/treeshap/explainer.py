"""Exact TreeSHAP for LightGBM, compiled: explaining costs less than predicting.

What a path-dependent TreeSHAP value of a tree depends on is only how the row's few decisions in
that tree turn out. So everything else is computed once per model, and a row is explained by
looking its outcomes up.

**A tree with three leaves.** Let node A ask `visits <= 4` of 100 training rows; 60 of them go
left to leaf L1 (value -1). The other 40 come to node B, which asks `age <= 30`; 10 go left to L2
(value 2), 30 to L3 (value 4). Two questions have four outcomes, so the tree becomes a table of
four entries for `visits` and for `age`:

| outcome | visits <= 4 | age <= 30 | visits | age | bias |
|---|---|---|---|---|---|
| 0 | yes | yes | -1.50 | -0.30 | 0.80 |
| 1 | no | yes | 2.25 | -1.05 | 0.80 |
| 2 | yes | no | -1.90 | 0.10 | 0.80 |
| 3 | no | no | 2.85 | 0.35 | 0.80 |

The bias is the mean of the leaves, 0.6 × -1 + 0.1 × 2 + 0.3 × 4 = 0.8. Outcome 3 is leaf L3, and
indeed 0.8 + 2.85 + 0.35 = 4. The entries are Shapley values of the game that TreeSHAP plays: a
coalition of features walks down, following the row at nodes on its own features and splitting
by the training rows' shares at the others. Knowing nothing it gets 0.8; knowing `visits` of
outcome 3, 0.25 × 2 + 0.75 × 4 = 3.5; knowing `age`, 0.6 × -1 + 0.4 × 4 = 1; knowing both, 4.
So `visits` is worth (3.5 - 0.8 + 4 - 1) / 2 = 2.85 and `age` (1 - 0.8 + 4 - 3.5) / 2 = 0.35.

**How.** `forest` reads LightGBM's text. `codes` turns each value into a small integer, so
that a decision is `code <= k`, missing values included. `groups` puts leaves that share
features into groups of at most 256 outcomes. `layout` fills each group's table: a leaf is
the product game `value * prod(met or share)` over its path's features, whose Shapley values are
integrals of polynomials, which Gauss-Legendre quadrature gives exactly and without cancellation.
`kernels` codes a block of rows, finds the outcome of each group by comparing bytes, and adds
one table entry per group and feature. Leaves with more than eight features have no table; they
are summed by the same quadrature for each row. A few rows take the way of `row`, and all
arrays reach the kernels in one piece (`packing`).

References
----------
Lundberg, S. M. et al. (2020). From local explanations to global understanding with explainable
AI for trees. Nature Machine Intelligence 2, 56-67. (TreeSHAP, path-dependent.)

Yang, J. (2021). Fast TreeSHAP: Accelerating SHAP value computation for trees. arXiv 2109.09847.
(Version 2: contributions by outcome, computed once per tree.)

WOODELF (2026): Shapley values of a forest from the patterns of its decisions.

Quadrature-TreeSHAP. arXiv 2605.04497. (Gauss-Legendre points for the product game.)
"""

import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Literal, TypeAlias

import lightgbm as lgb
import numpy as np

from training.treeshap import kernels, layout
from training.treeshap.forest import Refused, parse_forest
from training.treeshap.frames import FrameBlocks, FrameCategories, FrameLike
from training.treeshap.packing import packed
from training.treeshap.probes import probes
from training.treeshap.tables import Floats, ShapTables

if TYPE_CHECKING:
    # Python 3.11 has no slices of a type.
    RowRange: TypeAlias = slice[int, int, int | None]

ExplanationPath = Literal["compiled", "pred_contrib"]

PROBES = 256
LARGEST_DIFFERENCE = 1e-10
# As many rows at a time are converted to float64, and are one thread's next piece of work.
AT_ONCE = 2 * kernels.BLOCK

log = logging.getLogger("churnlight")


class TreeShap:
    """Exact contributions of one LightGBM model, or of a bag that means its margins.

    Parameters
    ----------
    boosters
        One or more boosters over the same columns; as in `predict`, up to their best iteration.
    fold
        For each column the output that it is summed into, for example its indicator's number,
        counted from 0; without it every column is its own output.

    Attributes
    ----------
    path : {"compiled", "pred_contrib"}
        Which engine computes: our tables, or LightGBM itself where these are refused.
    reason : str
        Why it is LightGBM; else empty.
    tables : Tables or None
        The compiled bag.

    Raises
    ------
    ValueError
        No booster, boosters over different columns, or a fold of another length.

    Notes
    -----
    Whatever cannot be compiled exactly is explained by `pred_contrib`, as is a model for which
    the two differ by more than 1e-10 of max(1, |margin|) on some 256 probe rows.
    """

    def __init__(self, boosters: Sequence[lgb.Booster], fold: Sequence[int] | None = None) -> None:
        if not boosters:
            raise ValueError("no booster to explain")
        self._boosters = list(boosters)
        self._categories: FrameCategories = boosters[0].pandas_categorical or ()
        self.columns = boosters[0].num_feature()
        if any(booster.num_feature() != self.columns for booster in boosters):
            raise ValueError("the boosters of a bag must have the same columns")
        self._fold = np.arange(self.columns) if fold is None else np.asarray(fold, dtype=np.int64)
        if len(self._fold) != self.columns or self._fold.min(initial=0) < 0:
            raise ValueError(f"fold: one output, 0 or more, for each of {self.columns} columns")
        self.outputs = int(self._fold.max(initial=-1)) + 1
        self.tables: ShapTables | None = None
        self.reason = ""
        try:
            self._compile()
        except Refused as error:
            self.tables, self.reason = None, str(error)
            log.warning("explaining by LightGBM's pred_contrib, which is slower: %s", error)

    @property
    def path(self) -> ExplanationPath:
        """The engine that computes."""
        return "pred_contrib" if self.tables is None else "compiled"

    def contributions(self, X: FrameLike, threads: int = 1) -> Floats:
        """Contributions in margin units, (rows × outputs + 1), the last column the bias.

        Parameters
        ----------
        X : array, pyarrow.Table or pandas.DataFrame
            (rows × columns) as LightGBM's `predict` takes it; categories as codes, or as
            pandas' or Arrow's own where the model was trained on pandas' own.
        threads : int
            How many threads share the rows; the result does not depend on it.

        Raises
        ------
        ValueError
            X has another number of columns than the model.
        """
        rows = FrameBlocks(X, self.columns, self._categories)
        if self.tables is None:
            return self._by_lightgbm(rows, threads)
        out = np.empty((len(rows), self.outputs + 1))
        parts = _parts(len(rows), threads)
        others = min(threads, len(parts)) - 1
        left = iter(parts)
        if others < 1:
            self._explain(rows, left, out)
            return out
        # The caller works too: a thread that only waits wakes up late.
        with ThreadPoolExecutor(others) as pool:
            helping = [pool.submit(self._explain, rows, left, out) for _ in range(others)]
            self._explain(rows, left, out)
            for done in helping:
                done.result()
        return out

    def _explain(self, rows: FrameBlocks, parts: Iterator["RowRange"], out: Floats) -> None:
        """Explains part after part, until none is left that another thread has not taken."""
        buffer, bounds = self._packed
        for part in parts:
            X = rows.floats(part.start, part.stop)
            kernels.explain(buffer, bounds, X, self._bias, out[part])

    def _compile(self) -> None:
        forests = [parse_forest(booster) for booster in self._boosters]
        tables = layout.compile_tables(forests, self._fold.tolist())
        expected = [sum(tree.expected for tree in forest.trees) for forest in forests]
        self._bias = float(np.mean(expected))
        self._packed, self.tables = packed(tables)
        self._check(tables)

    def _check(self, tables: ShapTables) -> None:
        """Compares with LightGBM, whose covers may one day mean something else."""
        rows = FrameBlocks(probes(tables, self.columns, PROBES), self.columns, self._categories)
        ours, theirs = self.contributions(rows.floats(0, PROBES)), self._by_lightgbm(rows, 1)
        scale = np.maximum(1.0, np.abs(theirs.sum(axis=1, keepdims=True)))
        worst = float(np.max(np.abs(ours - theirs) / scale))
        if not worst <= LARGEST_DIFFERENCE:
            raise Refused(f"the tables differ from pred_contrib by {worst:.1e} on probe rows")

    def _by_lightgbm(self, rows: FrameBlocks, threads: int) -> Floats:
        """LightGBM's own contributions, folded; of several classes side by side."""
        parts = [
            booster.predict(rows.source, pred_contrib=True, num_threads=threads)
            for booster in self._boosters
        ]
        mean = np.mean(np.asarray(parts, dtype=np.float64), axis=0)
        classes = mean.reshape(len(rows), -1, self.columns + 1)
        folded = np.zeros((len(rows), classes.shape[1], self.outputs + 1))
        for column, output in enumerate([*self._fold, self.outputs]):
            folded[:, :, output] += classes[:, :, column]
        return folded.reshape(len(rows), -1)


def _parts(rows: int, threads: int) -> list["RowRange"]:
    """Parts of at most `AT_ONCE` rows, as many and as equal as keep all threads at work."""
    if rows <= kernels.STRIP:
        return [slice(0, rows)]
    rounds = -(-rows // (AT_ONCE * max(threads, 1)))
    size = -(-rows // (rounds * max(threads, 1)))
    size = -(-size // kernels.STRIP) * kernels.STRIP
    return [slice(begin, min(begin + size, rows)) for begin in range(0, rows, size)]
