"""The best that any model could do: the true churn probability given the latent state.

One rule: an as-of date sees the state on its morning (health, shocks, leads, who has decided);
the future is imagined with the functions that make the real one. Later playbooks are left out.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from .days import DAYS, Bools, Floats, Ints, month_starts
from .health import advance, drift, hazards
from .life import NEVER, Life
from .parameters import Parameters
from .population import Accounts
from .streams import stream
from .terms import Terms, decisions

GRACE = 14


@dataclass(frozen=True)
class Ceiling:
    """One entry per account and month start: the true probability, and what came of it.

    ``mature`` says whether the whole horizon (and the grace) lies before the export; ``counted``
    leaves out accounts that were gone within the gap.
    """

    account: Ints
    as_of: Ints
    probability: Floats
    churned: Bools
    mature: Bools
    counted: Bools


@dataclass(frozen=True)
class Present:
    """What the futures start from: the real lives, and every decision that is still to come."""

    accounts: Accounts
    life: Life
    terms: Terms
    given: Parameters


def ceiling(accounts: Accounts, life: Life, seed: int, given: Parameters) -> Ceiling:
    """Return the true probabilities for all month starts from the third month on."""
    rng = stream(seed, "ceiling")
    present = Present(accounts, life, decisions(accounts), given)
    far = given.gap + given.horizon
    parts: list[tuple[Any, ...]] = []
    for day in month_starts("2024-03", "2026-06"):
        rows = np.flatnonzero(life.active(int(day), accounts.created))
        chance = probabilities(present, int(day), rows, rng)
        ended = life.ended[rows] - day
        churned = (ended >= given.gap) & (ended < far)
        mature = np.full(len(rows), day + far + GRACE <= DAYS)
        parts.append((rows, np.full(len(rows), day), chance, churned, mature, ended >= given.gap))
    return Ceiling(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def probabilities(present: Present, day: int, rows: Ints, rng: np.random.Generator) -> Floats:
    """Return P(gone in [day + gap, day + gap + horizon) | not gone in the gap) for some rows."""
    life, given = present.life, present.given
    far = given.gap + given.horizon
    near_sum, far_sum = futures(present, day, rows, rng)
    decided = life.decided[rows] < day
    left = np.where(decided, life.leaves[rows] - day, NEVER)
    alive_gap = np.where(decided, left >= given.gap, np.exp(-near_sum).mean(axis=1))
    alive_far = np.where(decided, left >= far, np.exp(-far_sum).mean(axis=1))
    rate = given.churn.random_rate / 365
    certain = np.maximum(alive_gap, 1e-300) * np.exp(-rate * given.gap)
    survives = np.minimum(alive_far * np.exp(-rate * far) / certain, 1)
    return np.asarray(1 - survives)


def futures(
    present: Present, day: int, rows: Ints, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Return cumulated hazards of ends within the gap and within gap + horizon, per future."""
    accounts, given = present.accounts, present.given
    width, week = given.futures, day // 7
    near = np.zeros((len(rows), width))
    far = np.zeros((len(rows), width))
    due = upcoming(present.terms, rows, len(accounts), (day, day + given.gap + given.horizon))
    state = present.life.states[week].repeated(rows, width)
    for ahead in range(-(-(given.gap + given.horizon) // 7) + 1):
        if ahead:
            advance(state, week + ahead, given, rng)
        now = due.where(due.decided // 7 == week + ahead)
        chosen = now.account[:, None] * width + np.arange(width)
        term = np.repeat(accounts.term[rows[now.account]], width)
        rates = hazards(state, chosen.ravel(), term, given).sum(axis=1).reshape(-1, width)
        rates *= drift(now.decided, given)[:, None]
        np.add.at(far, now.account, rates)
        in_gap = now.ends < day + given.gap
        np.add.at(near, now.account[in_gap], rates[in_gap])
    return near, far


def upcoming(terms: Terms, rows: Ints, count: int, span: tuple[int, int]) -> Terms:
    """Return decisions still to come whose end falls in a span; accounts as positions in rows."""
    place = np.full(count, -1)
    place[rows] = np.arange(len(rows))
    wanted = (terms.ends >= span[0]) & (terms.ends < span[1]) & (terms.decided >= span[0])
    due = terms.where(wanted & (place[terms.account] >= 0))
    return Terms(place[due.account], due.number, due.starts, due.ends, due.decided)


def auc(probability: Floats, churned: Bools) -> float:
    """Return the area under the ROC curve, ties counted half."""
    _, inverse, counts = np.unique(probability, return_inverse=True, return_counts=True)
    middle = counts.cumsum() - (counts - 1) / 2
    positive = int(churned.sum())
    negative = len(churned) - positive
    ranks = float(middle[inverse][churned].sum())
    return (ranks - positive * (positive + 1) / 2) / (positive * negative)
