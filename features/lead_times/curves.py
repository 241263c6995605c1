"""A curve: the separation of one value at every lag, with what of it is certain."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from features.breaches.outcomes import MIN_CHURNERS
from features.declaring.indicator import Healthy
from features.lead_times.certificate import LEVEL, certified
from features.lead_times.lags import Lag, at_gap, grid
from features.lead_times.risk_sets import Matched, RiskPanel, matched
from features.lead_times.separation import (
    Separation,
    Weights,
    intervals,
    resampling,
    separation,
)

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class CurvePoint:
    """The separation `from_days` to `to_days` (both included) before churn.

    `churners` counts accounts of known value; below `MIN_CHURNERS` of them the AUC, its 95%
    interval and the lift are null. Above 0.5 the risky side of the value goes with churn.
    """

    from_days: int
    to_days: int
    churners: int
    coverage: float
    auc: float | None
    low: float | None
    high: float | None
    lift: float | None
    certified: bool


@dataclass(frozen=True)
class LeadCurve:
    """The points of one column, nearest lag first.

    `lead_days` is the far end of the certain run: that many days before churn and nearer, down to
    the gap or to churn itself, the column separates; null where nothing is certain.
    `open_ended` says that the run reaches the last lag that could be measured, so that the lead
    may be longer, or the difference a standing one. `riskier` is the side of the shown value that
    counted as risk: `higher`, `lower`, or `outside` of a healthy middle.
    """

    column: str
    window: int | None
    segment: str | None
    riskier: str
    points: tuple[CurvePoint, ...]
    lead_days: int | None
    open_ended: bool

    def from_day(self, days: int) -> CurvePoint:
        """The first point that lies `days` or more before churn."""
        return next(point for point in self.points if point.from_days >= days)


@dataclass(frozen=True)
class Comparison:
    """Churners and their controls at every lag of the grid, for any value of the panel's rows."""

    panel: RiskPanel
    gap: int
    lags: tuple[Lag, ...]
    pairs: tuple[Matched, ...]
    segment: str | None = None

    @cached_property
    def weights(self) -> Weights:
        """One set of resampled accounts for all curves, so that they can be compared."""
        return resampling(self.panel.accounts)

    @property
    def place_of_gap(self) -> int:
        """The number of the first lag before the gap."""
        return at_gap(list(self.lags), self.gap)

    def churners(self, number: int) -> int:
        """How many accounts churn at a lag, whatever is known of them."""
        return len(np.unique(self.panel.account[self.pairs[number].churner]))


def compare(panel: RiskPanel, gap: int, step: int, segment: str | None = None) -> Comparison:
    """The comparison on a grid of `step` days; of the accounts of one segment, or of all."""
    lags = tuple(grid(gap, step))
    among = None if segment is None else panel.within(segment)
    return Comparison(panel, gap, lags, tuple(matched(panel, lag, among) for lag in lags), segment)


@dataclass(frozen=True)
class Track:
    """A value to follow: `values` (snapshot rows,), and which side of it is the healthy one.

    Where that is the `range` in the middle, the distance from the median is followed. `columns` is
    by how many tries the certificate is shared.
    """

    column: str
    window: int | None
    values: Floats
    healthy: Healthy | None
    columns: int = 1

    @property
    def oriented(self) -> Floats:
        """The values (snapshot rows,), turned so that higher is riskier where that is declared."""
        if self.healthy == "range":
            known = self.values[~np.isnan(self.values)]
            return np.asarray(np.abs(self.values - (np.median(known) if len(known) else 0.0)))
        return -self.values if self.healthy == "higher" else self.values

    @property
    def riskier(self) -> str:
        """The declared side of the shown value that counts as risk."""
        return {"higher": "lower", "lower": "higher", "range": "outside"}[self.healthy or "lower"]


def curve(track: Track, comparison: Comparison) -> LeadCurve:
    """The curve of a value. Without a healthy side, the side that separates at the gap is taken."""
    level, gap = LEVEL / track.columns, comparison.place_of_gap
    riskier, separations = track.riskier, _along(track.oriented, comparison)
    if track.healthy is None:
        level /= 2
        if separations[gap].auc < 0.5:
            riskier, separations = "lower", _along(-track.values, comparison)
    certain = certified(separations, gap, level)
    points = _points(separations, comparison, certain)
    lead = max(certain, default=None)
    return LeadCurve(
        column=track.column,
        window=track.window,
        segment=comparison.segment,
        riskier=riskier,
        points=points,
        lead_days=None if lead is None else points[lead].from_days,
        open_ended=lead is not None and all(point.auc is None for point in points[lead + 1 :]),
    )


def _along(values: Floats, comparison: Comparison) -> list[Separation]:
    panel = comparison.panel
    values_at_risk = values[panel.row]
    return [separation(values_at_risk, panel, pairs) for pairs in comparison.pairs]


def _points(
    separations: Sequence[Separation], comparison: Comparison, certain: frozenset[int]
) -> tuple[CurvePoint, ...]:
    spans = intervals(separations, comparison.weights)
    points = []
    for number, (measured, lag, span) in enumerate(
        zip(separations, comparison.lags, spans, strict=True)
    ):
        point = CurvePoint(
            from_days=lag.start,
            to_days=lag.upto - 1,
            churners=measured.churners,
            coverage=measured.coverage,
            auc=measured.auc,
            low=span[0],
            high=span[1],
            lift=measured.lift,
            certified=number in certain,
        )
        few = measured.churners < MIN_CHURNERS
        points.append(replace(point, auc=None, low=None, high=None, lift=None) if few else point)
    return tuple(points)
