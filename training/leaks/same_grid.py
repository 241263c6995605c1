"""Whether rows come from one grid of as-of dates, the same for churners and for the others.

When churners are sampled at their churn date and the others today, the dates give the outcome away:
an AUC near 1 where nothing can be known. `snapshots.build` cannot make such rows; other tools can.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy.special import chdtrc

from features.errors import GateRefused

# How rarely the outcomes of honest rows differ so much between dates.
HONEST_CHANCE = 1e-4

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class GridCounts:
    """Per as-of date: accounts with a row, those left out, and labels of either kind."""

    days: list[date]
    present: Counts
    left_out: Counts
    happened: Counts
    did_not: Counts


def require_grid(table: pa.Table, target: str, min_history: int) -> None:
    """Raises GateRefused where the choice of rows gives the outcome away.

    `table` has account_id, as_of, history_days and the label. An account with a row existed on the
    earlier dates since it was first known; dates on which it had less than `min_history` days do
    not count. Rows are refused when on some dates most existing accounts are left out and the
    outcomes differ between dates by more than chance (Pearson's χ² test of homogeneity).
    """
    enough = table.filter(pc.greater_equal(table["history_days"], min_history))
    if not enough.num_rows:
        return
    dates = _dates(enough, target, min_history)
    thin = dates.left_out > dates.present
    if not thin.any() or _chance(dates) >= HONEST_CHANCE:
        return
    labelled = np.maximum(dates.happened + dates.did_not, 1)
    rates = (dates.happened / labelled)[dates.happened + dates.did_not > 0]
    raise GateRefused(
        f"target {target}: on {int(thin.sum())} of {len(thin)} as-of dates, such as "
        f"{dates.days[int(thin.argmax())]}, most existing accounts have no row, and the date "
        f"gives the outcome away ({rates.min():.0%} to {rates.max():.0%} events by date): this "
        "happens when churners are sampled at their churn date and the others today; give all "
        "accounts on each as-of date, as churnlight features builds them"
    )


def _dates(table: pa.Table, target: str, min_history: int) -> GridCounts:
    days = pc.cast(table["as_of"], pa.int32())
    first = pc.add(pc.subtract(days, table["history_days"]), min_history)
    spans = pa.table({"account": table["account_id"], "first": first, "last": days})
    lives = spans.group_by("account").aggregate([("first", "min"), ("last", "max")])
    grid, number = np.unique(days.to_numpy(), return_inverse=True)
    starts = np.searchsorted(grid, lives["first_min"].to_numpy(), "left")
    ends = np.searchsorted(grid, lives["last_max"].to_numpy(), "right")
    size = len(grid)
    begun, over = np.bincount(starts, minlength=size + 1), np.bincount(ends, minlength=size + 1)
    expected = np.cumsum(begun - over)[:size]
    present = np.bincount(number, minlength=size)
    label = pc.fill_null(table[f"label__{target}"], -1).to_numpy()
    return GridCounts(
        days=grid.astype("datetime64[D]").astype(object).tolist(),
        present=present,
        left_out=np.maximum(expected - present, 0),
        happened=np.bincount(number, label == 1, size).astype(np.int64),
        did_not=np.bincount(number, label == 0, size).astype(np.int64),
    )


def _chance(dates: GridCounts) -> float:
    """The probability of outcomes that differ as much between dates by chance alone."""
    counts = np.stack([dates.happened, dates.did_not]).astype(float)
    counts = counts[:, counts.sum(axis=0) > 0]
    total = counts.sum()
    if not total or not counts.sum(axis=1).all():
        return 1.0
    expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0, keepdims=True) / total
    distance = float(((counts - expected) ** 2 / expected).sum())
    return float(chdtrc(counts.shape[1] - 1, distance))
