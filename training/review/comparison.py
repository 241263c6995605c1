"""Champion against challenger on the same rows; every interval resamples accounts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypedDict

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy.special import expit

from training.artifact import Artifact
from training.calibrating.bands import BANDS
from training.calibrating.calibration import log_losses
from training.metrics import calibration_table, quality, segments, value, worth
from training.metrics.calibration_table import CalibrationMeasures, CalibrationTable, Rates
from training.metrics.measured import Measured
from training.metrics.segments import Shrunken
from training.metrics.value import Caught, GainsPoint, Worked
from training.metrics.worth import AtCapacity
from training.procedure import labelled
from training.review.by_model import ByModel
from training.review.comparison_dates import Basis, ComparisonDates, MaturedDate
from training.review.review_data import ReviewData
from training.review.scored import ScoredArrays, score_rows
from training.review.statuses import Statuses

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int8]
Flags = npt.NDArray[np.bool_]
RowIndex = npt.NDArray[np.int64]


@dataclass(frozen=True)
class ComparedRows:
    """Rows that both models score and whose outcome is known."""

    scores: ByModel[ScoredArrays]
    labels: Labels
    accounts: list[str]
    segments: npt.NDArray[np.object_]
    as_of: npt.NDArray[np.datetime64]
    mrr: Floats

    def only(self, mask: Flags) -> "ComparedRows":
        """The rows in `mask`."""
        return ComparedRows(
            ByModel(_only(self.scores.champion, mask), _only(self.scores.challenger, mask)),
            self.labels[mask],
            [self.accounts[row] for row in np.flatnonzero(mask)],
            self.segments[mask],
            self.as_of[mask],
            self.mrr[mask],
        )


def _only(scores: ScoredArrays, mask: Flags) -> ScoredArrays:
    return ScoredArrays(scores.logits[mask], scores.health[mask], scores.completeness[mask])


# What the comparison says


class SizeFields(TypedDict):
    """The fields of `Sizes`."""

    rows: int
    accounts: int
    events: int
    base_rate: float


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How many rows, accounts and events, and the share of rows with the event."""

    rows: int
    accounts: int
    events: int
    base_rate: float


@dataclass(frozen=True, kw_only=True)
class Levels:
    """A model's AUC within each date (None without both outcomes), log loss and mean chance."""

    auc: float | None
    log_loss: float
    predicted_rate: float


@dataclass(frozen=True, kw_only=True)
class ModelQuality(Levels):
    """The same with the model's calibration on all compared rows."""

    ece: float | None
    calibration: CalibrationMeasures
    reliability: tuple[Rates, ...]


@dataclass(frozen=True, kw_only=True)
class TeamValue:
    """The value of a model to the team on one date.

    Of the riskiest accounts at the team's capacity, of those of the status that is worked first,
    and the churned revenue among the latter (None of an opportunity).
    """

    at_capacity: AtCapacity
    gains: tuple[GainsPoint, ...]
    worked_first: Worked
    revenue: Caught | None


@dataclass(frozen=True, kw_only=True)
class DateComparison(Sizes):
    """The two models on one as-of date."""

    as_of: date
    levels: ByModel[Levels]
    log_loss_gain: Measured
    value: ByModel[TeamValue]


@dataclass(frozen=True, kw_only=True)
class SegmentCalibration:
    """A model's calibration on a segment, by itself and shrunk towards all compared rows."""

    calibration: CalibrationMeasures
    reliability: tuple[Rates, ...]
    shrunken: Shrunken


@dataclass(frozen=True, kw_only=True)
class SegmentComparison(Sizes):
    """The two models on one segment; no gain where it has too few rows."""

    segment: str
    predicted_rate: ByModel[float]
    log_loss_gain: Measured | None
    calibration: ByModel[SegmentCalibration]


@dataclass(frozen=True, kw_only=True)
class ComparisonResult(Sizes):
    """The result on the compared rows; gains above 0 speak for the challenger.

    `valued_on` is the date of `by_as_of` on which the value to the team is shown.
    """

    quality: ByModel[ModelQuality]
    log_loss_gain: Measured
    auc_gain: Measured
    by_as_of: list[DateComparison]
    valued_on: date
    segments: list[SegmentComparison]

    @property
    def valued(self) -> DateComparison:
        """The comparison on the date on which the value to the team is shown."""
        return next(day for day in self.by_as_of if day.as_of == self.valued_on)


@dataclass(frozen=True, kw_only=True)
class ModelComparison:
    """On which dates the models are compared and why, and the result; None without rows."""

    basis: Basis
    explanation: str
    since_the_champion: Sequence[MaturedDate]
    as_of: Sequence[date]
    repeated_auc: float | None
    makes_champion: bool
    result: ComparisonResult | None


# How it is measured


def compared_rows(data: ReviewData, dates: ComparisonDates) -> ComparedRows | None:
    """The rows of the comparison; None where there are none, or all have the same outcome."""
    if dates.compared_model is None:
        return None
    table = dates.rows
    if table is None:
        table = labelled(data.mature.on(dates.days), data.company, data.target)
    rows = _scored_by_both(table, data, dates.compared_model)
    rows = rows.only(rows.scores.champion.there & rows.scores.challenger.there)
    return rows if 0 < rows.labels.sum() < len(rows.labels) else None


def _scored_by_both(table: pa.Table, data: ReviewData, compared_model: Artifact) -> ComparedRows:
    champion = score_rows(table, data.models.champion.artifact)
    return ComparedRows(
        ByModel(champion, score_rows(table, compared_model)),
        table[f"label__{data.target}"].to_numpy().astype(np.int8),
        table["account_id"].to_pylist(),
        np.array(table["segment"].to_pylist(), dtype=object),
        table["as_of"].to_numpy().astype("datetime64[D]"),
        data.mrr_of(table["account_id"]),
    )


def compare(
    rows: ComparedRows | None, dates: ComparisonDates, capacity: float, statuses: Statuses
) -> ModelComparison:
    """The comparison; without rows only on which dates it would have been."""
    return ModelComparison(
        basis=dates.basis,
        explanation=dates.explanation,
        since_the_champion=dates.matured,
        as_of=dates.days,
        repeated_auc=dates.repeated_auc,
        makes_champion=dates.makes_champion,
        result=None if rows is None else _result(rows, dates, capacity, statuses),
    )


def _result(
    rows: ComparedRows, dates: ComparisonDates, capacity: float, statuses: Statuses
) -> ComparisonResult:
    champion, challenger = (_quality(scores, rows) for scores in rows.scores)
    log_loss_gain, auc_gain = gains(rows)
    return ComparisonResult(
        **_sizes(rows),
        quality=ByModel(champion, challenger),
        log_loss_gain=log_loss_gain,
        auc_gain=auc_gain,
        by_as_of=[_on(rows, day, capacity, statuses) for day in np.unique(rows.as_of)],
        valued_on=_valued_on(rows, dates),
        segments=_by_segment(rows),
    )


def _valued_on(rows: ComparedRows, dates: ComparisonDates) -> date:
    """The last date; of one whose rows are compared in part, the latest of those with most."""
    days, count = np.unique(rows.as_of, return_counts=True)
    whole = dates.rows is None
    chosen: date = (days if whole else days[count == count.max()])[-1].astype(date)
    return chosen


def _sizes(rows: ComparedRows) -> SizeFields:
    return {
        "rows": len(rows.labels),
        "accounts": len(set(rows.accounts)),
        "events": int(rows.labels.sum()),
        "base_rate": float(rows.labels.mean()),
    }


def _quality(scores: ScoredArrays, rows: ComparedRows) -> ModelQuality:
    levels, table = _levels(scores, rows), _table(scores, rows)
    return ModelQuality(
        auc=levels.auc,
        log_loss=levels.log_loss,
        predicted_rate=levels.predicted_rate,
        ece=table.calibration.ece.value,
        calibration=table.calibration,
        reliability=table.reliability,
    )


def _levels(scores: ScoredArrays, rows: ComparedRows) -> Levels:
    auc = _auc(scores.logits, rows, np.arange(len(rows.labels)))
    return Levels(
        auc=None if np.isnan(auc) else auc,
        log_loss=float(log_losses(scores.logits, rows.labels).mean()),
        predicted_rate=float(expit(scores.logits).mean()),
    )


def _table(scores: ScoredArrays, rows: ComparedRows) -> CalibrationTable:
    return calibration_table.of(scores.logits, rows.labels, rows.accounts)


def gains(rows: ComparedRows) -> tuple[Measured, Measured]:
    """By how much the challenger's log loss is lower and its AUC is higher, paired by row."""
    champion, challenger = (scores.logits for scores in rows.scores)
    lower = log_losses(champion, rows.labels) - log_losses(challenger, rows.labels)

    def higher(sample: RowIndex) -> float:
        return _auc(challenger, rows, sample) - _auc(champion, rows, sample)

    return quality.mean_interval(lower, rows.accounts), quality.interval(higher, rows.accounts)


def _auc(logits: Floats, rows: ComparedRows, sample: RowIndex) -> float:
    """The AUC within each as-of date, weighted by its rows: between dates base rates differ."""
    labels, days = rows.labels[sample], rows.as_of[sample]
    parts = [
        (float((days == day).sum()), quality.auc(logits[sample][days == day], labels[days == day]))
        for day in np.unique(days)
    ]
    measurable = [(weight, area) for weight, area in parts if not np.isnan(area)]
    if not measurable:
        return float("nan")
    weights, areas = zip(*measurable, strict=True)
    return float(np.average(areas, weights=weights))


def _on(
    rows: ComparedRows, day: np.datetime64, capacity: float, statuses: Statuses
) -> DateComparison:
    of_day = rows.only(rows.as_of == day)
    champion, challenger = of_day.scores
    return DateComparison(
        as_of=day.astype(date),
        **_sizes(of_day),
        levels=ByModel(_levels(champion, of_day), _levels(challenger, of_day)),
        log_loss_gain=gains(of_day)[0],
        value=ByModel(
            _value(champion, of_day, capacity, statuses),
            _value(challenger, of_day, capacity, statuses),
        ),
    )


def _value(
    scores: ScoredArrays, rows: ComparedRows, capacity: float, statuses: Statuses
) -> TeamValue:
    first, happened = statuses.is_worked_first(scores), rows.labels == 1
    worked = worth.of(scores.logits, rows.labels, rows.accounts, capacity)
    # An opportunity puts no revenue at risk.
    revenue = value.revenue_caught(first, happened, rows.mrr) if statuses.names == BANDS else None
    return TeamValue(
        at_capacity=worked.at_capacity,
        gains=worked.gains,
        worked_first=value.of_red(first, rows.labels),
        revenue=revenue,
    )


def _by_segment(rows: ComparedRows) -> list[SegmentComparison]:
    overall = ByModel(*(_table(scores, rows) for scores in rows.scores))
    return [_of_segment(rows, name, overall) for name in sorted(set(rows.segments))]


def _of_segment(
    rows: ComparedRows, name: str, overall: ByModel[CalibrationTable]
) -> SegmentComparison:
    of_segment = rows.only(rows.segments == name)
    enough = len(of_segment.labels) >= segments.LEAST_ACCOUNTS
    weight = segments.weight(of_segment.labels)
    champion, challenger = (
        _segment_calibration(_table(scores, of_segment), whole, weight)
        for scores, whole in zip(of_segment.scores, overall, strict=True)
    )
    return SegmentComparison(
        segment=name,
        **_sizes(of_segment),
        predicted_rate=ByModel(
            *(float(expit(scores.logits).mean()) for scores in of_segment.scores)
        ),
        log_loss_gain=gains(of_segment)[0] if enough else None,
        calibration=ByModel(champion, challenger),
    )


def _segment_calibration(
    segment: CalibrationTable, overall: CalibrationTable, weight: float
) -> SegmentCalibration:
    return SegmentCalibration(
        calibration=segment.calibration,
        reliability=segment.reliability,
        shrunken=segments.shrunken(segment.calibration, overall.calibration, weight),
    )
