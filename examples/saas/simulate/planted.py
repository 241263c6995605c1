"""What part of an account's risk a planted cause carries: the same futures, without the cause.

A competing cause works on the decision to leave alone, so the rows of one table show it and no
other column does. What the same event does to health shows wherever health does, is no part of the
share, and stays where the cause is taken away. The imagined futures draw the same numbers in the
same order, so what differs is the cause's, and no chance.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from .ceiling import Ceiling, ceiling
from .columns import table
from .days import Floats, to_date
from .parameters import Churn
from .world import World


@dataclass(frozen=True)
class Cause:
    """A competing cause, the table and its rows (SQL) that show it, and churn without it."""

    name: str
    source: str
    rows: str
    without: Callable[[Churn], Churn]


CAUSES = (
    Cause(
        name="champion",
        source="contacts",
        rows="role = 'champion' AND change = 'left'",
        without=lambda churn: replace(churn, champion_factor=0.0),
    ),
)


def planted(world: World, best: Ceiling) -> pa.Table:
    """Return, per account and month start, each cause's share of the excess over the average.

    The excess is the true churn probability minus its mean over the accounts of that day; where
    there is none, or the cause carries nothing, the row is left out.
    """
    return pa.concat_tables([_of(cause, world, best) for cause in CAUSES])


def _of(cause: Cause, world: World, best: Ceiling) -> pa.Table:
    given = replace(world.given, churn=cause.without(world.given.churn))
    without = ceiling(world.accounts, world.life, world.seed, given)
    carried = best.probability - without.probability
    excess = best.probability - _mean_of_day(best)
    rows = np.flatnonzero((excess > 0) & (carried > 0))
    return table(
        {
            "account_id": world.accounts.account_id[best.account[rows]],
            "as_of": to_date(best.as_of[rows]),
            "cause": np.full(len(rows), cause.name, dtype=object),
            "source": np.full(len(rows), cause.source, dtype=object),
            "rows": np.full(len(rows), cause.rows, dtype=object),
            "excess": excess[rows],
            "share": np.minimum(carried[rows] / excess[rows], 1.0),
        }
    )


def _mean_of_day(best: Ceiling) -> Floats:
    _, place = np.unique(best.as_of, return_inverse=True)
    mean = np.bincount(place, best.probability) / np.bincount(place)
    return np.asarray(mean[place])
