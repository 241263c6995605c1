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

from features.declaration import load
from serving.assess import assess
from trained_company import TARGET, House, built, learning_dates
from training import certificate, planted
from training.artifact import Artifact
from training.calibration import Calibration
from training.certificate import Check
from training.matrix import matrix
from training.opportunity import Edge
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
    assert names == ["additivity", "agreement", "fidelity", "stability"]
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
    assert {"additivity", "agreement", "fidelity"} <= set(missed)


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


def test_of_a_scorecard_no_seeds_are_drawn_and_none_are_called_stable(trained: House) -> None:
    own = dataclasses.replace(trained.trained.artifact, models=())
    own = dataclasses.replace(own, calibration=Calibration(1.0, 0.0, 400, 100))
    found = certificate.certified(own, rows(trained))
    assert (check(found, "stability")["cases"], check(found, "stability")["passed"]) == (0, None)
    assert check(found, "agreement")["value"] == 0.0


# Planted causes


@pytest.fixture(scope="module")
def simulated(trained: House, tmp_path_factory: pytest.TempPathFactory) -> House:
    """A copy that is declared to be simulated, and has sealed what it planted."""
    own = trained.copy(tmp_path_factory.mktemp("simulated") / "own")
    path = own.company.folder / "churnlight.toml"
    path.write_text(path.read_text("utf-8").replace("[company]", "[company]\nsimulated = true"))
    (own.company.folder / "truth").mkdir()
    return dataclasses.replace(own, company=load(own.company.folder))


def plant(house: House, table: pa.Table, source: str, share: float) -> None:
    """Seal, for every row, a cause that carries the same share and shows in one source."""
    rows = table.select(["account_id", "as_of"]).to_pylist()
    sealed = [row | {"cause": "silence", "source": source, "share": share} for row in rows]
    path = house.company.folder / "truth" / "planted.parquet"
    pq.write_table(pa.Table.from_pylist(sealed), path)


def taught(house: House) -> pa.Table:
    return labelled(built(house.company, *learning_dates(house.company)), house.company, TARGET)


def test_a_planted_cause_is_found_where_its_indicator_is_the_first_reason(
    simulated: House,
) -> None:
    artifact, table = simulated.champion, taught(simulated)
    plant(simulated, table, "tickets", 0.6)
    (found,) = planted.checks(artifact, table, simulated.company)
    X = matrix(table, artifact.features)
    place = [item.name for item in artifact.features].index("tickets__90d")
    assert found.cases == int((X[:, place] != artifact.features[place].usual).sum())
    said = assess(table, artifact, simulated.company)
    first = [
        min((d for d in item.drivers if d.kind != "context"), key=lambda d: d.points)
        for item, shown in zip(said, X[:, place] != artifact.features[place].usual, strict=True)
        if shown
    ]
    wanted = np.mean([driver.indicator == "tickets" for driver in first])
    assert found.value == pytest.approx(wanted)
    assert found.passed == (wanted >= 0.95)


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
