"""Whether either model's probabilities are right, as-of date by as-of date.

The measures and their intervals are those of `training.metrics.calibration_table`. Where the
base rate moves, calibration-in-the-large moves with it; so the base rate is shown beside it.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa

from training.metrics import calibration_table
from training.metrics.calibration_table import CalibrationTable
from training.procedure import labelled
from training.review.by_model import ByModel
from training.review.candidates import Candidate, DateStatus
from training.review.review_data import ReviewData
from training.review.scored import score_rows

# Month starts that are looked at, the latest.
MOST = 12


@dataclass(frozen=True)
class ModelCalibration:
    """A model's calibration on one date, on the `rows` that it scores; None without any."""

    date_status: DateStatus
    rows: int
    table: CalibrationTable | None


@dataclass(frozen=True)
class ReviewDateCalibration:
    """The outcomes of an as-of date, and each model's calibration there."""

    as_of: date
    rows: int
    events: int
    observed_rate: float | None
    models: ByModel[ModelCalibration]


def calibration(data: ReviewData) -> list[ReviewDateCalibration]:
    """Both models' calibration per mature month start, the latest last."""
    return [_on(data, day) for day in data.dates.mature[-MOST:]]


def _on(data: ReviewData, day: date) -> ReviewDateCalibration:
    rows = labelled(data.mature.on([day]), data.company, data.target)
    labels = rows[f"label__{data.target}"].to_numpy().astype(np.int8)
    return ReviewDateCalibration(
        as_of=day,
        rows=len(labels),
        events=int(labels.sum()),
        observed_rate=float(labels.mean()) if len(labels) else None,
        models=ByModel(*(_of_model(each, day, rows, labels) for each in data.models)),
    )


def _of_model(
    candidate: Candidate, day: date, rows: pa.Table, labels: calibration_table.Labels
) -> ModelCalibration:
    scores = score_rows(rows, candidate.artifact)
    there = scores.there
    table = None
    if there.any():
        accounts = rows["account_id"].to_numpy(zero_copy_only=False)[there]
        table = calibration_table.of(scores.logits[there], labels[there], accounts)
    return ModelCalibration(candidate.status_of(day), int(there.sum()), table)
