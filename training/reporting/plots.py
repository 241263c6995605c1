"""The plots of reports: each takes plain numbers, as evaluations hold them, and returns a `Figure`.

Every figure has a description and its numbers as a table; intervals are 95 %.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from features.breaches.drift import MAJOR
from training.calibrating.bands import BAND_COLOURS, BAND_WORDS, BANDS
from training.metrics.proportion import Proportion
from training.metrics.quality import BandOutcome
from training.records.evaluation import ColumnShift
from training.reporting.drawing import (
    BLUE,
    INK,
    ORANGE,
    QUIET,
    drawn,
    percent,
    whiskers,
)
from training.reporting.page import Figure, Table, number, share

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def bands(counts: Mapping[str, BandOutcome]) -> Figure:
    """The later churn rate of each band.

    Parameters
    ----------
    counts : mapping of BandOutcome
        By band, as `quality.bands` returns.
    """
    names = [name for name in BANDS if name in counts]
    seen = {name: Proportion(counts[name].churned, counts[name].accounts) for name in names}
    rates = [f"{BAND_WORDS[name]} {share(seen[name].value)}" for name in names if seen[name].count]

    def draw(axis: "Axes") -> None:
        for place, name in enumerate(names):
            if seen[name].count:
                colour = BAND_COLOURS[name]
                axis.bar(place, seen[name].value or 0.0, width=0.6, color=colour)
                whiskers(axis, [place], [seen[name].measured], INK, marker="")
        labels = [f"{BAND_WORDS[name]}\n{seen[name].count:,}" for name in names]
        axis.set_xticks(range(len(names)), labels)
        axis.set_ylabel("churned later")
        axis.set_ylim(bottom=0)
        percent(axis, "y")

    return Figure(
        "bands",
        "Later churn rate by band",
        drawn(draw),
        f"Later churn rate by band: {'; '.join(rates)}.",
    )


def shift(items: Sequence[ColumnShift], title: str, most: int = 12) -> Figure:
    """How far columns, or scores, have moved between two as-of dates, the furthest first.

    Parameters
    ----------
    items : sequence of ColumnShift
        Each with its population stability index.
    most : int
        How many are drawn and listed.
    """
    ranked = sorted(items, key=lambda item: -item.index)[:most]
    major = sum(item.index >= MAJOR for item in items)

    def draw(axis: "Axes") -> None:
        names = [shortened(item.column) for item in ranked][::-1]
        found = [item.index for item in ranked][::-1]
        colours = [ORANGE if value >= MAJOR else BLUE for value in found]
        axis.barh(range(len(names)), found, height=0.65, color=colours)
        axis.axvline(MAJOR, color=QUIET, linewidth=0.8, linestyle="--")
        axis.set_yticks(range(len(names)), names)
        axis.set_xlim(0, max(0.3, *found) * 1.05)
        axis.set_xlabel(f"stability index ({MAJOR}: major)")

    rows = [[item.column, number(item.index, 3)] for item in ranked]
    return Figure(
        "drift",
        title,
        drawn(draw, height=_height(len(ranked))),
        f"Population stability index of the {len(ranked)} columns that moved furthest: {major} of "
        f"{len(items)} moved by {MAJOR} or more.",
        Table("Stability index", ["column", "index"], rows),
    )


LONGEST_NAME = 26


def shortened(text: str) -> str:
    """A name that fits beside a panel."""
    return text if len(text) <= LONGEST_NAME else text[: LONGEST_NAME - 1].rstrip() + "…"


def _height(rows: int) -> float:
    return 0.85 + 0.24 * max(rows, 3)
