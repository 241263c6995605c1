"""Lead times with the model's own: how early it speaks where it has not yet seen the outcome.

At each as-of date the model is one that the procedure made from labels settled by the last of a
few origins before it, so every margin is out of time. Training measures the indicators' leads on
the month starts that it has anyway; what is declared leading and does not lead counts as lagging
in the artifact, and so heads nobody's reasons.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from features import contract, snapshots
from features.declaring.company import Company
from features.errors import DeclarationError, GateRefused
from features.lead_times import measure as indicators
from features.lead_times.curves import Point, Track
from features.lead_times.findings import Lead, LeadTimes
from features.lead_times.measure import MODEL, STEP, Churned
from features.progress import Progress, silent
from features.snapshots import Snapshots
from training.artifact import Artifact
from training.learning import model, search, split
from training.learning.matrix import Feature, matrix
from training.procedure import as_rows, describe, labelled, require_enough

Floats = npt.NDArray[np.float64]

ORIGINS = 3
MONTH = 30
"""Width of a lag where the as-of dates are month starts."""


def measure_leads(
    company: Company, targets: Sequence[str], *, step: int = STEP, progress: Progress = silent
) -> list[LeadTimes]:
    """The lead times of every indicator and of the model, one result per target.

    Parameters
    ----------
    step : int
        Days between two as-of dates, which is the resolution of the lead.

    Raises
    ------
    ContractBroken
        The company's tables break the data contract.
    GateRefused
        No churn of a target is settled yet.
    DeclarationError
        A target is an opportunity.
    """
    _require_adverse(company, targets)
    found = []
    with contract.sound(company) as tables:
        for target in targets:
            months = snapshots.mature_month_starts(tables, target)
            days = indicators.as_of_dates(tables, target, step)
            if not days:
                raise GateRefused(
                    f"target {target}: no churn is settled after the first "
                    f"{company.bands.min_history} days of complete tables, so no lead can be "
                    "measured; add history"
                )
            built = snapshots.build_from(tables, [*days, *months], progress=progress)
            events = indicators.churned(tables, target)
            found.append(
                _with_model(built, company, events, LeadDates(days, months, step), progress)
            )
    return found


def _require_adverse(company: Company, targets: Sequence[str]) -> None:
    for name in targets:
        if name not in company.adverse:
            raise DeclarationError(
                f"target {name!r} is an opportunity, and a lead time is the warning that an "
                "indicator gives before something adverse; name an adverse target"
            )


@dataclass(frozen=True)
class LeadDates:
    """The as-of dates to look from, `step` days apart, and those that can teach a model."""

    looked_from: Sequence[date]
    months: Sequence[date]
    step: int


def _with_model(
    built: Snapshots, company: Company, events: Churned, dates: LeadDates, progress: Progress
) -> LeadTimes:
    step = dates.step
    looked = built.on(dates.looked_from)
    ground = indicators.ground(looked, company, events, step)
    found = indicators.measure(looked, ground, step=step, progress=progress)
    return replace(found, model=_model_lead(built, company, events, dates, progress))


def _model_lead(
    built: Snapshots, company: Company, events: Churned, dates: LeadDates, progress: Progress
) -> Lead | None:
    """What the model's margin comes to; None where no origin had enough to learn from."""
    learnt = list(_origins(built, company, events.target, dates.months, progress))
    if not learnt:
        return None
    days = [day for day in dates.looked_from if day >= learnt[0].since]
    if not days:
        return None
    looked = built.on(days)
    margins = _margins(looked, learnt)
    ground = indicators.ground(looked, company, events, dates.step)
    track = Track("margin", None, margins, healthy="lower")
    return indicators.lead(MODEL, [track], ground)


@dataclass(frozen=True)
class OriginModel:
    """A bag that may score as-of dates from `since` on: all that taught it was settled by then."""

    since: date
    features: Sequence[Feature]
    learnt: model.Model


def _origins(
    built: Snapshots, company: Company, target: str, months: Sequence[date], progress: Progress
) -> Iterator[OriginModel]:
    """Models of a few origins spread over the history, earliest first."""
    table = labelled(built, company, target)
    declared = company.targets[target]
    taught = [day for day in months if split.settled_before(months, day, declared)]
    places = np.unique(np.linspace(0, len(taught), ORIGINS, endpoint=False).astype(int))
    for origin in (taught[place] for place in places if taught):
        progress(f"learning {target} as of {origin}")
        earlier = split.settled_before(months, origin, declared)
        rows_then = table.filter(pc.is_in(table["as_of"], pa.array(earlier, pa.date32())))
        try:
            require_enough(rows_then, target, company)
        except GateRefused:
            continue
        live = [item for item in built.columns if item.stage == "live"]
        features = describe(rows_then, live)
        rows = as_rows(rows_then, features, company, target)
        folds, chosen_on = search.folds_of(rows, declared)
        choice = search.search_settings(rows, folds, chosen_on, trials=len(search.FIRST_TRIED))
        yield OriginModel(origin, features, model.fit_model(rows, choice.model_settings))


def _margins(looked: Snapshots, learnt: Sequence[OriginModel]) -> Floats:
    """Each row's margin by the latest model that its as-of date allows."""
    as_of = looked.table["as_of"].to_numpy().astype("datetime64[D]")
    starts = np.array([item.since for item in learnt], "datetime64[D]")
    which = np.searchsorted(starts, as_of, side="right") - 1
    found = np.full(len(as_of), np.nan)
    for number, item in enumerate(learnt):
        mine = which == number
        if mine.any():
            X = matrix(looked.table.filter(pa.array(mine)), item.features)
            found[mine] = item.learnt.margins(X)
    return found


def of_months(
    built: Snapshots, company: Company, events: Churned, months: Sequence[date]
) -> LeadTimes:
    """The indicators' lead times on month starts, coarse and at once: lags of `MONTH` days."""
    looked = built.on(months)
    ground = indicators.ground(looked, company, events, MONTH, segments=False)
    return indicators.measure(looked, ground, step=MONTH)


def with_lead_times(artifact: Artifact, found: LeadTimes) -> Artifact:
    """The artifact with what was measured in its evaluation, as `lead_times`.

    It decides no score; `Artifact.kinds` reads it.
    """
    return replace(artifact, evaluation=artifact.evaluation | {"lead_times": _brief(found)})


def _brief(found: LeadTimes) -> dict[str, Any]:
    """The leads as JSON values, each with the curve of the column that leads most."""
    return {
        "step_days": found.step_days,
        "gap_days": found.gap_days,
        "level": found.level,
        "churners": found.churners,
        "as_of": [found.as_of[0], found.as_of[-1]],
        "indicators": [
            {
                "indicator": lead.name,
                "declared": lead.declared,
                "finding": lead.finding,
                "headline": lead.headline,
                "lead_days": lead.lead_days,
                "open_ended": lead.open_ended,
                "told": lead.told,
                "title": lead.title,
                "column": lead.column,
                "curve": [_spot(point) for point in lead.curves[0].points],
            }
            for lead in found.leads
        ],
    }


def _spot(point: Point) -> dict[str, Any]:
    """A point of a curve, rounded to what can be seen of it."""
    kept = {key: value for key, value in asdict(point).items() if key != "lift"}
    return {
        key: round(value, 4) if isinstance(value, float) else value for key, value in kept.items()
    }
