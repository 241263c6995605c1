"""Lead-time curves of an evaluation: how long before churn each indicator separates."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from features.lead_times import plots
from features.lead_times.curves import CurvePoint
from training.records.evaluation import IndicatorLead, IndicatorLeads
from training.reporting.drawing import drawn
from training.reporting.page import Figure, Table, number, share

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FIRST = {"leading": 0, "lagging": 1, "not shown": 2, "not measured": 3}


def curves(found: IndicatorLeads, most: int = 9) -> list[Figure]:
    """The curves of the indicators that lead furthest, from an evaluation."""
    measured = [item for item in found.indicators if _known(item)]
    ranked = sorted(measured, key=_rank)[:most]
    known = [point for item in ranked for point in _known(item)]
    low = min([0.4, *(point.low for point in known if point.low is not None)]) - 0.01
    high = max([0.7, *(point.high for point in known if point.high is not None)]) + 0.01
    return [_figure(item, found, (low, high)) for item in ranked]


def _rank(item: IndicatorLead) -> tuple[int, int, str]:
    return FIRST[item.finding], -(item.lead_days or 0), item.indicator


def _known(item: IndicatorLead) -> list[CurvePoint]:
    points = [CurvePoint(**vars(point), lift=None) for point in item.curve]
    return [point for point in points if point.auc is not None]


def _figure(item: IndicatorLead, found: IndicatorLeads, reach: tuple[float, float]) -> Figure:
    points = _known(item)

    def draw(axis: "Axes") -> None:
        plots.draw(axis, points, item.finding, found.gap_days, found.step_days)
        axis.set_ylim(*reach)
        axis.set(xlabel="days before churn", ylabel="AUC")

    return Figure(
        f"lead-time-{item.indicator}",
        item.title,
        drawn(draw, width=3.3, height=2.2),
        f"{item.title} ({item.column}), AUC by days before churn. {item.sentence}",
        _numbers(item.title, points),
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
