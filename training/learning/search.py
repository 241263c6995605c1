"""Which settings a model needs: a small search, on folds that are later than their training rows.

Every trial grows trees on each fold, blends them with a scorecard of the same rows in several
shares, and is judged by what is left of the log loss once an affine calibration has taken out
the shift of the base rate. Bounded by trials and never by time, and seeded, so that the same
rows give the same model. Of all that is within noise of the best, the simplest is chosen: small
trees generalise better out of time and explain fastest. No trees at all is the simplest. The folds
lie before every date that judges.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState

from features.declaring.company import Target
from features.progress import Progress, silent
from training.calibrating import calibration
from training.learning import model, scorecard, split
from training.learning.model import ModelSettings, TrainingRows
from training.metrics import quality
from training.phrases import figures

Floats = npt.NDArray[np.float64]

TRIALS = 8
STEP = 20
MOST_ROUNDS = 400
PATIENCE = 3
SHARES = (0.25, 0.5, 0.75, 1.0)
PENALTIES = (1000.0, 100.0, 10.0, 1.0)
# Curves are tried where every weight of theirs has this many rows.
ROWS_A_WEIGHT = 3
# A trial that is this much worse on the first fold is not tried on the others.
HOPELESS = 1.005
# Simpler is preferred within one standard error, but never at more than this share of the loss.
# Among trees it is less where rows are of one moment, like those that will be scored. Where a
# company's later dates cannot be seen, there is no limit: what fits one date closely holds least on
# the next.
WORTH, WORTH_IN_A_MOMENT = 0.004, 0.001
ONE_MOMENT = "folds grouped by account"
TOO_SHORT = f"{ONE_MOMENT}, the history being too short for later dates"
LEARN_ROWS, TEST_ROWS = 24_000, 8_000
FEW_ROWS = 3_000

SPACE = {
    "leaves": IntDistribution(3, 48, log=True),
    "learning_rate": CategoricalDistribution((0.05, 0.1)),
    "l2": FloatDistribution(0.1, 30.0, log=True),
    "min_rows": IntDistribution(5, 80, log=True),
    "columns": FloatDistribution(0.4, 1.0),
    "drawn": CategoricalDistribution((False, True)),
}
# Tried first: the usual settings, stumps that hardly work together, thresholds drawn at random
# for columns that tell nothing alone, one for sharper worlds, and two kinds of large trees for
# those in which many columns work together.
FIRST_TRIED = (
    ModelSettings(leaves=6, learning_rate=0.1, l2=10.0, min_rows=40, columns=0.6),
    ModelSettings(leaves=3, learning_rate=0.1, l2=10.0, min_rows=40, columns=0.6),
    ModelSettings(leaves=20, learning_rate=0.1, l2=1.0, min_rows=5, columns=0.6, drawn=True),
    ModelSettings(leaves=20, learning_rate=0.05, l2=0.5, min_rows=5, columns=0.6),
    ModelSettings(leaves=31, learning_rate=0.1, l2=20.0, min_rows=5, columns=0.8),
    ModelSettings(leaves=31, learning_rate=0.05, l2=1.0, min_rows=5, columns=1.0),
)


@dataclass(frozen=True)
class Choice:
    """The chosen settings, on what they were chosen, and how the others did.

    `losses` are calibrated log losses on the folds: of the chosen one, of the best one, and of
    the scorecard alone. `folds` are the folds, each with its as-of dates, its rows and the losses
    of the chosen one and of the scorecard. `trees_left_out` says why there is nothing but the
    scorecard; it is empty where there are trees.
    """

    model_settings: ModelSettings
    chosen_on: str
    trials: tuple[dict[str, Any], ...] = ()
    losses: dict[str, float] | None = None
    folds: tuple[dict[str, Any], ...] = ()
    trees_left_out: str = ""

    def without_trees(self, why: str) -> "Choice":
        """The same with the scorecard alone, and why."""
        plain = replace(self.model_settings, share=0.0, rounds=0)
        losses = self.losses and self.losses | {"chosen": self.losses["scorecard"]}
        folds = tuple(item | {"loss": item["scorecard"]} for item in self.folds)
        return replace(self, model_settings=plain, trees_left_out=why, losses=losses, folds=folds)


@dataclass(frozen=True)
class _Fold:
    """One fold made ready: rows to learn from, binned, and rows to test on.

    `cards` are the margins of the test rows by the scorecard.
    """

    train: TrainingRows
    data: lgb.Dataset
    test: TrainingRows
    cards: Floats


@dataclass(frozen=True)
class _Tried:
    """One set of model settings on all folds: the margins of its trees, and the mean losses.

    `margins` are (steps × test rows) per fold, `losses` (steps × shares), `first` the least
    loss on the first fold.
    """

    model_settings: ModelSettings
    margins: Sequence[Floats]
    losses: Floats
    first: float


@dataclass(frozen=True)
class _Candidate:
    """A model that may be chosen, with its mean loss; `tried` is None for the scorecard alone."""

    model_settings: ModelSettings
    loss: float
    tried: _Tried | None = None
    step: int = 0


def folds_of(rows: TrainingRows, target: Target | None) -> tuple[list[split.CvFold], str]:
    """Folds with both outcomes on both sides, and what they are."""
    if target is not None:
        later = [
            fold for fold in split.rolling(rows.as_of, target) if both_sides_usable(rows, fold)
        ]
        if later:
            return later, "later as-of dates"
    count = split.FOLDS if len(rows.y) < FEW_ROWS else split.ORIGINS
    grouped = [
        fold for fold in split.by_account(rows.accounts, count) if both_sides_usable(rows, fold)
    ]
    return grouped, ONE_MOMENT if target is None else TOO_SHORT


def both_sides_usable(rows: TrainingRows, fold: split.CvFold) -> bool:
    """Whether both sides of a fold have both outcomes."""
    return all(split.both_outcomes(rows.y[mask]) for mask in (fold.train, fold.test))


def search_settings(
    rows: TrainingRows,
    folds: Sequence[split.CvFold],
    chosen_on: str,
    *,
    trials: int = TRIALS,
    progress: Progress = silent,
) -> Choice:
    """The simplest settings whose loss on `folds` is within noise of the best of `trials`.

    Without a usable fold, the scorecard alone.
    """
    alone = replace(FIRST_TRIED[0], share=0.0)
    if not folds:
        return Choice(alone, "nothing: no fold has both outcomes")
    worth = {TOO_SHORT: math.inf, ONE_MOMENT: WORTH_IN_A_MOMENT}.get(chosen_on, WORTH)
    (curved, penalty), ready = _ready(rows, folds, worth)
    alone = replace(alone, curved=curved, penalty=penalty)
    tried, told = _search(ready, trials, progress)
    cards = float(np.concatenate([_card_losses(fold) for fold in ready]).mean())
    candidates = [_Candidate(alone, cards)]
    candidates += [found for item in tried for found in _candidates(item, alone)]
    chosen, best = _simplest(candidates, ready, worth)
    why = "" if chosen.tried else _no_trees(best, candidates[0], ready)
    losses = {"chosen": chosen.loss, "best": best.loss, "scorecard": cards}
    found = Choice(chosen.model_settings, chosen_on, tuple(told), losses, _by_fold(chosen, ready))
    return replace(
        found, trees_left_out=f"on the search's folds ({chosen_on}) {why}" if why else ""
    )


def _ready(
    rows: TrainingRows, folds: Sequence[split.CvFold], worth: float
) -> tuple[tuple[bool, float], list[_Fold]]:
    """The simplest scorecard within noise of the best, and the folds, thinned, with its margins."""
    pairs = [
        (rows.where(fold.train).thinned(LEARN_ROWS), rows.where(fold.test).thinned(TEST_ROWS))
        for fold in folds
    ]
    cards = _cards([train for train, _ in pairs])
    margins = [_card_margins(train, test, cards) for train, test in pairs]
    losses = np.hstack(
        [
            calibration.left_over(found, test.y)
            for found, (_, test) in zip(margins, pairs, strict=True)
        ]
    )
    chosen = _simplest_card(losses, _accounts(test for _, test in pairs), worth)
    ready = [
        _Fold(train, model.lightgbm_dataset(train), test, found[chosen])
        for (train, test), found in zip(pairs, margins, strict=True)
    ]
    return cards[chosen], ready


def _cards(trains: Sequence[TrainingRows]) -> list[tuple[bool, float]]:
    """Whether curved, and the penalty, of the scorecards to try, from the simplest on."""
    weights = scorecard.width(trains[0].features, scorecard.CURVED)
    enough = min(len(train.y) for train in trains) >= ROWS_A_WEIGHT * weights
    shapes = (False, True) if enough else (False,)
    return [(curved, penalty) for curved in shapes for penalty in PENALTIES]


def _card_margins(
    train: TrainingRows, test: TrainingRows, cards: Sequence[tuple[bool, float]]
) -> Floats:
    """The margins of every scorecard (cards × test rows)."""
    shapes = dict.fromkeys(curved for curved, _ in cards)
    found = [card for curved in shapes for card in model.scorecards(train, PENALTIES, curved)]
    return np.array([card.margins(test.X) for card in found])


def _simplest_card(losses: Floats, accounts: npt.NDArray[np.str_], worth: float) -> int:
    """The first of losses (cards × rows) that is within noise of the best."""
    means = losses.mean(axis=1)
    best = int(np.argmin(means))
    close = np.flatnonzero(means <= means[best] * (1 + worth))
    errors = (_error(losses[place] - losses[best], accounts) for place in close)
    return next(
        int(place)
        for place, error in zip(close, errors, strict=True)
        if means[place] - means[best] <= error
    )


def _accounts(tests: Iterable[TrainingRows]) -> npt.NDArray[np.str_]:
    return np.concatenate([np.asarray(test.accounts) for test in tests])


def _card_losses(fold: _Fold) -> Floats:
    losses: Floats = calibration.left_over(fold.cards[None], fold.test.y)[0]
    return losses


def _search(
    folds: Sequence[_Fold], trials: int, progress: Progress
) -> tuple[list[_Tried], list[dict[str, Any]]]:
    """What was tried on all folds, and the log of every trial."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(seed=model.SEED, n_startup_trials=len(FIRST_TRIED))
    study = optuna.create_study(sampler=sampler)
    for first in FIRST_TRIED:
        study.enqueue_trial({name: getattr(first, name) for name in SPACE})
    tried: list[_Tried] = []
    told: list[dict[str, Any]] = []
    for number in range(1, trials + 1):
        progress(f"tuning {number}/{trials}{_so_far(tried)}")
        trial = study.ask(SPACE)
        found = _try(folds, ModelSettings(**trial.params), tried)
        if isinstance(found, float):
            trial.report(found, 0)
            study.tell(trial, state=TrialState.PRUNED)
        else:
            tried.append(found)
            study.tell(trial, float(found.losses.min()))
        told.append(_told(trial.params, found, len(folds)))
    return tried, told


def _so_far(tried: Sequence[_Tried]) -> str:
    if not tried:
        return ""
    return f" (best log loss {min(one.losses.min() for one in tried):.4f})"


def _told(parameters: dict[str, Any], found: _Tried | float, folds: int) -> dict[str, Any]:
    """A trial as plain JSON values."""
    if isinstance(found, float):
        return {**parameters, "loss": found, "folds": 1}
    return {**parameters, "loss": float(found.losses.min()), "folds": folds}


def _try(
    folds: Sequence[_Fold], model_settings: ModelSettings, before: Sequence[_Tried]
) -> _Tried | float:
    """The settings on all folds; only the loss on the first where that is hopeless."""
    bar = HOPELESS * min((item.first for item in before), default=math.inf)
    grown = [_grow(folds[0], model_settings, bar=bar)]
    first = float(grown[0][1].min())
    if first > bar:
        return first
    for fold in folds[1:]:
        # What one fold does not reach, the others need not either.
        grown.append(_grow(fold, model_settings, len(grown[-1][0])))
    steps = len(grown[-1][0])
    weights = np.array([len(fold.test.y) for fold in folds], dtype=np.float64)
    losses = np.average([found[:steps] for _, found in grown], axis=0, weights=weights)
    return _Tried(model_settings, [margins[:steps] for margins, _ in grown], losses, first)


def _grow(
    fold: _Fold,
    model_settings: ModelSettings,
    most: int = MOST_ROUNDS // STEP,
    bar: float = math.inf,
) -> tuple[Floats, Floats]:
    """Margins (steps × test rows) and mean losses (steps × shares), until these have settled.

    Or until they cannot come down to the `bar` any more.
    """
    booster = model.new_booster(fold.data, fold.train, model_settings, model.SEED)
    raw = np.zeros(len(fold.test.y))
    margins: list[Floats] = []
    losses: list[Floats] = []
    while len(margins) < most and not _settled(losses) and _reach(losses, most) <= bar:
        # Every round is wanted, also after one that found nothing to split.
        stuck = max(booster.update() for _ in range(STEP))
        new = booster.current_iteration() - len(margins) * STEP
        if new > 0:
            raw = raw + _of_last(booster, fold.test.X, new)
        margins.append(raw)
        losses.append(_by_share(raw, fold).mean(axis=1))
        if stuck:
            break
    return np.array(margins), np.array(losses)


def _of_last(booster: lgb.Booster, X: Floats, rounds: int) -> Floats:
    """What the last `rounds` trees add to the margins."""
    begin = booster.current_iteration() - rounds
    raw = booster.predict(
        X, raw_score=True, start_iteration=begin, num_iteration=rounds, num_threads=1
    )
    return np.asarray(raw, dtype=np.float64)


def _settled(losses: Sequence[Floats]) -> bool:
    best = [float(item.min()) for item in losses]
    return len(best) > PATIENCE and min(best[-PATIENCE:]) > min(best)


def _reach(losses: Sequence[Floats], most: int) -> float:
    """What the loss can still come down to: later steps gain no more than the last two did."""
    best = np.minimum.accumulate([float(item.min()) for item in losses])
    if len(best) <= 2:
        return -math.inf
    return float(best[-1] - (best[-3] - best[-1]) / 2 * (most - len(best)))


def _by_share(trees: Floats, fold: _Fold) -> Floats:
    """What is left of each row's loss (shares × rows), for each share that the trees may have."""
    shares = np.array(SHARES)[:, None]
    return calibration.left_over(shares * trees + (1 - shares) * fold.cards, fold.test.y)


def _candidates(tried: _Tried, card: ModelSettings) -> list[_Candidate]:
    """The trees of a trial with the scorecard that is there, in every share and size."""
    beside = replace(tried.model_settings, curved=card.curved, penalty=card.penalty)
    return [
        _Candidate(
            replace(beside, rounds=(step + 1) * STEP, share=share),
            float(tried.losses[step, place]),
            tried,
            step,
        )
        for step in range(len(tried.losses))
        for place, share in enumerate(SHARES)
    ]


def _simplest(
    candidates: Sequence[_Candidate], folds: Sequence[_Fold], worth: float
) -> tuple[_Candidate, _Candidate]:
    """The simplest candidate within noise of the best, and the best.

    What has no trees at all may be worse by as much as anywhere.
    """
    best = min(candidates, key=lambda item: item.loss)
    limit = {True: best.loss * (1 + worth), False: best.loss * (1 + max(worth, WORTH))}
    close = [item for item in candidates if item.loss <= limit[item.tried is not None]]
    least, accounts = _losses(best, folds), _accounts(fold.test for fold in folds)
    for item in sorted(close, key=lambda item: (item.model_settings.splits, item.loss)):
        if item.loss - best.loss <= _error(_losses(item, folds) - least, accounts):
            return item, best
    return best, best


def _no_trees(best: _Candidate, card: _Candidate, folds: Sequence[_Fold]) -> str:
    """Why the scorecard alone was the simplest within noise of the best."""
    if best.tried is None:
        return "no trees lowered the log loss of the scorecard"
    better = _losses(card, folds) - _losses(best, folds)
    accounts = _accounts(fold.test for fold in folds).tolist()
    gain = quality.interval(lambda rows: float(better[rows].mean()), accounts)
    told = f"trees lowered the log loss of the scorecard by {figures(gain)}"
    return f"{told}, which may be nothing"


def _losses(item: _Candidate, folds: Sequence[_Fold]) -> Floats:
    """What is left of each row's loss, over all folds."""
    return np.concatenate(_losses_by_fold(item, folds))


def _losses_by_fold(item: _Candidate, folds: Sequence[_Fold]) -> list[Floats]:
    if item.tried is None:
        return [_card_losses(fold) for fold in folds]
    share = SHARES.index(item.model_settings.share)
    return [
        _by_share(margins[item.step], fold)[share]
        for margins, fold in zip(item.tried.margins, folds, strict=True)
    ]


def _by_fold(item: _Candidate, folds: Sequence[_Fold]) -> tuple[dict[str, Any], ...]:
    """The folds as plain JSON values, with the loss of a candidate on each."""
    return tuple(
        {
            "as_of": [str(day) for day in np.unique(fold.test.as_of)],
            "rows": len(losses),
            "loss": float(losses.mean()),
            "scorecard": float(_card_losses(fold).mean()),
        }
        for fold, losses in zip(folds, _losses_by_fold(item, folds), strict=True)
    )


def _error(difference: Floats, accounts: npt.NDArray[np.str_]) -> float:
    """The standard error of a mean over rows of which those of one account belong together."""
    codes = np.unique(accounts, return_inverse=True)[1]
    by_account = np.bincount(codes, difference - difference.mean())
    return float(np.sqrt((by_account**2).sum()) / len(difference))
