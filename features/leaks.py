"""The leak audit: whether anything in a company's tables knows the future.

Two of the three tests of `churnlight check --deep`; the third, the null world, trains models and
lives in the training room. What is found is a finding of the data usability report, of the step
`audit`. Each kind of test has one module in `features.audit`.
"""

from collections.abc import Iterable, Iterator

from features.audit import (
    farewells,
    foresight,
    notice,
    order,
    outcome_grid,
    truncation,
    written_later,
)
from features.declaring.mistakes import DECLARATION_FILE
from features.engines.on_duckdb import EngineError
from features.errors import Finding
from features.progress import Progress, silent
from features.sources import Tables
from features.structure import facts

DOUBLE_KEYS = frozenset({"duplicate_account_key", "duplicate_crosswalk_key"})


def can_be_audited(findings: Iterable[Finding]) -> bool:
    """Whether the tables can be computed with: facts that are left out hinder nobody."""
    errors = {item.name for item in findings if item.state == "error"}
    return errors <= facts.LEFT_OUT | DOUBLE_KEYS


def breaches(tables: Tables, *, progress: Progress = silent) -> Iterator[Finding]:
    """What knows the future, in tables that fulfil the data contract."""
    try:
        yield from _all(tables, progress)
    except EngineError as error:
        detail = f"the audit came to no end: {error}"
        mend = "mend what the engine names, and check again"
        yield Finding("not_audited", "audit", "error", DECLARATION_FILE, None, None, detail, mend)


def _all(tables: Tables, progress: Progress) -> Iterator[Finding]:
    yield from truncation.breaches(tables, progress)
    progress("looking for columns that were filled in afterwards")
    yield from written_later.breaches(tables)
    for outcomes in outcome_grid.outcome_grids(tables):
        yield from foresight.breaches(tables, outcomes, progress)
        progress("looking for rows that are part of the outcome")
        yield from farewells.breaches(tables, outcomes)
        yield from notice.breaches(tables, outcomes)
        yield from order.breaches(tables, outcomes)
