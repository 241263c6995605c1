"""Small LightGBM models of every kind that the compiled TreeSHAP has to match, by seed."""

from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

UNUSUAL = [
    *(np.nan, 0.0, -0.0, np.inf, -np.inf, 5e-324, 1e-36, -1e-36, 1e-35, -1e-35),
    *(float(np.float32(1e-35)), -float(np.float32(1e-35)), 1e300, -1e300),
    *(-1.0, -0.5, 0.5, 2.7, 65_535.0, 1e9, 2.0**40),
]
LEAVES = (2, 3, 6, 8, 16, 31, 64, 255)


@dataclass(frozen=True)
class Case:
    """A bag of boosters, the rows that taught it and rows of unusual values."""

    bag: list[lgb.Booster]
    X: Floats
    settings: dict[str, Any]

    @property
    def reference(self) -> Floats:
        """LightGBM's own contributions of the bag."""
        parts = [booster.predict(self.X, pred_contrib=True, num_threads=1) for booster in self.bag]
        mean: Floats = np.asarray(parts, dtype=np.float64).mean(axis=0)
        return mean

    @property
    def margins(self) -> Floats:
        """The bag's mean margins."""
        parts = [booster.predict(self.X, raw_score=True, num_threads=1) for booster in self.bag]
        mean: Floats = np.asarray(parts, dtype=np.float64).mean(axis=0)
        return mean


def drawn(seed: int, *, columns: int | None = None, leaves: int | None = None) -> Case:
    """The model and the rows of a seed; few `columns` where brute force has to follow."""
    random = np.random.default_rng(seed)
    width = columns or int(random.integers(1, 16))
    rows = int(random.integers(60, 1200))
    X, categories = _table(random, rows, width)
    margin = np.nan_to_num(X, posinf=1, neginf=-1) @ random.normal(size=width)
    y = (margin + 2 * random.normal(size=rows) > np.median(margin)).astype(int)
    y[:2] = 0, 1
    settings = _settings(random, width, categories, leaves)
    weight = random.random(rows) * 3 if random.random() < 0.3 else None
    bag = []
    for number in range(int(random.choice([1, 1, 3]))):
        data = lgb.Dataset(
            X, y, weight=weight, categorical_feature=categories, params=settings | {"seed": number}
        )
        rounds = int(random.integers(1, 30))
        bag.append(lgb.train(settings | {"seed": seed + number}, data, rounds))
    unusual = random.choice(UNUSUAL, size=(60, width))
    mixed = np.where(random.random((60, width)) < 0.3, unusual, X[:60])
    return Case(bag, np.concatenate([X[:60], mixed, unusual]), settings)


def _table(random: np.random.Generator, rows: int, width: int) -> tuple[Floats, list[int]]:
    X = random.normal(size=(rows, width)).round(int(random.integers(1, 6)))
    X[random.random(X.shape) < random.choice([0.0, 0.25])] = 0.0
    X[random.random(X.shape) < random.choice([0.0, 0.2])] = np.nan
    categories = [column for column in range(width) if random.random() < 0.25]
    for column in categories:
        X[:, column] = random.integers(0, random.choice([2, 12, 400]), rows)
        X[random.random(rows) < 0.05, column] = np.nan
    return X, categories


def _settings(
    random: np.random.Generator, width: int, categories: list[int], leaves: int | None
) -> dict[str, Any]:
    signs = [0 if column in categories else int(random.integers(-1, 2)) for column in range(width)]
    return {
        "objective": "binary",
        "boosting": str(random.choice(["gbdt", "gbdt", "dart"])),
        "data_sample_strategy": str(random.choice(["bagging", "goss"])),
        "num_leaves": leaves or int(random.choice(LEAVES)),
        "max_depth": int(random.choice([-1, -1, 1, 4])),
        "min_data_in_leaf": int(random.choice([1, 5, 40])),
        "min_sum_hessian_in_leaf": 1e-6,
        "max_bin": int(random.choice([7, 63, 255, 1000])),
        "min_data_in_bin": 1,
        "zero_as_missing": bool(random.random() < 0.25),
        "use_missing": bool(random.random() < 0.8),
        "extra_trees": bool(random.random() < 0.25),
        "monotone_constraints": signs if random.random() < 0.25 else None,
        "min_data_per_group": 1,
        "cat_smooth": 1.0,
        "cat_l2": 0.0,
        "max_cat_to_onehot": int(random.choice([1, 4])),
        "learning_rate": 0.2,
        "num_threads": 1,
        "verbosity": -1,
    }
