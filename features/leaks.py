"""The leak audit: whether anything in a company's tables knows the future.

Two of the three tests of `churnlight check --deep`; the third, the null world, trains models and
is part of the training room. Each leak is a finding of the data usability report, of the step
`audit`. Each kind of leak is one module of `features.audit`, found by its file.
"""

from collections.abc import Iterable, Iterator

from features import audit
from features.audit.outcome_grid import outcome_grids
from features.declaring.mistakes import DECLARATION_FILE
from features.discovery import modules_defining
from features.engines.on_duckdb import EngineError
from features.errors import Finding
from features.progress import Progress, silent
from features.sources import Tables
from features.structure import facts

DOUBLE_KEYS = frozenset({"duplicate_account_key", "duplicate_crosswalk_key"})


def can_be_audited(findings: Iterable[Finding]) -> bool:
    """Whether the tables can be computed with: facts that are left out hinder nobody."""
    errors = {finding.name for finding in findings if finding.state == "error"}
    return errors <= facts.LEFT_OUT | DOUBLE_KEYS


def breaches(tables: Tables, *, progress: Progress = silent) -> Iterator[Finding]:
    """Leaks of the future into tables that fulfil the data contract."""
    try:
        yield from _all(tables, progress)
    except EngineError as error:
        detail = f"the audit could not finish: {error}"
        fix = "fix what the engine names and check again"
        yield Finding("not_audited", "audit", "error", DECLARATION_FILE, None, None, detail, fix)


def _all(tables: Tables, progress: Progress) -> Iterator[Finding]:
    for module in modules_defining("breaches", audit):
        yield from module.breaches(tables, progress)
    for grid in outcome_grids(tables):
        for module in modules_defining("breaches_of_target", audit):
            yield from module.breaches_of_target(tables, grid, progress)
