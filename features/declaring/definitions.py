"""Digests of what decides a feature's value and a target's label, and of nothing else.

A model may only score rows that mean what its training rows meant. Titles, sentences, playbooks
and the place of a file may change between two trainings; a filter may not.
"""

import hashlib
import json
from typing import Any

from features.declaring.company import Company
from features.declaring.indicator import Indicator, Stage
from features.declaring.source import AccountKey
from features.declaring.target import Target

# Keys of an indicator that say what to make of its value, not what it is.
SAID = {
    "adopt",
    "title",
    "dimension",
    "kind",
    "stage",
    "healthy",
    "unit",
    "says",
    "playbook",
    "concept",
}

READ = {"account", "event_time", "known_time", "absent", "where", "columns", "currency"}
IDENTIFIED = {"key", "derived", "crosswalk", "aliases"}
ANCHORS = {"title", "p_red", "p_green", "p_high", "playbook", "likelier"}


def definitions(
    company: Company, target: str, stages: tuple[Stage, ...] = ("live",)
) -> dict[str, str]:
    """SHA-256 of each indicator's definition and of the target's, by `indicators.NAME`."""
    digests = {
        f"indicators.{name}": _digest(_of_indicator(company, indicator))
        for name, indicator in company.staged(*stages).items()
    }
    declared = company.targets[target]
    parts = [_of_target(declared), _of_source(company, declared.source)]
    return digests | {f"targets.{target}": _digest(parts)}


def _of_indicator(company: Company, indicator: Indicator) -> list[Any]:
    """The definitions of the indicator and of those that it is made of."""
    measured = indicator.model_dump(mode="json", exclude=SAID)
    bases = [company.indicators[name] for name in indicator.bases()]
    return [
        measured,
        _of_source(company, indicator.source),
        *(_of_indicator(company, base) for base in bases),
    ]


def _of_source(company: Company, name: str) -> Any:
    accounts = company.accounts.model_dump(mode="json", include=IDENTIFIED)
    accounts["since"] = company.accounts.attributes.since
    read = company.sources[name].model_dump(mode="json", include=READ)
    return [read, accounts, *_of_links(company, company.sources[name].account)]


def _of_links(company: Company, key: AccountKey | None) -> list[Any]:
    """The links by which a source's key leads to an account."""
    if key is None or key.link is None:
        return []
    link = company.links[key.link]
    return [link.model_dump(mode="json"), *_of_links(company, link.account)]


def _of_target(target: Target) -> Any:
    return target.model_dump(mode="json", exclude=ANCHORS)


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
