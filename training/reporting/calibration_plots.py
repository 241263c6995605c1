"""Calibration in figures and tables: curves, dates and segments, each measure with its interval.

The numbers are those of `training.metrics.calibration_table`.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from training.metrics.calibration_table import CalibrationMeasures, DateCalibration, Rates
from training.metrics.measured import Measured
from training.metrics.segments import FEW_EVENTS, Shrunken
from training.reporting.drawing import BLUE, ORANGE, QUIET, drawn, panels, percent, whiskers
from training.reporting.page import Figure, Table, number, share, shares, with_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Curve = Sequence[Rates]

# Curves that are drawn side by side; all of them are in the evaluation.
MOST = 8

SCALES = (
    "Observed − predicted rate and ECE: ideal 0. Slope: ideal 1; below 1: overconfident. The ECE "
    "is never negative, so an interval above 0 does not prove a calibration error."
)


def curve(groups: Curve, name: str = "reliability", title: str = "") -> Figure:
    """Predicted against observed rates.

    Parameters
    ----------
    groups : sequence of Rates
        From the safest to the riskiest.
    """
    inside = sum(map(_within, groups))
    count = "one group" if len(groups) == 1 else f"{len(groups)} groups"
    return Figure(
        name,
        title or "Reliability: predicted and observed rate",
        drawn(lambda axis: _draw(axis, groups, _top(groups))),
        f"Reliability curve of {count} of equal size, by predicted rate: in {inside} of them the "
        "predicted rate lies within the 95% interval of the observed rate.",
        rates_table(groups, "By predicted rate"),
    )


def rates_table(groups: Curve, title: str) -> Table:
    """Predicted and observed rates as a table, from the safest group to the riskiest."""
    rows = [[str(index), *_cells(group)] for index, group in enumerate(groups, 1)]
    return Table(title, ["group", "rows", "predicted", "observed"], rows)


def curves(parts: Sequence[tuple[str, Curve]], name: str, title: str) -> Figure:
    """The curves of some dates or segments side by side, on the same scale."""
    top = max(_top(groups) for _, groups in parts)
    inside = [f"{part}: {sum(map(_within, groups))} of {len(groups)}" for part, groups in parts]
    rows = [
        [f"{part}, {index}", *_cells(group)]
        for part, groups in parts
        for index, group in enumerate(groups, 1)
    ]
    return Figure(
        name,
        title,
        panels([(part, _drawing(groups, top)) for part, groups in parts]),
        "Reliability curves; number of groups whose predicted rate lies within the 95% interval "
        f"of the observed rate: {'; '.join(inside)}.",
        Table("By predicted rate", ["curve, group", "rows", "predicted", "observed"], rows),
    )


def _drawing(groups: Curve, top: float) -> Callable[["Axes"], None]:
    return lambda axis: _draw(axis, groups, top, labelled=False)


def _cells(rates: Rates) -> list[str]:
    return [*_rates(rates)[:2], shares(observed(rates), 1)]


def _rates(rates: Rates) -> list[str]:
    return [
        number(rates.rows, 0),
        share(rates.predicted_rate, 1),
        share(rates.observed_rate, 1),
    ]


def observed(rates: Rates) -> Measured:
    """The observed rate as a measure with its interval."""
    return Measured(rates.observed_rate, rates.low, rates.high)


def _within(rates: Rates) -> bool:
    return rates.low <= rates.predicted_rate <= rates.high


def _top(groups: Curve) -> float:
    ends = [end for group in groups for end in (group.predicted_rate, group.high)]
    return float(max([0.05, *ends]) * 1.05)


def _draw(axis: "Axes", groups: Curve, top: float, *, labelled: bool = True) -> None:
    across = [group.predicted_rate for group in groups]
    axis.plot([0, top], [0, top], color=QUIET, linewidth=0.8, linestyle="--", label="ideal")
    whiskers(axis, across, list(map(observed, groups)), BLUE, label="observed")
    axis.set(xlim=(0, top), ylim=(0, top))
    percent(axis, "x", "y")
    if labelled:
        axis.set(xlabel="predicted rate", ylabel="observed rate")
        axis.legend(loc="upper left")


def by_date(dates: Sequence[DateCalibration], named: str = "as-of date") -> Figure:
    """Observed and predicted rates per as-of date: how the base rate drifts, and who follows.

    Parameters
    ----------
    dates : sequence of DateCalibration
        In order of time; one at least.
    named : str
        What the dates are.
    """
    names, rates = [day.as_of for day in dates], [day.table.rates for day in dates]
    gap = max(abs(each.observed_rate - each.predicted_rate) for each in rates)

    def draw(axis: "Axes") -> None:
        places = range(len(dates))
        predicted = [each.predicted_rate for each in rates]
        axis.plot(places, predicted, color=ORANGE, linewidth=1.5, linestyle="--", label="predicted")
        whiskers(axis, list(places), list(map(observed, rates)), BLUE, label="observed")
        shown = np.unique(np.linspace(0, len(dates) - 1, min(len(dates), 4)).round().astype(int))
        axis.set_xticks(shown, [names[index] for index in shown])
        axis.set_ylim(bottom=0)
        axis.set_ylabel("rate")
        percent(axis, "y")
        axis.legend(loc="best")

    return Figure(
        "calibration-by-date",
        f"Observed and predicted rate per {named}",
        drawn(draw),
        f"Rate per {named} from {names[0]} to {names[-1]}: observed and predicted lie at "
        f"most {number(gap, 1, 100)} percentage points apart.",
        Table(
            f"Per {named}",
            [named, "rows", "predicted", "observed"],
            [[day, *_cells(each)] for day, each in zip(names, rates, strict=True)],
        ),
    )


def dates_table(
    dates: Sequence[DateCalibration], caption: str = "By as-of date", named: str = "as-of date"
) -> Table:
    """Calibration per as-of date, every measure with its interval."""
    rows = [
        [day.as_of, *_rates(day.table.rates), *measures(day.table.calibration)] for day in dates
    ]
    head = [named, "rows", "predicted", "observed", "observed − predicted", "slope", "ECE"]
    return Table(caption, head, rows, SCALES)


def measures(calibration: CalibrationMeasures) -> list[str]:
    """The cells of calibration-in-the-large, slope and ECE."""
    return [
        with_interval(calibration.in_the_large, 3),
        with_interval(calibration.slope, 2),
        with_interval(calibration.ece, 3),
    ]


def segments_table(
    segments: Sequence[tuple[str, CalibrationMeasures]], caption: str = "Calibration by segment"
) -> Table:
    """Calibration of each segment by itself."""
    rows = [[name, *measures(calibration)] for name, calibration in segments]
    return Table(caption, ["segment", "observed − predicted", "slope", "ECE"], rows, SCALES)


def shrunken_table(
    segments: Sequence[tuple[str, Shrunken]],
    caption: str = "Calibration by segment, shrunk towards all accounts",
) -> Table:
    """Each segment's figures shrunk towards those of all; the AUC where it is known."""
    with_auc = all(segment.auc is not None for _, segment in segments)
    rows = [
        [
            name,
            share(segment.weight),
            number(segment.in_the_large, 3),
            number(segment.slope, 2),
            number(segment.ece, 3),
            *([number(segment.auc, 3)] if with_auc else []),
        ]
        for name, segment in segments
    ]
    note = (
        "A segment with few events says little about itself, as the intervals show. Its own "
        f"figures have the weight n / (n + {FEW_EVENTS}), where n is the smaller of its numbers of "
        "events and non-events; the figures of all accounts have the rest."
    )
    head = ["segment", "own weight", "observed − predicted", "slope", "ECE"]
    return Table(caption, [*head, "AUC"] if with_auc else head, rows, note)
