"""The compiled TreeSHAP: exact, additive, and answering through LightGBM where it cannot be."""

import logging
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import shapley_oracle
from forest_cases import Case, drawn
from training.treeshap import explainer
from training.treeshap.explainer import TreeShap

Floats = npt.NDArray[np.float64]

ROOT = Path(__file__).parents[1]


def off(found: Floats, wanted: Floats, margins: Floats) -> float:
    """The worst difference, relative to max(1, |margin|)."""
    return float(np.max(np.abs(found - wanted) / np.maximum(1.0, np.abs(margins))[:, None]))


def check(case: Case) -> None:
    shap = TreeShap(case.bag)
    assert shap.path == "compiled", shap.reason
    found = shap.contributions(case.X)
    assert off(found, case.reference, case.margins) <= 1e-12
    assert np.abs(found.sum(axis=1) - case.margins).max() <= 1e-10


@pytest.mark.parametrize("seed", range(12))
def test_contributions_are_lightgbms_to_the_last_digits(seed: int) -> None:
    check(drawn(seed))


@pytest.mark.parametrize("seed", range(100, 106))
def test_contributions_are_the_shapley_values_of_the_definition(seed: int) -> None:
    case = drawn(seed, columns=5, leaves=8)
    case = replace(case, X=case.X[::9])
    brute = [shapley_oracle.contributions(booster, case.X) for booster in case.bag]
    found = TreeShap(case.bag).contributions(case.X)
    assert off(found, np.mean(brute, axis=0), case.margins) <= 1e-12


def test_the_tree_of_the_docs_becomes_the_table_of_the_docs() -> None:
    visits = np.repeat([3.0, 5.0, 5.0], [60, 10, 30])
    age = np.repeat([25.0, 25.0, 35.0], [60, 10, 30])
    y = np.repeat([-1.0, 2.0, 4.0], [60, 10, 30])
    options = {"num_leaves": 3, "min_data_in_leaf": 1, "learning_rate": 1.0, "verbosity": -1}
    options |= {"boost_from_average": False, "min_data_in_bin": 1}
    booster = lgb.train(options, lgb.Dataset(np.column_stack([visits, age]), y), 1)
    X = np.array([[3.0, 25.0], [5.0, 25.0], [3.0, 35.0], [5.0, 35.0]])
    rows = re.findall(r"^\| \d \| \w+ \| \w+ \| (.*) \|$", str(explainer.__doc__), re.MULTILINE)
    told = np.array([[float(cell) for cell in row.split(" | ")] for row in rows])
    assert told.shape == (4, 3)
    assert np.abs(TreeShap([booster]).contributions(X) - told).max() < 1e-6


@pytest.fixture(scope="module")
def case() -> Case:
    return drawn(7, columns=9, leaves=31)


@pytest.fixture(scope="module")
def shap(case: Case) -> TreeShap:
    return TreeShap(case.bag)


@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_folded_contributions_are_sums_of_columns(data: st.DataObject, case: Case) -> None:
    fold = data.draw(st.lists(st.integers(0, 4), min_size=9, max_size=9))
    found = TreeShap(case.bag, fold).contributions(case.X)
    wanted = np.zeros_like(found)
    for column, output in enumerate([*fold, max(fold) + 1]):
        wanted[:, output] += case.reference[:, column]
    assert off(found, wanted, case.margins) <= 1e-12


@settings(max_examples=25, deadline=None)
@given(rows=st.integers(0, 180), threads=st.integers(1, 4), turned=st.booleans())
def test_a_row_is_explained_alike_in_any_company(
    rows: int, threads: int, turned: bool, case: Case, shap: TreeShap
) -> None:
    whole = shap.contributions(case.X)
    part = np.asfortranarray(case.X[:rows]) if turned else case.X[:rows]
    assert np.array_equal(shap.contributions(part, threads=threads), whole[:rows])


def test_a_path_of_twenty_features_is_explained_alike_alone_and_in_company() -> None:
    X = (np.random.default_rng(4).random((4000, 24)) < 0.12).astype(float)
    depth = np.where(X.any(axis=1), X.argmax(axis=1), 24)
    options = {"objective": "l2", "num_leaves": 25, "min_data_in_leaf": 1, "verbosity": -1}
    chain = lgb.train(options, lgb.Dataset(X, (depth - 12.0) ** 2), 3)
    case = Case([chain], X[:40], options)
    shap = TreeShap(case.bag)
    assert shap.tables
    assert shap.tables.lone.needs.max() > 8
    found = shap.contributions(case.X)
    assert off(found, case.reference, case.margins) <= 1e-12
    alone = [shap.contributions(case.X[row : row + 1]) for row in range(len(case.X))]
    assert np.array_equal(np.concatenate(alone), found)


def test_blocks_and_threads_change_no_bit(case: Case, shap: TreeShap) -> None:
    X = np.tile(case.X, (20, 1))
    once = shap.contributions(case.X)
    for threads in (1, 2, 3):
        assert np.array_equal(shap.contributions(X, threads=threads), np.tile(once, (20, 1)))


def test_float32_arrow_and_pandas_are_explained_as_their_float64(shap: TreeShap) -> None:
    X = np.random.default_rng(1).normal(size=(50, 9)).astype(np.float32)
    wanted = shap.contributions(X.astype(np.float64))
    frame = pd.DataFrame(X)
    table = pa.table({str(column): X[:, column] for column in range(9)})
    for rows in (X, frame, table):
        assert np.array_equal(shap.contributions(rows), wanted)


def test_categories_of_pandas_and_arrow_are_lightgbms_codes() -> None:
    random = np.random.default_rng(3)
    plan = pd.Categorical(random.choice(["basic", "plus", "pro"], 400))
    frame = pd.DataFrame({"seats": random.normal(size=400), "plan": plan})
    y = ((frame["plan"] == "pro") ^ (random.random(400) < 0.2)).astype(int)
    booster = lgb.train({"verbosity": -1, "min_data_per_group": 1}, lgb.Dataset(frame, y), 5)
    asked = pd.DataFrame(
        {"seats": [0.1, None, 0.3], "plan": pd.Categorical(["pro", "unheard of", None])}
    )
    found, wanted = TreeShap([booster]), booster.predict(asked, pred_contrib=True)
    assert np.abs(found.contributions(asked) - wanted).max() <= 1e-12
    arrow = pa.table(
        {
            "seats": pa.array([0.1, None, 0.3]),
            "plan": pa.array(["pro", "unheard of", None]).dictionary_encode(),
        }
    )
    assert np.abs(found.contributions(arrow) - wanted).max() <= 1e-12


def booster(**options: Any) -> lgb.Booster:
    random = np.random.default_rng(2)
    X = random.normal(size=(300, 3))
    y = random.integers(0, 3, 300) if options.get("num_class") else random.integers(0, 2, 300)
    plain = {"objective": "binary", "num_leaves": 4, "verbosity": -1, "num_threads": 1}
    return lgb.train(plain | options, lgb.Dataset(X, y, params=options), 4)


REFUSED: dict[str, dict[str, Any]] = {
    "averaged": {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.5},
    "several classes": {"objective": "multiclass", "num_class": 3},
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_is_refused_is_explained_by_lightgbm(
    reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    model = booster(**REFUSED[reason])
    with caplog.at_level(logging.WARNING):
        found = TreeShap([model])
    assert found.path == "pred_contrib"
    assert reason in found.reason
    assert [record.message.count(reason) for record in caplog.records] == [1]
    X = np.random.default_rng(1).normal(size=(20, 3))
    assert np.allclose(found.contributions(X), model.predict(X, pred_contrib=True), atol=1e-12)


def test_linear_trees_are_left_to_lightgbm() -> None:
    found = TreeShap([booster(linear_tree=True)])
    assert (found.path, "linear" in found.reason) == ("pred_contrib", True)


class OtherCovers(lgb.Booster):
    """As a LightGBM would be that writes other covers than it explains with."""

    def model_to_string(self, *args: Any, **named: Any) -> str:
        """The model's text with half the training rows gone from the left of each root."""
        text = super().model_to_string(*args, **named)
        return re.sub(r"(leaf_count=)(\d+)", lambda found: found[1] + str(int(found[2]) // 2), text)


def test_a_model_that_lightgbm_explains_otherwise_is_left_to_it() -> None:
    found = TreeShap([OtherCovers(model_str=booster().model_to_string())])
    assert found.path == "pred_contrib"
    assert "differ from pred_contrib" in found.reason


def test_wrong_shapes_are_told() -> None:
    with pytest.raises(ValueError, match="no booster"):
        TreeShap([])
    with pytest.raises(ValueError, match="for each of 3 columns"):
        TreeShap([booster()], [0, 1])
    with pytest.raises(
        ValueError, match=r"the rows must have 3 columns, got an array of shape \(2, 4\)"
    ):
        TreeShap([booster()]).contributions(np.zeros((2, 4)))


def test_a_cache_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    program = (
        "import numpy as np, lightgbm as lgb; from training.treeshap.explainer import TreeShap\n"
        "X = np.random.default_rng(0).normal(size=(200, 2)); y = (X[:, 0] > 0).astype(int)\n"
        "m = lgb.train({'verbosity': -1, 'num_threads': 1}, lgb.Dataset(X, y), 2)\n"
        "t = TreeShap([m]); t.contributions(X); print(t.path)"
    )
    occupied = tmp_path / "a file"
    occupied.write_text("not a folder")
    environment = os.environ | {"NUMBA_CACHE_DIR": str(occupied), "HOME": str(occupied)}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "compiled\n"
