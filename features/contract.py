"""The data contract: what a company's tables must fulfil, and every breach of it at once.

A breach is a finding, never an exception; only `require_sound` and `sound_tables`, which guard a
computation, raise. Each kind of breach is one module of `features.breaches`, found by its file.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from features import breaches, sources
from features.breaches.outcomes import MIN_CHURNERS
from features.breaches.rounds import Round
from features.declaring.company import Company
from features.discovery import modules_defining
from features.errors import Finding
from features.progress import Progress, silent
from features.sources import Tables
from features.structure import soundness
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

    Whatever is wrong in the user's tables and declaration is a finding each; later rounds of
    checks run where the earlier ones leave something to ask (`features.breaches.rounds`).
    """
    with sources.open_tables(company, progress=progress) as tables:
        return check_tables(tables, progress=progress)


def check_tables(tables: Tables, *, progress: Progress = silent) -> list[Finding]:
    """As `check`, of tables that are open already."""
    progress("checking the tables")
    unreadable = soundness.unreadable_tables(tables)
    readable = soundness.readable_tables(tables, unreadable)
    findings = [*unreadable, *soundness.inconsistencies(readable)]
    given = {Round.READABLE: readable, Round.DECLARED: tables.company}
    blocking: list[Finding] = []
    for of_round in Round:
        if _may_run(of_round, blocking, findings):
            progress(of_round.value)
            for module in modules_defining("breaches", breaches):
                if module.ROUND is of_round:
                    findings += module.breaches(given.get(of_round, tables))
        if of_round is Round.READABLE:
            blocking = [finding for finding in findings if finding.state == "error"]
    return ordered(findings)


def _may_run(of_round: Round, blocking: Sequence[Finding], findings: Sequence[Finding]) -> bool:
    """Whether what is found so far leaves the round something to ask; `blocking` are errors."""
    if of_round is Round.LABELLED:
        return all(error.step == "features" for error in blocking)
    if of_round is Round.SOUND:
        return not blocking
    if of_round is Round.COMPUTABLE:
        return not blocking and all(finding.name != "not_computable" for finding in findings)
    return True


def ordered(findings: Iterable[Finding]) -> list[Finding]:
    """The findings, errors first."""
    return sorted(findings, key=lambda finding: ORDER[finding.state])


def verdict(findings: Sequence[Finding]) -> str:
    """How many findings of each state there are, and what follows, in one line."""
    states = Counter[str](finding.state for finding in findings)
    counted = (
        f"errors: {states['error']}, warnings: {states['warning']}, advice: {states['advice']}"
    )
    return f"{counted}; {'fix the errors first' if states['error'] else 'the tables can be used'}"
