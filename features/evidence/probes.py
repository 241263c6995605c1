"""Every raw column of a source, asked as if it were an indicator.

What no indicator reads today is asked too: a column that knows the future is a trap for the next
one who looks for an indicator.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from features.declaring.company import Company
from features.declaring.indicator import Indicator, Measure
from features.engines.sql_text import quote
from features.engines.sql_types import is_number
from features.sources import Tables

# Texts with more different values than this are names or notes, not kinds of facts.
MOST_KINDS = 20


@dataclass(frozen=True)
class Probe:
    """A raw column of a source (none: any row of it), and the indicator that asks for it."""

    source: str
    column: str | None
    indicator: Indicator


def fact_columns(tables: Tables, source: str) -> Iterator[tuple[str, str]]:
    """The columns of a source that are facts, with their types: no key, no declared time."""
    declared = tables.company.sources[source]
    keys_and_times = [declared.account, declared.event_time, declared.known_time]
    not_facts = {column.column for column in keys_and_times if column is not None}
    for target in tables.company.targets.values():
        if target.event is not None and target.source == source:
            not_facts |= set(target.event.columns_of_the_end)
    if source == tables.company.accounts.source:
        not_facts |= {tables.company.accounts.key, *tables.company.accounts.crosswalk.values()}
    yield from (
        (name, kind) for name, kind in tables.columns[source].items() if name not in not_facts
    )


def fact_sources(company: Company) -> list[str]:
    """The sources from which facts can be taken."""
    return [
        name for name, source in company.sources.items() if source.account and source.event_time
    ]


def latest_probes(tables: Tables, source: str) -> Iterator[Probe]:
    """The last value of each column, and whether it was filled."""
    for name, kind in fact_columns(tables, source):
        plain = quote(name)
        if is_number(kind) or kind == "BOOLEAN" or _has_kinds(tables, source, name, kind):
            yield _probe(source, name, "latest", value=plain)
        if _has_gaps(tables, source, name):
            filled = f"CASE WHEN {plain} IS NULL THEN 'empty' ELSE 'filled' END"
            yield _probe(source, name, "latest", value=filled)


def row_count_probe(source: str, window: int) -> Probe:
    """How many facts of a source there were in so many days."""
    return _probe(source, None, "count", window=window)


def kind_columns(tables: Tables, source: str) -> list[str]:
    """The columns of a source that divide its facts into a few kinds."""
    return [
        name
        for name, type_ in fact_columns(tables, source)
        if _has_kinds(tables, source, name, type_)
    ]


def readers(company: Company, source: str, column: str | None) -> list[str]:
    """The indicators (with their key) that read a column of a source, or count all its rows."""
    word = re.compile(rf"\b{re.escape(column)}\b") if column else None
    readers_found = []
    for name, indicator in company.indicators.items():
        if indicator.source != source or indicator.bases():
            continue
        about = indicator.about.column if indicator.about else ""
        text = f"{indicator.where or ''} {indicator.value or ''} {about}"
        counts_all = indicator.where is None and indicator.about is None
        if (word and word.search(text)) or (word is None and counts_all):
            readers_found.append(f"indicators.{name}")
    return readers_found


def _probe(
    source: str,
    column: str | None,
    measure: Measure,
    *,
    value: str | None = None,
    window: int | None = None,
) -> Probe:
    asked = Indicator.model_validate(
        {
            "title": "probe",
            "dimension": "outcome",
            "kind": "context",
            "stage": "shadow",
            "source": source,
            "value": value,
            "measure": measure,
            "windows": () if window is None else (f"{window}d",),
            "says": "-",
        }
    )
    return Probe(source, column, asked)


def _has_kinds(tables: Tables, source: str, column: str, type_: str) -> bool:
    """Whether a column has few different values, and some."""
    if (is_number(type_) and "INT" not in type_) or type_.startswith(("DATE", "TIME")):
        return False
    query = f"SELECT count(DISTINCT {quote(column)}) FROM {quote(source)}"
    count: int = tables.engine.row(query)[0]
    return 0 < count <= MOST_KINDS


def _has_gaps(tables: Tables, source: str, column: str) -> bool:
    empty, filled = tables.engine.row(
        f"SELECT count(*) - count({quote(column)}), count({quote(column)}) FROM {quote(source)}"
    )
    return bool(empty and filled)
