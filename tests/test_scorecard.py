"""What a scorecard promises: points that add up, signs that hold, and the best penalised fit."""

import dataclasses
import json
import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter
from scipy.optimize import minimize
from scipy.special import expit

from training.calibrating.calibration import log_losses
from training.learning import likelihood, scorecard
from training.learning.matrix import Feature
from training.learning.scorecard import EMPTY, Scorecard

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int8]

FEATURES = [
    Feature("a", "a", None, "number"),
    Feature("b", "b", None, "number"),
    Feature("plan", "plan", None, "category", ("basic", "pro", "team")),
]


def world(rows: int = 900, seed: int = 0) -> tuple[Floats, Labels]:
    """Rows with two numbers, a category and gaps; `a` raises the risk and so does plan 2."""
    draw = np.random.default_rng(seed)
    X = np.column_stack(
        [draw.normal(0, 4, rows), draw.lognormal(2, 1, rows), draw.integers(0, 3, rows)]
    )
    risk = 0.4 * X[:, 0] - 0.3 * np.log1p(X[:, 1]) + (X[:, 2] == 2)
    X[draw.random(X.shape) < 0.1] = np.nan
    return X, (draw.random(rows) < expit(risk)).astype(np.int8)


def fitted(signs: tuple[int, ...] = (0, 0, 0), penalty: float = 3.0) -> Scorecard:
    X, y = world()
    return scorecard.fit_scorecards(X, y, FEATURES, signs, [penalty])[0][0]


@pytest.fixture(scope="module")
def card() -> Scorecard:
    return fitted()


VALUE = st.floats(-1e6, 1e6) | st.just(math.nan)


@given(a=VALUE, b=VALUE, plan=st.sampled_from([0.0, 1.0, 2.0, math.nan]))
def test_points_add_up_to_the_margin(a: float, b: float, plan: float, card: Scorecard) -> None:
    X = np.array([[a, b, plan]])
    points = card.contributions(X)
    assert points.shape == (1, 4)
    assert np.isfinite(points).all()
    assert card.margins(X)[0] == pytest.approx(points.sum(), abs=1e-12)


def test_the_points_of_a_column_are_its_curve(card: Scorecard) -> None:
    X, _ = world()
    points = card.contributions(X)
    for place in (0, 1):
        own = card.cards[place]
        curve = np.interp(scorecard.signed_log(X[:, place]), own.knots, own.points)
        expected = np.where(np.isnan(X[:, place]), own.missing, curve)
        assert points[:, place] == pytest.approx(expected, abs=1e-9)
    assert points[:, :3].mean(axis=0) == pytest.approx(0, abs=1e-6)


@given(low=VALUE, high=VALUE, signs=st.sampled_from([(1, -1, 0), (-1, 1, 0), (-1, -1, 0)]))
def test_a_sign_is_kept_everywhere(low: float, high: float, signs: tuple[int, int, int]) -> None:
    bound = SIGNED[signs]
    low, high = sorted((low, high)) if low == low and high == high else (0.0, 1.0)
    for place in (0, 1):
        X = np.zeros((2, 3))
        X[:, place] = low, high
        first, second = bound.margins(X)
        assert (second - first) * signs[place] >= -1e-9


SIGNED = {signs: fitted(signs) for signs in [(1, -1, 0), (-1, 1, 0), (-1, -1, 0)]}


def test_a_wrong_sign_costs_the_curve_and_no_more() -> None:
    wrong = SIGNED[(-1, -1, 0)].cards[0]
    assert np.ptp(wrong.points) == pytest.approx(0, abs=1e-9)


def test_the_fit_is_the_penalised_maximum_likelihood() -> None:
    X, y = world()
    X = X[:, :1]
    ours = scorecard.fit_scorecards(X, y, FEATURES[:1], [0], [5.0])[0][0]
    draft = scorecard.column_design(X[:, 0], FEATURES[0], 0)
    design = np.hstack([np.ones((len(X), 1)), draft.columns])

    def loss(weights: Floats) -> float:
        return float(log_losses(design @ weights, y).sum() + 2.5 * weights[1:] @ weights[1:])

    best = minimize(loss, np.zeros(design.shape[1]), method="BFGS").x
    assert ours.margins(X) == pytest.approx(design @ best, abs=1e-3)


def nested(seed: int, rows: int = 400) -> tuple[Floats, Labels, Floats]:
    """A design of columns that rise together, labels, and signs that some of them contradict."""
    draw = np.random.default_rng(seed)
    common = draw.normal(size=(rows, 3))
    columns = common[:, draw.integers(0, 3, 8)] + 0.3 * draw.normal(size=(rows, 8))
    y = (draw.random(rows) < expit(common[:, 0] - common[:, 1] - 0.5)).astype(np.int8)
    bounds = np.concatenate([[0.0], draw.integers(-1, 2, 8).astype(float)])
    return np.hstack([np.ones((rows, 1)), columns]), y, bounds


@given(seed=st.integers(0, 10_000), penalty=st.sampled_from([0.1, 1.0, 100.0]))
def test_no_weight_that_its_sign_lets_move_lowers_the_loss(seed: int, penalty: float) -> None:
    design, y, bounds = nested(seed)
    (weights,) = likelihood.maxima(design, y, bounds, [penalty]).weights
    ridge = np.array([0.0, *[penalty] * 8])
    pull = design.T @ (expit(design @ weights) - y) + ridge * weights
    held = (bounds != 0) & (weights == 0)
    assert (bounds * weights >= 0).all()
    assert np.abs(pull[~held]).max() < 1e-6
    assert (bounds * pull)[held].min(initial=0.0) > -1e-6


@given(seed=st.integers(0, 10_000), other=st.integers(0, 10_000))
def test_where_a_fit_starts_changes_no_kept_digit(seed: int, other: int) -> None:
    design, y, bounds = nested(seed)
    penalties = [10.0, 1.0]
    start = likelihood.maxima(*nested(other), penalties)
    own = likelihood.maxima(design, y, bounds, penalties)
    led = likelihood.maxima(design, y, bounds, penalties, start)
    for one, two in zip(own.weights, led.weights, strict=True):
        assert one == pytest.approx(two, abs=10.0**-likelihood.DIGITS)


def test_a_stronger_penalty_flattens() -> None:
    X, y = world()
    cards, _ = scorecard.fit_scorecards(X, y, FEATURES, [0, 0, 0], [1e6, 10.0, 0.1])
    spreads = [float(item.margins(X).std()) for item in cards]
    assert spreads == sorted(spreads)
    assert spreads[0] < 0.02


def test_constant_and_unknown_columns_are_worth_nothing() -> None:
    X, y = world()
    X[:, 0], X[:, 1] = 7.0, np.nan
    ((found,), _) = scorecard.fit_scorecards(X, y, FEATURES, [0, 0, 0], [1.0])
    points = found.contributions(X)
    assert points[:, :2] == pytest.approx(0, abs=1e-9)


@given(column=st.sampled_from([0, 1]), beyond=st.floats(0, 1e9), row=st.integers(0, 899))
def test_beyond_what_training_saw_a_value_changes_nothing_further(
    column: int, beyond: float, row: int, card: Scorecard
) -> None:
    """However far a column has grown since, such as a sum over the whole history."""
    seen = world()[0]
    for edge, way in ((np.nanmax, 1.0), (np.nanmin, -1.0)):
        last = float(edge(seen[:, column]))
        X = np.repeat(seen[[row]], 2, axis=0)
        X[:, column] = last, last + way * beyond
        assert card.margins(X[:1]) == pytest.approx(card.margins(X[1:]), abs=1e-12)


def test_a_scorecard_comes_back_from_json(card: Scorecard) -> None:
    written = json.dumps(dataclasses.asdict(card))
    assert TypeAdapter(Scorecard).validate_json(written, strict=True) == card


def test_a_share_multiplies_all_points_and_none_leaves_nothing(card: Scorecard) -> None:
    X, _ = world(50, seed=3)
    assert card.times(0.25).margins(X) == pytest.approx(card.margins(X) / 4, abs=1e-12)
    assert card.times(0) == EMPTY
    assert EMPTY.contributions(X).tolist() == np.zeros((50, 4)).tolist()


def test_a_straight_card_is_a_logistic_regression_on_signed_logs() -> None:
    X, y = world()
    X = np.nan_to_num(X[:, :2])
    ((ours,), _) = scorecard.fit_scorecards(X, y, FEATURES[:2], [0, 0], [2.0], scorecard.STRAIGHT)
    bent = scorecard.signed_log(X)
    bent = (bent - bent.min(axis=0)) / bent.std(axis=0)
    design = np.hstack([np.ones((len(X), 1)), bent])

    def loss(weights: Floats) -> float:
        return float(log_losses(design @ weights, y).sum() + weights[1:] @ weights[1:])

    best = minimize(loss, np.zeros(3), method="BFGS").x
    assert ours.margins(X) == pytest.approx(design @ best, abs=1e-3)
    assert all(len(item.knots) == 2 for item in ours.cards)


def test_where_training_knew_every_value_an_unknown_one_is_worth_the_mean() -> None:
    X, y = world()
    X = np.nan_to_num(X)
    ((ours,), _) = scorecard.fit_scorecards(X, y, FEATURES, [0, 0, 0], [2.0])
    assert ours.contributions(np.full((1, 3), np.nan))[0, :3].tolist() == [0.0, 0.0, 0.0]
