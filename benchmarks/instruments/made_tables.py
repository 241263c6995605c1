"""Tables of many worlds, made from a seed, on which a method must not be far behind any other.

Each is small, and each is hard for somebody: for trees, for straight lines, for whoever trusts 300
rows or two events in a hundred. `breast_cancer` is real and comes with scikit-learn.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import expit
from sklearn.datasets import load_breast_cancer, make_classification

Floats = npt.NDArray[np.float64]
Maker = Callable[[np.random.Generator], tuple[pd.DataFrame, Floats]]

LABEL = "event"
TESTED = 0.3


@dataclass(frozen=True)
class Made:
    """How a world is made, and by how many splits it is tested."""

    make: Maker
    splits: int = 1


def table(name: str) -> tuple[pd.DataFrame, list[npt.NDArray[np.bool_]]]:
    """The table `name`, the same every time, and a mask of test rows for every split."""
    made = MADE[name]
    draw = np.random.default_rng(sum(name.encode()))
    frame, labels = made.make(draw)
    tests = [draw.random(len(frame)) < TESTED for _ in range(made.splits)]
    return frame.assign(**{LABEL: labels.astype(int)}), tests


def _columns(X: Floats) -> pd.DataFrame:
    return pd.DataFrame(X, columns=[f"x{place}" for place in range(X.shape[1])])


def _drawn(draw: np.random.Generator, logits: Floats) -> Floats:
    return np.asarray(draw.random(len(logits)) < expit(logits), dtype=np.float64)


def linear(draw: np.random.Generator) -> tuple[pd.DataFrame, Floats]:
    """Twelve columns that only add up, in straight lines."""
    X = draw.normal(size=(3000, 12))
    return _columns(X), _drawn(draw, X @ draw.normal(0, 0.5, 12) - 1)


def clusters(draw: np.random.Generator) -> tuple[pd.DataFrame, Floats]:
    """Corners of a ten-dimensional cube: all columns work together."""
    X, y = make_classification(
        6000,
        20,
        n_informative=10,
        n_redundant=4,
        n_clusters_per_class=4,
        class_sep=0.8,
        flip_y=0.05,
        random_state=int(draw.integers(1000)),
    )
    return _columns(X), y


def turned(draw: np.random.Generator) -> tuple[pd.DataFrame, Floats]:
    """One column turns the meaning of a second around, and a third that of both."""
    X = draw.normal(size=(6000, 10))
    return _columns(X), _drawn(draw, 2 * np.sign(X[:, 0] * X[:, 1] * X[:, 2]) * np.abs(X[:, 3]))


def big() -> pd.DataFrame:
    """Ten thousand rows of twenty columns, of which some add up and some work together."""
    draw = np.random.default_rng(0)
    X = draw.normal(size=(10_000, 20))
    risk = X[:, :6] @ draw.normal(0, 0.4, 6) + X[:, 0] * X[:, 1] + np.abs(X[:, 6]) - 1.5
    return _columns(X).assign(**{LABEL: _drawn(draw, risk).astype(int)})


def small(draw: np.random.Generator) -> tuple[pd.DataFrame, Floats]:
    """Three hundred rows, of which a third has the event."""
    X = draw.normal(size=(300, 10))
    frame = _columns(X).assign(plan=draw.choice(["basic", "pro", "team"], 300))
    return frame, _drawn(draw, X[:, 0] - X[:, 1] + (frame["plan"] == "basic").to_numpy() - 1)


def wide(draw: np.random.Generator) -> tuple[pd.DataFrame, Floats]:
    """Two hundred columns for 1,500 rows; eight of them count."""
    X = draw.normal(size=(1500, 200))
    return _columns(X), _drawn(draw, X[:, :8] @ draw.normal(0, 0.6, 8) + X[:, 0] * X[:, 1] / 2)


def rare(draw: np.random.Generator) -> tuple[pd.DataFrame, Floats]:
    """Two events in a hundred, from skewed columns."""
    X = draw.lognormal(0, 1, (12_000, 15))
    risk = 0.5 * np.log(X[:, 0]) - 0.7 * np.log(X[:, 1]) + (X[:, 2] > 3) - 4.6
    return _columns(X), _drawn(draw, risk)


def mixed(draw: np.random.Generator) -> tuple[pd.DataFrame, Floats]:
    """Categories of many levels, gaps that tell something, money, steps and waves."""
    rows = 6000
    city = draw.integers(0, 60, rows)
    job = draw.choice(["clerk", "craft", "sales", "none"], rows, p=[0.4, 0.3, 0.2, 0.1])
    age, hours = draw.uniform(17, 90, rows), draw.normal(40, 12, rows)
    gain = np.where(draw.random(rows) < 0.1, draw.lognormal(8, 1, rows), 0.0)
    risk = draw.normal(0, 0.7, 60)[city] + (job == "sales") - 1.5 * (job == "none")
    risk += 2 * np.exp(-(((age - 45) / 15) ** 2)) + 0.03 * (hours - 40) * (age > 30)
    risk += 2 * (gain > 4000) - 2
    gap = draw.random(rows) < 0.2 * expit(risk)
    frame = pd.DataFrame(
        {
            "city": [f"city {number}" for number in city],
            "job": job,
            "age": age,
            "hours": np.where(gap, np.nan, hours),
            "gain": gain,
            **{f"noise{place}": draw.normal(size=rows) for place in range(5)},
        }
    )
    return frame, _drawn(draw, risk)


def breast_cancer(_: np.random.Generator) -> tuple[pd.DataFrame, Floats]:
    """Thirty real measures of 569 tumours, nearly separable."""
    found = load_breast_cancer()
    return _columns(found.data), np.asarray(1.0 - found.target)


MADE: Mapping[str, Made] = {
    "linear": Made(linear),
    "clusters": Made(clusters),
    "turned": Made(turned),
    "small": Made(small, 3),
    "wide": Made(wide),
    "rare": Made(rare),
    "mixed": Made(mixed),
    "breast_cancer": Made(breast_cancer, 3),
}
