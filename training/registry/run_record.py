"""What a training leaves in MLflow: parameters, metrics, tags, files, and the data it learnt from.

Plain values only, made from the artifact. No row of any account is among them: the dataset is told
by its digest, its schema and its counts.
"""

import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from features import publish
from training.artifact import Artifact
from training.expiry import VALID_FOR
from training.metrics.calibration_table import MEASURES
from training.metrics.proportion import Proportion
from training.reporting import model_report

HOUSE = Path(__file__).parents[2]
LONGEST_DATES = 500
DIGEST = 32
"""How many digits of a digest MLflow keeps of a dataset."""

Step = tuple[str, float, int]


def parameters(artifact: Artifact) -> dict[str, Any]:
    """What the model was asked for and how it was chosen."""
    made = artifact.training
    return {
        "target": artifact.target,
        "as_of": ",".join(made["as_of"])[:LONGEST_DATES],
        "horizon_days": artifact.horizon_days,
        "gap_days": artifact.gap_days,
        "min_history_days": artifact.min_history_days,
        "bag": made["bag"],
        "trials": len(made["trials"]),
        "chosen_on": made["chosen_on"],
        **made["model_settings"],
        **made["parameters"],
    }


def metrics(artifact: Artifact) -> list[Step]:
    """Names that MLflow accepts, values and steps: overall, and per segment, band, fold and trial.

    Folds, trials, as-of dates and origins are the steps of one metric each, from 0 on.
    """
    judged = artifact.evaluation
    found = [
        *_measures("", {**judged, **judged["calibration"]}),
        *_worth(judged["value"]),
        *_lights(judged),
        *(item for entry in judged["segments"] for item in _segment(entry)),
    ]
    for check in judged.get("certificate", {}).get("checks", ()):
        found += _measures("certificate/", {accepted(check["name"]): check["value"]})
    for entry in judged.get("baselines", ()):
        found += _measures("", {f"gain_over/{accepted(entry['baseline'])}": entry})
    steps = [*_steps(artifact.training), *_origins(judged)]
    return [(name, value, 0) for name, value in found] + steps


def accepted(name: str) -> str:
    """A name as a part of a metric's: letters, digits, `_`, `-` and blanks."""
    return re.sub(r"[^\w\- ]", "_", name)


def _measures(prefix: str, items: dict[str, Any]) -> list[tuple[str, float]]:
    """Every number among `items`, and of measures the value with both ends of its interval."""
    found = []
    for key, item in items.items():
        parts = {"": item}
        if isinstance(item, dict) and "value" in item:
            parts = {"": item["value"], "_low": item.get("low"), "_high": item.get("high")}
        for end, value in parts.items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                found.append((f"{prefix}{key}{end}", float(value)))
    return found


def _worth(value: dict[str, Any]) -> list[tuple[str, float]]:
    at = value["at_capacity"]
    named = {f"{name}_at_capacity": at[name] for name in ("precision", "lift", "reach")}
    revenue = {"revenue_caught": value["revenue"]["share"]} if value["revenue"] else {}
    return _measures("", {"capacity": at["share"], **named, **revenue})


def _lights(judged: dict[str, Any]) -> Iterator[tuple[str, float]]:
    """Of each colour, or of what was told as an opportunity: the accounts and what came of them."""
    for name, counts in judged.get("bands", {}).items():
        yield from _band(name, counts)
    for name, counts in judged.get("opportunities", {}).items():
        rate = Proportion(counts["happened"], counts["accounts"]).plain()
        yield from _measures(f"opportunity/{name}/", {**counts, "rate": rate})


def _band(name: str, counts: dict[str, int]) -> list[tuple[str, float]]:
    rate = Proportion(counts["churned"], counts["accounts"]).plain()
    return _measures(f"band/{name}/", {**counts, "rate": rate})


def _segment(entry: dict[str, Any]) -> list[tuple[str, float]]:
    return _measures(f"segment/{accepted(entry['segment'])}/", {**entry, **entry["calibration"]})


def _steps(made: dict[str, Any]) -> Iterator[Step]:
    for step, trial in enumerate(made["trials"]):
        yield "trial_log_loss", trial["loss"], step
    for step, fold in enumerate(made["folds"]):
        yield "fold_log_loss", fold["loss"], step
    for step, day in enumerate(made["calibration_by_as_of"]):
        told = {name: day[name] for name in ("observed_rate", "predicted_rate", *MEASURES)}
        yield from ((name, value, step) for name, value in _measures("as_of/", told))


def _origins(judged: dict[str, Any]) -> Iterator[Step]:
    """What each date showed over which gains are pooled, earliest first."""
    for step, item in enumerate(reversed(judged.get("origins", ()))):
        shown = {name: item[name]["value"] for name in ("auc", "log_loss", "gain_over_base_rate")}
        for name, value in _measures("origin/", shown | {"events": item["events"]}):
            yield name, value, step


def tags(artifact: Artifact) -> dict[str, str]:
    """What identifies the model, its data, its declaration and its code, and when it expires."""
    expiry = datetime.now(UTC).date() + VALID_FOR
    commit = git_commit(HOUSE)
    return {
        "model_digest": artifact.digest,
        "declaration_hash": artifact.declaration_hash,
        "data_digest": artifact.training["data_digest"],
        "evaluated_on": f"{artifact.evaluation['kind']}, {artifact.evaluation['as_of']}",
        "expiry": expiry.isoformat(),
        **({"git_commit": commit} if commit else {}),
    }


def git_commit(checkout: Path) -> str:
    """The commit of a checkout, with `-dirty` where files differ; empty where it is none."""
    git = shutil.which("git")
    if git is None or not (checkout / ".git").exists():
        return ""
    command = [git, "-C", str(checkout), "describe", "--always", "--dirty", "--abbrev=40"]
    command.append("--exclude=*")
    asked = subprocess.run(command, capture_output=True, text=True, check=False)
    return asked.stdout.strip() if asked.returncode == 0 else ""


def write_files(artifact: Artifact, folder: Path) -> None:
    """Writes what a run shows into `folder`: model card, report, plots, and their numbers."""
    shutil.rmtree(folder, ignore_errors=True)
    plots = folder / "plots"
    plots.mkdir(parents=True)
    for figure in model_report.write(artifact, folder).figures:
        (plots / f"{figure.name}.svg").write_text(figure.svg, encoding="utf-8")
    publish.write_json(artifact.evaluation, folder / "evaluation.json")
    publish.write_json(artifact.training, folder / "training.json")
    if "lead_times" in artifact.evaluation:
        publish.write_json(artifact.evaluation["lead_times"], folder / "lead-times.json")


def dataset(artifact: Artifact, name: str) -> tuple[Any, dict[str, str]]:
    """The rows it learnt from as MLflow's dataset, none of them in it, and their counts as tags."""
    from mlflow.data.code_dataset_source import CodeDatasetSource
    from mlflow.data.meta_dataset import MetaDataset
    from mlflow.types import ColSpec, DataType, Schema

    made = artifact.training
    label: Any = ColSpec(DataType.integer, f"label__{artifact.target}")
    columns = Schema([*inputs(artifact), label])
    source = CodeDatasetSource({"made_by": "churnlight features"})
    digest = made["data_digest"][:DIGEST]
    found = MetaDataset(  # type: ignore[abstract] # that it lacks a profile is not enforced
        source, name=name, digest=digest, schema=columns
    )
    counts = {key: str(made[key]) for key in ("rows", "accounts", "events")}
    days = f"{made['as_of'][0]} to {made['as_of'][-1]}"
    return found, {**counts, "as_of": days, "data_digest": made["data_digest"]}


def inputs(artifact: Artifact) -> list[Any]:
    """The model's columns as MLflow's; none is required, for an absent one is unknown."""
    from mlflow.types import ColSpec, DataType

    kinds = {"number": DataType.double, "category": DataType.string}
    return [ColSpec(kinds[item.dtype], item.name, required=False) for item in artifact.features]
