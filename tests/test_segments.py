"""The table of segments: figures with intervals, few events drawn to all, the weak ones named."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from measures import known
from training.metrics import quality, segments
from training.metrics.measured import Measured
from training.metrics.quality import Quality
from training.metrics.segments import FEW_EVENTS, LEAST_ACCOUNTS, SegmentResult

BASE = 0.3


def world(sizes: dict[str, int], *, turned: str = "", seed: int = 0) -> dict[str, Any]:
    """Calibrated logits and what came, of segments of such sizes; `turned` ones the wrong way."""
    draw = np.random.default_rng(seed)
    names = [name for name, size in sizes.items() for _ in range(size)]
    risk = draw.normal(-1, 1.2, len(names))
    labels = (draw.random(len(names)) < expit(risk)).astype(np.int8)
    wrong = np.array([name == turned for name in names])
    return {
        "logits": np.where(wrong, -risk - 2, risk),
        "labels": labels,
        "accounts": [f"A{number}" for number in range(len(names))],
        "segments": names,
    }


def tables(found: dict[str, Any]) -> tuple[Quality, dict[str, SegmentResult]]:
    overall = quality.evaluate(found["logits"], found["labels"], found["accounts"], BASE)
    told = segments.table(**found, overall=overall)
    return overall, {item.segment: item for item in told}


def test_each_figure_of_a_segment_has_an_interval_and_is_that_of_its_rows() -> None:
    found = world({"large": 300, "small": 400})
    _, told = tables(found)
    rows = np.array(found["segments"]) == "small"
    item = told["small"]
    calibrated = item.calibration
    measures = (calibrated.in_the_large, calibrated.slope, calibrated.ece)
    for low, value, high in map(known, (item.auc, *measures, item.gain_over_base_rate)):
        assert low < value < high
    assert item.auc.value == quality.auc(found["logits"][rows], found["labels"][rows])
    assert (item.accounts, item.events) == (400, int(found["labels"][rows].sum()))


def test_the_only_segment_is_everyone() -> None:
    overall, told = tables(world({"all": 200}))
    assert told["all"].auc == overall.auc
    assert told["all"].calibration == overall.calibration
    assert told["all"].shrunken.auc == pytest.approx(overall.auc.value)


def test_a_segment_on_which_scores_are_worse_than_nothing_is_marked() -> None:
    _, told = tables(world({"large": 300, "small": 400, "turned": 300}, turned="turned"))
    assert {name for name, item in told.items() if item.worse_than_base_rate} == {"turned"}
    assert known(told["turned"].gain_over_base_rate)[2] < 0


@pytest.mark.parametrize(
    ("gain", "accounts", "worse"),
    [
        ((-0.1, -0.3, 0.1), LEAST_ACCOUNTS, True),
        ((-0.1, -0.3, 0.1), LEAST_ACCOUNTS - 1, False),
        ((-0.2, -0.3, -0.1), 8, True),
        ((0.1, -0.1, 0.3), 500, False),
        ((None, None, None), 1, False),
    ],
)
def test_a_handful_of_accounts_is_called_worse_only_where_that_is_sure(
    gain: tuple[float | None, float | None, float | None], accounts: int, worse: bool
) -> None:
    assert segments.worse(Measured(*gain), accounts) is worse


@settings(max_examples=6)
@given(size=st.integers(2, 120), seed=st.integers(0, 50))
def test_few_events_are_drawn_to_the_figures_of_all(size: int, seed: int) -> None:
    overall, told = tables(world({"many": 300, "few": size}, seed=seed))
    few = told["few"]
    rarer = min(few.events, few.accounts - few.events)
    weight = few.shrunken.weight
    assert weight == rarer / (rarer + FEW_EVENTS)
    own, all_ = few.auc.value, overall.auc.value
    assert all_ is not None
    wanted = all_ if own is None else weight * own + (1 - weight) * all_
    assert few.shrunken.auc == pytest.approx(wanted)
    for name in ("in_the_large", "slope", "ece"):
        both = [getattr(item.calibration, name).value for item in (few, overall)]
        ends = [value for value in both if value is not None]
        assert min(ends) - 1e-12 <= getattr(few.shrunken, name) <= max(ends) + 1e-12
