"""The two models of a review, and what each of them has learnt from.

The champion is the installed one, the challenger comes from the registry; both are only read.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from features import clock
from features.declaring.company import Company, Target
from features.declaring.definitions import definitions
from features.errors import DeclarationError, NotFound
from features.settings import Settings
from training.artifact import Artifact, champion
from training.expiry import due
from training.registry import tracking

Standing = Literal["learnt", "overlapping", "unseen"]
"""Of an as-of date, for a model: it taught the model; its outcomes overlap with some that taught
it; or all that taught the model was settled on that morning."""


@dataclass(frozen=True)
class Candidate:
    """One model of the review. `tags` are those of its version in the registry."""

    role: str
    artifact: Artifact
    target: Target
    tags: Mapping[str, str]

    @cached_property
    def taught(self) -> list[date]:
        """The as-of dates that it learnt from, in order."""
        return sorted(date.fromisoformat(day) for day in self.artifact.training["as_of"])

    @cached_property
    def taught_until(self) -> date:
        """The day on whose morning the last outcome that it learnt from was settled."""
        return clock.settled(self.taught[-1], self.target)

    @cached_property
    def data_until(self) -> date:
        """How far the tables reached when it was trained."""
        return date.fromisoformat(self.artifact.training["data_until"])

    @property
    def good_until(self) -> date:
        """The last day before its review is due, by the tables' own time."""
        return due(self.artifact) or date.max

    def expired(self, today: date) -> bool:
        """Whether its time is over, by the tables or by the registry, whichever is first."""
        return today > min(filter(None, (self.good_until, self.expiry)))

    @property
    def expiry(self) -> date | None:
        """The last day on which it is valid, as the registry says (that is by the wall clock)."""
        told = self.tags.get("expiry")
        return date.fromisoformat(told) if told else None

    def standing(self, day: date) -> Standing:
        """What the model has to do with the outcomes of an as-of date."""
        if day in self.taught:
            return "learnt"
        return "unseen" if day >= self.taught_until else "overlapping"

    def plain(self) -> dict[str, Any]:
        """What the report says of it, as JSON values."""
        made = self.artifact.training
        return {
            "name": self.artifact.name,
            "version": self.artifact.version,
            "digest": self.artifact.digest,
            "taught_on": [str(self.taught[0]), str(self.taught[-1])],
            "taught_dates": len(self.taught),
            "taught_until": str(self.taught_until),
            "data_until": str(self.data_until),
            "data_digest": made["data_digest"],
            "rows": made["rows"],
            "good_until": str(self.good_until),
            "expiry": str(self.expiry) if self.expiry else None,
        }


@dataclass(frozen=True)
class Candidates:
    """Champion and challenger of one target."""

    champion: Candidate
    challenger: Candidate

    @property
    def same(self) -> bool:
        """Whether the challenger is the champion itself."""
        return self.champion.artifact.digest == self.challenger.artifact.digest

    @property
    def named(self) -> set[date]:
        """The as-of dates that either was taught or judged on."""
        judged = self.challenger.artifact.evaluation
        days = {date.fromisoformat(day) for day in (judged["as_of"], *judged["trained_on"])}
        return {*days, *self.champion.taught, *self.challenger.taught}

    def __iter__(self) -> Iterator[Candidate]:
        return iter((self.champion, self.challenger))


def candidates(company: Company, target: str, wanted: str, settings: Settings) -> Candidates:
    """The installed champion and the registered model `wanted` (an alias or a version).

    Raises
    ------
    NotFound
        There is no champion, no registry, or no such model in it.
    DeclarationError
        The declaration measures something else than one of them learnt from.
    """
    installed = champion(settings.workspace_of(company), target)
    _require_registry(settings.workspace_of(company), settings)
    other = tracking.fetch(company, target, wanted, settings)
    declared = company.targets[target]
    found = [
        Candidate(role, item, declared, _tags(company, item, settings))
        for role, item in (("champion", installed), ("challenger", other))
    ]
    for item in found:
        _require_columns(item, company)
    return Candidates(*found)


def _require_registry(workspace: Path, settings: Settings) -> None:
    """Opening a store that is not there would make an empty one."""
    if not settings.tracking_uri and not (workspace / "mlflow.db").is_file():
        raise NotFound(
            f"{workspace / 'mlflow.db'}: no registry of models; run: churnlight train, or set "
            "CHURNLIGHT_TRACKING_URI to where the models are registered"
        )


def _tags(company: Company, artifact: Artifact, settings: Settings) -> dict[str, str]:
    """The tags of the artifact's version; none where the registry does not know this artifact."""
    from mlflow.exceptions import MlflowException

    with tracking.client(company, settings) as mlflow:
        try:
            version = mlflow.MlflowClient().get_model_version(artifact.name, artifact.version)
        except MlflowException:
            return {}
    found = dict(version.tags)
    return found if found.get("model_digest") == artifact.digest else {}


def _require_columns(item: Candidate, company: Company) -> None:
    """Raises DeclarationError unless all that the model knows is still measured alike.

    Indicators that the declaration has besides are no hindrance.
    """
    today, known = definitions(company, item.artifact.target), item.artifact.definitions
    if changed := sorted(name for name in known if known[name] != today.get(name)):
        raise DeclarationError(
            f"the {item.role}, version {item.artifact.version} of {item.artifact.name}, cannot be "
            f"scored: churnlight.toml measures {', '.join(changed)} otherwise than it learnt; "
            "keep what it learnt under the old name, and the new definition under another, until "
            "the review is done"
        )
