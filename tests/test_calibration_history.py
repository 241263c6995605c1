"""The calibration of a history follows its latest date, and is pulled as far as the others say."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from features.errors import GateRefused
from measures import known
from training.calibrating import calibration
from training.learning import offsets
from training.metrics import calibration_table, quality, resampling
from training.metrics.calibration_table import by_as_of
from training.metrics.measured import UNKNOWN

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int8]
Days = npt.NDArray[np.datetime64]

STEP, AHEAD = 30, 90


def history(levels: list[float], rows: int = 2000, seed: int = 0) -> tuple[Floats, Labels, Days]:
    """Margins, labels and monthly dates, on each of which the truth is the margin and a level."""
    draw = np.random.default_rng(seed)
    level = np.repeat(levels, rows)
    margins = draw.normal(-0.5, 1, len(level))
    labels = (draw.random(len(level)) < expit(margins + level)).astype(np.int8)
    days = np.datetime64("2024-01-01", "D") + np.repeat(np.arange(len(levels)) * STEP, rows)
    return margins, labels, days


def pulled(levels: list[float], rows: int = 2000) -> tuple[float, float]:
    """The offset of the line of such a history, and that of its latest date alone."""
    found = offsets.fit_dates(*history(levels, rows), AHEAD)
    return found.line.offset, found.line.offset - found.pull.shift


@given(
    levels=st.lists(st.floats(-1, 1), min_size=1, max_size=8),
    rows=st.integers(40, 200),
    seed=st.integers(0, 9),
)
def test_the_weights_of_the_dates_sum_to_one(levels: list[float], rows: int, seed: int) -> None:
    margins, labels, days = history(levels, rows, seed)
    found = offsets.fit_dates(margins, labels, days, AHEAD)
    assert sum(item.weight for item in found.offsets) == pytest.approx(1, abs=1e-9)
    told = sum(item.weight * item.offset for item in found.offsets)
    assert found.offsets[-1].offset + found.pull.shift == pytest.approx(told, abs=1e-6)


def test_one_date_is_calibrated_by_itself() -> None:
    margins, labels, days = history([0.4])
    assert offsets.fit_dates(margins, labels, days, AHEAD).line == calibration.fit(margins, labels)


def test_a_steady_drift_is_followed() -> None:
    levels = [0.1 * month for month in range(12)]
    offset, latest = pulled(levels)
    assert abs(offset - latest) < 0.12
    assert latest == pytest.approx(levels[-1], abs=0.15)


def test_a_leap_that_was_taken_back_before_is_halved_and_a_lasting_one_is_not() -> None:
    restless, restless_latest = pulled([0, 0.5, -0.4, 0.4, -0.5, 0.5, -0.4, 0.5])
    lasting, lasting_latest = pulled([0, 0, 0, 0, 0.5, 0.5, 0.5, 0.5])
    assert restless < 0.6 * restless_latest
    assert lasting > 0.8 * lasting_latest


def test_few_events_are_pulled_harder_than_many() -> None:
    margins, labels, days = history([0, 0, 0, 0, 0, 1.0], 3000)
    few = (days < days.max()) | (np.cumsum(days == days.max()) <= 40)
    all_of_them = offsets.fit_dates(margins, labels, days, AHEAD)
    some = offsets.fit_dates(margins[few], labels[few], days[few], AHEAD)
    assert some.offsets[-1].weight < all_of_them.offsets[-1].weight
    assert some.pull.slope == pytest.approx(all_of_them.pull.slope)


def test_dates_of_one_outcome_count_for_nothing() -> None:
    margins, labels, days = history([0, 0.2, 0.1])
    silent = labels.copy()
    silent[days == days.min()] = 0
    found = offsets.fit_dates(margins, silent, days, AHEAD)
    assert [item.as_of for item in found.offsets] == ["2024-01-31", "2024-03-01"]


def test_a_latest_date_that_runs_backwards_is_refused() -> None:
    margins, labels, days = history([0, 0])
    turned = np.where(days == days.max(), -4 * margins, margins)
    with pytest.raises(GateRefused, match="slope must be above 0, got -"):
        offsets.fit_dates(turned, labels, days, AHEAD)


def test_the_pull_of_a_history_makes_its_line_again() -> None:
    margins, labels, days = history([0, 0.3, -0.3, 0.5])
    found = offsets.fit_dates(margins, labels, days, AHEAD)
    latest = days == days.max()
    ones = np.ones(int(latest.sum()))
    assert found.pull.line(margins[latest], labels[latest], ones) == found.line


# The table of all dates


def test_every_date_is_told_with_what_a_plain_count_finds() -> None:
    margins, labels, days = history([0.0, 1.0], 400)
    accounts = [str(number % 300) for number in range(800)]
    table = by_as_of(margins, labels, days, accounts)
    assert [item.as_of for item in table] == ["2024-01-01", "2024-01-31"]
    for item in table:
        rows = days == np.datetime64(item.as_of)
        chance = expit(margins[rows])
        found = item.table
        assert found.rates.events == labels[rows].sum()
        assert found.calibration.in_the_large.value == pytest.approx((labels[rows] - chance).mean())
        assert found.calibration.ece.value == calibration_table.ece(chance, labels[rows])
        assert found.calibration.slope.value == calibration_table.slope(margins[rows], labels[rows])
        for measure in (found.calibration.in_the_large, found.calibration.slope):
            low, value, high = known(measure)
            assert low < value < high
        for bin_ in found.reliability:
            assert bin_.low <= bin_.observed_rate <= bin_.high
    first, second = (known(item.table.calibration.in_the_large) for item in table)
    assert first[0] < 0 < first[2]
    assert second[0] > 0.1


def test_intervals_at_once_are_those_of_one_resample_after_the_other() -> None:
    margins, labels, days = history([0.3], 600)
    accounts = [str(number // 2) for number in range(600)]
    (table,) = by_as_of(margins, labels, days, accounts)
    one = quality.interval(
        lambda rows: calibration_table.slope(margins[rows], labels[rows]), accounts
    )
    assert known(table.table.calibration.slope)[::2] == pytest.approx(known(one)[::2], abs=0.04)


def test_repeated_rows_of_an_account_say_nothing_new() -> None:
    margins, labels, _ = history([0.3], 300)
    names = [str(number) for number in range(300)]
    once = calibration_table.of(margins, labels, names)
    often = calibration_table.of(np.tile(margins, 7), np.tile(labels, 7), names * 7)
    for name in ("in_the_large", "ece"):
        few, many = (known(getattr(found.calibration, name)) for found in (once, often))
        assert many == pytest.approx(few, abs=1e-9)
    # Seven times the rows outweigh the prior of the slope, and nothing else.
    assert often.calibration.slope.low == pytest.approx(once.calibration.slope.low, abs=0.1)
    for one, seven in zip(once.reliability, often.reliability, strict=False):
        assert seven.high - seven.low > 0.6 * (one.high - one.low)


@given(rows=st.integers(2, 90), own=st.integers(1, 6), at_once=st.integers(1, 500))
def test_resamples_by_blocks_are_the_draws_of_whole_accounts(
    rows: int, own: int, at_once: int
) -> None:
    accounts = [str(number // own) for number in range(rows)]
    blocks = list(resampling.times(accounts, at_once))
    assert all(len(block) * rows <= max(at_once, rows) for block in blocks)
    different = len(set(accounts))
    counts = [np.bincount(draw, minlength=different) for draw in resampling.draws(different)]
    places = np.unique(accounts, return_inverse=True)[1]
    assert sum(map(len, blocks)) == len(counts)
    if blocks:
        assert (np.concatenate(blocks) == np.array(counts)[:, places]).all()


def test_where_nothing_happened_an_observed_rate_is_as_unsure_as_it_is() -> None:
    margins, _, _ = history([0.0], 100)
    found = calibration_table.of(
        margins, np.zeros(100, np.int8), [str(number) for number in range(100)]
    )
    assert len(found.reliability) == 5, "no group of less than 20 rows"
    for item in found.reliability:
        assert (item.observed_rate, item.low) == (0, 0)
        assert item.high == pytest.approx(1 - 0.025 ** (1 / 20))


def test_a_date_of_one_outcome_has_no_slope() -> None:
    margins, _, days = history([0.0], 100)
    (table,) = by_as_of(margins, np.zeros(100, np.int8), days, ["a"] * 100)
    assert table.table.calibration.slope == UNKNOWN
