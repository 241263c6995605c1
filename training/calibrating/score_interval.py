"""The interval around a score: other training samples would move it, and so would missing values.

Its half-width depends only on which values are missing. No part of it is negative, so a further
missing value can never narrow it:

half² = known² + Σ costs of every two values that are missing (and of each with itself)

`training.interval.redraws` and `training.interval.unknowns` measure the numbers.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

DIGITS = 6
# Log-odds beyond any score; that of a model of which nothing was measured.
WIDEST = 1000.0


@dataclass(frozen=True)
class ScoreInterval:
    """The half-width where all is `known`, in calibrated log-odds, and what missing values cost.

    `costs` has a row for each column of the model: what it costs, squared, that both this one and
    each column up to it are missing.
    """

    known: float
    costs: tuple[tuple[float, ...], ...]

    def half_widths(self, X: Floats) -> Floats:
        """Half the width (rows,) of the interval of each row of X (rows × columns)."""
        missing = np.isnan(X)
        squares = np.full(len(X), self.known**2)
        for column in np.flatnonzero(missing.any(axis=0)) if self.costs else ():
            at = np.flatnonzero(missing[:, column])
            # No matrix product: the rounding of a row must not depend on those beside it.
            squares[at] += (missing[at] * self._square[column]).sum(axis=1)
        return np.asarray(np.sqrt(squares))

    @cached_property
    def _square(self) -> Floats:
        """The costs on both sides of the diagonal."""
        below = np.zeros((len(self.costs), len(self.costs)))
        for column, row in enumerate(self.costs):
            below[column, : len(row)] = row
        return below + np.tril(below, -1).T

    @classmethod
    def of(cls, known: float, square: Floats) -> "ScoreInterval":
        """The interval of a symmetric matrix of costs (columns × columns), rounded."""
        rows = [np.round(row[: column + 1], DIGITS) for column, row in enumerate(square)]
        return cls(round(known, DIGITS), tuple(tuple(row.tolist()) for row in rows))

    def mistake(self, columns: int) -> str:
        """The mistake in it for a model of so many columns; empty where there is none."""
        if self == UNMEASURED:
            return ""
        if [len(row) for row in self.costs] != list(range(1, columns + 1)):
            return "interval.costs must have a row for each column, each one longer by one"
        if not 0 <= self.known <= WIDEST:
            return f"interval.known must be from 0 to {WIDEST:g}"
        if not all(0 <= cost <= WIDEST**2 for row in self.costs for cost in row):
            return f"interval.costs must be from 0 to {WIDEST**2:g}"
        return ""


# As wide as can be.
UNMEASURED = ScoreInterval(WIDEST, ())
