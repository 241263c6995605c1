"""Affine calibration on the margin: logit p = slope · margin + offset, slope > 0.

Affine on purpose: contributions to the margin stay additive and are only scaled (isotonic
steps would make every driver zero on a flat). Maximum likelihood (Platt 1999) with a normal
prior on the slope around 1, since with few events a free slope ranges from nothing to far too
steep.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import expit

from features.errors import GateRefused

Floats = npt.NDArray[np.float64]

PRIOR_WIDTH = 0.5
NEWTON_STEPS = 6
TINY = 1e-9


@dataclass(frozen=True)
class Calibration:
    """The fitted line, and how many rows and events it rests on.

    `prior_width` is the standard deviation of the slope's prior around `prior_slope`.
    """

    slope: float
    offset: float
    rows: int
    events: int
    prior_width: float = PRIOR_WIDTH
    prior_slope: float = 1.0

    def logits(self, margins: Floats) -> Floats:
        """Calibrated log-odds (rows,) of raw margins."""
        return self.slope * margins + self.offset


def fit(
    margins: Floats,
    labels: npt.NDArray[np.int8],
    counts: Floats | None = None,
    around: float = 1.0,
) -> Calibration:
    """The line that makes `margins` (rows,) say how often `labels` (rows,) are 1.

    `counts` (rows,) are for how many outcomes each row counts, by default for one; `around` is
    where the prior has the slope: 1, or what other rows say.

    Raises
    ------
    GateRefused
        The slope is not positive: higher margins do not go with more events.
    """
    counts = np.ones(len(labels)) if counts is None else counts
    given = (margins, labels, counts, around)
    solution = minimize(_negative_log_posterior, np.array([1.0, 0.0]), given, "BFGS", jac=True)
    slope, offset = (float(value) for value in solution.x)
    if slope <= 0:
        raise GateRefused(
            f"the calibration's slope must be above 0, got {slope:.2f}: on the latest as-of date, "
            "events were not more frequent where the model gives a higher probability; add history "
            "or better indicators"
        )
    return Calibration(slope, offset, len(labels), int(labels.sum()), prior_slope=around)


def _negative_log_posterior(
    line: Floats,
    margins: Floats,
    labels: npt.NDArray[np.int8],
    counts: Floats,
    around: float,
) -> tuple[float, Floats]:
    slope, offset = line
    logits = slope * margins + offset
    surplus = counts * (expit(logits) - labels)
    prior = (slope - around) / PRIOR_WIDTH**2
    loss = (counts * log_losses(logits, labels)).sum() + (slope - around) * prior / 2
    return float(loss), np.array([surplus @ margins + prior, surplus.sum()])


def log_losses(logits: Floats, labels: npt.NDArray[np.int8]) -> Floats:
    """−log of the probability given to what happened, per row, from logits."""
    return np.logaddexp(0, np.where(labels == 1, -logits, logits))


def left_over(margins: Floats, labels: npt.NDArray[np.int8]) -> Floats:
    """Each row's log loss after the affine calibration that suits the margins best.

    Parameters
    ----------
    margins : array of shape (models, rows)
    labels : array of shape (rows,)

    Returns
    -------
    array of shape (models, rows)
    """
    slopes, offsets = lines(margins, labels)
    # A reversed model earns nothing.
    return log_losses(np.maximum(slopes, 0.0)[:, None] * margins + offsets[:, None], labels)


def lines(margins: Floats, labels: npt.NDArray[np.int8]) -> Floats:
    """The slopes and offsets (2 × models) of the lines that `fit` would find, many at once."""
    rate = (labels.sum() + 0.5) / (len(labels) + 1)
    # From a flat line on, Newton's steps keep their feet also where margins are far too wide.
    fitted = np.tile([[0.0], [np.log(rate / (1 - rate))]], (1, len(margins)))
    for _ in range(NEWTON_STEPS):
        fitted = fitted - _step(fitted, margins, labels)
    return fitted


def _step(fitted: Floats, margins: Floats, labels: npt.NDArray[np.int8]) -> Floats:
    """The Newton step of slopes and offsets (2 × models) under the slope's prior."""
    chance = expit(fitted[0][:, None] * margins + fitted[1][:, None])
    surplus, weight = chance - labels, chance * (1 - chance)
    precision = 1 / PRIOR_WIDTH**2
    slope = (surplus * margins).sum(axis=1) + (fitted[0] - 1) * precision
    offset = surplus.sum(axis=1)
    weighted = weight * margins
    a = (weighted * margins).sum(axis=1) + precision
    b, c = weighted.sum(axis=1), weight.sum(axis=1) + TINY
    step: Floats = np.array([c * slope - b * offset, a * offset - b * slope]) / (a * c - b * b)
    return step
