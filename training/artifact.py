"""The artifact: everything that decides a score, as text files that are verified before use.

A directory of `model-N.txt` (LightGBM's text form, one per booster of the bag; none where the
scorecard is the whole model), `artifact.json` (the scorecard and all the rest) and `manifest.json`
(the SHA-256 of every other file). Nothing in it is executable or pickled. The forecast beside a
light by renewal is such a directory in it, `forecast/`.
The model digest covers what decides a score and no run id or date, so that the same data, seed
and declaration have the same digest.
"""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

from features import publish
from features.declaring.company import Company
from features.declaring.definitions import definitions
from features.declaring.indicator import Kind
from features.errors import ChurnlightError, DeclarationError
from training import plausible
from training.calibrating import scales
from training.calibrating.calibration import Calibration
from training.calibrating.health import Anchors, Scale
from training.calibrating.opportunity import Edge, OpportunityScale
from training.calibrating.score_interval import UNMEASURED, ScoreInterval
from training.explaining.drivers import Meaning
from training.explaining.explanation import By, Units, explained
from training.learning.matrix import Feature, matrix, plain_names
from training.learning.model import Model
from training.learning.scorecard import Scorecard
from training.manifest import FORECAST, DamagedArtifact, digests, verified, verify
from training.plausible import ArtifactContent
from training.records.evaluation import Evaluation, Tested
from training.records.records import NO_RECORDS, Records
from training.records.training_record import TrainingRecord
from training.tables.foreign import columns_for
from training.tables.plain_table import Frame
from training.treeshap.baseline import BaselineShapley
from training.treeshap.explainer import ExplanationPath, TreeShap

if TYPE_CHECKING:
    import shap

FORMAT = 5
SHOWN = 200
# SHA-256 of the model texts that LightGBM has read, here or in a child that came back well.
_SURVIVED: set[str] = set()
# What an artifact makes once of its models and columns.
_OF_MODELS = ("boosters", "explainer", "movement_explainer")
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Artifact:
    """A trained model of one target with its calibration, anchors, columns and meanings.

    `definitions` are the digests of what its columns and its target mean (see
    `features.declaring.definitions`). `lagging` are the indicators that are declared leading and
    were found not to lead, `tested` is what pages show of the evaluation, `data_until` the day up
    to which the rows were complete; `records` describe how good it was and what it was made from.
    None of these four decides a score. `forecast` is the model of the forecast that stands beside a
    light by renewal. `version` is the
    registry's, or the digest's beginning where there is none.
    """

    target: str
    horizon_days: int
    gap_days: int
    min_history_days: int
    scorecard: Scorecard
    models: tuple[str, ...]
    calibration: Calibration
    anchors: Anchors | Edge
    features: tuple[Feature, ...]
    meanings: dict[str, Meaning]
    definitions: dict[str, str]
    declaration_hash: str
    interval: ScoreInterval = UNMEASURED
    lagging: tuple[str, ...] = ()
    tested: Tested | None = None
    data_until: str | None = None
    records: Records = field(default=NO_RECORDS, compare=False)
    name: str = ""
    registered_version: str = ""
    forecast: "Artifact | None" = None

    @cached_property
    def boosters(self) -> list[lgb.Booster]:
        """The bag, parsed once; its columns are those of `features`, in their order."""
        bag = [lgb.Booster(model_str=text) for text in self.models]
        _SURVIVED.update(_digests(self.models))
        names = plain_names(self.features)
        if any(booster.feature_name() != names for booster in bag):
            raise DamagedArtifact(
                f"model of {self.target}: its columns are not those of artifact.json, or not in "
                "their order; train the model again"
            )
        return bag

    @cached_property
    def scale(self) -> Scale | OpportunityScale:
        """The scale of its scores: of health, or of opportunities."""
        return scales.scale(self.calibration, self.anchors)

    @property
    def adverse(self) -> bool:
        """Whether its scores are of health; else they are of opportunities."""
        return isinstance(self.anchors, Anchors)

    @property
    def output_names(self) -> tuple[str, str, str, str]:
        """The names of its probability, its score and the ends of its interval."""
        kinds = ("churn", "health") if self.adverse else ("opportunity", "opportunity")
        score = f"{kinds[1]}_score"
        return f"{kinds[0]}_probability", score, f"{score}_low", f"{score}_high"

    @cached_property
    def kinds(self) -> dict[str, Kind]:
        """Each indicator's kind: lagging where it is declared leading and was found not to lead."""
        return {
            name: "lagging" if name in self.lagging else meaning.kind
            for name, meaning in self.meanings.items()
        }

    @cached_property
    def digest(self) -> str:
        """SHA-256 of what decides a score."""
        deciding = {
            "models": _digests(self.models),
            **{key: value for key, value in _plain(self).items() if key not in _DESCRIBING},
        }
        if self.forecast is not None:
            deciding["forecast"] = self.forecast.digest
        return hashlib.sha256(_canonical(deciding).encode()).hexdigest()

    @property
    def evaluation(self) -> Evaluation:
        """How good it was, and where that was tested; read when it is first asked for.

        Raises
        ------
        DamagedArtifact
            There is none, or its file is not as it was written.
        """
        with self._damage_named():
            return self.records.evaluation

    @property
    def training(self) -> TrainingRecord:
        """The record of its data and of the choice of its settings; errors as of `evaluation`."""
        with self._damage_named():
            return self.records.training

    @contextmanager
    def _damage_named(self) -> Iterator[None]:
        try:
            yield
        except ValueError as error:
            raise DamagedArtifact(
                f"{self.records.folder or self.target}: {error}; train the model again"
            ) from error

    def in_memory(self) -> "Artifact":
        """The same with its records read, for its folder may go; errors as of `evaluation`."""
        forecast = self.forecast and self.forecast.in_memory()
        with self._damage_named():
            return self._again(records=self.records.in_memory(), forecast=forecast)

    def with_evaluation(self, evaluation: Evaluation) -> "Artifact":
        """The same with another evaluation, which decides no score."""
        leads = evaluation.lead_times.indicators if evaluation.lead_times else ()
        late = {lead.indicator for lead in leads if not lead.headline}
        lagging = tuple(
            name
            for name, meaning in self.meanings.items()
            if meaning.kind == "leading" and name in late
        )
        records = self.records.with_evaluation(evaluation)
        return self._again(lagging=lagging, tested=evaluation.summary, records=records)

    def with_training(self, training: TrainingRecord) -> "Artifact":
        """The same with another training record, which decides no score."""
        records = self.records.with_training(training)
        return self._again(data_until=training.data_until, records=records)

    def with_interval(self, interval: ScoreInterval) -> "Artifact":
        """The same with another interval around its scores."""
        return self._again(interval=interval)

    def with_forecast(self, forecast: "Artifact | None") -> "Artifact":
        """The same with a forecast beside it."""
        return self._again(forecast=forecast)

    def _again(self, **changes: object) -> "Artifact":
        """The same with changes that leave its models; what was made of these is kept."""
        again = replace(self, **changes)  # type: ignore[arg-type]
        kept = {name: self.__dict__[name] for name in _OF_MODELS if name in self.__dict__}
        again.__dict__.update(kept)
        return again

    @property
    def version(self) -> str:
        """The registry's version, else the digest's first twelve digits."""
        return self.registered_version or self.digest[:12]

    def margins(self, X: Floats, threads: int = 1) -> Floats:
        """Raw margins (rows,): the scorecard's and the bag's."""
        return Model(self.scorecard, tuple(self.boosters)).margins(X, threads)

    @cached_property
    def explainer(self) -> TreeShap:
        """The bag's exact contributions, compiled and checked once."""
        return TreeShap(self.boosters)

    @cached_property
    def movement_explainer(self) -> BaselineShapley:
        """The bag's exact parts of the way from one row to another, compiled once."""
        return BaselineShapley(self.boosters)

    @property
    def explanation_path(self) -> ExplanationPath:
        """Who explains a score: compiled tables, or LightGBM itself where these are refused."""
        return self.explainer.path if self.boosters else "compiled"

    def contributions(self, X: Floats, threads: int = 1) -> Floats:
        """Exact Shapley values (rows × features + 1) in margin units, the last one the bias.

        Of the trees, path-dependent TreeSHAP (Lundberg et al. 2020); of the scorecard, each
        column's centred points, which are its Shapley values.
        """
        points = self.scorecard.contributions(X)
        if not self.boosters:
            return points
        return points + self.explainer.contributions(X, threads)

    def probability(self, frame: Frame) -> Floats:
        """The probability of the event for each row of a pandas or Arrow table.

        Raises
        ------
        ContractBroken
            The table's columns are not those of training; every difference is listed.
        """
        X = matrix(columns_for(frame, self.features), self.features)
        return self.scale.probability(self.margins(X))

    def half_widths(self, X: Floats) -> Floats:
        """Half the width (rows,) of the interval around each row's score, in its points."""
        return self.interval.half_widths(X) * abs(self.scale.points_per_logit)

    def explain(
        self, frame: Frame, *, units: Units = "health points", by: By = "column"
    ) -> "shap.Explanation":
        """The Shapley values of each row, as the shap package's plots take them.

        Parameters
        ----------
        frame : pandas.DataFrame or pyarrow.Table
            Rows with the columns of training; others are left aside.
        units : {"health points", "margin"}
            Points of the unclipped score (negative ones lower it; of an opportunity they are those
            of its score), or log-odds before calibration (negative ones lower the probability).
        by : {"column", "indicator"}
            One feature for each column, or one for each indicator: its columns' sum beside the
            value of its shown column.

        Returns
        -------
        shap.Explanation
            `values` (rows × features), `base_values` (rows,), which with the row's values add up
            to the unclipped score or the margin, `data` with codes for categories and
            `display_data` with their names.

        Raises
        ------
        ContractBroken
            The table's columns are not those of training; every difference is listed.
        """
        return explained(self, frame, units=units, by=by)

    def save(self, folder: Path) -> None:
        """Writes the artifact as the new directory `folder`."""
        with publish.new_directory(folder) as parts:
            for number, text in enumerate(self.models):
                (parts / f"model-{number}.txt").write_text(text, encoding="utf-8")
            publish.write_json({"format": FORMAT, **_plain(self)}, parts / "artifact.json")
            with self._damage_named():
                self.records.write(parts)
            if self.forecast is not None:
                self.forecast.save(parts / FORECAST)
            files = digests(parts)
            publish.write_json({"digest": self.digest, "files": files}, parts / "manifest.json")

    @classmethod
    def load(cls, folder: Path, *, name: str = "", version: str = "") -> "Artifact":
        """The artifact in `folder`, its files verified before any of them is parsed.

        Raises
        ------
        NotFound
            `folder` holds no artifact.
        DamagedArtifact
            A file is missing, changed or of another format.
        """
        manifest = verified(folder)
        records = Records(folder=folder, digests=manifest.files)
        try:
            artifact = replace(
                _read(folder), name=name, registered_version=version, records=records
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise DamagedArtifact(
                f"{folder}: artifact.json is not valid ({_words(error)}); train the model again"
            ) from error
        if artifact.digest != manifest.digest:
            raise DamagedArtifact(
                f"{folder}: its content has digest {artifact.digest}, not {manifest.digest}"
            )
        return artifact


def _words(error: Exception) -> str:
    """Our own reason as it is; an error of Python with its kind."""
    return str(error) if type(error) is ValueError else repr(error)


def _read(folder: Path) -> Artifact:
    values = plausible.parse((folder / "artifact.json").read_text("utf-8"))
    if (version := values.pop("format", None)) != FORMAT:
        raise DamagedArtifact(
            f"{folder}: of format {version!r}, and this version of Churnlight reads format "
            f"{FORMAT}; train the model again, or use the version that made it"
        )
    content = plausible.typed(values)
    texts = tuple(
        (folder / f"model-{number}.txt").read_text("utf-8") for number in range(content.models)
    )
    artifact = _parse(content, texts)
    plausible.require_sense(artifact)
    if (folder / FORECAST).is_dir():
        return replace(artifact, forecast=Artifact.load(folder / FORECAST))
    return artifact


# What decides no score; the models do, by their digests.
_DESCRIBING = {"lagging", "tested", "data_until", "models"}


def _plain(artifact: Artifact) -> dict[str, object]:
    """The artifact as JSON values, the model texts replaced by their number."""
    content = ArtifactContent(
        models=len(artifact.models),
        target=artifact.target,
        horizon_days=artifact.horizon_days,
        gap_days=artifact.gap_days,
        min_history_days=artifact.min_history_days,
        scorecard=artifact.scorecard,
        calibration=artifact.calibration,
        anchors=artifact.anchors,
        features=artifact.features,
        meanings=artifact.meanings,
        definitions=artifact.definitions,
        declaration_hash=artifact.declaration_hash,
        interval=artifact.interval,
        lagging=artifact.lagging,
        tested=artifact.tested,
        data_until=artifact.data_until,
    )
    plain = asdict(content)
    for feature in plain["features"]:
        # Where there is one segment there is nothing to say.
        if not feature["usual_in"]:
            del feature["usual_in"]
        if feature["within"] is None:
            del feature["within"]
    return plain


def _parse(content: ArtifactContent, texts: tuple[str, ...]) -> Artifact:
    return Artifact(
        models=texts,
        target=content.target,
        horizon_days=content.horizon_days,
        gap_days=content.gap_days,
        min_history_days=content.min_history_days,
        scorecard=content.scorecard,
        calibration=content.calibration,
        anchors=content.anchors,
        features=content.features,
        meanings=content.meanings,
        definitions=content.definitions,
        declaration_hash=content.declaration_hash,
        interval=content.interval,
        lagging=content.lagging,
        tested=content.tested,
        data_until=content.data_until,
    )


def _digests(texts: Sequence[str]) -> list[str]:
    return [hashlib.sha256(text.encode()).hexdigest() for text in texts]


def _canonical(content: object) -> str:
    return json.dumps(content, sort_keys=True, ensure_ascii=False, allow_nan=False)


def first_load(folder: Path, *, name: str = "", version: str = "") -> Artifact:
    """As `Artifact.load`, of what may be new here: it is tried in a child process first.

    LightGBM may abort its process on a bad text. What has no trees, and what this process has read
    or tried before, needs no trial.

    Raises
    ------
    NotFound, DamagedArtifact
        As `Artifact.load`; the last also where the child did not come back well.
    """
    # Digests, types and the scorecard are looked at here; no text of LightGBM's is parsed yet.
    artifact = Artifact.load(folder, name=name, version=version)
    texts = _digests((*artifact.models, *(artifact.forecast.models if artifact.forecast else ())))
    if not _SURVIVED.issuperset(texts):
        try_loading(folder)
        _SURVIVED.update(texts)
    return artifact


def try_loading(folder: Path) -> None:
    """Loads the artifact in a child process and explains a row by it.

    Raises
    ------
    DamagedArtifact
        The child did not come back well.
    """
    verify(folder)
    # Without the working folder, whose own packages might have our names.
    command = [sys.executable, "-P", "-m", "training.artifact", str(folder)]
    # Where MLflow brings the code along, this process alone knows where it is.
    places = os.pathsep.join(filter(None, sys.path))
    # An aborting LightGBM may print whatever memory it stumbled over.
    child = subprocess.run(
        command,
        capture_output=True,
        text=True,
        errors="backslashreplace",
        check=False,
        env=os.environ | {"PYTHONPATH": places},
    )
    if child.returncode:
        last = (child.stderr.strip().splitlines() or [f"exit {child.returncode}"])[-1]
        if last.startswith(f"{folder}: "):
            raise DamagedArtifact(last)
        raise DamagedArtifact(f"{folder}: cannot be loaded ({last[:SHOWN]}); train the model again")


def require_same_meaning(artifact: Artifact, company: Company) -> None:
    """Raises DeclarationError unless the declaration's definitions are those of the training.

    Titles, sentences and playbooks may differ; they take effect at the next training.
    """
    today = definitions(company, artifact.target)
    if changed := sorted(
        name
        for name in artifact.definitions.keys() | today.keys()
        if artifact.definitions.get(name) != today.get(name)
    ):
        raise DeclarationError(
            f"churnlight.toml has changed since version {artifact.version} of "
            f"{artifact.name or artifact.target} was trained: {', '.join(changed)}; train and "
            "promote again, or restore the old definitions"
        )


def _load_or_say_why(folder: Path) -> None:
    """The work of `try_loading` in its child process."""
    try:
        loaded = Artifact.load(folder)
        for each in filter(None, (loaded, loaded.forecast)):
            each.contributions(np.full((1, len(each.features)), np.nan))
    except ChurnlightError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    _load_or_say_why(Path(sys.argv[1]))
