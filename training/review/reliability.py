"""Whether either model's probabilities mean what they say, as-of date by as-of date.

In the large: observed minus predicted rate, 0 is right, with an interval that resamples accounts.
Where the base rate moves, this moves with it; so the base rate stands beside it.
"""

from datetime import date
from typing import Any

import numpy as np
from scipy.special import expit

from training import evaluate
from training.procedure import labelled
from training.review.candidates import Candidate
from training.review.ground import Ground
from training.scored import scored

MOST = 12
"""Month starts that are looked at, the latest."""


def measured(ground: Ground) -> list[dict[str, Any]]:
    """Per mature month start, the latest last, what was said and what came, as JSON values."""
    return [_on(ground, day) for day in ground.dates.mature[-MOST:]]


def _on(ground: Ground, day: date) -> dict[str, Any]:
    rows = labelled(ground.mature.on([day]), ground.company, ground.target)
    labels = rows[f"label__{ground.target}"].to_numpy().astype(np.int8)
    said = {}
    for item in ground.models:
        found = scored(rows, item.artifact)
        there = found.there
        said[item.role] = _said(item, day, expit(found.logits[there]), labels[there])
    return {
        "as_of": str(day),
        "rows": len(labels),
        "events": int(labels.sum()),
        "observed_rate": float(labels.mean()) if len(labels) else None,
        **said,
    }


def _said(
    item: Candidate, day: date, chances: evaluate.Floats, labels: evaluate.Labels
) -> dict[str, Any]:
    standing = {"standing": item.standing(day), "rows": len(labels)}
    if not len(labels):
        return standing
    surplus = labels - chances
    # One row per account on one date, so rows are accounts.
    accounts = [str(row) for row in range(len(labels))]
    return standing | {
        "predicted_rate": float(chances.mean()),
        "in_the_large": evaluate.interval(lambda rows: float(surplus[rows].mean()), accounts),
        "ece": evaluate.ece(chances, labels),
    }
