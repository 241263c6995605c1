"""How well probabilities are calibrated, overall, by as-of date or by segment, with intervals.

The one home of calibration-in-the-large, slope, expected calibration error and reliability curve.
All resamples of some rows are made at once, as sums over the groups of the curve, so that a history
of many dates costs seconds: the slope of a resample is one Newton step from that of all rows, and
the groups are those of all rows.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from training.calibrating.calibration import PRIOR_WIDTH, TINY, lines
from training.metrics import resampling
from training.metrics.measured import UNKNOWN, Measured
from training.metrics.proportion import Proportion
from training.metrics.resampling import Floats

Labels = npt.NDArray[np.int8]
Places = npt.NDArray[np.int64]
Days = npt.NDArray[np.datetime64]

GROUPS = 10
# A curve has fewer groups where one would have fewer rows than these.
LEAST_ROWS = 20
# The first columns of what is summed over a group's rows; those of Newton's step follow.
ONE, LABEL, CHANCE = range(3)


@dataclass(frozen=True)
class Rates:
    """The predicted and the observed rate of some rows.

    `observed_rate` has the interval `low` to `high`, which is never narrower than the exact one of
    as many accounts (Clopper & Pearson 1934): where nothing happened, resamples vary by nothing.
    """

    rows: int
    events: int
    predicted_rate: float
    observed_rate: float
    low: float
    high: float


@dataclass(frozen=True)
class CalibrationMeasures:
    """How well probabilities are calibrated, in three measures.

    `in_the_large` is the observed minus the predicted rate; `slope` that of the line which would
    calibrate anew (ideal 1, below 1 overconfident; unknown without both outcomes); `ece` the
    expected calibration error, which is never negative, so that an interval above 0 does not
    prove it to be.
    """

    in_the_large: Measured
    slope: Measured
    ece: Measured


@dataclass(frozen=True)
class CalibrationTable:
    """The rates of some rows, their calibration and their reliability curve.

    `reliability` has one entry for each group of equal count, from the safest to the riskiest.
    """

    rates: Rates
    calibration: CalibrationMeasures
    reliability: tuple[Rates, ...]


@dataclass(frozen=True)
class DateCalibration:
    """The calibration table of one as-of date, or of one block of time by its name."""

    as_of: str
    table: CalibrationTable


def by_as_of(
    logits: Floats, labels: Labels, as_of: Days, accounts: Sequence[str]
) -> list[DateCalibration]:
    """The calibration table of each date."""
    names = np.asarray(accounts)
    tables = []
    for day in np.unique(as_of):
        rows = np.flatnonzero(as_of == day)
        tables.append(DateCalibration(str(day), of(logits[rows], labels[rows], names[rows])))
    return tables


def of(
    logits: Floats, labels: Labels, accounts: Sequence[str] | npt.NDArray[np.str_]
) -> CalibrationTable:
    """The calibration of `logits` (rows,) against what happened; intervals resample accounts."""
    names, chance = np.asarray(accounts), expit(logits)
    groups = _groups(chance, _count(len(labels)))
    line = _line(logits, labels)
    sums = _resampled(_parts(logits, labels, line), groups, names)
    whole = sums.sum(axis=1)
    large = (whole[:, LABEL] - whole[:, CHANCE]) / whole[:, ONE]
    off = np.abs(sums[:, :, LABEL] - sums[:, :, CHANCE]).sum(axis=1) / whole[:, ONE]
    calibration = CalibrationMeasures(
        in_the_large=resampling.measured(float((labels - chance).mean()), large),
        slope=_slope(line, whole),
        ece=resampling.measured(ece(chance, labels, len(groups)), off),
    )
    reliability = tuple(
        _rates(chance[rows], labels[rows], names[rows], sums[:, number])
        for number, rows in enumerate(groups)
    )
    return CalibrationTable(_rates(chance, labels, names, whole), calibration, reliability)


def ece(probabilities: Floats, labels: Labels, groups: int = GROUPS) -> float:
    """Expected calibration error over groups of equal count (Naeini et al. 2015)."""
    gaps = [
        abs(float(probabilities[rows].sum() - labels[rows].sum()))
        for rows in _groups(probabilities, groups)
    ]
    return float(sum(gaps) / len(labels))


def slope(logits: Floats, labels: Labels) -> float:
    """The slope of the line that would calibrate `logits` anew (Cox 1958), under its prior."""
    return float(lines(logits[None], labels)[0, 0])


def _count(rows: int) -> int:
    return max(1, min(GROUPS, rows // LEAST_ROWS))


def _groups(probabilities: Floats, count: int) -> list[Places]:
    """Places of rows, from the safest to the riskiest, in so many groups of equal count."""
    parts = np.array_split(np.argsort(probabilities, kind="stable"), count)
    return [rows for rows in parts if len(rows)]


def _line(logits: Floats, labels: Labels) -> tuple[float, float] | None:
    """Slope and offset of the line that would calibrate anew; None where one outcome is there."""
    if not 0 < labels.sum() < len(labels):
        return None
    steepness, offset = lines(logits[None], labels)[:, 0]
    return float(steepness), float(offset)


def _parts(logits: Floats, labels: Labels, line: tuple[float, float] | None) -> Floats:
    """The terms that are summed over rows (rows × columns).

    Their number, events and chances; the gradient and the curvature of the likelihood at the line.
    """
    counted = np.column_stack([np.ones(len(labels)), labels, expit(logits)])
    if line is None:
        return counted
    chance = expit(line[0] * logits + line[1])
    surplus, weight = chance - labels, chance * (1 - chance)
    step = [surplus * logits, surplus, weight * logits**2, weight * logits, weight]
    return np.column_stack([counted, *step])


def _resampled(parts: Floats, groups: Sequence[Places], accounts: npt.NDArray[np.str_]) -> Floats:
    """The sums of the parts in each resample and group (resamples × groups × columns)."""
    order = np.concatenate(groups)
    sorted_parts, edges = parts[order], np.cumsum([0, *map(len, groups)])
    sums = [
        np.stack(
            [times[:, first:last] @ sorted_parts[first:last] for first, last in pairwise(edges)],
            axis=1,
        )
        for times in resampling.times(accounts[order])
    ]
    return np.concatenate([np.empty((0, len(groups), parts.shape[1])), *sums])


def _rates(chance: Floats, labels: Labels, accounts: npt.NDArray[np.str_], sums: Floats) -> Rates:
    """The rates of some rows, whose resampled `sums` (resamples × columns) are given."""
    rate = float(labels.mean())
    with np.errstate(invalid="ignore"):
        drawn = resampling.measured(rate, sums[:, LABEL] / sums[:, ONE])
    different = len(np.unique(accounts))
    exact = Proportion(rate * different, different)
    return Rates(
        rows=len(labels),
        events=int(labels.sum()),
        predicted_rate=float(chance.mean()),
        observed_rate=rate,
        low=_outermost(min, drawn.low, exact.low),
        high=_outermost(max, drawn.high, exact.high),
    )


def _outermost(
    choose: Callable[[Iterable[float]], float], one: float | None, other: float | None
) -> float:
    return float(choose(end for end in (one, other) if end is not None))


def _slope(line: tuple[float, float] | None, whole: Floats) -> Measured:
    """A resample's slope is one Newton step, under the prior, from that of all rows."""
    if line is None:
        return UNKNOWN
    by_slope, by_offset, a, b, c = whole[:, CHANCE + 1 :].T
    by_slope = by_slope + (line[0] - 1) / PRIOR_WIDTH**2
    a, c = a + 1 / PRIOR_WIDTH**2, c + TINY
    drawn = line[0] - (c * by_slope - b * by_offset) / (a * c - b * b)
    return resampling.measured(line[0], drawn)
