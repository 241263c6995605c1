"""How much better one set of scores is than another on the same rows, and how sure that is.

Its one rule: intervals resample accounts, never rows, and both sets of scores meet the same
resample. Several as-of dates count alike: a statistic is the mean over dates of its value there.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from training.calibrating.calibration import log_losses

Floats = npt.NDArray[np.float64]
Statistic = Callable[[Floats], float]

RESAMPLES = 1000
SEED = 0


@dataclass(frozen=True)
class Tested:
    """One test date: its accounts, their labels, and the logits of every contender by name."""

    day: date
    accounts: Sequence[str]
    labels: npt.NDArray[np.int8]
    logits: Mapping[str, Floats]


@dataclass(frozen=True)
class Difference:
    """A difference between two contenders with its 95% interval."""

    value: float
    low: float
    high: float


def auc(logits: Floats, labels: npt.NDArray[np.int8]) -> Statistic:
    """The area under the ROC curve as a function of row weights; ties count half."""
    order = np.argsort(logits, kind="stable")
    ties = np.flatnonzero(np.append(True, np.diff(logits[order]) > 0))
    churned = labels[order] == 1

    def weighted(weights: Floats) -> float:
        ranked = weights[order]
        up = np.add.reduceat(np.where(churned, ranked, 0.0), ties)
        down = np.add.reduceat(np.where(churned, 0.0, ranked), ties)
        below = np.cumsum(down) - down / 2
        return float(up @ below / (up.sum() * down.sum()))

    return weighted


def log_loss(logits: Floats, labels: npt.NDArray[np.int8]) -> Statistic:
    """The mean log loss as a function of row weights."""
    losses = log_losses(logits, labels)
    return lambda weights: float(weights @ losses / weights.sum())


MEASURES = {"auc": auc, "log_loss": log_loss}


def differences(tested: Sequence[Tested], ours: str, other: str) -> dict[str, Difference]:
    """Per measure, `ours` minus `other`, averaged over the dates of `tested`."""
    return {name: _difference(tested, measure, ours, other) for name, measure in MEASURES.items()}


def _difference(
    tested: Sequence[Tested],
    measure: Callable[[Floats, npt.NDArray[np.int8]], Statistic],
    ours: str,
    other: str,
) -> Difference:
    names = np.unique(np.concatenate([np.asarray(item.accounts) for item in tested]))
    places = [np.searchsorted(names, np.asarray(item.accounts)) for item in tested]
    pairs = [
        (measure(item.logits[ours], item.labels), measure(item.logits[other], item.labels))
        for item in tested
    ]

    def at(weights: Floats) -> float:
        found = [
            mine(weights[place]) - theirs(weights[place])
            for (mine, theirs), place in zip(pairs, places, strict=True)
        ]
        return float(np.mean(found))

    random = np.random.default_rng(SEED)
    count = len(names)
    drawn = [
        at(np.bincount(random.integers(0, count, count), minlength=count).astype(float))
        for _ in range(RESAMPLES)
    ]
    low, high = np.quantile(drawn, (0.025, 0.975))
    return Difference(at(np.ones(count)), float(low), float(high))
