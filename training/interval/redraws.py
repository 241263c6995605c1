"""How wide a score's interval has to be: what another draw of accounts would have taught, measured.

Between its ends lies, for at least nine of ten accounts, the score that a model taught on another
draw of the company's accounts would give this account on the same scale, had its missing values
been known. Two independent errors make its width.

*Other accounts.* Two halves of the accounts are two draws: a model of each, calibrated on the other
half, are compared on the same rows; three pairs of halves that have nothing in common but chance
(balanced half-samples, McCarthy 1969; their difference shrinks with the root of the accounts).
What they differ by beyond a line is the model's part. The line's part is not left to three draws:
it follows from the information of the calibration (Platt 1999), twice, once for each draw.

*Missing values.* What they cost is measured by `training.interval.unknowns`.
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
from training.learning.model import ModelSettings, TrainingRows
from training.learning.split import Mask

Floats = npt.NDArray[np.float64]

PAIRS = 3
NORMAL = 1.6449
"""Nine tenths of a normal distribution lie within so many standard deviations."""
SHOWN_ROWS, FEWEST_ROWS = 1_000, 100
SHOWN_CELLS = 100_000
REFIT_ROWS, REFIT_ACCOUNTS = 40_000, 6_000
TINY = 1e-12


def with_score_interval(
    artifact: Artifact, rows: TrainingRows, at: Mask, progress: Progress = silent
) -> Artifact:
    """The artifact with its interval, and in `evaluation["interval"]` how often it covers.

    Parameters
    ----------
    rows : Rows
        Those that it learnt from.
    at : array of shape (rows,)
        Which of them calibrated it.

    Where the accounts are too few to be halved, the interval is left as wide as can be.
    """
    progress(f"estimating score ranges for {artifact.target}")
    every, scored = _spread(rows.X), _spread(rows.X[at])
    shown = [scored] if at.all() else [scored, every]
    errors = _errors(artifact, rows, at, np.concatenate(shown))
    if not len(errors):
        return replace(artifact, interval=UNMEASURED)
    missed = [errors[:, : len(scored)], errors[:, len(scored) :]][: len(shown)]
    logits = artifact.calibration.logits(artifact.margins(scored))
    known = _known(missed[0], logits, _line(artifact, rows.X[at], scored))
    rows_and_errors = [unknowns.RowErrors(*item) for item in zip(shown, missed, strict=True)]
    costs, covered = unknowns.costs(artifact, rows_and_errors, known.half)
    found = {
        "rows": len(scored),
        "redraws": len(errors),
        "half_width": round(known.half * abs(artifact.scale.points_per_logit), 3),
        "widened": round(known.widened, 4),
        "covered": round(known.covered, 4),
        "covered_with_losses": round(covered, 4),
    }
    interval = ScoreInterval.of(known.half, costs)
    return replace(
        artifact, interval=interval, evaluation=artifact.evaluation | {"interval": found}
    )


def _spread(X: Floats) -> Floats:
    """Some of the rows, fewer where they are wide."""
    most = min(SHOWN_ROWS, max(SHOWN_CELLS // X.shape[1], FEWEST_ROWS))
    return X[split.evenly_spaced(len(X), most)]


def _errors(artifact: Artifact, rows: TrainingRows, at: Mask, shown: Floats) -> Floats:
    """By how much another draw of all accounts would miss (pairs × shown), in log-odds."""
    model_settings = ModelSettings(**artifact.training["model_settings"])
    most = min(REFIT_ROWS, REFIT_ACCOUNTS * len(rows.y) // len(set(rows.accounts)))
    sampled = split.sample(rows.accounts, most) | (len(rows.y) <= most)
    few, at = rows.where(sampled), at[sampled]
    # Halves differ by the variance of four draws of as many accounts, two whole draws by two.
    shrunk = (len(few.y) / len(rows.y) / 2) ** 0.5
    found = [
        shrunk
        * (
            _scored(few, at, one, model_settings, shown)
            - _scored(few, at, ~one, model_settings, shown)
        )
        for one in _halves(few, at)
    ]
    return np.array(found)


def _halves(rows: TrainingRows, at: Mask) -> Iterator[Mask]:
    """Accounts in one half and not the other, where both know both outcomes; unlike each other."""
    number = split.account_folds(rows.accounts, 2**PAIRS)
    for pair in range(PAIRS):
        half: Mask = number >> pair & 1 == 1
        if all(split.both_outcomes(rows.y[side & at]) for side in (half, ~half)):
            yield half


def _scored(
    rows: TrainingRows, at: Mask, half: Mask, model_settings: ModelSettings, shown: Floats
) -> Floats:
    """Log-odds of the shown rows by a model of one half, calibrated on the other."""
    found = model.fit_model(rows.where(half), model_settings, bag=1)
    held = ~half & at
    slope, offset = calibration.lines(found.margins(rows.X[held], 1)[None], rows.y[held])
    return np.asarray(max(float(slope[0]), 0.0) * found.margins(shown, 1) + offset[0])


def _line(artifact: Artifact, X: Floats, shown: Floats) -> float:
    """The half-width that the calibration's line alone has, on average over the shown rows."""
    margins = artifact.margins(X)
    chance = expit(artifact.calibration.logits(margins))
    sides = np.stack([margins, np.ones(len(X))], axis=1)
    known = (sides * (chance * (1 - chance))[:, None]).T @ sides
    known += np.diag([artifact.calibration.prior_width**-2, calibration.TINY])
    beside = np.stack([artifact.margins(shown), np.ones(len(shown))], axis=1)
    variance = float((beside @ np.linalg.inv(known) * beside).sum(axis=1).mean())
    return NORMAL * math.sqrt(2 * variance)


@dataclass(frozen=True)
class _Known:
    """The half-width of rows of which all is known, and by how much its check widened it.

    `covered` is the share of errors of each pair inside the half-width that the others give.
    """

    half: float
    widened: float
    covered: float


def _known(errors: Floats, logits: Floats, line: float) -> _Known:
    sides = np.stack([logits, np.ones(len(logits))], axis=1)
    bent = np.abs(errors - (sides @ np.linalg.lstsq(sides, errors.T)[0]).T)
    pairs = range(len(errors))
    others = [[pair for pair in pairs if pair != left] or [left] for left in pairs]
    halves = np.array([np.hypot(line, ninth(bent[kept])) for kept in others])
    missed = np.abs(errors) / np.maximum(halves, TINY)[:, None]
    widened = max(1.0, ninth(missed))
    half = widened * float(np.hypot(line, ninth(bent)))
    return _Known(half, widened, float((missed <= 1).mean()))
