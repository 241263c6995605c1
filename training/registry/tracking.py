"""MLflow: every training is a run, every artifact a registered model version with aliases.

The store is a SQLite file in the company's workspace unless a tracking address is set. MLflow
is imported here and in the model's loading code only, and never by the service.
"""

import importlib.metadata
import os
import platform
import re
import sqlite3
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from features.declaring.company import Company
from features.errors import ChurnlightError, NotFound
from features.progress import Progress, silent
from features.settings import Settings
from training.artifact import Artifact, first_load
from training.champions import install_champion
from training.evaluating import gate
from training.expiry import ExpiredModel, expired
from training.manifest import DamagedArtifact
from training.registry import local_store, run_record
from training.registry.review_decision import ReviewDecision, ReviewedModel
from training.reporting import model_report

if TYPE_CHECKING:
    from mlflow import ActiveRun, MlflowClient
    from mlflow.entities.model_registry import RegisteredModel
    from mlflow.models import ModelSignature
    from mlflow.models.model import ModelInfo

ARTIFACT = "artifact"
# How many metrics MLflow takes at once.
BATCH = 1000
# The tag of a registered model that says which company's it is.
OWNER = "company"
PACKAGES = (
    "lightgbm",
    "mlflow",
    "numba",
    "numpy",
    "pandas",
    "pyarrow",
    "pydantic",
    "scipy",
    "threadpoolctl",
)
QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "15",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
}


@contextmanager
def client(company: Company, settings: Settings) -> Iterator[ModuleType]:
    """MLflow, pointed at the company's tracking store; its errors become ours.

    Raises
    ------
    ChurnlightError
        The store or server cannot be used.
    """
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    import mlflow
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    workspace = settings.workspace_of(company)
    workspace.mkdir(parents=True, exist_ok=True)
    uri = settings.tracking_uri or local_store.uri(workspace)
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    try:
        if not settings.tracking_uri:
            local_store.follow(workspace)
        _experiment(mlflow, company, workspace, settings)
        yield mlflow
    except (MlflowException, SQLAlchemyError, sqlite3.Error) as error:
        message = str(getattr(error, "message", error)).strip().splitlines()[0]
        message = re.sub(r"//[^/@\s]*@", "//…@", message)
        where, cure = (
            ("server", "check CHURNLIGHT_TRACKING_URI and that the server is up")
            if settings.tracking_uri
            else (
                "store",
                f"restore {workspace / local_store.DATABASE}, or remove it and train again",
            )
        )
        raise ChurnlightError(f"the tracking {where} cannot be used: {message}; {cure}") from error


def _experiment(mlflow: ModuleType, company: Company, workspace: Path, settings: Settings) -> None:
    name = company.about.name
    if mlflow.get_experiment_by_name(name) is None:
        files = None if settings.tracking_uri else local_store.files(workspace)
        mlflow.create_experiment(name, artifact_location=files)
    mlflow.set_experiment(name)


def require(company: Company, settings: Settings) -> None:
    """Raises ChurnlightError unless the store will take the models, before a long training."""
    with client(company, settings) as mlflow:
        for target in company.targets:
            _registered(mlflow.MlflowClient(), model_name(company, target), company)


def model_name(company: Company, target: str) -> str:
    """The registry's name for the models of a company's target."""
    words = "-".join(company.about.name.lower().split())
    kept = "".join(letter for letter in words if letter.isalnum() or letter in "-_")
    return f"{kept or 'company'}-{target}"


def register(artifact: Artifact, company: Company, settings: Settings) -> tuple[str, str, str]:
    """Logs the artifact as a run and a model version; returns its name, version and run id."""
    name = model_name(company, artifact.target)
    tags = run_record.tags(artifact)
    with client(company, settings) as mlflow:
        registry = mlflow.MlflowClient()
        _registered(registry, name, company)
        with _run(mlflow, company) as run:
            _log(mlflow, run.info.run_id, artifact, name)
            run_record.write_files(artifact, reports_folder(artifact, company, settings))
            mlflow.log_artifacts(str(reports_folder(artifact, company, settings)))
            with tempfile.TemporaryDirectory(prefix="churnlight-") as temporary:
                artifact.save(Path(temporary) / ARTIFACT)
                logged = _log_model(mlflow, artifact, Path(temporary) / ARTIFACT, tags["expiry"])
            version = _add_version(registry, name, company, logged, tags)
            return name, version, run.info.run_id


def reports_folder(artifact: Artifact, company: Company, settings: Settings) -> Path:
    """Where the report, the model card and the plots of a trained model are kept for people."""
    folder = settings.workspace_of(company) / "reports" / artifact.target
    return folder / artifact.digest[:12]


def report_of(artifact: Artifact, company: Company, settings: Settings) -> Path:
    """The report of a trained model, a page that needs nothing beside itself."""
    return reports_folder(artifact, company, settings) / model_report.REPORT


@contextmanager
def _run(mlflow: ModuleType, company: Company) -> Iterator["ActiveRun"]:
    """A run of our own; below the one of `mlflow run` where that is in the same store.

    Its parameters are the words of the command line, which are not the model's.
    """
    registry = mlflow.MlflowClient()
    experiment = mlflow.get_experiment_by_name(company.about.name)
    parent = os.environ.get("MLFLOW_RUN_ID")
    tags = {"mlflow.parentRunId": parent} if parent and _has_run(registry, parent) else {}
    made = registry.create_run(experiment.experiment_id, tags=tags)
    with mlflow.start_run(run_id=made.info.run_id) as run:
        yield run


def _has_run(registry: "MlflowClient", run_id: str) -> bool:
    """Whether the store has that run; its address says nothing, for MLflow has set it to ours."""
    from mlflow.exceptions import MlflowException

    try:
        registry.get_run(run_id)
    except MlflowException:
        return False
    return True


def _log(mlflow: ModuleType, run_id: str, artifact: Artifact, name: str) -> None:
    """Parameters, metrics, tags and dataset of the run."""
    from mlflow.entities import Metric, Param, RunTag

    now = int(datetime.now(UTC).timestamp() * 1000)
    logged = [Metric(key, value, now, step) for key, value, step in run_record.metrics(artifact)]
    parameters = [Param(key, str(value)) for key, value in run_record.parameters(artifact).items()]
    tags = [RunTag(key, value) for key, value in run_record.tags(artifact).items()]
    registry = mlflow.MlflowClient()
    for start in range(0, len(logged), BATCH):
        registry.log_batch(run_id, metrics=logged[start : start + BATCH])
    registry.log_batch(run_id, params=parameters, tags=tags)
    training_data, counts = run_record.dataset(artifact, name)
    mlflow.log_input(training_data, context="training", tags=counts)


def _log_model(mlflow: ModuleType, artifact: Artifact, folder: Path, expiry: str) -> "ModelInfo":
    house = Path(__file__).parents[2]
    with warnings.catch_warnings():
        # MLflow offers to check the signature against an example; ours is written by hand.
        warnings.filterwarnings("ignore", ".*input example was not provided", UserWarning)
        logged: ModelInfo = mlflow.pyfunc.log_model(
            name="model",
            python_model=str(Path(__file__).parent / "pyfunc_model.py"),
            artifacts={ARTIFACT: str(folder)},
            code_paths=[str(house / room) for room in ("features", "training")],
            conda_env=_environment(),
            signature=_signature(artifact),
            model_config={"expiry": expiry},
        )
    return logged


def _environment() -> dict[str, object]:
    """The packages that the model's own code needs, at the versions that trained it."""
    packages = [f"{name}=={importlib.metadata.version(name)}" for name in PACKAGES]
    python = f"python={platform.python_version()}"
    return {"name": "churnlight", "dependencies": [python, "pip", {"pip": packages}]}


def _add_version(
    registry: "MlflowClient",
    name: str,
    company: Company,
    logged: "ModelInfo",
    tags: dict[str, str],
) -> str:
    """A new version of the registered model `name`, from now on its challenger."""
    if _registered(registry, name, company) is None:
        registry.create_registered_model(name, tags={OWNER: company.about.name})
    added = registry.create_model_version(
        name, logged.model_uri, logged.run_id, tags=tags, model_id=logged.model_id
    )
    registry.set_registered_model_alias(name, "challenger", added.version)
    return str(added.version)


def _registered(registry: "MlflowClient", name: str, company: Company) -> "RegisteredModel | None":
    """The registered model of that name, if there is one.

    Raises
    ------
    ChurnlightError
        It is another company's, whose name only reads alike.
    """
    found = registry.search_registered_models(f"name = '{name}'")
    if not found:
        return None
    owner = found[0].tags.get(OWNER)
    if owner != company.about.name:
        whose = f"the company {owner!r}" if owner else "no company that it names"
        raise ChurnlightError(
            f"the registered model {name} belongs to {whose}, not to {company.about.name!r}: give "
            "one of them another [company] name, or a tracking store of its own "
            "(CHURNLIGHT_TRACKING_URI)"
        )
    return found[0]


def _signature(artifact: Artifact) -> "ModelSignature":
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema, TensorSpec

    outputs: list[ColSpec | TensorSpec] = [
        ColSpec(DataType.double, name) for name in artifact.output_names
    ]
    return ModelSignature(inputs=Schema(run_record.inputs(artifact)), outputs=Schema(outputs))


def has_challenger(company: Company, target: str, settings: Settings) -> bool:
    """Whether a model of the target waits to be promoted."""
    if not _has_store(company, settings):
        return False
    name = model_name(company, target)
    with client(company, settings) as mlflow:
        registered = _registered(mlflow.MlflowClient(), name, company)
        return registered is not None and "challenger" in registered.aliases


def fetch(company: Company, target: str, version: str, settings: Settings) -> Artifact:
    """The registered artifact of that `version`, which may also be an alias.

    Warns (`ExpiredModel`) when its day of expiry has passed.

    Raises
    ------
    NotFound
        The registry has no such alias or version.
    """
    from mlflow.exceptions import MlflowException

    name = model_name(company, target)
    with client(company, settings) as mlflow:
        registry = mlflow.MlflowClient()
        _registered(registry, name, company)
        try:
            registered = (
                registry.get_model_version(name, version)
                if version.isdigit()
                else registry.get_model_version_by_alias(name, version)
            )
        except MlflowException as error:
            raise NotFound(
                f"the registry has no model {name} with alias or version {version!r}; run "
                "churnlight train, or name one that it has"
            ) from error
        with tempfile.TemporaryDirectory(prefix="churnlight-") as temporary:
            local = mlflow.artifacts.download_artifacts(
                artifact_uri=f"models:/{name}/{registered.version}", dst_path=temporary
            )
            stored = Path(local) / "artifacts" / ARTIFACT
            artifact = first_load(stored, name=name, version=str(registered.version)).in_memory()
    if artifact.digest != registered.tags.get("model_digest"):
        raise ChurnlightError(
            f"model {name} version {registered.version} has changed since it was registered: its "
            f"digest is {artifact.digest}; train it again"
        )
    if warning := expired(artifact, registered.tags.get("expiry"), datetime.now(UTC).date()):
        warnings.warn(warning, ExpiredModel, stacklevel=2)
    return artifact


def promote(  # noqa: PLR0913 (one for each option)
    company: Company,
    target: str,
    version: str = "challenger",
    *,
    settings: Settings | None = None,
    reason: str = "",
    review: ReviewDecision | None = None,
    progress: Progress = silent,
) -> Artifact:
    """Makes a registered model the champion; the champion before it becomes `previous`.

    A model with the champion's digest leaves the registry as it is.

    Parameters
    ----------
    reason : str
        Why a model that is not better than the champion replaces it; kept as the version's tag
        `promotion_reason`. It overrides no other rule.
    review : ReviewDecision, optional
        The verdict of a review of these two models, which then decides between them instead of
        training's own comparison; kept as the version's tag `promotion_review`.

    Raises
    ------
    GateRefused
        The model is not significantly better where it must be (see `training.evaluating.gate`),
        or the review keeps the champion.
    DeclarationError
        The review is of other models.
    """
    settings, reason = settings or Settings.read(), reason.strip()
    if review:
        review.require_target(target)
        if not reason:
            review.require_promotion()
    artifact = fetch(company, target, version, settings)
    before = _standing(company, artifact.name, settings)
    if before and before.digest == artifact.digest:
        progress(f"{artifact.name} version {before.version} is the champion already")
        if before.version != artifact.version:
            artifact = fetch(company, target, before.version, settings)
        install_champion(artifact, settings.workspace_of(company))
        return artifact
    gate.require_skill(artifact)
    if review:
        _require_reviewed(review, artifact, before)
    elif before and not reason:
        gate.require_better(artifact, before, datetime.now(UTC).date())
    install_champion(artifact, settings.workspace_of(company))
    why = {"promotion_reason": reason, "promotion_review": review.summary if review else ""}
    _move_aliases(company, artifact, before, settings, why)
    return artifact


def _require_reviewed(
    review: ReviewDecision, artifact: Artifact, before: gate.Standing | None
) -> None:
    """Raises DeclarationError unless the review is of these two models and their rows."""
    data = artifact.training.data_digest
    challenger = ReviewedModel(version=artifact.version, digest=artifact.digest, data_digest=data)
    champion = None
    if before:
        champion = ReviewedModel(
            version=before.version, digest=before.digest, data_digest=before.data_digest
        )
    review.require_of(champion, challenger)


def _standing(company: Company, name: str, settings: Settings) -> gate.Standing | None:
    """The champion that the registry names, if any."""
    with client(company, settings) as mlflow:
        registry = mlflow.MlflowClient()
        version = registry.get_registered_model(name).aliases.get("champion")
        if version is None:
            return None
        tags = registry.get_model_version(name, version).tags
    expiry = date.fromisoformat(tags["expiry"])
    return gate.Standing(str(version), tags["model_digest"], expiry, tags["data_digest"])


def _move_aliases(
    company: Company,
    artifact: Artifact,
    before: gate.Standing | None,
    settings: Settings,
    why: dict[str, str],
) -> None:
    with client(company, settings) as mlflow:
        registry = mlflow.MlflowClient()
        if before:
            registry.set_registered_model_alias(artifact.name, "previous", before.version)
        registry.set_registered_model_alias(artifact.name, "champion", artifact.version)
        for tag, text in why.items():
            if text:
                registry.set_model_version_tag(artifact.name, artifact.version, tag, text)


def champion_of(
    company: Company, target: str, settings: Settings, progress: Progress = silent
) -> Artifact | None:
    """The registry's champion, to compare a new model with; None where there is none to read."""
    if not _has_store(company, settings):
        return None
    try:
        return fetch(company, target, "champion", settings)
    except NotFound:
        return None
    except DamagedArtifact as error:
        # An artifact of an earlier format must not keep anyone from training its successor.
        progress(f"not compared with the champion: {error}")
        return None


def _has_store(company: Company, settings: Settings) -> bool:
    """Whether there is a registry to ask: asking a local one would make it."""
    return (
        bool(settings.tracking_uri)
        or (settings.workspace_of(company) / local_store.DATABASE).exists()
    )
