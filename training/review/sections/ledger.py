"""The watermelon ledger: what churned accounts scored 30, 60, 90 and 180 days before they left.

A *watermelon* is an account that churned while green: green outside, red inside. `docs/review.md`
defines every count here closely enough to be made again from the tables and the scores.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy.special import expit

from training.artifact import Artifact
from training.calibrating.bands import BANDS
from training.explaining.drivers import by_indicator
from training.learning.matrix import matrix
from training.metrics import value
from training.metrics.value import Caught
from training.review.candidates import Candidate
from training.review.review_data import Churn, ReviewData
from training.review.review_dates import LEADS
from training.review.scored import score_rows

Floats = npt.NDArray[np.float64]

COLUMNS = pa.schema(
    [
        ("account_id", pa.string()),
        ("churned", pa.date32()),
        ("lead_days", pa.int32()),
        ("looked_on", pa.date32()),
        ("days_before", pa.int32()),
        ("in_sample", pa.bool_()),
        ("band", pa.string()),
        ("health_score", pa.float64()),
        ("churn_probability", pa.float64()),
        ("first_driver", pa.string()),
        ("driver_points", pa.float64()),
        ("segment", pa.string()),
        ("owner", pa.string()),
        ("mrr", pa.float64()),
    ]
)


@dataclass(frozen=True)
class ScoreBefore:
    """The champion's score of an account on a morning; an account without a row is unscored.

    The first driver is the indicator, context apart, that moves the score most; `driver_points` are
    its signed points.
    """

    band: str = "unscored"
    health_score: float | None = None
    churn_probability: float | None = None
    first_driver: str | None = None
    driver_points: float | None = None
    segment: str | None = None


@dataclass(frozen=True)
class LedgerEntry:
    """One churn, seen from one lead.

    `looked_on` is the morning whose score counts, `days_before` how long before the churn that
    was. `in_sample`: the champion may have been trained on it (`Candidate.may_know`). What follows
    is as of `ScoreBefore`; owner and MRR are what the account table says today.
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


@dataclass(frozen=True, kw_only=True)
class BandCounts:
    """So many churns by the band before them, and of their MRR what had been red.

    `shares` are those of the bands, None where nothing was counted.
    """

    churns: int
    red: int
    yellow: int
    green: int
    unscored: int
    shares: dict[str, float | None]
    revenue_red_before: Caught

    def of(self, band: str) -> int:
        """The number of churns in that band."""
        count: int = getattr(self, band)
        return count


@dataclass(frozen=True, kw_only=True)
class LeadTotals(BandCounts):
    """The counts of one lead: of all its entries, and of those out of sample.

    `left_out` are churns that have no morning so long before.
    """

    lead_days: int
    left_out: int
    out_of_sample: BandCounts


@dataclass(frozen=True)
class Ledger:
    """The churns in `[churned_from, churned_before)`: totals per lead, and the watermelons."""

    churned_from: date
    churned_before: date
    churns: int
    leads: list[LeadTotals]
    watermelons: list[LedgerEntry]


def ledger_entries(data: ReviewData) -> list[LedgerEntry]:
    """Every churn of the period by every lead that has a morning, in order of day and account."""
    champion = data.models.champion
    scores = _scores(data.before_churn, champion.artifact)
    accounts = [churn.account_id for churn in data.churns]
    owners, amounts = data.owners_of(accounts), data.mrr_of(accounts)
    return [
        _entry(churn, lead, scores, champion, (owner, float(mrr)))
        for churn, owner, mrr in zip(data.churns, owners, amounts, strict=True)
        for lead in churn.mornings
    ]


def _entry(
    churn: Churn,
    lead: int,
    scores: dict[tuple[str, date], ScoreBefore],
    champion: Candidate,
    owner_and_mrr: tuple[str | None, float],
) -> LedgerEntry:
    morning = churn.mornings[lead]
    owner, mrr = owner_and_mrr
    return LedgerEntry(
        account_id=churn.account_id,
        churned=churn.day,
        lead_days=lead,
        looked_on=morning,
        days_before=(churn.day - morning).days,
        in_sample=champion.may_know(churn.day, morning),
        owner=owner,
        mrr=None if np.isnan(mrr) else mrr,
        **vars(scores.get((churn.account_id, morning), ScoreBefore())),
    )


def _scores(rows: pa.Table, artifact: Artifact) -> dict[tuple[str, date], ScoreBefore]:
    """Score, band and first driver of each row, by account and as-of date."""
    scores = score_rows(rows, artifact)
    names, points = _points(rows, artifact)
    context = np.array([artifact.kinds[name] == "context" for name in names], dtype=bool)
    size = np.where(context, -1.0, np.abs(points))
    first = size.argmax(axis=1)
    by_key = {}
    for row, (account, day, segment) in enumerate(_keys(rows)):
        there = bool(scores.there[row])
        has_driver = there and not context[first[row]]
        by_key[account, day] = ScoreBefore(
            band=BANDS[scores.bands[row]],
            health_score=float(np.clip(scores.health[row], 0, 100)) if there else None,
            churn_probability=float(expit(scores.logits[row])) if there else None,
            first_driver=names[first[row]] if has_driver else None,
            driver_points=float(points[row, first[row]]) if has_driver else None,
            segment=segment,
        )
    return by_key


def _points(rows: pa.Table, artifact: Artifact) -> tuple[list[str], Floats]:
    """The indicators' names, and their health points (rows × indicators)."""
    contributions = artifact.contributions(matrix(rows, artifact.features))
    names, summed = by_indicator(contributions, artifact.features)
    return names, summed * artifact.scale.points_per_margin


def _keys(rows: pa.Table) -> list[tuple[str, date, str]]:
    columns = (rows[name].to_pylist() for name in ("account_id", "as_of", "segment"))
    return list(zip(*columns, strict=True))


def ledger(entries: Sequence[LedgerEntry], data: ReviewData) -> Ledger:
    """Totals per lead and the watermelons."""
    first, end = data.dates.churned
    return Ledger(
        churned_from=first,
        churned_before=end,
        churns=len(data.churns),
        leads=[_totals(entries, lead, len(data.churns)) for lead in LEADS],
        watermelons=watermelons(entries),
    )


def as_table(entries: Sequence[LedgerEntry]) -> pa.Table:
    """The entries as a table of `COLUMNS`."""
    return pa.Table.from_pylist([vars(entry) for entry in entries], COLUMNS)


def watermelons(entries: Sequence[LedgerEntry]) -> list[LedgerEntry]:
    """The entries of the shortest lead that are green, largest MRR first, unknown ones last."""
    green = [each for each in entries if each.lead_days == min(LEADS) and each.band == "green"]
    return sorted(green, key=lambda each: (-(each.mrr or 0.0), each.churned, each.account_id))


def _totals(entries: Sequence[LedgerEntry], lead: int, churns: int) -> LeadTotals:
    of_lead = [entry for entry in entries if entry.lead_days == lead]
    out_of_sample = [entry for entry in of_lead if not entry.in_sample]
    return LeadTotals(
        lead_days=lead,
        left_out=churns - len(of_lead),
        **vars(_counts(of_lead)),
        out_of_sample=_counts(out_of_sample),
    )


def _counts(entries: Sequence[LedgerEntry]) -> BandCounts:
    bands = {str(band): sum(entry.band == band for entry in entries) for band in BANDS}
    red = np.array([entry.band == "red" for entry in entries], dtype=bool)
    mrr = np.array([np.nan if entry.mrr is None else entry.mrr for entry in entries])
    caught = value.revenue_caught(red, np.ones(len(entries), dtype=bool), mrr)
    count = len(entries)
    return BandCounts(
        churns=count,
        **bands,
        shares={band: of_band / count if count else None for band, of_band in bands.items()},
        revenue_red_before=caught,
    )
