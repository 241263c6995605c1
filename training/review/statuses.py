"""The status that a score gives an account: a band of health, or opportunity or none.

A review counts both alike. A status is held as its code, its index in the names, which run from the
worst to the best; the last one is that of accounts without a score.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.artifact import Artifact
from training.calibrating.bands import BANDS, RED, Codes, band_codes
from training.calibrating.opportunity import LISTED_FROM
from training.review.scored import ScoredArrays

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

OPPORTUNITIES = ("no", "yes", "unscored")
NO, YES, NOT_SCORED = range(len(OPPORTUNITIES))


@dataclass(frozen=True)
class Statuses:
    """The names of the statuses, and the code of the one worked first: red, or an opportunity."""

    names: tuple[str, ...]
    worked_first: int
    of: Callable[[Floats], Codes]

    @property
    def first_name(self) -> str:
        """The name of the status that is worked first."""
        return self.names[self.worked_first]

    @property
    def unscored(self) -> int:
        """The code of accounts without a score."""
        return len(self.names) - 1

    def codes(self, scores: ScoredArrays) -> Codes:
        """The status of each row."""
        return self.of(scores.health)

    def is_worked_first(self, scores: ScoredArrays) -> Flags:
        """Which rows have the status that is worked first."""
        mask: Flags = self.codes(scores) == self.worked_first
        return mask


def of_opportunity(score: Floats) -> Codes:
    """Codes in `OPPORTUNITIES` of unclipped opportunity scores, NaN where there is none."""
    codes = np.full(score.shape, NOT_SCORED, dtype=np.int8)
    codes[score < LISTED_FROM] = NO
    codes[score >= LISTED_FROM] = YES
    return codes


def statuses(artifact: Artifact) -> Statuses:
    """The statuses of the artifact's target."""
    if artifact.adverse:
        return Statuses(BANDS, RED, band_codes)
    return Statuses(OPPORTUNITIES, YES, of_opportunity)
