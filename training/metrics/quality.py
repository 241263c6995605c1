"""How good the scores are, on rows that had no part in making them; every interval by account.

Intervals are 95 % percentile bootstraps that resample accounts, never rows, since the rows of
one account are not independent.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from training.calibrating.bands import BANDS, band_codes
from training.calibrating.calibration import log_losses
from training.calibrating.opportunity import TOLD_FROM
from training.metrics import calibration_table, resampling

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int8]
Statistic = Callable[[npt.NDArray[np.int64]], float]


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
        **calibration_table.of_evaluation(logits, labels, accounts),
    }


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


def interval(statistic: Statistic, accounts: Sequence[str]) -> dict[str, float | None]:
    """The statistic of all rows as `value`, and its 95 % bootstrap interval `low` to `high`."""
    codes = np.unique(np.asarray(accounts), return_inverse=True)[1]
    order, lengths = np.argsort(codes, kind="stable"), np.bincount(codes)
    drawn = [
        statistic(order[_places(places, lengths)]) for places in resampling.draws(len(lengths))
    ]
    return resampling.measured(statistic(np.arange(len(codes))), drawn)


def _places(drawn: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Where the rows of the drawn accounts stand, when rows are sorted by account."""
    starts, taken = np.cumsum(lengths) - lengths, lengths[drawn]
    within = np.arange(taken.sum()) - np.repeat(np.cumsum(taken) - taken, taken)
    places: npt.NDArray[np.int64] = np.repeat(starts[drawn], taken) + within
    return places


def bands(score: Floats, labels: Labels) -> dict[str, dict[str, int]]:
    """Per colour of the health scores, how many accounts had it and how many later churned."""
    codes = band_codes(score)
    return {
        band: {"accounts": int((codes == code).sum()), "churned": int(labels[codes == code].sum())}
        for code, band in enumerate(BANDS)
        if band != "unscored"
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
    area = None if np.isnan(found) else found
    return {"known": float(known.mean()) if len(known) else 0.0, "auc": area}
