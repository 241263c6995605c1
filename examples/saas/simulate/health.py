"""Latent health and how it moves by one week.

One rule: the simulated past and the imagined futures behind the Bayes AUC move by the same
function, :func:`advance`.
"""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from .days import Bools, Floats, Ints, day_of
from .parameters import Churn, Parameters


@dataclass
class State:
    """Health by its parts, one entry per account (or per account and imagined future)."""

    mean: Floats
    outage_size: Floats
    price_size: Floats
    wander: Floats
    champion: Floats
    sponsor: Floats
    outage: Floats
    price: Floats
    treatment: Floats

    def health(self) -> Floats:
        """Return health; shocks are stored as positive sizes and count against it."""
        shocks = self.champion + self.sponsor + self.outage + self.price
        return self.mean + self.wander + self.treatment - shocks

    def copy(self) -> "State":
        """Return an independent copy."""
        return State(*(getattr(self, f.name).copy() for f in fields(self)))

    def repeated(self, rows: Ints, times: int) -> "State":
        """Return the state of some accounts, each so many times in a row."""
        return State(*(np.repeat(getattr(self, f.name)[rows], times) for f in fields(self)))


@dataclass(frozen=True)
class Departures:
    """Which accounts lost whom in a week."""

    champion: Bools
    sponsor: Bools


def start(accounts: Any, given: Parameters, rng: np.random.Generator) -> State:
    """Return a state as it is long after sign-up, without any shock."""
    count = len(accounts)
    nothing = [np.zeros(count) for _ in range(5)]
    wander = rng.normal(0, given.health.wander_sd, count)
    return State(accounts.mean, accounts.outage_shock, accounts.price_shock, wander, *nothing)


def keeps(half_life: float) -> float:
    """Return the share that is left after a week."""
    return float(0.5 ** (1 / half_life))


def advance(state: State, week: int, given: Parameters, rng: np.random.Generator) -> Departures:
    """Move the state into ``week`` in place and return who left the accounts in it."""
    model, count = given.health, len(state.mean)
    memory = keeps(model.wander_half_life)
    noise = rng.normal(0, model.wander_sd * np.sqrt(1 - memory**2), count)
    state.wander = memory * state.wander + noise
    left = Departures(
        champion=rng.random(count) < model.champion_rate * 7 / 365.25,
        sponsor=rng.random(count) < model.sponsor_rate * 7 / 365.25,
    )
    state.champion = keeps(model.champion_half_life) * state.champion
    state.champion += model.champion_shock * left.champion
    state.sponsor = keeps(model.sponsor_half_life) * state.sponsor
    state.sponsor += model.sponsor_shock * left.sponsor
    state.treatment = keeps(given.success.effect_half_life) * state.treatment
    calendar_shocks(state, week, given)
    return left


def calendar_shocks(state: State, week: int, given: Parameters) -> None:
    """Let the outage and the letter about prices fade, or strike in their weeks."""
    state.outage = keeps(given.health.outage_half_life) * state.outage
    state.price = keeps(given.health.price_half_life) * state.price
    if week == day_of(given.calendar.outage_on) // 7:
        state.outage = state.outage + state.outage_size
    if week == day_of(given.calendar.price_announced) // 7:
        state.price = state.price + state.price_size


CAUSES = ("value", "champion", "price", "service")


def hazards(state: State, chosen: Any, term: Ints, given: Parameters) -> Floats:
    """Return the cumulative hazard of each competing cause at a decision: rows x ``CAUSES``.

    ``chosen`` are positions in the state, ``term`` the months of term of the same rows.
    """
    churn: Churn = given.churn
    scale = np.where(term == 12, churn.annual_hazard, churn.monthly_hazard)
    value = np.exp(-churn.slope * state.health()[chosen])
    champion = churn.champion_factor * state.champion[chosen]
    price = churn.price_factor * state.price[chosen]
    service = churn.service_factor * state.outage[chosen]
    causes = np.stack([value, champion, price, service], axis=1)
    return np.asarray(scale[:, None] * causes)


def drift(day: Any, given: Parameters) -> Floats:
    """Return the factor on every cause's hazard for decisions on a day."""
    year = np.clip(np.asarray(day) // 365.25, 0, len(given.churn.drift) - 1).astype(int)
    return np.asarray([given.churn.drift[y] for y in year])
