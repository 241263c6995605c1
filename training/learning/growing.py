"""Trees of some model settings, tried on folds: grown in steps, for as long as that may help.

Every step is measured in several shares of trees beside the fold's scorecard, by the log loss that
an affine calibration leaves over. Settings that are significantly worse than the best ones on the
first fold are not tried on the others.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

from training.calibrating import calibration
from training.learning import model
from training.learning.model import ModelSettings, TrainingRows

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

ROUNDS_PER_STEP = 20
MOST_ROUNDS = 400
PATIENCE = 3
SHARES = (0.25, 0.5, 0.75, 1.0)
# A trial that is worse than the best on the first fold by more standard errors of the paired
# difference is not tried on the others.
HOPELESS = 2.0


@dataclass(frozen=True)
class ReadyFold:
    """One fold, prepared: rows to train on, binned, and rows to test on.

    `cards` are the margins of the test rows by the scorecard.
    """

    train: TrainingRows
    data: lgb.Dataset
    test: TrainingRows
    cards: Floats

    @cached_property
    def accounts(self) -> Codes:
        """The number of each test row's account."""
        return numbered_accounts([self.test])


@dataclass(frozen=True)
class Tried:
    """One set of model settings on all folds: the margins of its trees, and the mean losses.

    `margins` are (steps × test rows) per fold, `losses` (steps × shares), `first` the losses of the
    rows of the first fold in the step and share that are best there.
    """

    model_settings: ModelSettings
    margins: Sequence[Floats]
    losses: Floats
    first: Floats


@dataclass
class _Grown:
    """Trees of some settings on one fold: margins, mean losses, and the best losses of the rows.

    `margins` has (test rows,) for every step, `losses` (shares,), `best` is (test rows,) or None
    before the first step.
    """

    margins: list[Floats]
    losses: list[Floats]
    best: Floats | None = None

    def add(self, margins: Floats, by_share: Floats) -> Floats:
        """One more step: its margins (rows,) and the losses of the rows (shares × rows).

        Returns the best losses (rows,) until now.
        """
        means = by_share.mean(axis=1)
        if self.best is None or means.min() < self.best.mean():
            self.best = by_share[int(means.argmin())]
        self.margins.append(margins)
        self.losses.append(means)
        return self.best


def try_on_folds(
    folds: Sequence[ReadyFold], model_settings: ModelSettings, before: Sequence[Tried]
) -> Tried | float:
    """The settings on all folds; only the loss on the first where that is hopeless."""
    rival = min((trial.first for trial in before), key=np.mean, default=None)
    grown = [_grow(folds[0], model_settings, rival=rival)]
    first = grown[0].best
    assert first is not None
    if first.mean() > _bar(first, rival, folds[0]):
        return float(first.mean())
    for fold in folds[1:]:
        # Steps that one fold did not need are spared the others.
        grown.append(_grow(fold, model_settings, len(grown[-1].margins)))
    steps = len(grown[-1].margins)
    weights = np.array([len(fold.test.y) for fold in folds], dtype=np.float64)
    losses = np.average([on.losses[:steps] for on in grown], axis=0, weights=weights)
    return Tried(model_settings, [np.array(on.margins[:steps]) for on in grown], losses, first)


def _bar(losses: Floats, rival: Floats | None, fold: ReadyFold) -> float:
    """The mean loss beyond which `losses` are significantly worse than those of the `rival`."""
    if rival is None:
        return math.inf
    return float(rival.mean()) + HOPELESS * error_by_account(losses - rival, fold.accounts)


def _grow(
    fold: ReadyFold,
    model_settings: ModelSettings,
    most: int = MOST_ROUNDS // ROUNDS_PER_STEP,
    rival: Floats | None = None,
) -> _Grown:
    """Trees on a fold until their losses have settled.

    Or until they cannot come down to those of the `rival` any more.
    """
    booster = model.new_booster(fold.data, fold.train, model_settings, model.TRAINING_SEED)
    raw = np.zeros(len(fold.test.y))
    grown, bar = _Grown([], []), math.inf
    while (
        len(grown.margins) < most
        and not _settled(grown.losses)
        and _reach(grown.losses, most) <= bar
    ):
        # All rounds run, also after one that found nothing to split.
        stuck = max(booster.update() for _ in range(ROUNDS_PER_STEP))
        new = booster.current_iteration() - len(grown.margins) * ROUNDS_PER_STEP
        if new > 0:
            raw = raw + _of_last(booster, fold.test.X, new)
        bar = _bar(grown.add(raw, _by_share(raw, fold)), rival, fold)
        if stuck:
            break
    return grown


def _of_last(booster: lgb.Booster, X: Floats, rounds: int) -> Floats:
    """The sum of the last `rounds` trees (rows,)."""
    begin = booster.current_iteration() - rounds
    raw = booster.predict(
        X, raw_score=True, start_iteration=begin, num_iteration=rounds, num_threads=1
    )
    return np.asarray(raw, dtype=np.float64)


def _settled(losses: Sequence[Floats]) -> bool:
    best = [float(by_share.min()) for by_share in losses]
    return len(best) > PATIENCE and min(best[-PATIENCE:]) > min(best)


def _reach(losses: Sequence[Floats], most: int) -> float:
    """The lowest loss still possible: later steps gain no more than the last two did."""
    best = np.minimum.accumulate([float(by_share.min()) for by_share in losses])
    if len(best) <= 2:
        return -math.inf
    return float(best[-1] - (best[-3] - best[-1]) / 2 * (most - len(best)))


def _by_share(trees: Floats, fold: ReadyFold) -> Floats:
    """The calibrated loss of each row (shares × rows), for each share that the trees may have."""
    return of_shares(trees, SHARES, fold)


def of_shares(trees: Floats, shares: Sequence[float], fold: ReadyFold) -> Floats:
    """The calibrated loss of each row (shares × rows), for these shares of the trees."""
    part = np.array(shares)[:, None]
    return calibration.left_over(part * trees + (1 - part) * fold.cards, fold.test.y)


def numbered_accounts(tests: Iterable[TrainingRows]) -> Codes:
    """The number of each row's account, over all folds."""
    names = np.concatenate([np.asarray(test.accounts) for test in tests])
    return np.unique(names, return_inverse=True)[1]


def error_by_account(difference: Floats, accounts: Codes) -> float:
    """The standard error of a mean over rows of which those of one account belong together."""
    by_account = np.bincount(accounts, difference - difference.mean())
    return float(np.sqrt((by_account**2).sum()) / len(difference))
