"""Which indicators earn their place: by weight, lead, coverage and the log loss they save.

A new indicator starts in shadow. It is admitted when the model is significantly better with it out
of time and, where it is declared leading, when it leads significantly by the target's gap. An
opportunity has no lead to measure, so worth alone decides. Each indicator is tested beside all the
others, so two that say the same may both look dispensable: move one at a time and measure again.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Literal

import numpy as np
import pyarrow.compute as pc

from features import contract, snapshots
from features.declaring.company import Company
from features.declaring.indicator import Indicator, Kind, Stage
from features.lead_times import measure
from features.lead_times.findings import Lead, LeadTimes
from features.progress import Progress, silent
from features.settings import Settings
from features.snapshots import Snapshots
from features.sources import Tables
from training.artifact import Artifact, require_same_meaning
from training.champions import champion
from training.explaining.drivers import by_indicator
from training.indicators import ablation
from training.indicators.ablation import IndicatorWorth
from training.learning.matrix import matrix

AdmissionVerdict = Literal["admitted", "admit", "keep in shadow", "lagging", "not proven"]


@dataclass(frozen=True)
class Evidence:
    """The evidence for an indicator, and the verdict.

    `weight` is its share of the mean absolute points of all drivers over the accounts
    that are scored today, `points` those points themselves; both None in shadow. `worth` is the
    log loss that it saves the model. `lead` is None for categories.
    """

    indicator: str
    title: str
    kind: Kind
    stage: Stage
    weight: float | None
    points: float | None
    lead: Lead | None
    worth: IndicatorWorth
    verdict: AdmissionVerdict
    why: str


@dataclass(frozen=True)
class Admission:
    """The evidence on every live and shadow indicator of a target, the heaviest first."""

    target: str
    model_version: str
    as_of: str
    gap_days: int
    step_days: int | None
    evaluated_on: str
    evidence: tuple[Evidence, ...]

    def plain(self) -> dict[str, object]:
        """The same as JSON values; of the curves, only the point at the gap."""
        content = asdict(self)
        for evidence in content["evidence"]:
            for key in ("curves", "segments") if evidence["lead"] else ():
                del evidence["lead"][key]
        return content


def evaluate_indicators(
    company: Company,
    targets: Sequence[str],
    *,
    settings: Settings,
    progress: Progress = silent,
) -> list[Admission]:
    """The admission of every live and shadow indicator, one result per target.

    Raises
    ------
    NotFound
        No model of a target is promoted.
    DeclarationError
        The promoted model was trained on another declaration than today's.
    GateRefused
        There are too few rows to test a model on.
    """
    workspace = settings.workspace_of(company)
    models = {target: champion(workspace, target) for target in targets}
    for artifact in models.values():
        require_same_meaning(artifact, company)
    with contract.sound_tables(company) as tables:
        until = snapshots.data_until(tables)
        return [
            _judge(_gather(tables, artifact, until, progress), progress)
            for artifact in models.values()
        ]


@dataclass(frozen=True)
class AdmissionBasis:
    """The data that a target's indicators are tested on."""

    company: Company
    artifact: Artifact
    built: Snapshots
    until: date
    months: Sequence[date]
    leads: LeadTimes | None


def _gather(tables: Tables, artifact: Artifact, until: date, progress: Progress) -> AdmissionBasis:
    company, target = tables.company, artifact.target
    months = snapshots.mature_month_starts(tables, target)
    if not artifact.adverse:
        built = snapshots.build_from(tables, [*months, until], progress=progress)
        return AdmissionBasis(company, artifact, built, until, months, None)
    weeks = measure.as_of_dates(tables, target)
    built = snapshots.build_from(tables, [*months, *weeks, until], progress=progress)
    weekly = built.on(weeks)
    events = measure.churned(tables, target)
    comparisons = measure.compare_groups(weekly, company, events, measure.STEP_DAYS, segments=False)
    leads = measure.measure(weekly, comparisons, progress=progress)
    return AdmissionBasis(company, artifact, built, until, months, leads)


def _judge(grounds: AdmissionBasis, progress: Progress) -> Admission:
    company, artifact = grounds.company, grounds.artifact
    progress(f"{artifact.target}: retraining with all indicators")
    trial = ablation.trial(grounds.built, company, artifact.target, grounds.months)
    base = trial.losses(trial.live)
    weights = weigh(artifact, grounds.built.at(grounds.until))
    evidence = []
    for name, indicator in company.staged("live", "shadow").items():
        change = "without" if indicator.stage == "live" else "with"
        progress(f"{artifact.target}: retraining {change} {name}")
        saved = ablation.worth(trial, name, base)
        evidence.append(_evidence(name, indicator, grounds, weights.get(name), saved))
    return Admission(
        target=artifact.target,
        model_version=artifact.version,
        as_of=str(grounds.until),
        gap_days=artifact.gap_days,
        step_days=grounds.leads.step_days if grounds.leads else None,
        evaluated_on=trial.evaluated_on,
        evidence=tuple(sorted(evidence, key=_rank)),
    )


def _rank(evidence: Evidence) -> tuple[float, float]:
    return -(evidence.weight or 0.0), -(evidence.worth.value or 0.0)


def weigh(artifact: Artifact, built: Snapshots) -> dict[str, tuple[float, float]]:
    """Per live indicator the share of all drivers' mean absolute points, and those points.

    Over the accounts that are scored on the as-of date of `built`.
    """
    table = built.table
    enough = pc.greater_equal(table["history_days"], artifact.min_history_days)
    table = table.filter(pc.and_(table[f"eligible__{artifact.target}"], enough))
    contributions = artifact.contributions(matrix(table, artifact.features))
    names, folded = by_indicator(contributions, artifact.features)
    points = np.abs(folded * artifact.scale.points_per_margin).mean(axis=0)
    return {
        name: (float(mean / points.sum()), float(mean))
        for name, mean in zip(names, points, strict=True)
    }


def _evidence(
    name: str,
    indicator: Indicator,
    grounds: AdmissionBasis,
    weight: tuple[float, float] | None,
    saved: IndicatorWorth,
) -> Evidence:
    lead = grounds.leads.of(name) if grounds.leads else None
    share, points = weight or (None, None)
    verdict = decide(indicator, lead, saved) if grounds.leads else by_worth(indicator, saved)
    return Evidence(
        indicator=name,
        title=indicator.title,
        kind=indicator.kind,
        stage=indicator.stage,
        weight=share,
        points=points,
        lead=lead,
        worth=saved,
        verdict=verdict,
        why=" ".join([_of_lead(lead, grounds), *_reasons(indicator, saved, verdict)]),
    )


def decide(indicator: Indicator, lead: Lead | None, saved: IndicatorWorth) -> AdmissionVerdict:
    """The verdict on an indicator by its lead and its worth.

    An indicator that is declared leading and was measured not to lead is lagging, whatever it is
    worth; declared lagging, it can be admitted for its worth alone, as context is.
    """
    leads = lead is not None and lead.finding == "leading"
    measured = lead is not None and lead.finding != "not measured"
    if indicator.kind == "leading" and measured and not leads:
        return "lagging" if saved.proven or _is_lagging(lead) else _unproven(indicator)
    if saved.proven and (leads or indicator.kind != "leading"):
        return "admitted" if indicator.stage == "live" else "admit"
    if indicator.stage == "live" and leads and indicator.kind == "leading":
        return "admitted"
    return _unproven(indicator)


def by_worth(indicator: Indicator, saved: IndicatorWorth) -> AdmissionVerdict:
    """The verdict on an indicator by its worth, where there is no lead to measure."""
    if saved.proven:
        return "admitted" if indicator.stage == "live" else "admit"
    return _unproven(indicator)


def _is_lagging(lead: Lead | None) -> bool:
    return lead is not None and lead.finding == "lagging"


def _unproven(indicator: Indicator) -> AdmissionVerdict:
    return "not proven" if indicator.stage == "live" else "keep in shadow"


def _of_lead(lead: Lead | None, grounds: AdmissionBasis) -> str:
    if grounds.leads is None:
        return "An opportunity has no lead time."
    return lead.sentence if lead else "A category has no riskier side, so no lead time."


def _reasons(
    indicator: Indicator, saved: IndicatorWorth, verdict: AdmissionVerdict
) -> Iterator[str]:
    verb, how = ("loses", "without") if indicator.stage == "live" else ("gains", "with")
    if saved.in_millinats is None:
        yield "Its worth to the model could not be measured: too few accounts."
    else:
        doubt = "" if saved.proven else "; not significant"
        yield f"The model {verb} {saved.in_millinats} thousandths of log loss {how} it{doubt}."
    if verdict == "lagging":
        yield "Declare it lagging, or find a measure that moves earlier."
    if verdict == "admit":
        yield 'Set stage = "live".'
    if verdict == "not proven":
        yield 'Consider stage = "shadow"; change one indicator at a time.'
