"""Planted causes: whether a model of the simulated company names them, and when it must."""

import dataclasses
import sys
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from examples.saas import planted_causes
from features.declaring.declaration import load
from serving.assessment.assess import assess
from trained_company import TARGET, House, built, learning_dates
from training.artifact import Artifact
from training.calibrating.opportunity import Edge
from training.procedure import labelled


@pytest.fixture(scope="module")
def simulated(trained: House, tmp_path_factory: pytest.TempPathFactory) -> House:
    """A copy that is declared to be simulated, and has sealed what it planted."""
    own = trained.copy(tmp_path_factory.mktemp("simulated") / "own")
    path = own.company.folder / "churnlight.toml"
    path.write_text(path.read_text("utf-8").replace("[company]", "[company]\nsimulated = true"))
    (own.company.folder / "truth").mkdir()
    return dataclasses.replace(own, company=load(own.company.folder))


def plant(house: House, table: pa.Table, source: str, share: float, rows: str = "") -> None:
    """Seal, for every row, a cause that carries the same share, and a risk that tickets raise."""
    keys = table.select(["account_id", "as_of"]).to_pylist()
    cause = {"cause": "silence", "source": source, "rows": rows, "share": share}
    risk = np.where(table["tickets__90d"].to_numpy() > usual(house), 0.6, 0.02)
    truth = [key | {"churn_probability": it} for key, it in zip(keys, risk.tolist(), strict=True)]
    folder = house.company.folder / "truth"
    pq.write_table(
        pa.Table.from_pylist([key | cause for key in keys]), folder / planted_causes.CAUSES
    )
    pq.write_table(pa.Table.from_pylist(truth), folder / planted_causes.PROBABILITY)


def usual(house: House) -> Any:
    """The usual number of tickets."""
    return next(item.usual for item in house.champion.features if item.name == "tickets__90d")


def training_rows(house: House) -> pa.Table:
    return labelled(built(house.company, *learning_dates(house.company)), house.company, TARGET)


def first_reasons(house: House, table: pa.Table) -> list[str]:
    """The leading indicator of each row that lowers its score most."""
    said = assess(table, house.champion, house.company)
    leading = [[item for item in row.drivers if item.kind == "leading"] for row in said]
    return [min(drivers, key=lambda item: item.points).indicator for drivers in leading]


def only_leading(artifact: Artifact, name: str) -> Artifact:
    """The same, of whose indicators this one alone may head an account's reasons."""
    others = {
        key: dataclasses.replace(item, kind="lagging") for key, item in artifact.meanings.items()
    }
    kept = {name: dataclasses.replace(artifact.meanings[name], kind="leading")}
    return dataclasses.replace(artifact, meanings=others | kept, lagging=())


def test_a_planted_cause_is_found_where_its_indicator_is_the_first_reason(
    simulated: House,
) -> None:
    artifact, table = simulated.champion, training_rows(simulated)
    plant(simulated, table, "tickets", 0.6)
    (found,) = planted_causes.recoveries(artifact, table, simulated.company)
    values = table["tickets__90d"].to_numpy()
    raised, unusual = values > usual(simulated), values != usual(simulated)
    is_first = np.array(first_reasons(simulated, table)) == "tickets"
    assert found.cases == raised.sum() > 100
    assert found.first == is_first[raised].sum()
    assert found.passed == (is_first[raised].mean() >= 0.95)
    assert (found.planted, found.planted_first) == (unusual.sum(), is_first[unusual].sum())
    assert f"tickets is the first reason in {found.first:,} of {found.cases:,} cases" in str(found)


def test_the_first_reason_is_a_leading_one(simulated: House) -> None:
    artifact, table = simulated.champion, training_rows(simulated)
    plant(simulated, table, "tickets", 0.6)
    shares = [
        planted_causes.recoveries(only_leading(artifact, name), table, simulated.company)[0].share
        for name in ("tickets", "visits")
    ]
    assert shares == [1.0, 0.0]


def test_a_cause_that_the_facts_do_not_show_to_carry_the_risk_is_no_case(simulated: House) -> None:
    artifact, table = simulated.champion, training_rows(simulated)
    plant(simulated, table, "tickets", 0.6)
    path = simulated.company.folder / "truth" / planted_causes.PROBABILITY
    same = pa.array(np.full(table.num_rows, 0.1))
    sealed = pq.read_table(path).drop_columns("churn_probability")
    pq.write_table(sealed.append_column("churn_probability", same), path)
    assert planted_causes.recoveries(artifact, table, simulated.company) == []


def test_the_indicator_that_keeps_to_the_planted_rows_is_asked_before_its_whole_source(
    simulated: House,
) -> None:
    artifact, table = simulated.champion, training_rows(simulated)
    plant(simulated, table, "tickets", 0.6, "topic  <>  'praise'")
    assert len(planted_causes.recoveries(artifact, table, simulated.company)) == 1
    plant(simulated, table, "visits", 0.6, "topic = 'none'")
    assert planted_causes.recoveries(artifact, table, simulated.company) == []


def test_without_a_case_or_with_several_indicators_of_the_source_nothing_is_checked(
    simulated: House,
) -> None:
    artifact, table = simulated.champion, training_rows(simulated)
    plant(simulated, table, "tickets", 0.4)
    assert planted_causes.recoveries(artifact, table, simulated.company) == []
    plant(simulated, table, "visits", 0.9)
    assert planted_causes.recoveries(artifact, table, simulated.company) == []


def test_an_opportunity_has_no_causes_of_leaving(simulated: House) -> None:
    artifact, table = simulated.champion, training_rows(simulated)
    plant(simulated, table, "tickets", 0.6)
    opportunity = dataclasses.replace(artifact, anchors=Edge(0.4, "declared"))
    assert not opportunity.adverse
    assert planted_causes.recoveries(opportunity, table, simulated.company) == []


def test_a_real_company_has_no_sealed_truth(trained: House, simulated: House) -> None:
    table = training_rows(trained)
    plant(simulated, table, "tickets", 0.9)
    assert planted_causes.sealed(trained.company) is None
    assert planted_causes.sealed(simulated.company) is not None
    assert planted_causes.recoveries(trained.champion, table, trained.company) == []


def test_the_command_states_the_figures_of_a_registered_model(
    trained: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["planted_causes", "--company", str(trained.company.folder)]
    monkeypatch.setattr(sys, "argv", given)
    assert planted_causes.main() == 5
    assert "no planted cause to look for" in capsys.readouterr().err
