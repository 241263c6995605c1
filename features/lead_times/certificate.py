"""The certificate of a lead: a test whose error is bounded, however many lags it looks at.

The lags are tested one after the other, from the one nearest to churn outwards, each at the full
level, and the first that is not certain ends it: tests in a fixed order need no correction for
their number (Maurer, Hothorn & Lehmacher 1995; Westfall & Krishen 2001). So the claim is a run
without a hole, and the lead its far end. A second run starts at the target's gap, for what speaks
early and falls silent again. The level is shared evenly by the runs and by an indicator's columns
(Bonferroni), and it is one of the indicator's own: declaring a further one changes no certificate.
Of indicators that say nothing, at most `LEVEL` are certified as leading.
"""

from collections.abc import Sequence

from features.breaches.outcomes import MIN_CHURNERS
from features.lead_times.separation import Separation

LEVEL = 0.001


def certified(separations: Sequence[Separation], gap: int, level: float = LEVEL) -> frozenset[int]:
    """The numbers of the lags at which separation is certain, of `separations` (nearest lag first).

    Parameters
    ----------
    gap : int
        The number of the first lag that lies before the target's gap.
    level : float
        The probability, at most, that anything is certified of a value that says nothing.

    Notes
    -----
    A lag with fewer than `MIN_CHURNERS` churning accounts of known value ends a run.
    """
    starts = {0, gap}
    return frozenset().union(*(_run(separations, start, level / len(starts)) for start in starts))


def _run(separations: Sequence[Separation], start: int, level: float) -> frozenset[int]:
    numbers = range(start, len(separations))
    end = next(
        (number for number in numbers if not _is_certain(separations[number], level)),
        len(separations),
    )
    return frozenset(range(start, end))


def _is_certain(separation: Separation, level: float) -> bool:
    return separation.churners >= MIN_CHURNERS and separation.chance <= level
