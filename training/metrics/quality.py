"""How good the scores are, on rows that had no part in making them; every interval by account.

Intervals are 95% percentile bootstraps that resample accounts, never rows, since the rows of
one account are not independent.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from training.calibrating.bands import BANDS, band_codes
from training.calibrating.calibration import log_losses
from training.calibrating.opportunity import LISTED_FROM
from training.metrics import calibration_table, resampling
from training.metrics.calibration_table import CalibrationMeasures, Rates
from training.metrics.measured import Measured

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int8]
Statistic = Callable[[npt.NDArray[np.int64]], float]


@dataclass(frozen=True)
class Quality:
    """How good calibrated scores are on some rows.

    `base_rate` is that of these rows, `base_rate_in_training` the one that training knew, which a
    model without indicators would predict for every account; gains are log loss below its.
    """

    rows: int
    accounts: int
    events: int
    base_rate: float
    base_rate_in_training: float
    predicted_rate: float
    auc: Measured
    log_loss: Measured
    gain_over_base_rate: Measured
    calibration: CalibrationMeasures
    reliability: tuple[Rates, ...]


@dataclass(frozen=True)
class BandOutcome:
    """How many accounts had a band, and how many of them churned later."""

    accounts: int
    churned: int


@dataclass(frozen=True)
class OpportunityOutcome:
    """How many accounts were listed as opportunities, or not, and for how many it happened."""

    accounts: int
    happened: int


@dataclass(frozen=True)
class ShadowColumn:
    """How well a column that moves no score separates by itself.

    That is the `auc` of the share of rows where it is `known`: above 0.5, higher values go with
    the event; below, lower ones.
    """

    indicator: str
    column: str
    known: float
    auc: float | None


def evaluate(logits: Floats, labels: Labels, accounts: Sequence[str], base: float) -> Quality:
    """The quality of calibrated `logits` (rows,) against `labels` (rows,).

    `base` is the base rate that training knew.
    """
    skill = skill_over(logits, labels, base)
    table = calibration_table.of(logits, labels, accounts)
    return Quality(
        rows=len(labels),
        accounts=len(set(accounts)),
        events=int(labels.sum()),
        base_rate=float(labels.mean()),
        base_rate_in_training=base,
        predicted_rate=float(expit(logits).mean()),
        auc=auc_interval(logits, labels, accounts),
        log_loss=mean_interval(log_losses(logits, labels), accounts),
        gain_over_base_rate=mean_interval(skill, accounts),
        calibration=table.calibration,
        reliability=table.reliability,
    )


def skill_over(logits: Floats, labels: Labels, base: float) -> Floats:
    """By how much each row's log loss beats that of the constant base rate."""
    constant = np.full(len(labels), np.log(base / (1 - base)))
    return log_losses(constant, labels) - log_losses(logits, labels)


def gain(losses: Floats, other: Floats, labels: Labels, accounts: Sequence[str]) -> Measured:
    """By how much `losses` (rows,) are below those of the logits `other`, with its interval."""
    return mean_interval(log_losses(other, labels) - losses, accounts)


def auc(scores: Floats, labels: Labels) -> float:
    """The area under the ROC curve; NaN when only one class is there."""
    positives = int(labels.sum())
    negatives = len(labels) - positives
    if not positives or not negatives:
        return float("nan")
    _, rank, counts = np.unique(scores, return_inverse=True, return_counts=True)
    # Ties share the mean of their ranks.
    ranks = float((np.cumsum(counts) - (counts - 1) / 2)[rank[labels == 1]].sum())
    return (ranks - positives * (positives + 1) / 2) / (positives * negatives)


def interval(statistic: Statistic, accounts: Sequence[str]) -> Measured:
    """The statistic of all rows with its 95% bootstrap interval."""
    codes = np.unique(np.asarray(accounts), return_inverse=True)[1]
    order, lengths = np.argsort(codes, kind="stable"), np.bincount(codes)
    drawn = [
        statistic(order[_places(places, lengths)]) for places in resampling.draws(len(lengths))
    ]
    return resampling.measured(statistic(np.arange(len(codes))), drawn)


def mean_interval(values: Floats, accounts: Sequence[str]) -> Measured:
    """The mean of `values` (rows,) with its 95% bootstrap interval."""
    codes = np.unique(np.asarray(accounts), return_inverse=True)[1]
    sums, lengths = np.bincount(codes, values), np.bincount(codes)
    drawn = [float(count @ sums / (count @ lengths)) for count in resampling.counts(len(lengths))]
    return resampling.measured(float(values.mean()), drawn)


def auc_interval(scores: Floats, labels: Labels, accounts: Sequence[str]) -> Measured:
    """The area under the ROC curve with its 95% bootstrap interval.

    Rows are ranked once; a resample weighs them. It has none where it has one class alone.
    """
    codes = np.unique(np.asarray(accounts), return_inverse=True)[1]
    order = np.argsort(scores, kind="stable")
    ranked, codes, churned = scores[order], codes[order], labels[order] == 1
    ties = np.flatnonzero(np.append(True, ranked[1:] != ranked[:-1])[: len(ranked)])
    drawn = []
    for count in resampling.counts(int(codes.max(initial=-1)) + 1):
        weights = count[codes]
        up = np.add.reduceat(np.where(churned, weights, 0.0), ties)
        down = np.add.reduceat(np.where(churned, 0.0, weights), ties)
        pairs = up.sum() * down.sum()
        above = up @ (np.cumsum(down) - down / 2)
        drawn.append(float(above / pairs) if pairs else float("nan"))
    return resampling.measured(auc(scores, labels), drawn)


def _places(drawn: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The places of the drawn accounts' rows, when rows are sorted by account."""
    starts, taken = np.cumsum(lengths) - lengths, lengths[drawn]
    within = np.arange(taken.sum()) - np.repeat(np.cumsum(taken) - taken, taken)
    places: npt.NDArray[np.int64] = np.repeat(starts[drawn], taken) + within
    return places


def bands(score: Floats, labels: Labels) -> dict[str, BandOutcome]:
    """The outcome of each colour of the health scores (rows,)."""
    codes = band_codes(score)
    return {
        band: BandOutcome(int((codes == code).sum()), int(labels[codes == code].sum()))
        for code, band in enumerate(BANDS)
        if band != "unscored"
    }


def opportunities(score: Floats, labels: Labels) -> dict[str, OpportunityOutcome]:
    """The outcome of the accounts that were listed as opportunities (`yes`), and of the others."""
    masks = {"yes": score >= LISTED_FROM, "no": score < LISTED_FROM}
    return {
        name: OpportunityOutcome(int(mask.sum()), int(labels[mask].sum()))
        for name, mask in masks.items()
    }


def shadow_column(indicator: str, column: str, values: Floats, labels: Labels) -> ShadowColumn:
    """How well the column with these `values` (rows,) separates by itself."""
    is_known = ~np.isnan(values)
    area = auc(values[is_known], labels[is_known]) if is_known.any() else float("nan")
    known = float(is_known.mean()) if len(is_known) else 0.0
    return ShadowColumn(indicator, column, known, None if np.isnan(area) else area)
