"""When something is too good to be honest: exact tests with a bounded rate of false alarms.

Accounts, never rows, are what is counted, since the rows of one account are not independent. All
tests of one kind share the family-wise error `FAMILY` (Bonferroni).
"""

import numpy as np
import numpy.typing as npt
from scipy.special import bdtrc, betaincinv, ndtri

Floats = npt.NDArray[np.float64]

# The chance that a kind of test raises any false alarm where everything is honest.
FAMILY = 1e-4

# The odds ratio up to which an honest column may separate who leaves long afterwards. Plan,
# tenure or size seldom triple the odds half a year ahead; what multiplies them by more than ten
# knows the outcome.
TENFOLD = 10.0


def tenfold(share: Floats) -> Floats:
    """Shares whose odds are `TENFOLD` times those of `share`."""
    raised: Floats = TENFOLD * share / (1 + (TENFOLD - 1) * share)
    return raised


def significantly_above(hits: int, bound: Floats, tests: int) -> bool:
    """Whether `hits` of the accounts are more than chance allows, each hit at most as `bound` says.

    `bound` (accounts,) holds the largest honest probabilities; `tests` is how many such questions
    are asked in all. The number of hits of unequal probabilities has a lighter upper tail than the
    binomial of their mean (Hoeffding 1956, theorem 4).
    """
    count, mean = len(bound), float(bound.mean()) if len(bound) else 1.0
    if hits < count * mean + 1:
        return False
    return bool(bdtrc(hits - 1, count, mean) < FAMILY / tests)


def upper_share(hits: int, count: int, tests: int) -> float:
    """The largest share that `hits` of `count` may come from (Clopper & Pearson 1934).

    Examples
    --------
    >>> round(upper_share(0, 100, tests=1), 3)
    0.088
    """
    if hits == count:
        return 1.0
    return float(betaincinv(hits + 1.0, float(count - hits), 1 - FAMILY / tests))


def significantly_most(hits: int, count: int, tests: int) -> bool:
    """Whether more than half of all are hit, as `hits` of `count` accounts say."""
    return significantly_above(hits, np.full(count, 0.5), tests)


def significantly_separates(area: float, few: int, least: float, tests: int) -> bool:
    """Whether an area under the ROC curve is really above `least`.

    `few` is the size of the smaller class. Its variance is at most A(1 − A) / few whatever the
    distributions (Birnbaum & Klose 1957), so the bound needs no model of them.
    """
    if not few:
        return False
    spread = float(np.sqrt(least * (1 - least) / few))
    return area - least > -float(ndtri(FAMILY / tests)) * spread
