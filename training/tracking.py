"""MLflow: every training is a run, every artifact a registered model version with aliases.

The store is a SQLite file in the company's workspace unless a tracking address is set. MLflow
is imported here and in the model's loading code only, and never by the service.
"""

import importlib.metadata
import os
import platform
import re
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

from features.company import Company
from features.errors import ChurnlightError, GateRefused, NotFound
from features.settings import Settings
from training.artifact import Artifact, install_champion

VALID_FOR = timedelta(days=183)
ARTIFACT = "artifact"
PACKAGES = ("lightgbm", "mlflow", "numpy", "pandas", "pyarrow", "pydantic", "scipy")
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
    uri = settings.tracking_uri or f"sqlite:///{(workspace / 'mlflow.db').resolve()}"
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    try:
        _experiment(mlflow, company, workspace, settings)
        yield mlflow
    except (MlflowException, SQLAlchemyError) as error:
        message = str(getattr(error, "message", error)).strip().splitlines()[0]
        message = re.sub(r"//[^/@\s]*@", "//…@", message)
        where, mend = (
            ("server", "check CHURNLIGHT_TRACKING_URI and that the server is up")
            if settings.tracking_uri
            else ("store", f"restore {workspace / 'mlflow.db'}, or remove it and train again")
        )
        raise ChurnlightError(f"the tracking {where} cannot be used: {message}; {mend}") from error


def _experiment(mlflow: Any, company: Company, workspace: Path, settings: Settings) -> None:
    name = company.company.name
    if mlflow.get_experiment_by_name(name) is None:
        own = None if settings.tracking_uri else (workspace / "mlartifacts").resolve().as_uri()
        mlflow.create_experiment(name, artifact_location=own)
    mlflow.set_experiment(name)


def require(company: Company, settings: Settings) -> None:
    """Raises ChurnlightError unless the tracking store answers, before hours are spent for it."""
    with client(company, settings):
        return


def model_name(company: Company, target: str) -> str:
    """The registry's name for the models of a company's target."""
    words = "-".join(company.company.name.lower().split())
    kept = "".join(letter for letter in words if letter.isalnum() or letter in "-_")
    return f"{kept or 'company'}-{target}"


def register(artifact: Artifact, company: Company, settings: Settings) -> tuple[str, str, str]:
    """Logs the artifact as a run and a model version; answers its name, version and run id."""
    name = model_name(company, artifact.target)
    with client(company, settings) as mlflow, mlflow.start_run() as run:
        mlflow.log_params(_parameters(artifact))
        mlflow.log_metrics(_metrics(artifact.evaluation))
        mlflow.set_tags(_tags(artifact))
        mlflow.log_dict(artifact.evaluation, "evaluation.json")
        with tempfile.TemporaryDirectory(prefix="churnlight-") as place:
            artifact.save(Path(place) / ARTIFACT)
            logged = _log_model(mlflow, artifact, Path(place) / ARTIFACT)
        version = _add_version(mlflow.MlflowClient(), name, logged, artifact)
        return name, version, run.info.run_id


def _log_model(mlflow: Any, artifact: Artifact, folder: Path) -> Any:
    house = Path(__file__).parent.parent
    with warnings.catch_warnings():
        # MLflow offers to check the signature against an example; ours is written by hand.
        warnings.filterwarnings("ignore", ".*input example was not provided", UserWarning)
        return mlflow.pyfunc.log_model(
            name="model",
            python_model=str(Path(__file__).parent / "pyfunc_model.py"),
            artifacts={ARTIFACT: str(folder)},
            code_paths=[str(house / room) for room in ("features", "training")],
            conda_env=_environment(),
            signature=_signature(artifact),
        )


def _environment() -> dict[str, Any]:
    """What the model's own code needs, at the versions that trained it."""
    packages = [f"{name}=={importlib.metadata.version(name)}" for name in PACKAGES]
    python = f"python={platform.python_version()}"
    return {"name": "churnlight", "dependencies": [python, "pip", {"pip": packages}]}


def _add_version(registry: Any, name: str, logged: Any, artifact: Artifact) -> str:
    """A new version of the registered model `name`, from now on its challenger."""
    if not registry.search_registered_models(f"name = '{name}'"):
        registry.create_registered_model(name)
    added = registry.create_model_version(
        name, logged.model_uri, logged.run_id, tags=_tags(artifact), model_id=logged.model_id
    )
    registry.set_registered_model_alias(name, "challenger", added.version)
    return str(added.version)


def _signature(artifact: Artifact) -> Any:
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema

    kinds = {"number": DataType.double, "category": DataType.string}
    inputs: list[Any] = [
        ColSpec(kinds[item.dtype], item.name, required=False) for item in artifact.features
    ]
    outputs: list[Any] = [ColSpec(DataType.double, name) for name in artifact.answers]
    return ModelSignature(inputs=Schema(inputs), outputs=Schema(outputs))


def _parameters(artifact: Artifact) -> dict[str, Any]:
    made = artifact.training
    return {
        "target": artifact.target,
        "as_of": ",".join(made["as_of"])[:500],
        "horizon_days": artifact.horizon_days,
        "gap_days": artifact.gap_days,
        "bag": made["bag"],
        "chosen_on": made["chosen_on"],
        **made["restraint"],
        **made["parameters"],
    }


def _metrics(evaluation: dict[str, Any]) -> dict[str, float]:
    found = {}
    for key, value in evaluation.items():
        value = value.get("value") if isinstance(value, dict) else value
        if isinstance(value, int | float) and not isinstance(value, bool):
            found[key] = float(value)
    return found


def _tags(artifact: Artifact) -> dict[str, str]:
    expiry = datetime.now(UTC).date() + VALID_FOR
    return {
        "model_digest": artifact.digest,
        "declaration_hash": artifact.declaration_hash,
        "data_digest": artifact.training["data_digest"],
        "evaluated_on": f"{artifact.evaluation['kind']}, {artifact.evaluation['as_of']}",
        "expiry": expiry.isoformat(),
    }


def fetch(company: Company, target: str, wanted: str, settings: Settings) -> Artifact:
    """The registered artifact that `wanted` names: an alias or a version.

    Raises
    ------
    NotFound
        The registry has no such alias or version.
    """
    from mlflow.exceptions import MlflowException

    name = model_name(company, target)
    with client(company, settings) as mlflow:
        registry = mlflow.MlflowClient()
        try:
            found = (
                registry.get_model_version(name, wanted)
                if wanted.isdigit()
                else registry.get_model_version_by_alias(name, wanted)
            )
        except MlflowException as error:
            raise NotFound(
                f"no model {name} with alias or version {wanted!r}; run churnlight train, or name "
                "one that the registry has"
            ) from error
        with tempfile.TemporaryDirectory(prefix="churnlight-") as place:
            local = mlflow.artifacts.download_artifacts(
                artifact_uri=f"models:/{name}/{found.version}", dst_path=place
            )
            artifact = Artifact.load(
                Path(local) / "artifacts" / ARTIFACT, name=name, version=str(found.version)
            )
    if artifact.digest != found.tags.get("model_digest"):
        raise ChurnlightError(
            f"model {name} version {found.version} is not what was registered: its digest is "
            f"{artifact.digest}; train it again"
        )
    return artifact


def promote(
    company: Company, target: str, version: str = "challenger", *, settings: Settings | None = None
) -> Artifact:
    """Makes a registered model the champion; the champion before it becomes `previous`.

    Raises
    ------
    GateRefused
        On the rows that judged it, the model was no better than the base rate alone.
    """
    settings = settings or Settings.read()
    artifact = fetch(company, target, version, settings)
    require_skill(artifact)
    install_champion(artifact, settings.workspace_of(company))
    with client(company, settings) as mlflow:
        registry = mlflow.MlflowClient()
        aliases = registry.get_registered_model(artifact.name).aliases
        before = aliases.get("champion")
        if before and str(before) != artifact.version:
            registry.set_registered_model_alias(artifact.name, "previous", before)
        registry.set_registered_model_alias(artifact.name, "champion", artifact.version)
    return artifact


def require_skill(artifact: Artifact) -> None:
    """Raises GateRefused unless the model surely beats the base rate where it was judged."""
    gain = artifact.evaluation["gain_over_base_rate"]
    if gain["low"] is not None and gain["low"] > 0:
        _require_more_than_baselines(artifact)
        return
    known = all(gain[key] is not None for key in ("value", "low", "high"))
    told = "{value:.4f} ({low:.4f} to {high:.4f})".format(**gain) if known else "an unknown amount"
    raise GateRefused(
        f"model {artifact.name or artifact.target} version {artifact.version} is not promoted: on "
        f"{artifact.evaluation['as_of']} its log loss beats the base rate's by {told}, which may "
        "be nothing; add indicators or history"
    )


def _require_more_than_baselines(artifact: Artifact) -> None:
    """Raises GateRefused where something simpler does as well.

    A single column must be beaten where the model was judged, and logistic regression must not
    surely be better: the model has a scorecard in it, so of equals either may serve. Whether a
    difference may be noise is said by the report in every case.
    """
    for item in artifact.evaluation.get("baselines", ()):
        alone = item["baseline"].endswith(" alone")
        edge = item["value"] if alone else item["high"]
        if edge is None or item["low"] is None or edge > 0:
            continue
        raise GateRefused(
            f"model {artifact.name or artifact.target} version {artifact.version} is not promoted: "
            f"no better than {item['baseline']}: on {artifact.evaluation['as_of']} its log loss is "
            f"lower by {item['value']:.4f} ({item['low']:.4f} to {item['high']:.4f}); add "
            "indicators or history"
        )
