"""How long a model is good for: the six months of a review period, counted from its data.

By the clock of the data, as everything that asks for age: a model expires when the dates that it
scores are too far from what it learnt, whatever the day on the wall.
"""

from datetime import date, timedelta

from training.artifact import Artifact

REVIEW_DAYS = 183


def expires(artifact: Artifact) -> date | None:
    """The last as-of date that the model is good for; None where its table stated no dates."""
    until = artifact.training.get("data_until")
    return date.fromisoformat(until) + timedelta(days=REVIEW_DAYS) if until else None


def expired(artifact: Artifact, as_of: date) -> str | None:
    """The warning to give when the model is used for `as_of`; None while it is good for it."""
    last = expires(artifact)
    if last is None or as_of <= last:
        return None
    name = artifact.name or artifact.target
    return (
        f"model {name} version {artifact.version} expired on {last}: its data end "
        f"{(as_of - last).days + REVIEW_DAYS} days before {as_of}; review it and train again"
    )
