"""Small numbers of the kinds that plots are made of, and every plot made of them."""

import numpy as np

from training.metrics import value
from training.metrics.calibration_table import (
    CalibrationMeasures,
    CalibrationTable,
    DateCalibration,
    Rates,
)
from training.metrics.measured import UNKNOWN
from training.metrics.proportion import Proportion
from training.metrics.quality import BandOutcome
from training.metrics.worth import AtCapacity
from training.records.evaluation import ColumnShift
from training.reporting import calibration_plots, gains_plots, plots
from training.reporting.page import Figure

BANDS = {
    "red": BandOutcome(40, 22),
    "yellow": BandOutcome(220, 61),
    "green": BandOutcome(140, 9),
}


def curve() -> tuple[value.GainsPoint, ...]:
    """Return the gains curve of 400 accounts whose risk says something."""
    generator = np.random.default_rng(0)
    risk = generator.normal(size=400)
    labels = (generator.random(400) < 1 / (1 + np.exp(1 - 2 * risk))).astype(np.int8)
    return value.gains(risk, labels)


def rates(count: int = 5) -> tuple[Rates, ...]:
    """Return predicted and observed rates of as many groups, the first of them empty of events."""
    return tuple(
        Rates(80, 8 * place, 0.02 + 0.1 * place, 0.1 * place, 0.08 * place, 0.05 + 0.1 * place)
        for place in range(count)
    )


def dates() -> list[DateCalibration]:
    """Return the same rates as those of as many dates."""
    calibration = CalibrationMeasures(UNKNOWN, UNKNOWN, UNKNOWN)
    return [
        DateCalibration(f"2026-0{place}-01", CalibrationTable(own, calibration, rates()))
        for place, own in enumerate(rates(), 1)
    ]


def figures() -> list[Figure]:
    """Return every plot of plain numbers."""
    worked = AtCapacity(0.1, 40, 22, Proportion(22, 40).measured, UNKNOWN, UNKNOWN)
    shifts = [ColumnShift(f"column {place}", 0.03 * place) for place in range(20)]
    return [
        calibration_plots.curve(rates()),
        calibration_plots.curves([("east", rates()), ("west", rates(3))], "curves", "By segment"),
        plots.bands(BANDS),
        calibration_plots.by_date(dates()),
        plots.shift(shifts, "Drift of the columns"),
        gains_plots.gains(curve(), 0.1),
        gains_plots.lift(curve(), 0.1),
        gains_plots.precision(curve(), 0.25, worked),
    ]
