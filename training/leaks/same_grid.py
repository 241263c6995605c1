"""Whether rows come from one grid of as-of dates, for those who left and those who stayed alike.

Whoever takes churners on the day of their churn and stayers today gives the model dates to tell
them apart by: an AUC near 1 where nothing can be known. `snapshots.build` cannot make such rows;
rows from elsewhere can be such.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy.special import chdtrc

from features.errors import GateRefused

HONEST_CHANCE = 1e-4
"""How seldom the outcomes of honest rows differ so much between dates."""

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class GridCounts:
    """Per as-of date: accounts that are there, those left out, and labels of either kind."""

    days: list[date]
    there: Counts
    left_out: Counts
    happened: Counts
    did_not: Counts


def require_grid(table: pa.Table, target: str, min_history: int) -> None:
    """Raises GateRefused where the choice of rows, by itself, tells who left.

    `table` has account_id, as_of, history_days and the label. An account that has a row, and had
    been known for so many days, was there on the earlier dates since then; dates on which it had
    less than `min_history` days do not count. Rows are refused when on some dates most of those
    accounts are left out and the dates' outcomes differ by more than chance (Pearson's χ² test of
    homogeneity).
    """
    enough = table.filter(pc.greater_equal(table["history_days"], min_history))
    if not enough.num_rows:
        return
    dates = _dates(enough, target, min_history)
    thin = dates.left_out > dates.there
    if not thin.any() or _chance(dates) >= HONEST_CHANCE:
        return
    labelled = np.maximum(dates.happened + dates.did_not, 1)
    rates = (dates.happened / labelled)[dates.happened + dates.did_not > 0]
    raise GateRefused(
        f"target {target}: on {int(thin.sum())} of {len(thin)} as-of dates, such as "
        f"{dates.days[int(thin.argmax())]}, most accounts that were there have no row, and the "
        f"date tells the outcome (it happened to {rates.min():.0%} to {rates.max():.0%} by date): "
        "that is what becomes of taking churners at their churn and stayers today; give all "
        "accounts on each of the same as-of dates, as churnlight features builds them"
    )


def _dates(table: pa.Table, target: str, min_history: int) -> GridCounts:
    days = pc.cast(table["as_of"], pa.int32())
    first = pc.add(pc.subtract(days, table["history_days"]), min_history)
    spans = pa.table({"account": table["account_id"], "first": first, "last": days})
    lives = spans.group_by("account").aggregate([("first", "min"), ("last", "max")])
    grid, place = np.unique(days.to_numpy(), return_inverse=True)
    starts = np.searchsorted(grid, lives["first_min"].to_numpy(), "left")
    ends = np.searchsorted(grid, lives["last_max"].to_numpy(), "right")
    size = len(grid)
    begun, over = np.bincount(starts, minlength=size + 1), np.bincount(ends, minlength=size + 1)
    expected = np.cumsum(begun - over)[:size]
    there = np.bincount(place, minlength=size)
    label = pc.fill_null(table[f"label__{target}"], -1).to_numpy()
    return GridCounts(
        days=grid.astype("datetime64[D]").astype(object).tolist(),
        there=there,
        left_out=np.maximum(expected - there, 0),
        happened=np.bincount(place, label == 1, size).astype(np.int64),
        did_not=np.bincount(place, label == 0, size).astype(np.int64),
    )


def _chance(dates: GridCounts) -> float:
    """The probability of outcomes that differ as much between dates, if the dates say nothing."""
    counts = np.stack([dates.happened, dates.did_not]).astype(float)
    counts = counts[:, counts.sum(axis=0) > 0]
    total = counts.sum()
    if not total or not counts.sum(axis=1).all():
        return 1.0
    expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0, keepdims=True) / total
    distance = float(((counts - expected) ** 2 / expected).sum())
    return float(chdtrc(counts.shape[1] - 1, distance))
