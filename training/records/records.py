"""The two records of a model together, and as the files `evaluation.json` and `training.json`.

They lie beside what decides a score and are read when they are first asked for. Numbers come back
from JSON as they were, to the last bit.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from features import publish
from training.records.evaluation import Evaluation
from training.records.training_record import TrainingRecord

EVALUATION, TRAINING = "evaluation.json", "training.json"

Record = TypeVar("Record", Evaluation, TrainingRecord)


@dataclass(frozen=True)
class Records:
    """The evaluation and the training record of a model, as far as they have been made.

    Those of a saved model lie in `folder`, whose files have these `digests` (SHA-256, by name).
    """

    made_evaluation: Evaluation | None = None
    made_training: TrainingRecord | None = None
    folder: Path | None = None
    digests: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def evaluation(self) -> Evaluation:
        """The evaluation.

        Raises
        ------
        ValueError
            The model has not been evaluated, or its file is not as it was written.
        """
        return self.made_evaluation or self._read(EVALUATION, Evaluation)

    @cached_property
    def training(self) -> TrainingRecord:
        """The training record.

        Raises
        ------
        ValueError
            The model has none, or its file is not as it was written.
        """
        return self.made_training or self._read(TRAINING, TrainingRecord)

    def with_evaluation(self, evaluation: Evaluation) -> "Records":
        """The same with another evaluation."""
        return replace(self, made_evaluation=evaluation)

    def with_training(self, training: TrainingRecord) -> "Records":
        """The same with another training record."""
        return replace(self, made_training=training)

    def in_memory(self) -> "Records":
        """The same without a folder, which may then go; errors as of the two records."""
        return Records(
            self.evaluation if self._has(EVALUATION) else self.made_evaluation,
            self.training if self._has(TRAINING) else self.made_training,
        )

    def write(self, folder: Path) -> None:
        """Writes the records that there are into `folder`; errors as of the two records."""
        records = self.in_memory()
        if records.made_evaluation:
            publish.write_json(plain(records.made_evaluation), folder / EVALUATION)
        if records.made_training:
            publish.write_json(plain(records.made_training), folder / TRAINING)

    def _has(self, name: str) -> bool:
        return self.folder is not None and name in self.digests

    def _read(self, name: str, kind: type[Record]) -> Record:
        if self.folder is None or name not in self.digests:
            raise ValueError(f"the model has no {name}")
        try:
            content = (self.folder / name).read_bytes()
        except OSError as error:
            raise ValueError(f"{name} cannot be read ({error})") from error
        if sha256(content).hexdigest() != self.digests[name]:
            raise ValueError(f"{name} changed since training")
        return parse(content, kind, name)


NO_RECORDS = Records()


def plain(record: Evaluation | TrainingRecord) -> dict[str, object]:
    """A record as JSON values."""
    content = asdict(record)
    if isinstance(record, TrainingRecord) and record.declared is not None:
        target = record.declared.target.model_dump(mode="json", exclude_defaults=True)
        content["declared"]["target"] = target
    if isinstance(record, Evaluation) and not record.losses:
        del content["losses"]
    return content


def parse(content: bytes, kind: type[Record], name: str) -> Record:
    """The record in a file's `content`.

    Raises
    ------
    ValueError
        A value is not of its field's type; the message has `name` and its place.
    """
    try:
        # As JSON, where a list is a tuple and yet no text is a number.
        return TypeAdapter(kind).validate_json(content, strict=True)
    except ValidationError as error:
        raise ValueError(_first_mistake(error, name)) from None


def _first_mistake(error: ValidationError, name: str) -> str:
    mistake = error.errors()[0]
    where = ".".join(map(str, (name, *mistake["loc"])))
    return f"{where}: {mistake['msg'].lower()}"
