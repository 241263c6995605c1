"""`measure`: from point-in-time rows to the lead times of every indicator."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from features import clock, snapshots
from features.assembling import churn_days
from features.breaches.outcomes import MIN_CHURNERS
from features.declaring.company import Company
from features.lead_times import findings, risk_sets
from features.lead_times.certificate import LEVEL
from features.lead_times.curves import Comparison, Track, compare, curve
from features.lead_times.family import family_of
from features.lead_times.findings import Lead, LeadTimes
from features.progress import Progress, silent
from features.snapshots import Snapshots
from features.sources import Tables

Floats = npt.NDArray[np.float64]

STEP_DAYS = 7
MODEL = "model"


@dataclass(frozen=True)
class Churned:
    """When accounts churned from a target, when they were active, and until when that is settled.

    `days` and `activity` are what `features.assembling.churn_days` says of the target.
    """

    target: str
    days: pa.Table
    activity: pa.Table | None
    known_until: date


def churned(tables: Tables, target: str) -> Churned:
    """The churns of a target in the company's tables."""
    declared = tables.company.targets[target]
    return Churned(
        target,
        churn_days.of_churn(tables, target),
        churn_days.of_activity(tables, target),
        clock.churns_known_until(declared, snapshots.data_until(tables)),
    )


def as_of_dates(tables: Tables, target: str, step: int = STEP_DAYS) -> list[date]:
    """As-of dates `step` days apart, as long as churns are settled.

    The first has `min_history` days of complete tables before it.
    """
    until = snapshots.data_until(tables)
    last = clock.churns_known_until(tables.company.targets[target], until)
    first = snapshots.data_from(tables) + timedelta(days=tables.company.bands.min_history)
    return clock.evenly_spaced(first, last, step)


@dataclass(frozen=True)
class LeadComparisons:
    """The basis of every curve of a target: one comparison of all accounts, one per segment."""

    company: Company
    target: str
    everyone: Comparison
    segments: tuple[Comparison, ...]


def compare_groups(
    built: Snapshots, company: Company, events: Churned, step: int, *, segments: bool = True
) -> LeadComparisons:
    """The comparisons on the as-of dates in `built`, per segment where enough accounts churned."""
    panel = risk_sets.risk_panel(
        built.table, events.target, events.days, events.activity, events.known_until
    )
    gap = company.targets[events.target].gap
    everyone = compare(panel, gap, step)
    names = sorted(set(panel.segment)) if segments else []
    parts = [compare(panel, gap, step, name) for name in names] if len(names) > 1 else []
    enough = [part for part in parts if part.churners(part.place_of_gap) >= MIN_CHURNERS]
    return LeadComparisons(company, events.target, everyone, tuple(enough))


def measure(
    built: Snapshots,
    stands_on: LeadComparisons,
    *,
    step: int = STEP_DAYS,
    progress: Progress = silent,
) -> LeadTimes:
    """The lead times of every indicator that has a number, on the as-of dates in `built`.

    Parameters
    ----------
    stands_on : Ground
        What `compare_groups` made of the same rows.
    step : int
        Width of the lags in days; at least the distance of the as-of dates, or lags stay empty.
    """
    company, target = stands_on.company, stands_on.target
    leads = []
    for name, tracks in _tracks(built, company).items():
        progress(f"measuring the lead time of {name}")
        leads.append(lead(name, tracks, stands_on))
    days = sorted(pc.unique(built.table["as_of"]).to_pylist())
    return LeadTimes(
        target=target,
        gap_days=company.targets[target].gap,
        step_days=step,
        as_of=tuple(str(day) for day in days),
        churners=_churners(stands_on.everyone),
        level=LEVEL,
        silence_days=findings.silence_of(company.targets[target]),
        leads=tuple(leads),
        model=None,
        skipped={
            column.name: "a category has no riskier side"
            for column in built.columns
            if column.dtype == "category"
        },
    )


def _tracks(built: Snapshots, company: Company) -> Mapping[str, Sequence[Track]]:
    """Per indicator the numeric columns, each with the share of the certificate it can have."""
    tracks: dict[str, list[Track]] = {}
    numeric = [column for column in built.columns if column.dtype == "number"]
    for column in numeric:
        siblings = sum(other.indicator == column.indicator for other in numeric)
        values = built.table[column.name].to_numpy().astype(np.float64)
        healthy = company.indicators[column.indicator].healthy
        tracks.setdefault(column.indicator, []).append(
            Track(column.name, column.window, values, healthy, siblings)
        )
    return tracks


def lead(name: str, tracks: Sequence[Track], stands_on: LeadComparisons) -> Lead:
    """The lead that the curves of an indicator's columns, or of the model's margin, show."""
    target = stands_on.company.targets[stands_on.target]
    indicator = stands_on.company.indicators.get(name)
    curves = findings.best_first([curve(track, stands_on.everyone) for track in tracks], target.gap)
    best = curves[0]
    track = next(track for track in tracks if track.column == best.column)
    finding = findings.classify(best, target.gap)
    silence = findings.silence_of(target)
    return Lead(
        name=name,
        title=indicator.title if indicator else "The model, out of time",
        family=family_of(name, stands_on.company) if indicator else MODEL,
        declared=indicator.kind if indicator else None,
        stage=indicator.stage if indicator else None,
        finding=finding,
        lead_days=best.lead_days,
        open_ended=best.open_ended,
        definitional=silence is not None
        and best.lead_days is not None
        and best.lead_days < silence,
        headline=indicator is not None and findings.may_head(indicator, finding),
        column=best.column,
        at_gap=best.from_day(target.gap),
        curves=tuple(curves),
        segments=tuple(curve(track, part) for part in stands_on.segments),
        sentence=findings.lead_sentence(
            indicator.kind if indicator else None, best, finding, target
        ),
    )


def _churners(comparison: Comparison) -> int:
    """Accounts that churned at any lag of the grid."""
    seen = [comparison.panel.account[pairs.churner] for pairs in comparison.pairs]
    return len(np.unique(np.concatenate(seen)))
