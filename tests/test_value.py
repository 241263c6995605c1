"""What the scores are worth: counted by hand, and the same for every order of the rows."""

from dataclasses import asdict

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.metrics import value

Labels = npt.NDArray[np.int8]
ROWS = st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=1, max_size=30)


def of(labels: list[int]) -> Labels:
    return np.array(labels, dtype=np.int8)


def test_a_team_works_the_riskiest_accounts_that_its_capacity_allows() -> None:
    risk = np.array([0.1, 0.9, 0.8, 0.3, 0.2, 0.7, 0.15, 0.12, 0.11, 0.05])
    worked = value.at_capacity(risk, of([0, 1, 0, 0, 0, 1, 0, 0, 0, 1]), 0.35)
    assert (worked.accounts, worked.churned) == (3, 2.0)
    assert worked.precision == pytest.approx(2 / 3)
    assert worked.reach == pytest.approx(2 / 3)
    assert worked.lift == pytest.approx((2 / 3) / 0.3)


def test_equals_at_the_edge_are_taken_by_lot() -> None:
    risk = np.array([0.9, 0.5, 0.5, 0.5, 0.5, 0.1])
    worked = value.at_capacity(risk, of([1, 1, 0, 0, 0, 0]), 0.5)
    assert worked.accounts == 3
    assert worked.churned == pytest.approx(1 + 2 * 1 / 4)


@given(rows=ROWS, capacity=st.floats(0.01, 0.99), seed=st.integers(0, 9))
def test_the_order_of_rows_does_not_matter(
    rows: list[tuple[int, bool]], capacity: float, seed: int
) -> None:
    risk, labels = np.array([r for r, _ in rows], float), of([int(b) for _, b in rows])
    mixed = np.random.default_rng(seed).permutation(len(rows))
    here = asdict(value.at_capacity(risk, labels, capacity))
    there = asdict(value.at_capacity(risk[mixed], labels[mixed], capacity))
    assert here == pytest.approx(there, nan_ok=True)


@given(rows=ROWS)
def test_the_gains_rise_from_nothing_to_everybody(rows: list[tuple[int, bool]]) -> None:
    risk, labels = np.array([r for r, _ in rows], float), of([int(b) for _, b in rows])
    reach = [point.reach for point in value.gains(risk, labels)]
    if not labels.any():
        assert set(reach) == {None}
        return
    assert reach[0] == 0
    assert reach[-1] == pytest.approx(1)
    reached = [share for share in reach if share is not None]
    assert sorted(reached) == reach


def test_where_nobody_is_worked_or_nobody_churned_there_is_no_precision_or_lift() -> None:
    nobody = value.at_capacity(np.array([0.1, 0.2]), of([0, 1]), 0.1)
    assert (nobody.accounts, nobody.precision, nobody.lift, nobody.reach) == (0, None, None, 0.0)
    stayed = value.at_capacity(np.array([0.1, 0.2]), of([0, 0]), 0.5)
    assert (stayed.precision, stayed.lift, stayed.reach) == (0.0, None, None)


def test_red_accounts_are_worked_however_many_they_are() -> None:
    worked = value.of_red(np.array([True, True, False, False]), of([1, 0, 1, 0]))
    assert (worked.share, worked.accounts, worked.precision, worked.lift) == (0.5, 2, 0.5, 1.0)


def test_revenue_caught_counts_churned_accounts_with_a_known_mrr() -> None:
    flagged = np.array([True, True, False, True, False])
    churned = np.array([True, False, True, True, True])
    mrr = np.array([100.0, 1000.0, 300.0, np.nan, 0.0])
    caught = value.revenue_caught(flagged, churned, mrr)
    assert (caught.accounts, caught.known) == (4, 3)
    assert (caught.churned, caught.caught, caught.share) == (400.0, 100.0, 0.25)


def test_without_any_known_mrr_there_is_no_share() -> None:
    caught = value.revenue_caught(np.array([True]), np.array([True]), np.array([np.nan]))
    assert (caught.known, caught.share) == (0, None)
