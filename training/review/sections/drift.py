"""How far indicators and scores have moved since the champion's last training date.

The measure is that of `churnlight check`: the population stability index, above 0.25 a major
shift, and beside it what samples of this size show without any shift.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from features.breaches.drift import FEWEST, MAJOR, by_chance, stability_index
from training.learning.matrix import Feature, matrix
from training.review.review_data import ReviewData
from training.review.scored import ScoredArrays, score_rows
from training.review.statuses import Statuses, statuses

Floats = npt.NDArray[np.float64]

CHANCE = 0.05


@dataclass(frozen=True, kw_only=True)
class MeasuredShift:
    """A stability index, the index that chance exceeds once in twenty times, and a verdict."""

    index: float
    by_chance: float
    major: bool


@dataclass(frozen=True, kw_only=True)
class ReviewedColumn(MeasuredShift):
    """The shift of one column of the champion."""

    column: str
    indicator: str
    title: str


@dataclass(frozen=True)
class StatusShares:
    """The share of each status among the scored accounts of a date; None without any."""

    as_of: date
    shares: dict[str, float | None]


@dataclass(frozen=True)
class ReviewDrift:
    """The shifts from `since` to `until`, the furthest first.

    `accounts` are the numbers of scored accounts on the two dates.
    """

    since: date
    until: date
    accounts: tuple[int, int]
    major_above: float
    columns: list[ReviewedColumn]
    scores: MeasuredShift | None
    statuses: tuple[StatusShares, StatusShares]


def drift(data: ReviewData) -> ReviewDrift:
    """The shift of every column and of the scores of the champion."""
    artifact = data.models.champion.artifact
    since, until = data.models.champion.training_dates[-1], data.dates.as_of
    before, after = data.mature_on([since]), data.latest
    old, new = score_rows(before, artifact), score_rows(after, artifact)
    before, after = before.filter(pa.array(old.there)), after.filter(pa.array(new.there))
    columns = [
        _of_column(feature, artifact.meanings[feature.indicator].title, before, after)
        for feature in artifact.features
        if feature.dtype == "number"
    ]
    measured = [column for column in columns if column is not None]
    scheme = statuses(artifact)
    return ReviewDrift(
        since=since,
        until=until,
        accounts=(before.num_rows, after.num_rows),
        major_above=MAJOR,
        columns=sorted(measured, key=lambda column: (-column.index, column.column)),
        scores=_shift(old.health[old.there], new.health[new.there]),
        statuses=(_shares(since, old, scheme), _shares(until, new, scheme)),
    )


def _of_column(
    feature: Feature, title: str, before: pa.Table, after: pa.Table
) -> ReviewedColumn | None:
    shift = _shift(*(matrix(rows, [feature])[:, 0] for rows in (before, after)))
    if shift is None:
        return None
    return ReviewedColumn(
        column=feature.name, indicator=feature.indicator, title=title, **vars(shift)
    )


def _shift(before: Floats, after: Floats) -> MeasuredShift | None:
    """The shift between two samples; None where either is too small."""
    if min(len(before), len(after)) < FEWEST:
        return None
    index, bins = stability_index(before, after)
    noise = by_chance(bins, before, after, CHANCE)
    return MeasuredShift(index=index, by_chance=noise, major=index > MAJOR + noise)


def _shares(day: date, scores: ScoredArrays, scheme: Statuses) -> StatusShares:
    codes = scheme.codes(scores)[scores.there]
    shares = {
        name: float((codes == code).mean()) if len(codes) else None
        for code, name in enumerate(scheme.names[:-1])
    }
    return StatusShares(day, shares)
