"""Few churners make a shrunken scorecard with everything a model has, or a clear refusal."""

import dataclasses
from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from scipy.special import expit

import training
from features.errors import GateRefused
from features.snapshots import Snapshots
from measures import known
from serving.assessment.assess import assess
from serving.assessment.reasons import reasons
from test_search import additive
from trained_company import TARGET, House, built, learning_dates
from training.artifact import Artifact
from training.learning import cold_start
from training.learning.cold_start import LEAST_FOR_TREES, LEAST_IN_A_MOMENT
from training.learning.folds import ONE_MOMENT, folds_of
from training.learning.model import TrainingRows
from training.procedure import labelled
from training.summary import comparisons, of_table
from training.train import fit_and_evaluate


@pytest.fixture(scope="module")
def days(trained: House) -> list[date]:
    return learning_dates(trained.company)


@pytest.fixture(scope="module")
def rows(trained: House, days: list[date]) -> Snapshots:
    return built(trained.company, *days)


def with_churners(rows: Snapshots, house: House, count: int) -> Snapshots:
    """The rows of all stayers, and of `count` of the accounts that churned."""
    table = labelled(rows, house.company, TARGET)
    left = table.filter(pc.equal(table[f"label__{TARGET}"], 1))["account_id"].unique()
    chosen = np.linspace(0, len(left) - 1, count).astype(int)
    out = set(left.to_pylist()) - {left[int(place)].as_py() for place in chosen}
    kept = pc.invert(pc.is_in(rows.table["account_id"], pa.array(sorted(out), pa.string())))
    return dataclasses.replace(rows, table=rows.table.filter(kept))


def made(rows: Snapshots, house: House, days: list[date], churners: int) -> Artifact:
    few = with_churners(rows, house, churners)
    return fit_and_evaluate(few, house.company, TARGET, days, choice=2)


@pytest.mark.parametrize("churners", [40, 60])
def test_few_churners_make_a_scorecard_with_the_same_drivers(
    churners: int, trained: House, rows: Snapshots, days: list[date]
) -> None:
    artifact = made(rows, trained, days, churners)
    assert artifact.models == ()
    (told, *_) = comparisons(artifact)
    assert f"; trees need at least {LEAST_FOR_TREES}" in told
    assert artifact.training.trials == ()
    assert set(artifact.meanings) == set(trained.champion.meanings)
    assert known(artifact.evaluation.quality.auc)[0] < known(artifact.evaluation.quality.auc)[2]
    scored = [
        item
        for item in assess(built(trained.company).table, artifact, trained.company)
        if item.band != "unscored"
    ]
    assert {driver.indicator for item in scored for driver in item.drivers} == set(
        trained.champion.meanings
    )
    assert any(reasons(item) for item in scored)


def test_fewer_still_are_refused_with_what_is_needed(
    trained: House, rows: Snapshots, days: list[date]
) -> None:
    with pytest.raises(GateRefused, match=r"25 accounts churned .* and 30 are needed"):
        made(rows, trained, days, 25)


def customers(leavers: int, rows: int = 400) -> pd.DataFrame:
    draw = np.random.default_rng(3)
    frame = pd.DataFrame(draw.normal(size=(rows, 3)), columns=list("abc"))
    risk = expit(2 * frame["a"] - frame["b"]) * draw.random(rows)
    frame["left"] = risk.rank(ascending=False) <= leavers
    return frame


@pytest.mark.parametrize("leavers", [30, 39])
def test_a_table_of_few_events_makes_one_too(leavers: int) -> None:
    artifact = training.fit(customers(leavers), "left", trials=2)
    assert artifact.models == ()
    assert f"a scorecard without trees: {leavers} accounts have the rarer outcome" in of_table(
        artifact
    )
    told = artifact.probability(customers(leavers))
    assert told.mean() == pytest.approx(leavers / 400, abs=0.03)
    assert known(artifact.evaluation.gain_over_base_rate)[0] > 0


def test_within_one_moment_trees_are_kept_by_what_folds_say() -> None:
    draw = np.random.default_rng(0)
    frame = pd.DataFrame(draw.normal(size=(250, 4)), columns=list("abcd"))
    both = (frame["a"] > 0.3) & (frame["b"] > -0.3)
    frame["left"] = draw.random(250) < np.where(both, 0.9, 0.05)
    artifact = training.fit(frame, "left", trials=3)
    assert LEAST_IN_A_MOMENT <= frame["left"].sum() < LEAST_FOR_TREES
    assert artifact.models
    assert artifact.training.trees_left_out == ""


def test_a_table_of_few_blocks_of_time_is_no_single_moment() -> None:
    frame = customers(60)
    frame["month"] = np.arange(len(frame)) % 2
    artifact = training.fit(frame, "left", time="month", trials=2)
    assert f"trees need at least {LEAST_FOR_TREES}" in artifact.training.trees_left_out


def test_a_table_of_fewer_still_is_refused() -> None:
    with pytest.raises(GateRefused, match=r"25 rows with the event .* 30 of each are needed"):
        training.fit(customers(25), "left", trials=2)


def rarer_of(rows: TrainingRows, count: int) -> TrainingRows:
    """So many accounts that have the event, among the stayers."""
    event = np.flatnonzero(rows.y == 1)
    mask = rows.y == 0
    mask[event[:count]] = True
    return rows.where(mask)


@pytest.mark.parametrize(
    ("least", "chosen_on"),
    [(LEAST_FOR_TREES, "later as-of dates"), (LEAST_IN_A_MOMENT, ONE_MOMENT)],
)
@pytest.mark.parametrize(("short", "tried"), [(0, 1), (1, 0)])
def test_trees_are_tried_from_a_number_of_churners_on(
    least: int, chosen_on: str, short: int, tried: int
) -> None:
    rows = rarer_of(additive(1000), least - short)
    assert cold_start.rarer(rows) == least - short
    folds, _ = folds_of(rows, None)
    found = cold_start.choose_settings(rows, folds, chosen_on, trials=1)
    assert len(found.trials) == tried
    assert ("trees need at least" in found.trees_left_out) == (not tried)


def test_an_account_counts_once_however_often_it_is_seen() -> None:
    rows = additive(600, dates=3)
    assert cold_start.rarer(rows) <= 200
    turned = dataclasses.replace(rows, y=1 - rows.y)
    assert cold_start.rarer(turned) == cold_start.rarer(rows)
