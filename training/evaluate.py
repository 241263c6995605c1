"""How good the scores are, on rows that had no part in making them; every interval by account.

Intervals are 95 % percentile bootstraps that resample accounts, never rows, since the rows of
one account are not independent.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from training.calibration import lines as calibration_lines
from training.calibration import log_losses
from training.health import GREEN_FROM, RED_BELOW
from training.opportunity import TOLD_FROM

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int8]
Statistic = Callable[[npt.NDArray[np.int64]], float]

RESAMPLES = 200
BINS = 10


def evaluate(
    logits: Floats, labels: Labels, accounts: Sequence[str], base: float
) -> dict[str, Any]:
    """What the report says of calibrated `logits` (rows,) against `labels` (rows,).

    `base` is the base rate that training knew: what a model without indicators would say of
    every account.
    """
    skill = skill_over(logits, labels, base)
    return {
        "rows": len(labels),
        "accounts": len(set(accounts)),
        "events": int(labels.sum()),
        "base_rate": float(labels.mean()),
        "base_rate_in_training": base,
        "predicted_rate": float(expit(logits).mean()),
        "auc": interval(lambda rows: auc(logits[rows], labels[rows]), accounts),
        "log_loss": interval(
            lambda rows: float(log_losses(logits[rows], labels[rows]).mean()), accounts
        ),
        "gain_over_base_rate": interval(lambda rows: float(skill[rows].mean()), accounts),
        "ece": ece(expit(logits), labels),
        "calibration": calibrated(logits, labels, accounts),
        "reliability": reliability(expit(logits), labels),
    }


def calibrated(
    logits: Floats, labels: Labels, accounts: Sequence[str]
) -> dict[str, dict[str, float | None]]:
    """In the large: observed minus predicted rate, 0 is right. Slope: 1 is right, less: steep."""
    surplus = labels - expit(logits)
    return {
        "in_the_large": interval(lambda rows: float(surplus[rows].mean()), accounts),
        "slope": interval(lambda rows: slope(logits[rows], labels[rows]), accounts),
    }


def slope(logits: Floats, labels: Labels) -> float:
    """The slope of the line that would calibrate `logits` anew (Cox 1958), under its prior."""
    return float(calibration_lines(logits[None], labels)[0, 0])


def reliability(probabilities: Floats, labels: Labels) -> list[dict[str, float]]:
    """The reliability curve: per bin of equal count, what was predicted and what came."""
    return [
        {
            "rows": len(rows),
            "predicted_rate": float(probabilities[rows].mean()),
            "observed_rate": float(labels[rows].mean()),
        }
        for rows in _bins(probabilities)
    ]


def _bins(probabilities: Floats) -> list[npt.NDArray[np.int64]]:
    bins = np.array_split(np.argsort(probabilities, kind="stable"), BINS)
    return [rows for rows in bins if len(rows)]


def skill_over(logits: Floats, labels: Labels, base: float) -> Floats:
    """By how much each row's log loss beats that of the constant base rate."""
    constant = np.full(len(labels), np.log(base / (1 - base)))
    return log_losses(constant, labels) - log_losses(logits, labels)


def gain(
    losses: Floats, other: Floats, labels: Labels, accounts: Sequence[str]
) -> dict[str, float | None]:
    """By how much `losses` (rows,) are below those of the logits `other`, with its interval."""
    better = log_losses(other, labels) - losses
    return interval(lambda rows: float(better[rows].mean()), accounts)


def auc(scores: Floats, labels: Labels) -> float:
    """The area under the ROC curve; NaN when only one class is there."""
    positives = int(labels.sum())
    negatives = len(labels) - positives
    if not positives or not negatives:
        return float("nan")
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    # Ties share the mean of their ranks.
    ranks = float((np.cumsum(counts) - (counts - 1) / 2)[place[labels == 1]].sum())
    return (ranks - positives * (positives + 1) / 2) / (positives * negatives)


def ece(probabilities: Floats, labels: Labels) -> float:
    """Expected calibration error over ten bins of equal count (Naeini et al. 2015)."""
    gaps = [
        len(rows) * abs(float(probabilities[rows].mean() - labels[rows].mean()))
        for rows in _bins(probabilities)
    ]
    return float(sum(gaps) / len(labels))


def interval(statistic: Statistic, accounts: Sequence[str]) -> dict[str, float | None]:
    """The statistic of all rows as `value`, and its 95 % bootstrap interval `low` to `high`."""
    codes = np.unique(np.asarray(accounts), return_inverse=True)[1]
    order, lengths = np.argsort(codes, kind="stable"), np.bincount(codes)
    generator = np.random.default_rng(0)
    drawn = [
        statistic(order[_places(generator.integers(0, len(lengths), len(lengths)), lengths)])
        if len(lengths) > 1
        else float("nan")
        for _ in range(RESAMPLES)
    ]
    low, high = np.nanquantile(drawn, (0.025, 0.975)) if not np.isnan(drawn).all() else (None,) * 2
    value = statistic(np.arange(len(codes)))
    return {"value": _finite(value), "low": _finite(low), "high": _finite(high)}


def _places(drawn: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Where the rows of the drawn accounts stand, when rows are sorted by account."""
    starts, taken = np.cumsum(lengths) - lengths, lengths[drawn]
    within = np.arange(taken.sum()) - np.repeat(np.cumsum(taken) - taken, taken)
    places: npt.NDArray[np.int64] = np.repeat(starts[drawn], taken) + within
    return places


def _finite(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else float(value)


def bands(score: Floats, labels: Labels) -> dict[str, dict[str, int]]:
    """Per colour of the health scores, how many accounts had it and how many later churned."""
    masks = {
        "red": score < RED_BELOW,
        "yellow": (score >= RED_BELOW) & (score < GREEN_FROM),
        "green": score >= GREEN_FROM,
    }
    return {
        name: {"accounts": int(mask.sum()), "churned": int(labels[mask].sum())}
        for name, mask in masks.items()
    }


def opportunities(score: Floats, labels: Labels) -> dict[str, dict[str, int]]:
    """How many accounts were told as opportunities, how many not, and to how many it happened."""
    masks = {"yes": score >= TOLD_FROM, "no": score < TOLD_FROM}
    return {
        name: {"accounts": int(mask.sum()), "happened": int(labels[mask].sum())}
        for name, mask in masks.items()
    }


def alone(values: Floats, labels: Labels) -> dict[str, float | None]:
    """What a column says by itself: the share that is known, and the AUC of the known values.

    Above 0.5, higher values go with the event; below, lower ones.
    """
    known = ~np.isnan(values)
    found = auc(values[known], labels[known]) if known.any() else float("nan")
    return {"known": float(known.mean()) if len(known) else 0.0, "auc": _finite(found)}
