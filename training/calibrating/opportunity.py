"""The opportunity score: 0 to 100, 100 is the best prospect, listed from 70 on, for every model.

o = 70 + 10 · log2(odds / odds of p_high): ten points double the odds, and `p_high` is the one
probability that anchors the scale. It has no bands and is never called health: here a likely event
is a desired one. Like health, it is affine in the margin, so contributions are worth fixed points.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from training.calibrating.calibration import Calibration
from training.calibrating.health import logit

Floats = npt.NDArray[np.float64]

LISTED_FROM = 70.0
TO_DOUBLE = 10.0


@dataclass(frozen=True)
class Edge:
    """The probability from which on an account is listed as an opportunity."""

    p_high: float
    chosen: str


@dataclass(frozen=True)
class OpportunityScale:
    """Opportunity points of one model: its calibration and its edge."""

    calibration: Calibration
    edge: Edge

    @property
    def points_per_margin(self) -> float:
        """Opportunity points for one unit of raw margin."""
        return _PER_LOGIT * self.calibration.slope

    @property
    def points_per_logit(self) -> float:
        """Opportunity points for one unit of calibrated log-odds."""
        return _PER_LOGIT

    @property
    def points_to_double_the_odds(self) -> float:
        """Opportunity points gained when the odds of the event double."""
        return TO_DOUBLE

    def unclipped(self, margins: Floats) -> Floats:
        """The opportunity score of raw margins before it is clipped to [0, 100]."""
        logits = self.calibration.logits(margins)
        return LISTED_FROM + _PER_LOGIT * (logits - logit(self.edge.p_high))

    def probability(self, margins: Floats) -> Floats:
        """The probability of the event from raw margins."""
        return expit(self.calibration.logits(margins))  # type: ignore[no-any-return]


_PER_LOGIT = TO_DOUBLE / math.log(2)


def edge(declared: float | None, logits: Floats, capacity: float) -> Edge:
    """The declared edge, or the one from which on at most `capacity` of validation rows lie.

    `logits` (rows,) are calibrated and of rows that the model has not seen. The edge lies half-way
    to the next of them, and rows that are equal stay on one side of it.
    """
    if declared is not None:
        return Edge(declared, "declared")
    ranked = np.sort(logits)[::-1]
    below = ranked[min(int(capacity * len(ranked)), len(ranked) - 1)]
    above = ranked[ranked > below]
    middle = (above[-1] + below) / 2 if len(above) else below + math.log(2)
    return Edge(float(expit(middle)), "validation rows")
