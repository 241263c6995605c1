"""The penalised maximum likelihood of a logistic regression whose weights may have signs.

Each step minimises the likelihood's quadratic model under the signs (sequential quadratic
programming, Nocedal & Wright 2006, chapter 18). What costs is the model's matrix: it is kept, from
step to step, from penalty to penalty and from one fit to the next of similar rows, and made anew
only where a step with it did not bring what it promised. The gradient is exact at every step, so
that all starts end in the same digits.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
from scipy.linalg import solve
from scipy.special import expit
from threadpoolctl import ThreadpoolController

from training.calibrating.calibration import log_losses

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int8]

# Digits after the point of the weights that are kept; steps end where they move none of these. What
# a step with a new matrix leaves over is of the order of its square.
DIGITS = 9
SETTLED, SETTLED_NEW = 10.0 ** -(DIGITS + 2), 1e-6
MOST_STEPS = 100
MOST_HALVINGS = 30
# Exchanges of weights between free and held, and how many in vain before they go one by one.
MOST_EXCHANGES, PATIENCE = 200, 3
# A held weight with less pull than this stays.
STILL = 1e-10
# A ridge that lets a column without any row be solved.
SMALL = 1e-8
# A step must bring this part of what it promised, and the next be this much shorter; else the
# matrix is made anew.
BROUGHT, SHORTER = 0.1, 0.3
# Promises below this part of the loss cannot be seen in it.
UNSEEN = 1e-9


@contextmanager
def one_thread() -> Iterator[None]:
    """Within the block, sums of products are added by one thread.

    The order in which threads add would decide the last digits.
    """
    with _blas().limit(limits=1):
        yield


@cache
def _blas() -> ThreadpoolController:
    """The libraries that add; to look for them takes longer than a small fit."""
    return ThreadpoolController().select(user_api="blas")


@dataclass(frozen=True)
class Start:
    """Where fits ended: the weights of each penalty, and a curvature per row."""

    weights: tuple[Floats, ...]
    curvature: Floats


@dataclass(frozen=True)
class _Point:
    """Weights with the logits that they give the rows, and the penalised loss."""

    weights: Floats
    logits: Floats
    loss: float


def maxima(
    design: Floats,
    y: Labels,
    bounds: Floats,
    penalties: Sequence[float],
    start: Start | None = None,
) -> Start:
    """The weights of each ridge penalty, and where fits of similar rows may start.

    Parameters
    ----------
    design : array of shape (rows, weights)
        Its first column is the intercept's, which has no penalty.
    bounds : array of shape (weights,)
        The sign that each weight must have; 0 leaves it free.
    start : Start, optional
        Of fits with the same penalties; one of another number of weights is left aside.
    """
    if start and (len(start.curvature) != design.shape[1] or len(start.weights) != len(penalties)):
        start = None
    rate = float(y.mean())
    weights = np.zeros(design.shape[1])
    weights[0] = np.log(rate / (1 - rate))
    curvature = start.curvature * len(y) if start else _curvature(design, np.full(len(y), rate))
    found: list[Floats] = []
    for number, penalty in enumerate(penalties):
        ridge = np.full(len(weights), penalty)
        ridge[0] = 0.0
        fit = _Fit(design, y, bounds, ridge)
        weights, curvature = fit.maximum(start.weights[number] if start else weights, curvature)
        found.append(weights)
    return Start(tuple(found), curvature / len(y))


def _curvature(design: Floats, chance: Floats) -> Floats:
    # The square of one matrix, which BLAS finds in half the time of a product of two.
    curved = design * np.sqrt(chance * (1 - chance))[:, None]
    return np.asarray(curved.T @ curved)


@dataclass(frozen=True)
class _Fit:
    """Rows, labels, signs and ridge of one fit."""

    design: Floats
    y: Labels
    bounds: Floats
    ridge: Floats

    def maximum(self, weights: Floats, curvature: Floats) -> tuple[Floats, Floats]:
        """The best weights, and the curvature that was used last."""
        at, stale, before = self._at(np.where(self.bounds * weights < 0, 0.0, weights)), True, 0.0
        for number in range(MOST_STEPS):
            chance = expit(at.logits)
            slope = self.design.T @ (chance - self.y) + self.ridge * at.weights
            step = self._step(at.weights, slope, curvature)
            if stale and number and _longest(step) > SHORTER * before:
                curvature, stale = _curvature(self.design, chance), False
                step = self._step(at.weights, slope, curvature)
            promise = self._promise(step, slope, curvature)
            length = _longest(step)
            if length <= (SETTLED if stale else SETTLED_NEW):
                return at.weights + step, curvature
            unseen = promise <= UNSEEN * (1 + abs(at.loss))
            after = self._at(at.weights + step) if unseen else self._along(at, step, promise, stale)
            at, before, stale = after or at, length if after else 0.0, True
        return at.weights, curvature

    def _at(self, weights: Floats) -> _Point:
        logits = self.design @ weights
        loss = log_losses(logits, self.y).sum() + self.ridge @ weights**2 / 2
        return _Point(weights, logits, float(loss))

    def _along(self, at: _Point, step: Floats, promise: float, stale: bool) -> _Point | None:
        """The point where the step, halved until it helps, leads; None where it does not.

        A step by an old matrix is not halved: a new one is worth more.
        """
        for halving in range(1 if stale else MOST_HALVINGS):
            part = 0.5**halving
            after = self._at(at.weights + part * step)
            if at.loss - after.loss >= BROUGHT * part * promise:
                return after
        return None

    def _promise(self, step: Floats, slope: Floats, curvature: Floats) -> float:
        """By how much the quadratic model lowers the loss."""
        bent = curvature @ step + (self.ridge + SMALL) * step
        return float(-(slope @ step) - step @ bent / 2)

    def _step(self, weights: Floats, slope: Floats, curvature: Floats) -> Floats:
        """The step to the least value of the quadratic model under the signs.

        By block principal pivoting (Júdice & Pires 1994): weights that break their sign are held
        at 0 and those that pull away from it are let go, all at once; where that goes in circles,
        the last one alone.
        """
        square = curvature + np.diag(self.ridge + SMALL)
        aim = square @ weights - slope
        free = (self.bounds == 0) | (self.bounds * weights > 0)
        fewest, patience = len(weights) + 1, PATIENCE
        for _ in range(MOST_EXCHANGES):
            best = np.zeros(len(weights))
            best[free] = solve(square[np.ix_(free, free)], aim[free], assume_a="pos")
            pull = self.bounds * (square @ best - aim)
            wrong = np.where(free, self.bounds * best < 0, pull < -STILL)
            if not (count := int(wrong.sum())):
                break
            if count < fewest:
                fewest, patience = count, PATIENCE
            elif patience:
                patience -= 1
            else:
                wrong[: np.flatnonzero(wrong)[-1]] = False
            free ^= wrong
        return np.where(self.bounds * best < 0, 0.0, best) - weights


def _longest(step: Floats) -> float:
    return float(np.abs(step).max())
