"""The search for model settings: the simplest within noise, the same twice, no leak."""

import dataclasses
import re
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import pytest
from scipy.optimize import minimize
from scipy.special import expit

from features.declaring.target import Target
from training.calibrating import calibration
from training.learning import model, search, split
from training.learning.folds import TOO_SHORT, folds_of
from training.learning.matrix import Feature
from training.learning.model import TrainingRows

Floats = npt.NDArray[np.float64]

FEATURES = [Feature(name, name, None, "number") for name in "abcd"]
DAY = date(2025, 1, 1)
TARGET = Target.model_validate({"event": {"source": "s", "ended": "e"}, "horizon": "60d"})


def rows_of(risk: Floats, X: Floats, draw: np.random.Generator, dates: int = 1) -> TrainingRows:
    """Rows of as many accounts, spread over month-long steps."""
    count = len(X)
    days = [DAY + timedelta(days=30 * (number % dates)) for number in range(count)]
    return TrainingRows(
        X,
        (draw.random(count) < expit(risk)).astype(np.int8),
        [f"account {number // dates}" for number in range(count)],
        np.array(days, "datetime64[D]"),
        FEATURES,
        [0] * 4,
        TARGET.days_to_settle,
    )


def additive(count: int = 1500, dates: int = 1) -> TrainingRows:
    """A world in which every column adds its own part to the log-odds."""
    draw = np.random.default_rng(1)
    X = draw.normal(0, 2, (count, 4))
    return rows_of(X[:, 0] - X[:, 1] / 2, X, draw, dates)


def entangled(count: int = 3000) -> TrainingRows:
    """A world in which one column turns the meaning of another around."""
    draw = np.random.default_rng(2)
    X = draw.normal(0, 2, (count, 4))
    return rows_of(2 * np.sign(X[:, 0]) * X[:, 1], X, draw)


def chosen(rows: TrainingRows, trials: int = 3) -> search.Choice:
    return search.search_settings(rows, *folds_of(rows, None), trials=trials)


def test_an_additive_world_needs_no_trees() -> None:
    found = chosen(additive())
    assert found.model_settings.splits == 0
    assert found.losses is not None
    assert found.losses.chosen == found.losses.scorecard


def test_a_bent_world_gets_its_curves() -> None:
    draw = np.random.default_rng(3)
    X = draw.normal(0, 2, (3000, 4))
    found = chosen(rows_of(2 * np.abs(X[:, 0]) - 3, X, draw))
    assert found.model_settings.curved
    assert found.losses is not None
    assert found.losses.scorecard < 0.55


def test_where_no_later_date_can_be_seen_only_what_passes_noise_earns_its_splits() -> None:
    rows = additive(600, dates=2)
    folds, too_short = folds_of(rows, TARGET)
    assert too_short == TOO_SHORT
    blind = search.search_settings(rows, folds, too_short, trials=3)
    flat = search.search_settings(rows, folds, "folds grouped by account", trials=3)
    assert blind.model_settings.splits <= flat.model_settings.splits
    assert blind.losses is not None
    assert flat.losses is not None
    assert blind.losses.chosen >= flat.losses.chosen


def test_an_entangled_world_gets_its_trees() -> None:
    found = chosen(entangled())
    assert found.model_settings.share == 1
    assert found.losses is not None
    assert found.losses.chosen < 0.7 * found.losses.scorecard


def test_drawn_thresholds_find_columns_that_tell_nothing_alone() -> None:
    draw = np.random.default_rng(4)
    X = draw.normal(size=(1500, 12))
    wide = [Feature(f"x{place}", f"x{place}", None, "number") for place in range(12)]
    few = rows_of(1.5 * X[:, 0] * X[:, 1], X, draw)
    rows = dataclasses.replace(few, features=wide, signs=[0] * 12)
    greedy, drawn = chosen(rows, trials=2), chosen(rows, trials=3)
    assert drawn.model_settings.drawn
    assert greedy.losses is not None
    assert drawn.losses is not None
    assert drawn.losses.chosen < greedy.losses.chosen - 0.005


def test_without_its_trees_a_choice_has_the_losses_of_the_scorecard() -> None:
    trees = chosen(entangled())
    plain = trees.without_trees("they proved nothing")
    assert trees.losses
    assert plain.losses == dataclasses.replace(trees.losses, chosen=trees.losses.scorecard)
    weights = [item.rows for item in plain.folds]
    told = np.average([item.loss for item in plain.folds], weights=weights)
    assert told == pytest.approx(trees.losses.scorecard)


def test_the_chosen_one_is_within_noise_of_the_best() -> None:
    losses = chosen(entangled()).losses
    assert losses is not None
    assert losses.best <= losses.chosen <= losses.best * (1 + search.WORTH)


def test_the_search_is_the_same_twice() -> None:
    rows = entangled(900)
    assert chosen(rows, 5) == chosen(rows, 5)


def test_every_trial_is_reported_and_logged() -> None:
    steps: list[str] = []
    rows = additive(600)
    found = search.search_settings(
        rows, *folds_of(rows, None), trials=5, progress=lambda step: steps.append(step)
    )
    assert len(found.trials) == 5
    assert steps[0] == "tuning 1/5"
    assert [step.split(" (best log loss ")[0] for step in steps] == [
        f"tuning {number}/5" for number in range(1, 6)
    ]
    assert all(re.search(r" \(best log loss 0\.\d{4}\)$", step) for step in steps[1:])
    for first, logged in zip(search.FIRST_TRIED, found.trials, strict=False):
        assert {name: getattr(logged, name) for name in search.SPACE} == {
            name: getattr(first, name) for name in search.SPACE
        }


def test_a_long_history_chooses_on_later_dates_and_a_short_one_says_that_it_cannot() -> None:
    folds, chosen_on = folds_of(additive(1200, dates=6), TARGET)
    assert chosen_on == "later as-of dates"
    assert len(folds) == 3
    _, chosen_on = folds_of(additive(1200, dates=2), TARGET)
    assert chosen_on == "folds grouped by account, the history being too short for later dates"


def test_without_both_outcomes_the_scorecard_is_all_there_is() -> None:
    rows = additive(300)
    silent = dataclasses.replace(rows, y=np.zeros(300, np.int8))
    found = search.search_settings(silent, *folds_of(silent, None))
    assert (found.model_settings.share, found.chosen_on) == (
        0.0,
        "nothing: no fold has both outcomes",
    )


def test_what_is_left_over_is_what_the_best_line_leaves() -> None:
    draw = np.random.default_rng(0)
    margins = draw.normal(size=(3, 400)) * np.array([[0.3], [1.0], [4.0]])
    labels = (draw.random(400) < expit(margins[1] - 1)).astype(np.int8)
    for own, left in zip(margins, calibration.left_over(margins, labels), strict=True):

        def posterior(line: Floats, own: Floats = own) -> float:
            losses = calibration.log_losses(line[0] * own + line[1], labels).sum()
            return float(losses + (line[0] - 1) ** 2 / calibration.PRIOR_WIDTH**2 / 2)

        slope, offset = minimize(posterior, [1.0, 0.0]).x
        best = calibration.log_losses(max(slope, 0) * own + offset, labels).mean()
        assert left.mean() == pytest.approx(best, abs=2e-3)


# Models with given settings


def test_a_share_weighs_the_trees_and_the_scorecard() -> None:
    rows = additive(600)
    half = dataclasses.replace(search.FIRST_TRIED[0], rounds=20, share=0.5)
    alone = model.fit_model(rows, dataclasses.replace(half, share=0.0)).margins(rows.X)
    trees = model.fit_model(rows, dataclasses.replace(half, share=1.0)).margins(rows.X)
    assert model.fit_model(rows, half).margins(rows.X) == pytest.approx(
        (alone + trees) / 2, abs=1e-9
    )


def test_a_model_holds_still_beyond_what_training_saw() -> None:
    """Neither its trees nor its scorecard follow a column that grows with the data."""
    rows = additive(600)
    half = dataclasses.replace(search.FIRST_TRIED[0], rounds=20, share=0.5)
    fitted = model.fit_model(rows, half)
    most = rows.X.max(axis=0)
    for column in range(4):
        X = np.repeat(rows.X[:5], 3, axis=0)
        X[:, column] = most[column] * np.tile([1.0, 1.5, 1e6], 5)
        margins = fitted.margins(X).reshape(5, 3)
        assert margins[:, 1:] == pytest.approx(margins[:, :1].repeat(2, axis=1), abs=1e-12)


def test_thinning_keeps_whole_accounts() -> None:
    rows = additive(3000, dates=3)
    few = rows.thinned(900)
    assert 600 < len(few.y) < 1200
    assert all(few.accounts.count(name) == 3 for name in set(few.accounts))
    assert rows.thinned(3000) is rows
    assert np.array_equal(split.sample(rows.accounts, 900), split.sample(rows.accounts, 900))
