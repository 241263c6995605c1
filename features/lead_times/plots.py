"""Lead-time plots: one picture per family of the catalogue, one panel per indicator.

Drawn with matplotlib's objects and without pyplot, so that nothing global is touched. Time runs to
the right and ends with the churn; the finding is written above each panel, and the colour
only repeats it.
"""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from features import publish
from features.lead_times.curves import CurvePoint
from features.lead_times.findings import Lead, LeadFinding, LeadTimes
from features.lead_times.lags import LONGEST

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ACROSS = 2
PANEL_WIDTH, PANEL_HEIGHT, HEAD, NARROWEST = 5.2, 2.5, 0.75, 7.5
COLOURS: dict[LeadFinding, str] = {
    "leading": "#0b5cad",
    "lagging": "#a35200",
    "not shown": "#5f6368",
    "not measured": "#5f6368",
}
INK, QUIET = "#1f2328", "#6b7280"


def write(lead_times: LeadTimes, folder: Path, company: str) -> list[Path]:
    """Writes `FAMILY.png` into `folder` for each family, `model.png` for the model; their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    leads = sorted(
        [*lead_times.leads, *([lead_times.model] if lead_times.model else [])], key=_family
    )
    written = []
    for family, members in groupby(leads, key=_family):
        path = folder / f"{family}.png"
        figure = _figure(list(members), lead_times, f"{company}: {family}")
        with publish.replacing(path) as temporary:
            figure.savefig(temporary, format="png", dpi=110)
        written.append(path)
    return written


def _family(lead: Lead) -> str:
    return lead.family


def _figure(leads: Sequence[Lead], lead_times: LeadTimes, title: str) -> "Figure":
    from matplotlib.figure import Figure

    across = min(ACROSS, len(leads))
    down = -(-len(leads) // across)
    size = (max(across * PANEL_WIDTH, NARROWEST), down * PANEL_HEIGHT + HEAD)
    figure = Figure(figsize=size, layout="constrained")
    figure.suptitle(title, x=0.01, ha="left", fontsize=12, fontweight="bold", color=INK)
    panels = figure.subplots(down, across, squeeze=False, sharex=True, sharey=True)
    low, high = _reach(leads)
    for lead, panel in zip(leads, panels.flat, strict=False):
        _draw(panel, lead, lead_times)
        panel.set_ylim(low, high)
    for panel in list(panels.flat)[len(leads) :]:
        panel.set_visible(False)
    for panel in list(panels.flat)[max(len(leads) - across, 0) : len(leads)]:
        panel.tick_params(labelbottom=True)
    figure.supxlabel(_below(lead_times), fontsize=9, color=QUIET)
    figure.supylabel("AUC against accounts at risk", fontsize=9, color=QUIET)
    return figure


def _below(lead_times: LeadTimes) -> str:
    day = "the last activity" if lead_times.silence_days else "the churn"
    return (
        f"days before {day}; lags of {lead_times.step_days} days, {lead_times.churners:,} accounts "
        f"that churned, dashed: the gap of {lead_times.gap_days} days, band: 95%, thick: certain"
    )


def _reach(leads: Sequence[Lead]) -> tuple[float, float]:
    """One scale for all panels of a picture, with the line of no separation in sight."""
    areas = [
        value
        for lead in leads
        for point in _known(lead)
        for value in (point.low, point.high)
        if value
    ]
    return min([0.4, *areas]) - 0.01, max([0.7, *areas]) + 0.01


def _known(lead: Lead) -> list[CurvePoint]:
    return [point for point in lead.curves[0].points if point.auc is not None]


def _draw(panel: "Axes", lead: Lead, lead_times: LeadTimes) -> None:
    draw(panel, _known(lead), lead.finding, lead_times.gap_days, lead_times.step_days)
    panel.set_title(f"{lead.title}\n{_words(lead)}", loc="left", fontsize=9, color=INK)


def draw(
    panel: "Axes", points: Sequence[CurvePoint], finding: LeadFinding, gap_days: int, step_days: int
) -> None:
    """Draws a curve's points of known AUC into a panel, the churn at its right end.

    `gap_days` is the place of the dashed line of the gap, `step_days` the width of a lag.
    """
    colour = COLOURS[finding]
    across = [(point.from_days + point.to_days) / 2 for point in points]
    auc = np.array([point.auc for point in points], dtype=float)
    low = np.array([point.low for point in points], dtype=float)
    high = np.array([point.high for point in points], dtype=float)
    panel.axhline(0.5, color=QUIET, linewidth=0.8)
    panel.axvline(gap_days, color=QUIET, linewidth=0.8, linestyle="--")
    panel.fill_between(across, low, high, color=colour, alpha=0.18, linewidth=0)
    panel.plot(across, auc, color=colour, linewidth=1.2)
    certain = [index for index, point in enumerate(points) if point.certified]
    panel.plot([across[i] for i in certain], auc[certain], color=colour, linewidth=3)
    panel.set_xlim(LONGEST + step_days, -step_days / 2)
    panel.set_xticks([360, 270, 180, 90, 0])
    panel.tick_params(labelsize=8, colors=QUIET)
    for side in ("top", "right"):
        panel.spines[side].set_visible(False)


def _words(lead: Lead) -> str:
    if lead.finding == "leading":
        return (
            f"leads by {lead.lead_days} days{' or more' if lead.open_ended else ''} ({lead.column})"
        )
    if lead.finding == "lagging":
        return f"lagging: {lead.lead_days} days, not at the gap ({lead.column})"
    return f"{lead.finding} ({lead.column})"
