"""The certificate of explanations: computed at training, stored, and honest where it failed."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from trained_company import TARGET, House, built, learning_dates
from training import certificate
from training.artifact import Artifact
from training.calibrating.calibration import Calibration
from training.learning import model
from training.procedure import as_rows, labelled
from training.records.evaluation import Certificate, CertificateCheck
from training.summary import of_company


def made(artifact: Artifact) -> Certificate:
    assert artifact.evaluation.certificate is not None
    return artifact.evaluation.certificate


def check(artifact: Artifact, name: str) -> CertificateCheck:
    (found,) = [item for item in made(artifact).checks if item.name == name]
    return found


def share(artifact: Artifact, name: str) -> float:
    value = check(artifact, name).value
    assert value is not None
    return value


def rows(house: House) -> Any:
    company = house.company
    table = labelled(built(company, *learning_dates(company)), company, TARGET)
    return as_rows(table, house.trained.artifact.features, company, TARGET)


def test_a_trained_artifact_has_its_certificate_and_keeps_it(
    trained: House, tmp_path: Path
) -> None:
    own = trained.trained.artifact
    names = [item.name for item in made(own).checks]
    assert names == ["additivity", "agreement", "fidelity", "stability"]
    assert share(own, "additivity") <= 1e-9
    assert share(own, "agreement") <= 1e-10
    assert check(own, "fidelity").cases > 50
    own.save(tmp_path / "saved")
    assert Artifact.load(tmp_path / "saved").evaluation == own.evaluation


def test_the_certificate_decides_no_score_and_is_the_same_twice(trained: House) -> None:
    own, fitted = trained.trained.artifact, rows(trained)
    again = certificate.certified(own, fitted)
    assert again.digest == own.digest
    assert made(again) == made(own)


def test_a_model_turned_around_is_not_faithful_to_its_drivers(trained: House) -> None:
    own, fitted = trained.trained.artifact, rows(trained)

    class Turned(Artifact):
        """As one whose explanations had the wrong sign."""

        def contributions(self, X: Any, threads: int = 1) -> Any:
            """The bias as it is, everything else turned."""
            found = super().contributions(X, threads)
            found[:, :-1] *= -1
            return found

    plain = {item.name: getattr(own, item.name) for item in dataclasses.fields(own)}
    found = certificate.certified(Turned(**plain), fitted)
    assert not made(found).passed
    failed = {item.name for item in made(found).failed}
    assert {"additivity", "agreement", "fidelity"} <= failed


def test_what_is_missed_is_said_in_the_summary(trained: House) -> None:
    own = trained.trained
    missed = CertificateCheck.share("stability", "the share with x", np.array([True, False]), 0.9)
    told = Certificate("2025-01-01", (missed,))
    evaluation = dataclasses.replace(own.artifact.evaluation, certificate=told)
    artifact = own.artifact.with_evaluation(evaluation)
    line = (
        "explanation check stability failed in 2 cases: the share with x is 0.5 "
        "(target: at least 0.9)"
    )
    assert line in of_company(dataclasses.replace(own, artifact=artifact))


def test_no_case_is_neither_passed_nor_missed() -> None:
    found = CertificateCheck.share("fidelity", "x", np.zeros(0, dtype=np.bool_), 0.95)
    assert (found.value, found.passed, found.cases) == (None, None, 0)


def card_alone(house: House, penalty: float) -> Artifact:
    """The scorecard of the same rows alone, so much shrunken."""
    training = house.trained.artifact.training
    model_settings = dataclasses.replace(
        training.model_settings, share=0.0, rounds=0, penalty=penalty
    )
    found = model.fit_model(rows(house), model_settings)
    alone = dataclasses.replace(
        house.trained.artifact,
        models=(),
        scorecard=found.scorecard,
        calibration=Calibration(1.0, 0.0, 400, 100),
    )
    return alone.with_training(dataclasses.replace(training, model_settings=model_settings))


def test_of_a_scorecard_is_asked_what_could_turn_out_otherwise(trained: House) -> None:
    found = certificate.certified(card_alone(trained, 10.0), rows(trained))
    assert (check(found, "agreement").cases, check(found, "agreement").passed) == (0, None)
    assert 0 < share(found, "stability") < 1
    assert "half of the accounts" in check(found, "stability").says
