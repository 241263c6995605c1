"""The two records of a model together, and as JSON.

Numbers come back from JSON as they were, to the last bit.
"""

import json
from dataclasses import asdict, dataclass, replace
from typing import Any

from pydantic import TypeAdapter, ValidationError

from training.records.evaluation import Evaluation
from training.records.training_record import TrainingRecord


@dataclass(frozen=True)
class Records:
    """The evaluation and the training record of a model, as far as they have been made."""

    made_evaluation: Evaluation | None = None
    made_training: TrainingRecord | None = None

    @property
    def evaluation(self) -> Evaluation:
        """The evaluation.

        Raises
        ------
        ValueError
            The model has not been evaluated.
        """
        if self.made_evaluation is None:
            raise ValueError("the model has not been evaluated")
        return self.made_evaluation

    @property
    def training(self) -> TrainingRecord:
        """The training record.

        Raises
        ------
        ValueError
            The model has none.
        """
        if self.made_training is None:
            raise ValueError("the model has no training record")
        return self.made_training

    def with_evaluation(self, evaluation: Evaluation) -> "Records":
        """The same with another evaluation."""
        return replace(self, made_evaluation=evaluation)

    def with_training(self, training: TrainingRecord) -> "Records":
        """The same with another training record."""
        return replace(self, made_training=training)

    def plain(self) -> dict[str, Any]:
        """Both as JSON values."""
        return {"evaluation": plain(self.made_evaluation), "training": plain(self.made_training)}

    @classmethod
    def parse(cls, evaluation: Any, training: Any) -> "Records":
        """The records of JSON values.

        Raises
        ------
        ValueError
            A value is not of its field's type; the message has its place.
        """
        return cls(
            None if evaluation is None else _parsed(Evaluation, evaluation, "evaluation"),
            None if training is None else _parsed(TrainingRecord, training, "training"),
        )


NOTHING_RECORDED = Records()


def plain(record: Evaluation | TrainingRecord | None) -> dict[str, Any] | None:
    """A record as JSON values."""
    if record is None:
        return None
    content = asdict(record)
    if isinstance(record, TrainingRecord) and record.declared is not None:
        target = record.declared.target.model_dump(mode="json", exclude_defaults=True)
        content["declared"]["target"] = target
    return content


def _parsed(kind: type, value: Any, name: str) -> Any:
    try:
        # As JSON, where a list is a tuple and yet no text is a number.
        return TypeAdapter(kind).validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in (name, *first["loc"]))
        raise ValueError(f"{place}: {first['msg'].lower()}") from None
