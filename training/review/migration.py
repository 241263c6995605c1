"""Who changes colour on the review's morning when the challenger takes over.

Beside the whole matrix: how many change per account manager and per segment, since it is they who
have to explain it.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from training.review.ground import Ground
from training.scored import BANDS, UNSCORED, Codes, scored

NOBODY = "nobody"
"""Whoever looks after accounts without an owner."""


def measured(ground: Ground) -> dict[str, Any]:
    """The band-migration matrix as JSON values, and every account that changes its band."""
    old, new = (scored(ground.latest, item.artifact) for item in ground.models)
    accounts = ground.latest["account_id"].to_pylist()
    owners = [owner or NOBODY for owner in ground.owners_of(accounts)]
    segments = ground.latest["segment"].to_pylist()
    amounts = ground.mrr_of(accounts)
    moved = np.flatnonzero(old.bands != new.bands)
    return {
        "as_of": str(ground.dates.as_of),
        "scored": int((old.there | new.there).sum()),
        "matrix": _matrix(old.bands, new.bands),
        "changed": len(moved),
        **_directions(old.bands, new.bands),
        "per_owner": _per(owners, old.bands, new.bands),
        "per_segment": _per(segments, old.bands, new.bands),
        "moved": [
            {
                "account_id": accounts[row],
                "owner": owners[row],
                "segment": segments[row],
                "from": BANDS[old.bands[row]],
                "to": BANDS[new.bands[row]],
                "health_score": {
                    "champion": _shown(old.health[row]),
                    "challenger": _shown(new.health[row]),
                },
                "mrr": None if np.isnan(amounts[row]) else float(amounts[row]),
            }
            for row in moved
        ],
    }


def _shown(health: float) -> float | None:
    return None if np.isnan(health) else float(np.clip(health, 0, 100))


def _matrix(old: Codes, new: Codes) -> dict[str, dict[str, int]]:
    """By the champion's band, then by the challenger's, how many accounts."""
    return {
        before: {
            after: int(((old == place) & (new == other)).sum()) for other, after in enumerate(BANDS)
        }
        for place, before in enumerate(BANDS)
    }


def _directions(old: Codes, new: Codes) -> dict[str, int]:
    """How many move towards red and towards green, and how many lose or get a score."""
    both = (old != UNSCORED) & (new != UNSCORED)
    return {
        "worse": int((both & (new < old)).sum()),
        "better": int((both & (new > old)).sum()),
        "scored_by_one_alone": int(((old == UNSCORED) != (new == UNSCORED)).sum()),
    }


def _per(names: Sequence[str], old: Codes, new: Codes) -> list[dict[str, Any]]:
    every = np.array(names, dtype=object)
    found = []
    for name in sorted(set(names)):
        mask = every == name
        changed = int((old[mask] != new[mask]).sum())
        either = (old[mask] != UNSCORED) | (new[mask] != UNSCORED)
        sizes = {"scored": int(either.sum()), "changed": changed}
        if sizes["scored"]:
            found.append({"name": name, **sizes, **_directions(old[mask], new[mask])})
    return sorted(found, key=lambda item: (-item["changed"], item["name"]))
