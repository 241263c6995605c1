"""Which indicators earn their place: by weight, lead, coverage and what the model loses without.

A new indicator starts in shadow. It is admitted when the model is surely better with it out of
time and, where it is declared leading, when it surely leads by the target's gap. Before an
opportunity there is no lead to measure, and worth alone decides. Each is judged beside all the
others, so two that say the same may both look dispensable: move one at a time and measure again.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Literal

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
from training.artifact import Artifact, champion, require_same_meaning
from training.explaining.drivers import by_indicator
from training.indicators import ablation
from training.indicators.ablation import Worth
from training.learning.matrix import matrix

Verdict = Literal["admitted", "admit", "keep in shadow", "lagging", "not proven"]


@dataclass(frozen=True)
class Evidence:
    """What speaks for an indicator, and what follows.

    `weight` is its share of the mean absolute points of all drivers over the accounts
    that are scored today, `points` those points themselves; both null in shadow. `worth` is the
    log loss that the model saves by it. `lead` is null for categories.
    """

    indicator: str
    title: str
    kind: Kind
    stage: Stage
    weight: float | None
    points: float | None
    lead: Lead | None
    worth: Worth
    verdict: Verdict
    why: str


@dataclass(frozen=True)
class Admission:
    """The evidence on every live and shadow indicator of a target, the heaviest first."""

    target: str
    model_version: str
    as_of: str
    gap_days: int
    step_days: int | None
    judged_on: str
    evidence: tuple[Evidence, ...]

    def plain(self) -> dict[str, Any]:
        """The same as JSON values; of the curves, only the point at the gap."""
        content = asdict(self)
        for item in content["evidence"]:
            for key in ("curves", "segments") if item["lead"] else ():
                del item["lead"][key]
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
        The promoted model learnt from something else than what is declared today.
    GateRefused
        There is too little to try a model on.
    """
    workspace = settings.workspace_of(company)
    models = {target: champion(workspace, target) for target in targets}
    for artifact in models.values():
        require_same_meaning(artifact, company)
    with contract.sound(company) as tables:
        until = snapshots.data_until(tables)
        return [
            _judge(_gather(tables, artifact, until, progress), progress)
            for artifact in models.values()
        ]


@dataclass(frozen=True)
class AdmissionBasis:
    """What a target's indicators are judged on."""

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
    looked = built.on(weeks)
    events = measure.churned(tables, target)
    ground = measure.ground(looked, company, events, measure.STEP, segments=False)
    leads = measure.measure(looked, ground, progress=progress)
    return AdmissionBasis(company, artifact, built, until, months, leads)


def _judge(grounds: AdmissionBasis, progress: Progress) -> Admission:
    company, artifact = grounds.company, grounds.artifact
    progress("retraining with every indicator")
    trial = ablation.trial(grounds.built, company, artifact.target, grounds.months)
    base = trial.losses(trial.live)
    weights = weigh(artifact, grounds.built.at(grounds.until))
    found = []
    for name, item in company.staged("live", "shadow").items():
        progress(f"retraining {'without' if item.stage == 'live' else 'with'} {name}")
        saved = ablation.worth(trial, name, base)
        found.append(_evidence(name, item, grounds, weights.get(name), saved))
    return Admission(
        target=artifact.target,
        model_version=artifact.version,
        as_of=str(grounds.until),
        gap_days=artifact.gap_days,
        step_days=grounds.leads.step_days if grounds.leads else None,
        judged_on=trial.judged_on,
        evidence=tuple(sorted(found, key=_rank)),
    )


def _rank(item: Evidence) -> tuple[float, float]:
    return -(item.weight or 0.0), -(item.worth.value or 0.0)


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
        name: (float(worth / points.sum()), float(worth))
        for name, worth in zip(names, points, strict=True)
    }


def _evidence(
    name: str,
    item: Indicator,
    grounds: AdmissionBasis,
    weight: tuple[float, float] | None,
    saved: Worth,
) -> Evidence:
    lead = grounds.leads.of(name) if grounds.leads else None
    share, points = weight or (None, None)
    verdict = decide(item, lead, saved) if grounds.leads else by_worth(item, saved)
    return Evidence(
        indicator=name,
        title=item.title,
        kind=item.kind,
        stage=item.stage,
        weight=share,
        points=points,
        lead=lead,
        worth=saved,
        verdict=verdict,
        why=" ".join([_of_lead(lead, grounds), *_reasons(item, saved, verdict)]),
    )


def decide(item: Indicator, lead: Lead | None, saved: Worth) -> Verdict:
    """What follows from an indicator's lead and its worth.

    What is declared leading and was measured not to lead is lagging, whatever else it brings; it
    may be declared so and then be admitted for its worth alone, as context is.
    """
    leads = lead is not None and lead.finding == "leading"
    measured = lead is not None and lead.finding != "not measured"
    if item.kind == "leading" and measured and not leads:
        return "lagging" if saved.proven or _nearer(lead) else _unproven(item)
    if saved.proven and (leads or item.kind != "leading"):
        return "admitted" if item.stage == "live" else "admit"
    if item.stage == "live" and leads and item.kind == "leading":
        return "admitted"
    return _unproven(item)


def by_worth(item: Indicator, saved: Worth) -> Verdict:
    """What follows from an indicator's worth where there is no lead to ask for."""
    if saved.proven:
        return "admitted" if item.stage == "live" else "admit"
    return _unproven(item)


def _nearer(lead: Lead | None) -> bool:
    return lead is not None and lead.finding == "lagging"


def _unproven(item: Indicator) -> Verdict:
    return "not proven" if item.stage == "live" else "keep in shadow"


def _of_lead(lead: Lead | None, grounds: AdmissionBasis) -> str:
    if grounds.leads is None:
        return "An opportunity has no lead time."
    return lead.told if lead else "A category: it has no riskier side and no curve."


def _reasons(item: Indicator, saved: Worth, verdict: Verdict) -> Iterator[str]:
    verb, how = ("loses", "without") if item.stage == "live" else ("gains", "with")
    if saved.told is None:
        yield "What the model gains by it could not be measured."
    else:
        sure = "" if saved.proven else ", which may be nothing"
        yield f"The model {verb} {saved.told} thousandths of log loss {how} it{sure}."
    if verdict == "lagging":
        yield "Declare it lagging, or look for a measure that moves earlier."
    if verdict == "admit":
        yield 'Set stage = "live".'
    if verdict == "not proven":
        yield 'It may go back to stage = "shadow"; change one at a time.'
