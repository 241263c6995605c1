"""The forecast beside a light by renewal: the chance of leaving within a fixed number of days.

The light asks what becomes of an account's next decision; how many leave within the next 90 days is
another question, with labels, a model and a calibration of its own. It is trained on the same rows
by the same procedure, with the model settings that were chosen for the light, and judged on dates
that its training did not know. It has no bands of its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy.special import expit

from features import clock
from features.declaring.company import Company
from features.errors import GateRefused
from features.progress import Progress, silent
from features.snapshots import Snapshots
from training import procedure
from training.artifact import Artifact
from training.evaluating.evaluation_dates import earlier_origins, evaluated_beside
from training.evaluating.origins import Origin
from training.evaluating.target_history import TargetHistory
from training.learning.search import Choice
from training.metrics import losses
from training.metrics.losses import LossOnDate

Floats = npt.NDArray[np.float64]


def named(target: str) -> str:
    """The name of a target's forecast among the columns of its rows."""
    return f"{target}__forecast"


def with_forecast(  # noqa: PLR0913 (rows, dates and two keywords)
    artifact: Artifact,
    built: Snapshots,
    company: Company,
    learn: Sequence[date],
    later: Sequence[date] = (),
    *,
    mrr: Mapping[str, float] | None = None,
    progress: Progress = silent,
) -> Artifact:
    """The artifact of a target by renewal with the forecast that the same rows support.

    `learn` and `later` are the as-of dates of the artifact's training. Without a forecast where the
    rows support none; `progress` is told why.
    """
    name = named(artifact.target)
    asked = _asking(company, artifact)
    dates = _dates(asked, name, built.data_until, learn, later)
    choice = Choice(artifact.training.model_settings, artifact.training.chosen_on)
    try:
        if not dates[0]:
            raise GateRefused(f"no outcome is settled by {built.data_until}")
        rows = _rows(built, artifact.target, [day for days in dates for day in days])
        history = TargetHistory(
            rows, asked, name, procedure.labelled(rows, asked, name), *dates, mrr=mrr or {}
        )
        history = history.one_later().choose(choice, progress).choose_earlier(choice, progress)
        earlier = list(earlier_origins(history, progress))
        made, origins = evaluated_beside(history, earlier, progress)
    except GateRefused as refusal:
        progress(f"no forecast beside {artifact.target}: {refusal}")
        return artifact
    tested = [_loss(history, origin, artifact.target) for origin in origins]
    made = made.with_evaluation(replace(made.evaluation, losses=tuple(tested)))
    record = replace(made.training, data_until=str(built.data_until))
    return artifact.with_forecast(made.with_training(record))


def _loss(history: TargetHistory, origin: Origin, target: str) -> LossOnDate:
    """What a model of earlier dates expected to be lost from a date on, and what was."""
    rows = history.of([date.fromisoformat(origin.as_of)])
    amounts = worth(rows, target, history.mrr)
    return losses.on_date(origin.as_of, expit(origin.logits), amounts, origin.labels)


def worth(rows: pa.Table, target: str, mrr: Mapping[str, float]) -> Floats:
    """What the accounts of some rows are worth, NaN where it is not known.

    By their contracts where these have an amount, as it was known on the as-of date; else by the
    monthly recurring revenue that the account table states today.
    """
    name = f"amount__{target}"
    if name in rows.column_names:
        return np.asarray(rows[name].to_numpy(), np.float64)
    return np.array([mrr.get(account, np.nan) for account in rows["account_id"].to_pylist()], float)


def _asking(company: Company, artifact: Artifact) -> Company:
    """The company as if it declared the forecast, too; the light's anchors need no data."""
    declared = company.targets[artifact.target].of_forecast()
    targets = company.targets | {named(artifact.target): declared}
    asked = company.model_copy(update={"targets": targets})
    return procedure.under(asked, named(artifact.target), artifact.anchors)


def _dates(
    asked: Company, name: str, until: date, learn: Sequence[date], later: Sequence[date]
) -> tuple[list[date], list[date]]:
    """Those of the dates whose forecasts are settled, and the last of the later ones."""
    declared = asked.targets[name]
    known = [day for day in learn if clock.is_mature(day, declared, until)]
    after = [
        day
        for day in later
        if known
        and clock.is_mature(day, declared, until)
        and clock.settled(known[-1], declared) <= day
    ]
    return known, after[-1:]


def _rows(built: Snapshots, target: str, days: Sequence[date]) -> Snapshots:
    """The rows of some dates, of which those with a running contract are eligible."""
    rows = built.on(days)
    running = rows.table[f"running__{target}"]
    return replace(rows, table=rows.table.append_column(f"eligible__{named(target)}", running))
