"""Contracts: one entry per term that really ran, with its seats and its price."""

from dataclasses import dataclass

import numpy as np

from .days import DAYS, Floats, Ints, day_of
from .life import NEVER, Life
from .parameters import Parameters
from .population import Accounts
from .streams import stream
from .terms import Terms, every_term


@dataclass(frozen=True)
class Contracts:
    """Sorted by account and start; ``ended`` is ``NEVER`` for a term that still runs."""

    account: Ints
    started: Ints
    ended: Ints
    renews: Ints
    months: Ints
    seats: Ints
    mrr: Floats

    def seats_by_day(self, count: int) -> Floats:
        """Return licensed seats per account and day of the records, 0 before the sign-up."""
        held = np.zeros((count, DAYS), dtype=np.int64)
        position = np.arange(1, len(self.account) + 1)
        np.maximum.at(held, (self.account, np.maximum(self.started, 0)), position)
        latest = np.maximum.accumulate(held, axis=1)
        return np.asarray(np.concatenate([[0.0], self.seats])[latest])

    def last(self, count: int) -> Ints:
        """Return the position of each account's latest contract."""
        return np.searchsorted(self.account, np.arange(count), side="right") - 1


def sign(accounts: Accounts, life: Life, seed: int, given: Parameters) -> Contracts:
    """Return the contracts of all accounts up to the export."""
    rng = stream(seed, "contracts")
    every = every_term(accounts, DAYS)
    terms = every.where(every.starts < life.ended[every.account])
    seats = seat_counts(accounts, life, terms, (given, rng))
    rise = np.where(terms.starts >= day_of(given.calendar.price_from), given.calendar.price_rise, 0)
    price = np.asarray(given.population.seat_price)[accounts.plan[terms.account]] * (1 + rise)
    return Contracts(
        account=terms.account,
        started=terms.starts + signed_late(accounts, life, terms, (given, rng)),
        ended=ends(life, terms),
        renews=terms.ends,
        months=accounts.term[terms.account],
        seats=seats,
        mrr=np.round(seats * price, 2),
    )


def ends(life: Life, terms: Terms) -> Ints:
    """Return the end of each term: the next one's nominal start, or the account's end."""
    follows = np.append(terms.account[1:] == terms.account[:-1], [False])
    gone = life.ended[terms.account]
    return np.where(follows, terms.ends, np.where(gone < DAYS, gone, NEVER))


def signed_late(
    accounts: Accounts, life: Life, terms: Terms, chance: tuple[Parameters, np.random.Generator]
) -> Ints:
    """Return the days by which some annual renewals were signed late."""
    churn, rng = chance[0].churn, chance[1]
    delay = rng.integers(1, churn.late_max + 1, len(terms.account))
    late = rng.random(len(terms.account)) < churn.late_renewal
    late &= (accounts.term[terms.account] == 12) & (terms.number > 0)
    late &= terms.starts + delay < np.minimum(life.ended[terms.account], DAYS)
    return np.where(late, delay, 0)


def seat_counts(
    accounts: Accounts, life: Life, terms: Terms, chance: tuple[Parameters, np.random.Generator]
) -> Ints:
    """Return licensed seats per term: a random walk that leans on health when a term begins."""
    churn, rng = chance[0].churn, chance[1]
    years = accounts.term[terms.account] / 12
    week = np.maximum(terms.starts // 7, 0)
    step = churn.seats_step * life.health[terms.account, week] * years
    step += rng.normal(0, 1, len(years)) * churn.seats_noise * np.sqrt(years)
    walk = np.where(terms.number == 0, 0, step).cumsum()
    first = np.searchsorted(terms.account, terms.account)
    grown = accounts.seats[terms.account] * np.exp(walk - walk[first])
    return np.asarray(np.maximum(np.round(grown), 1), dtype=np.int64)
