"""How one speaks of a model's target."""

from dataclasses import dataclass, replace

from training.artifact import Artifact


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
        return CHURN if artifact.training.declared else replace(CHURN, happened="had the event")
    return TargetWords("had the event", "likeliest")


def points_name(artifact: Artifact) -> str:
    """The name of the score's points."""
    return "health points" if artifact.adverse else "opportunity points"
