"""Whether either model's probabilities mean what they say, as-of date by as-of date.

The measures and their intervals are those of `training.metrics.calibration_table`. Where the
base rate moves, calibration-in-the-large moves with it; so the base rate stands beside it.
"""

from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa

from training.metrics import calibration_table
from training.procedure import labelled
from training.review.candidates import Candidate
from training.review.ground import Ground
from training.scored import score_rows

MOST = 12
"""Month starts that are looked at, the latest."""


def measured(ground: Ground) -> list[dict[str, Any]]:
    """Per mature month start, the latest last, what was said and what came, as JSON values."""
    return [_on(ground, day) for day in ground.dates.mature[-MOST:]]


def _on(ground: Ground, day: date) -> dict[str, Any]:
    rows = labelled(ground.mature.on([day]), ground.company, ground.target)
    labels = rows[f"label__{ground.target}"].to_numpy().astype(np.int8)
    return {
        "as_of": str(day),
        "rows": len(labels),
        "events": int(labels.sum()),
        "observed_rate": float(labels.mean()) if len(labels) else None,
        **{item.role: _said(item, day, rows, labels) for item in ground.models},
    }


def _said(
    item: Candidate, day: date, rows: pa.Table, labels: calibration_table.Labels
) -> dict[str, Any]:
    """What the model said of the rows that it scores; without any, only that there are none."""
    found = score_rows(rows, item.artifact)
    there = found.there
    standing = {"standing": item.standing(day), "rows": int(there.sum())}
    if not there.any():
        return standing
    accounts = rows["account_id"].to_numpy(zero_copy_only=False)[there]
    return standing | calibration_table.told(found.logits[there], labels[there], accounts)
