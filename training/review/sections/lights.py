"""What accounts are told to be: a band of health, or an opportunity or none.

A review counts both alike; the places of a light are its codes, from the worst to the best, the
last one being that of accounts without a score.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.artifact import Artifact
from training.calibrating.bands import BANDS, RED, Codes, band_codes
from training.calibrating.opportunity import TOLD_FROM
from training.scored import ScoredArrays

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

OPPORTUNITIES = ("no", "yes", "unscored")
NO, YES, NOT_SCORED = range(len(OPPORTUNITIES))


@dataclass(frozen=True)
class Lights:
    """The names of the lights, and which of them is worked first: red, or an opportunity."""

    names: tuple[str, ...]
    first: int
    of: Callable[[Floats], Codes]

    @property
    def unscored(self) -> int:
        """The code of accounts without a score."""
        return len(self.names) - 1

    def codes(self, found: ScoredArrays) -> Codes:
        """The light of each row."""
        return self.of(found.health)

    def worked(self, found: ScoredArrays) -> Flags:
        """Which rows have the light that is worked first."""
        mask: Flags = self.codes(found) == self.first
        return mask


def of_opportunity(score: Floats) -> Codes:
    """Places in `OPPORTUNITIES` of unclipped opportunity scores, NaN where there is none."""
    found = np.full(score.shape, NOT_SCORED, dtype=np.int8)
    found[score < TOLD_FROM] = NO
    found[score >= TOLD_FROM] = YES
    return found


def lights(artifact: Artifact) -> Lights:
    """The lights of the artifact's target."""
    if artifact.adverse:
        return Lights(BANDS, RED, band_codes)
    return Lights(OPPORTUNITIES, YES, of_opportunity)
