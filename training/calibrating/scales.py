"""Which scale a target has: that of health where it is adverse, else that of opportunities."""

import numpy as np
import numpy.typing as npt

from features.declaring.target import Target
from training.calibrating import health, opportunity
from training.calibrating.calibration import Calibration
from training.calibrating.health import Anchors, Scale
from training.calibrating.opportunity import Edge, OpportunityScale

Floats = npt.NDArray[np.float64]


def anchored(
    target: Target,
    logits: Floats,
    labels: npt.NDArray[np.int8],
    capacity: float,
    counts: Floats | None = None,
) -> Anchors | Edge:
    """The anchors of the target's scale; parameters and errors as of `health.anchors`."""
    if target.adverse:
        return health.anchors(target, logits, labels, capacity, counts)
    return opportunity.edge(target.p_high, logits, capacity)


def scale(calibration: Calibration, anchors: Anchors | Edge) -> Scale | OpportunityScale:
    """The scale that the anchors belong to."""
    if isinstance(anchors, Anchors):
        return Scale(calibration, anchors)
    return OpportunityScale(calibration, anchors)
