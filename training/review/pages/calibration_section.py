"""Whether the two models' probabilities are right: curves and tables by segment and by date."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from training.metrics import calibration_table
from training.reporting import calibration_plots
from training.reporting.page import UNKNOWN, Figure, Part, Section, Table, number, share
from training.review.by_model import ROLES, ModelRole
from training.review.comparison import ComparisonResult, SegmentComparison
from training.review.content import ReviewContent
from training.review.sections.calibration import ModelCalibration, ReviewDateCalibration


def calibration_section(content: ReviewContent) -> Section:
    """Of either model: the compared rows, their segments, and every as-of date, with intervals."""
    parts: list[Part] = [
        (
            f"{calibration_plots.SCALES} On dates that a model was trained on, or that overlap "
            "with these, its figures look better than they are."
        )
    ]
    result, days = content.comparison.result, content.calibration
    if result:
        parts += [_curve(result, role) for role in ROLES]
        if len(result.segments) > 1:
            parts += [table for role in ROLES for table in _by_segment(result.segments, role)]
    parts += [_by_date(days, role) for role in ROLES]
    parts += [figure for role in ROLES for figure in _drawn(days, role)]
    return Section("Calibration", *parts)


def _curve(result: ComparisonResult, role: ModelRole) -> Figure:
    """The model's curve on the compared rows."""
    curve = result.quality.of(role).reliability
    return calibration_plots.curve(
        curve, f"reliability-{role}", f"Reliability on compared rows, {role}"
    )


def _by_segment(segments: Sequence[SegmentComparison], role: ModelRole) -> Iterator[Table]:
    segments_of_role = [(each.segment, each.calibration.of(role)) for each in segments]
    yield calibration_plots.segments_table(
        [(name, segment.calibration) for name, segment in segments_of_role],
        f"The {role}, by segment of the compared rows",
    )
    yield calibration_plots.shrunken_table(
        [(name, segment.shrunken) for name, segment in segments_of_role],
        f"The {role}, by segment, shrunk towards all compared rows",
    )


def _by_date(days: Sequence[ReviewDateCalibration], role: ModelRole) -> Table:
    rows = [
        [
            str(day.as_of),
            number(calibration.rows, 0),
            *_measures(calibration),
            calibration.date_status,
        ]
        for day in days
        for calibration in [day.models.of(role)]
    ]
    head = ["as-of date", "rows", "observed", "observed − predicted", "slope", "ECE", "date is"]
    return Table(f"The {role}, by as-of date", head, rows)


def _measures(calibration: ModelCalibration) -> list[str]:
    if calibration.table is None:
        return [UNKNOWN] * 4
    observed = share(calibration.table.rates.observed_rate, 1)
    return [observed, *calibration_plots.measures(calibration.table.calibration)]


def _drawn(days: Sequence[ReviewDateCalibration], role: ModelRole) -> Iterator[Figure]:
    """Rates over time, and the curves of the latest dates; none where no date has a row."""
    measured = [
        calibration_table.DateCalibration(str(day.as_of), table)
        for day in days
        if (table := day.models.of(role).table)
    ]
    if not measured:
        return
    rates = calibration_plots.by_date(measured)
    yield replace(rates, name=f"{rates.name}-{role}", title=f"{rates.title}, {role}")
    latest = measured[-calibration_plots.MOST :]
    yield calibration_plots.curves(
        [(day.as_of, day.table.reliability) for day in latest],
        f"reliability-by-date-{role}",
        f"Reliability by as-of date, {role}",
    )
