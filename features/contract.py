"""The data contract: what a company's tables must fulfil, and every breach of it at once.

A breach is a finding, never an exception; only `require` and `sound`, which guard a computation,
raise. Each kind of breach has one module in `features.breaches`.
"""

from collections.abc import Callable

from features import sources
from features.breaches import facts, lint, measures, outcomes, structure
from features.breaches.outcomes import MIN_CHURNERS, Outcomes, count, too_few
from features.breaches.structure import require, sound
from features.company import Company
from features.errors import Finding
from features.sources import Tables

__all__ = [
    "MIN_CHURNERS",
    "Outcomes",
    "check",
    "check_tables",
    "count",
    "require",
    "sound",
    "too_few",
]

ORDER = {"error": 0, "warning": 1, "advice": 2}
Progress = Callable[[str], None]


def check(company: Company, *, progress: Progress = lambda step: None) -> list[Finding]:
    """The data usability report of a company: every finding, errors first.

    What the user's tables and declaration say wrong is a finding each; later checks run where
    the earlier ones leave something to ask.
    """
    with sources.opened(company) as tables:
        return check_tables(tables, progress=progress)


def check_tables(tables: Tables, *, progress: Progress = lambda step: None) -> list[Finding]:
    """As `check`, of tables that are open already."""
    progress("checking the tables")
    first = structure.unreadable(tables)
    ground = structure.standing(tables, first)
    found = [*first, *structure.wrong(ground), *facts.duplicates(ground)]
    errors = [item for item in found if item.state == "error"]
    if all(item.detail.startswith("indicators.") for item in errors):
        progress("counting outcomes")
        found += outcomes.breaches(tables)
    if not errors:
        progress("measuring indicators")
        found += measures.breaches(tables)
    found += lint.breaches(tables.company)
    return sorted(found, key=lambda item: ORDER[item.state])
