"""The gate: only significant gains over simpler models pass, and a valid champion stays."""

import contextlib
import dataclasses
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

import training
from features.errors import GateRefused
from features.progress import silent
from features.snapshots import Snapshots
from test_search import FEATURES, additive
from trained_company import CHOICE, TARGET, House, built, learning_dates
from training.artifact import Artifact
from training.evaluating import baselines, gate, sentences
from training.evaluating.evaluation_dates import simplest
from training.evaluating.gate import Standing
from training.evaluating.origins import SCORECARD
from training.evaluating.target_history import TargetHistory
from training.learning import model, search, split
from training.learning.fitted import FittedModel
from training.learning.model import TrainingRows
from training.metrics.measured import UNKNOWN, Measured
from training.procedure import labelled
from training.records.evaluation import BaselineGain, ChampionComparison, TestRows
from training.summary import of_company
from training.train import Trained, fit_and_evaluate

TODAY = date(2026, 6, 1)
VALID, EXPIRED = date(2026, 6, 1), date(2026, 5, 31)
COLUMN, LOGISTIC = "tenure alone", SCORECARD


SURE, NOISE = Measured(0.02, 0.01, 0.03), Measured(0.001, -0.01, 0.012)
WORSE = Measured(-0.02, -0.03, -0.01)


def judged(artifact: Artifact, **changes: Any) -> Artifact:
    return artifact.with_evaluation(dataclasses.replace(artifact.evaluation, **changes))


def beside(name: str, found: Measured) -> tuple[BaselineGain]:
    return (BaselineGain(name, found),)


# What is simpler


def test_no_better_than_the_base_rate_is_refused_with_the_figures(trained: House) -> None:
    poor = judged(trained.champion, gain_over_base_rate=NOISE)
    refusal = (
        r"not significantly better than the base rate: gain in log loss 0\.0010 "
        r"\(95% CI -0\.0100 to 0\.0120\)"
    )
    with pytest.raises(GateRefused, match=refusal) as caught:
        gate.require_skill(poor)
    assert caught.value.exit_code == 4


def test_skill_that_is_not_known_is_no_skill(trained: House) -> None:
    with pytest.raises(GateRefused, match="gain in log loss unknown"):
        gate.require_skill(judged(trained.champion, gain_over_base_rate=UNKNOWN))


@pytest.mark.parametrize(
    ("name", "found", "passes"),
    [
        (COLUMN, SURE, True),
        (COLUMN, NOISE, False),
        (COLUMN, WORSE, False),
        (LOGISTIC, SURE, True),
        (LOGISTIC, NOISE, False),
        (LOGISTIC, WORSE, False),
    ],
)
def test_what_something_simpler_does_as_well_is_not_promoted(
    name: str, found: Measured, passes: bool, trained: House
) -> None:
    artifact = judged(trained.champion, baselines=beside(name, found))
    result = "significantly worse" if found == WORSE else "not significantly better"
    refusal = pytest.raises(GateRefused, match=f"it is {result} than {name}: gain in log loss")
    with contextlib.nullcontext() if passes else refusal:
        gate.require_skill(artifact)


def test_what_may_be_noise_is_no_better(trained: House) -> None:
    artifact = judged(trained.trained.artifact, baselines=beside(COLUMN, NOISE))
    told = of_company(dataclasses.replace(trained.trained, artifact=artifact))
    assert "\n  not significantly better than tenure alone: gain in log loss 0.0010" in told
    assert "will not be promoted: not significantly better than tenure alone" in told


def test_the_summary_says_what_the_gate_will_refuse(trained: House) -> None:
    poor = judged(trained.trained.artifact, baselines=beside(COLUMN, WORSE))
    told = of_company(dataclasses.replace(trained.trained, artifact=poor))
    assert "will not be promoted: significantly worse than tenure alone" in told
    assert "will not be promoted" not in of_company(trained.trained)


def test_trees_that_stay_because_the_scorecard_is_refused_say_why(trained: House) -> None:
    artifact = judged(
        trained.champion, baselines=beside(LOGISTIC, NOISE), scorecard_refused="no green band: few"
    )
    [shortfall] = gate.shortfalls(artifact.evaluation)
    assert shortfall.endswith(", which alone is refused (no green band: few)")


def test_a_weak_segment_is_named_with_how_sure_that_is(trained: House) -> None:
    entry, other = trained.champion.evaluation.segments
    weak = [
        dataclasses.replace(one, worse_than_base_rate=True, gain_over_base_rate=gain)
        for one, gain in ((entry, WORSE), (other, Measured(-0.001, -0.02, 0.02)))
    ]
    artifact = judged(trained.champion, segments=weak, gain_over_base_rate=NOISE)
    significant = f"significantly worse than the base rate on segment {entry.segment}"
    noise = f"; worse than the base rate on segment {other.segment}"
    with pytest.raises(GateRefused, match=f"{significant}.*{noise}.*: not significant;"):
        gate.require_skill(artifact)
    told = of_company(Trained(artifact, "m", "1", "r")).splitlines()
    assert any(significant in line and "not significant" not in line for line in told)
    assert any(noise[2:] in line and line.endswith(": not significant") for line in told)


# The champion


def after(artifact: Artifact, found: Measured, digest: str = "old") -> Artifact:
    return judged(artifact, champion=ChampionComparison("1", digest, "", found))


@pytest.mark.parametrize(
    ("found", "expiry", "told"),
    [
        (SURE, VALID, None),
        (
            NOISE,
            VALID,
            r"not significantly better than the champion, version 1 \(valid until 2026-06-01\), on",
        ),
        (NOISE, EXPIRED, None),
        (WORSE, VALID, "significantly worse than the champion, version 1"),
        (WORSE, EXPIRED, "significantly worse than the champion, version 1, on"),
    ],
)
def test_a_champion_stays_while_nothing_better_comes(
    found: Measured, expiry: date, told: str | None, trained: House
) -> None:
    artifact = after(trained.champion, found)
    with pytest.raises(GateRefused, match=told) if told else contextlib.nullcontext():
        gate.require_better(artifact, Standing("1", "old", expiry), TODAY)


def test_a_champion_gives_no_way_to_what_was_not_compared_with_it(trained: House) -> None:
    standing = Standing("1", "old", VALID)
    for artifact in (
        trained.champion,
        after(trained.champion, WORSE, digest="another"),
        judged(trained.champion, champion=ChampionComparison("1", "old", "w", UNKNOWN)),
    ):
        assert gate.compared_with(artifact, standing) is None
        with pytest.raises(GateRefused, match=r"not compared it .* --review FILE, or"):
            gate.require_better(artifact, standing, TODAY)


@pytest.mark.parametrize(
    ("digest", "said"),
    [("old", r"version 1 \(another company\); compare"), ("other", "version 1; compare")],
)
def test_a_refusal_says_why_there_was_no_comparison(digest: str, said: str, trained: House) -> None:
    artifact = judged(
        trained.champion, champion=ChampionComparison("1", digest, "another company", UNKNOWN)
    )
    with pytest.raises(GateRefused, match=said):
        gate.require_better(artifact, Standing("1", "old", VALID), TODAY)


@pytest.mark.parametrize(
    ("days", "on"),
    [((), "2025-10-01"), (("a",), "a"), (("a", "b"), "a and b"), (("a", "b", "c"), "a, b and c")],
)
def test_a_refusal_names_the_dates_of_the_comparison(
    days: tuple[str, ...], on: str, trained: House
) -> None:
    compared = ChampionComparison("1", "old", "", NOISE, days)
    artifact = judged(trained.champion, champion=compared)
    with pytest.raises(GateRefused, match=f", on {on}: gain in log loss"):
        gate.require_better(artifact, Standing("1", "old", VALID), TODAY)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("later as-of date", "3 test dates from 2025-08-01 to 2025-10-01"),
        ("later block of time", "3 blocks of time from 2025-08-01 to 2025-10-01"),
    ],
)
def test_a_refusal_names_the_dates_of_the_test(kind: TestRows, said: str, trained: House) -> None:
    first = trained.champion.evaluation.test_dates[0]
    days = ("2025-10-01", "2025-09-01", "2025-08-01")
    dates = tuple(dataclasses.replace(first, as_of=day) for day in days)
    found = judged(trained.champion, kind=kind, test_dates=dates, gain_over_base_rate=NOISE)
    with pytest.raises(GateRefused, match=f": on {said} it is not significantly better"):
        gate.require_skill(found)


@pytest.fixture(scope="module")
def rows(trained: House) -> Snapshots:
    return built(trained.company, *learning_dates(trained.company))


def retrained(house: House, rows: Snapshots, old: Artifact, days: list[date]) -> Artifact:
    """What training makes of the company while `old` is its champion, by a scorecard."""
    plain = CHOICE.without_trees("")
    return fit_and_evaluate(rows, house.company, TARGET, days, choice=plain, champion=old)


def test_a_champion_is_judged_on_a_date_that_it_has_not_learnt_from(
    trained: House, rows: Snapshots
) -> None:
    days = learning_dates(trained.company)
    settled = split.settled_before(days, days[-1], trained.company.targets[TARGET])
    old = retrained(trained, rows, trained.champion, settled)
    new = retrained(trained, rows, old, days)
    found = new.evaluation.champion
    assert found is not None
    # The repeated procedure learns from the same dates as the old model did: they are equals.
    assert (found.digest, found.why) == (old.digest, "")
    assert found.as_of == (str(days[-1]),), "on earlier origins it had learnt from the date"
    assert dataclasses.astuple(found.gain) == pytest.approx((0, 0, 0), abs=1e-12)
    told = of_company(Trained(replaced(new, trained), "m", "2", "r"))
    assert (
        f"not significantly better than the champion, version {old.version}: gain in log loss"
        in told
    )


def replaced(artifact: Artifact, house: House) -> Artifact:
    own = house.champion.evaluation
    return judged(artifact, lead_times=own.lead_times, certificate=own.certificate)


def test_a_champion_that_has_learnt_from_the_date_is_not_judged_on_it(
    trained: House, rows: Snapshots
) -> None:
    days = learning_dates(trained.company)
    new = retrained(trained, rows, trained.champion, days)
    found = new.evaluation.champion
    assert found is not None
    assert found.gain.value is None
    assert "it was trained on that date; run churnlight review" in sentences.champion_line(
        new.evaluation
    )
    again = retrained(trained, rows, new, days)
    assert again.evaluation.champion is not None
    assert "the same model" in again.evaluation.champion.why


def test_a_champion_of_other_definitions_is_not_compared(trained: House, rows: Snapshots) -> None:
    days = learning_dates(trained.company)
    settled = split.settled_before(days, days[-1], trained.company.targets[TARGET])
    old = retrained(trained, rows, trained.champion, settled)
    other = dataclasses.replace(old, definitions=old.definitions | {"indicators.visits": "other"})
    found = retrained(trained, rows, other, days).evaluation.champion
    assert found is not None
    assert "has changed measures" in found.why


# Baselines


def held(rows: TrainingRows) -> tuple[TrainingRows, TrainingRows]:
    fold = next(iter(split.by_account(rows.accounts)))
    return rows.where(fold.train), rows.where(fold.test)


def names(rows: TrainingRows, model_settings: model.ModelSettings) -> list[str]:
    taught, test = held(rows)
    fitted = FittedModel.of(taught, model_settings, np.ones(len(taught.y), dtype=np.bool_))
    found = [item.name for item in baselines.beside(test, fitted)]
    assert [item.name for item in baselines.beside_held(fitted)] == found
    return found


def test_a_model_is_set_beside_what_is_simpler_than_it() -> None:
    trees, card = (
        dataclasses.replace(search.FIRST_TRIED[0], rounds=20),
        CHOICE.without_trees("").model_settings,
    )
    every, one = additive(400), additive(400).only([0])
    assert names(every, trees) == ["a alone", LOGISTIC]
    assert names(every, card) == ["a alone"]
    assert names(one, trees) == [LOGISTIC]
    assert names(one, card) == []


def test_the_best_column_is_a_declared_one_and_no_pace() -> None:
    pace = dataclasses.replace(FEATURES[0], window=7, against=28)
    rows = dataclasses.replace(additive(400), features=[pace, *FEATURES[1:]])
    card = CHOICE.without_trees("").model_settings
    assert names(rows, card) == ["b alone"]


def test_the_best_column_may_be_a_category_or_turn_around() -> None:
    draw = np.random.default_rng(0)
    X = draw.normal(0, 1, (2000, 4))
    X[:, 1] = draw.integers(0, 3, 2000)
    X[draw.random(2000) < 0.2, 3] = np.nan
    kinds = [dataclasses.replace(FEATURES[1], dtype="category", categories=("x", "y", "z"))]
    features = [FEATURES[0], *kinds, *FEATURES[2:]]
    common = dataclasses.replace(additive(2000), X=X, features=features)
    for chance, best in (
        (np.where(X[:, 1] == 1, 0.9, 0.1), "b alone"),
        (np.where(np.abs(X[:, 2]) > 1, 0.9, 0.1), "c alone"),
        (np.where(np.isnan(X[:, 3]), 0.9, 0.1), "d alone"),
    ):
        y = (draw.random(2000) < chance).astype(np.int8)
        card = CHOICE.without_trees("").model_settings
        assert names(dataclasses.replace(common, y=y), card) == [best]


# The fall-back to the scorecard


def test_trees_that_prove_nothing_are_left_out(trained: House, rows: Snapshots) -> None:
    company, days = trained.company, learning_dates(trained.company)
    table = labelled(rows, company, TARGET)
    history = TargetHistory(rows, company, TARGET, table, days, (), choice=CHOICE)
    found = simplest(history, [], silent)
    assert "the gain of trees over the scorecard in log loss is" in found.training.trees_left_out
    assert (found.models, found.training.model_settings.share) == ((), 0.0)
    assert LOGISTIC not in [item.baseline for item in found.evaluation.baselines]
    # The same drivers as with trees.
    assert set(found.meanings) == set(trained.champion.meanings)
    assert found.features == trained.champion.features
    told = of_company(Trained(replaced(found, trained), "m", "2", "r"))
    assert "a scorecard without trees: on 2025-10-01 the gain of trees" in told


def test_trees_that_earn_their_place_are_kept() -> None:
    frame = entangled_table()
    found = training.fit(frame, "left", trials=2)
    assert found.models
    beside = {item.baseline: item.gain for item in found.evaluation.baselines}
    assert gate.beats(beside[LOGISTIC])
    assert found.training.trees_left_out == ""


def entangled_table() -> pd.DataFrame:
    draw = np.random.default_rng(2)
    X = draw.normal(0, 2, (600, 3))
    left = draw.random(600) < expit(3 * np.sign(X[:, 0]) * X[:, 1])
    return pd.DataFrame({"a": X[:, 0], "b": X[:, 1], "c": X[:, 2], "left": left})
