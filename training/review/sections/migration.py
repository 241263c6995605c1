"""Who changes colour on the review's morning when the challenger takes over.

Of an opportunity, who is told as one and who is not: whether it is held back while the account is
red is asked when it is shown, of another model.

Beside the whole matrix: how many change per account manager and per segment, since it is they who
have to explain it.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from training.calibrating.bands import Codes
from training.review.ground import Ground
from training.review.sections.lights import Lights, lights
from training.scored import score_rows

NOBODY = "nobody"
"""Whoever looks after accounts without an owner."""


def measured(ground: Ground) -> dict[str, Any]:
    """The band-migration matrix as JSON values, and every account that changes its band."""
    old, new = (score_rows(ground.latest, item.artifact) for item in ground.models)
    champion = ground.models.champion.artifact
    light = lights(champion)
    before, after = light.codes(old), light.codes(new)
    accounts = ground.latest["account_id"].to_pylist()
    owners = [owner or NOBODY for owner in ground.owners_of(accounts)]
    segments = ground.latest["segment"].to_pylist()
    amounts = ground.mrr_of(accounts)
    moved = np.flatnonzero(before != after)
    return {
        "as_of": str(ground.dates.as_of),
        "scored": int((old.there | new.there).sum()),
        "matrix": _matrix(before, after, light),
        "changed": len(moved),
        **_directions(before, after, light),
        "per_owner": _per(owners, before, after, light),
        "per_segment": _per(segments, before, after, light),
        "moved": [
            {
                "account_id": accounts[row],
                "owner": owners[row],
                "segment": segments[row],
                "from": light.names[before[row]],
                "to": light.names[after[row]],
                champion.answers[1]: {
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


def _matrix(old: Codes, new: Codes, light: Lights) -> dict[str, dict[str, int]]:
    """By the champion's light, then by the challenger's, how many accounts."""
    return {
        before: {
            after: int(((old == place) & (new == other)).sum())
            for other, after in enumerate(light.names)
        }
        for place, before in enumerate(light.names)
    }


def _directions(old: Codes, new: Codes, light: Lights) -> dict[str, int]:
    """How many get a worse light and a better one, and how many lose or get a score."""
    without = [codes == light.unscored for codes in (old, new)]
    both = ~without[0] & ~without[1]
    return {
        "worse": int((both & (new < old)).sum()),
        "better": int((both & (new > old)).sum()),
        "scored_by_one_alone": int((without[0] != without[1]).sum()),
    }


def _per(names: Sequence[str], old: Codes, new: Codes, light: Lights) -> list[dict[str, Any]]:
    every = np.array(names, dtype=object)
    found = []
    for name in sorted(set(names)):
        mask = every == name
        changed = int((old[mask] != new[mask]).sum())
        either = (old[mask] != light.unscored) | (new[mask] != light.unscored)
        sizes = {"scored": int(either.sum()), "changed": changed}
        if sizes["scored"]:
            found.append({"name": name, **sizes, **_directions(old[mask], new[mask], light)})
    return sorted(found, key=lambda item: (-item["changed"], item["name"]))
