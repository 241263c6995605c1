"""The data contract: what a company's tables must fulfil, and every breach of it at once.

A breach is a finding, never an exception; only `require_sound` and `sound_tables`, which guard a
computation, raise. Each kind of breach has one module in `features.breaches`.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from features import sources
from features.breaches import (
    coverage,
    drift,
    ends,
    lateness,
    lint,
    outcomes,
    reach,
    uninformative,
    units,
)
from features.breaches.outcomes import MIN_CHURNERS
from features.declaring.company import Company
from features.errors import Finding
from features.progress import Progress, silent
from features.sources import Tables
from features.structure import facts, soundness
from features.structure.soundness import require_sound, sound_tables

__all__ = [
    "MIN_CHURNERS",
    "check",
    "check_tables",
    "ordered",
    "require_sound",
    "sound_tables",
    "verdict",
]

ORDER = {"error": 0, "warning": 1, "advice": 2}


def check(company: Company, *, progress: Progress = silent) -> list[Finding]:
    """The data usability report of a company: every finding, errors first.

    What the user's tables and declaration say wrong is a finding each; later checks run where
    the earlier ones leave something to ask.
    """
    with sources.open_tables(company) as tables:
        return check_tables(tables, progress=progress)


def check_tables(tables: Tables, *, progress: Progress = silent) -> list[Finding]:
    """As `check`, of tables that are open already."""
    progress("checking the tables")
    first = soundness.unreadable_tables(tables)
    ground = soundness.readable_tables(tables, first)
    found = [
        *first,
        *soundness.inconsistencies(ground),
        *facts.duplicates(ground),
        *lateness.breaches(ground),
    ]
    errors = [item for item in found if item.state == "error"]
    if all(item.step == "features" for item in errors):
        progress("counting outcomes")
        found += outcomes.breaches(tables)
    if not errors:
        found += reach.breaches(tables)
        progress("measuring indicators")
        found += uninformative.breaches(tables)
    if not errors and all(item.name != "not_computable" for item in found):
        progress("looking for changes")
        for more in (ends, units, drift, coverage):
            found += more.breaches(tables)
    found += lint.breaches(tables.company)
    return ordered(found)


def ordered(findings: Iterable[Finding]) -> list[Finding]:
    """The findings, errors first."""
    return sorted(findings, key=lambda item: ORDER[item.state])


def verdict(findings: Sequence[Finding]) -> str:
    """How many findings of each state there are, and what follows, in one line."""
    counts = Counter[str](item.state for item in findings)
    told = f"errors: {counts['error']}, warnings: {counts['warning']}, advice: {counts['advice']}"
    return f"{told}; {'mend the errors first' if counts['error'] else 'the tables can be used'}"
