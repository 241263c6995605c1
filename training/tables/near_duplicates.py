"""Rows of different customers that are nearly one row, and share its outcome: one customer twice.

Where such rows lie on both sides of a split, a model is asked what it was told, and its figures are
too good. Similar customers exist too, and in a table of few values even equal ones. They are told
apart by their outcomes: those of two customers differ as often as their chances of the event say;
those of one customer that stands in the table twice do not.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.special import expit, pdtr

from training.learning import split
from training.learning.model import TrainingRows

Floats = npt.NDArray[np.float64]
Keys = npt.NDArray[np.uint64]
Places = npt.NDArray[np.int64]

# Nearly one row: equal in all but one of so many groups of neighbouring columns.
GROUPS = 10
# Numbers are equal where they are as close as this part of the middle half of their column.
CLOSE = 0.01
# Outcomes differ too rarely below this part of what is expected, where chance is this small.
SELDOM, CHANCE = 0.8, 1e-6
SHOWN = 3
MIXED = (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB)


def notices(rows: TrainingRows, logits: Floats, places: Sequence[int], cure: str) -> list[str]:
    """Near-duplicates on both sides of a split, to be looked at; none where they are similar.

    Parameters
    ----------
    rows : TrainingRows
        The labelled rows of a table.
    logits : (rows,) of float
        The log-odds of each, by a model that did not see its account.
    places : sequence of int
        The number of each row in the table, the first being 1.
    cure : str
        What to do about them.
    """
    pairs = _apart(near_pairs(rows.X), rows)
    if not len(pairs) or not _too_alike(pairs, rows, expit(logits)):
        return []
    count, differ = len(np.unique(pairs)), int((rows.y[pairs[:, 0]] != rows.y[pairs[:, 1]]).sum())
    shown = "; ".join(f"{places[a]:,} and {places[b]:,}" for a, b in pairs[:SHOWN])
    notice = (
        f"look at rows {shown} (the first row is 1): {count:,} of {len(rows.y):,} rows "
        f"({count / len(rows.y):.1%}) nearly equal one of another customer on the other side of a "
        f"split, and of these {len(pairs):,} pairs only {differ:,} differ in the outcome; of "
        f"customers that are merely similar, {_expected(pairs, expit(logits)):,.0f} would. The "
        f"same customers stand in the table several times, so that the evaluation is too good: "
        f"{cure}"
    )
    return [notice]


def near_pairs(X: Floats) -> Places:
    """Pairs of rows (pairs × 2) that are equal in all groups of columns but one, or in all.

    Every row of a set of such rows is paired with the next one of it, so that they are no more than
    rows times groups.
    """
    hashes = _of_groups(X)
    whole = hashes.sum(axis=0, dtype=np.uint64)
    found = [_equal(whole - left_out) for left_out in hashes]
    return np.unique(np.concatenate(found), axis=0)


def _of_groups(X: Floats) -> Keys:
    """A hash of the rounded values of each group of columns (groups × rows)."""
    hashes = np.zeros((min(GROUPS, X.shape[1]), len(X)), np.uint64)
    for column, values in enumerate(X.T):
        group = column * len(hashes) // X.shape[1]
        hashes[group] += _mixed(_rounded(values), column)
    return hashes


def _rounded(values: Floats) -> Places:
    """Whole numbers that are equal where values are close, or both unknown."""
    known = ~np.isnan(values)
    seen = values[known]
    low, high = np.quantile(seen, (0.25, 0.75)) if len(seen) else (0.0, 0.0)
    step = CLOSE * float(high - low or (seen.std() if len(seen) else 0.0)) or 1.0
    rounded = np.full(len(values), np.iinfo(np.int64).min)
    rounded[known] = np.clip(np.round(seen / step), -(2.0**62), 2.0**62)
    return rounded


def _mixed(numbers: Places, column: int) -> Keys:
    """Each number as 64 bits that look drawn, differently in each column (Steele et al. 2014)."""
    start, first, second = MIXED
    keys = numbers.view(np.uint64) * np.uint64(start) + np.uint64((column + 1) * first % 2**64)
    for shift, factor in ((30, first), (27, second)):
        keys = (keys ^ (keys >> np.uint64(shift))) * np.uint64(factor)
    return np.asarray(keys ^ (keys >> np.uint64(31)))


def _equal(keys: Keys) -> Places:
    order = np.argsort(keys, kind="stable")
    same = keys[order[1:]] == keys[order[:-1]]
    return np.stack([order[:-1][same], order[1:][same]], axis=1)


def _apart(pairs: Places, rows: TrainingRows) -> Places:
    """The pairs of different accounts that lie on both sides of a split, by time or by account."""
    accounts = np.unique(np.asarray(rows.accounts), return_inverse=True)[1]
    blocks = rows.as_of
    sides = split.account_folds(rows.accounts) if len(np.unique(blocks)) == 1 else blocks
    first, second = pairs.T
    apart: Places = pairs[(accounts[first] != accounts[second]) & (sides[first] != sides[second])]
    return apart


def _too_alike(pairs: Places, rows: TrainingRows, chances: Floats) -> bool:
    """Whether outcomes differ too rarely within pairs: a Poisson test of their number."""
    expected, (a, b) = _expected(pairs, chances), pairs.T
    differ = int((rows.y[a] != rows.y[b]).sum())
    return differ < SELDOM * expected and float(pdtr(differ, expected)) < CHANCE


def _expected(pairs: Places, chances: Floats) -> float:
    """Within how many pairs the outcomes differ where each comes with its own chance."""
    p, q = chances[pairs].T
    return float((p * (1 - q) + q * (1 - p)).sum())
