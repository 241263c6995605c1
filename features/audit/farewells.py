"""Facts that are part of the leaving: kinds that only those have who go, or only after they went.

A ticket that asks for the cancellation, a form on the way out, a flag on the last contract: they
are known in time, and they say what is to be predicted. A kind is a source, or one value of one
of its columns.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from features import snapshots
from features.audit.outcome_grid import GONE, OutcomeGrid
from features.engines.sql_text import quote
from features.errors import Finding
from features.evidence import lives, probes
from features.evidence.significance import significantly_above, significantly_most, tenfold
from features.progress import Progress
from features.sources import Tables

YEAR = 365
# The share of a kind's accounts that must be gone: below it, a kind may be a strong sign.
NEARLY_ALL = 0.9


@dataclass(frozen=True)
class FactKind:
    """The accounts that have facts of a kind: how many of them went, or had gone.

    `last` counts those that went and of which the first fact of the kind was the last of the
    source; `decided` leaves out who is there and had such a last fact within a year, since nobody
    knows yet; `after` counts those whose first fact of the kind is on the day of their end or
    later.
    """

    source: str
    column: str | None
    value: str | None
    accounts: int
    decided: int
    last: int
    after: int
    usual: float

    @property
    def words(self) -> str:
        """The kind, for messages."""
        return "any row" if self.column is None else f"a row with {self.column} = {self.value!r}"


def breaches_of_target(tables: Tables, grid: OutcomeGrid, progress: Progress) -> Iterator[Finding]:
    """Kinds of facts that are the last words of who goes, or that come afterwards."""
    progress("looking for rows that are part of the outcome")
    target = tables.company.targets[grid.target]
    ended = lives.account_ends(tables, target)
    _keep_gone(tables, grid)
    kinds = [
        kind
        for source in probes.fact_sources(tables.company)
        if source != target.source or target.contractual
        for kind in _kinds(tables, grid, source, ended)
    ]
    for kind in kinds:
        bound = np.full(kind.decided, max(0.5, float(tenfold(np.array(kind.usual)))))
        if kind.after > NEARLY_ALL * kind.accounts and kind.source != target.source:
            if significantly_most(kind.after, kind.accounts, len(kinds)):
                yield _afterwards(tables, kind)
        elif kind.last > NEARLY_ALL * kind.decided and significantly_above(
            kind.last, bound, len(kinds)
        ):
            yield _last_words(tables, kind)


def _keep_gone(tables: Tables, grid: OutcomeGrid) -> None:
    """Stores the accounts of the grid, and whether they went in its time."""
    gone = (grid.outcome == GONE).any(axis=0)
    held = pa.table({"account_id": grid.accounts.tolist(), "gone": gone})
    tables.engine.register("churnlight gone", held)


def _kinds(tables: Tables, grid: OutcomeGrid, source: str, ended: str | None) -> Iterator[FactKind]:
    """The kinds of a source's facts since the first month of the grid."""
    names = probes.kind_columns(tables, source)
    facts = lives.facts_as_text(tables, source, names)
    until = snapshots.data_until(tables)
    query = (
        "SELECT facts.*, gone, ended, max(event_time) OVER whole AS last_time, "
        "count(*) OVER whole AS rows, NOT gone AND max(event_time) OVER whole >= "
        f"DATE '{until}' - INTERVAL {YEAR} DAY AS open "
        f"FROM ({facts}) AS facts JOIN {quote('churnlight gone')} USING (account_id) "
        f"LEFT JOIN ({ended or 'SELECT NULL AS account_id, NULL::TIMESTAMP AS ended'}) AS ends "
        f"USING (account_id) WHERE event_time >= DATE '{grid.months[0]}' "
        f"AND event_time < DATE '{until}' WINDOW whole AS (PARTITION BY account_id)"
    )
    tables.engine.keep("churnlight kinds", query)
    for name in [None, *names]:
        yield from _of_column(tables, grid, source, name)


def _of_column(
    tables: Tables, grid: OutcomeGrid, source: str, column: str | None
) -> Iterator[FactKind]:
    value = "NULL::VARCHAR" if column is None else quote(column)
    given = "TRUE" if column is None else f"{value} IS NOT NULL"
    first = (
        f"SELECT {value} AS value, account_id, any_value(gone) AS gone, any_value(rows) AS rows, "
        "min(event_time) AS first_time, any_value(last_time) AS last_time, "
        "any_value(open) AS open, "
        f"any_value(ended) AS ended FROM {quote('churnlight kinds')} WHERE {given} GROUP BY ALL"
    )
    # A source as a whole is no last word of itself; whether its accounts went is what it can say.
    is_last = "gone" if column is None else "gone AND first_time = last_time"
    decided = "TRUE" if column is None else "NOT (open AND first_time = last_time)"
    after = "coalesce(CAST(first_time AS DATE) >= CAST(ended AS DATE), FALSE)"
    counted = tables.engine.rows(
        f"SELECT value, count(*) AS accounts, count(*) FILTER (WHERE {decided}) AS decided, "
        f"count(*) FILTER (WHERE {is_last}) AS last, "
        f"count(*) FILTER (WHERE {after}) AS after FROM ({first}) GROUP BY value ORDER BY value"
    )
    usual = _usual(tables, grid, column)
    for row in counted.to_pylist():
        counts = (row["accounts"], row["decided"], row["last"], row["after"])
        yield FactKind(source, column, row["value"], *counts, usual)


def _usual(tables: Tables, grid: OutcomeGrid, column: str | None) -> float:
    """The share of who went, or of rows that are the last one of who went, drawn by account."""
    if column is None:
        return float((grid.outcome == GONE).any(axis=0).mean())
    by_account = (
        "SELECT any_value(gone)::INT / any_value(rows) AS last, "
        "1 - any_value(open)::INT / any_value(rows) AS decided "
        f"FROM {quote('churnlight kinds')} GROUP BY account_id"
    )
    share = tables.engine.row(f"SELECT sum(last) / nullif(sum(decided), 0) FROM ({by_account})")[0]
    return float(share or 0.0)


def _last_words(tables: Tables, kind: FactKind) -> Finding:
    detail = (
        f"{kind.last:,} of {kind.decided:,} accounts with {kind.words} left, and "
        f"{'' if kind.column is None else 'it was their last row; '}{kind.usual:.0%} is usual: "
        "it records the leaving instead of predicting it"
    )
    return _finding(tables, kind, "part_of_the_outcome", detail)


def _afterwards(tables: Tables, kind: FactKind) -> Finding:
    detail = (
        f"of {kind.accounts:,} accounts with {kind.words}, {kind.after:,} had already left when "
        "it first appeared: it separates accounts only after the event"
    )
    return _finding(tables, kind, "only_after_the_end", detail)


def _finding(tables: Tables, kind: FactKind, name: str, statement: str) -> Finding:
    detail = f"{tables.location(kind.source)}: {statement}"
    concerned = (kind.source, kind.column, kind.accounts)
    if readers := _readers(tables, kind):
        fix = f"exclude it from {', '.join(readers)}: where = …"
        return Finding(name, "audit", "error", *concerned, detail, fix)
    fix = "do not use it in an indicator"
    return Finding(
        name, "audit", "warning", *concerned, f"{detail}; no indicator reads it yet", fix
    )


def _readers(tables: Tables, kind: FactKind) -> list[str]:
    """Who reads the column; a text is a kind of row, so that who counts all rows counts it, too."""
    company = tables.company
    readers = probes.readers(company, kind.source, kind.column)
    if kind.column is not None and tables.columns[kind.source][kind.column] == "VARCHAR":
        readers += probes.readers(company, kind.source, None)
    return list(dict.fromkeys(readers))
