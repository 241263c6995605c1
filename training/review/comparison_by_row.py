"""By renewal: the rows on which champion and challenger may be compared, and the model for them.

Each row is settled on a day of its own, so a date is neither seen nor unseen: its near decisions
were settled months before its far ones. A row is *unseen* for a model if its outcome was settled
after the model's training, and its window begins after every window of its account that the model
was trained on. A challenger that was trained on all that is known leaves none: then its training
procedure is repeated on what was settled when the champion was trained, so that both know the same
outcomes.
"""

from collections.abc import Sequence
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from features import clock
from features.declaring.target import Target
from features.errors import GateRefused
from features.progress import Progress
from training import procedure
from training.learning import moments
from training.learning.split import Mask
from training.review.candidates import Candidate
from training.review.comparison_dates import (
    THE_SAME,
    ComparisonDates,
    MaturedDate,
    is_champion,
    repeated,
)
from training.review.review_data import ReviewData

DayArray = npt.NDArray[np.datetime64]

ALL_LEARNT = "the two cannot be compared: the champion was trained on every outcome that is settled"


def comparison_by_row(data: ReviewData, progress: Progress) -> ComparisonDates:
    """The best rows for a comparison that the history allows."""
    champion, challenger = data.models
    table = procedure.labelled(data.mature, data.company, data.target)
    fresh = _of_model(table, champion, data)
    matured = _matured(table, data)
    both = fresh & _of_model(table, challenger, data)
    if both.any():
        rows = table.filter(pa.array(both))
        explanation = "the two models are compared on outcomes that neither was trained on"
        return ComparisonDates(
            "unseen", _dates(rows), challenger.artifact, explanation, matured, rows=rows
        )
    if not fresh.any():
        return ComparisonDates("none", (), None, ALL_LEARNT, matured)
    return _by_procedure(data, table, matured, progress)


def unseen(table: pa.Table, target: str, declared: Target, days: DayArray, until: date) -> Mask:
    """Which labelled rows tell a model nothing that it was trained on.

    Parameters
    ----------
    table : pyarrow.Table
        Labelled rows, those that the model was trained on among them.
    days : (dates,) datetime64
        The as-of dates that it was trained on.
    until : date
        By whose morning a row had to be settled to be trained on.
    """
    as_of, settles = (_days(table, name) for name in ("as_of", f"settles__{target}"))
    after = settles > np.datetime64(until)
    trained = np.isin(as_of, days) & ~after
    account = pc.dictionary_encode(table["account_id"]).combine_chunks().indices.to_numpy()
    last = np.full(account.max(initial=-1) + 1, np.datetime64("0001-01-01"))
    np.maximum.at(last, account[trained], settles[trained])
    opens = as_of + np.timedelta64(declared.gap, "D")
    closed = last[account] - np.timedelta64(declared.days_from_end_to_settle, "D")
    mask: Mask = after & (opens >= closed)
    return mask


def _of_model(table: pa.Table, candidate: Candidate, data: ReviewData) -> Mask:
    """Which rows are unseen for a model."""
    days = np.array(candidate.training_dates, "datetime64[D]")
    return unseen(table, data.target, candidate.target, days, candidate.trained_until)


def _matured(table: pa.Table, data: ReviewData) -> list[MaturedDate]:
    """The as-of dates of the rows that were settled after the champion's training."""
    champion, challenger = data.models
    late = _days(table, f"settles__{data.target}") > np.datetime64(champion.trained_until)
    return [
        MaturedDate(day, champion.status_of(day), challenger.status_of(day))
        for day in _dates(table.filter(pa.array(late)))
    ]


def _by_procedure(
    data: ReviewData, table: pa.Table, matured: Sequence[MaturedDate], progress: Progress
) -> ComparisonDates:
    """The challenger's procedure, repeated on what was settled when the champion was trained."""
    champion, challenger = data.models
    until = champion.trained_until
    dates, declared = challenger.training_dates, champion.target
    days = [day for day in dates if clock.is_mature(day, declared, until)]
    known = procedure.labelled(data.mature.on(days), data.company, data.target)
    progress(f"repeating the challenger's training as of {until}")
    try:
        model = repeated(data, moments.settled_by(known, data.target, until))
    except GateRefused as error:
        why = f"the challenger's training cannot be repeated as of {until}: {error}"
        return ComparisonDates("none", (), None, why, matured)
    fresh = _of_model(table, champion, data)
    learnt = np.array(days, "datetime64[D]")
    rows = table.filter(pa.array(fresh & unseen(table, data.target, declared, learnt, until)))
    same = is_champion(data, model)
    explanation = (
        "the challenger was trained on every outcome that the champion has not seen; so its "
        f"training was repeated on what was settled by {until}, as the champion's was, and the "
        f"resulting model represents it on what was settled since{THE_SAME if same else ''}"
    )
    return ComparisonDates(
        "procedure", _dates(rows), model, explanation, matured, makes_champion=same, rows=rows
    )


def _dates(table: pa.Table) -> list[date]:
    """The as-of dates of some rows, in order."""
    return sorted(pc.unique(table["as_of"]).to_pylist())


def _days(table: pa.Table, column: str) -> DayArray:
    days: DayArray = table[column].to_numpy().astype("datetime64[D]")
    return days
