"""Calibration over several dates: the latest as-of date's line, its offset pulled by earlier ones.

The line follows the latest mature date, so that a shift of the base rate is followed. Its slope
has its prior around the slope of the earlier dates. Its offset is what the offsets of all dates,
with their standard errors, predict for the day on which the latest is settled, which is the first
day that such a model can score: ordinary kriging in time (Cressie 1993, section 3.2) with an
exponential covariance. How far offsets stray and how long they stay is unknown: the prediction is
averaged over a grid of both, weighted by the restricted likelihood of the observed offsets. Where
each date was like the one before, the latest counts nearly alone; a jump that earlier dates also
made and reversed is halved; dates with few events are pulled hard.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.special import expit, softmax

from training.calibrating import calibration
from training.calibrating.calibration import Calibration
from training.learning.model import TrainingRows
from training.learning.split import Mask

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int8]
DayArray = npt.NDArray[np.datetime64]

# Standard deviations between dates in log-odds, and for how many times the time ahead offsets stay.
STRAYS = (0.02, 0.05, 0.1, 0.2, 0.4, 0.8)
STAYS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
OFFSET_STEPS = 20
DIGITS = 9


@dataclass(frozen=True)
class Offset:
    """The offset that the latest date's line would have to add on one date, and its weight.

    `error` is the offset's standard error, `weight` its part in the prediction; weights sum to 1.
    """

    as_of: str
    offset: float
    error: float
    weight: float


@dataclass(frozen=True)
class Pull:
    """By how much the earlier dates pull the line of the latest.

    `slope` is the centre of the slope's prior, `shift` what they add to the offset.
    """

    slope: float
    shift: float

    def line(self, margins: Floats, labels: Labels, counts: Floats) -> Calibration:
        """The pulled line of margins, labels and counts (rows,) of the latest date.

        Raises
        ------
        GateRefused
            Its slope is not positive.
        """
        line = calibration.fit(margins, labels, counts, around=self.slope)
        return replace(line, offset=line.offset + self.shift)


@dataclass(frozen=True)
class CalibrationFit:
    """A calibration over dates: its line, the pull in it, and the offsets of all dates."""

    line: Calibration
    pull: Pull
    offsets: tuple[Offset, ...]


def fit_rows(margins: Floats, rows: TrainingRows, calibrating: Mask) -> CalibrationFit:
    """The calibration of `rows` with their cross-fitted margins; those calibrating are one date."""
    moment = np.where(calibrating, rows.moment.max(), rows.moment)
    return fit_dates(margins, rows.y, moment, rows.ahead, rows.counts)


def fit_dates(
    margins: Floats,
    labels: Labels,
    as_of: DayArray,
    ahead: int,
    counts: Floats | None = None,
) -> CalibrationFit:
    """The calibration of cross-fitted `margins` (rows,) of one or more dates.

    Parameters
    ----------
    margins, labels, as_of : arrays of shape (rows,)
        Dates without both outcomes have no offset and count for nothing; the latest needs both.
    ahead : int
        Days from the latest date to the first that is scored.
    counts : array of shape (rows,)
        For how many outcomes each row counts, by default for one.

    Raises
    ------
    GateRefused
        The slope of the latest date is not positive.
    """
    latest = as_of == as_of.max()
    counts = np.ones(len(labels)) if counts is None else counts
    # Earlier dates that run backwards expect nothing of the latest.
    slope = _slope(margins[~latest], labels[~latest])
    line = calibration.fit(margins[latest], labels[latest], counts[latest], around=slope)
    days = [day for day in np.unique(as_of) if 0 < labels[as_of == day].mean() < 1]
    dates = [as_of == day for day in days]
    pairs = [
        _offset(line.slope * margins[rows], labels[rows], counts[rows], line.offset)
        for rows in dates
    ]
    offsets, errors = np.array(pairs).T
    weights = _weights(np.array(days).astype(np.int64), offsets, errors, ahead)
    pull = Pull(slope, round(float(weights @ (offsets - offsets[-1])), DIGITS))
    by_date = [
        Offset(str(day), float(offset), float(error), float(weight))
        for day, offset, error, weight in zip(days, offsets, errors, weights, strict=True)
    ]
    return CalibrationFit(replace(line, offset=line.offset + pull.shift), pull, tuple(by_date))


def _slope(margins: Floats, labels: Labels) -> float:
    """The slope of the earlier dates; 1 where they have not both outcomes, or run backwards."""
    if not 0 < labels.sum() < len(labels):
        return 1.0
    slope = float(calibration.lines(margins[None], labels)[0, 0])
    return round(slope, DIGITS) if slope > 0 else 1.0


def _offset(logits: Floats, labels: Labels, counts: Floats, start: float) -> tuple[float, float]:
    """The offset that logits (rows,) lack, by maximum likelihood, and its standard error."""
    offset = start
    for _ in range(OFFSET_STEPS):
        chance = expit(logits + offset)
        information = float((counts * (chance * (1 - chance))).sum()) + calibration.TINY
        # A full step from far away would overshoot.
        offset += float(np.clip((counts * (labels - chance)).sum() / information, -1, 1))
    return offset, information**-0.5


def _weights(days: npt.NDArray[np.int64], offsets: Floats, errors: Floats, ahead: int) -> Floats:
    """The weight of each date's offset in the prediction `ahead` days after the latest."""
    if len(days) == 1:
        return np.ones(1)
    grid = [(stray, stay * ahead) for stray in STRAYS for stay in STAYS]
    apart = np.abs(days[:, None] - days)
    until = days[-1] + ahead - days
    kriged = [_kriged(apart, until, offsets, errors, pair) for pair in grid]
    likelihood = softmax([log_likelihood for log_likelihood, _ in kriged])
    return np.asarray(likelihood @ np.array([weights for _, weights in kriged]))


def _kriged(
    apart: npt.NDArray[np.int64],
    until: npt.NDArray[np.int64],
    offsets: Floats,
    errors: Floats,
    pair: tuple[float, float],
) -> tuple[float, Floats]:
    """The restricted log likelihood of a stray and a stay, and the weights that they give."""
    stray, stay = pair
    covariance = stray**2 * np.exp(-apart / stay) + np.diag(errors**2)
    inverse = np.linalg.inv(covariance)
    total = inverse.sum()
    rest = offsets - inverse.sum(axis=0) @ offsets / total
    near = inverse @ (stray**2 * np.exp(-until / stay))
    weights = near + (1 - near.sum()) * inverse.sum(axis=0) / total
    determinant = float(np.linalg.slogdet(covariance)[1] + np.log(total))
    return -(determinant + float(rest @ inverse @ rest)) / 2, weights
