"""What training promises: the same artifact twice, honest folds, exact anchors, clear refusals."""

import dataclasses
import json
import math
import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.special import expit
from scipy.stats import beta

from features import clock, contract
from features.declaring.company import Company
from features.declaring.declaration import load
from features.declaring.target import Target, odds
from features.errors import GateRefused, NotFound
from features.settings import Settings
from features.snapshots import Snapshots
from measures import known, rising
from trained_company import CHOICE, TARGET, House, built, cents, learning_dates
from training.calibrating import bands, calibration, health
from training.calibrating.calibration import Calibration
from training.calibrating.health import Anchors, Scale
from training.learning import model, search, split
from training.learning.matrix import matrix
from training.metrics import calibration_table, quality
from training.metrics.measured import Measured
from training.procedure import as_rows, fit, labelled
from training.records.evaluation import Evaluation
from training.records.records import Records, parse, plain
from training.records.training_record import TrainingRecord
from training.train import choose_targets, fit_and_evaluate, train

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int8]

# The same artifact twice

RETRAIN = """
import sys
from pathlib import Path
from features.declaring.declaration import load
from training.train import fit_and_evaluate
from trained_company import CHOICE, TARGET, built, learning_dates
company = load(Path(sys.argv[1]))
days = learning_dates(company)
artifact = fit_and_evaluate(built(company, *days), company, TARGET, days, choice=CHOICE)
sys.stdout.write(artifact.digest)
"""


def test_another_process_makes_the_same_artifact(trained: House) -> None:
    house = Path(__file__).parent
    paths = os.pathsep.join([str(house), str(house.parent)])
    done = subprocess.run(
        [sys.executable, "-c", RETRAIN, str(trained.company.folder)],
        env=os.environ | {"PYTHONPATH": paths, "PYTHONHASHSEED": "77", "TZ": "Pacific/Auckland"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == trained.trained.artifact.digest


@pytest.fixture(scope="module")
def days(trained: House) -> list[date]:
    return learning_dates(trained.company)


@pytest.fixture(scope="module")
def rows(trained: House, days: list[date]) -> Snapshots:
    return built(trained.company, *days)


def without_shadow(folder: Path) -> Company:
    path = cents(folder).folder / "churnlight.toml"
    text = path.read_text("utf-8")
    start, end = text.index("[indicators.basket]"), text.index("[bands]")
    path.write_text(text[:start] + text[end:], "utf-8")
    return load(folder)


def test_a_shadow_indicator_never_moves_a_score(
    trained: House, rows: Snapshots, days: list[date], tmp_path: Path
) -> None:
    bare = without_shadow(tmp_path / "bare")
    other = fit_and_evaluate(built(bare, *days), bare, TARGET, days, choice=CHOICE)
    own = trained.champion
    assert "basket" in {item.indicator for item in rows.columns}
    assert other.models == own.models
    assert (other.calibration, other.anchors) == (own.calibration, own.anchors)
    X = matrix(rows.table, own.features)
    assert np.array_equal(other.margins(X), own.margins(X))
    assert other.declaration_hash != own.declaration_hash
    assert other.digest != own.digest


def test_training_learns_from_live_indicators_alone(trained: House) -> None:
    stages = {name: item.stage for name, item in trained.company.indicators.items()}
    used = {item.indicator for item in trained.champion.features}
    assert used == {name for name, stage in stages.items() if stage == "live"}


@given(data=st.data())
def test_an_unhealthier_value_never_lowers_the_risk(data: st.DataObject, trained: House) -> None:
    artifact = trained.champion
    signs = model.monotone_signs(trained.company, TARGET, artifact.features)
    chosen = data.draw(st.sampled_from([place for place, sign in enumerate(signs) if sign]))
    values = st.floats(0, 400) | st.just(math.nan)
    row = data.draw(st.lists(values, min_size=len(signs), max_size=len(signs)))
    row[signs.index(0)] = data.draw(st.sampled_from([0.0, 1.0, 2.0, math.nan]))
    low, high = sorted(data.draw(st.tuples(st.floats(-10, 400), st.floats(-10, 400))))
    X = np.array([row, row])
    X[:, chosen] = [low, high]
    first, second = artifact.margins(X)
    assert (second - first) * signs[chosen] >= -1e-12


# Calibration


@settings(max_examples=10)
@given(slope=st.floats(0.5, 2.0), offset=st.floats(-2, 2), seed=st.integers(0, 100))
def test_calibration_recovers_a_known_distortion(slope: float, offset: float, seed: int) -> None:
    draw = np.random.default_rng(seed)
    margins = draw.normal(size=60_000)
    labels = (draw.random(60_000) < expit(slope * margins + offset)).astype(np.int8)
    fitted = calibration.fit(margins, labels)
    assert fitted.slope == pytest.approx(slope, abs=0.08)
    assert fitted.offset == pytest.approx(offset, abs=0.08)
    assert (fitted.rows, fitted.events) == (60_000, int(labels.sum()))
    assert expit(fitted.logits(margins)).mean() == pytest.approx(labels.mean(), abs=1e-3)


def test_few_events_leave_the_slope_near_one() -> None:
    draw = np.random.default_rng(0)
    margins = draw.normal(size=60)
    labels = (margins > np.sort(margins)[-10]).astype(np.int8)  # perfectly separated
    assert 1 < calibration.fit(margins, labels).slope < 4


def test_a_reversed_calibration_is_refused() -> None:
    draw = np.random.default_rng(1)
    margins = draw.normal(size=2000)
    labels = (draw.random(2000) < expit(-2 * margins)).astype(np.int8)
    with pytest.raises(GateRefused, match=r"slope must be above 0, got -1\.\d\d"):
        calibration.fit(margins, labels)


# Anchors and the health scale


def target(**more: float) -> Target:
    return Target.model_validate(
        {
            "event": {"source": "s", "ended": "e"},
            "horizon": "60d",
            **more,
        }
    )


def share_red(logits: Floats, p_red: float) -> float:
    scale = Scale(Calibration(1.0, 0.0, 1, 1), Anchors(p_red, p_red / 10, "test"))
    return float((scale.unclipped(logits) < bands.RED_BELOW).mean())


LOGITS = st.lists(
    st.integers(-6000, 3000).map(lambda thousandths: thousandths / 1000)
    | st.sampled_from([-2.0, -1.3, 0.1, 0.7]),
    min_size=40,
    max_size=200,
)


@given(values=LOGITS, capacity=st.floats(0.01, 0.5))
def test_red_never_exceeds_the_capacity(values: list[float], capacity: float) -> None:
    logits = np.array(values)
    labels = (np.arange(len(logits)) < len(logits) // 2).astype(np.int8)
    order = np.argsort(logits)  # the lower half stays, so that green is always supported
    labels[order] = labels[::-1].copy()
    try:
        found = health.anchors(target(), logits, labels, capacity)
    except GateRefused:
        return  # refused anchors make nobody red
    assert share_red(logits, found.p_red) <= capacity


@given(values=LOGITS, seed=st.integers(0, 50))
def test_green_is_the_highest_supported_probability(values: list[float], seed: int) -> None:
    logits = np.array(values)
    labels = (np.random.default_rng(seed).random(len(logits)) < expit(3 * logits + 1)).astype(
        np.int8
    )
    wanted = green_by_brute_force(logits, labels)
    declared = target()
    if wanted is None:
        with pytest.raises(GateRefused, match="no green band"):
            health.anchors(declared, logits, labels, 0.02)
        return
    assume(odds(float(expit(np.sort(logits)[::-1][0]))) >= 2 * odds(float(expit(wanted))))
    found = health.anchors(declared, logits, labels, 0.001).p_green
    scale = Scale(Calibration(1.0, 0.0, 1, 1), Anchors(0.999, found, "test"))
    assert np.array_equal(scale.unclipped(logits) >= bands.GREEN_FROM, logits <= wanted)


def green_by_brute_force(logits: Floats, labels: Labels) -> float | None:
    """The highest logit of which all at or below surely churn at half the base rate or less."""
    best = None
    for value in sorted(set(logits.tolist())):
        below = labels[logits <= value]
        churned, stayed = int(below.sum()), int(len(below) - below.sum())
        upper = 1.0 if stayed == 0 else float(beta.ppf(0.95, churned + 1, stayed))
        best = value if upper <= labels.mean() / 2 else best
    return best


def test_no_green_band_is_refused_with_the_base_rate() -> None:
    logits, labels = np.linspace(-1, 1, 60), np.tile([0, 1], 30).astype(np.int8)
    with pytest.raises(GateRefused, match=r"no green band: .*50\.0% of 60\); the scores do"):
        health.anchors(target(), logits, labels, 0.1)


def test_bands_too_close_are_refused_with_both_anchors() -> None:
    # Whoever is above the lower half is one group, which the capacity cannot hold.
    logits = np.r_[np.full(300, -1.0), np.full(300, -0.9)]
    labels = np.r_[np.zeros(300), np.ones(300)].astype(np.int8)
    with pytest.raises(GateRefused, match=r"too close: p_red 0\.289 .* against p_green 0\.269"):
        health.anchors(target(), logits, labels, 0.1)


def test_bands_too_close_are_refused_with_what_would_be_accepted() -> None:
    logits = np.r_[np.full(200, -1.0), np.full(90, -0.9), np.full(10, 1.0)]
    labels = np.r_[np.zeros(200), np.ones(100)].astype(np.int8)
    told = (
        r"accepted would be bands\.capacity = 0\.030 or less, or p_red = 0\.424 with p_green = "
        r"0\.268, or p_red = 0\.290 with p_green = 0\.168; a promotion still asks"
    )
    with pytest.raises(GateRefused, match=told):
        health.anchors(target(), logits, labels, 0.1)
    assert health.anchors(target(), logits, labels, 0.03).chosen == "validation rows"
    for red, green in ((0.424, 0.268), (0.29, 0.168)):
        assert health.anchors(target(p_red=red, p_green=green), logits, labels, 0.1).p_red == red


@pytest.mark.parametrize("labels", [[0, 1] * 300, [0] * 299 + [1] + [0] * 300])
def test_scores_that_do_not_tell_who_leaves_get_no_advice_to_declare_bands(
    labels: list[int],
) -> None:
    logits = np.r_[np.full(300, -1.0), np.full(300, -0.9)]
    with pytest.raises(GateRefused, match="the scores do not tell who leaves") as refused:
        health.anchors(target(), logits, np.array(labels, np.int8), 0.1)
    assert "p_red and p_green" not in str(refused.value)
    assert "accepted" not in str(refused.value)


def test_declared_anchors_are_taken_as_they_are() -> None:
    declared = target(p_red=0.5, p_green=0.1)
    found = health.anchors(declared, np.zeros(3), np.zeros(3, np.int8), 0.1)
    assert found == Anchors(0.5, 0.1, "declared")


@given(
    p_green=st.floats(0.001, 0.6),
    ratio=st.floats(2, 50),
    slope=st.floats(0.2, 3),
    offset=st.floats(-2, 2),
)
def test_the_scale_is_40_at_red_and_70_at_green(
    p_green: float, ratio: float, slope: float, offset: float
) -> None:
    p_red = ratio * odds(p_green) / (1 + ratio * odds(p_green))
    assume(p_red < 0.999 and odds(p_red) >= 2 * odds(p_green))
    plain = Scale(Calibration(1.0, 0.0, 1, 1), Anchors(p_red, p_green, "test"))
    edges = np.array([health.logit(p_red), health.logit(p_green)])
    assert plain.unclipped(edges).tolist() == [40.0, 70.0]
    bent = Scale(Calibration(slope, offset, 1, 1), Anchors(p_red, p_green, "test"))
    margins = (edges - offset) / slope
    assert bent.unclipped(margins) == pytest.approx([40.0, 70.0], abs=1e-9)
    doubled = bent.unclipped(margins + math.log(2) / slope)
    assert bent.unclipped(margins) - doubled == pytest.approx(
        [bent.points_to_double_the_odds] * 2, abs=1e-9
    )
    assert bent.unclipped(margins + 1) - bent.unclipped(margins) == pytest.approx(
        [bent.points_per_margin] * 2, abs=1e-9
    )


# Folds


@given(names=st.lists(st.text("abcé0", min_size=1, max_size=4), min_size=1, max_size=60))
def test_an_account_stays_in_one_fold(names: list[str]) -> None:
    for fold in split.by_account(names):
        teaches = {name for name, mask in zip(names, fold.train, strict=True) if mask}
        tests = {name for name, mask in zip(names, fold.test, strict=True) if mask}
        assert not teaches & tests
        assert np.array_equal(fold.train, ~fold.test)
    alone = {name: split.account_folds([name])[0] for name in names}
    assert split.account_folds(names).tolist() == [alone[name] for name in names]


@given(
    dates=st.sets(st.dates(date(2024, 1, 1), date(2024, 12, 31)), min_size=1, max_size=10),
    gap=st.sampled_from([0, 14]),
    grace=st.sampled_from([0, 30]),
)
def test_rolling_folds_never_learn_from_what_was_not_settled(
    dates: set[date], gap: int, grace: int
) -> None:
    declared = Target.model_validate(
        {
            "event": {"source": "s", "ended": "e", "grace": f"{grace}d"},
            "gap": f"{gap}d",
            "horizon": "60d",
        }
    )
    as_of = np.array(sorted(dates) * 2, "datetime64[D]")
    settles = as_of + declared.days_to_settle
    folds = split.rolling(as_of, settles, settles, split.ORIGINS)
    assert len(folds) <= 3
    for fold in folds:
        (tested,) = set(as_of[fold.test].astype(object))
        assert fold.train.any()
        for day in as_of[fold.train].astype(object):
            assert clock.settled(day, declared) <= tested
    last = max(dates)
    has_past = any(clock.settled(day, declared) <= last for day in dates)
    assert bool(folds) == has_past


def test_cross_fitted_margins_never_saw_their_account(trained: House, rows: Snapshots) -> None:
    table = labelled(rows, trained.company, TARGET)
    fitted = as_rows(table, trained.champion.features, trained.company, TARGET)
    model_settings = dataclasses.replace(search.FIRST_TRIED[0], rounds=60, share=0.5)
    honest = model.cross_fitted(fitted, model_settings)
    # Labels of the accounts of one fold are turned around: their own margins must not move.
    fold = split.account_folds(fitted.accounts)
    turned = dataclasses.replace(fitted, y=np.where(fold == 0, 1 - fitted.y, fitted.y))
    moved = model.cross_fitted(turned, model_settings)
    assert np.array_equal(honest[fold == 0], moved[fold == 0])
    assert not np.array_equal(honest[fold != 0], moved[fold != 0])


# Which evaluation


def test_a_long_history_is_judged_on_a_later_date(trained: House, days: list[date]) -> None:
    judged = trained.trained.artifact.evaluation
    assert (judged.kind, judged.tested) == ("later as-of date", "procedure")
    assert judged.as_of == str(days[-1])
    declared = trained.company.targets[TARGET]
    fitted = [date.fromisoformat(day) for day in judged.trained_on]
    assert fitted == split.settled_before(days, days[-1], declared)
    assert fitted
    assert rising(judged.quality.auc)
    assert judged.bands is not None
    assert sum(item.accounts for item in judged.bands.values()) == judged.quality.rows
    assert sum(item.churned for item in judged.bands.values()) == judged.quality.events


def test_with_a_later_date_the_artifact_itself_is_judged_on_it(
    trained: House, rows: Snapshots, days: list[date]
) -> None:
    learn = split.settled_before(days, days[-1], trained.company.targets[TARGET])
    artifact = fit_and_evaluate(rows, trained.company, TARGET, learn, days[-1:], choice=CHOICE)
    judged = artifact.evaluation
    assert (judged.kind, judged.tested) == ("later as-of date", "artifact")
    assert judged.as_of == str(days[-1])
    assert artifact.training.as_of == judged.trained_on == tuple(map(str, learn))
    table = labelled(rows.at(days[-1]), trained.company, TARGET)
    labels = table[f"label__{TARGET}"].to_numpy().astype(np.int8)
    logits = artifact.calibration.logits(artifact.margins(matrix(table, artifact.features)))
    assert judged.quality.auc.value == quality.auc(logits, labels)


def test_a_short_history_is_judged_on_folds_of_accounts(
    trained: House, rows: Snapshots, days: list[date]
) -> None:
    judged = fit_and_evaluate(rows, trained.company, TARGET, days[-2:], choice=CHOICE).evaluation
    assert (judged.kind, judged.tested) == ("folds grouped by account", "procedure")
    assert judged.as_of == str(days[-1])


# Refusals


def relabelled(table: pa.Table, label: int | None, kept: int = 0) -> pa.Table:
    """The table with the label of every account but the first `kept` of each kind set."""
    name = f"label__{TARGET}"
    first = set()
    for kind in (0, 1):
        own = table.filter(pc.equal(table[name], kind))["account_id"].to_pylist()
        first |= set(sorted(set(own))[:kept])
    changed = [
        old if account in first else label
        for account, old in zip(
            table["account_id"].to_pylist(), table[name].to_pylist(), strict=True
        )
    ]
    return table.set_column(table.column_names.index(name), name, pa.array(changed, pa.int8()))


@pytest.mark.parametrize(
    ("label", "kept", "told"),
    [
        (0, 0, "0 accounts churned on the given as-of dates and 30 are needed"),
        (1, 0, "0 accounts stayed on the given as-of dates and 30 are needed"),
        (None, 0, "0 accounts churned"),
    ],
)
def test_one_class_is_refused_with_what_is_there_and_what_is_needed(
    label: int | None, kept: int, told: str, trained: House, rows: Snapshots, days: list[date]
) -> None:
    poor = dataclasses.replace(rows, table=relabelled(rows.table, label, kept))
    with pytest.raises(GateRefused, match=told):
        fit_and_evaluate(poor, trained.company, TARGET, days, choice=CHOICE)


def test_too_few_churners_are_counted(trained: House, rows: Snapshots) -> None:
    table = labelled(rows, trained.company, TARGET)
    name = f"label__{TARGET}"
    gone = sorted(set(table.filter(pc.equal(table[name], 1))["account_id"].to_pylist()))
    few = table.filter(pc.invert(pc.is_in(table["account_id"], pa.array(gone[29:], pa.string()))))
    with pytest.raises(GateRefused, match=r"29 accounts churned .* 30 are needed; add as-of dates"):
        fit(few, rows.columns, trained.company, TARGET)


def test_an_immature_as_of_date_is_refused(trained: House) -> None:
    late = date(2025, 10, 3)
    told = "as-of 2025-10-03 are known on 2025-12-02, after data_until 2025-12-01"
    with pytest.raises(GateRefused, match=told):
        train(trained.company, [late], settings=trained.settings)


def test_targets_must_be_declared_and_adverse_ones_come_first(trained: House) -> None:
    with pytest.raises(NotFound, match="target 'upsell' is not declared; choose among churn"):
        choose_targets(trained.company, ["upsell"])
    churn = trained.company.targets[TARGET]
    targets = {"growth": churn.model_copy(update={"adverse": False}), TARGET: churn}
    other = trained.company.model_copy(update={"targets": targets})
    assert choose_targets(other, []) == [TARGET, "growth"]
    assert choose_targets(other, ["growth"]) == ["growth"]


def test_a_refused_training_leaves_no_registry(tmp_path: Path) -> None:
    company = cents(tmp_path / "few")
    accounts = pq.read_table(company.folder / "accounts.parquet").slice(0, 60)
    pq.write_table(accounts, company.folder / "accounts.parquet")
    few = pc.is_in(
        pq.read_table(company.folder / "visits.parquet")["account_id"], accounts["account_id"]
    )
    visits = pq.read_table(company.folder / "visits.parquet").filter(few)
    pq.write_table(visits, company.folder / "visits.parquet")
    (company.folder / "tickets.csv").write_text(
        "org,opened,topic\norg-1,2025-11-20 10:30:00,fault\n", "utf-8"
    )
    with pytest.raises(GateRefused, match="no month start has known outcomes"):
        train(company, settings=Settings())
    assert not (Settings().workspace_of(company) / "mlflow.db").exists()


# Measures of quality


@given(
    rows_=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 1)), min_size=1, max_size=120),
)
def test_ece_equals_its_definition(rows_: list[tuple[float, int]]) -> None:
    probabilities = np.array([p for p, _ in rows_])
    labels = np.array([y for _, y in rows_], np.int8)
    ranked = sorted(range(len(rows_)), key=lambda row: rows_[row][0])
    size, longer = divmod(len(ranked), 10)
    gaps, start = 0.0, 0
    for number in range(10):
        inside = ranked[start : start + size + (number < longer)]
        start += len(inside)
        gaps += abs(sum(rows_[row][0] for row in inside) - sum(rows_[row][1] for row in inside))
    assert calibration_table.ece(probabilities, labels) == pytest.approx(
        gaps / len(rows_), abs=1e-12
    )


def test_a_perfectly_calibrated_forecast_has_no_ece() -> None:
    probabilities = np.repeat([0.0, 0.5, 1.0], [40, 20, 40])
    labels = np.r_[np.zeros(40), np.tile([0, 1], 10), np.ones(40)].astype(np.int8)
    assert calibration_table.ece(probabilities, labels) == 0


def test_the_slope_tells_a_forecast_that_is_too_steep() -> None:
    draw = np.random.default_rng(5)
    logits = draw.normal(0, 1, 20_000)
    labels = (draw.random(20_000) < expit(logits)).astype(np.int8)
    assert calibration_table.slope(logits, labels) == pytest.approx(1, abs=0.06)
    assert calibration_table.slope(2 * logits, labels) == pytest.approx(0.5, abs=0.04)


def test_the_report_tells_the_calibration_of_all_and_of_each_segment(trained: House) -> None:
    judged = trained.trained.artifact.evaluation
    for told in (judged.quality, judged.segments[0]):
        assert rising(told.calibration.in_the_large)
        assert rising(told.calibration.slope)
        assert all(it.low <= it.observed_rate <= it.high for it in told.reliability)
    gap = judged.quality.base_rate - judged.quality.predicted_rate
    assert judged.quality.calibration.in_the_large.value == pytest.approx(gap)
    curve = judged.quality.reliability
    assert sum(item.rows for item in curve) == judged.quality.rows
    predicted = [item.predicted_rate for item in curve]
    assert predicted == sorted(predicted)


def test_the_report_sets_the_model_beside_simpler_ones(trained: House) -> None:
    beside = trained.trained.artifact.evaluation.baselines
    names = [item.baseline for item in beside]
    assert names[0].endswith(" alone")
    assert names[1:] == ["logistic regression on the same columns"]
    assert all(rising(item.gain) for item in beside)


def width(values: Floats, accounts: Sequence[str]) -> float:
    found = quality.interval(lambda rows: float(values[rows].mean()), accounts)
    low, _, high = known(found)
    return high - low


def test_intervals_resample_accounts_and_not_rows() -> None:
    once = np.random.default_rng(3).normal(size=200)
    names = [f"a{number}" for number in range(200)]
    alone = width(once, names)
    # Nine copies of each row say nothing new, as long as they are known to be one account's.
    assert width(np.tile(once, 9), names * 9) == pytest.approx(alone, rel=1e-9)
    apart = [f"{name}-{copy}" for copy in range(9) for name in names]
    assert width(np.tile(once, 9), apart) == pytest.approx(alone / 3, rel=0.2)


def test_an_interval_of_one_account_is_not_known() -> None:
    found = quality.interval(lambda rows: float(len(rows)), ["a", "a"])
    assert found == Measured(2.0, None, None)


def test_records_come_back_from_json_to_the_last_bit(trained: House) -> None:
    records: Records = trained.trained.artifact.records
    evaluation, training = (
        json.dumps(plain(record), allow_nan=False).encode()
        for record in (records.evaluation, records.training)
    )
    assert parse(evaluation, Evaluation, "evaluation.json") == records.evaluation
    assert parse(training, TrainingRecord, "training.json") == records.training


WISHED = """
[targets.windfall]
adverse = false
event = { source = "visits", where = "amount >= 1e9" }
active = "visits"
active_within = "60d"
horizon = "30d"
likelier = { visits = "higher" }
"""


def test_an_opportunity_without_a_model_keeps_no_other_target_from_its_own(tmp_path: Path) -> None:
    folder = cents(tmp_path / "wishing").folder
    declared = folder / "churnlight.toml"
    distant = WISHED.replace("windfall", "jackpot").replace('horizon = "30d"', 'horizon = "9999d"')
    declared.write_text(declared.read_text("utf-8") + WISHED + distant, "utf-8")
    company = load(folder)
    states = {item.name: item.state for item in contract.check(company)}
    assert {states["one_class"], states["no_mature_month"]} == {"warning"}
    found = train(company, settings=Settings(trials=1))
    assert [item.artifact.target for item in found.trained] == [TARGET]
    assert "target windfall: 0 accounts converted" in str(found.refused["windfall"])
    assert "target jackpot: no month start has known outcomes" in str(found.refused["jackpot"])
