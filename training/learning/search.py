"""Which settings a model needs: a small search, on folds that are later than their training rows.

Every trial grows trees on each fold, blends them with a scorecard of the same rows in several
shares, and is measured by the log loss that is left after an affine calibration has removed the
shift of the base rate. The search is bounded by trials and never by time, and seeded, so that the
same rows give the same model. Of all candidates within noise of the best, the simplest is chosen:
small trees generalise better out of time and explain fastest. No trees at all is the simplest. The
folds lie before every date that the model is evaluated on.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState

from features.progress import Progress, silent
from training.calibrating import calibration
from training.learning import growing, model, scorecard
from training.learning.folds import ONE_MOMENT, TOO_SHORT, thinned
from training.learning.growing import ReadyFold, Tried
from training.learning.likelihood import Start
from training.learning.model import ModelSettings, TrainingRows
from training.learning.scorecard import Scorecard
from training.learning.split import CvFold
from training.learning.trials import FoldLosses, Losses, SearchTrial
from training.metrics import quality
from training.phrases import figures

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

TRIALS = 8
PENALTIES = (1000.0, 100.0, 10.0, 1.0)
# Curves are tried where each of their weights has this many rows.
ROWS_A_WEIGHT = 3
# Simpler is preferred within one standard error, but never at more than this share of the loss.
# Among trees it is less where rows are of one moment, like those that will be scored. Where a
# company has no later dates yet, there is no limit: a close fit to one date holds least on the
# next.
WORTH, WORTH_IN_A_MOMENT = 0.004, 0.001

SPACE = {
    "leaves": IntDistribution(3, 48, log=True),
    "learning_rate": CategoricalDistribution((0.05, 0.1)),
    "l2": FloatDistribution(0.1, 30.0, log=True),
    "min_rows": IntDistribution(5, 80, log=True),
    "columns": FloatDistribution(0.4, 1.0),
    "drawn": CategoricalDistribution((False, True)),
}
# Tried first: the usual settings, stumps that hardly work together, thresholds drawn at random
# for columns that mean nothing alone, one for sharper data, and two kinds of large trees for
# data in which many columns work together.
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

    `losses` are calibrated log losses on the folds: of the chosen settings, of the best ones, and
    of the scorecard alone. `folds` are the folds, each with its as-of dates, its rows and the
    losses of the chosen settings and of the scorecard. `trees_left_out` says why the model is a
    scorecard alone; it is empty where there are trees.
    """

    model_settings: ModelSettings
    chosen_on: str
    trials: tuple[SearchTrial, ...] = ()
    losses: Losses | None = None
    folds: tuple[FoldLosses, ...] = ()
    trees_left_out: str = ""

    def without_trees(self, why: str) -> "Choice":
        """The same with the scorecard alone, and why."""
        plain = replace(self.model_settings, share=0.0, rounds=0)
        losses = self.losses and replace(self.losses, chosen=self.losses.scorecard)
        folds = tuple(replace(fold, loss=fold.scorecard) for fold in self.folds)
        return replace(self, model_settings=plain, trees_left_out=why, losses=losses, folds=folds)


@dataclass(frozen=True)
class _Candidate:
    """A possible choice with its mean loss; `tried` is None for the scorecard alone."""

    model_settings: ModelSettings
    loss: float
    tried: Tried | None = None
    step: int = 0


def search_settings(
    rows: TrainingRows,
    folds: Sequence[CvFold],
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
    tried, log = _search(ready, trials, progress)
    cards = float(np.concatenate([_card_losses(fold) for fold in ready]).mean())
    candidates = [_Candidate(alone, cards)]
    candidates += [candidate for trial in tried for candidate in _candidates(trial, alone)]
    chosen, best = _simplest(candidates, ready, worth)
    why = "" if chosen.tried else _no_trees(best, candidates[0], ready)
    losses = Losses(chosen.loss, best.loss, cards)
    return Choice(
        chosen.model_settings,
        chosen_on,
        trials=tuple(log),
        losses=losses,
        folds=_by_fold(chosen, ready),
        trees_left_out=f"on the folds of the search ({chosen_on}), {why}" if why else "",
    )


def _ready(
    rows: TrainingRows, folds: Sequence[CvFold], worth: float
) -> tuple[tuple[bool, float], list[ReadyFold]]:
    """The simplest scorecard within noise of the best, and the folds, thinned, with its margins."""
    pairs = [thinned(rows, fold) for fold in folds]
    cards = _cards([train for train, _ in pairs])
    margins = list(_card_margins(pairs, cards))
    losses = np.hstack(
        [
            calibration.left_over(of_cards, test.y)
            for of_cards, (_, test) in zip(margins, pairs, strict=True)
        ]
    )
    chosen = _simplest_card(losses, growing.numbered_accounts(test for _, test in pairs), worth)
    ready = [
        ReadyFold(train, model.lightgbm_dataset(train), test, of_cards[chosen])
        for (train, test), of_cards in zip(pairs, margins, strict=True)
    ]
    return cards[chosen], ready


def _cards(trains: Sequence[TrainingRows]) -> list[tuple[bool, float]]:
    """The scorecards to try, simplest first: whether curved, and the penalty."""
    weights = scorecard.width(trains[0].features, scorecard.CURVED)
    enough = min(len(train.y) for train in trains) >= ROWS_A_WEIGHT * weights
    shapes = (False, True) if enough else (False,)
    return [(curved, penalty) for curved in shapes for penalty in PENALTIES]


def _card_margins(
    pairs: Sequence[tuple[TrainingRows, TrainingRows]], cards: Sequence[tuple[bool, float]]
) -> Iterator[Floats]:
    """Of each fold, the margins of every scorecard (cards × test rows)."""
    starts: dict[bool, Start | None] = dict.fromkeys(curved for curved, _ in cards)
    for train, test in pairs:
        fitted: list[Scorecard] = []
        for curved, start in starts.items():
            more, starts[curved] = model.scorecards(train, PENALTIES, curved, start)
            fitted += more
        yield np.array([card.margins(test.X) for card in fitted])


def _simplest_card(losses: Floats, accounts: Codes, worth: float) -> int:
    """The number of the first card whose loss (cards × rows) is within noise of the best."""
    means = losses.mean(axis=1)
    best = int(np.argmin(means))
    close = np.flatnonzero(means <= means[best] * (1 + worth))
    errors = (growing.error_by_account(losses[card] - losses[best], accounts) for card in close)
    return next(
        int(card)
        for card, error in zip(close, errors, strict=True)
        if means[card] - means[best] <= error
    )


def _card_losses(fold: ReadyFold) -> Floats:
    losses: Floats = calibration.left_over(fold.cards[None], fold.test.y)[0]
    return losses


def _search(
    folds: Sequence[ReadyFold], trials: int, progress: Progress
) -> tuple[list[Tried], list[SearchTrial]]:
    """The trials that ran on all folds, and the log of every trial."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(
        seed=model.TRAINING_SEED, n_startup_trials=len(FIRST_TRIED)
    )
    study = optuna.create_study(sampler=sampler)
    for first in FIRST_TRIED:
        study.enqueue_trial({name: getattr(first, name) for name in SPACE})
    tried: list[Tried] = []
    log: list[SearchTrial] = []
    for number in range(1, trials + 1):
        progress(f"tuning {number}/{trials}{_so_far(tried)}")
        trial = study.ask(SPACE)
        model_settings = ModelSettings(**trial.params)
        result = growing.try_on_folds(folds, model_settings, tried)
        if isinstance(result, float):
            trial.report(result, 0)
            study.tell(trial, state=TrialState.PRUNED)
        else:
            tried.append(result)
            study.tell(trial, float(result.losses.min()))
        log.append(_logged(model_settings, result, len(folds)))
    return tried, log


def _so_far(tried: Sequence[Tried]) -> str:
    if not tried:
        return ""
    return f" (best log loss {min(one.losses.min() for one in tried):.4f})"


def _logged(tried: ModelSettings, result: Tried | float, folds: int) -> SearchTrial:
    """The record of a trial."""
    return SearchTrial(
        leaves=tried.leaves,
        learning_rate=tried.learning_rate,
        l2=tried.l2,
        min_rows=tried.min_rows,
        columns=tried.columns,
        drawn=tried.drawn,
        loss=result if isinstance(result, float) else float(result.losses.min()),
        folds=1 if isinstance(result, float) else folds,
    )


def _candidates(tried: Tried, card: ModelSettings) -> list[_Candidate]:
    """The trees of a trial beside the chosen scorecard, in every share and size."""
    beside = replace(tried.model_settings, curved=card.curved, penalty=card.penalty)
    return [
        _Candidate(
            replace(beside, rounds=(step + 1) * growing.ROUNDS_PER_STEP, share=share),
            float(tried.losses[step, column]),
            tried,
            step,
        )
        for step in range(len(tried.losses))
        for column, share in enumerate(growing.SHARES)
    ]


def _simplest(
    candidates: Sequence[_Candidate], folds: Sequence[ReadyFold], worth: float
) -> tuple[_Candidate, _Candidate]:
    """The simplest candidate within noise of the best, and the best.

    The scorecard alone may always be worse by `WORTH`.
    """
    best = min(candidates, key=lambda candidate: candidate.loss)
    limit = {True: best.loss * (1 + worth), False: best.loss * (1 + max(worth, WORTH))}
    close = [one for one in candidates if one.loss <= limit[one.tried is not None]]
    least, accounts = _losses(best, folds), growing.numbered_accounts(fold.test for fold in folds)
    for candidate in sorted(close, key=lambda one: (one.model_settings.splits, one.loss)):
        difference = _losses(candidate, folds) - least
        if candidate.loss - best.loss <= growing.error_by_account(difference, accounts):
            return candidate, best
    return best, best


def _no_trees(best: _Candidate, card: _Candidate, folds: Sequence[ReadyFold]) -> str:
    """Why the scorecard alone was the simplest within noise of the best."""
    if best.tried is None:
        return "no trees lower the log loss of the scorecard"
    better = _losses(card, folds) - _losses(best, folds)
    names = [account for fold in folds for account in fold.test.accounts]
    gain = quality.mean_interval(better, names)
    return f"the gain of trees over the scorecard in log loss is {figures(gain)}: not significant"


def _losses(candidate: _Candidate, folds: Sequence[ReadyFold]) -> Floats:
    """The calibrated loss of each row, over all folds."""
    return np.concatenate(_losses_by_fold(candidate, folds))


def _losses_by_fold(candidate: _Candidate, folds: Sequence[ReadyFold]) -> list[Floats]:
    if candidate.tried is None:
        return [_card_losses(fold) for fold in folds]
    share = [candidate.model_settings.share]
    return [
        growing.of_shares(margins[candidate.step], share, fold)[0]
        for margins, fold in zip(candidate.tried.margins, folds, strict=True)
    ]


def _by_fold(candidate: _Candidate, folds: Sequence[ReadyFold]) -> tuple[FoldLosses, ...]:
    """The folds with the loss of a candidate on each."""
    return tuple(
        FoldLosses(
            as_of=tuple(str(day) for day in np.unique(fold.test.as_of)),
            rows=len(losses),
            loss=float(losses.mean()),
            scorecard=float(_card_losses(fold).mean()),
        )
        for fold, losses in zip(folds, _losses_by_fold(candidate, folds), strict=True)
    )
