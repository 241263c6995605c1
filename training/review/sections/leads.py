"""How the indicators' lead times have changed between the trainings of the two models."""

from typing import Any

from training.artifact import Artifact
from training.review.candidates import Candidates

TOLD = ("title", "finding", "lead_days", "open_ended", "headline")


def measured(models: Candidates) -> dict[str, Any]:
    """Per indicator what either training found, and whether that differs, as JSON values."""
    before, after = (_by_indicator(item.artifact) for item in models)
    return {
        "step_days": {item.role: _step(item.artifact) for item in models},
        "indicators": [
            {
                "indicator": name,
                "champion": before.get(name),
                "challenger": after.get(name),
                "changed": _found(before.get(name)) != _found(after.get(name)),
            }
            for name in [*before, *(name for name in after if name not in before)]
        ],
    }


def _by_indicator(artifact: Artifact) -> dict[str, dict[str, Any]]:
    found = artifact.evaluation.get("lead_times", {}).get("indicators", ())
    return {item["indicator"]: {key: item[key] for key in TOLD} for item in found}


def _found(item: dict[str, Any] | None) -> dict[str, Any] | None:
    """What was measured, whatever it is called."""
    return item and {key: item[key] for key in item if key != "title"}


def _step(artifact: Artifact) -> int | None:
    """The resolution of what was measured; None where nothing was."""
    step: int | None = artifact.evaluation.get("lead_times", {}).get("step_days")
    return step
