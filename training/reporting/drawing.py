"""How a drawing becomes SVG text: the same bytes for the same content, on any day.

matplotlib's objects without pyplot, so that nothing global is touched; letters stay letters, which
a page sets in its own type; no date, no version and no address of the tool in the file.
"""

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from training.metrics.measured import Measured

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

# Inches: legible on a phone, and two fit side by side on a screen.
WIDTH, HEIGHT, DOTS = 5.1, 3.2, 100
INK, QUIET = "#1b1f24", "#535c67"
BLUE, ORANGE = "#0b5cad", "#a35200"
STYLE = {
    "svg.hashsalt": "churnlight",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9.5,
    "axes.edgecolor": QUIET,
    "axes.labelcolor": QUIET,
    "axes.labelsize": 9.5,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "text.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 9,
}
NOTHING = {"Date": None, "Creator": None, "Format": None, "Type": None}


@contextmanager
def style() -> Iterator[None]:
    """Within it, what matplotlib draws and writes is in our style."""
    import matplotlib

    with matplotlib.rc_context(STYLE):  # type: ignore[arg-type]
        yield


def drawn(
    draw: Callable[["Axes"], None],
    width: float = WIDTH,
    height: float = HEIGHT,
    dots: int = DOTS,
) -> str:
    """The SVG document of one panel, `width` × `height` inches, that `draw` fills.

    `dots` per inch are those of its pictures, where `draw` makes some.
    """
    from matplotlib.figure import Figure as Canvas

    with style():
        canvas = Canvas(figsize=(width, height), layout="constrained")
        draw(canvas.subplots())
        return _written(canvas, dots)


def _written(canvas: "Canvas", dots: int) -> str:
    written = io.StringIO()
    canvas.savefig(written, format="svg", metadata=NOTHING, dpi=dots)
    return written.getvalue()


def panels(
    parts: Sequence[tuple[str, Callable[["Axes"], None]]],
    across: int = 2,
    width: float = WIDTH,
    height: float = 1.95,
) -> str:
    """The SVG document of titled panels, `across` side by side, each `height` inches high."""
    from matplotlib.figure import Figure as Canvas

    down = -(-len(parts) // across)
    with style():
        canvas = Canvas(figsize=(width, height * down), layout="constrained")
        every = canvas.subplots(down, across, squeeze=False).ravel()
        for axis, (title, draw) in zip(every, parts, strict=False):
            draw(axis)
            axis.set_title(title, fontsize=9.5)
        for axis in every[len(parts) :]:
            axis.remove()
        return _written(canvas, DOTS)


def percent(axis: "Axes", *sides: str) -> None:
    """Shares on these sides (`x`, `y`) are shown as percentages."""
    from matplotlib.ticker import PercentFormatter

    for side in sides:
        getattr(axis, f"{side}axis").set_major_formatter(PercentFormatter(1.0, decimals=0))


def whiskers(
    axis: "Axes",
    across: Sequence[float],
    measures: Sequence[Measured],
    colour: str,
    *,
    label: str = "",
    marker: str = "o",
) -> None:
    """Measures at `across`, with their intervals as whiskers."""
    value, low, high = (
        np.array([getattr(measure, end) for measure in measures], dtype=float)
        for end in ("value", "low", "high")
    )
    axis.errorbar(
        across,
        value,
        yerr=np.maximum([value - low, high - value], 0),
        linestyle="",
        color=colour,
        marker=marker,
        markersize=4,
        linewidth=1.2,
        capsize=2,
        label=label or None,
    )
