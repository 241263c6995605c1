"""The certificate of explanations: computed at training, stored, and honest where it is missed."""

import dataclasses
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.declaring.declaration import load
from serving.assessment.assess import assess
from trained_company import TARGET, House, built, learning_dates
from training import certificate, planted
from training.artifact import Artifact
from training.calibrating.calibration import Calibration
from training.calibrating.opportunity import Edge
from training.certificate import Check
from training.learning import model
from training.learning.model import Restraint
from training.procedure import as_rows, labelled
from training.train import summary


def check(artifact: Artifact, name: str) -> dict[str, Any]:
    checks = artifact.evaluation["certificate"]["checks"]
    (found,) = [item for item in checks if item["name"] == name]
    return dict(found)


def rows(house: House) -> Any:
    company = house.company
    table = labelled(built(company, *learning_dates(company)), company, TARGET)
    return as_rows(table, house.trained.artifact.features, company, TARGET)


def test_a_trained_artifact_has_its_certificate_and_keeps_it(
    trained: House, tmp_path: Path
) -> None:
    own = trained.trained.artifact
    names = [item["name"] for item in own.evaluation["certificate"]["checks"]]
    assert names == ["additivity", "agreement", "fidelity", "fidelity to the usual", "stability"]
    assert check(own, "additivity")["value"] <= 1e-9
    assert check(own, "agreement")["value"] <= 1e-10
    assert check(own, "fidelity")["cases"] > 50
    own.save(tmp_path / "saved")
    assert Artifact.load(tmp_path / "saved").evaluation == own.evaluation
    json.dumps(own.evaluation["certificate"], allow_nan=False)


def test_the_certificate_decides_no_score_and_is_the_same_twice(trained: House) -> None:
    own, learnt = trained.trained.artifact, rows(trained)
    again = certificate.certified(own, learnt)
    assert again.digest == own.digest
    assert again.evaluation["certificate"] == own.evaluation["certificate"]


def test_a_model_turned_around_is_not_faithful_to_its_drivers(trained: House) -> None:
    own, learnt = trained.trained.artifact, rows(trained)

    class Turned(Artifact):
        """As one whose explanations had the wrong sign."""

        def contributions(self, X: Any, threads: int = 1) -> Any:
            """The bias as it is, everything else turned."""
            found = super().contributions(X, threads)
            found[:, :-1] *= -1
            return found

    plain = {item.name: getattr(own, item.name) for item in dataclasses.fields(own)}
    found = certificate.certified(Turned(**plain), learnt)
    assert not found.evaluation["certificate"]["passed"]
    missed = [
        item["name"] for item in found.evaluation["certificate"]["checks"] if not item["passed"]
    ]
    assert {"additivity", "agreement", "fidelity", "fidelity to the usual"} <= set(missed)


def test_what_is_missed_is_said_in_the_summary(trained: House) -> None:
    own = trained.trained
    missed = Check.share("stability", "the share with x", np.array([True, False]), 0.9)
    told = {"as_of": "2025-01-01", "checks": [asdict(missed)], "passed": False}
    evaluation = own.artifact.evaluation | {"certificate": told}
    artifact = dataclasses.replace(own.artifact, evaluation=evaluation)
    line = (
        "explanations, stability missed: the share with x is 0.5 of 2 cases, at least 0.9 is wanted"
    )
    assert line in summary(dataclasses.replace(own, artifact=artifact))


def test_no_case_is_neither_passed_nor_missed() -> None:
    found = Check.share("fidelity", "x", np.zeros(0, dtype=np.bool_), 0.95)
    assert (found.value, found.passed, found.cases) == (None, None, 0)


def card_alone(house: House, penalty: float) -> Artifact:
    """The scorecard of the same rows alone, so much shrunken."""
    restraint = Restraint(**house.trained.artifact.training["restraint"])
    restraint = dataclasses.replace(restraint, share=0.0, rounds=0, penalty=penalty)
    found = model.fit(rows(house), restraint)
    return dataclasses.replace(
        house.trained.artifact,
        models=(),
        scorecard=found.scorecard,
        calibration=Calibration(1.0, 0.0, 400, 100),
        training=house.trained.artifact.training | {"restraint": asdict(restraint)},
    )


def test_of_a_scorecard_is_asked_what_could_turn_out_otherwise(trained: House) -> None:
    found = certificate.certified(card_alone(trained, 10.0), rows(trained))
    assert (check(found, "agreement")["cases"], check(found, "agreement")["passed"]) == (0, None)
    assert 0 < check(found, "stability")["value"] < 1
    assert "half of the accounts" in check(found, "stability")["says"]
    assert 0 < check(found, "fidelity to the usual")["value"] < 1


# Planted causes


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
    pq.write_table(pa.Table.from_pylist([key | cause for key in keys]), folder / planted.CAUSES)
    pq.write_table(pa.Table.from_pylist(truth), folder / planted.PROBABILITY)


def usual(house: House) -> Any:
    """The usual number of tickets."""
    return next(item.usual for item in house.champion.features if item.name == "tickets__90d")


def taught(house: House) -> pa.Table:
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
    unmeasured = artifact.evaluation | {"lead_times": {}}
    return dataclasses.replace(artifact, meanings=others | kept, evaluation=unmeasured)


def test_a_planted_cause_is_found_where_its_indicator_is_the_first_reason(
    simulated: House,
) -> None:
    artifact, table = simulated.champion, taught(simulated)
    plant(simulated, table, "tickets", 0.6)
    (found,) = planted.checks(artifact, table, simulated.company)
    values = table["tickets__90d"].to_numpy()
    raised, known = values > usual(simulated), values != usual(simulated)
    is_first = np.array(first_reasons(simulated, table)) == "tickets"
    assert found.cases == raised.sum() > 100
    assert found.value == pytest.approx(is_first[raised].mean())
    assert found.passed == (is_first[raised].mean() >= 0.95)
    told = f"(told in {raised.sum():,} of {known.sum():,}, of which {is_first[known].sum():,} have"
    assert told in found.says


def test_the_first_reason_is_a_leading_one(simulated: House) -> None:
    artifact, table = simulated.champion, taught(simulated)
    plant(simulated, table, "tickets", 0.6)
    shares = [
        planted.checks(only_leading(artifact, name), table, simulated.company)[0].value
        for name in ("tickets", "visits")
    ]
    assert shares == [1.0, 0.0]


def test_what_the_facts_do_not_tell_to_carry_the_risk_is_no_case(simulated: House) -> None:
    artifact, table = simulated.champion, taught(simulated)
    plant(simulated, table, "tickets", 0.6)
    path = simulated.company.folder / "truth" / planted.PROBABILITY
    same = pa.array(np.full(table.num_rows, 0.1))
    sealed = pq.read_table(path).drop_columns("churn_probability")
    pq.write_table(sealed.append_column("churn_probability", same), path)
    assert planted.checks(artifact, table, simulated.company) == []


def test_the_indicator_that_keeps_to_the_planted_rows_is_asked_before_its_whole_source(
    simulated: House,
) -> None:
    artifact, table = simulated.champion, taught(simulated)
    plant(simulated, table, "tickets", 0.6, "topic  <>  'praise'")
    assert len(planted.checks(artifact, table, simulated.company)) == 1
    plant(simulated, table, "visits", 0.6, "topic = 'none'")
    assert planted.checks(artifact, table, simulated.company) == []


def test_without_a_case_or_with_several_indicators_of_the_source_nothing_is_checked(
    simulated: House,
) -> None:
    artifact, table = simulated.champion, taught(simulated)
    plant(simulated, table, "tickets", 0.4)
    assert planted.checks(artifact, table, simulated.company) == []
    plant(simulated, table, "visits", 0.9)
    assert planted.checks(artifact, table, simulated.company) == []


def test_causes_of_leaving_are_not_asked_of_an_opportunity(simulated: House) -> None:
    artifact, table = simulated.champion, taught(simulated)
    plant(simulated, table, "tickets", 0.6)
    opportunity = dataclasses.replace(artifact, anchors=Edge(0.4, "declared"))
    assert not opportunity.adverse
    assert planted.checks(opportunity, table, simulated.company) == []


def test_a_real_company_has_no_sealed_truth(trained: House, simulated: House) -> None:
    table = taught(trained)
    plant(simulated, table, "tickets", 0.9)
    assert planted.sealed(trained.company) is None
    assert planted.sealed(simulated.company) is not None
    assert planted.checks(trained.champion, table, trained.company) == []
