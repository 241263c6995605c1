"""Columns that know a table's outcome are told by name; honest ones are not."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import training
from command import churnlight
from features.errors import ContractBroken
from training import summary
from training.artifact import Artifact
from training.learning.matrix import matrix
from training.metrics.quality import auc
from training.reporting import model_report
from training.tables import foreign, giveaways, plain_table
from training.tables.label_column import Roles

ROWS = 3000
DRAW = np.random.default_rng(7)
LEFT = DRAW.random(ROWS) < 0.25
FLAG = DRAW.random(ROWS) < 0.5
DAY = DRAW.uniform(0, 900, ROWS)


def honest() -> dict[str, Any]:
    """Columns of which the best tells those who left at an AUC of .9, and one with gaps."""
    draw = np.random.default_rng(3)
    return {
        "usage": draw.normal(size=ROWS) - 1.81 * LEFT,
        "seats": draw.integers(1, 50, ROWS),
        "plan": draw.choice(["basic", "pro", "team"], ROWS),
        "score": np.where(draw.random(ROWS) < 0.6, np.nan, draw.normal(size=ROWS)),
    }


def looked_at(columns: dict[str, Any]) -> list[str]:
    """What is noticed of the table; raises ContractBroken as training does."""
    table = plain_table.as_table(pd.DataFrame(columns | {"left": LEFT}))
    y = LEFT.astype(np.int8)
    features = foreign.features_of(table, y, Roles("left"))
    X = matrix(table, features)
    giveaways.require_none(X, y, features)
    return list(giveaways.notices(X, y, features))


def told(columns: dict[str, Any]) -> list[str]:
    """The columns that training refuses."""
    with pytest.raises(ContractBroken) as caught:
        looked_at(honest() | columns)
    assert all("written after the outcome" in item.detail for item in caught.value.findings)
    return [str(item.column) for item in caught.value.findings]


def test_honest_columns_are_not_told() -> None:
    found = auc(-honest()["usage"], LEFT.astype(np.int8))
    assert found == pytest.approx(0.9, abs=0.01)
    assert looked_at(honest()) == []


def test_two_columns_that_tell_the_outcome_together() -> None:
    """Neither says anything alone: whoever left has one flag and not the other."""
    assert told({"closed": FLAG, "billed": FLAG ^ LEFT}) == ["closed, billed"]


def test_two_days_of_which_the_later_tells_the_outcome() -> None:
    ended = np.where(LEFT, DAY - DRAW.uniform(1, 90, ROWS), DAY + DRAW.uniform(1, 90, ROWS))
    assert told({"last_seen": DAY, "paid_until": ended}) == ["last_seen, paid_until"]


def test_a_column_that_tells_the_outcome_in_no_order() -> None:
    state = np.where(LEFT, 2, np.where(FLAG, 1, 3))
    assert told({"state": state}) == ["state"]


def test_a_few_questions_that_tell_the_outcome() -> None:
    which = DRAW.integers(0, 3, ROWS)
    flags = {f"reason_{place}": LEFT & (which == place) for place in range(3)}
    assert told(flags) == ["reason_0, reason_1, reason_2"]


@pytest.mark.parametrize("is_filled", [True, False])
def test_a_field_that_changes_when_the_customer_leaves(is_filled: bool) -> None:
    """Of four in ten that left it says so; of the others nothing."""
    singled_out = LEFT & (DRAW.random(ROWS) < 0.4)
    filled = singled_out if is_filled else ~singled_out
    field = np.where(filled, DRAW.normal(size=ROWS), np.nan)
    assert told({"exit_survey": field}) == ["exit_survey"]


def test_a_field_that_only_those_have_who_stay_is_to_be_looked_at() -> None:
    field = np.where(~LEFT & FLAG, DRAW.normal(size=ROWS), np.nan)
    [notice] = looked_at(honest() | {"next_renewal": field})
    assert notice.startswith("look at next_renewal: of the 1,")
    assert "0 have the event" in notice


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> tuple[Artifact, Path]:
    """A model of a table with a constant column, and one that is too good."""
    columns = honest() | {"country": "DE", "left": LEFT}
    columns["usage"] = columns["usage"] - 2 * LEFT
    frame = pd.DataFrame(columns).iloc[:700]
    artifact: Artifact = training.fit(frame, "left", trials=2)
    folder = tmp_path_factory.mktemp("giveaways") / "model"
    artifact.save(folder)
    return artifact, folder


def test_a_summary_says_first_what_to_look_at(model: tuple[Artifact, Path]) -> None:
    first, second, *others = summary.of_table(model[0]).splitlines()
    assert first == "left out country: it has the same value in every row (DE)"
    assert "is too good to be true: look whether usage" in second
    assert "promoted" not in "".join(others)


def test_report_and_card_say_it_too_before_all_else(model: tuple[Artifact, Path]) -> None:
    for made in (model_report.report(model[0]), model_report.card(model[0])):
        first, second, *_ = made.notes
        assert "is too good to be true: look whether usage" in first.text
        assert second.text.startswith("Left out country: it has the same value in every row (DE)")
        assert {first.tone, second.tone} == {"caution"}


def test_a_column_that_the_model_does_not_know_is_named(
    model: tuple[Artifact, Path], tmp_path: Path
) -> None:
    table = pa.table(honest() | {"country": ["FR"] * ROWS, "left": LEFT, "mood": DAY, "age": DAY})
    pq.write_table(table, tmp_path / "new.parquet")
    _, folder = model
    done = churnlight(
        *("score", "--table", tmp_path / "new.parquet", "--model", folder),
        *("--out", tmp_path / "scores.parquet"),
    )
    assert "not in the model, so not read: mood, age" in done.stderr
    assert pq.read_metadata(tmp_path / "scores.parquet").num_rows == ROWS
