"""One simulated world: accounts, lives, contracts, and the daily grids every table reads."""

from dataclasses import dataclass

import numpy as np

from .contracts import Contracts, sign
from .days import DAYS, Bools, Floats, Ints
from .life import Life, live
from .parameters import Parameters
from .population import Accounts, draw
from .streams import stream


@dataclass(frozen=True)
class World:
    """Grids are accounts x days; ``progress`` runs from 0 (decided) to 1 (gone)."""

    accounts: Accounts
    life: Life
    contracts: Contracts
    active: Bools
    progress: Floats
    seats: Floats
    given: Parameters
    seed: int

    def rng(self, topic: str) -> np.random.Generator:
        """Return the random stream of a topic."""
        return stream(self.seed, topic)

    def health(self, account: Ints, day: Ints) -> Floats:
        """Return latent health of accounts on days of the records (earlier: on the first)."""
        return np.asarray(self.life.health[account, np.maximum(day, 0) // 7])

    def leaving(self, account: Ints, day: Ints) -> Floats:
        """Return how far accounts were between decision and end on some days."""
        return np.asarray(self.progress[account, np.maximum(day, 0)])

    def customers(self, account: Ints, day: Ints) -> Bools:
        """Return whether the accounts were customers on those days, within the records."""
        inside = (day >= 0) & (day < DAYS)
        return inside & self.active[account, np.clip(day, 0, DAYS - 1)]


def build(count: int, seed: int, given: Parameters) -> World:
    """Return the world of so many accounts."""
    accounts = draw(count, seed, given)
    life = live(accounts, seed, given)
    contracts = sign(accounts, life, seed, given)
    day = np.arange(DAYS)
    active = (day >= accounts.created[:, None]) & (day < life.ended[:, None])
    seats = contracts.seats_by_day(len(accounts))
    return World(accounts, life, contracts, active, life.progress(), seats, given, seed)
