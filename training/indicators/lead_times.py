"""Lead times of the indicators and of the model: how early each signals churn, out of time.

At each as-of date the model is one that was trained on labels settled by the latest of a few
origins before it, so every margin is out of time. Training measures the indicators' leads on the
month starts that it has anyway; an indicator that is declared leading and does not lead counts as
lagging in the artifact, and is nobody's first reason.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from features import contract, snapshots
from features.declaring.company import Company
from features.errors import DeclarationError, GateRefused
from features.lead_times import measure
from features.lead_times.curves import CurvePoint, Track
from features.lead_times.findings import Lead, LeadTimes
from features.lead_times.measure import MODEL, STEP_DAYS, Churned
from features.progress import Progress, silent
from features.snapshots import Snapshots
from training.artifact import Artifact
from training.evaluating.target_history import TargetHistory
from training.learning import model, search, split
from training.learning.folds import folds_of
from training.learning.matrix import Feature, matrix
from training.procedure import labelled, rows_of
from training.records.evaluation import IndicatorLead, IndicatorLeads, LeadPoint

Floats = npt.NDArray[np.float64]

ORIGINS = 3
# Width of a lag in days where the as-of dates are month starts.
MONTH = 30


def measure_leads(
    company: Company, targets: Sequence[str], *, step: int = STEP_DAYS, progress: Progress = silent
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
    leads = []
    with contract.sound_tables(company) as tables:
        for target in targets:
            months = snapshots.mature_month_starts(tables, target)
            days = measure.as_of_dates(tables, target, step)
            if not days:
                raise GateRefused(
                    f"target {target}: no churn is settled after the first "
                    f"{company.bands.min_history} days of complete tables, so no lead can be "
                    "measured; add history"
                )
            built = snapshots.build_from(tables, [*days, *months], progress=progress)
            events = measure.churned(tables, target)
            leads.append(
                _with_model(built, company, events, LeadDates(days, months, step), progress)
            )
    return leads


def _require_adverse(company: Company, targets: Sequence[str]) -> None:
    for name in targets:
        if name not in company.adverse:
            raise DeclarationError(
                f"target {name!r} is an opportunity; a lead time is the warning before an adverse "
                "event, so name an adverse target"
            )


@dataclass(frozen=True)
class LeadDates:
    """The as-of dates to measure on, `step` days apart, and those to train models on."""

    measured_on: Sequence[date]
    months: Sequence[date]
    step: int


def _with_model(
    built: Snapshots, company: Company, events: Churned, dates: LeadDates, progress: Progress
) -> LeadTimes:
    step = dates.step
    weekly = built.on(dates.measured_on)
    comparisons = measure.compare_groups(weekly, company, events, step)
    leads = measure.measure(weekly, comparisons, step=step, progress=progress)
    return replace(leads, model=_model_lead(built, company, events, dates, progress))


def _model_lead(
    built: Snapshots, company: Company, events: Churned, dates: LeadDates, progress: Progress
) -> Lead | None:
    """The lead of the model's margin; None where no origin had enough rows to train on."""
    models = list(_origins(built, company, events.target, dates.months, progress))
    if not models:
        return None
    days = [day for day in dates.measured_on if day >= models[0].since]
    if not days:
        return None
    weekly = built.on(days)
    margins = _margins(weekly, models)
    comparisons = measure.compare_groups(weekly, company, events, dates.step)
    track = Track("margin", None, margins, healthy="lower")
    return measure.lead(MODEL, [track], comparisons)


@dataclass(frozen=True)
class OriginModel:
    """A model that may score as-of dates from `since` on: its labels were settled by then."""

    since: date
    features: Sequence[Feature]
    fitted: model.Model


def _origins(
    built: Snapshots, company: Company, target: str, months: Sequence[date], progress: Progress
) -> Iterator[OriginModel]:
    """Models of a few origins spread over the history, earliest first."""
    table = labelled(built, company, target)
    history = TargetHistory(built, company, target, table, months, ())
    declared = company.targets[target]
    possible = [day for day in months if split.settled_before(months, day, declared)]
    spread = np.unique(np.linspace(0, len(possible), ORIGINS, endpoint=False).astype(int))
    for origin in (possible[number] for number in spread if possible):
        progress(f"{target}, {origin}: training the model whose lead is measured")
        try:
            rows = rows_of(history.settled_by(origin), built.columns, company, target)
        except GateRefused:
            continue
        folds, chosen_on = folds_of(rows, declared)
        choice = search.search_settings(rows, folds, chosen_on, trials=len(search.FIRST_TRIED))
        yield OriginModel(origin, rows.features, model.fit_model(rows, choice.model_settings))


def _margins(built: Snapshots, models: Sequence[OriginModel]) -> Floats:
    """Each row's margin by the latest model that its as-of date allows."""
    as_of = built.table["as_of"].to_numpy().astype("datetime64[D]")
    starts = np.array([origin.since for origin in models], "datetime64[D]")
    latest = np.searchsorted(starts, as_of, side="right") - 1
    margins = np.full(len(as_of), np.nan)
    for number, origin in enumerate(models):
        rows = latest == number
        if rows.any():
            X = matrix(built.table.filter(pa.array(rows)), origin.features)
            margins[rows] = origin.fitted.margins(X)
    return margins


def of_months(
    built: Snapshots, company: Company, events: Churned, months: Sequence[date]
) -> LeadTimes:
    """The indicators' lead times on month starts, quick and coarse: lags of `MONTH` days."""
    monthly = built.on(months)
    comparisons = measure.compare_groups(monthly, company, events, MONTH, segments=False)
    return measure.measure(monthly, comparisons, step=MONTH)


def with_lead_times(artifact: Artifact, measured: LeadTimes) -> Artifact:
    """The artifact with its lead times in its evaluation, as `lead_times`.

    They decide no score; `Artifact.kinds` reads them.
    """
    return artifact.with_evaluation(replace(artifact.evaluation, lead_times=_brief(measured)))


def _brief(measured: LeadTimes) -> IndicatorLeads:
    """The leads, each with the curve of the column that leads most."""
    return IndicatorLeads(
        step_days=measured.step_days,
        gap_days=measured.gap_days,
        level=measured.level,
        churners=measured.churners,
        as_of=(measured.as_of[0], measured.as_of[-1]),
        indicators=tuple(
            IndicatorLead(
                indicator=lead.name,
                declared=lead.declared,
                finding=lead.finding,
                headline=lead.headline,
                lead_days=lead.lead_days,
                open_ended=lead.open_ended,
                sentence=lead.sentence,
                title=lead.title,
                column=lead.column,
                curve=tuple(_rounded(point) for point in lead.curves[0].points),
            )
            for lead in measured.leads
        ),
    )


def _rounded(point: CurvePoint) -> LeadPoint:
    """A point of a curve, rounded for plots."""
    return LeadPoint(
        from_days=point.from_days,
        to_days=point.to_days,
        churners=point.churners,
        coverage=round(point.coverage, 4),
        auc=_digits(point.auc),
        low=_digits(point.low),
        high=_digits(point.high),
        certified=point.certified,
    )


def _digits(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
