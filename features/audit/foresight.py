"""Columns that told long before who would leave: written, or rewritten, when it had happened.

What a column said on a month start is held against who left at least half a year later and who
was still there at the end. An honest column may well separate the two (a plan, a size), but not
by more than tenfold odds; a flag that was rewritten after the churn separates them perfectly, at
any distance.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from features import snapshots
from features.audit import outcome_grid as outcomes
from features.audit.groups import GroupOutcome, Mask, groups, strongest
from features.audit.outcome_grid import GONE, LEAD_DAYS, OUT, STAYED, OutcomeGrid
from features.declaring.mistakes import DECLARATION_FILE
from features.errors import Finding
from features.evidence import probes
from features.progress import Progress
from features.sources import Tables

NAME = "knows_the_future"


@dataclass(frozen=True)
class AuditedColumn:
    """Where a column stands, and the indicators (with their keys) that it moves."""

    table: str
    column: str
    said: str
    readers: tuple[str, ...]


@dataclass(frozen=True)
class LaterOutcomes:
    """Who was still there `LEAD_DAYS` after each month, and who of them left in the end.

    `seen` and `gone` are months × accounts; all who are gone were seen.
    """

    seen: Mask
    gone: Mask


def later_outcomes(grid: OutcomeGrid) -> LaterOutcomes | None:
    """What became of the accounts long after each month; none if the history is too short."""
    lead = grid.lead
    if lead is None:
        return None
    seen, gone = np.zeros(grid.outcome.shape, bool), np.zeros(grid.outcome.shape, bool)
    for month in range(len(grid.months) - lead):
        ahead = grid.outcome[month + lead :]
        gone[month] = (ahead == GONE).any(axis=0)
        stayed = (ahead[-1] == STAYED) & ~gone[month]
        seen[month] = grid.there[month] & (ahead[0] != OUT) & (gone[month] | stayed)
    return LaterOutcomes(seen, gone & seen)


def breaches_of_target(tables: Tables, grid: OutcomeGrid, progress: Progress) -> Iterator[Finding]:
    """Indicators, segments and raw columns that told the outcome half a year ahead."""
    then = later_outcomes(grid)
    if then is None:
        yield _too_short(tables, grid)
        return
    asked = [
        (place, values, list(groups(values, then.seen)))
        for place, values in _columns(tables, grid, progress)
    ]
    tests = max(sum(len(found) for _, _, found in asked), 1)
    for place, _, found in asked:
        told = strongest(found, then.seen, then.gone, tests)
        if told is not None:
            yield _finding(tables, grid, place, told)


def _columns(
    tables: Tables, grid: OutcomeGrid, progress: Progress
) -> Iterator[tuple[AuditedColumn, npt.NDArray[Any]]]:
    company = tables.company
    progress("testing indicators against departures half a year later")
    own = outcomes.snapshots_if(tables, grid.months, targets={})
    for column in own.columns:
        key = f"indicators.{column.indicator}"
        place = AuditedColumn(DECLARATION_FILE, column.name, f"{key} ({column.name})", (key,))
        yield place, grid.spread(own.table, column.name)
    segment = company.accounts.attributes.segment
    if company.segments:
        place = AuditedColumn(DECLARATION_FILE, "segments", "the segment", ("segments",))
        yield place, grid.spread(own.table, "segment")
    elif segment is not None:
        place = AuditedColumn(
            company.accounts.source, segment, "the segment", ("attributes.segment",)
        )
        yield place, grid.spread(own.table, "segment")
    for source in probes.fact_sources(company):
        progress(f"testing columns of {source} against departures half a year later")
        yield from _raw(tables, grid, source)


def _raw(
    tables: Tables, grid: OutcomeGrid, source: str
) -> Iterator[tuple[AuditedColumn, npt.NDArray[Any]]]:
    asked = {f"probe{n}": probe for n, probe in enumerate(probes.latest_probes(tables, source))}
    if not asked:
        return
    built = _built(tables, grid, asked)
    for column in built.columns:
        probe = asked[column.indicator]
        name = str(probe.column)
        readers = probes.readers(tables.company, source, name)
        place = AuditedColumn(source, name, f"the latest {name}", tuple(readers))
        yield place, grid.spread(built.table, column.name)


def _built(
    tables: Tables, grid: OutcomeGrid, asked: dict[str, probes.Probe]
) -> snapshots.Snapshots:
    plain = {name: probe.indicator for name, probe in asked.items()}
    return outcomes.probe_snapshots(tables, grid.months, plain)


def _finding(
    tables: Tables, grid: OutcomeGrid, place: AuditedColumn, told: GroupOutcome
) -> Finding:
    company = tables.company
    file = tables.location(place.table) if place.table in company.sources else DECLARATION_FILE
    detail = (
        f"{file}: of {told.accounts:,} accounts where {place.said} {told.group.words}, "
        f"{told.gone:,} left, all of them {LEAD_DAYS} days or more later (usual: {told.usual:.0%}; "
        f"targets.{grid.target}): the value was written after they left"
    )
    if not place.readers:
        mend = "do not use it in an indicator; get the column's history, with times of its changes"
        return _told("warning", place, told, f"{detail}; no indicator reads it yet", mend)
    mend = f"remove it from {', '.join(place.readers)}, or provide the history of its changes"
    return _told("error", place, told, detail, mend)


def _told(state: Any, place: AuditedColumn, told: GroupOutcome, detail: str, mend: str) -> Finding:
    return Finding(NAME, "audit", state, place.table, place.column, told.accounts, detail, mend)


def _too_short(tables: Tables, grid: OutcomeGrid) -> Finding:
    source = tables.company.targets[grid.target].source
    detail = (
        f"targets.{grid.target}: the mature month starts, {grid.months[0]} to {grid.months[-1]}, "
        f"span less than {LEAD_DAYS} days: too short to see which columns know the future"
    )
    mend = "provide a longer history"
    return Finding("not_audited", "audit", "advice", source, None, None, detail, mend)
