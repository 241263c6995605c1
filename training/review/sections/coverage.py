"""Who is scored, per segment, and on how much of what the model wants to know."""

from typing import Any

import numpy as np
import numpy.typing as npt

from training.review.candidates import Candidate
from training.review.ground import Ground
from training.scored import ScoredArrays, score_rows

EVERYBODY = "all accounts"

Flags = npt.NDArray[np.bool_]


def measured(ground: Ground) -> list[dict[str, Any]]:
    """Per segment, the whole first, the accounts on the review's morning, as JSON values."""
    segments = np.array(ground.latest["segment"].to_pylist(), dtype=object)
    eligible = ground.latest[f"eligible__{ground.target}"].to_numpy()
    by_model = [(item, score_rows(ground.latest, item.artifact)) for item in ground.models]
    masks = {name: segments == name for name in sorted(set(segments))}
    everybody = np.ones(len(segments), dtype=bool)
    return [
        {
            "segment": name,
            "accounts": int(mask.sum()),
            "eligible": int((mask & eligible).sum()),
            **{item.role: _of(item, found, mask, eligible) for item, found in by_model},
        }
        for name, mask in {EVERYBODY: everybody, **masks}.items()
    ]


def _of(item: Candidate, found: ScoredArrays, mask: Flags, eligible: Flags) -> dict[str, Any]:
    """Shares of the eligible accounts: who is not eligible has nothing left to lose."""
    mine = mask & eligible
    there = found.there[mine]
    known = found.completeness[mine][there]
    return {
        "scored": int(there.sum()),
        "share_scored": float(there.mean()) if len(there) else None,
        "completeness": float(known.mean()) if len(known) else None,
    }
