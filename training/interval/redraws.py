"""How wide a score's interval must be: the scores of models trained on other accounts, measured.

For at least nine in ten accounts the interval holds the score that a model trained on a different
sample of the company's accounts would give this account on the same scale, had its missing values
been known. Two independent errors make its width.

*Sampling.* Two halves of the accounts are two samples: a model is trained on each, calibrated on
the other half, and the two are compared on the same rows, for three pairs of halves that share
nothing but chance (balanced half-samples, McCarthy 1969; their difference shrinks with the root of
the number of accounts). Their difference beyond a line is the model's part. The line's part is not
left to three samples: it follows from the information of the calibration (Platt 1999), twice, once
for each sample.

*Missing values.* Their cost is measured by `training.interval.unknowns`.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from features.progress import Progress, silent
from training.artifact import Artifact
from training.calibrating import calibration
from training.calibrating.score_interval import UNMEASURED, ScoreInterval
from training.interval import unknowns
from training.interval.unknowns import ninth
from training.learning import model, split
from training.learning.model import Model, TrainingRows
from training.learning.split import Mask
from training.records.evaluation import IntervalCoverage

Floats = npt.NDArray[np.float64]

PAIRS = 3
# Nine tenths of a normal distribution lie within so many standard deviations.
NORMAL = 1.6449
SHOWN_ROWS, FEWEST_ROWS = 1_000, 100
SHOWN_CELLS = 100_000
REFIT_ROWS, REFIT_ACCOUNTS = 40_000, 6_000
TINY = 1e-12


def with_score_interval(
    artifact: Artifact, rows: TrainingRows, at: Mask, progress: Progress = silent
) -> Artifact:
    """The artifact with its interval, and in its evaluation how often that covers.

    The parameters are those of `measured`.
    """
    progress(f"estimating score ranges for {artifact.target}")
    interval, coverage = measured(artifact, rows, at)
    if coverage is not None:
        artifact = artifact.with_evaluation(replace(artifact.evaluation, interval=coverage))
    return artifact.with_interval(interval)


def measured(
    artifact: Artifact, rows: TrainingRows, at: Mask
) -> tuple[ScoreInterval, IntervalCoverage | None]:
    """The interval of an artifact's scores, and how often it covers.

    Where there are too few accounts to halve, the interval spans the whole scale, and nobody knows
    how often it covers.

    Parameters
    ----------
    rows : Rows
        Those that it was trained on.
    at : array of shape (rows,)
        Which of them calibrated it.
    """
    every, calibrating = _some_rows(rows.X), _some_rows(rows.X[at])
    samples = [calibrating] if at.all() else [calibrating, every]
    errors = _errors(artifact, rows, at, np.concatenate(samples))
    if not len(errors):
        return UNMEASURED, None
    size = len(calibrating)
    by_sample = [errors[:, :size], errors[:, size:]][: len(samples)]
    logits = artifact.calibration.logits(artifact.margins(calibrating))
    complete = _complete(by_sample[0], logits, _line(artifact, rows.X[at], calibrating))
    rows_and_errors = list(map(unknowns.RowErrors, samples, by_sample))
    costs, covered = unknowns.costs(artifact, rows_and_errors, complete.half)
    coverage = IntervalCoverage(
        rows=len(calibrating),
        redraws=len(errors),
        half_width=round(complete.half * abs(artifact.scale.points_per_logit), 3),
        widened=round(complete.widened, 4),
        covered=round(complete.covered, 4),
        covered_with_losses=round(covered, 4),
    )
    return ScoreInterval.of(complete.half, costs), coverage


def _some_rows(X: Floats) -> Floats:
    """Rows spread evenly over all, fewer where they are wide."""
    most = min(SHOWN_ROWS, max(SHOWN_CELLS // X.shape[1], FEWEST_ROWS))
    return X[split.evenly_spaced(len(X), most)]


def _errors(artifact: Artifact, rows: TrainingRows, at: Mask, shown: Floats) -> Floats:
    """By how much models of two samples of all accounts differ (pairs × shown), in log-odds."""
    model_settings = artifact.training.model_settings
    most = min(REFIT_ROWS, REFIT_ACCOUNTS * len(rows.y) // len(set(rows.accounts)))
    sampled = split.sample(rows.accounts, most) | (len(rows.y) <= most)
    few, at = rows.where(sampled), at[sampled]
    # Two halves differ by four times the variance of a whole sample, two whole samples by twice.
    shrunk = (len(few.y) / len(rows.y) / 2) ** 0.5
    errors, start = [], None
    for one in _halves(few, at):
        sides = []
        for half in (one, ~one):
            fitted, start = model.fit_from(few.where(half), model_settings, 1, start)
            sides.append(_held_logits(fitted, few, ~half & at, shown))
        errors.append(shrunk * (sides[0] - sides[1]))
    return np.array(errors)


def _halves(rows: TrainingRows, at: Mask) -> Iterator[Mask]:
    """Balanced halves of the accounts, where both halves have both outcomes."""
    number = split.account_folds(rows.accounts, 2**PAIRS)
    for pair in range(PAIRS):
        half: Mask = number >> pair & 1 == 1
        if all(split.both_outcomes(rows.y[side & at]) for side in (half, ~half)):
            yield half


def _held_logits(fitted: Model, rows: TrainingRows, held: Mask, shown: Floats) -> Floats:
    """Log-odds of the shown rows by a model that is calibrated on `held` rows."""
    slope, offset = calibration.lines(fitted.margins(rows.X[held], 1)[None], rows.y[held])
    return np.asarray(max(float(slope[0]), 0.0) * fitted.margins(shown, 1) + offset[0])


def _line(artifact: Artifact, X: Floats, shown: Floats) -> float:
    """The half-width by the calibration's line alone, on average over the shown rows."""
    margins = artifact.margins(X)
    chance = expit(artifact.calibration.logits(margins))
    sides = np.stack([margins, np.ones(len(X))], axis=1)
    information = (sides * (chance * (1 - chance))[:, None]).T @ sides
    information += np.diag([artifact.calibration.prior_width**-2, calibration.TINY])
    beside = np.stack([artifact.margins(shown), np.ones(len(shown))], axis=1)
    variance = float((beside @ np.linalg.inv(information) * beside).sum(axis=1).mean())
    return NORMAL * math.sqrt(2 * variance)


@dataclass(frozen=True)
class _Complete:
    """The half-width of rows without missing values, and by how much its check widened it.

    `covered` is the share of each pair's errors inside the half-width that the others give.
    """

    half: float
    widened: float
    covered: float


def _complete(errors: Floats, logits: Floats, line: float) -> _Complete:
    sides = np.stack([logits, np.ones(len(logits))], axis=1)
    bent = np.abs(errors - (sides @ np.linalg.lstsq(sides, errors.T)[0]).T)
    pairs = range(len(errors))
    others = [[pair for pair in pairs if pair != left] or [left] for left in pairs]
    halves = np.array([np.hypot(line, ninth(bent[kept])) for kept in others])
    missed = np.abs(errors) / np.maximum(halves, TINY)[:, None]
    widened = max(1.0, ninth(missed))
    half = widened * float(np.hypot(line, ninth(bent)))
    return _Complete(half, widened, float((missed <= 1).mean()))
