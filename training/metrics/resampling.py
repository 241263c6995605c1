"""Resamples of accounts, never of rows, since the rows of one account are not independent.

Every interval is a 95% percentile bootstrap (Efron 1979) over the same draws: the same rows give
the same figures.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from training.metrics.measured import Measured

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]

RESAMPLES = 200
RANGE = (0.025, 0.975)
# Rows times resamples that are held in memory: 32 MiB of them.
AT_ONCE = 1 << 22


def draws(accounts: int) -> Iterator[Places]:
    """Which of so many accounts are in each resample, with repetition.

    None at all where there are fewer than two: of one account nothing can be said.
    """
    draw = np.random.default_rng(0)
    for _ in range(RESAMPLES if accounts > 1 else 0):
        yield draw.integers(0, accounts, accounts)


def counts(accounts: int) -> Iterator[Floats]:
    """How often each of so many accounts is in each resample; draws as of `draws`."""
    for drawn in draws(accounts):
        yield np.bincount(drawn, minlength=accounts).astype(np.float64)


def times(
    accounts: Sequence[str] | npt.NDArray[np.str_], at_once: int = AT_ONCE
) -> Iterator[Floats]:
    """How often each row of `accounts` is in the resamples, `at_once` numbers together.

    Yields
    ------
    array of shape (resamples, rows)
        Of all of them together `RESAMPLES`.
    """
    codes = np.unique(np.asarray(accounts), return_inverse=True)[1]
    different = int(codes.max(initial=-1)) + 1
    together = max(1, at_once // max(1, len(codes)))
    held: list[Floats] = []
    for count in counts(different):
        held.append(count[codes])
        if len(held) == together:
            yield np.array(held)
            held = []
    if held:
        yield np.array(held)


def measured(value: float | None, drawn: Sequence[float] | Floats) -> Measured:
    """A measure with its interval, from those of the resamples."""
    values = np.asarray(drawn, dtype=np.float64)
    values = values[~np.isnan(values)]
    low, high = np.quantile(values, RANGE) if len(values) else (None, None)
    return Measured(_finite(value), _finite(low), _finite(high))


def _finite(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else float(value)
