"""Small numbers of the kinds that plots are made of, and every plot made of them."""

from typing import Any

import numpy as np

from training.metrics import value
from training.metrics.proportion import Proportion
from training.reporting import calibration_plots, gains_plots, plots
from training.reporting.page import Figure

BANDS = {
    "red": {"accounts": 40, "churned": 22},
    "yellow": {"accounts": 220, "churned": 61},
    "green": {"accounts": 140, "churned": 9},
}


def curve() -> list[dict[str, Any]]:
    """Return the gains curve of 400 accounts whose risk says something."""
    generator = np.random.default_rng(0)
    risk = generator.normal(size=400)
    labels = (generator.random(400) < 1 / (1 + np.exp(1 - 2 * risk))).astype(np.int8)
    return value.gains(risk, labels)


def rates(count: int = 5) -> list[dict[str, Any]]:
    """Return predicted and observed rates of as many groups, the first of them empty of events."""
    return [
        {
            "as_of": f"2026-0{place + 1}-01",
            "rows": 80,
            "predicted_rate": 0.02 + 0.1 * place,
            "observed_rate": 0.1 * place,
            "low": 0.08 * place,
            "high": 0.05 + 0.1 * place,
        }
        for place in range(count)
    ]


def figures() -> list[Figure]:
    """Return every plot of plain numbers."""
    worked = {"share": 0.1, "precision": Proportion(22, 40).plain()}
    shifts = [{"name": f"column {place}", "index": 0.03 * place} for place in range(20)]
    return [
        calibration_plots.curve(rates()),
        calibration_plots.curves([("east", rates()), ("west", rates(3))], "curves", "By segment"),
        plots.bands(BANDS),
        calibration_plots.by_date(rates()),
        plots.shift(shifts, "Drift of the columns"),
        gains_plots.gains(curve(), 0.1),
        gains_plots.lift(curve(), 0.1),
        gains_plots.precision(curve(), 0.25, worked),
    ]
