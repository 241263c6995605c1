"""How well calibrated a model is on every as-of date, with intervals that resample accounts.

All resamples of a date are made at once, as counts per row, so that a history of many dates costs
seconds: the slope of a resample is one Newton step from that of all rows, and the bins of the ECE
are those of all rows.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from training import evaluate
from training.calibration import PRIOR_WIDTH, TINY, lines

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int8]
Days = npt.NDArray[np.datetime64]

RESAMPLES = 200
RANGE = (0.025, 0.975)


def by_as_of(
    logits: Floats, labels: Labels, as_of: Days, accounts: Sequence[str]
) -> list[dict[str, Any]]:
    """Per date: what calibrated `logits` (rows,) say and what came, as plain JSON values.

    `in_the_large` is the observed minus the predicted rate, `slope` that of the line which would
    calibrate anew (1 is right, less: too steep; unknown without both outcomes), `ece` that of ten
    bins of equal count, `reliability` the bins themselves; each with its 95 % interval. The ECE is
    never negative, so an interval that stays above 0 does not prove it to be.
    """
    names = np.asarray(accounts)
    found = []
    for day in np.unique(as_of):
        rows = np.flatnonzero(as_of == day)
        table = _of_date(logits[rows], labels[rows], names[rows])
        found.append({"as_of": str(day), **table})
    return found


def _of_date(logits: Floats, labels: Labels, accounts: npt.NDArray[np.str_]) -> dict[str, Any]:
    counts = _resampled(accounts)
    chance = expit(logits)
    large = counts @ (labels - chance) / counts.sum(axis=1)
    own = evaluate.ece(chance, labels)
    bins = _Bins(chance, labels, counts)
    return {
        "rows": len(labels),
        "events": int(labels.sum()),
        "observed_rate": float(labels.mean()),
        "predicted_rate": float(chance.mean()),
        "in_the_large": _interval(float((labels - chance).mean()), large),
        "slope": _slope(logits, labels, counts),
        "ece": _interval(own, bins.ece()),
        "reliability": bins.curve(),
    }


def _resampled(accounts: npt.NDArray[np.str_]) -> Floats:
    """How often each row stands in each resample of its accounts (resamples × rows)."""
    codes = np.unique(accounts, return_inverse=True)[1]
    different = int(codes.max()) + 1
    draw = np.random.default_rng(0)
    drawn = [
        np.bincount(draw.integers(0, different, different), minlength=different)[codes]
        for _ in range(RESAMPLES)
    ]
    return np.array(drawn, dtype=np.float64)


def _interval(value: float, drawn: Floats) -> dict[str, float | None]:
    low, high = (float(item) for item in np.quantile(drawn, RANGE))
    return {"value": value, "low": low, "high": high}


def _slope(logits: Floats, labels: Labels, counts: Floats) -> dict[str, float | None]:
    """The slope of the line that would calibrate anew; a resample's by one step from all rows'."""
    if not 0 < labels.sum() < len(labels):
        return {"value": None, "low": None, "high": None}
    slope, offset = (float(item) for item in lines(logits[None], labels)[:, 0])
    chance = expit(slope * logits + offset)
    surplus, weight = chance - labels, chance * (1 - chance)
    parts = np.column_stack(
        [surplus * logits, surplus, weight * logits**2, weight * logits, weight]
    )
    by_slope, by_offset, a, b, c = (counts @ parts).T
    by_slope, a, c = by_slope + (slope - 1) / PRIOR_WIDTH**2, a + 1 / PRIOR_WIDTH**2, c + TINY
    return _interval(slope, slope - (c * by_slope - b * by_offset) / (a * c - b * b))


class _Bins:
    """Bins of equal count, and what each resample has in them (resamples × bins)."""

    def __init__(self, chance: Floats, labels: Labels, counts: Floats) -> None:
        self.own = evaluate.reliability(chance, labels)
        order = np.argsort(chance, kind="stable")
        edges = np.cumsum([0, *(int(item["rows"]) for item in self.own)])[:-1]

        def summed(values: Floats) -> Floats:
            return np.asarray(np.add.reduceat(counts[:, order] * values[order], edges, axis=1))

        self.rows = summed(np.ones(len(labels)))
        self.events, self.expected = summed(labels.astype(np.float64)), summed(chance)

    def ece(self) -> Floats:
        """The expected calibration error of each resample."""
        found: Floats = np.abs(self.events - self.expected).sum(axis=1) / self.rows.sum(axis=1)
        return found

    def curve(self) -> list[dict[str, float | None]]:
        """The reliability curve, the observed rates with their intervals."""
        rates = self.events / np.maximum(self.rows, 1)
        low, high = np.quantile(rates, RANGE, axis=0)
        return [
            {**item, "low": float(low[place]), "high": float(high[place])}
            for place, item in enumerate(self.own)
        ]
