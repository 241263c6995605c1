"""The registry on a real SQLite store: what is logged, where aliases stand, what is refused."""

import contextlib
import dataclasses
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from features.errors import ChurnlightError, GateRefused, NotFound
from features.settings import Settings
from serving import batch
from serving.assess import assess
from trained_company import TARGET, House, built
from training import tracking
from training.artifact import Artifact, DamagedArtifact, champion

NAME = "small-shop-churn"


@dataclass(frozen=True, repr=False)
class Registry:
    """What one training left in the store."""

    client: Any
    run: Any
    version: Any


@pytest.fixture(scope="module")
def registry(trained: House) -> Iterator[Registry]:
    with tracking.client(trained.company, trained.settings) as mlflow:
        client = mlflow.MlflowClient()
        yield Registry(
            client,
            client.get_run(trained.trained.run_id),
            client.get_model_version(NAME, trained.trained.version),
        )


@pytest.fixture
def own(trained: House, tmp_path: Path) -> House:
    """The company with a registry of its own, in which version 1 is champion and challenger."""
    house = trained.copy(tmp_path / "own")
    shutil.copy(trained.workspace / "mlflow.db", house.workspace / "mlflow.db")
    return house


def aliases(house: House) -> dict[str, str]:
    with tracking.client(house.company, house.settings) as mlflow:
        found = mlflow.MlflowClient().get_registered_model(NAME).aliases
    return {name: str(version) for name, version in found.items()}


def another(artifact: Artifact, **changes: Any) -> Artifact:
    return dataclasses.replace(artifact, min_history_days=artifact.min_history_days + 1, **changes)


# What is logged


def test_the_run_says_what_was_done(trained: House, registry: Registry) -> None:
    artifact, params = trained.trained.artifact, registry.run.data.params
    assert registry.run.info.status == "FINISHED"
    assert params["target"] == TARGET
    assert params["as_of"].split(",") == artifact.training["as_of"]
    assert (params["horizon_days"], params["gap_days"]) == ("60", "0")
    assert params["leaves"] == str(artifact.training["restraint"]["leaves"])
    assert params["rounds"] == str(artifact.training["restraint"]["rounds"])


def test_the_run_says_how_good_it_was(trained: House, registry: Registry) -> None:
    judged, metrics = trained.trained.artifact.evaluation, registry.run.data.metrics
    for name in ("auc", "log_loss", "gain_over_base_rate"):
        assert metrics[name] == pytest.approx(judged[name]["value"])
    assert metrics["ece"] == pytest.approx(judged["ece"])
    assert metrics["rows"] == judged["rows"]
    logged = [item.path for item in registry.client.list_artifacts(trained.trained.run_id)]
    assert "evaluation.json" in logged


def test_run_and_version_carry_the_same_tags(trained: House, registry: Registry) -> None:
    artifact = trained.trained.artifact
    wanted = {
        "model_digest": artifact.digest,
        "declaration_hash": trained.company.declaration_hash,
        "data_digest": artifact.training["data_digest"],
        "evaluated_on": f"later as-of date, {artifact.evaluation['as_of']}",
    }
    for tags in (registry.run.data.tags, registry.version.tags):
        assert wanted.items() <= tags.items()
        assert "expiry" in tags


def test_the_version_is_registered_with_its_run(trained: House, registry: Registry) -> None:
    assert trained.trained.name == NAME
    assert registry.version.run_id == trained.trained.run_id
    assert aliases(trained) == {"challenger": "1", "champion": "1"}


def test_the_registered_artifact_is_the_one_that_was_trained(trained: House) -> None:
    found = tracking.fetch(trained.company, TARGET, "champion", trained.settings)
    assert found.digest == trained.trained.artifact.digest == trained.champion.digest
    assert (found.name, found.version) == (NAME, "1")
    assert found.evaluation == trained.trained.artifact.evaluation


@pytest.fixture
def paths() -> Iterator[None]:
    """MLflow puts a loaded model's code on the path; take it off again."""
    before = list(sys.path)
    yield
    sys.path[:] = before


@pytest.mark.usefixtures("paths")
def test_the_pyfunc_model_agrees_with_batch_scores(trained: House) -> None:
    rows = built(trained.company).table
    scored = assess(rows, trained.champion, trained.company)
    with tracking.client(trained.company, trained.settings) as mlflow:
        model = mlflow.pyfunc.load_model(f"models:/{NAME}@champion")
        frame = rows.select([item.name for item in trained.champion.features]).to_pandas()
        answered = model.predict(frame)
    assert list(answered.columns) == ["churn_probability", "health_score"]
    assert len(answered) == len(scored)
    compared = 0
    for item, found in zip(scored, answered.to_dict("records"), strict=True):
        if item.band != "unscored":
            compared += 1
            assert found["churn_probability"] == pytest.approx(item.churn_probability, abs=1e-12)
            assert found["health_score"] == pytest.approx(item.health_score, abs=1e-9)
    assert compared > 50


# Aliases


def test_promoting_moves_the_aliases_on(own: House) -> None:
    company, settings = own.company, own.settings
    second = another(own.trained.artifact)
    name, version, _ = tracking.register(second, company, settings)
    assert (name, version) == (NAME, "2")
    assert aliases(own) == {"challenger": "2", "champion": "1"}
    assert champion(own.workspace, TARGET).version == "1"

    promoted = tracking.promote(company, TARGET, settings=settings)
    assert promoted.digest == second.digest
    assert aliases(own) == {"challenger": "2", "champion": "2", "previous": "1"}
    assert champion(own.workspace, TARGET) == promoted

    tracking.promote(company, TARGET, settings=settings)  # the same again changes nothing
    assert aliases(own) == {"challenger": "2", "champion": "2", "previous": "1"}

    back = tracking.promote(company, TARGET, "previous", settings=settings)
    assert back.version == "1"
    assert aliases(own) == {"challenger": "2", "champion": "1", "previous": "2"}


def test_a_model_without_skill_is_not_promoted(own: House) -> None:
    judged = own.trained.artifact.evaluation
    poor = {"value": 0.001, "low": -0.01, "high": 0.012}
    worse = another(own.trained.artifact, evaluation=judged | {"gain_over_base_rate": poor})
    tracking.register(worse, own.company, own.settings)
    told = r"version 2 is not promoted: .* by 0\.0010 \(-0\.0100 to 0\.0120\), which may be nothing"
    with pytest.raises(GateRefused, match=told) as caught:
        tracking.promote(own.company, TARGET, settings=own.settings)
    assert caught.value.exit_code == 4
    assert aliases(own)["champion"] == "1"
    assert champion(own.workspace, TARGET) == own.champion


def test_skill_that_is_not_known_is_no_skill(trained: House) -> None:
    nothing = dict.fromkeys(("value", "low", "high"))
    judged = trained.trained.artifact.evaluation | {"gain_over_base_rate": nothing}
    with pytest.raises(GateRefused, match="by an unknown amount"):
        tracking.require_skill(dataclasses.replace(trained.trained.artifact, evaluation=judged))


@pytest.mark.parametrize(
    ("baseline", "found", "told"),
    [
        (
            "tenure alone",
            (-0.001, -0.01, 0.01),
            "no better than tenure alone: on .* by -0.00",
        ),
        ("logistic regression on the same columns", (-0.02, -0.03, -0.01), "no better than logi"),
        ("tenure alone", (0.001, -0.01, 0.01), None),
        ("logistic regression on the same columns", (-0.001, -0.01, 0.01), None),
    ],
)
def test_what_something_simpler_does_as_well_is_not_promoted(
    baseline: str, found: tuple[float, ...], told: str | None, trained: House
) -> None:
    beside = {"baseline": baseline, **dict(zip(("value", "low", "high"), found, strict=True))}
    judged = trained.trained.artifact.evaluation | {"baselines": [beside]}
    artifact = dataclasses.replace(trained.trained.artifact, evaluation=judged)
    with pytest.raises(GateRefused, match=told) if told else contextlib.nullcontext():
        tracking.require_skill(artifact)


@pytest.mark.parametrize("wanted", ["7", "nobody", "previous"])
def test_a_model_that_is_not_there_is_not_found(wanted: str, trained: House) -> None:
    with pytest.raises(NotFound, match=f"no model {NAME} with alias or version '{wanted}'"):
        batch.score(trained.company, model=wanted, settings=trained.settings)


def test_a_registered_artifact_that_was_changed_is_refused(own: House) -> None:
    tracking.register(another(own.trained.artifact), own.company, own.settings)
    with tracking.client(own.company, own.settings) as mlflow:
        where = mlflow.artifacts.download_artifacts(f"models:/{NAME}@challenger")
    (text,) = Path(where).rglob("model-0.txt")
    text.write_text(text.read_text("utf-8").replace("shrinkage=", "shrinkage=1"), "utf-8")
    with pytest.raises(DamagedArtifact, match=r"model-0\.txt changed or missing since training"):
        tracking.fetch(own.company, TARGET, "challenger", own.settings)


# A store that cannot be used


def test_a_dead_tracking_server_is_told_within_seconds(trained: House, free_port: int) -> None:
    settings = Settings(tracking_uri=f"http://127.0.0.1:{free_port}")
    began = time.monotonic()
    with pytest.raises(ChurnlightError, match=r"server cannot be used: .*; check CHURNLIGHT_T"):
        tracking.fetch(trained.company, TARGET, "champion", settings)
    assert time.monotonic() - began < 30


def test_a_damaged_store_is_told(own: House) -> None:
    (own.workspace / "mlflow.db").write_bytes(b"no database" * 1000)
    told = r"the tracking store cannot be used: .*not a database; restore .*mlflow\.db, or remove"
    with pytest.raises(ChurnlightError, match=told):
        tracking.fetch(own.company, TARGET, "champion", own.settings)


@pytest.mark.parametrize(
    ("company", "name"),
    [
        ("Small Shop", "small-shop-churn"),
        ("  Bücher & Co. / 7 ", "bücher--co--7-churn"),
        ("???", "company-churn"),
    ],
)
def test_names_of_the_registry(company: str, name: str, trained: House) -> None:
    about = trained.company.company.model_copy(update={"name": company})
    named = trained.company.model_copy(update={"company": about})
    assert tracking.model_name(named, TARGET) == name
