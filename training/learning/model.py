"""The model: a scorecard and a bag of strongly regularised trees, whose margins add up.

LightGBM with small trees, strong regularisation, a bag of seeds and monotone signs: small trees
generalise better out of time and explain fastest. The share of the trees is folded into their
leaves, that of the scorecard into its points, so that the margin is their plain sum.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import compress

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

from features.declaring.company import Company
from features.declaring.indicator import Healthy, Side
from features.declaring.target import Target
from training.learning import scorecard, split
from training.learning.likelihood import Start
from training.learning.matrix import Feature, plain_names
from training.learning.moments import RowTimes
from training.learning.scorecard import EMPTY, Scorecard

Floats = npt.NDArray[np.float64]

TRAINING_SEED = 20
BAG = 3
# Boosters grow side by side, each on one thread: threads that share a booster wait for each other,
# and on a busy machine that costs tenfold.
THREADS = 2
# Trees of few leaves need no deep branches; where many columns work together, depth is what counts.
SMALL, DEPTH = 24, 6
PARAMETERS: dict[str, bool | int | float | str] = {
    "objective": "binary",
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "cat_smooth": 100.0,
    "max_bin": 63,
    "feature_pre_filter": False,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "verbosity": -1,
}


@dataclass(frozen=True)
class ModelSettings:
    """The settings of a model: what regularises its trees and its scorecard.

    `columns` is the share of columns that a split may choose from, `drawn` whether each of them
    offers one threshold, drawn at random, and not its best (Geurts, Ernst & Wehenkel 2006), so
    that a split may serve the ones below it before it serves itself. `penalty` is the scorecard's
    ridge, `curved` whether its columns may have more than straight lines, `share` the part of the
    margin that the trees have, between 0 and 1.
    """

    leaves: int
    learning_rate: float
    l2: float
    min_rows: int
    columns: float
    drawn: bool = False
    rounds: int = 0
    penalty: float = 10.0
    curved: bool = False
    share: float = 1.0

    @property
    def parameters(self) -> dict[str, bool | int | float | str]:
        """The parameters for LightGBM."""
        return PARAMETERS | {
            "num_leaves": self.leaves,
            "max_depth": DEPTH if self.leaves <= SMALL else -1,
            "learning_rate": self.learning_rate,
            "lambda_l2": self.l2,
            "min_data_in_leaf": self.min_rows,
            "feature_fraction_bynode": self.columns,
            "extra_trees": self.drawn,
        }

    @property
    def splits(self) -> int:
        """The most splits that a booster may have: its complexity."""
        return self.rounds * (self.leaves - 1) if self.share else 0


@dataclass(frozen=True)
class TrainingRows:
    """Labelled rows: matrix (rows × features), labels 0/1, accounts and as-of dates.

    `signs` say, per feature, how the margin may move with its value: −1, 0 or 1; `ahead` how many
    days after an as-of date its labels are known, which is when a model of it can first score (by
    renewal, from a year of outcomes to the one that it predicts). `times` are of rows by renewal.
    """

    X: Floats
    y: npt.NDArray[np.int8]
    accounts: Sequence[str]
    as_of: npt.NDArray[np.datetime64]
    features: Sequence[Feature]
    signs: Sequence[int]
    ahead: int = 1
    times: RowTimes | None = None

    @property
    def settles(self) -> npt.NDArray[np.datetime64]:
        """The day on whose morning each row's label is known for good (rows,)."""
        return self.as_of + self.ahead if self.times is None else self.times.settles

    @property
    def whole(self) -> npt.NDArray[np.datetime64]:
        """The day from which on the as-of date of each row may test (rows,)."""
        return self.settles if self.times is None else self.times.whole

    @property
    def moment(self) -> npt.NDArray[np.datetime64]:
        """The moment that each row calibrates in (rows,)."""
        return self.as_of if self.times is None else self.times.moment

    @property
    def counts(self) -> Floats:
        """For how many outcomes each row counts where it calibrates (rows,)."""
        return np.ones(len(self.y)) if self.times is None else self.times.counts

    @property
    def at_last(self) -> split.Mask:
        """Which rows are of the last moment (rows,)."""
        mask: split.Mask = self.moment == self.moment.max()
        return mask

    def where(self, mask: split.Mask) -> "TrainingRows":
        """The rows under a mask."""
        return replace(
            self,
            X=self.X[mask],
            y=self.y[mask],
            accounts=list(compress(self.accounts, mask.tolist())),
            as_of=self.as_of[mask],
            times=self.times and self.times.where(mask),
        )

    def only(self, columns: Sequence[int]) -> "TrainingRows":
        """The same rows with these columns alone."""
        return replace(
            self,
            X=self.X[:, list(columns)],
            features=[self.features[number] for number in columns],
            signs=[self.signs[number] for number in columns],
        )

    def thinned(self, most: int) -> "TrainingRows":
        """At most about `most` rows, of whole accounts."""
        return self if len(self.y) <= most else self.where(split.sample(self.accounts, most))

    @property
    def latest(self) -> date:
        """The last as-of date."""
        day: date = self.as_of.max().astype(object)
        return day


@dataclass(frozen=True)
class Model:
    """A scorecard and boosters; the margin is the scorecard's and the mean of the boosters'.

    `alone` is the scorecard as it would be without trees beside it, where one was fitted.
    """

    scorecard: Scorecard
    boosters: tuple[lgb.Booster, ...]
    alone: Scorecard = EMPTY

    def margins(self, X: Floats, threads: int = THREADS) -> Floats:
        """Raw margins (rows,)."""
        return self.scorecard.margins(X) + bagged(self.boosters, X, threads)


def bagged(boosters: Sequence[lgb.Booster], X: Floats, threads: int) -> Floats:
    """The mean raw margin of a bag (rows,); 0 of an empty one."""
    if not boosters:
        return np.zeros(len(X))
    raw = [booster.predict(X, raw_score=True, num_threads=threads) for booster in boosters]
    mean: Floats = np.asarray(raw, dtype=np.float64).mean(axis=0)
    return mean


def fit_model(
    rows: TrainingRows, model_settings: ModelSettings, bag: int = BAG, start: Start | None = None
) -> Model:
    """The model of `rows` with these settings, with one booster for each of `bag` seeds.

    `start` is where the scorecard of similar rows ended.
    """
    return fit_from(rows, model_settings, bag, start)[0]


def fit_from(
    rows: TrainingRows, model_settings: ModelSettings, bag: int, start: Start | None
) -> tuple[Model, Start | None]:
    """The same, and where the scorecard of similar rows may start."""
    card = EMPTY
    if model_settings.share < 1:
        penalties = [model_settings.penalty]
        (card,), start = scorecards(rows, penalties, model_settings.curved, start)
    boosters: list[lgb.Booster] = []
    if model_settings.share:
        data = lightgbm_dataset(rows)
        boosters = [
            boost(data, rows, model_settings, seed)
            for seed in range(TRAINING_SEED, TRAINING_SEED + bag)
        ]
    return Model(card.times(1 - model_settings.share), tuple(boosters), card), start


def scorecards(
    rows: TrainingRows, penalties: Sequence[float], curved: bool, start: Start | None = None
) -> tuple[list[Scorecard], Start]:
    """A scorecard of `rows` for each penalty, of straight lines or `curved`.

    Also returns where the fit of similar rows may start, for the same penalties.
    """
    quantiles = scorecard.CURVED if curved else scorecard.STRAIGHT
    few = rows.thinned(scorecard.CELLS // scorecard.width(rows.features, quantiles))
    return scorecard.fit_scorecards(
        few.X, few.y, few.features, few.signs, penalties, quantiles, start
    )


def lightgbm_dataset(rows: TrainingRows) -> lgb.Dataset:
    """The rows as LightGBM bins them: once for all model settings."""
    data = lgb.Dataset(
        rows.X,
        rows.y,
        feature_name=plain_names(rows.features),
        categorical_feature=[
            number for number, feature in enumerate(rows.features) if feature.dtype == "category"
        ],
        params=PARAMETERS,
        free_raw_data=False,
    )
    return data.construct()


def new_booster(
    data: lgb.Dataset, rows: TrainingRows, model_settings: ModelSettings, seed: int
) -> lgb.Booster:
    """A booster without trees yet."""
    seeded = {"seed": seed, "monotone_constraints": list(rows.signs)}
    return lgb.Booster(model_settings.parameters | seeded, data)


def boost(
    data: lgb.Dataset, rows: TrainingRows, model_settings: ModelSettings, seed: int
) -> lgb.Booster:
    """A booster of all its rounds, every leaf multiplied by the trees' share."""
    booster = new_booster(data, rows, model_settings, seed)
    for _ in range(model_settings.rounds):
        booster.update()
    if model_settings.share != 1:
        _multiply_leaves(booster, model_settings.share)
    return booster


def _multiply_leaves(booster: lgb.Booster, share: float) -> None:
    for number, tree in enumerate(booster.dump_model()["tree_info"]):
        for leaf in range(tree["num_leaves"]):
            value = booster.get_leaf_output(number, leaf)
            booster.set_leaf_output(number, leaf, share * value)


def monotone_signs(company: Company, target: str, features: Sequence[Feature]) -> list[int]:
    """How the margin of a target may move with each feature's value.

    An adverse event is less likely on the healthy side. Health says nothing about opportunities:
    there the target names the sides itself, or leaves the value free.
    """
    declared = company.targets[target]
    return [
        monotone_sign(_likelier(declared, feature.indicator, company), feature)
        for feature in features
    ]


def _likelier(target: Target, indicator: str, company: Company) -> Side | None:
    """The side of an indicator's value on which the event is likelier, where one is declared."""
    if not target.adverse:
        return target.likelier.get(indicator)
    unhealthy: dict[Healthy | None, Side] = {"higher": "lower", "lower": "higher"}
    return unhealthy.get(company.indicators[indicator].healthy)


def monotone_sign(likelier: Side | None, feature: Feature) -> int:
    """How the margin may move with the value: 1 where the event is likelier when it is higher.

    Categories have no order, and LightGBM ends the process when a sign is asked of them.
    """
    if feature.dtype == "category":
        return 0
    signs: dict[Side | None, int] = {"higher": 1, "lower": -1}
    return signs.get(likelier, 0)


def cross_fitted(rows: TrainingRows, model_settings: ModelSettings) -> Floats:
    """Margins of all rows, each from a model that never saw its account.

    One booster a fold and not a bag: its margins spread a little wider than the bag's, so the
    slope that is fitted to them errs on the cautious side.
    """
    parts, _ = cross_fitted_parts(rows, model_settings)
    return blended(parts, model_settings)


def blended(parts: Floats, model_settings: ModelSettings) -> Floats:
    """Margins (rows,) of the parts (2 × rows) that a scorecard and trees have in them."""
    return np.asarray((1 - model_settings.share) * parts[0] + parts[1])


def cross_fitted_parts(
    rows: TrainingRows, model_settings: ModelSettings
) -> tuple[Floats, Start | None]:
    """The same by its parts (2 × rows): the scorecard's as if alone, and that of the trees.

    Also returns where the scorecard of similar rows may start.
    """
    parts, start = np.empty((2, len(rows.y))), None
    for fold in split.by_account(rows.accounts):
        if fold.test.any():
            model, start = fit_from(rows.where(fold.train), model_settings, 1, start)
            X = rows.X[fold.test]
            parts[0, fold.test] = model.alone.margins(X)
            parts[1, fold.test] = bagged(model.boosters, X, 1)
    return parts, start
