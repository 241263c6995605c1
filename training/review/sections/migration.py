"""Which accounts get another status on the review's morning when the challenger takes over.

Of an opportunity, which accounts become one and which no longer are: whether one is held back while
the account is red is decided when it is shown, by another model.

Beside the whole matrix: how many change per account manager and per segment, since it is the
managers who have to explain it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from training.calibrating.bands import Codes
from training.review.by_model import ByModel
from training.review.review_data import ReviewData
from training.review.scored import score_rows
from training.review.statuses import Statuses, statuses

# The owner of accounts without one.
NOBODY = "nobody"


@dataclass(frozen=True, kw_only=True)
class Directions:
    """How many get a worse status and a better one, and how many lose or get a score."""

    worse: int
    better: int
    scored_by_one_alone: int


@dataclass(frozen=True, kw_only=True)
class GroupMigration(Directions):
    """The changes among the accounts of one owner or segment."""

    name: str
    scored: int
    changed: int


@dataclass(frozen=True, kw_only=True)
class MovedAccount:
    """An account whose status changes; scores are None where a model gives none."""

    account_id: str
    owner: str
    segment: str
    before: str
    after: str
    score: ByModel[float | None]
    mrr: float | None


@dataclass(frozen=True, kw_only=True)
class Migration(Directions):
    """The matrix, by the champion's status and then the challenger's, and every change."""

    as_of: date
    scored: int
    matrix: dict[str, dict[str, int]]
    changed: int
    per_owner: list[GroupMigration]
    per_segment: list[GroupMigration]
    moved: list[MovedAccount]


def migration(data: ReviewData) -> Migration:
    """The migration matrix, and every account whose status changes."""
    old, new = (score_rows(data.latest, candidate.artifact) for candidate in data.models)
    scheme = statuses(data.models.champion.artifact)
    before, after = scheme.codes(old), scheme.codes(new)
    accounts = data.latest["account_id"].to_pylist()
    owners = [owner or NOBODY for owner in data.owners_of(accounts)]
    segments = data.latest["segment"].to_pylist()
    amounts = data.mrr_of(accounts)
    moved = np.flatnonzero(before != after)
    return Migration(
        as_of=data.dates.as_of,
        scored=int((old.there | new.there).sum()),
        matrix=_matrix(before, after, scheme),
        changed=len(moved),
        **vars(_directions(before, after, scheme)),
        per_owner=_per(owners, before, after, scheme),
        per_segment=_per(segments, before, after, scheme),
        moved=[
            MovedAccount(
                account_id=accounts[row],
                owner=owners[row],
                segment=segments[row],
                before=scheme.names[before[row]],
                after=scheme.names[after[row]],
                score=ByModel(_clipped(old.health[row]), _clipped(new.health[row])),
                mrr=None if np.isnan(amounts[row]) else float(amounts[row]),
            )
            for row in moved
        ],
    )


def _clipped(health: float) -> float | None:
    return None if np.isnan(health) else float(np.clip(health, 0, 100))


def _matrix(old: Codes, new: Codes, scheme: Statuses) -> dict[str, dict[str, int]]:
    """By the champion's status, then by the challenger's, how many accounts."""
    return {
        before: {
            after: int(((old == row) & (new == column)).sum())
            for column, after in enumerate(scheme.names)
        }
        for row, before in enumerate(scheme.names)
    }


def _directions(old: Codes, new: Codes, scheme: Statuses) -> Directions:
    without = [codes == scheme.unscored for codes in (old, new)]
    both = ~without[0] & ~without[1]
    return Directions(
        worse=int((both & (new < old)).sum()),
        better=int((both & (new > old)).sum()),
        scored_by_one_alone=int((without[0] != without[1]).sum()),
    )


def _per(names: Sequence[str], old: Codes, new: Codes, scheme: Statuses) -> list[GroupMigration]:
    """The changes by name, the most first; names without a scored account are left out."""
    every = np.array(names, dtype=object)
    groups = []
    for name in sorted(set(names)):
        before, after = old[every == name], new[every == name]
        either = int(((before != scheme.unscored) | (after != scheme.unscored)).sum())
        if either:
            changed = int((before != after).sum())
            directions = vars(_directions(before, after, scheme))
            groups.append(GroupMigration(name=name, scored=either, changed=changed, **directions))
    return sorted(groups, key=lambda group: (-group.changed, group.name))
