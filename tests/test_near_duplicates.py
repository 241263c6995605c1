"""One customer that stands in a table several times is told; customers that are alike are not."""

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

import training
from training import summary
from training.learning.model import TrainingRows
from training.tables import near_duplicates

Floats = npt.NDArray[np.float64]
ROWS = 2000


def table(X: Floats, logits: Floats, seed: int = 0) -> TrainingRows:
    """Rows of one moment, a customer each, whose events come with these log-odds."""
    y = (np.random.default_rng(seed).random(len(X)) < expit(logits)).astype(np.int8)
    names, moment = [f"row {number}" for number in range(len(X))], np.zeros(len(X), "M8[D]")
    return TrainingRows(X, y, names, moment, (), [0] * X.shape[1])


def doubled(rows: TrainingRows, count: int, noise: float) -> TrainingRows:
    """The rows, and after them the first `count` once more, each number a little other."""
    draw = np.random.default_rng(1)
    copies = rows.X[:count] + noise * draw.normal(size=(count, rows.X.shape[1]))
    both = table(np.vstack([rows.X, copies]), np.zeros(len(rows.y) + count))
    both.y[:] = np.concatenate([rows.y, rows.y[:count]])
    return both


def told(rows: TrainingRows, logits: Floats) -> list[str]:
    """What is told of the rows, the first of which is the table's fourth."""
    return near_duplicates.notices(rows, logits, range(4, len(rows.y) + 4), "keep one")


@pytest.fixture(scope="module")
def numbers() -> Floats:
    return np.random.default_rng(2).normal(size=(ROWS, 8))


@pytest.mark.parametrize("noise", [0.0, 0.0005])
def test_copies_on_both_sides_are_told_with_their_rows(numbers: Floats, noise: float) -> None:
    rows = doubled(table(numbers, numbers[:, 0]), 200, noise)
    (line,) = told(rows, rows.X[:, 0])
    first, second = (
        int(place.replace(",", "")) for place in line[13 : line.index(";")].split(" and ")
    )
    assert second - first == ROWS
    assert "of 2,200 rows" in line
    assert "only 0 differ in the outcome" in line
    assert line.endswith(": keep one")


def test_customers_of_one_kind_are_not_told() -> None:
    """All equal rows of flags lie on both sides of a split, and differ as their chances say."""
    for seed in range(5):
        flags = (np.random.default_rng(seed).random((ROWS, 6)) < 0.4).astype(float)
        logits = 2 * flags[:, 0] - flags[:, 1] - 1
        assert told(table(flags, logits, seed), logits) == []


def test_rows_far_apart_are_never_told(numbers: Floats) -> None:
    assert len(near_duplicates.near_pairs(numbers)) == 0


def test_one_customer_may_have_equal_rows(numbers: Floats) -> None:
    """Rows of one id are held on one side of a split by accounts."""
    rows = doubled(table(numbers, numbers[:, 0]), 200, 0.0)
    again = [*rows.accounts[:ROWS], *rows.accounts[:200]]
    same = TrainingRows(rows.X, rows.y, again, rows.as_of, (), rows.signs)
    assert told(same, same.X[:, 0]) == []


@settings(max_examples=50)
@given(st.integers(0, 199), st.integers(0, 7), st.floats(-1e300, 1e300) | st.just(np.nan))
def test_a_row_with_one_other_value_is_a_pair(place: int, column: int, value: float) -> None:
    """Whatever the value is, and whether it is known."""
    X = np.random.default_rng(2).normal(size=(200, 8))
    copy = X[place].copy()
    copy[column] = value
    assert [place, 200] in near_duplicates.near_pairs(np.vstack([X, copy])).tolist()


def test_a_training_tells_them_before_its_figures(numbers: Floats) -> None:
    """Without an id, equal rows are one customer; these are only nearly equal."""
    few = numbers[:500, :3]
    rows = doubled(table(few, 2 * few[:, 0]), 100, 0.0005)
    frame = pd.DataFrame(rows.X, columns=["a", "b", "c"]).assign(y=rows.y)
    lines = summary.of_table(training.fit(frame, "y", trials=1)).splitlines()
    assert lines[0].startswith("look at rows ")
    assert "--id" in lines[0]
    assert "evaluated on" in "".join(lines[1:4])
