"""`check --deep`: data usability, the leak audit, the null world and the sides in one list."""

from collections.abc import Sequence
from datetime import date

from features import contract, leaks, snapshots, sources
from features.declaring.company import Company
from features.declaring.mistakes import DECLARATION_FILE
from features.errors import Finding
from features.progress import Progress, silent
from features.sources import Tables
from training.leaks import null_world, side_check

MOST_MONTHS = 24


def check_deep(company: Company, *, progress: Progress = silent) -> list[Finding]:
    """Every finding, errors first.

    Tables that break the contract's structure are not audited; where an error only leaves rows
    out, the audit runs without its trainings.

    The cost is bounded: at most three rebuilds, 24 months, 20,000 accounts for the columns, and
    ten trainings on at most 3,000 accounts and some scorecards for each target.
    """
    with sources.open_tables(company) as tables:
        findings = contract.check_tables(tables, progress=progress)
        if not leaks.can_be_audited(findings):
            return contract.ordered([*findings, _not_audited()])
        broken = any(finding.state == "error" for finding in findings)
        findings += leaks.breaches(tables, progress=progress)
        if broken:
            return contract.ordered(findings)
        dates = _dates(tables)
        every = sorted({day for days in dates.values() for day in days})
        built = snapshots.build_from(tables, every, progress=progress)
    findings += null_world.breaches(built, company, dates, progress=progress)
    findings += side_check.breaches(built, company, dates)
    return contract.ordered(findings)


def _dates(tables: Tables) -> dict[str, Sequence[date]]:
    return {
        name: snapshots.mature_month_starts(tables, name)[-MOST_MONTHS:]
        for name in tables.company.targets
    }


def _not_audited() -> Finding:
    detail = "leaks can be looked for only in tables that fulfil the data contract"
    fix = "fix the errors and check again"
    return Finding("not_audited", "audit", "advice", DECLARATION_FILE, None, None, detail, fix)
