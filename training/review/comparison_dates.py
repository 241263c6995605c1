"""The dates on which champion and challenger may be compared, and the model that is compared.

Only dates that neither model was trained on count. A challenger that was trained on all that is
known leaves none: then its training procedure is repeated on those of its dates that were settled
by the last of them, and the resulting model represents it on that last date. If the champion was
trained on that date too, nothing can be compared, and the review says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
import pyarrow as pa

from features import clock
from features.errors import GateRefused
from features.progress import Progress, silent
from training import procedure
from training.artifact import Artifact
from training.learning import split
from training.learning.derived import own_columns
from training.learning.matrix import matrix
from training.learning.search import Choice
from training.metrics import quality
from training.review.candidates import DateStatus
from training.review.review_data import ReviewData

# "unseen": neither model was trained on the dates; "procedure": the challenger's training procedure
# was repeated for them; "none": nothing can be compared.
Basis = Literal["unseen", "procedure", "none"]


@dataclass(frozen=True)
class MaturedDate:
    """An as-of date whose outcomes have matured since the champion was trained."""

    as_of: date
    champion: DateStatus
    challenger: DateStatus


@dataclass(frozen=True)
class ComparisonDates:
    """The dates of the comparison, and the model that represents the challenger there.

    `compared_model` is None where nothing can be compared. `repeated_auc` is that of the repeated
    procedure on all rows that the challenger was evaluated on. `makes_champion`: the repeated
    procedure makes the champion itself. `rows` are those of the dates that are compared; None
    where all are.
    """

    basis: Basis
    days: Sequence[date]
    compared_model: Artifact | None
    explanation: str
    matured: Sequence[MaturedDate]
    repeated_auc: float | None = None
    makes_champion: bool = False
    rows: pa.Table | None = None


def comparison_dates(data: ReviewData, progress: Progress = silent) -> ComparisonDates:
    """The best dates for a comparison that the history allows."""
    champion, challenger = data.models
    since = [
        day
        for day in data.dates.mature
        if clock.settled(day, champion.target) > champion.trained_until
    ]
    matured = [
        MaturedDate(day, champion.status_of(day), challenger.status_of(day)) for day in since
    ]
    unseen = [day.as_of for day in matured if (day.champion, day.challenger) == BOTH_UNSEEN]
    if unseen:
        explanation = "the two models are compared on dates that neither was trained on"
        return ComparisonDates("unseen", unseen, challenger.artifact, explanation, matured)
    return _by_procedure(data, matured, progress)


BOTH_UNSEEN = ("unseen", "unseen")


def _by_procedure(
    data: ReviewData, matured: Sequence[MaturedDate], progress: Progress
) -> ComparisonDates:
    """The challenger's procedure, repeated, on the last date that it was trained on."""
    challenger = data.models.challenger
    day = challenger.training_dates[-1]
    earlier = split.settled_before(challenger.training_dates, day, challenger.target)
    fresh = [each.as_of for each in matured if each.champion == "unseen"]
    if why := _not_repeatable(fresh, day, earlier):
        return ComparisonDates("none", (), None, why, matured)
    progress(f"repeating the challenger's training as of {day}")
    known = procedure.labelled(data.mature.on(earlier), data.company, data.target)
    try:
        model = repeated(data, known)
    except GateRefused as error:
        why = f"the challenger's training cannot be repeated as of {day}: {error}"
        return ComparisonDates("none", (), None, why, matured)
    same = is_champion(data, model)
    explanation = (
        "the challenger was trained on every date that the champion has not seen; so its training "
        f"was repeated on the {len(earlier)} dates that were settled by {day}, and the resulting "
        f"model represents it on that date{THE_SAME if same else ''}"
    )
    auc = _auc(data, model, day)
    return ComparisonDates("procedure", [day], model, explanation, matured, auc, same)


THE_SAME = (
    "; it is the champion itself: the two models differ only by later data, which no outcome can "
    "test yet"
)


def _not_repeatable(fresh: Sequence[date], day: date, earlier: Sequence[date]) -> str:
    """Why the procedure cannot represent the challenger on `day`; empty where it can."""
    if not fresh:
        return (
            "the two cannot be compared: the champion was trained on every outcome that has matured"
        )
    if day not in fresh or not earlier:
        return (
            "the two cannot be compared: there is no date that neither was trained on, and none on "
            "which the challenger's training could be repeated for a comparison with the champion"
        )
    return ""


def is_champion(data: ReviewData, model: Artifact) -> bool:
    """Whether a model is the champion itself: the same parts and the same calibration."""
    champion = data.models.champion.artifact
    parts = [(each.scorecard, each.models, each.calibration) for each in (model, champion)]
    return parts[0] == parts[1]


def _auc(data: ReviewData, model: Artifact, day: date) -> float:
    rows = procedure.labelled(data.mature.on([day]), data.company, data.target)
    labels = rows[f"label__{data.target}"].to_numpy().astype(np.int8)
    margins = model.margins(matrix(rows, model.features))
    return quality.auc(model.calibration.logits(margins), labels)


def repeated(data: ReviewData, table: pa.Table) -> Artifact:
    """The model that the challenger's training procedure makes of labelled rows.

    From the challenger's own columns, whatever has been declared since, and under its own model
    settings and anchors: so few rows may not support bands, and comparing probabilities needs none.
    """
    challenger = data.models.challenger.artifact
    record = challenger.training
    company = procedure.under(data.company, data.target, challenger.anchors)
    choice = Choice(record.model_settings, record.chosen_on)
    names = {feature.name for feature in challenger.features}
    columns = [column for column in data.mature.columns if column.name in names]
    own = own_columns.segments_of(challenger.features)
    return procedure.fit(table, columns, company, data.target, choice, own)[0]
