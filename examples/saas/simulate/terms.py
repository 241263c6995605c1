"""Terms: when each account's contract periods begin and end, and when leaving is decided.

One rule: an account leaves by decision only at the end of a term, and it has decided so its own
lead time earlier.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from .days import DAYS, Ints, month_later
from .population import Accounts


@dataclass(frozen=True)
class Terms:
    """One entry per term that any account could have: positions and day numbers."""

    account: Ints
    number: Ints
    starts: Ints
    ends: Ints
    decided: Ints

    def where(self, mask: Any) -> "Terms":
        """Return the entries under a mask or in an order."""
        kept = (self.account, self.number, self.starts, self.ends, self.decided)
        return Terms(*(column[mask] for column in kept))


def every_term(accounts: Accounts, until: int) -> Terms:
    """Return all terms that start before a day, as if nobody left, by account and number."""
    most = int((until - accounts.created.min()) // 28) + 2
    number = np.arange(most)
    shape = (len(accounts), most)
    months = number * accounts.term[:, None]
    starts = month_later(np.broadcast_to(accounts.created[:, None], shape), months)
    ends = month_later(
        np.broadcast_to(accounts.created[:, None], shape), months + accounts.term[:, None]
    )
    decided = np.maximum(ends - accounts.lead[:, None], accounts.created[:, None] + 7)
    account = np.broadcast_to(np.arange(len(accounts))[:, None], shape)
    columns = (account, np.broadcast_to(number, shape), starts, ends, decided)
    kept = starts < until
    return Terms(*(column[kept] for column in columns))


def decisions(accounts: Accounts) -> Terms:
    """Return the terms whose end falls after the records begin, by day of decision."""
    terms = every_term(accounts, DAYS)
    open_ = terms.where((terms.ends > 0) & (terms.decided < DAYS))
    return open_.where(np.lexsort((open_.ends, open_.account, open_.decided)))
