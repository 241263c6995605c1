"""Which rows may train and which may test: by time first, by account where time is too short.

A row is training data at an as-of date only if its label was settled by then; with folds by
account, no account is on both sides.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from features import clock
from features.declaring.target import Target

FOLDS = 5
ORIGINS = 3
MOST_TEST_DATES = 5
THOUSANDTHS = 1000

Mask = npt.NDArray[np.bool_]
DayArray = npt.NDArray[np.datetime64]


@dataclass(frozen=True)
class CvFold:
    """Two masks over the same rows: `train` to fit on, `test` to evaluate on."""

    train: Mask
    test: Mask


def both_outcomes(labels: npt.NDArray[np.int8]) -> bool:
    """Whether some of the labels are 1 and some are 0."""
    return 0 < int(labels.sum()) < len(labels)


def account_folds(accounts: Sequence[str], count: int = FOLDS) -> npt.NDArray[np.int64]:
    """The fold, 0 to `count − 1`, of each row's account; the same account, always the same fold."""
    fold_of = {account: _drawn(account) % count for account in set(accounts)}
    return np.fromiter(map(fold_of.__getitem__, accounts), np.int64, len(accounts))


@lru_cache(maxsize=1 << 18)
def _drawn(account: str) -> int:
    """A number that looks drawn, and is always the same for an account."""
    return int.from_bytes(hashlib.sha256(account.encode()).digest()[:8])


def sample(accounts: Sequence[str], most: int) -> Mask:
    """Whole accounts with about `most` rows together; the same account, always in or out."""
    folds = account_folds(accounts, THOUSANDTHS)
    mask: Mask = folds < np.ceil(THOUSANDTHS * most / len(folds))
    return mask


def evenly_spaced(rows: int, most: int) -> npt.NDArray[np.int64]:
    """The numbers of at most `most` of so many rows, evenly spread over all."""
    return np.unique(np.linspace(0, rows - 1, min(rows, most)).round().astype(np.int64))


def by_account(accounts: Sequence[str], count: int = FOLDS) -> Iterator[CvFold]:
    """Folds of whole accounts."""
    fold_of_row = account_folds(accounts, count)
    for number in range(count):
        yield CvFold(fold_of_row != number, fold_of_row == number)


def rolling(as_of: DayArray, settles: DayArray, whole: DayArray, most: int) -> list[CvFold]:
    """Rolling-origin folds: each tests one date and trains on what was settled by then.

    At most the last `most` dates that have anything to train on; none if the history is short. A
    date whose rows are not all settled yet tests nothing: those that are had the shortest wait.

    Parameters
    ----------
    settles, whole : (rows,) datetime64
        The day on whose morning each row's label was known for good, and that on which those of
        all rows of its date were.
    """
    folds = []
    for day in np.unique(as_of[whole <= settles.max()]):
        earlier = settles <= day
        if earlier.any():
            folds.append(CvFold(earlier, as_of == day))
    return folds[-most:]


def apart(dates: Sequence[date], latest: date, target: Target) -> list[date]:
    """The `latest` and those of `dates` before it, latest first, at least a horizon apart.

    So no two of them have outcomes in common.

    Examples
    --------
    >>> from datetime import date
    >>> from types import SimpleNamespace
    >>> months = [date(2026, month, 1) for month in range(1, 7)]
    >>> [str(day) for day in apart(months, months[-1], SimpleNamespace(horizon_days=60))]
    ['2026-06-01', '2026-04-01', '2026-01-01']
    """
    days = [latest]
    for day in sorted(dates, reverse=True):
        if (days[-1] - day).days >= target.horizon_days:
            days.append(day)
    return days


def origins(dates: Sequence[date], latest: date, target: Target) -> list[date]:
    """The at most five dates to evaluate on, latest first; chosen by date, never by outcome."""
    return apart(dates, latest, target)[:MOST_TEST_DATES]


def forward(blocks: npt.NDArray[np.datetime64]) -> list[CvFold]:
    """At most three folds: each tests one block of time and trains on all blocks before it."""
    later = np.unique(blocks)[1:][-ORIGINS:]
    return [CvFold(blocks < block, blocks == block) for block in later]


def settled_before(dates: Sequence[date], day: date, target: Target) -> list[date]:
    """Those of `dates` whose labels were known for good on the morning of `day`."""
    return [earlier for earlier in dates if clock.settled(earlier, target) <= day]
