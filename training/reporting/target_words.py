"""How one speaks of a model's target, and what its training kept of the declaration."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from training.artifact import Artifact
from training.records.training_record import Declared

Row = Mapping[str, Any]


@dataclass(frozen=True)
class TargetWords:
    """The verb for accounts that had the event (`happened`), and which accounts come `first`."""

    happened: str
    first: str

    @property
    def order(self) -> str:
        """The axis along which accounts are worked."""
        return f"accounts worked, {self.first} first"


CHURN = TargetWords("churned", "riskiest")


def target_words(artifact: Artifact) -> TargetWords:
    """The words for the artifact's target: accounts churn, or else had the event."""
    if artifact.adverse:
        return CHURN if declaration_of(artifact) else replace(CHURN, happened="had the event")
    return TargetWords("had the event", "likeliest")


def points_name(artifact: Artifact) -> str:
    """What the points of the score are called."""
    return "health points" if artifact.adverse else "opportunity points"


def declaration_of(artifact: Artifact) -> Declared | None:
    """What training kept of the declaration; None of a table that nobody declared."""
    return artifact.training.declared


def declared_target(artifact: Artifact) -> Row:
    """The target as declared; nothing of a table that nobody declared."""
    declared = declaration_of(artifact)
    if declared is None:
        return {}
    return declared.target.model_dump(mode="json", exclude_defaults=True)
