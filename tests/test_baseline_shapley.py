"""The way from one row to another: exact, additive, fair, and nothing for what stayed as it was."""

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import baseline_oracle
from forest_cases import Case, drawn
from training.treeshap.baseline import BaselineShapley

Floats = npt.NDArray[np.float64]


def margins(bag: list[lgb.Booster], X: Floats) -> Floats:
    parts = [booster.predict(X, raw_score=True, num_threads=1) for booster in bag]
    mean: Floats = np.asarray(parts, dtype=np.float64).mean(axis=0)
    return mean


def pairs(case: Case, seed: int, count: int = 12) -> tuple[Floats, Floats]:
    """Rows of the case in random pairs, of which some columns are alike."""
    random = np.random.default_rng(seed)
    first, second = random.integers(0, len(case.X), (2, count))
    old, new = case.X[first], case.X[second]
    return old, np.where(random.random(old.shape) < 0.3, old, new)


@pytest.mark.parametrize("seed", range(16))
def test_the_parts_are_the_mean_over_all_orders_of_joining(seed: int) -> None:
    case = drawn(seed, columns=6)
    old, new = pairs(case, seed)
    groups = np.random.default_rng(seed).integers(0, 5, 6).tolist()
    found = BaselineShapley(case.bag).contributions(old, new, groups)
    wanted = baseline_oracle.contributions(lambda X: margins(case.bag, X), old, new, groups)
    assert np.abs(found - wanted).max() <= 1e-11


@settings(max_examples=40)
@given(seed=st.integers(0, 400), groups=st.data())
def test_the_parts_add_up_to_the_difference_of_the_margins(
    seed: int, groups: st.DataObject
) -> None:
    case = drawn(seed)
    width = case.X.shape[1]
    own = groups.draw(st.lists(st.integers(0, 20), min_size=width, max_size=width))
    old, new = pairs(case, seed, 40)
    found = BaselineShapley(case.bag).contributions(old, new, own)
    assert (
        np.abs(found.sum(axis=1) - (margins(case.bag, new) - margins(case.bag, old))).max() <= 1e-9
    )


@settings(max_examples=40)
@given(seed=st.integers(0, 400))
def test_a_column_that_did_not_change_has_exactly_nothing(seed: int) -> None:
    case = drawn(seed)
    old, new = pairs(case, seed, 40)
    found = BaselineShapley(case.bag).contributions(old, new, range(case.X.shape[1]))
    same = (old == new) | (np.isnan(old) & np.isnan(new))
    assert not found[same].any()


@settings(max_examples=30)
@given(seed=st.integers(0, 400))
def test_the_way_back_is_the_way_there_with_the_other_sign(seed: int) -> None:
    case = drawn(seed)
    old, new = pairs(case, seed, 40)
    shapley = BaselineShapley(case.bag)
    there = shapley.contributions(old, new, range(case.X.shape[1]))
    back = shapley.contributions(new, old, range(case.X.shape[1]))
    assert np.abs(there + back).max() <= 1e-11


def test_columns_that_do_the_same_have_the_same_part() -> None:
    random = np.random.default_rng(5)
    X = random.normal(size=(600, 3))
    y = (X.sum(axis=1) + random.normal(size=600) > 0).astype(int)
    options = {"objective": "binary", "num_leaves": 6, "verbosity": -1, "num_threads": 1}
    one = lgb.train(options, lgb.Dataset(X, y), 20)
    turned = lgb.train(options, lgb.Dataset(X[:, [1, 0, 2]], y), 20)
    old, new = X[:50, [0, 0, 2]], X[50:100, [1, 1, 2]]
    both = BaselineShapley([one]).contributions(old, new, [0, 1, 2]) + BaselineShapley(
        [turned]
    ).contributions(old, new, [0, 1, 2])
    assert np.abs(both[:, 0] - both[:, 1]).max() <= 1e-11
    assert np.abs(both).max() > 0.1


def test_a_bag_of_nothing_moves_nothing() -> None:
    assert not BaselineShapley([]).contributions(np.zeros((3, 2)), np.ones((3, 2)), [0, 1]).any()
