"""The registry on a real SQLite store: what is logged, where aliases stand, what is refused."""

import dataclasses
import json
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import small_company
from command import churnlight
from features.declaring.declaration import load
from features.errors import ChurnlightError, GateRefused, NotFound
from features.settings import Settings
from serving.assessment.assess import assess
from serving.batch import scoring_run
from test_artifact import broken
from trained_company import TARGET, House, built
from training.artifact import Artifact
from training.champions import champion
from training.expiry import ExpiredModel
from training.learning.matrix import tabular
from training.learning.trials import FoldLosses, SearchTrial
from training.manifest import DamagedArtifact
from training.metrics.measured import Measured
from training.records.evaluation import Certificate, CertificateCheck, ChampionComparison
from training.registry import refusals, run_record, tracking
from training.train import train

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
    return trained.copy(tmp_path / "own", registry=True)


LATE = [date(2025, 10, 3)]


def test_a_refused_training_leaves_nothing_to_promote_and_that_is_said_at_once(
    tmp_path: Path,
) -> None:
    company = small_company.write(tmp_path / "shop")
    refused = churnlight("train", "--company", company.folder, "--as-of", LATE[0])
    assert refused.returncode == 4
    store = Settings().workspace_of(company) / "mlflow.db"
    assert not store.exists()
    done = churnlight("promote", "--company", company.folder)
    assert done.returncode == 5
    assert (
        "nothing to promote: the last training was refused: target churn: outcomes" in done.stderr
    )
    assert not store.exists()  # it was said without the registry


def test_what_waits_to_be_promoted_outlives_a_refused_training(own: House) -> None:
    with pytest.raises(GateRefused):
        train(own.company, LATE, settings=own.settings)
    refusals.require_any_model(own.company, [TARGET], own.settings)


def test_a_refusal_is_kept_until_a_model_is_registered(own: House) -> None:
    refusals.keep(own.company, TARGET, "too few", own.settings)
    with pytest.raises(NotFound, match=r"refused: too few\. Train again"):
        refusals.require_any_model(own.company, [TARGET], own.settings)
    refusals.require_any_model(own.company, [TARGET, "growth"], own.settings)
    refusals.forget(own.company, TARGET, own.settings)
    refusals.require_any_model(own.company, [TARGET], own.settings)


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
    assert params["as_of"].split(",") == list(artifact.training.as_of)
    assert (params["horizon_days"], params["gap_days"]) == ("60", "0")
    assert params["leaves"] == str(artifact.training.model_settings.leaves)
    assert params["rounds"] == str(artifact.training.model_settings.rounds)


def test_the_run_says_how_good_it_was(trained: House, registry: Registry) -> None:
    judged, metrics = trained.trained.artifact.evaluation, registry.run.data.metrics
    assert metrics["auc"] == pytest.approx(judged.quality.auc.value)
    assert metrics["log_loss"] == pytest.approx(judged.quality.log_loss.value)
    assert metrics["gain_over_base_rate"] == pytest.approx(judged.gain_over_base_rate.value)
    assert metrics["ece"] == pytest.approx(judged.quality.calibration.ece.value)
    assert metrics["rows"] == judged.quality.rows
    logged = [item.path for item in registry.client.list_artifacts(trained.trained.run_id)]
    assert "evaluation.json" in logged


def test_run_and_version_carry_the_same_tags(trained: House, registry: Registry) -> None:
    artifact = trained.trained.artifact
    wanted = {
        "model_digest": artifact.digest,
        "declaration_hash": trained.company.declaration_hash,
        "data_digest": artifact.training.data_digest,
        "evaluated_on": f"later as-of date, {artifact.evaluation.as_of}",
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


def test_the_run_says_how_good_it_was_by_segment_band_fold_and_trial(
    trained: House, registry: Registry
) -> None:
    artifact, metrics = trained.trained.artifact, registry.run.data.metrics
    judged = artifact.evaluation
    assert metrics["auc_low"] == pytest.approx(judged.quality.auc.low)
    for name in ("precision", "lift", "reach"):
        told = getattr(judged.value.at_capacity, name).value
        assert metrics[f"{name}_at_capacity"] == pytest.approx(told)
    for item in judged.segments:
        assert metrics[f"segment/{item.segment}/auc"] == pytest.approx(item.auc.value)
    assert judged.bands is not None
    assert metrics["band/green/accounts"] == judged.bands["green"].accounts
    history = registry.client.get_metric_history(trained.trained.run_id, "as_of/observed_rate")
    told_by_date = artifact.training.calibration_by_as_of
    assert [item.step for item in history] == list(range(len(told_by_date)))
    times = [registry.run.info.start_time, *(item.timestamp for item in history)]
    assert sorted(times) == times
    assert times[-1] <= registry.run.info.end_time
    assert [item.value for item in history] == [
        item.table.rates.observed_rate for item in told_by_date
    ]


def test_trials_and_folds_are_the_steps_of_a_metric(trained: House) -> None:
    artifact = trained.trained.artifact
    trial, fold = (
        SearchTrial(6, 0.1, 10.0, 40, 0.6, False, 0.5, 2),
        FoldLosses(("2025-01-01",), 9, 0.45, 0.5),
    )
    made = dataclasses.replace(
        artifact.training,
        trials=(trial, dataclasses.replace(trial, loss=0.4)),
        folds=(fold, dataclasses.replace(fold, loss=0.35)),
    )
    found = run_record.metrics(artifact.with_training(made))
    assert [item for item in found if item[0] in ("trial_log_loss", "fold_log_loss")] == [
        ("trial_log_loss", 0.5, 0),
        ("trial_log_loss", 0.4, 1),
        ("fold_log_loss", 0.45, 0),
        ("fold_log_loss", 0.35, 1),
    ]


def test_checks_that_found_something_and_the_first_of_many_dates_are_logged(
    trained: House,
) -> None:
    artifact = trained.trained.artifact
    unknown = dataclasses.replace(CertificateCheck.at_most("no rows", "", 0.0, 0.1, 0), value=None)
    checks = (CertificateCheck.at_most("sums add up", "", 1e-9, 1e-6, 40), unknown)
    judged = dataclasses.replace(artifact.evaluation, certificate=Certificate("", checks))
    days = tuple(f"2025-01-{day:02}" for day in range(1, 32)) * 2
    made = dataclasses.replace(artifact.training, as_of=days)
    logged = artifact.with_evaluation(judged).with_training(made)
    found = [item for item in run_record.metrics(logged) if item[0].startswith("certificate/")]
    assert found == [("certificate/sums add up", 1e-9, 0)]
    assert run_record.parameters(logged)["as_of"] == ",".join(days)[:500]


def test_any_segment_has_a_name_that_mlflow_accepts(own: House) -> None:
    artifact = own.trained.artifact
    names = ["Größe: > 10 / Jahr", "../x", "a.b", "50%", "two\nlines"]
    first = artifact.evaluation.segments[0]
    segments = tuple(dataclasses.replace(first, segment=name) for name in names)
    judged = dataclasses.replace(artifact.evaluation, segments=segments)
    made = another(artifact).with_evaluation(judged)
    _, _, run = tracking.register(made, own.company, own.settings)
    with tracking.client(own.company, own.settings) as mlflow:
        logged = mlflow.MlflowClient().get_run(run).data.metrics
    assert len([name for name in logged if name.endswith("/observed_rate")]) == len(names) + 1


def test_the_run_holds_what_people_read(trained: House, registry: Registry) -> None:
    run = trained.trained.run_id
    named = {item.path for item in registry.client.list_artifacts(run)}
    assert {"report.html", "model-card.md", "plots", "training.json", "lead-times.json"} <= named
    plots = {item.path for item in registry.client.list_artifacts(run, "plots")}
    assert {f"plots/{name}.svg" for name in ("reliability", "gains", "lift", "drivers")} <= plots
    digest = trained.trained.artifact.digest
    kept = tracking.report_of(trained.trained.artifact, trained.company, trained.settings)
    assert kept == trained.workspace / "reports" / TARGET / digest[:12] / "report.html"
    assert kept.is_file()


def test_the_run_names_its_data_without_a_row_of_it(trained: House, registry: Registry) -> None:
    artifact = trained.trained.artifact
    (used,) = registry.run.inputs.dataset_inputs
    assert artifact.training.data_digest.startswith(used.dataset.digest)
    tags = {item.key: item.value for item in used.tags}
    assert tags["rows"] == str(artifact.training.rows)
    assert tags["mlflow.data.context"] == "training"
    schema = json.loads(used.dataset.schema)["mlflow_colspec"]
    columns = [item["name"] for item in schema]
    named = [item.name for item in tabular(artifact.features)]
    assert columns == [*named, "history_days", f"label__{TARGET}"]
    known = built(trained.company).table["account_id"].to_pylist()
    told = f"{used.dataset.source} {used.dataset.profile} {tags}"
    assert not any(f'"{account}"' in told for account in known)


def test_the_run_names_the_commit_of_its_code(registry: Registry, tmp_path: Path) -> None:
    if (run_record.HOUSE / ".git").exists():
        assert re.match(r"[0-9a-f]{40}(-dirty)?$", registry.run.data.tags["git_commit"])
    assert run_record.git_commit(tmp_path) == ""


@pytest.mark.parametrize("same_store", [True, False])
def test_a_run_below_mlflow_run_is_its_child_where_both_are_in_one_store(
    same_store: bool, own: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = "0" * 32
    if same_store:
        with tracking.client(own.company, own.settings) as mlflow:
            parent = mlflow.MlflowClient().create_run("0").info.run_id
    monkeypatch.setenv("MLFLOW_RUN_ID", parent)
    _, _, run = tracking.register(own.trained.artifact, own.company, own.settings)
    with tracking.client(own.company, own.settings) as mlflow:
        found = mlflow.MlflowClient().get_run(run)
    assert run != parent
    assert found.data.tags.get("mlflow.parentRunId") == (parent if same_store else None)


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
        names = [item.name for item in tabular(trained.champion.features)]
        frame = rows.select([*names, "history_days"]).to_pandas()
        answered = model.predict(frame)
    ends = ["health_score_low", "health_score_high"]
    assert list(answered.columns) == ["churn_probability", "health_score", *ends]
    assert len(answered) == len(scored)
    compared = 0
    for item, found in zip(scored, answered.to_dict("records"), strict=True):
        if item.band != "unscored":
            compared += 1
            assert found["churn_probability"] == pytest.approx(item.churn_probability, abs=1e-12)
            for name in ("health_score", *ends):
                assert found[name] == pytest.approx(getattr(item, name), abs=1e-9)
    assert compared > 50


# Whose a model is


def test_a_company_whose_name_reads_alike_has_no_part_in_our_models(own: House) -> None:
    declared = own.company.folder / "churnlight.toml"
    text = declared.read_text("utf-8")
    assert 'name = "Small Shop"' in text
    declared.write_text(text.replace('name = "Small Shop"', 'name = "Small (Shop)"'), "utf-8")
    other = load(own.company.folder)
    assert tracking.model_name(other, TARGET) == NAME
    theirs = r"small-shop-churn belongs to the company 'Small Shop', not to 'Small \(Shop\)'"
    for verb in (
        lambda: tracking.require(other, own.settings),
        lambda: tracking.register(own.trained.artifact, other, own.settings),
        lambda: tracking.promote(other, TARGET, settings=own.settings),
    ):
        with pytest.raises(ChurnlightError, match=theirs):
            verb()
    assert aliases(own) == {"challenger": "1", "champion": "1"}


# Aliases


def test_promoting_moves_the_aliases_on(own: House) -> None:
    company, settings = own.company, own.settings
    second = another(own.trained.artifact)
    name, version, _ = tracking.register(second, company, settings)
    assert (name, version) == (NAME, "2")
    assert aliases(own) == {"challenger": "2", "champion": "1"}
    assert champion(own.workspace, TARGET).version == "1"

    with pytest.raises(GateRefused, match=r"\(churnlight review\) and promote with --review FILE"):
        tracking.promote(company, TARGET, settings=settings)
    assert aliases(own) == {"challenger": "2", "champion": "1"}

    promoted = tracking.promote(company, TARGET, settings=settings, reason="a test")
    assert promoted.digest == second.digest
    assert aliases(own) == {"challenger": "2", "champion": "2", "previous": "1"}
    assert champion(own.workspace, TARGET) == promoted

    tracking.promote(company, TARGET, settings=settings)  # the same again changes nothing
    assert aliases(own) == {"challenger": "2", "champion": "2", "previous": "1"}

    back = tracking.promote(company, TARGET, "previous", settings=settings, reason="back")
    assert back.version == "1"
    assert aliases(own) == {"challenger": "2", "champion": "1", "previous": "2"}


def test_a_refused_model_leaves_the_champion_in_its_place(own: House) -> None:
    judged = own.trained.artifact.evaluation
    poor = dataclasses.replace(judged, gain_over_base_rate=Measured(0.001, -0.01, 0.012))
    worse = another(own.trained.artifact).with_evaluation(poor)
    tracking.register(worse, own.company, own.settings)
    with pytest.raises(GateRefused, match="version 2 is not promoted"):
        tracking.promote(own.company, TARGET, settings=own.settings, reason="I insist")
    assert aliases(own) == {"challenger": "2", "champion": "1"}
    assert champion(own.workspace, TARGET) == own.champion


def test_what_scores_the_same_leaves_the_registry_as_it_is(own: House) -> None:
    tracking.register(own.trained.artifact, own.company, own.settings)
    told: list[str] = []
    found = tracking.promote(own.company, TARGET, settings=own.settings, progress=told.append)
    assert (found.digest, found.version) == (own.champion.digest, "1")
    assert told == [f"{NAME} version 1 is the champion already"]
    assert aliases(own) == {"challenger": "2", "champion": "1"}


def beside_champion(house: House, value: float, low: float, high: float) -> Artifact:
    """Another model, judged beside the champion of `house`."""
    measured = Measured(value, low, high)
    found = ChampionComparison("1", house.champion.digest, "", measured)
    judged = dataclasses.replace(house.trained.artifact.evaluation, champion=found)
    return another(house.trained.artifact).with_evaluation(judged)


def test_a_valid_champion_gives_way_for_a_reason_that_is_kept(own: House) -> None:
    tracking.register(beside_champion(own, 0.001, -0.01, 0.01), own.company, own.settings)
    with pytest.raises(GateRefused, match=r"champion, version 1 .* --review FILE or --reason TEXT"):
        tracking.promote(own.company, TARGET, settings=own.settings)
    assert aliases(own)["champion"] == "1"
    why = "the old one lacks the new plan"
    found = tracking.promote(own.company, TARGET, settings=own.settings, reason=why)
    assert found.version == "2"
    with tracking.client(own.company, own.settings) as mlflow:
        tags = mlflow.MlflowClient().get_model_version(NAME, "2").tags
    assert tags["promotion_reason"] == why


def test_the_registrys_champion_is_what_a_new_model_is_compared_with(
    own: House, tmp_path: Path
) -> None:
    found = tracking.champion_of(own.company, TARGET, own.settings)
    assert found is not None
    assert found.digest == own.champion.digest
    nowhere = Settings(workspace=str(tmp_path / "none"))
    assert tracking.champion_of(own.company, TARGET, nowhere) is None
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("wanted", ["7", "nobody", "previous"])
def test_a_model_that_is_not_there_is_not_found(wanted: str, trained: House) -> None:
    with pytest.raises(NotFound, match=f"no model {NAME} with alias or version '{wanted}'"):
        scoring_run.score(trained.company, model=wanted, settings=trained.settings)


def test_a_registered_artifact_that_was_changed_is_refused(own: House) -> None:
    tracking.register(another(own.trained.artifact), own.company, own.settings)
    with tracking.client(own.company, own.settings) as mlflow:
        where = mlflow.artifacts.download_artifacts(f"models:/{NAME}@challenger")
    (text,) = Path(where).rglob("model-0.txt")
    text.write_text(text.read_text("utf-8").replace("shrinkage=", "shrinkage=1"), "utf-8")
    with pytest.raises(DamagedArtifact, match=r"model-0\.txt changed or missing since training"):
        tracking.fetch(own.company, TARGET, "challenger", own.settings)


@pytest.mark.usefixtures("paths")
def test_a_text_that_would_end_the_process_ends_a_child_of_it_wherever_it_is_fetched(
    own: House,
) -> None:
    tracking.register(broken(own), own.company, own.settings)
    with pytest.raises(DamagedArtifact, match=r"cannot be loaded \(.*\); train the model again"):
        tracking.fetch(own.company, TARGET, "challenger", own.settings)
    with (
        tracking.client(own.company, own.settings) as mlflow,
        pytest.raises(DamagedArtifact, match="cannot be loaded"),
    ):
        mlflow.pyfunc.load_model(f"models:/{NAME}@challenger")


# When it has expired


def test_an_expired_model_is_warned_about_wherever_it_is_loaded(own: House) -> None:
    with tracking.client(own.company, own.settings) as mlflow:
        mlflow.MlflowClient().set_model_version_tag(NAME, "1", "expiry", "2020-01-31")
    told = f"model {NAME} version 1 expired on 2020-01-31; review it"
    with pytest.warns(ExpiredModel, match=told):
        tracking.fetch(own.company, TARGET, "champion", own.settings)
    with pytest.warns(ExpiredModel, match=told):
        tracking.promote(own.company, TARGET, "1", settings=own.settings)


def test_scores_long_after_a_models_data_are_warned_about(own: House) -> None:
    made = dataclasses.replace(own.champion.training, data_until="2020-01-01")
    folder = own.workspace / "old"
    own.champion.with_training(made).save(folder)
    with pytest.warns(ExpiredModel, match="was due for review after 2020-07-02: its data end on"):
        scoring_run.score(own.company, model=str(folder), settings=own.settings)


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
    about = trained.company.about.model_copy(update={"name": company})
    named = trained.company.model_copy(update={"about": about})
    assert tracking.model_name(named, TARGET) == name
