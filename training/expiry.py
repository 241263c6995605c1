"""Until when a model has learnt, and how long it is good for: the six months of a review period.

Two clocks measure it. The registry counts from the day of registration, by the wall clock (its tag
`expiry`). Scores count from the day up to which the training data were complete, because a model
ages with its data; that date is the same on every machine.
"""

from datetime import date, timedelta

from features import clock
from features.declaring.target import Target
from training.artifact import Artifact

VALID_FOR = timedelta(days=183)
FIX = "review it (churnlight review) and train again"


class ExpiredModel(UserWarning):
    """A model is used beyond the period that it was reviewed for."""


def trained_until(artifact: Artifact, declared: Target) -> date:
    """The day on whose morning the last outcome that it was trained on was settled.

    By renewal, when each row is settled on a day of its own: the day by whose morning a row had to
    be settled to be trained on.
    """
    if declared.by_renewal and artifact.data_until is not None:
        judged = artifact.evaluation
        of_earlier = judged.tested == "artifact"
        return date.fromisoformat(judged.as_of if of_earlier else artifact.data_until)
    return clock.settled(date.fromisoformat(max(artifact.training.as_of)), declared)


def due(artifact: Artifact) -> date | None:
    """The last as-of date that the model is good for; None if its training record has no dates."""
    until = artifact.data_until
    return date.fromisoformat(until) + VALID_FOR if until else None


def overdue(artifact: Artifact, as_of: date) -> str:
    """The warning to give when the model scores `as_of`; empty while it is good for that date."""
    last = due(artifact)
    if last is None or as_of <= last:
        return ""
    return (
        f"{_named(artifact)} was due for review after {last}: its data end on "
        f"{last - VALID_FOR}, {(as_of - last + VALID_FOR).days} days before {as_of}; {FIX}"
    )


def expired(artifact: Artifact, expiry: str | None, today: date) -> str:
    """The warning to give when today is after the registry's `expiry`; empty until then."""
    if not expiry or today <= date.fromisoformat(expiry):
        return ""
    return f"{_named(artifact)} expired on {expiry}; {FIX}"


def _named(artifact: Artifact) -> str:
    return f"model {artifact.name or artifact.target} version {artifact.version}"
