"""Parts of a declaration that are allowed but do nothing, or leave a person without advice."""

import re
from collections.abc import Iterator
from typing import Literal

from features.breaches.rounds import Round
from features.declaring.company import Company
from features.declaring.mistakes import DECLARATION_FILE
from features.errors import Finding

ROUND = Round.DECLARED


def breaches(company: Company) -> Iterator[Finding]:
    """Warnings and advice that need no data."""
    yield from _playbooks(company)
    yield from _opportunities(company)
    yield from _filled_in_later(company)
    yield from _unused_sources(company)
    yield from _unused_systems(company)
    if company.accounts.derived and company.segments:
        detail = "derived accounts have no columns, so [segments] has no effect"
        fix = "remove it, or name a table with one row per account"
        yield _finding("warning", "unused_segments", "segments", detail, fix)


def _playbooks(company: Company) -> Iterator[Finding]:
    for name, indicator in company.staged("live").items():
        if indicator.kind == "leading" and indicator.playbook is None:
            detail = f"indicators.{name} is leading and live but names no playbook"
            fix = f'playbook = "…" in [indicators.{name}]'
            yield _finding("warning", "no_playbook", f"indicators.{name}", detail, fix)
    used = {indicator.playbook for indicator in company.indicators.values()}
    used |= {indicator.playbook for indicator in company.targets.values()}
    for name in company.playbooks:
        if name not in used:
            detail = f"no indicator or opportunity names playbooks.{name}"
            fix = f'playbook = "{name}" in an indicator that it is meant for, or remove it'
            yield _finding("advice", "unused_playbook", f"playbooks.{name}", detail, fix)


def _opportunities(company: Company) -> Iterator[Finding]:
    for name in company.opportunities:
        key = f"targets.{name}"
        if company.targets[name].playbook is None:
            detail = f"{key} is an opportunity but names no playbook"
            fix = f'playbook = "…" in [{key}]'
            yield _finding("warning", "no_playbook", key, detail, fix)
    if not company.adverse:
        detail = (
            "no target is adverse: opportunities are trained and scored, but the service shows "
            "them beside health scores, of which there are none"
        )
        fix = "declare an adverse target, such as [targets.churn]"
        yield _finding("advice", "nothing_adverse", "targets", detail, fix)


def _filled_in_later(company: Company) -> Iterator[Finding]:
    """Indicators over the column that says when a subscription ended: it is written afterwards."""
    for target in company.targets.values():
        event = target.event
        if event is None or event.ended is None:
            continue
        late = [event.ended, *([event.paused.until] if event.paused else [])]
        for name, indicator in company.indicators.items():
            text = f"{indicator.where or ''} {indicator.value or ''}"
            read = [column for column in late if re.search(rf"\b{re.escape(column)}\b", text)]
            if indicator.source == event.source and read:
                detail = (
                    f"indicators.{name} reads {read[0]}, which is filled in after the row was "
                    "known: it leaks the future of every account that has ended"
                )
                fix = "measure something that was known at the row's own time"
                yield _finding("warning", "filled_in_later", f"indicators.{name}", detail, fix)


def _unused_sources(company: Company) -> Iterator[Finding]:
    used = {
        company.accounts.source,
        *company.linking,
        *(indicator.source for indicator in company.indicators.values()),
    }
    for target in company.targets.values():
        used |= {target.source, target.active or target.source}
    for name in company.sources:
        if name not in used:
            detail = f"no indicator, target or account uses sources.{name}"
            fix = "add an indicator over it, or remove it"
            yield _finding("advice", "unused_source", f"sources.{name}", detail, fix)


def _unused_systems(company: Company) -> Iterator[Finding]:
    keys = [source.account for source in company.sources.values()]
    keys += [link.account for link in company.links.values()]
    used = {key.system for key in keys if key}
    for system in company.accounts.crosswalk:
        if system not in used:
            key = f"accounts.crosswalk.{system}"
            fix = f'account = {{ system = "{system}", column = "…" }} in its source, or remove it'
            yield _finding("advice", "unused_system", key, f"no source is keyed by {key}", fix)


def _finding(
    state: Literal["warning", "advice"], name: str, key: str, detail: str, fix: str
) -> Finding:
    return Finding(name, "declaration", state, DECLARATION_FILE, key, None, detail, fix)
