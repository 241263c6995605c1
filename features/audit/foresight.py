"""Columns that named long before who would leave: written, or rewritten, when it had happened.

What a column said on a month start is compared with who left at least half a year later and who
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
    """A column's table and name, and the indicators (with their keys) that it moves."""

    table: str
    column: str
    words: str
    readers: tuple[str, ...]


@dataclass(frozen=True)
class LaterOutcomes:
    """Who was still there `LEAD_DAYS` after each month, and who of them left in the end.

    `seen` and `gone` are months × accounts; all who are gone were seen.
    """

    seen: Mask
    gone: Mask


def later_outcomes(grid: OutcomeGrid) -> LaterOutcomes | None:
    """The outcome of the accounts long after each month; none if the history is too short."""
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
    """Indicators, segments and raw columns that reveal the outcome half a year ahead."""
    then = later_outcomes(grid)
    if then is None:
        yield _too_short(tables, grid)
        return
    asked = [
        (column, values, list(groups(values, then.seen)))
        for column, values in _columns(tables, grid, progress)
    ]
    tests = max(sum(len(candidates) for _, _, candidates in asked), 1)
    for column, _, candidates in asked:
        outcome = strongest(candidates, then.seen, then.gone, tests)
        if outcome is not None:
            yield _finding(tables, grid, column, outcome)


def _columns(
    tables: Tables, grid: OutcomeGrid, progress: Progress
) -> Iterator[tuple[AuditedColumn, npt.NDArray[Any]]]:
    company = tables.company
    progress("testing indicators against departures half a year later")
    declared = outcomes.snapshots_if(tables, grid.months, targets={})
    for column in declared.columns:
        key = f"indicators.{column.indicator}"
        audited = AuditedColumn(DECLARATION_FILE, column.name, f"{key} ({column.name})", (key,))
        yield audited, grid.on_grid(declared.table, column.name)
    segment = company.accounts.attributes.segment
    if company.segments:
        audited = AuditedColumn(DECLARATION_FILE, "segments", "the segment", ("segments",))
        yield audited, grid.on_grid(declared.table, "segment")
    elif segment is not None:
        audited = AuditedColumn(
            company.accounts.source, segment, "the segment", ("attributes.segment",)
        )
        yield audited, grid.on_grid(declared.table, "segment")
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
        audited = AuditedColumn(source, name, f"the latest {name}", tuple(readers))
        yield audited, grid.on_grid(built.table, column.name)


def _built(
    tables: Tables, grid: OutcomeGrid, asked: dict[str, probes.Probe]
) -> snapshots.Snapshots:
    plain = {name: probe.indicator for name, probe in asked.items()}
    return outcomes.probe_snapshots(tables, grid.months, plain)


def _finding(
    tables: Tables, grid: OutcomeGrid, column: AuditedColumn, outcome: GroupOutcome
) -> Finding:
    company = tables.company
    file = tables.location(column.table) if column.table in company.sources else DECLARATION_FILE
    detail = (
        f"{file}: of {outcome.accounts:,} accounts where {column.words} {outcome.group.words}, "
        f"{outcome.gone:,} left, all of them {LEAD_DAYS} days or more later "
        f"(usual: {outcome.usual:.0%}; targets.{grid.target}): the value was written afterwards"
    )
    if not column.readers:
        fix = "do not use it in an indicator; get the column's history, with times of its changes"
        return _audit_finding(
            "warning", column, outcome, f"{detail}; no indicator reads it yet", fix
        )
    fix = f"remove it from {', '.join(column.readers)}, or provide the history of its changes"
    return _audit_finding("error", column, outcome, detail, fix)


def _audit_finding(
    state: Any, column: AuditedColumn, outcome: GroupOutcome, detail: str, fix: str
) -> Finding:
    return Finding(NAME, "audit", state, column.table, column.column, outcome.accounts, detail, fix)


def _too_short(tables: Tables, grid: OutcomeGrid) -> Finding:
    source = tables.company.targets[grid.target].source
    detail = (
        f"targets.{grid.target}: the mature month starts, {grid.months[0]} to {grid.months[-1]}, "
        f"span less than {LEAD_DAYS} days: too short to see which columns know the future"
    )
    fix = "provide a longer history"
    return Finding("not_audited", "audit", "advice", source, None, None, detail, fix)
