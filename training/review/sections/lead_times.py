"""How the indicators' lead times have changed between the trainings of the two models."""

from dataclasses import dataclass

from training.artifact import Artifact
from training.review.by_model import ByModel
from training.review.candidates import Candidates


@dataclass(frozen=True)
class LeadTime:
    """The lead of an indicator as one training measured it."""

    title: str
    finding: str
    lead_days: int | None
    open_ended: bool
    headline: bool


@dataclass(frozen=True)
class IndicatorLeadTime:
    """An indicator's lead time by either training (None where not measured)."""

    indicator: str
    models: ByModel[LeadTime | None]
    changed: bool


@dataclass(frozen=True)
class ReviewLeadTimes:
    """All indicators, and the days between the as-of dates of each measurement, if any."""

    step_days: ByModel[int | None]
    indicators: list[IndicatorLeadTime]


def lead_times(models: Candidates) -> ReviewLeadTimes:
    """Per indicator what either training found, and whether that differs."""
    before, after = (_by_indicator(candidate.artifact) for candidate in models)
    names = [*before, *(name for name in after if name not in before)]
    return ReviewLeadTimes(
        step_days=ByModel(*(_step(candidate.artifact) for candidate in models)),
        indicators=[_indicator(name, before.get(name), after.get(name)) for name in names],
    )


def _indicator(name: str, before: LeadTime | None, after: LeadTime | None) -> IndicatorLeadTime:
    changed = _measured(before) != _measured(after)
    return IndicatorLeadTime(name, ByModel(before, after), changed)


def _measured(lead_time: LeadTime | None) -> tuple[str, int | None, bool, bool] | None:
    """The measured values, whatever the indicator's title."""
    if lead_time is None:
        return None
    return (lead_time.finding, lead_time.lead_days, lead_time.open_ended, lead_time.headline)


def _by_indicator(artifact: Artifact) -> dict[str, LeadTime]:
    leads = artifact.evaluation.lead_times
    return {
        lead.indicator: LeadTime(
            title=lead.title,
            finding=lead.finding,
            lead_days=lead.lead_days,
            open_ended=lead.open_ended,
            headline=lead.headline,
        )
        for lead in (leads.indicators if leads else ())
    }


def _step(artifact: Artifact) -> int | None:
    """The days between as-of dates of the measurement; None where nothing was measured."""
    leads = artifact.evaluation.lead_times
    return leads.step_days if leads else None
