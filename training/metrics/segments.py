"""How good the scores are on each segment, with intervals, and where they are worse than nothing.

A segment with few events says little about itself. Beside its own figures are the same
figures shrunk towards those of all accounts, with the weight that its own have: n / (n + 30), where
n is the rarer of its events and its stayers (a linear shrinkage towards the overall figure, as of
Efron & Morris 1975, with one stated prior instead of an estimated one).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from training.metrics import calibration_table, quality
from training.metrics.calibration_table import CalibrationMeasures, Rates
from training.metrics.measured import Measured
from training.metrics.quality import Quality

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int8]
Places = npt.NDArray[np.int64]

# So many of the rarer outcome weigh as much as all that the other segments show.
FEW_EVENTS = 30
# On fewer, a segment is called worse than the base rate only where that is significant.
LEAST_ACCOUNTS = 50


@dataclass(frozen=True)
class SegmentQuality:
    """The measures on a segment's own rows; gains are log loss below the base rate's."""

    auc: Measured
    calibration: CalibrationMeasures
    reliability: tuple[Rates, ...]
    gain_over_base_rate: Measured


@dataclass(frozen=True)
class Shrunken:
    """A segment's figures shrunk towards those of all accounts; `weight` is its own, 0 to 1.

    `auc` is None where it is not known, or was not asked for.
    """

    weight: float
    in_the_large: float | None
    slope: float | None
    ece: float | None
    auc: float | None = None


@dataclass(frozen=True)
class SegmentResult:
    """How good the scores are on one segment.

    `shrunken` are its figures, shrunk towards those of all accounts.
    """

    segment: str
    accounts: int
    events: int
    observed_rate: float
    predicted_rate: float
    auc: Measured
    calibration: CalibrationMeasures
    reliability: tuple[Rates, ...]
    gain_over_base_rate: Measured
    shrunken: Shrunken
    worse_than_base_rate: bool


def table(
    logits: Floats,
    labels: Labels,
    accounts: Sequence[str],
    segments: Sequence[str],
    overall: Quality,
) -> tuple[SegmentResult, ...]:
    """One entry per segment, in the order of names.

    Parameters
    ----------
    logits, labels : arrays of shape (rows,)
        Calibrated log-odds and what happened.
    overall : Quality
        That of all rows.
    """
    names = np.asarray(segments)
    masks = {name: names == name for name in sorted(set(segments))}
    return tuple(
        _segment(name, np.flatnonzero(mask), logits, labels, accounts, overall)
        for name, mask in masks.items()
    )


def _segment(
    name: str,
    rows: Places,
    logits: Floats,
    labels: Labels,
    accounts: Sequence[str],
    overall: Quality,
) -> SegmentResult:
    own_labels, own_accounts = labels[rows], [accounts[int(row)] for row in rows]
    measured = _own(
        logits[rows], own_labels, own_accounts, overall, everyone=len(rows) == len(labels)
    )
    own_weight = weight(own_labels)
    return SegmentResult(
        segment=name,
        accounts=len(set(own_accounts)),
        events=int(own_labels.sum()),
        observed_rate=float(own_labels.mean()),
        predicted_rate=float(expit(logits[rows]).mean()),
        auc=measured.auc,
        calibration=measured.calibration,
        reliability=measured.reliability,
        gain_over_base_rate=measured.gain_over_base_rate,
        shrunken=replace(
            shrunken(measured.calibration, overall.calibration, own_weight),
            auc=_between(measured.auc.value, overall.auc.value, own_weight),
        ),
        worse_than_base_rate=worse(measured.gain_over_base_rate, len(set(own_accounts))),
    )


def _own(
    logits: Floats, labels: Labels, accounts: Sequence[str], overall: Quality, *, everyone: bool
) -> SegmentQuality:
    """The measures on a segment's rows; where these are all rows, the overall measures."""
    if everyone:
        return SegmentQuality(
            overall.auc, overall.calibration, overall.reliability, overall.gain_over_base_rate
        )
    skill = quality.skill_over(logits, labels, overall.base_rate_in_training)
    calibrated = calibration_table.of(logits, labels, accounts)
    return SegmentQuality(
        auc=quality.auc_interval(logits, labels, accounts),
        calibration=calibrated.calibration,
        reliability=calibrated.reliability,
        gain_over_base_rate=quality.mean_interval(skill, accounts),
    )


def weight(labels: Labels) -> float:
    """The weight of a segment's own figures beside those of all accounts, 0 to 1."""
    rarer = min(int(labels.sum()), len(labels) - int(labels.sum()))
    return rarer / (rarer + FEW_EVENTS)


def shrunken(
    segment: CalibrationMeasures, overall: CalibrationMeasures, own_weight: float
) -> Shrunken:
    """Each measure as `own_weight` of the segment's own and the rest of all accounts'."""
    return Shrunken(
        weight=own_weight,
        in_the_large=_between(segment.in_the_large.value, overall.in_the_large.value, own_weight),
        slope=_between(segment.slope.value, overall.slope.value, own_weight),
        ece=_between(segment.ece.value, overall.ece.value, own_weight),
    )


def _between(segment: float | None, overall: float | None, own_weight: float) -> float | None:
    if segment is None or overall is None:
        return overall
    return own_weight * segment + (1 - own_weight) * overall


def worse(gain: Measured, accounts: int) -> bool:
    """Whether to name a segment: significantly worse than the base rate, or worse on enough."""
    significant = gain.high is not None and gain.high < 0
    return significant or (accounts >= LEAST_ACCOUNTS and gain.value is not None and gain.value < 0)
