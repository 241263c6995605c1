"""Gains are pooled over rolling origins, none of which learns from what was not settled at it."""

import dataclasses
import itertools
from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

import training
from features import clock
from features.declaring.target import Target
from features.errors import GateRefused
from features.progress import silent
from features.snapshots import Snapshots
from measures import known
from trained_company import CHOICE, TARGET, House, built, learning_dates
from training.calibrating.calibration import log_losses
from training.calibrating.score_interval import UNMEASURED
from training.evaluating import gate, sentences
from training.evaluating.evaluation_dates import earlier_origins
from training.evaluating.origins import SCORECARD, Origin, Pooled, Rival, pooled
from training.evaluating.target_history import TargetHistory
from training.learning import split
from training.metrics.quality import evaluate
from training.procedure import labelled

Floats = npt.NDArray[np.float64]


# Which dates judge


@given(
    dates=st.sets(st.dates(date(2024, 1, 1), date(2025, 12, 31)), max_size=24),
    ahead=st.integers(0, 120),
    horizon=st.integers(1, 120),
)
def test_origins_are_a_horizon_apart_and_never_later_than_the_latest(
    dates: set[date], ahead: int, horizon: int
) -> None:
    declared = Target.model_validate(
        {"event": {"source": "s", "ended": "e"}, "horizon": f"{horizon}d"}
    )
    latest = max(dates, default=date(2025, 12, 31)) + timedelta(days=ahead)
    found = split.origins(sorted(dates), latest, declared)
    assert found[0] == latest
    assert set(found[1:]) <= dates
    assert len(found) <= split.MOST_TEST_DATES
    steps = [(later - day).days for later, day in itertools.pairwise(found)]
    assert all(step >= horizon for step in steps)
    if len(found) < split.MOST_TEST_DATES:
        assert not [day for day in dates if (found[-1] - day).days >= horizon]


# What an origin may know


@pytest.fixture(scope="module")
def rows(trained: House) -> Snapshots:
    return built(trained.company, *learning_dates(trained.company))


def history(rows: Snapshots, house: House, table: pa.Table | None = None) -> TargetHistory:
    own = labelled(rows, house.company, TARGET) if table is None else table
    days = learning_dates(house.company)
    return TargetHistory(rows, house.company, TARGET, own, days, []).choose_earlier(1, silent)


def turned(table: pa.Table, days: Sequence[date]) -> pa.Table:
    """The table with the labels of these dates turned around."""
    name = f"label__{TARGET}"
    labels = table[name].to_numpy().astype(np.int8)
    mask = np.isin(table["as_of"].to_numpy().astype("datetime64[D]"), np.array(days, "M8[D]"))
    place = table.column_names.index(name)
    return table.set_column(place, name, pa.array(np.where(mask, 1 - labels, labels), pa.int8()))


def test_no_origin_learns_from_labels_that_were_not_settled_at_it(
    trained: House, rows: Snapshots
) -> None:
    honest = history(rows, trained)
    declared = trained.company.targets[TARGET]
    told = {item.as_of: item for item in earlier_origins(honest)}
    assert len(told) == 2
    for day in honest.choices:
        known = split.settled_before(honest.learn, day, declared)
        assert all(clock.settled(item, declared) <= day for item in known)
        assert list(told[str(day)].trained_on) == [str(item) for item in known]
        unsettled = [item for item in honest.learn if item not in known]
        other = history(rows, trained, turned(honest.table, unsettled))
        assert other.choices[day] == honest.choices[day]
        alone = dataclasses.replace(other, choices={day: other.choices[day]})
        (found,) = earlier_origins(alone)
        assert np.array_equal(found.logits, told[str(day)].logits)
        assert np.array_equal(found.labels, 1 - told[str(day)].labels)
        for own, same in zip(found.rivals, told[str(day)].rivals, strict=True):
            assert own.name == same.name
            assert np.array_equal(own.logits, same.logits)


def test_the_artifact_is_the_same_whatever_judges_it(trained: House, rows: Snapshots) -> None:
    alone = dataclasses.replace(history(rows, trained), choice=CHOICE)
    made = dataclasses.replace(trained.trained.artifact, interval=UNMEASURED)
    assert alone.made_of(alone.fit()).digest == made.digest


def test_the_report_tells_each_origin_and_the_headline_is_of_the_latest(trained: House) -> None:
    judged = trained.trained.artifact.evaluation
    first, *earlier = judged.test_dates
    days = [item.as_of for item in judged.test_dates]
    assert days == sorted(days, reverse=True)
    assert len(earlier) == 2
    assert (first.as_of, first.trained_on) == (judged.as_of, judged.trained_on)
    for name in ("rows", "accounts", "events", "auc", "log_loss"):
        assert getattr(first, name) == getattr(judged.quality, name)
    every = [known(item.gain_over_base_rate)[1] for item in judged.test_dates]
    pooled_over_all = np.average(every, weights=[item.rows for item in judged.test_dates])
    assert judged.gain_over_base_rate.value == pytest.approx(pooled_over_all)
    assert sentences.test_dates(judged) == f"3 test dates from {days[-1]} to {days[0]}"


# Pooling


def over(origins: Sequence[Origin]) -> Pooled:
    """The gains over all origins."""
    first = origins[0]
    return pooled(origins, evaluate(first.logits, first.labels, first.accounts, first.base))


def origin(seed: int, rivals: int = 1, rows: int = 60, as_of: str = "2025-01-01") -> Origin:
    draw = np.random.default_rng(seed)
    logits = draw.normal(size=(rivals + 1, rows))
    labels = (draw.random(rows) < expit(logits[0])).astype(np.int8)
    names = [f"a{number}" for number in range(rows)]
    beside = [
        Rival(name, own) for name, own in zip(["x alone", SCORECARD], logits[1:], strict=False)
    ]
    return Origin(as_of, ["2024-01-01"], labels, names, logits[0], 0.4, beside)


@settings(max_examples=12)
@given(sizes=st.lists(st.integers(2, 40), min_size=1, max_size=3))
def test_a_pooled_gain_is_the_mean_over_all_rows(sizes: list[int]) -> None:
    origins = [origin(number, rows=size) for number, size in enumerate(sizes)]
    beaten = [
        log_losses(item.rivals[0].logits, item.labels) - log_losses(item.logits, item.labels)
        for item in origins
    ]
    (found,) = over(origins).baselines
    assert found.gain.value == pytest.approx(np.concatenate(beaten).mean())


def test_an_account_in_several_origins_is_one_unit() -> None:
    one = origin(3)
    alone, thrice = (known(over([one] * times).gain_over_base_rate) for times in (1, 3))
    assert thrice == pytest.approx(alone)


def test_an_origin_whose_model_was_the_scorecard_gained_nothing_over_it() -> None:
    latest, earlier = origin(1, rivals=2), origin(2, rivals=1)
    alone, both = (over(items).baselines[1] for items in ([latest], [latest, earlier]))
    assert both.baseline == SCORECARD
    assert both.gain.value == pytest.approx(known(alone.gain)[1] / 2)


def test_what_is_left_without_trees_is_the_scorecard_that_stood_beside_them() -> None:
    trees, card = origin(1, rivals=2), origin(2, rivals=1)
    plain = trees.without_trees()
    assert np.array_equal(plain.logits, trees.rivals[1].logits)
    assert [item.name for item in plain.rivals] == ["x alone"]
    assert card.without_trees() is card


# Planted worlds


def world(second: float, seed: int = 0, rows: int = 1200) -> pd.DataFrame:
    """Eight blocks of customers who leave by one column, by a second as told, and not by others."""
    draw = np.random.default_rng(seed)
    frame = pd.DataFrame(draw.normal(size=(rows, 4)), columns=list("abcd"))
    frame["month"] = np.arange(rows) * 8 // rows
    frame["left"] = draw.random(rows) < expit(1.2 * frame["a"] + second * frame["b"])
    return frame


def test_what_is_only_noise_better_than_one_column_is_refused() -> None:
    artifact = training.fit(world(0.0), "left", time="month", trials=1)
    with pytest.raises(
        GateRefused, match="5 blocks of time from 3 to 7 it is not significantly better than a al"
    ):
        gate.require_skill(artifact)
    # What is refused is the difference to that column, not the model's skill.
    assert gate.beats(artifact.evaluation.gain_over_base_rate)


def test_a_small_gain_that_one_date_cannot_show_is_shown_by_several() -> None:
    artifact = training.fit(world(0.7), "left", time="month", trials=1)
    latest = artifact.evaluation.test_dates[0]
    assert not all(gate.beats(item.gain) for item in latest.baselines)
    assert all(gate.beats(item.gain) for item in artifact.evaluation.baselines)
    gate.require_skill(artifact)


def test_a_category_of_many_values_is_no_best_column_by_what_it_learnt_by_heart() -> None:
    frame = world(0.0, rows=3000)
    frame["city"] = np.random.default_rng(1).integers(0, 200, len(frame)).astype(str)
    artifact = training.fit(frame, "left", time="month", trials=1)
    assert {item.baseline for item in artifact.evaluation.baselines} >= {"a alone"}
    with pytest.raises(GateRefused, match="it is not significantly better than a alone"):
        gate.require_skill(artifact)


def test_a_column_that_was_best_at_some_origins_only_is_told_with_the_others() -> None:
    first, other = origin(1), origin(2)
    assert over([first, other]).baselines[0].baseline == first.rivals[0].name
    renamed = dataclasses.replace(other, rivals=[Rival("y alone", other.rivals[0].logits)])
    told = over([first, renamed]).baselines[0].baseline
    assert told == f"{first.rivals[0].name} (earlier: y alone)"
