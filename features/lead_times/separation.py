"""How well a value separates churners from their matched controls; accounts are the sampled unit.

The rows of one account are not independent, neither over time nor as somebody's controls, so
every variance is one between accounts. The AUC's derivative by an account's weight (its influence)
is exact and cheap; resampling accounts on it gives the intervals, the sum of its squares the
standard error (the infinitesimal jackknife of Efron 1982; for the AUC of clustered data the
estimator of Obuchowski 1997).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import t as student

from features.lead_times.risk_sets import Matched, RiskPanel

Floats = npt.NDArray[np.float64]
Weights = npt.NDArray[np.float32]

RESAMPLES = 200
RISKIEST = 0.1


@dataclass(frozen=True)
class Separation:
    """Of churners at one lag against their controls, higher values meaning more risk.

    `auc` is the mean over churners of the share of their controls with a lower value (ties half):
    0.5 says nothing. `influence` (accounts,) is its derivative by each account's weight.
    `churners` counts accounts of known value, `coverage` is the share of churners that have one,
    and `lift` how many times too many churners are among the riskiest tenth of their set.
    """

    auc: float
    influence: Floats
    churners: int
    coverage: float
    lift: float

    @property
    def chance(self) -> float:
        """The probability of so high an AUC if the value said nothing: a one-sided t-test.

        Few accounts that carry the whole variance count as few: the degrees of freedom are those
        of their effective number, (Σψ²)² / Σψ⁴ (as Carter, Schnepel & Steigerwald 2017 count
        clusters).
        """
        squares = self.influence**2
        total = float(squares.sum())
        if total == 0 or np.isnan(self.auc):
            return 0.0 if self.auc > 0.5 else 1.0
        effective = total**2 / float((squares**2).sum())
        error = np.sqrt(total * effective / max(effective - 1, 0.5))
        return float(student.sf((self.auc - 0.5) / error, max(effective - 1, 1.0)))


def separation(values: Floats, panel: RiskPanel, pairs: Matched) -> Separation:
    """The separation of `values` (panel rows,), NaN where unknown; such pairs do not count."""
    churners, others = values[pairs.churner][:, None], values[pairs.control]
    usable = pairs.valid & ~np.isnan(churners) & ~np.isnan(others)
    has_pair = usable.any(axis=1)
    coverage = float((~np.isnan(churners[:, 0])).mean()) if len(churners) else 0.0
    churners, others, usable = churners[has_pair], others[has_pair], usable[has_pair]
    count = usable.sum(axis=1)
    won = np.where(usable, (churners > others) + 0.5 * (churners == others), 0.0)
    share = won.sum(axis=1) / count
    auc = float(share.mean()) if len(share) else float("nan")
    accounts = panel.account[pairs.churner[has_pair]]
    pull = np.where(usable, won - share[:, None], 0.0) / count[:, None]
    others_too = panel.account[pairs.control[has_pair]]
    influence = np.bincount(accounts, share - auc, panel.accounts)
    influence += np.bincount(others_too.ravel(), pull.ravel(), panel.accounts)
    return Separation(
        auc,
        influence / max(len(share), 1),
        len(np.unique(accounts)),
        coverage,
        _lift(churners, others, usable),
    )


def _lift(churners: Floats, others: Floats, usable: npt.NDArray[np.bool_]) -> float:
    """Churners among the riskiest tenth of their own set, over a tenth; ties share the places."""
    if not len(churners):
        return float("nan")
    above = (usable & (others > churners)).sum(axis=1)
    ties = 1 + (usable & (others == churners)).sum(axis=1)
    places = RISKIEST * (1 + usable.sum(axis=1))
    return float(np.clip((places - above) / ties, 0, 1).mean() / RISKIEST)


def resampling(accounts: int, resamples: int = RESAMPLES) -> Weights:
    """How many times more than once each account is drawn (resamples × accounts), seeded."""
    even = np.full(accounts, 1 / accounts)
    drawn = np.random.default_rng(0).multinomial(accounts, even, resamples)
    return drawn.astype(np.float32) - 1


def intervals(separations: Sequence[Separation], weights: Weights) -> list[tuple[float, float]]:
    """The 95% percentile interval of each AUC over resampled accounts, within 0 and 1."""
    influence = np.array([separation_.influence for separation_ in separations], dtype=np.float32)
    drawn = np.array([separation_.auc for separation_ in separations]) + weights @ influence.T
    low, high = np.quantile(drawn, (0.025, 0.975), axis=0)
    return list(zip(np.maximum(low, 0).tolist(), np.minimum(high, 1).tolist(), strict=True))
