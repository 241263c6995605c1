"""Parts of a declaration that are allowed but do nothing, or leave a person without advice."""

import re
from collections.abc import Iterator
from typing import Literal

from features.company import Company
from features.errors import Finding
from features.mistakes import FILE


def breaches(company: Company) -> Iterator[Finding]:
    """Warnings and advice that need no data."""
    yield from _playbooks(company)
    yield from _not_adverse(company)
    yield from _filled_in_later(company)
    yield from _unused_sources(company)
    yield from _unused_systems(company)
    if company.accounts.derived and company.segments:
        detail = "derived accounts have no columns, so [segments] divides nothing"
        mend = "remove it, or name a table with one row per account"
        yield _finding("warning", "unused_segments", "segments", detail, mend)


def _playbooks(company: Company) -> Iterator[Finding]:
    for name, item in company.staged("live").items():
        if item.kind == "leading" and item.playbook is None:
            detail = f"indicators.{name} is leading and live, and nobody is told what to do"
            mend = f'playbook = "…" in [indicators.{name}]'
            yield _finding("warning", "no_playbook", f"indicators.{name}", detail, mend)
    used = {item.playbook for item in company.indicators.values()}
    for name in company.playbooks:
        if name not in used:
            detail = f"no indicator names playbooks.{name}"
            mend = f'playbook = "{name}" in an indicator that it answers, or remove it'
            yield _finding("advice", "unused_playbook", f"playbooks.{name}", detail, mend)


def _not_adverse(company: Company) -> Iterator[Finding]:
    for name, target in company.targets.items():
        if not target.adverse:
            detail = (
                f"targets.{name} is not adverse: churnlight features labels it, and it gets no "
                "model, health score or band"
            )
            mend = "nothing to mend, if the labels are what you want"
            yield _finding("advice", "not_adverse", f"targets.{name}", detail, mend)


def _filled_in_later(company: Company) -> Iterator[Finding]:
    """Indicators over the column that says when a subscription ended: it is written afterwards."""
    for target in company.targets.values():
        part = target.event
        if part is None or part.ended is None:
            continue
        for name, item in company.indicators.items():
            text = f"{item.where or ''} {item.value or ''}"
            if item.source == part.source and re.search(rf"\b{re.escape(part.ended)}\b", text):
                detail = (
                    f"indicators.{name} reads {part.ended}, which is filled in after the row was "
                    "known: it tells the future of every account that has ended by now"
                )
                mend = "measure something that was known at the row's own time"
                yield _finding("warning", "filled_in_later", f"indicators.{name}", detail, mend)


def _unused_sources(company: Company) -> Iterator[Finding]:
    used = {company.accounts.source, *(item.source for item in company.indicators.values())}
    for target in company.targets.values():
        used |= {target.source, target.active or target.source}
    for name in company.sources:
        if name not in used:
            detail = f"no indicator, target or account comes from sources.{name}"
            mend = "measure something of it, or remove it"
            yield _finding("advice", "unused_source", f"sources.{name}", detail, mend)


def _unused_systems(company: Company) -> Iterator[Finding]:
    used = {item.account.system for item in company.sources.values() if item.account}
    for system in company.accounts.crosswalk:
        if system not in used:
            key = f"accounts.crosswalk.{system}"
            mend = f'account = {{ system = "{system}", column = "…" }} in its source, or remove it'
            yield _finding("advice", "unused_system", key, f"no source is keyed by {key}", mend)


def _finding(
    state: Literal["warning", "advice"], name: str, key: str, detail: str, mend: str
) -> Finding:
    return Finding(name, "declaration", state, FILE, key, None, detail, mend)
