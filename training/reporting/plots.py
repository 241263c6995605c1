"""The plots of reports: each takes plain numbers, as evaluations hold them, and answers a `Figure`.

Every figure is told in a sentence and has its numbers as a table; intervals are 95 %.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from features.breaches.drift import MAJOR
from training.proportion import Proportion
from training.reporting.drawing import (
    BAND_COLOURS,
    BLUE,
    INK,
    ORANGE,
    QUIET,
    drawn,
    percent,
    whiskers,
)
from training.reporting.page import BANDS, Figure, Table, number, share, shares

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Row = Mapping[str, Any]
"""From this population stability index on, a shift is commonly called major (Siddiqi 2012)."""


def reliability(bins: Sequence[Row], name: str = "reliability", title: str = "") -> Figure:
    """Predicted against observed rates.

    Parameters
    ----------
    bins : sequence of mapping
        Each with `rows`, `predicted_rate` and `observed_rate`, as `evaluate.reliability` answers.
    """
    seen = [_observed(item) for item in bins]
    outside = sum(not _within(item["predicted_rate"], found) for item, found in _pairs(bins, seen))
    rows = [
        [str(place + 1), number(item["rows"], 0), share(item["predicted_rate"], 1), _told(found)]
        for place, (item, found) in enumerate(_pairs(bins, seen))
    ]
    return Figure(
        name,
        title or "Reliability: what was predicted, and what came",
        drawn(lambda axis: _draw_reliability(axis, bins, seen)),
        f"Reliability curve of {len(bins)} groups of equal size, from the safest to the riskiest: "
        f"in {len(bins) - outside} of them the predicted rate lies within the 95 % interval of the "
        "observed one.",
        Table("By predicted rate", ["group", "accounts", "predicted", "observed"], rows),
    )


def _draw_reliability(axis: "Axes", bins: Sequence[Row], seen: Sequence[Proportion]) -> None:
    across = [item["predicted_rate"] for item in bins]
    top = max([0.05, *across, *(item.high or 0.0 for item in seen)]) * 1.05
    axis.plot([0, top], [0, top], color=QUIET, linewidth=0.8, linestyle="--", label="ideal")
    whiskers(axis, across, plain(seen), BLUE, label="observed")
    axis.set(xlim=(0, top), ylim=(0, top), xlabel="predicted rate", ylabel="observed rate")
    percent(axis, "x", "y")
    axis.legend(loc="upper left")


def bands(counts: Mapping[str, Row]) -> Figure:
    """The later churn rate of each band.

    Parameters
    ----------
    counts : mapping of mapping
        By band, `accounts` and `churned`, as `evaluate.bands` answers.
    """
    names = [name for name in BANDS if name in counts]
    seen = {name: Proportion(counts[name]["churned"], counts[name]["accounts"]) for name in names}
    told = [f"{BANDS[name]} {share(seen[name].value)}" for name in names if seen[name].count]

    def draw(axis: "Axes") -> None:
        for place, name in enumerate(names):
            if seen[name].count:
                colour = BAND_COLOURS[name]
                axis.bar(place, seen[name].value or 0.0, width=0.6, color=colour)
                whiskers(axis, [place], plain([seen[name]]), INK, marker="")
        labels = [f"{BANDS[name]}\n{seen[name].count:,}" for name in names]
        axis.set_xticks(range(len(names)), labels)
        axis.set_ylabel("churned later")
        axis.set_ylim(bottom=0)
        percent(axis, "y")

    return Figure(
        "bands",
        "Later churn rate by band",
        drawn(draw),
        f"Later churn rate by band: {'; '.join(told)}.",
    )


def calibration_by_date(dates: Sequence[Row]) -> Figure:
    """Observed and predicted rates per as-of date: how the base rate drifts, and who follows.

    Parameters
    ----------
    dates : sequence of mapping
        Each with `as_of`, `rows`, `observed_rate`, `predicted_rate`, in order of time.
    """
    names = [str(item["as_of"]) for item in dates]
    seen = [_observed(item) for item in dates]
    gap = max(abs(item["observed_rate"] - item["predicted_rate"]) for item in dates)

    def draw(axis: "Axes") -> None:
        places = range(len(dates))
        predicted = [item["predicted_rate"] for item in dates]
        axis.plot(places, predicted, color=ORANGE, linewidth=1.5, linestyle="--", label="predicted")
        whiskers(axis, list(places), plain(seen), BLUE, label="observed")
        shown = np.unique(np.linspace(0, len(dates) - 1, min(len(dates), 4)).round().astype(int))
        axis.set_xticks(shown, [names[place] for place in shown])
        axis.set_ylim(bottom=0)
        axis.set_ylabel("rate")
        percent(axis, "y")
        axis.legend(loc="best")

    rows = [
        [day, number(item["rows"], 0), share(item["predicted_rate"], 1), _told(found)]
        for day, (item, found) in zip(names, _pairs(dates, seen), strict=True)
    ]
    return Figure(
        "calibration-by-date",
        "Observed and predicted rate per as-of date",
        drawn(draw),
        f"Rate per as-of date from {names[0]} to {names[-1]}: observed and predicted lie at "
        f"most {number(gap, 1, 100)} percentage points apart.",
        Table("Per as-of date", ["as-of date", "accounts", "predicted", "observed"], rows),
    )


def shift(items: Sequence[Row], title: str, most: int = 12) -> Figure:
    """How far columns, or scores, have moved between two as-of dates, the furthest first.

    Parameters
    ----------
    items : sequence of mapping
        Each with `name` and `index`, the population stability index.
    most : int
        How many are drawn and listed.
    """
    ranked = sorted(items, key=lambda item: -item["index"])[:most]
    major = sum(item["index"] >= MAJOR for item in items)

    def draw(axis: "Axes") -> None:
        names = [shortened(item["name"]) for item in ranked][::-1]
        found = [item["index"] for item in ranked][::-1]
        colours = [ORANGE if value >= MAJOR else BLUE for value in found]
        axis.barh(range(len(names)), found, height=0.65, color=colours)
        axis.axvline(MAJOR, color=QUIET, linewidth=0.8, linestyle="--")
        axis.set_yticks(range(len(names)), names)
        axis.set_xlim(0, max(0.3, *found) * 1.05)
        axis.set_xlabel(f"stability index ({MAJOR}: major)")

    rows = [[item["name"], number(item["index"], 3)] for item in ranked]
    return Figure(
        "drift",
        title,
        drawn(draw, height=_height(len(ranked))),
        f"Population stability index of {len(items)} columns, the {len(ranked)} that moved "
        f"furthest: {major} of all moved by {MAJOR} or more.",
        Table("Stability index", ["column", "index"], rows),
    )


LONGEST_NAME = 26


def shortened(text: str) -> str:
    """A name that fits beside a panel."""
    return text if len(text) <= LONGEST_NAME else text[: LONGEST_NAME - 1].rstrip() + "…"


def _height(rows: int) -> float:
    return 0.85 + 0.24 * max(rows, 3)


def _observed(item: Row) -> Proportion:
    return Proportion(item["observed_rate"] * item["rows"], item["rows"])


def _told(found: Proportion) -> str:
    return shares(found.plain(), 1)


def _within(value: float, found: Proportion) -> bool:
    return (found.low or 0.0) <= value <= (1.0 if found.high is None else found.high)


def _pairs(items: Sequence[Row], seen: Sequence[Proportion]) -> list[tuple[Row, Proportion]]:
    return list(zip(items, seen, strict=True))


def plain(seen: Sequence[Proportion]) -> list[dict[str, float | None]]:
    """The proportions as measures with intervals."""
    return [item.plain() for item in seen]
