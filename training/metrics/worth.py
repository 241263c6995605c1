"""The value of the tested scores to the team that works them, as an evaluation holds it.

Intervals resample accounts, as all of an evaluation's do; who is worked stays the same in them,
so that they say how sure the outcome of this list is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.metrics import value
from training.metrics.measured import Measured
from training.metrics.quality import interval
from training.metrics.value import GainsPoint

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int8]


@dataclass(frozen=True)
class AtCapacity:
    """The result of working the riskiest `share` of the rows; see `value.Worked`."""

    share: float
    accounts: int
    churned: float
    precision: Measured
    lift: Measured
    reach: Measured


@dataclass(frozen=True)
class RevenueCaught:
    """Churned revenue, and how much of it was worked, with an interval; see `value.Caught`."""

    accounts: int
    known: int
    churned: float
    caught: float
    share: Measured


@dataclass(frozen=True)
class Worth:
    """The value of scores at the team's capacity; `revenue` is None where no MRR is known."""

    at_capacity: AtCapacity
    gains: tuple[GainsPoint, ...]
    revenue: RevenueCaught | None


def of(
    risk: Floats,
    labels: Labels,
    accounts: Sequence[str],
    capacity: float,
    mrr: Mapping[str, float] | None = None,
) -> Worth:
    """Precision, lift and reach at the team's capacity, the gains curve, and the revenue caught.

    Parameters
    ----------
    risk, labels : arrays of shape (rows,)
        Higher is riskier; 1 where the account churned.
    accounts : sequence of str
        The account of each row.
    capacity : float
        Share of the accounts, 0 to 1, that the team can work.
    mrr : mapping of str to float, optional
        Monthly recurring revenue by account, where it is known. Without any, `revenue` is None.
    """
    part = worked(risk, capacity)
    measures = {
        "precision": lambda rows: _quotient(part[rows] @ labels[rows], part[rows].sum()),
        "lift": lambda rows: _quotient(
            (part[rows] @ labels[rows]) * len(rows), part[rows].sum() * labels[rows].sum()
        ),
        "reach": lambda rows: _quotient(part[rows] @ labels[rows], labels[rows].sum()),
    }
    at = value.at_capacity(risk, labels, capacity)
    measured = {name: interval(measure, accounts) for name, measure in measures.items()}
    return Worth(
        at_capacity=AtCapacity(at.share, at.accounts, at.churned, **measured),
        gains=value.gains(risk, labels),
        revenue=_revenue(part, labels, accounts, mrr) if mrr else None,
    )


def worked(risk: Floats, capacity: float) -> Floats:
    """The part (rows,), 0 to 1, in which each row is worked; equals share the places left."""
    count = int(capacity * len(risk))
    if not count:
        return np.zeros(len(risk))
    edge = np.partition(risk, len(risk) - count)[len(risk) - count]
    above, at = risk > edge, risk == edge
    return np.where(above, 1.0, np.where(at, (count - above.sum()) / at.sum(), 0.0))


def _quotient(part: Floats | float, whole: Floats | float) -> float:
    return float(part / whole) if whole else float("nan")


def _revenue(
    part: Floats, labels: Labels, accounts: Sequence[str], mrr: Mapping[str, float]
) -> RevenueCaught:
    """The churned revenue that was worked; where equals share places, half or more counts."""
    amounts = np.array([mrr.get(account, np.nan) for account in accounts], dtype=float)
    flagged, churned = part >= 0.5, labels == 1
    lost = np.where(churned & ~np.isnan(amounts), amounts, 0.0)
    share = interval(
        lambda rows: _quotient((lost * flagged)[rows].sum(), lost[rows].sum()), accounts
    )
    total = value.revenue_caught(flagged, churned, amounts)
    return RevenueCaught(total.accounts, total.known, total.churned, total.caught, share)
