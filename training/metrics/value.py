"""The value of scores to a team that can look after so many accounts.

Everything is counted on accounts that were scored and whose outcome is known since; the functions
are pure and know nothing of models. Where more accounts have the same score than can still be
worked, the places that are left go to them by lot: counted is what that comes to on average.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int8]
Flags = npt.NDArray[np.bool_]

# Points of the gains curve: every twentieth of the accounts.
GAINS = 20


@dataclass(frozen=True)
class Worked:
    """The result of working the riskiest accounts.

    Parameters
    ----------
    share : float
        How large a part of the accounts is worked.
    accounts : int
        How many that is.
    churned : float
        How many of them churned: a fraction where a lot decides among equals.
    precision : float or None
        `churned / accounts`; None where nobody is worked.
    lift : float or None
        Precision over the base rate: 1 is what chance finds. None where nobody churned.
    reach : float or None
        The part of all churned accounts that was worked (recall).
    """

    share: float
    accounts: int
    churned: float
    precision: float | None
    lift: float | None
    reach: float | None


@dataclass(frozen=True)
class Caught:
    """Monthly recurring revenue that churned, and how much of it had been flagged before.

    `accounts` churned, `known` of them with an MRR; `churned` and `caught` are amounts, `share`
    is caught / churned and None where no MRR is known or all of it is 0.
    """

    accounts: int
    known: int
    churned: float
    caught: float
    share: float | None


@dataclass(frozen=True)
class GainsPoint:
    """A point of the gains curve: the share that is worked, what it reaches, and its lift."""

    share: float
    reach: float | None
    lift: float | None


def at_capacity(risk: Floats, labels: Labels, capacity: float) -> Worked:
    """The result of working the `capacity` riskiest share of the accounts.

    Parameters
    ----------
    risk : array of shape (accounts,)
        Higher is riskier: probabilities, logits, or health scores with their sign turned.
    labels : array of shape (accounts,)
        1 for an account that churned.
    capacity : float
        Share of the accounts, 0 to 1; the team works `int(capacity * accounts)` of them.
    """
    count = int(capacity * len(labels))
    return _worked(capacity, count, float(_churned_among_first(risk, labels)[count]), labels)


def of_red(red: Flags, labels: Labels) -> Worked:
    """The result of working every red account, however many these are."""
    share = float(red.mean()) if len(red) else 0.0
    return _worked(share, int(red.sum()), float(labels[red].sum()), labels)


def gains(risk: Floats, labels: Labels) -> tuple[GainsPoint, ...]:
    """The gains curve: per share worked (0 to 1), the part of all churned accounts and the lift."""
    churned = _churned_among_first(risk, labels)
    counts = np.floor(np.linspace(0, 1, GAINS + 1) * len(labels) + 1e-9).astype(int)
    points = [
        _worked(step / GAINS, int(count), float(churned[count]), labels)
        for step, count in enumerate(counts)
    ]
    return tuple(GainsPoint(point.share, point.reach, point.lift) for point in points)


def revenue_caught(flagged: Flags, churned: Flags, mrr: Floats) -> Caught:
    """Of the MRR (accounts,; NaN where unknown) of churned accounts, what had been flagged."""
    counted = churned & ~np.isnan(mrr)
    lost, caught = float(mrr[counted].sum()), float(mrr[counted & flagged].sum())
    return Caught(
        int(churned.sum()), int(counted.sum()), lost, caught, caught / lost if lost > 0 else None
    )


def _churned_among_first(risk: Floats, labels: Labels) -> Floats:
    """How many churned among the k riskiest accounts (accounts + 1,), equals taken by lot."""
    order = np.argsort(-risk, kind="stable")
    values, hits = risk[order], labels[order].astype(float)
    last_of_equals = np.append(values[1:] != values[:-1], True)[: len(values)]
    places = np.concatenate([[0], np.flatnonzero(last_of_equals) + 1])
    total = np.concatenate([[0.0], np.cumsum(hits)])
    churned: Floats = np.interp(np.arange(len(labels) + 1), places, total[places])
    return churned


def _worked(share: float, count: int, churned: float, labels: Labels) -> Worked:
    every = int(labels.sum())
    precision = churned / count if count else None
    return Worked(
        share=share,
        accounts=count,
        churned=churned,
        precision=precision,
        lift=precision * len(labels) / every if precision is not None and every else None,
        reach=churned / every if every else None,
    )
