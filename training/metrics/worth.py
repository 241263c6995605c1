"""What the judged scores are worth to the team that works them, as an evaluation holds it.

Intervals resample accounts, as all of an evaluation's do; who is worked stays the same in them,
so that they say how sure the outcome of this list is.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from training.metrics import value
from training.metrics.quality import interval

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int8]


def of(
    risk: Floats,
    labels: Labels,
    accounts: Sequence[str],
    capacity: float,
    mrr: Mapping[str, float] | None = None,
) -> dict[str, Any]:
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

    Returns
    -------
    dict
        Plain JSON values.
    """
    part = worked(risk, capacity)
    measures = {
        "precision": lambda rows: _quotient(part[rows] @ labels[rows], part[rows].sum()),
        "lift": lambda rows: _quotient(
            (part[rows] @ labels[rows]) * len(rows), part[rows].sum() * labels[rows].sum()
        ),
        "reach": lambda rows: _quotient(part[rows] @ labels[rows], labels[rows].sum()),
    }
    found = {name: interval(measure, accounts) for name, measure in measures.items()}
    return {
        "at_capacity": value.at_capacity(risk, labels, capacity).plain() | found,
        "gains": value.gains(risk, labels),
        "revenue": _revenue(part, labels, accounts, mrr) if mrr else None,
    }


def worked(risk: Floats, capacity: float) -> Floats:
    """The part (rows,), 0 to 1, in which each row is worked; equals share the places left."""
    count = int(capacity * len(risk))
    if not count:
        return np.zeros(len(risk))
    edge = np.partition(risk, len(risk) - count)[len(risk) - count]
    above, at = risk > edge, risk == edge
    return np.where(above, 1.0, np.where(at, (count - above.sum()) / at.sum(), 0.0))


def _quotient(part: Any, whole: Any) -> float:
    return float(part / whole) if whole else float("nan")


def _revenue(
    part: Floats, labels: Labels, accounts: Sequence[str], mrr: Mapping[str, float]
) -> dict[str, Any]:
    """The churned revenue that was worked; where equals share places, half or more counts."""
    amounts = np.array([mrr.get(account, np.nan) for account in accounts], dtype=float)
    flagged, churned = part >= 0.5, labels == 1
    lost = np.where(churned & ~np.isnan(amounts), amounts, 0.0)
    caught = interval(
        lambda rows: _quotient((lost * flagged)[rows].sum(), lost[rows].sum()), accounts
    )
    return value.revenue_caught(flagged, churned, amounts).plain() | {"share": caught}
