"""Which indicators move scores, and which way: drawn by the shap package, in points of the score.

Its one rule: shap draws and computes nothing; the points are the artifact's own exact ones.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from training.records.evaluation import Drivers
from training.reporting.drawing import QUIET, drawn
from training.reporting.page import Figure, Table, number
from training.reporting.plots import shortened

if TYPE_CHECKING:
    import shap
    from matplotlib.axes import Axes

JITTER_SEED = 20
# Dots per inch of the swarm, which is one picture within the drawing.
SHARP = 200


def summary(drivers: Drivers, points: str = "health points") -> Figure:
    """The summary by indicator of the drivers that `training.report_data.drivers` returns."""
    rows = [[driver.title, number(driver.points, 2)] for driver in drivers.indicators]
    first = [driver.title for driver in drivers.indicators[:3]]
    numbers = Table("Mean absolute points of the score", ["indicator", "points"], rows)
    strongest = f"The strongest by mean absolute points of the score: {', '.join(first)}."
    return swarm(explanation(drivers), strongest, numbers, points)


def explanation(drivers: Drivers) -> "shap.Explanation":
    """The sample in `drivers` as shap's own object: health points, coloured by the position."""
    import shap

    titles = [driver.title for driver in drivers.indicators]
    points = np.array(drivers.points, dtype=float)
    position = np.array(drivers.position, dtype=float)
    # Categories have no order: the colour in the middle, for shap wants a number in every column.
    position[:, np.isnan(position).all(axis=0)] = 0.5
    return shap.Explanation(
        values=points,
        data=position,
        feature_names=titles[: points.shape[1]],
    )


def swarm(
    explained: "shap.Explanation",
    description: str,
    numbers: Table | None = None,
    points: str = "health points",
) -> Figure:
    """A dot per row and indicator, the strongest indicator above.

    Parameters
    ----------
    explained : shap.Explanation
        Health points (rows × indicators), as `Artifact.explain` returns them by indicator.
    description : str
        What the figure shows, in a sentence.
    """
    names = [shortened(str(name)) for name in explained.feature_names]
    height = 1.1 + 0.27 * max(len(names), 3)
    return Figure(
        "drivers",
        f"{points.capitalize()} by indicator",
        drawn(
            lambda axis: _draw(axis, explained, names, points), width=6.2, height=height, dots=SHARP
        ),
        "One dot per account and indicator: left lowers the score, right raises it; the colour is "
        f"the indicator's value. {description}",
        numbers,
    )


def _draw(axis: "Axes", explained: "shap.Explanation", names: list[str], points: str) -> None:
    import shap

    with _seeded():
        shap.plots.beeswarm(
            shap.Explanation(explained.values, data=explained.data, feature_names=names),
            max_display=len(names),
            ax=axis,
            show=False,
            plot_size=None,
            s=9,
            color_bar_label="value of the indicator",
        )
    canvas = axis.get_figure()
    for part in canvas.axes if canvas else ():
        for dots in part.collections:
            dots.set_rasterized(True)
        part.tick_params(labelsize=9, colors=QUIET)
        part.yaxis.label.set_fontsize(9)
    axis.tick_params("y", length=0)
    axis.set_xlabel("points of the score: left lowers, right raises", fontsize=9)


@contextmanager
def _seeded() -> Iterator[None]:
    """Within it, numpy's global generator, from which shap spreads its dots, starts at a seed."""
    before = np.random.get_state()
    np.random.seed(JITTER_SEED)
    try:
        yield
    finally:
        np.random.set_state(before)
