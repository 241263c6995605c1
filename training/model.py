"""LightGBM, restrained: small trees, strong regularisation, a bag of seeds, monotone signs.

Small trees generalise better out of time and explain fastest. How many of them is chosen by
rolling-origin folds, by what is left of the log loss once an affine calibration has taken out
the shift of the base rate; among numbers within one standard error of the best, the smallest.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

from features.company import Company, Target
from features.errors import GateRefused
from features.indicator import Indicator
from training import calibration, split
from training.health import logit
from training.matrix import Feature

Floats = npt.NDArray[np.float64]

SEED = 20
BAG = 3
STEP = 20
ROUNDS = tuple(range(STEP, 401, STEP))
PATIENCE = 4
THREADS = 2
PARAMETERS: dict[str, Any] = {
    "objective": "binary",
    "num_leaves": 6,
    "learning_rate": 0.1,
    "min_data_in_leaf": 40,
    "lambda_l2": 10.0,
    "feature_fraction": 0.6,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "cat_smooth": 20.0,
    "max_bin": 63,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": THREADS,
    "verbosity": -1,
}


@dataclass(frozen=True)
class Rows:
    """Labelled rows: matrix (rows × features), labels 0/1, accounts and as-of dates."""

    X: Floats
    y: npt.NDArray[np.int8]
    accounts: Sequence[str]
    as_of: npt.NDArray[np.datetime64]

    def where(self, mask: split.Mask) -> "Rows":
        """The rows under a mask."""
        accounts = [self.accounts[int(number)] for number in np.flatnonzero(mask)]
        return Rows(self.X[mask], self.y[mask], accounts, self.as_of[mask])

    @property
    def latest(self) -> date:
        """The last as-of date."""
        day: date = self.as_of.max().astype(object)
        return day


def fit_bag(
    rows: Rows, features: Sequence[Feature], company: Company, rounds: int, bag: int = BAG
) -> list[lgb.Booster]:
    """Boosters of `rounds` trees, one for each of `bag` seeds."""
    return [_boost(rows, features, company, rounds, SEED + number) for number in range(bag)]


def margins(boosters: Sequence[lgb.Booster], X: Floats) -> Floats:
    """The mean raw margin of the bag for each row."""
    raw = [booster.predict(X, raw_score=True, num_threads=THREADS) for booster in boosters]
    mean: Floats = np.asarray(raw, dtype=np.float64).mean(axis=0)
    return mean


def _boost(
    rows: Rows, features: Sequence[Feature], company: Company, rounds: int, seed: int
) -> lgb.Booster:
    booster = _start(rows, features, company, seed)
    for _ in range(rounds):
        booster.update()
    return booster


def _start(rows: Rows, features: Sequence[Feature], company: Company, seed: int) -> lgb.Booster:
    """A booster without trees yet."""
    data = lgb.Dataset(
        rows.X,
        rows.y,
        feature_name=[feature.name for feature in features],
        categorical_feature=[
            number for number, feature in enumerate(features) if feature.dtype == "category"
        ],
        params=PARAMETERS,
    )
    signs = [monotone_sign(company.indicators[item.indicator], item) for item in features]
    return lgb.Booster(PARAMETERS | {"seed": seed, "monotone_constraints": signs}, data)


def monotone_sign(indicator: Indicator, feature: Feature) -> int:
    """How the margin of an adverse target may move with the value: −1 where higher is healthy.

    Categories have no order, and LightGBM ends the process when a sign is asked of them.
    """
    if feature.dtype == "category":
        return 0
    return {"higher": -1, "lower": 1, None: 0}[indicator.healthy]


@dataclass(frozen=True)
class Size:
    """How many trees, and on what that was chosen."""

    rounds: int
    chosen_on: str


def choose_size(rows: Rows, features: Sequence[Feature], company: Company, target: Target) -> Size:
    """The fewest trees whose loss on folds is within a standard error of the best."""
    folds, chosen_on = split.rolling(rows.as_of, target), "later as-of dates"
    if not (usable := [fold for fold in folds if has_both(rows, fold)]):
        folds, chosen_on = list(split.grouped(rows.accounts)), "folds grouped by account"
        usable = [fold for fold in folds if has_both(rows, fold)]
    if not usable:
        return Size(ROUNDS[0], "nothing: no fold has both outcomes")
    by_fold = [_loss_by_rounds(rows, fold, features, company) for fold in usable]
    common = min(losses.shape[1] for losses in by_fold)
    losses = np.concatenate([losses[:, :common] for losses in by_fold])
    best = int(np.argmin(losses.mean(axis=0)))
    difference = losses - losses[:, [best]]
    error = difference.std(axis=0) / np.sqrt(len(losses))
    return Size(ROUNDS[int(np.argmax(difference.mean(axis=0) <= error))], chosen_on)


def has_both(rows: Rows, fold: split.Fold) -> bool:
    """Whether both outcomes stand on both sides of the fold."""
    return all(len(np.unique(rows.y[mask])) == 2 for mask in (fold.train, fold.test))


def _loss_by_rounds(
    rows: Rows, fold: split.Fold, features: Sequence[Feature], company: Company
) -> Floats:
    """Log loss of each test row (rows) for each number of rounds (columns), affine-calibrated.

    Ends where the loss has not improved for some steps, so folds have their own widths.
    """
    train, test = rows.where(fold.train), rows.where(fold.test)
    booster = _start(train, features, company, SEED)
    columns: list[Floats] = []
    while len(columns) < len(ROUNDS) and not _settled([float(item.mean()) for item in columns]):
        for _ in range(STEP):
            booster.update()
        columns.append(calibrated_losses(margins([booster], test.X), test.y))
    return np.column_stack(columns)


def _settled(losses: list[float]) -> bool:
    return len(losses) > PATIENCE and min(losses[-PATIENCE:]) > min(losses)


def calibrated_losses(margin: Floats, labels: npt.NDArray[np.int8]) -> Floats:
    """What is left of the loss once the base rate is right; of a reversed model, all of it."""
    try:
        return calibration.log_losses(calibration.fit(margin, labels).logits(margin), labels)
    except GateRefused:
        base = float(labels.mean())
        return calibration.log_losses(np.full(len(labels), logit(base)), labels)


def cross_fitted(rows: Rows, features: Sequence[Feature], company: Company, rounds: int) -> Floats:
    """Margins of all rows, each from a model that never saw its account.

    One booster a fold and not a bag: its margins spread a little wider than the bag's, so the
    slope that is fitted to them errs on the cautious side.
    """
    found = np.empty(len(rows.y))
    for fold in split.grouped(rows.accounts):
        if fold.test.any():
            boosters = fit_bag(rows.where(fold.train), features, company, rounds, bag=1)
            found[fold.test] = margins(boosters, rows.X[fold.test])
    return found
