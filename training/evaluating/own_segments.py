"""Segments whose scores are better with columns of their own, measured out of time in pairs.

At each origin two models of the same dates and settings are tested on the same rows: one of all
accounts, and one in which every segment with enough outcomes has columns of its own. A segment
keeps its own where its rows' log loss is lower over all origins, by an interval above 0 and so far
that of a hundred companies whose segments are alike only one would keep any.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy.special import ndtri

from features.contract import MIN_CHURNERS
from features.progress import Progress
from training.calibrating.calibration import log_losses
from training.evaluating.target_history import TargetHistory
from training.learning import growing
from training.learning.fitted import FittedModel
from training.metrics import quality
from training.records.evaluation import OwnColumns

Floats = npt.NDArray[np.float64]

# The chance that any of a company's segments keeps its own where all are alike.
FALSE_ALARMS = 0.01


def tried(history: TargetHistory, progress: Progress) -> tuple[OwnColumns, ...]:
    """Each segment that could have columns of its own, and whether it keeps them.

    None where the history has no later date to test on, or there is one segment alone.
    """
    segments = _large_enough(history)
    found = list(_differences(replace(history, own=segments), progress)) if segments else []
    if not found:
        return ()
    rows = pa.concat_tables([table.select(["account_id", "segment"]) for table, _ in found])
    gains = np.concatenate([gain for _, gain in found])
    least = float(ndtri(1 - FALSE_ALARMS / len(segments)))
    present = pc.unique(rows["segment"]).to_pylist()
    return tuple(_tried(name, rows, gains, least) for name in segments if name in present)


def _tried(segment: str, rows: pa.Table, gains: Floats, least: float) -> OwnColumns:
    """The segment with its gain, kept where this is at least so many standard errors above 0."""
    inside = pc.equal(rows["segment"], segment).to_numpy().astype(np.bool_)
    accounts, mine = rows["account_id"].filter(pa.array(inside)).to_pylist(), gains[inside]
    gain = quality.mean_interval(mine, accounts)
    codes = np.unique(np.asarray(accounts), return_inverse=True)[1]
    clear = mine.mean() > least * growing.error_by_account(mine, codes)
    return OwnColumns(segment, gain, len(accounts), kept=gain.above_zero and bool(clear))


def _large_enough(history: TargetHistory) -> tuple[str, ...]:
    """The segments with enough accounts of either outcome, where there are several segments."""
    table = history.learning
    names = sorted(pc.unique(pc.drop_null(table["segment"])).to_pylist())
    return tuple(name for name in names if len(names) > 1 and _enough(table, history.target, name))


def _enough(table: pa.Table, target: str, segment: str) -> bool:
    mine = table.filter(pc.equal(table["segment"], segment))
    return all(
        pc.count_distinct(
            mine.filter(pc.equal(mine[f"label__{target}"], label))["account_id"]
        ).as_py()
        >= MIN_CHURNERS
        for label in (0, 1)
    )


def _differences(own: TargetHistory, progress: Progress) -> Iterator[tuple[pa.Table, Floats]]:
    """The rows of each origin, and by how much own columns lower the log loss of each (rows,)."""
    plain = replace(own, own=())
    for day in [own.latest, *own.choices]:
        progress(f"evaluating {own.target} per segment on {day}")
        fits = [_fitted(history, day) for history in (plain, own)]
        test = own.of([day])
        if all(fits) and test.num_rows:
            losses = [_losses(fit, test, own) for fit in fits if fit]
            yield test, losses[0] - losses[1]


def _fitted(history: TargetHistory, day: date) -> FittedModel | None:
    if history.later and day == history.latest:
        return history.fit()
    choice = history.choices.get(day, history.choice)
    assert choice is not None
    return history.fitted_before(day, choice) if history.tests else None


def _losses(fitted: FittedModel, test: pa.Table, history: TargetHistory) -> Floats:
    rows = history.rows(test, fitted.rows.features)
    return log_losses(fitted.logits(rows.X), rows.y)
