"""The health score: 0 to 100, 100 is healthiest, for every model; its bands are in `bands`.

Two probabilities anchor the scale: h = 40 + 30 · (logit p_red − logit p) / (logit p_red −
logit p_green). This is the points-to-double-the-odds scale of credit scorecards (Siddiqi 2012)
with PDO = 30·ln 2 / (logit p_red − logit p_green). Since h is affine in the margin, each
contribution to the margin is worth a fixed number of points.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import betaincinv, expit

from features.declaring.target import Target, odds
from features.errors import GateRefused
from training.calibrating.bands import GREEN_FROM, RED_BELOW
from training.calibrating.calibration import Calibration

Floats = npt.NDArray[np.float64]

# Points between the two anchors.
SPAN = GREEN_FROM - RED_BELOW
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Anchors:
    """The probabilities at which red (above `p_red`) and green (up to `p_green`) begin."""

    p_red: float
    p_green: float
    chosen: str


@dataclass(frozen=True)
class Scale:
    """Health points of one model: its calibration and its anchors."""

    calibration: Calibration
    anchors: Anchors

    @property
    def points_per_margin(self) -> float:
        """Health points (negative) for one unit of raw margin."""
        return self.points_per_logit * self.calibration.slope

    @property
    def points_per_logit(self) -> float:
        """Health points (negative) for one unit of calibrated log-odds."""
        return -SPAN / self._span

    @property
    def points_to_double_the_odds(self) -> float:
        """Health points lost when the odds of churn double."""
        return SPAN * math.log(2) / self._span

    @property
    def _span(self) -> float:
        return logit(self.anchors.p_red) - logit(self.anchors.p_green)

    def unclipped(self, margins: Floats) -> Floats:
        """The health score of raw margins before it is clipped to [0, 100]."""
        logits = self.calibration.logits(margins)
        return RED_BELOW + SPAN * (logit(self.anchors.p_red) - logits) / self._span

    def probability(self, margins: Floats) -> Floats:
        """The churn probability of raw margins."""
        return expit(self.calibration.logits(margins))  # type: ignore[no-any-return]


def logit(probability: float) -> float:
    """The natural logarithm of the odds."""
    return math.log(odds(probability))


def anchors(
    target: Target,
    logits: Floats,
    labels: npt.NDArray[np.int8],
    capacity: float,
    counts: Floats | None = None,
) -> Anchors:
    """The target's declared anchors, or those that validation rows support.

    Parameters
    ----------
    logits, labels : arrays of shape (rows,)
        Calibrated logits and outcomes of rows that the model has not seen.
    capacity : float
        The largest share of accounts that the team can work as red.
    counts : array of shape (rows,)
        For how many outcomes each row counts, by default for one.

    Raises
    ------
    GateRefused
        The rows cannot support a green band, or the two anchors are too close.
    """
    if target.p_red is not None and target.p_green is not None:
        return Anchors(target.p_red, target.p_green, "declared")
    return supported(logits, labels, capacity, counts)


def supported(
    logits: Floats,
    labels: npt.NDArray[np.int8],
    capacity: float,
    counts: Floats | None = None,
) -> Anchors:
    """The anchors that validation rows support; parameters and errors as of `anchors`."""
    counts = np.ones(len(labels)) if counts is None else counts
    red, green = _red(logits, capacity, counts), _green(logits, labels, counts)
    if odds(red) < 2 * odds(green):
        accepted = _accepted(logits, red, green)
        raise GateRefused(
            f"the bands are too close: p_red {red:.3f} (capacity {capacity:.0%}) against "
            f"p_green {green:.3f}; {_cure(logits, labels, accepted)}"
        )
    return Anchors(red, green, "validation rows")


def _accepted(logits: Floats, red: float, green: float) -> str:
    """What would set the bands apart: a smaller capacity, or anchors of one's own."""
    least = 2 * odds(green) / (1 + 2 * odds(green))
    most = odds(red) / (2 + odds(red))
    above = int(np.sum(logits >= logit(least)))
    capacity = math.floor(1000 * (above - 1) / len(logits)) / 1000
    lower = [f"bands.capacity = {capacity:.3f} or less"] if capacity > 0 else []
    apart = (
        (math.ceil(1000 * least), math.floor(1000 * green)),
        (math.ceil(1000 * red), math.floor(1000 * most)),
    )
    values = [*lower, *(_pair(*pair) for pair in apart if pair[1] > 0)]
    # A green anchor below a thousandth has no digits here.
    return f"accepted would be {', or '.join(values)}" if values else "lower the capacity"


def _pair(red: int, green: int) -> str:
    """Anchors, in thousandths, as they are declared."""
    return f"p_red = {red / 1000:.3f} with p_green = {green / 1000:.3f}"


def _cure(logits: Floats, labels: npt.NDArray[np.int8], accepted: str) -> str:
    """The advice: values that are accepted, unless the scores do not tell who leaves.

    By the rank-sum test (Mann & Whitney, 1947), one-sided.
    """
    from scipy.stats import mannwhitneyu

    gone, there = logits[labels == 1], logits[labels == 0]
    is_told = len(gone) > 0 and len(there) > 0
    if is_told and mannwhitneyu(gone, there, alternative="greater").pvalue < 1 - CONFIDENCE:
        return f"{accepted}; a promotion still asks for a model that beats the simple baselines"
    return (
        f"the scores do not tell who leaves on these {len(labels):,} rows, so that bands of your "
        "own would mean nothing: add history, or indicators that change before customers leave"
    )


def _red(logits: Floats, capacity: float, counts: Floats) -> float:
    """The probability above which at most `capacity` of the rows lie, ties left out."""
    order = np.argsort(-logits, kind="stable")
    within = np.searchsorted(np.cumsum(counts[order]), capacity * counts.sum(), "right")
    return _probability(float(logits[order][min(int(within), len(order) - 1)]))


def _green(logits: Floats, labels: npt.NDArray[np.int8], counts: Floats) -> float:
    """The highest p at or below which significantly less than half the base rate churns."""
    order = np.argsort(logits, kind="stable")
    ranked, churned = logits[order], np.cumsum((counts * labels)[order])
    count, rate = np.cumsum(counts[order]), (counts * labels).sum() / counts.sum()
    # Clopper & Pearson (1934), one-sided; where all have churned there is no bound below 1.
    stayed = np.maximum(count - churned, 1)
    upper = np.where(churned < count, betaincinv(churned + 1.0, stayed, CONFIDENCE), 1.0)
    last_of_tie = np.append(ranked[1:] != ranked[:-1], True)
    half = rate / 2
    good = np.flatnonzero((upper <= half) & last_of_tie)
    if not len(good):
        raise GateRefused(
            "no green band: no group of accounts leaves at significantly less than half of the "
            f"base rate ({rate:.1%} of {len(labels):,}); "
            + _cure(logits, labels, "add history, or declare p_red and p_green")
        )
    return _probability(float(ranked[good[-1]]))


def _probability(value: float) -> float:
    """The probability of a logit, rounded up until its own logit is no lower.

    Rounded down, the accounts exactly on an anchor would fall on its wrong side.
    """
    probability = float(expit(value))
    while probability < 1 and logit(probability) < value:
        probability = math.nextafter(probability, 1.0)
    return probability
