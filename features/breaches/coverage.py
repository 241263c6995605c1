"""How fresh each source is and how many accounts it covers, by segment."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features import snapshots
from features.assembling import reach
from features.breaches.reach import QUIET_DAYS
from features.breaches.rounds import Round
from features.errors import Finding
from features.evidence import lives, probes
from features.evidence.significance import FAMILY
from features.plurals import counted
from features.sources import Tables

ROUND = Round.COMPUTABLE

RECENT_DAYS = 90
MOST_SEGMENTS = 6


@dataclass(frozen=True)
class Coverage:
    """Of the active accounts of each segment, how many had a fact of a source lately."""

    source: str
    segments: tuple[tuple[str, int, int], ...]

    @property
    def total(self) -> tuple[int, int]:
        """Accounts with a fact, and all."""
        return sum(hit for _, hit, _ in self.segments), sum(those for _, _, those in self.segments)


def breaches(tables: Tables) -> Iterator[Finding]:
    """Segments that a source leaves out or stopped covering, and the figures of every source."""
    until = snapshots.data_until(tables)
    by_source = _covered(tables, until)
    rhythms = {covered.source: _rhythms(tables, covered.source, until) for covered in by_source}
    for covered in by_source:
        yield from _left_out(tables, covered, rhythms[covered.source])
    for covered in by_source:
        yield from _stopped(tables, covered.source, rhythms[covered.source], len(by_source))
    for covered in by_source:
        yield _figures(tables, covered, until)


def _covered(tables: Tables, until: date) -> list[Coverage]:
    """Counted by the same code that measures indicators, as if each source were one."""
    company = tables.company
    asked = {f"probe{n}": name for n, name in enumerate(probes.fact_sources(company))}
    counts = {
        probe: probes.row_count_probe(source, RECENT_DAYS).indicator
        for probe, source in asked.items()
    }
    probing = company.model_copy(update={"indicators": counts})
    built = snapshots.build_from(replace(tables, company=probing), [until])
    active = built.table.filter(_eligible(built.table))
    segments = np.array(active["segment"].to_pylist(), str)
    covered = []
    for column in built.columns:
        hit = pc.greater(pc.fill_null(active[column.name], 0), 0).to_numpy()
        by_segment = tuple(
            (str(name), int(hit[segments == name].sum()), int((segments == name).sum()))
            for name in np.unique(segments)
        )
        covered.append(Coverage(asked[column.indicator], by_segment))
    return covered


def _eligible(table: pa.Table) -> pa.ChunkedArray:
    """Accounts that any target asks about."""
    flags = [table[name] for name in table.column_names if name.startswith("eligible__")]
    either = flags[0]
    for flag in flags[1:]:
        either = pc.or_(either, flag)
    return either


def _left_out(
    tables: Tables, covered: Coverage, rhythms: Sequence[Mapping[str, Any]]
) -> Iterator[Finding]:
    """Segments that never had a fact, where by the share of the others some should have.

    The share of the others is what to expect of a segment only where it has no rhythm of its own:
    annual contracts renew once a year, however many monthly ones renew in 90 days. A segment that
    had facts is compared with its own past, by `_stopped`.
    """
    hits, accounts = covered.total
    had_facts = {row["segment"] for row in rhythms}
    for name, _, those in covered.segments:
        others = accounts - those
        if name not in had_facts and others and (1 - hits / others) ** those < FAMILY:
            detail = (
                f"{tables.location(covered.source)}: no account of segment {name!r} ({those:,}) "
                f"ever had a fact; {hits:,} of the other {others:,} had one in the last "
                f"{RECENT_DAYS} days"
            )
            fix = f"add the rows of {name!r}; until then its accounts look silent"
            where = (covered.source, None, those)
            yield Finding("segment_left_out", "sources", "warning", *where, detail, fix)


def _rhythms(tables: Tables, source: str, until: date) -> list[dict[str, Any]]:
    """Per segment with facts: their first and last day, on how many, and the longest silence."""
    days = (
        "SELECT DISTINCT segment, CAST(known_time AS DATE) AS day "
        f"FROM ({lives.facts_by_account(tables, source)}) WHERE known_time < DATE '{until}'"
    )
    rows: list[dict[str, Any]] = tables.engine.rows(
        "SELECT segment, min(day) AS first, max(day) AS last, count(*) AS days, "
        "coalesce(max(silence), 0) AS longest FROM (SELECT *, date_diff('day', lag(day) OVER "
        f"(PARTITION BY segment ORDER BY day), day) AS silence FROM ({days})) "
        "GROUP BY segment ORDER BY segment"
    ).to_pylist()
    return rows


def _stopped(
    tables: Tables, source: str, rhythms: Sequence[Mapping[str, Any]], tests: int
) -> Iterator[Finding]:
    """Segments whose facts ended, though the source goes on for the others."""
    freshest = max((row["last"] for row in rhythms), default=None)
    for row in rhythms:
        quiet, span = (freshest - row["last"]).days, (row["last"] - row["first"]).days + 1
        chance = (1 - row["days"] / (span + 1)) ** quiet
        if quiet > max(QUIET_DAYS, row["longest"]) and chance < FAMILY / tests:
            detail = (
                f"{tables.location(source)}: the facts of segment {row['segment']!r} end on "
                f"{row['last']}, those of others on {freshest}; the segment was never silent that "
                "long before"
            )
            fix = f"add the rows of {row['segment']!r} up to {freshest}"
            where = (source, None, None)
            yield Finding("segment_ends_early", "sources", "warning", *where, detail, fix)


def _figures(tables: Tables, covered: Coverage, until: date) -> Finding:
    hits, accounts = covered.total
    reached = reach.of_source(tables, covered.source)
    last = min(reached.last, until) if reached else None
    shares = [f"{name} {hit / those:.0%}" for name, hit, those in covered.segments if those]
    listed = f" ({', '.join(shares[:MOST_SEGMENTS])})" if len(shares) > 1 else ""
    fresh = ""
    if last is not None:
        fresh = f"facts up to {last}, {counted((until - last).days, 'day')} before data_until; "
    detail = (
        f"{tables.location(covered.source)}: {fresh}{hits:,} of {accounts:,} active accounts have "
        f"one in the last {RECENT_DAYS} days{listed}"
    )
    fix = "for your information: does this match what you expect?"
    return Finding("coverage", "sources", "advice", covered.source, None, None, detail, fix)
