"""Digests of what decides a feature's value and a target's label, and of nothing else.

A model may only score rows that mean what its training rows meant. Titles, sentences, playbooks
and the place of a file may change between two trainings; a filter may not.
"""

import hashlib
import json
from typing import Any

from features.company import Company, Indicator, Target

MEASURED = {"source", "value", "where", "measure", "windows", "quantile", "of", "earlier"}
READ = {"account", "event_time", "known_time", "absent"}
IDENTIFIED = {"key", "derived", "crosswalk"}
ANCHORS = {"title", "p_red", "p_green"}


def definitions(company: Company, target: str) -> dict[str, str]:
    """SHA-256 of each live indicator's definition and of the target's, by `indicators.NAME`."""
    found = {
        f"indicators.{name}": _digest([_of_indicator(item), _of_source(company, item.source)])
        for name, item in company.staged("live").items()
    }
    declared = company.targets[target]
    parts = [_of_target(declared), _of_source(company, declared.source)]
    return found | {f"targets.{target}": _digest(parts)}


def _of_indicator(item: Indicator) -> Any:
    return item.model_dump(mode="json", include=MEASURED)


def _of_source(company: Company, name: str) -> Any:
    accounts = company.accounts.model_dump(mode="json", include=IDENTIFIED)
    accounts["since"] = company.accounts.attributes.since
    return [company.sources[name].model_dump(mode="json", include=READ), accounts]


def _of_target(item: Target) -> Any:
    return item.model_dump(mode="json", exclude=ANCHORS)


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
