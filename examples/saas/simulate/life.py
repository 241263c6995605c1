"""The accounts' lives week by week: health moves, people act, some decide to leave.

One rule: what is decided in a week depends on that week's health and on nothing later.
"""

from dataclasses import dataclass, field

import numpy as np

from .days import DAYS, WEEKS, Bools, Floats, Ints
from .health import CAUSES, Departures, State, advance, drift, hazards, start
from .parameters import Parameters
from .population import Accounts
from .streams import stream
from .terms import Terms, decisions

NEVER = 10**6


@dataclass
class Life:
    """What happened, by account (positions) and week; ``NEVER`` for what did not happen.

    ``decided`` and ``leaves`` are the days of a decision and of the end it leads to, ``cause``
    a position in ``health.CAUSES``; ``ended`` is the day on which the account is gone.
    """

    decided: Ints
    leaves: Ints
    cause: Ints
    ended: Ints
    health: Floats
    states: dict[int, State] = field(default_factory=dict)
    left: list[tuple[int, Departures]] = field(default_factory=list)
    treated: list[tuple[int, Ints, Ints]] = field(default_factory=list)

    def active(self, day: int, created: Ints) -> Bools:
        """Return who is a customer on the morning of a day."""
        return (created < day) & (self.ended > day)

    def progress(self) -> Floats:
        """Return how far each account is between decision and end: accounts x days, 0 to 1."""
        day = np.arange(DAYS)
        span = np.maximum(self.leaves - self.decided, 1)[:, None]
        return np.asarray(np.clip((day - self.decided[:, None]) / span, 0, 1))


def live(accounts: Accounts, seed: int, given: Parameters) -> Life:
    """Return the lives of all accounts up to the export, seen from week 0 of the records."""
    moves, choices = stream(seed, "health"), stream(seed, "decisions")
    team = Team(accounts, given, stream(seed, "csm"))
    state = start(accounts, given, moves)
    life = unborn(accounts)
    terms = decisions(accounts)
    for week in range(-given.burn_in, WEEKS):
        left = advance(state, week, given, moves)
        decide(life, state, of_week(terms, week), (accounts, given, choices))
        if week < 0:
            continue
        life.left.append((week, left))
        life.states[week] = state.copy()
        life.health[:, week] = state.health()
        team.act(life, state, week)
    return life


def unborn(accounts: Accounts) -> Life:
    """Return lives in which nothing has happened but the random exits to come."""
    count = len(accounts)
    return Life(
        decided=np.full(count, NEVER),
        leaves=np.full(count, NEVER),
        cause=np.full(count, NEVER),
        ended=accounts.random_exit.copy(),
        health=np.zeros((count, WEEKS)),
    )


def of_week(terms: Terms, week: int) -> Terms:
    """Return the decisions that fall in a week (the terms are sorted by day of decision)."""
    low, high = np.searchsorted(terms.decided, [7 * week, 7 * week + 7])
    return terms.where(slice(low, high))


def decide(
    life: Life, state: State, terms: Terms, world: tuple[Accounts, Parameters, np.random.Generator]
) -> None:
    """Let the accounts whose decision is due this week decide; the earliest end comes first."""
    accounts, given, rng = world
    chance, cause = rng.random(len(terms.account)), rng.random(len(terms.account))
    rates = hazards(state, terms.account, accounts.term[terms.account], given)
    rates *= drift(terms.decided, given)[:, None]
    goes = (chance < -np.expm1(-rates.sum(axis=1))) & (life.decided[terms.account] == NEVER)
    goes &= life.ended[terms.account] > terms.decided
    account, first = np.unique(terms.account[goes], return_index=True)
    life.decided[account] = terms.decided[goes][first]
    life.leaves[account] = terms.ends[goes][first]
    cumulated = rates[goes][first].cumsum(axis=1)
    drawn = cause[goes][first] * cumulated[:, -1]
    life.cause[account] = np.minimum((cumulated < drawn[:, None]).sum(axis=1), len(CAUSES) - 1)
    life.ended[account] = np.minimum(life.ended[account], life.leaves[account])


class Team:
    """The CSMs: they act on the risk that they perceive, as far as their week goes."""

    def __init__(self, accounts: Accounts, given: Parameters, rng: np.random.Generator) -> None:
        self.accounts, self.given, self.rng = accounts, given, rng
        self.last = np.full(len(accounts), -NEVER)
        weights = np.asarray([p.weight for p in given.playbooks])
        self.weights = weights / weights.sum()
        self.effects = np.asarray([p.effect for p in given.playbooks])

    def act(self, life: Life, state: State, week: int) -> None:
        """Choose this week's accounts and playbooks; their effect starts with the week."""
        perceived = self.perceive(life, state, week)
        chosen = self.within_capacity(perceived)
        playbook = self.rng.choice(len(self.weights), size=len(chosen), p=self.weights)
        state.treatment[chosen] += self.effects[playbook]
        self.last[chosen] = week
        life.treated.append((week, chosen, playbook))

    def perceive(self, life: Life, state: State, week: int) -> Floats:
        """Return the perceived risk; minus infinity for whom nobody may treat."""
        success = self.given.success
        noise = self.rng.normal(0, success.perceived_noise, len(self.accounts))
        leaving = success.sees_leaving * (life.decided < 7 * week)
        perceived = noise + leaving - state.health()
        allowed = life.active(7 * week, self.accounts.created) & ~self.accounts.holdout
        allowed &= (week - self.last >= success.cooldown) & (perceived > success.threshold)
        return np.where(allowed, perceived, -np.inf)

    def within_capacity(self, perceived: Floats) -> Ints:
        """Return the accounts of highest perceived risk, at most the capacity per CSM."""
        order = np.lexsort((-perceived, self.accounts.csm))
        csm = self.accounts.csm[order]
        rank = np.arange(len(order)) - np.searchsorted(csm, csm)
        worth = np.isfinite(perceived[order])
        return np.sort(order[(rank < self.given.success.capacity) & worth])
