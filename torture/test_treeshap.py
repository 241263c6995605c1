"""The compiled TreeSHAP on hundreds of models, and by brute force from the definition."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

import shapley_oracle
from forest_cases import Case, drawn
from training.treeshap.explainer import TreeShap

MODELS = 240
BRUTE = 60


def worst(case: Case, found: npt.NDArray[np.float64], wanted: npt.NDArray[np.float64]) -> float:
    scale = np.maximum(1.0, np.abs(case.margins))[:, None]
    return float(np.max(np.abs(found - wanted) / scale))


@pytest.mark.parametrize("seed", range(1000, 1000 + MODELS))
def test_any_model_is_explained_as_lightgbm_does(
    seed: int, record_property: Callable[[str, object], None]
) -> None:
    case = drawn(seed)
    shap = TreeShap(case.bag)
    assert shap.path == "compiled", shap.reason
    found = shap.contributions(case.X)
    difference = worst(case, found, case.reference)
    record_property("worst_difference", difference)
    assert difference <= 1e-12
    assert np.abs(found.sum(axis=1) - case.margins).max() <= 1e-10
    assert np.array_equal(shap.contributions(case.X[:5]), found[:5])


@pytest.mark.parametrize("seed", range(2000, 2000 + BRUTE))
def test_any_small_model_is_explained_by_its_shapley_values(seed: int) -> None:
    columns = 3 + seed % 6
    case = drawn(seed, columns=columns, leaves=4 + seed % 13)
    rows = slice(None, None, 12 if columns < 7 else 40)
    case = Case(case.bag, case.X[rows], case.settings)
    brute = [shapley_oracle.contributions(booster, case.X) for booster in case.bag]
    found = TreeShap(case.bag).contributions(case.X)
    assert worst(case, found, np.mean(brute, axis=0)) <= 1e-12


def test_a_model_too_large_for_tables_is_summed_by_quadrature() -> None:
    case = drawn(31, columns=14, leaves=255)
    bag = case.bag * 60
    shap = TreeShap(bag)
    assert shap.path == "compiled"
    assert shap.tables
    assert shap.tables.nbytes <= 64 << 20
    assert worst(case, shap.contributions(case.X), case.reference) <= 1e-12
