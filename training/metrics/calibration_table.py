"""How well probabilities are calibrated, overall, by as-of date or by segment, with intervals.

The one home of calibration-in-the-large, slope, expected calibration error and reliability curve.
All resamples of some rows are made at once, as sums over the groups of the curve, so that a history
of many dates costs seconds: the slope of a resample is one Newton step from that of all rows, and
the groups are those of all rows.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from training.calibrating.calibration import PRIOR_WIDTH, TINY, lines
from training.metrics import resampling
from training.metrics.proportion import Proportion
from training.metrics.resampling import Floats, Measured

Labels = npt.NDArray[np.int8]
Places = npt.NDArray[np.int64]
Days = npt.NDArray[np.datetime64]

GROUPS = 10
LEAST_ROWS = 20
"""A curve has fewer groups where one would have fewer rows than these."""

MEASURES = ("in_the_large", "slope", "ece")
ONE, LABEL, CHANCE = range(3)
"""The first columns of what is summed over a group's rows; those of Newton's step follow."""


def by_as_of(
    logits: Floats, labels: Labels, as_of: Days, accounts: Sequence[str]
) -> list[dict[str, Any]]:
    """Per date what `told` says of its rows, as plain JSON values."""
    names = np.asarray(accounts)
    found = []
    for day in np.unique(as_of):
        rows = np.flatnonzero(as_of == day)
        found.append({"as_of": str(day), **told(logits[rows], labels[rows], names[rows])})
    return found


def of_evaluation(logits: Floats, labels: Labels, accounts: Sequence[str]) -> dict[str, Any]:
    """The same as an evaluation has it: `calibration` with its measures, `reliability`, and `ece`.

    The last is the value alone of what `calibration` has with its interval.
    """
    found = told(logits, labels, accounts)
    return {
        "ece": found["ece"]["value"],
        "calibration": {name: found[name] for name in MEASURES},
        "reliability": found["reliability"],
    }


def told(
    logits: Floats, labels: Labels, accounts: Sequence[str] | npt.NDArray[np.str_]
) -> dict[str, Any]:
    """What calibrated `logits` (rows,) say and what came, as plain JSON values.

    Returns
    -------
    dict
        `rows`, `events`, `predicted_rate`, and `observed_rate` with its interval `low` to `high`;
        `in_the_large`, the observed minus the predicted rate; `slope`, that of the line which would
        calibrate anew (1 is right, less: too steep; unknown without both outcomes); `ece`, the
        expected calibration error; `reliability`, one entry for each group of equal count, from the
        safest to the riskiest. Intervals resample accounts; those of observed rates are besides
        never narrower than the exact one of as many accounts (Clopper & Pearson 1934), for where
        nothing happened resamples know of nothing else. The ECE is never negative, so an interval
        that stays above 0 does not prove it to be.
    """
    names, chance = np.asarray(accounts), expit(logits)
    groups = _groups(chance, _count(len(labels)))
    line = _line(logits, labels)
    sums = _resampled(_parts(logits, labels, line), groups, names)
    whole = sums.sum(axis=1)
    large = (whole[:, LABEL] - whole[:, CHANCE]) / whole[:, ONE]
    off = np.abs(sums[:, :, LABEL] - sums[:, :, CHANCE]).sum(axis=1) / whole[:, ONE]
    return {
        **_rates(chance, labels, names, whole),
        "in_the_large": resampling.measured(float((labels - chance).mean()), large),
        "slope": _slope(line, whole),
        "ece": resampling.measured(ece(chance, labels, len(groups)), off),
        "reliability": [
            _rates(chance[rows], labels[rows], names[rows], sums[:, place])
            for place, rows in enumerate(groups)
        ],
    }


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
    found = lines(logits[None], labels)[:, 0]
    return float(found[0]), float(found[1])


def _parts(logits: Floats, labels: Labels, line: tuple[float, float] | None) -> Floats:
    """What is summed over rows (rows × columns).

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
    found = [
        np.stack(
            [times[:, first:last] @ sorted_parts[first:last] for first, last in pairwise(edges)],
            axis=1,
        )
        for times in resampling.times(accounts[order])
    ]
    return np.concatenate([np.empty((0, len(groups), parts.shape[1])), *found])


def _rates(
    chance: Floats, labels: Labels, accounts: npt.NDArray[np.str_], sums: Floats
) -> dict[str, Any]:
    """What was predicted of some rows and what came; `sums` (resamples × columns) are theirs."""
    rate = float(labels.mean())
    with np.errstate(invalid="ignore"):
        drawn = resampling.measured(rate, sums[:, LABEL] / sums[:, ONE])
    different = len(np.unique(accounts))
    exact = Proportion(rate * different, different)
    return {
        "rows": len(labels),
        "events": int(labels.sum()),
        "predicted_rate": float(chance.mean()),
        "observed_rate": rate,
        "low": _outer(min, drawn["low"], exact.low),
        "high": _outer(max, drawn["high"], exact.high),
    }


def _outer(of: Any, one: float | None, other: float | None) -> float:
    return float(of(item for item in (one, other) if item is not None))


def _slope(line: tuple[float, float] | None, whole: Floats) -> Measured:
    """A resample's slope is one Newton step, under the prior, from that of all rows."""
    if line is None:
        return resampling.measured(None, [])
    by_slope, by_offset, a, b, c = whole[:, CHANCE + 1 :].T
    by_slope = by_slope + (line[0] - 1) / PRIOR_WIDTH**2
    a, c = a + 1 / PRIOR_WIDTH**2, c + TINY
    drawn = line[0] - (c * by_slope - b * by_offset) / (a * c - b * b)
    return resampling.measured(line[0], drawn)
