"""The record of a training in MLflow: parameters, metrics, tags, files and the training data.

Plain values only, made from the artifact. No row of any account is among them: the dataset is
described by its digest, its schema and its counts.
"""

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from features import publish
from training.artifact import Artifact
from training.expiry import VALID_FOR
from training.learning.matrix import HISTORY, SEGMENT, tabular, uses_history, uses_segments
from training.metrics.calibration_table import CalibrationMeasures
from training.metrics.measured import Measured
from training.metrics.proportion import Proportion
from training.metrics.segments import SegmentResult
from training.metrics.worth import Worth
from training.records.evaluation import Certificate, Evaluation
from training.records.records import plain
from training.records.training_record import TrainingRecord
from training.reporting import model_report

if TYPE_CHECKING:
    from mlflow.data.meta_dataset import MetaDataset
    from mlflow.types import ColSpec, TensorSpec

HOUSE = Path(__file__).parents[2]
LONGEST_DATES = 500
# How many digits of a digest MLflow keeps of a dataset.
DIGEST = 32

MetricValue = tuple[str, float]
MetricStep = tuple[str, float, int]


def parameters(artifact: Artifact) -> dict[str, object]:
    """The target and dates of the model, and how its settings were chosen."""
    made = artifact.training
    return {
        "target": artifact.target,
        "as_of": ",".join(made.as_of)[:LONGEST_DATES],
        "horizon_days": artifact.horizon_days,
        "gap_days": artifact.gap_days,
        "min_history_days": artifact.min_history_days,
        "bag": made.bag,
        "trials": len(made.trials),
        "chosen_on": made.chosen_on,
        **asdict(made.model_settings),
        **made.parameters,
    }


def metrics(artifact: Artifact) -> list[MetricStep]:
    """Names that MLflow accepts, values and steps: overall, and per segment, band, fold and trial.

    Folds, trials, as-of dates and test dates are the steps of one metric each, from 0 on.
    """
    evaluation = artifact.evaluation
    values = [
        *_quality(evaluation),
        *_worth(evaluation.value),
        *_lights(evaluation),
        *(pair for segment in evaluation.segments for pair in _segment(segment)),
        *_checks(evaluation.certificate),
    ]
    for rival in evaluation.baselines:
        values += _measures("gain_over/", {accepted(rival.baseline): rival.gain})
    steps = [*_steps(artifact.training), *_test_dates(evaluation)]
    return [(name, value, 0) for name, value in values] + steps


def accepted(name: str) -> str:
    """A name as a part of a metric's: letters, digits, `_`, `-` and blanks."""
    return re.sub(r"[^\w\- ]", "_", name)


def _measures(prefix: str, measures: Mapping[str, Measured]) -> list[MetricValue]:
    """Of each measure the value and both ends of its interval, as far as they are known."""
    ends = [
        (f"{prefix}{name}{end}", value)
        for name, measure in measures.items()
        for end, value in (
            ("", measure.value),
            ("_low", measure.low),
            ("_high", measure.high),
        )
    ]
    return [(name, float(value)) for name, value in ends if value is not None]


def _calibration(prefix: str, calibration: CalibrationMeasures) -> list[MetricValue]:
    measures = {
        "in_the_large": calibration.in_the_large,
        "slope": calibration.slope,
        "ece": calibration.ece,
    }
    return _measures(prefix, measures)


def _quality(evaluation: Evaluation) -> list[MetricValue]:
    quality = evaluation.quality
    numbers = {
        "rows": quality.rows,
        "accounts": quality.accounts,
        "events": quality.events,
        "base_rate": quality.base_rate,
        "base_rate_in_training": quality.base_rate_in_training,
        "predicted_rate": quality.predicted_rate,
    }
    measures = {
        "auc": quality.auc,
        "log_loss": quality.log_loss,
        "gain_over_base_rate": evaluation.gain_over_base_rate,
    }
    return [
        *_numbers("", numbers),
        *_measures("", measures),
        *_calibration("", quality.calibration),
    ]


def _numbers(prefix: str, numbers: Mapping[str, float]) -> list[MetricValue]:
    return [(f"{prefix}{name}", float(number)) for name, number in numbers.items()]


def _worth(value: Worth) -> list[MetricValue]:
    at = value.at_capacity
    measures = {
        "precision_at_capacity": at.precision,
        "lift_at_capacity": at.lift,
        "reach_at_capacity": at.reach,
    }
    if value.revenue:
        measures["revenue_caught"] = value.revenue.share
    return [("capacity", at.share), *_measures("", measures)]


def _lights(evaluation: Evaluation) -> Iterator[MetricValue]:
    """Of each colour, or of what was listed as an opportunity: accounts and their outcomes."""
    for band, outcome in (evaluation.bands or {}).items():
        counts = {"accounts": outcome.accounts, "churned": outcome.churned}
        rate = Proportion(outcome.churned, outcome.accounts).measured
        yield from _numbers(f"band/{band}/", counts)
        yield from _measures(f"band/{band}/", {"rate": rate})
    for listed, happened in (evaluation.opportunities or {}).items():
        counts = {"accounts": happened.accounts, "happened": happened.happened}
        rate = Proportion(happened.happened, happened.accounts).measured
        yield from _numbers(f"opportunity/{listed}/", counts)
        yield from _measures(f"opportunity/{listed}/", {"rate": rate})


def _segment(segment: SegmentResult) -> list[MetricValue]:
    prefix = f"segment/{accepted(segment.segment)}/"
    numbers = {
        "accounts": segment.accounts,
        "events": segment.events,
        "observed_rate": segment.observed_rate,
        "predicted_rate": segment.predicted_rate,
    }
    measures = {"auc": segment.auc, "gain_over_base_rate": segment.gain_over_base_rate}
    return [
        *_numbers(prefix, numbers),
        *_measures(prefix, measures),
        *_calibration(prefix, segment.calibration),
    ]


def _checks(certificate: Certificate | None) -> list[MetricValue]:
    checks = certificate.checks if certificate else ()
    return [
        (f"certificate/{accepted(check.name)}", check.value)
        for check in checks
        if check.value is not None
    ]


def _steps(made: TrainingRecord) -> Iterator[MetricStep]:
    for step, trial in enumerate(made.trials):
        yield "trial_log_loss", trial.loss, step
    for step, fold in enumerate(made.folds):
        yield "fold_log_loss", fold.loss, step
    for step, day in enumerate(made.calibration_by_as_of):
        rates = day.table.rates
        numbers = {"observed_rate": rates.observed_rate, "predicted_rate": rates.predicted_rate}
        values = _numbers("as_of/", numbers) + _calibration("as_of/", day.table.calibration)
        yield from ((name, value, step) for name, value in values)


def _test_dates(evaluation: Evaluation) -> Iterator[MetricStep]:
    """The result of each test date over which gains are pooled, earliest first."""
    for step, result in enumerate(reversed(evaluation.test_dates)):
        shown = {
            "auc": result.auc.value,
            "log_loss": result.log_loss.value,
            "gain_over_base_rate": result.gain_over_base_rate.value,
            "events": result.events,
        }
        for name, value in shown.items():
            if value is not None:
                yield f"origin/{name}", float(value), step


def tags(artifact: Artifact) -> dict[str, str]:
    """Tags that identify the model, its data, its declaration, its code and its expiry."""
    expiry = datetime.now(UTC).date() + VALID_FOR
    commit = git_commit(HOUSE)
    return {
        "model_digest": artifact.digest,
        "declaration_hash": artifact.declaration_hash,
        "data_digest": artifact.training.data_digest,
        "evaluated_on": f"{artifact.evaluation.kind}, {artifact.evaluation.as_of}",
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
    publish.write_json(plain(artifact.evaluation), folder / "evaluation.json")
    publish.write_json(plain(artifact.training), folder / "training.json")
    if artifact.evaluation.lead_times:
        publish.write_json(asdict(artifact.evaluation.lead_times), folder / "lead-times.json")


def dataset(artifact: Artifact, name: str) -> tuple["MetaDataset", dict[str, str]]:
    """The training data as MLflow's dataset, without any row, and its counts as tags."""
    from mlflow.data.code_dataset_source import CodeDatasetSource
    from mlflow.data.meta_dataset import MetaDataset
    from mlflow.types import ColSpec, DataType, Schema

    made = artifact.training
    label = ColSpec(DataType.integer, f"label__{artifact.target}")
    columns = Schema([*inputs(artifact), label])
    source = CodeDatasetSource({"made_by": "churnlight features"})
    digest = made.data_digest[:DIGEST]
    described = MetaDataset(  # type: ignore[abstract] # that it lacks a profile is not enforced
        source, name=name, digest=digest, schema=columns
    )
    counts = {"rows": made.rows, "accounts": made.accounts, "events": made.events}
    days = f"{made.as_of[0]} to {made.as_of[-1]}"
    texts = {name: str(count) for name, count in counts.items()}
    return described, {**texts, "as_of": days, "data_digest": made.data_digest}


def inputs(artifact: Artifact) -> list["ColSpec | TensorSpec"]:
    """The model's columns as MLflow's; none is required, for an absent one is unknown."""
    from mlflow.types import ColSpec, DataType

    kinds = {"number": DataType.double, "category": DataType.string}
    columns = {feature.name: kinds[feature.dtype] for feature in tabular(artifact.features)}
    if uses_history(artifact.features):
        columns[HISTORY] = DataType.long
    if uses_segments(artifact.features):
        columns[SEGMENT] = DataType.string
    return [ColSpec(kind, name, required=False) for name, kind in columns.items()]
