"""A table that nobody declared becomes a model by the same procedure, or is refused."""

import math
import os
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy.special import expit

import training
from command import churnlight
from features.errors import ChurnlightError, ContractBroken, DeclarationError, GateRefused
from measures import known
from serving.batch import table_scores
from test_cli import refused
from training.artifact import Artifact
from training.learning import split
from training.tables import foreign, label_column, plain_table, table_file
from training.tables.label_column import Roles

ROWS = 700
# The user without any rights, by the number that Linux gives it.
NOBODY = 65534


def customers(rows: int = ROWS, seed: int = 0) -> pd.DataFrame:
    """Mixed types with gaps, and a label that depends on three of the columns."""
    draw = np.random.default_rng(seed)
    tenure, plan = draw.exponential(20, rows), draw.choice(["basic", "pro", "team"], rows)
    partner = draw.random(rows) < 0.5
    risk = 1 - tenure / 12 + 1.5 * (plan == "basic") - partner
    frame = pd.DataFrame(
        {
            "customer": [f"C{number}" for number in range(rows)],
            "tenure (months)": np.where(draw.random(rows) < 0.05, np.nan, tenure),
            "plan": pd.Series(plan).where(draw.random(rows) >= 0.05).astype("category"),
            "partner": partner,
            "seats": draw.integers(1, 50, rows),
            "since": [datetime(2024, 1, 1) + timedelta(days=int(d)) for d in tenure],  # noqa: DTZ001
            "note": [7 if mixed < 0.5 else "seven" for mixed in draw.random(rows)],
            "month": draw.integers(1, 9, rows),
        }
    )
    frame["left"] = np.where(draw.random(rows) < expit(risk), "Yes", "No")
    return frame


def fitted(frame: Any = None, **roles: Any) -> Artifact:
    given = {"id": "customer", **roles}
    table = customers() if frame is None else frame
    found: Artifact = training.fit(table, "left", trials=2, **given)
    return found


@pytest.fixture(scope="module")
def artifact() -> Artifact:
    return fitted()


def test_an_artifact_of_a_table_tells_who_leaves(artifact: Artifact) -> None:
    fresh = customers(seed=1)
    told = artifact.probability(fresh)
    assert ((told > 0) & (told < 1)).all()
    left = (fresh["left"] == "Yes").to_numpy()
    assert told[left].mean() > told[~left].mean() + 0.2
    assert told.mean() == pytest.approx(left.mean(), abs=0.05)


def test_the_same_table_makes_the_same_artifact(artifact: Artifact) -> None:
    assert fitted().digest == artifact.digest
    assert fitted(pa.Table.from_pandas(customers().astype({"note": str}))).digest == artifact.digest


def test_the_report_is_the_companys(artifact: Artifact) -> None:
    judged, made = artifact.evaluation, artifact.training
    assert (judged.kind, judged.quality.rows) == ("folds grouped by account", ROWS)
    low, value, high = known(judged.quality.auc)
    assert low < value < high
    assert known(judged.gain_over_base_rate)[0] > 0
    assert made.chosen_on.startswith("folds grouped by account")
    assert len(made.trials) == 2


def test_drivers_add_up_to_the_margin(artifact: Artifact) -> None:
    from training.learning.matrix import matrix

    X = matrix(foreign.columns_for(customers(50), artifact.features), artifact.features)
    assert artifact.contributions(X).sum(axis=1) == pytest.approx(artifact.margins(X), abs=1e-9)


def test_an_unseen_category_is_as_an_unknown_one(artifact: Artifact) -> None:
    frame = customers(40).astype({"plan": object})
    unseen = artifact.probability(frame.assign(plan="gold"))
    assert unseen.tolist() == artifact.probability(frame.assign(plan=None)).tolist()


def test_order_and_further_columns_do_not_matter(artifact: Artifact) -> None:
    frame = customers(40)
    turned = frame[frame.columns[::-1]].assign(more=1).drop(columns=["left"])
    assert artifact.probability(turned).tolist() == artifact.probability(frame).tolist()


def test_every_difference_of_the_columns_is_told(artifact: Artifact) -> None:
    poor = customers(40).drop(columns=["plan", "since"]).assign(seats="many")
    with pytest.raises(ContractBroken) as caught:
        artifact.probability(poor)
    assert {item.column for item in caught.value.findings} == {"plan", "since", "seats"}
    assert "the model needs a number, got texts" in str(caught.value)


def test_twins_never_stand_on_both_sides() -> None:
    frame = customers(200).drop(columns=["customer", "left"])
    twice = plain_table.as_table(pd.concat([frame, frame]))
    y = np.tile([0, 1], 200).astype(np.int8)
    features = foreign.features_of(twice, y, Roles(label="left"))
    accounts = foreign.row_customers(twice, y, Roles(label="left"), features)
    assert accounts[:200] == accounts[200:]
    for fold in split.by_account(accounts):
        assert np.array_equal(fold.train[:200], fold.train[200:])


def test_repeated_rows_are_counted() -> None:
    frame = customers(300).drop(columns=["customer"])
    made = training.fit(pd.concat([frame, frame]), "left", trials=1).training
    assert (made.rows, made.accounts) == (600, 300)
    assert made.table is not None
    assert made.table.repeated_rows == 300


def test_a_time_column_splits_by_time() -> None:
    found = fitted(time="month")
    assert (found.evaluation.kind, found.evaluation.as_of) == ("later block of time", "8")
    assert found.evaluation.trained_on == tuple(str(month) for month in range(1, 8))
    assert found.training.chosen_on == "later blocks of time"
    assert "month" not in {item.name for item in found.features}
    dates = fitted(time="since").training.as_of
    assert len(dates) == 10
    assert list(dates) == sorted(dates)
    assert dates[0] == "2024-01-01"


def test_the_base_rate_is_that_of_the_rows_that_calibrated() -> None:
    frame = customers()
    frame.loc[frame["month"] == 7, "left"] = "No"
    judged = fitted(frame, time="month").evaluation
    # Only with the fifth month on have the latest of the earlier ones enough of both outcomes.
    taught = frame["month"].between(5, 7)
    assert judged.quality.base_rate_in_training == pytest.approx(
        (frame["left"][taught] == "Yes").mean()
    )
    assert judged.gain_over_base_rate.value is not None


def test_rows_without_a_label_are_left_out() -> None:
    frame = customers()
    frame.loc[:49, "left"] = None
    made = fitted(frame).training
    assert (made.rows, made.table and made.table.rows_without_label) == (ROWS - 50, 50)


@pytest.mark.parametrize(
    ("values", "event"),
    [((0, 1), None), ((False, True), None), ((0.0, 1.0), None), (("stays", "goes"), "goes")],
)
def test_a_label_is_any_two_values(values: tuple[Any, Any], event: str | None) -> None:
    table = plain_table.as_table(pd.DataFrame({"left": [values[0], values[1], values[1]]}))
    assert label_column.read_labels(table, Roles(label="left", event=event)).tolist() == [
        0.0,
        1.0,
        1.0,
    ]


# Refusals

Change = Callable[[pd.DataFrame], pd.DataFrame]
BAD: list[tuple[Change, str]] = [
    (lambda frame: frame.assign(left="Yes"), "a label must have two values, this one has 1 (Yes)"),
    (
        lambda frame: frame.drop(columns="left"),
        "table.left: the column is missing",
    ),
    (
        lambda frame: frame.assign(left=frame["seats"]),
        "a label must have two values, this one has 49",
    ),
    (lambda frame: frame.assign(left=frame["left"].map({"Yes": "a", "No": "b"})), "--event 'a'"),
    (lambda frame: frame.assign(reason=frame["left"]), "predicts the label by itself (AUC 1.0000)"),
    (
        lambda frame: frame.assign(reason=frame["left"].map({"Yes": 1.0})),
        "table.reason: it predicts the label by itself",
    ),
    (lambda frame: frame.assign(seats=math.inf), "table.seats: it has infinite values (700 rows)"),
    (
        lambda frame: frame.assign(code=frame["customer"]),
        "it has 700 categories; at most 255",
    ),
    (
        lambda frame: frame.assign(bag=pd.Series([[1]] * len(frame))),
        "not a number, flag, time or text",
    ),
    (lambda frame: frame[["customer", "left"]], "there is no other column"),
]


@pytest.mark.parametrize(("change", "told"), BAD, ids=[told for _, told in BAD])
def test_each_breach_is_told_before_anything_is_trained(change: Change, told: str) -> None:
    with pytest.raises(ContractBroken) as caught:
        fitted(change(customers()))
    assert told in str(caught.value)


def test_all_breaches_are_told_at_once_and_ignoring_them_mends_it() -> None:
    frame = customers().assign(most=math.inf, reason=customers()["left"])
    with pytest.raises(ContractBroken) as caught:
        fitted(frame)
    assert [item.column for item in caught.value.findings] == ["most", "reason"]
    without = fitted(frame, ignore=("most", "reason"))
    assert {"most", "reason"}.isdisjoint(item.name for item in without.features)


def test_two_columns_of_one_name_are_told() -> None:
    frame = customers(50)
    frame.columns = [*frame.columns[:-2], "seats", "left"]
    with pytest.raises(ContractBroken, match=r"table.seats: two columns have this name"):
        fitted(frame)


def test_too_few_events_are_counted() -> None:
    frame = customers(60)
    frame["left"] = ["Yes"] * 10 + ["No"] * 50
    with pytest.raises(
        GateRefused, match="10 rows with the event and 50 without; at least 30 of each"
    ):
        fitted(frame)


@pytest.mark.parametrize(
    ("roles", "told"),
    [
        ({"id": "left"}, "column left is both label and id"),
        ({"time": "customer"}, "column customer is both id and time"),
        ({"ignore": ("left",)}, "column left is both label and ignore"),
    ],
)
def test_one_column_for_two_things_is_refused(roles: dict[str, Any], told: str) -> None:
    with pytest.raises(DeclarationError, match=told):
        fitted(customers(80), **roles)


def test_too_few_customers_to_hold_some_out_are_counted() -> None:
    with pytest.raises(GateRefused, match="its 700 rows belong to 1 customer "):
        fitted(customers().assign(country="EU"), id="country", ignore=("customer",))


@pytest.mark.parametrize(
    ("times", "told"), [("May", "the column is text"), (math.inf, "700 rows have no time")]
)
def test_a_time_that_orders_nothing_is_refused(times: Any, told: str) -> None:
    with pytest.raises(GateRefused, match=f"time at: {told}"):
        fitted(customers().assign(at=times), time="at")


def test_bytes_that_are_no_text_are_told() -> None:
    frame = customers(80).assign(name="caf\u00e9".encode("latin-1"))
    with pytest.raises(ContractBroken, match=r"table.name: .*save the table as UTF-8"):
        fitted(frame)


def test_an_event_that_the_label_does_not_have_is_told_with_what_it_has() -> None:
    table = plain_table.as_table(customers())
    told = "no row has the value 'perhaps': its values are 'No' and 'Yes'"
    with pytest.raises(ContractBroken, match=told):
        label_column.read_labels(table, Roles(label="left", event="perhaps"))


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        (
            "t.csv",
            "a,b\n1,2\n3,4,5\n",
            r"t\.csv: cannot be read \(.*line 3: Expected Number of Columns: 2",
        ),
        ("t.parquet", "a,b\n1,2\n", r"t\.parquet: cannot be read \(.*; repair the file"),
    ],
)
def test_a_file_that_is_no_table_breaks_the_contract(
    name: str, text: str, told: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(text, "utf-8")
    with pytest.raises(ContractBroken, match=told):
        table_file.read_table(tmp_path / name)


@contextmanager
def without_rights() -> Iterator[None]:
    """Root may read every file: be nobody for a while, where root runs the tests."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


@pytest.mark.parametrize("closed", ["t.csv", ""], ids=["file", "folder"])
def test_a_file_that_may_not_be_read_is_told(closed: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "t.csv").write_text("a,b\n1,2\n")
        folder.chmod(0o755)
        (folder / closed).chmod(0)
        told = r"t\.csv: cannot be opened \(.*\); give yourself the right"
        with without_rights(), pytest.raises(ChurnlightError, match=told):
            table_file.read_table(folder / "t.csv")
        folder.chmod(0o755)


def test_an_empty_cell_of_a_csv_is_absent(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("plan,left\nbasic,yes\n,no\nNA,\n")
    read = table_file.read_table(tmp_path / "t.csv")
    assert read["plan"].to_pylist() == ["basic", None, "NA"]
    assert read["left"].to_pylist() == ["yes", "no", None]


def test_a_parquet_table_is_read_by_the_one_reader(tmp_path: Path) -> None:
    key = uuid.UUID("00000000-0000-4000-8000-00000000abcd")
    columns = {
        "id": pa.array([key.bytes, key.bytes], pa.binary(16)),
        "waited": pa.array([86_400_000, None], pa.duration("ms")),
        "plan": pa.array(["a", "b"]).dictionary_encode(),
        "at": pa.array([-1, 10**18], pa.timestamp("ns", "Europe/Berlin")),
    }
    pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    read = plain_table.as_table(table_file.read_table(tmp_path / "t.parquet")).to_pydict()
    assert read["id"] == [str(key)] * 2
    assert (read["waited"], read["plan"]) == ([1.0, None], ["a", "b"])
    assert read["at"] == [0.0, pytest.approx(10**9 / 86_400)]


def test_columns_of_one_name_in_parquet_are_refused(tmp_path: Path) -> None:
    twice = pa.Table.from_arrays([pa.array([1]), pa.array([2])], ["seats", "Seats"])
    pq.write_table(twice, tmp_path / "t.parquet")
    with pytest.raises(ContractBroken, match="columns 1 and 2 have one name, 'seats'"):
        table_file.read_table(tmp_path / "t.parquet")


# On the command line


def test_a_table_is_trained_and_scored_by_commands(artifact: Artifact, tmp_path: Path) -> None:
    table, scored = tmp_path / "t.parquet", tmp_path / "s.parquet"
    customers().astype({"note": str}).to_parquet(table)
    words = ("train", "--table", table, "--label", "left", "--id", "customer")
    done = churnlight(*words, "--out", tmp_path / "model", CHURNLIGHT_TRIALS="2")
    assert done.returncode == 0, done.stderr
    assert artifact.digest[:12] in done.stdout
    assert "left: tuning 2/2 (best log loss " in done.stderr
    done = churnlight("score", "--model", tmp_path / "model", "--table", table, "--out", scored)
    assert (done.returncode, done.stdout) == (0, f"{ROWS} rows in {scored}\n"), done.stderr
    found = pq.read_table(scored)
    assert found["customer"].to_pylist() == customers()["customer"].tolist()
    assert found["probability"].to_numpy() == pytest.approx(artifact.probability(customers()))
    assert len(found["drivers"][0]) == 4
    assert_within_their_intervals(found.to_pandas())


def assert_within_their_intervals(found: pd.DataFrame) -> None:
    """Probability and score lie in their intervals, and both say the same of each row."""
    assert found["probability"].between(found["probability_low"], found["probability_high"]).all()
    health = found["health_score"]
    assert health.between(found["health_score_low"], found["health_score_high"]).all()
    amid = found[(found["health_score_low"] > 0) & (found["health_score_high"] < 100)]
    assert len(amid) > 50
    chances = amid[["probability_low", "probability", "probability_high"]].to_numpy()
    steps = np.log(chances / (1 - chances)).T
    points = amid[["health_score_high", "health_score", "health_score_low"]].to_numpy().T
    per_logit = (points[1] - points[0]) / (steps[1] - steps[0])
    assert per_logit == pytest.approx(per_logit[0])
    assert points[2] - points[1] == pytest.approx(per_logit * (steps[2] - steps[1]))


def test_each_misuse_of_the_commands_is_told(tmp_path: Path) -> None:
    table = tmp_path / "t.parquet"
    customers(80).assign(note="x", code=[f"c{row}" for row in range(80)]).to_parquet(table)
    out = ("--out", tmp_path / "model")
    refused(churnlight("train"), 2, "give either a company folder")
    refused(churnlight("train", "--table", table, *out), 2, "--table needs --label and --out")
    refused(
        churnlight("train", "--table", table, "--label", "left", "--out", tmp_path), 2, "exists"
    )
    gone = tmp_path / "gone.parquet"
    refused(churnlight("train", "--table", gone, "--label", "left", *out), 5, "no such file")
    told = [f"table.{name}: all 80 of its values differ" for name in ("customer", "code")]
    refused(churnlight("train", "--table", table, "--label", "left", *out), 3, *told)
    assert not (tmp_path / "model").exists()


def test_a_changed_byte_of_a_tables_model_is_noticed(artifact: Artifact, tmp_path: Path) -> None:
    from training.manifest import DamagedArtifact

    artifact.save(tmp_path / "model")
    file = tmp_path / "model" / "artifact.json"
    file.write_bytes(file.read_bytes().replace(b"tenure", b"tenurf"))
    with pytest.raises(DamagedArtifact, match=r"artifact.json changed"):
        table_scores.score(tmp_path / "model", tmp_path / "t.parquet", tmp_path / "s.parquet")
