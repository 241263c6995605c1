"""Who is scored, per segment, and how many of the model's indicators are known of them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.review.by_model import ByModel
from training.review.review_data import ReviewData
from training.review.scored import ScoredArrays, score_rows

EVERYBODY = "all accounts"

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class ModelCoverage:
    """How many of the eligible accounts are scored, and the mean share of known indicators.

    Shares are of the eligible accounts: who is not eligible has nothing left to lose.
    """

    scored: int
    share_scored: float | None
    completeness: float | None


@dataclass(frozen=True)
class SegmentCoverage:
    """The accounts of a segment on the review's morning."""

    segment: str
    accounts: int
    eligible: int
    models: ByModel[ModelCoverage]


def coverage(data: ReviewData) -> list[SegmentCoverage]:
    """Per segment, the whole company first, the accounts on the review's morning."""
    names = np.array(data.latest["segment"].to_pylist(), dtype=object)
    eligible = data.latest[f"eligible__{data.target}"].to_numpy()
    by_model = ByModel(*(score_rows(data.latest, each.artifact) for each in data.models))
    masks = {name: names == name for name in sorted(set(names))}
    everybody = np.ones(len(names), dtype=bool)
    return [
        SegmentCoverage(
            segment=name,
            accounts=int(mask.sum()),
            eligible=int((mask & eligible).sum()),
            models=ByModel(*(_of_model(scores, mask & eligible) for scores in by_model)),
        )
        for name, mask in {EVERYBODY: everybody, **masks}.items()
    ]


def _of_model(scores: ScoredArrays, mask: Flags) -> ModelCoverage:
    there = scores.there[mask]
    completeness = scores.completeness[mask][there]
    return ModelCoverage(
        scored=int(there.sum()),
        share_scored=float(there.mean()) if len(there) else None,
        completeness=float(completeness.mean()) if len(completeness) else None,
    )
