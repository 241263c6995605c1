"""Lead-time curves of an evaluation: how long before churn each indicator separates."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from features.lead_times import plots
from features.lead_times.curves import CurvePoint
from training.records.evaluation import IndicatorLead, IndicatorLeads
from training.reporting.drawing import drawn
from training.reporting.page import Figure, Table, number, share

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FIRST = {"leading": 0, "lagging": 1, "not shown": 2, "not measured": 3}


def curves(leads: IndicatorLeads, most: int = 9) -> list[Figure]:
    """The curves of the indicators that lead furthest."""
    measured = [indicator for indicator in leads.indicators if _points(indicator)]
    ranked = sorted(measured, key=_rank)[:most]
    points = [point for indicator in ranked for point in _points(indicator)]
    low = min([0.4, *(point.low for point in points if point.low is not None)]) - 0.01
    high = max([0.7, *(point.high for point in points if point.high is not None)]) + 0.01
    return [_figure(indicator, leads, (low, high)) for indicator in ranked]


def _rank(indicator: IndicatorLead) -> tuple[int, int, str]:
    return FIRST[indicator.finding], -(indicator.lead_days or 0), indicator.indicator


def _points(indicator: IndicatorLead) -> list[CurvePoint]:
    """The points of its curve whose AUC is known."""
    points = [CurvePoint(**asdict(point), lift=None) for point in indicator.curve]
    return [point for point in points if point.auc is not None]


def _figure(indicator: IndicatorLead, leads: IndicatorLeads, reach: tuple[float, float]) -> Figure:
    points = _points(indicator)

    def draw(axis: "Axes") -> None:
        plots.draw(axis, points, indicator.finding, leads.gap_days, leads.step_days)
        axis.set_ylim(*reach)
        axis.set(xlabel="days before churn", ylabel="AUC")

    return Figure(
        f"lead-time-{indicator.indicator}",
        indicator.title,
        drawn(draw, width=3.3, height=2.2),
        f"{indicator.title} ({indicator.column}), AUC by days before churn. {indicator.sentence}",
        _numbers(indicator.title, points),
    )


def _numbers(title: str, points: Sequence[CurvePoint]) -> Table:
    rows = [
        [
            f"{point.from_days}–{point.to_days}",
            f"{number(point.auc, 2)} ({number(point.low, 2)} to {number(point.high, 2)})",
            share(point.coverage),
        ]
        for point in points
    ]
    return Table(f"{title} by lag", ["days before churn", "AUC", "known"], rows)
