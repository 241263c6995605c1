"""The plots of reports: each takes numbers of an evaluation and returns a `Figure`.

Every figure has a description and its numbers as a table; intervals are 95%.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from features.breaches.drift import MAJOR
from training.calibrating.bands import BAND_COLOURS, BAND_WORDS, BANDS, Band
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
    """The later churn rate of each band."""
    present = [name for name in BANDS if name in counts]
    rates = {name: Proportion(counts[name].churned, counts[name].accounts) for name in present}
    described = [f"{BAND_WORDS[name]} {share(rates[name].value)}" for name in _counted(rates)]

    def draw(axis: "Axes") -> None:
        for position, name in enumerate(present):
            if rates[name].count:
                colour = BAND_COLOURS[name]
                axis.bar(position, rates[name].value or 0.0, width=0.6, color=colour)
                whiskers(axis, [position], [rates[name].measured], INK, marker="")
        labels = [f"{BAND_WORDS[name]}\n{rates[name].count:,}" for name in present]
        axis.set_xticks(range(len(present)), labels)
        axis.set_ylabel("churned later")
        axis.set_ylim(bottom=0)
        percent(axis, "y")

    return Figure(
        "bands",
        "Later churn rate by band",
        drawn(draw),
        f"Later churn rate by band: {'; '.join(described)}.",
    )


def _counted(rates: Mapping[Band, Proportion]) -> list[Band]:
    return [name for name, rate in rates.items() if rate.count]


def shift(shifts: Sequence[ColumnShift], title: str, most: int = 12) -> Figure:
    """How far columns have moved between two as-of dates, the furthest first.

    Parameters
    ----------
    most : int
        How many are drawn and listed.
    """
    ranked = sorted(shifts, key=lambda column: -column.index)[:most]
    major = sum(column.index >= MAJOR for column in shifts)

    def draw(axis: "Axes") -> None:
        names = [shortened(column.column) for column in ranked][::-1]
        indices = [column.index for column in ranked][::-1]
        colours = [ORANGE if index >= MAJOR else BLUE for index in indices]
        axis.barh(range(len(names)), indices, height=0.65, color=colours)
        axis.axvline(MAJOR, color=QUIET, linewidth=0.8, linestyle="--")
        axis.set_yticks(range(len(names)), names)
        axis.set_xlim(0, max(0.3, *indices) * 1.05)
        axis.set_xlabel(f"stability index ({MAJOR}: major)")

    rows = [[column.column, number(column.index, 3)] for column in ranked]
    return Figure(
        "drift",
        title,
        drawn(draw, height=_height(len(ranked))),
        f"Population stability index of the {len(ranked)} columns that moved furthest: {major} of "
        f"{len(shifts)} moved by {MAJOR} or more.",
        Table("Stability index", ["column", "index"], rows),
    )


LONGEST_NAME = 26


def shortened(text: str) -> str:
    """A name that fits beside a panel."""
    return text if len(text) <= LONGEST_NAME else text[: LONGEST_NAME - 1].rstrip() + "…"


def _height(rows: int) -> float:
    return 0.85 + 0.24 * max(rows, 3)
