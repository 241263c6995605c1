"""The groups that a column makes of accounts: equal to a value, unknown, below or above a bound."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from features.evidence.significance import (
    Floats,
    significantly_above,
    tenfold,
    upper_share,
)

DECILES = np.linspace(0, 1, 11)
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Group:
    """The cells (months × accounts) of a column that have something in common, in words."""

    words: str
    member: Mask


def groups(values: npt.NDArray[Any], seen: Mask) -> Iterator[Group]:
    """The groups of a column's `values` (months × accounts), of which only `seen` cells count."""
    present = values[seen]
    if values.dtype == object:
        unknown = values == None  # noqa: E711 (by element)
        for value in sorted({value for value in present if value is not None}):
            yield Group(f"is {value!r}", np.equal(values, value))
    else:
        unknown = np.isnan(values)
        yield from _bounded(values, present[np.isfinite(present)])
    if unknown[seen].any():
        yield Group("is not known", unknown)


def _bounded(values: npt.NDArray[Any], present: npt.NDArray[Any]) -> Iterator[Group]:
    if not len(present):
        return
    bounds = np.unique(np.quantile(present, DECILES, method="inverted_cdf"))
    for bound in bounds[:-1]:
        yield Group(f"is at most {bound:g}", values <= bound)
    for bound in bounds[1:]:
        yield Group(f"is at least {bound:g}", values >= bound)


@dataclass(frozen=True)
class GroupOutcome:
    """How many accounts of a group left: `gone` of `accounts`; `usual` is the share of others."""

    group: Group
    gone: int
    accounts: int
    usual: float


def strongest(candidates: list[Group], seen: Mask, gone: Mask, tests: int) -> GroupOutcome | None:
    """The group of which more leave than the odds of any honest group explain; None without one.

    `seen` and `gone` (months × accounts) say which cells have an outcome, and in which the account
    is gone. Every account counts once, on the first month on which it belongs to the group.
    """
    outcomes = [_of_group(group, seen, gone, tests) for group in candidates]
    guilty = [outcome for outcome in outcomes if outcome is not None]
    return max(
        guilty, key=lambda outcome: (outcome.gone, outcome.gone / outcome.accounts), default=None
    )


def _of_group(group: Group, seen: Mask, gone: Mask, tests: int) -> GroupOutcome | None:
    member = group.member & seen
    account = np.flatnonzero(member.any(axis=0))
    if not len(account):
        return None
    first = member.argmax(axis=0)[account]
    hits = int(gone[first, account].sum())
    others = _highest_rate(seen & ~member, gone, tests)
    usual = gone.sum(axis=1) / np.maximum(seen.sum(axis=1), 1)
    # Where a group leaves more often, the rate of all is above that of the others.
    if not significantly_above(hits, tenfold(np.minimum(usual, others))[first], tests):
        return None
    return GroupOutcome(group, hits, len(account), float(usual[first].mean()))


def _highest_rate(others: Mask, gone: Mask, tests: int) -> Floats:
    """Per month, the upper end of the rate at which accounts outside of the group leave."""
    count, hits = others.sum(axis=1), (others & gone).sum(axis=1)
    return np.array(
        [upper_share(*pair, tests * len(count)) for pair in zip(hits, count, strict=True)]
    )
