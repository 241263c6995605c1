"""By renewal: whose contract runs on a morning, and which of these accounts leave within some days.

The forecast beside a light asks the same contracts another question: whether the account leaves
within a fixed number of days, whatever day its decision is on. There is no gap in it. Those whose
leaving is known already are not asked: they are certain.
"""

import numpy as np

from features.assembling.decisions import RUNNING, STATES, Codes, Decided, Rule
from features.folding import term_chains
from features.folding.term_chains import APART, Days, Flags, Terms

STAYED, LEFT, UNKNOWN = 0, 1, -1


def running(decided: Decided) -> Flags:
    """Which accounts have a contract that runs, of which no end is known and no date is overdue."""
    return np.isin(decided.state, RUNNING) | (decided.state >= len(STATES))


def within(
    terms: Terms, rule: Rule, accounts: Days, decided: Decided, days: Days, last: tuple[int, int]
) -> Codes:
    """Whether accounts with a running contract leave; `UNKNOWN` where it is not known, or not so.

    Parameters
    ----------
    accounts : (accounts,) int
        Those of `decided`, ascending.
    days : (as-of dates,) int
    last : (int, int)
        Within how many days, and up to which day the tables are complete.

    Returns
    -------
    (accounts, as-of dates) int
    """
    if not len(terms):
        return np.full(decided.state.shape, UNKNOWN, np.int8)
    forecast, until = last
    closes = days + forecast
    # Ended before, without our knowing: then there was nothing left to forecast.
    begun = terms.start[np.maximum(decided.version, 0)] + 1
    key = np.sort(_keys(*term_chains.account_ends(terms, rule.grace)))
    before = [
        np.searchsorted(key, _keys(accounts[:, None], each)) for each in (begun, days, closes)
    ]
    gone, left = before[1] > before[0], before[2] > before[1]
    unknown = ~running(decided) | gone | (closes + rule.settles > until)
    return np.select(
        [unknown, left, _lapsed(terms, rule, decided, closes)], [UNKNOWN, LEFT, UNKNOWN], STAYED
    ).astype(np.int8)


def _keys(account: Days, day: Days) -> Days:
    return np.asarray(account * APART + day)


def _lapsed(terms: Terms, rule: Rule, decided: Decided, closes: Days) -> Flags:
    """Whose contract is overdue when the days are over: neither signed nor ended."""
    lapsed = np.zeros(decided.version.shape, bool)
    if rule.notice:
        return lapsed
    account, at = np.nonzero(decided.version >= 0)
    version = decided.version[account, at]
    chains = term_chains.chains(terms, rule.grace)
    lapsed[account, at] = chains.lapsed(version, terms.renews[version], closes[at], rule.grace)
    return lapsed
