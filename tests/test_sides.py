"""A declared side that the data contradict is told, with its cost; the others are not."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from scipy.special import expit

from features.declaring.company import Company
from features.declaring.declaration import parse
from features.declaring.target import Target
from features.errors import DeclarationError
from small_company import DECLARATION
from trained_company import TARGET, House, built, learning_dates
from training.leaks import side_check
from training.learning import sides
from training.learning.matrix import Feature
from training.learning.model import TrainingRows, monotone_signs

NAMES = ["logins", "tickets", "seats", "exports", "calls"]
MONTHS = [date(2025, month, 1) for month in range(1, 11)]
# How the log-odds of leaving move with each indicator; the last one says nothing.
TRUTH = np.array([-0.7, 0.6, -0.5, -0.4, 0.0])


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Target:
    """Return the small company's churn."""
    company: Company = parse(DECLARATION, tmp_path_factory.mktemp("declared"))
    return company.targets[TARGET]


def rows(seed: int, accounts: int = 400) -> TrainingRows:
    """Return a company of two windows per indicator, whose sides are all right."""
    random = np.random.default_rng(seed)
    level = np.repeat(random.normal(size=(accounts, 5)), len(MONTHS), axis=0)
    now = level + 0.4 * random.normal(size=level.shape)
    y = (random.random(len(now)) < expit(now @ TRUTH - 1.5)).astype(np.int8)
    features = [
        Feature(f"{name}__{days}d", name, days, "number") for name in NAMES for days in (28, 90)
    ]
    return TrainingRows(
        np.stack([10 * np.exp(now / 2), 30 * np.exp(level / 2)], axis=2).reshape(len(now), 10),
        y,
        [f"a{number}" for number in range(accounts) for _ in MONTHS],
        np.tile(np.array(MONTHS, dtype="datetime64[D]"), accounts),
        features,
        np.repeat([-1, 1, -1, -1, 1], 2).tolist(),
        98,
    )


def turned(of: TrainingRows, names: set[str]) -> TrainingRows:
    """Return the same with the sides of some indicators turned round."""
    signs = [
        -sign if feature.indicator in names else sign
        for feature, sign in zip(of.features, of.signs, strict=True)
    ]
    return replace(of, signs=signs)


@pytest.mark.parametrize("seed", range(20))
def test_right_sides_are_not_called_wrong(seed: int, target: Target) -> None:
    assert sides.contradicted(rows(seed), target) == ()


@pytest.mark.parametrize("names", [{"logins"}, {"logins", "tickets"}, set(NAMES[:4])])
def test_each_wrong_side_is_told_and_no_right_one(names: set[str], target: Target) -> None:
    found = sides.contradicted(turned(rows(1), names), target)
    assert {item.indicator for item in found} == names
    assert all(item.cost.above_zero for item in found)
    costs = [item.cost.value or 0.0 for item in found]
    assert costs == sorted(costs, reverse=True)


def test_a_wrong_side_is_told_as_it_was_declared(target: Target) -> None:
    [found] = sides.contradicted(turned(rows(1), {"tickets"}), target)
    assert found.side == "higher"
    said = sides.said(found, target)
    assert said.startswith('the data contradict healthy = "higher" of tickets: without that side')
    opportunity = target.model_copy(update={"adverse": False})
    [likelier] = sides.contradicted(turned(rows(1), {"tickets"}), opportunity)
    assert likelier.side == "lower"
    assert 'likelier = "lower" of tickets' in sides.said(likelier, opportunity)


def test_the_cost_is_what_the_indicator_would_tell(target: Target) -> None:
    # Freed, logins lower the log loss by what an indicator of that strength tells.
    [found] = sides.contradicted(turned(rows(3), {"logins"}), target)
    assert found.cost.value is not None
    assert 0.005 < found.cost.value < 0.05


def test_no_side_and_no_later_date_is_nothing_to_contradict(target: Target) -> None:
    free = replace(rows(1), signs=[0] * 10)
    assert sides.contradicted(free, target) == ()
    same: npt.NDArray[np.int8] = np.zeros(len(free.y), dtype=np.int8)
    assert sides.contradicted(replace(rows(1), y=same), target) == ()


def test_a_check_names_the_side_in_the_declaration(trained: House) -> None:
    days = learning_dates(trained.company)
    rows_of_all = built(trained.company, *days)
    assert [*side_check.breaches(rows_of_all, trained.company, {TARGET: days})] == []
    text = (trained.company.folder / "churnlight.toml").read_text("utf-8")
    wrong = parse(text.replace('healthy = "higher"', 'healthy = "lower"'), trained.company.folder)
    told = [*side_check.breaches(rows_of_all, wrong, {TARGET: days})]
    assert {(item.name, item.state) for item in told} == {("contradicted_side", "warning")}
    assert "indicators.visits" in {item.column for item in told}


def test_a_healthy_range_leaves_the_model_free(tmp_path: Path) -> None:
    text = DECLARATION.replace('healthy = "higher"', 'healthy = "range"', 1)
    company = parse(text, tmp_path)
    assert company.indicators["visits"].healthy == "range"
    features = [Feature("visits__28d", "visits", 28, "number")]
    assert monotone_signs(company, TARGET, features) == [0]
    with pytest.raises(DeclarationError, match='"higher", "lower" or, where the middle is good'):
        parse(DECLARATION.replace('healthy = "higher"\n', "", 1), tmp_path)
