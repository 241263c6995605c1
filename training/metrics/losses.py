"""Expected loss: what accounts are worth, each weighted by its chance of leaving.

The range around it resamples the accounts and lets each drawn one leave or stay by its chance: what
is lost in the end lies in it in 95 of 100 such draws.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.metrics import resampling
from training.metrics.measured import Measured

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int8]


@dataclass(frozen=True)
class ExpectedLoss:
    """Of so many accounts that are `worth` so much together, what is expected to be lost."""

    accounts: int
    worth: float
    expected: Measured


@dataclass(frozen=True)
class LossOnDate:
    """What was expected to be lost from an as-of date on, and what was."""

    as_of: str
    loss: ExpectedLoss
    lost: float


def of(chances: Floats, amounts: Floats) -> ExpectedLoss:
    """The expected loss of accounts with a chance and a known amount (accounts,); others are NaN.

    Examples
    --------
    >>> found = of(np.array([0.1, 0.5, np.nan]), np.array([100.0, 10.0, 7.0]))
    >>> found.accounts, found.worth, found.expected.value
    (2, 110.0, 15.0)
    """
    known = ~np.isnan(chances) & ~np.isnan(amounts)
    chance, amount = chances[known], amounts[known]
    leaves = np.random.default_rng(0)
    drawn = [
        float((amount[places] * (leaves.random(len(places)) < chance[places])).sum())
        for places in resampling.draws(len(amount))
    ]
    expected = resampling.measured(float(chance @ amount), drawn)
    return ExpectedLoss(len(amount), float(amount.sum()), expected)


def on_date(as_of: str, chances: Floats, amounts: Floats, left: Labels) -> LossOnDate:
    """The expected loss on a date beside what those who left were worth."""
    lost = np.where(np.isnan(amounts), 0.0, amounts) @ (left == 1)
    return LossOnDate(as_of, of(chances, amounts), float(lost))
