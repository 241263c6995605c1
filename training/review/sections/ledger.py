"""The watermelon ledger: what churned accounts scored 30, 60, 90 and 180 days before they left.

Whoever churned while green is a watermelon: green outside, red inside. `docs/review.md` defines
every count here closely enough to be made again from the tables and the scores.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy.special import expit

from training.artifact import Artifact
from training.calibrating.bands import BANDS
from training.explaining.drivers import by_indicator
from training.learning.matrix import matrix
from training.metrics import value
from training.review.dates import LEADS
from training.review.ground import Churn, Ground
from training.scored import score_rows

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Entry:
    """One churn, seen from one lead.

    `looked_on` is the morning whose score counts, `days_before` how long before the churn that
    was. `in_sample`: outcomes later than that morning have taught the model. The first driver is
    the indicator, context apart, that moves the score most; `driver_points` are its signed points.
    """

    account_id: str
    churned: date
    lead_days: int
    looked_on: date
    days_before: int
    in_sample: bool
    band: str
    health_score: float | None
    churn_probability: float | None
    first_driver: str | None
    driver_points: float | None
    segment: str | None
    owner: str | None
    mrr: float | None

    def plain(self) -> dict[str, Any]:
        """The same as JSON values."""
        return vars(self) | {"churned": str(self.churned), "looked_on": str(self.looked_on)}


def entries(ground: Ground) -> list[Entry]:
    """Every churn of the period by every lead that has a morning, in order of day and account."""
    champion = ground.models.champion
    seen = _seen(ground.past, champion.artifact)
    accounts = [item.account_id for item in ground.churns]
    owners, amounts = ground.owners_of(accounts), ground.mrr_of(accounts)
    return [
        _entry(churn, lead, seen, champion.taught_until, (owner, float(mrr)))
        for churn, owner, mrr in zip(ground.churns, owners, amounts, strict=True)
        for lead in churn.looked
    ]


Seen = dict[tuple[str, date], dict[str, Any]]
NOT_THERE = dict.fromkeys(
    ("health_score", "churn_probability", "first_driver", "driver_points", "segment")
) | {"band": "unscored"}


def _entry(
    churn: Churn, lead: int, seen: Seen, taught_until: date, facts: tuple[str | None, float]
) -> Entry:
    morning = churn.looked[lead]
    owner, mrr = facts
    return Entry(
        account_id=churn.account_id,
        churned=churn.day,
        lead_days=lead,
        looked_on=morning,
        days_before=(churn.day - morning).days,
        in_sample=morning < taught_until,
        owner=owner,
        mrr=None if np.isnan(mrr) else mrr,
        **seen.get((churn.account_id, morning), NOT_THERE),
    )


def _seen(rows: pa.Table, artifact: Artifact) -> Seen:
    """Score, band and first driver of each row, by account and as-of date."""
    found = score_rows(rows, artifact)
    names, points = _points(rows, artifact)
    context = np.array([artifact.kinds[name] == "context" for name in names], dtype=bool)
    size = np.where(context, -1.0, np.abs(points))
    first = size.argmax(axis=1)
    answers: Seen = {}
    for row, (account, day, segment) in enumerate(_keys(rows)):
        there = bool(found.there[row])
        told = there and not context[first[row]]
        answers[account, day] = {
            "band": BANDS[found.bands[row]],
            "health_score": float(np.clip(found.health[row], 0, 100)) if there else None,
            "churn_probability": float(expit(found.logits[row])) if there else None,
            "first_driver": names[first[row]] if told else None,
            "driver_points": float(points[row, first[row]]) if told else None,
            "segment": segment,
        }
    return answers


def _points(rows: pa.Table, artifact: Artifact) -> tuple[list[str], Floats]:
    contributions = artifact.contributions(matrix(rows, artifact.features))
    names, folded = by_indicator(contributions, artifact.features)
    return names, folded * artifact.scale.points_per_margin


def _keys(rows: pa.Table) -> list[tuple[str, date, str]]:
    columns = (rows[name].to_pylist() for name in ("account_id", "as_of", "segment"))
    return list(zip(*columns, strict=True))


def measured(found: Sequence[Entry], ground: Ground) -> dict[str, Any]:
    """The ledger as JSON values: totals per lead and the watermelons."""
    first, end = ground.dates.churned
    return {
        "churned_from": str(first),
        "churned_before": str(end),
        "churns": len(ground.churns),
        "leads": [_totals(found, lead, len(ground.churns)) for lead in LEADS],
        "watermelons": [item.plain() for item in watermelons(found)],
    }


def watermelons(found: Sequence[Entry]) -> list[Entry]:
    """The entries of the shortest lead that are green, largest MRR first, unknown ones last."""
    green = [item for item in found if item.lead_days == min(LEADS) and item.band == "green"]
    return sorted(green, key=lambda item: (-(item.mrr or 0.0), item.churned, item.account_id))


def _totals(found: Sequence[Entry], lead: int, churns: int) -> dict[str, Any]:
    own = [item for item in found if item.lead_days == lead]
    fresh = [item for item in own if not item.in_sample]
    return {
        "lead_days": lead,
        "left_out": churns - len(own),
        **_counts(own),
        "out_of_sample": _counts(fresh),
    }


def _counts(own: Sequence[Entry]) -> dict[str, Any]:
    bands = {str(band): sum(item.band == band for item in own) for band in BANDS}
    red = np.array([item.band == "red" for item in own], dtype=bool)
    mrr = np.array([np.nan if item.mrr is None else item.mrr for item in own])
    caught = value.revenue_caught(red, np.ones(len(own), dtype=bool), mrr)
    return {
        "churns": len(own),
        **bands,
        "shares": {band: count / len(own) if own else None for band, count in bands.items()},
        "revenue_red_before": caught.plain(),
    }
