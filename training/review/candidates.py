"""The two models of a review, and the outcomes that each of them was trained on.

The champion is the installed one, the challenger comes from the registry; both are only read.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Literal

from features.declaring.company import Company
from features.declaring.definitions import definitions
from features.declaring.target import Target
from features.errors import DeclarationError, NotFound
from features.settings import Settings
from training.artifact import Artifact
from training.champions import champion
from training.expiry import due, trained_until
from training.registry import local_store, tracking
from training.review.by_model import ModelRole

# How an as-of date relates to a model: the model was trained on it; its outcomes overlap with some
# that the model was trained on; or every training outcome was settled by that morning.
DateStatus = Literal["trained on", "overlapping", "unseen"]


@dataclass(frozen=True)
class ModelSummary:
    """One of the two models of a review, as its content describes it.

    `trained_on` are the first and the last of its `training_dates` as-of dates, and
    `trained_until` is the day by which its last training outcome was settled.
    """

    name: str
    version: str
    digest: str
    trained_on: tuple[date, date]
    training_dates: int
    trained_until: date
    data_until: date
    data_digest: str
    rows: int
    good_until: date
    expiry: date | None


@dataclass(frozen=True)
class Candidate:
    """One model of the review. `tags` are those of its version in the registry."""

    role: ModelRole
    artifact: Artifact
    target: Target
    tags: Mapping[str, str]

    @cached_property
    def training_dates(self) -> list[date]:
        """The as-of dates that it was trained on, in order."""
        return sorted(date.fromisoformat(day) for day in self.artifact.training.as_of)

    @cached_property
    def trained_until(self) -> date:
        """The day on whose morning the last outcome that it was trained on was settled."""
        return trained_until(self.artifact, self.target)

    @cached_property
    def data_until(self) -> date:
        """How far the tables reached when it was trained."""
        until = self.artifact.training.data_until
        assert until is not None, "a company's tables state until when they are complete"
        return date.fromisoformat(until)

    @property
    def good_until(self) -> date:
        """The last day before its review is due, counted from its data."""
        return due(self.artifact) or date.max

    def expired(self, today: date) -> bool:
        """Whether it has expired, by its data or by the registry, whichever is first."""
        return today > min(filter(None, (self.good_until, self.expiry)))

    @property
    def expiry(self) -> date | None:
        """The last day on which it is valid by the registry, which counts from registration."""
        tag = self.tags.get("expiry")
        return date.fromisoformat(tag) if tag else None

    def status_of(self, day: date) -> DateStatus:
        """How the outcomes of an as-of date relate to those that the model was trained on."""
        if day in self.training_dates:
            return "trained on"
        return "unseen" if day >= self.trained_until else "overlapping"

    def may_know(self, churned: date, seen: date) -> bool:
        """Whether it may have been trained on a churn that it is asked for on the morning `seen`.

        By renewal a row counts once its own window is over: then it is a churn that was settled by
        then. Else whatever it has learnt after that morning may have told it.
        """
        if self.target.by_renewal:
            settled = churned + timedelta(days=self.target.days_from_end_to_settle)
            return settled <= self.trained_until
        return seen < self.trained_until

    def summary(self) -> ModelSummary:
        """Its description in the review."""
        record = self.artifact.training
        return ModelSummary(
            name=self.artifact.name,
            version=self.artifact.version,
            digest=self.artifact.digest,
            trained_on=(self.training_dates[0], self.training_dates[-1]),
            training_dates=len(self.training_dates),
            trained_until=self.trained_until,
            data_until=self.data_until,
            data_digest=record.data_digest,
            rows=record.rows,
            good_until=self.good_until,
            expiry=self.expiry,
        )


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
    def as_of_dates(self) -> set[date]:
        """The as-of dates that either was trained on, or the challenger was evaluated on."""
        evaluation = self.challenger.artifact.evaluation
        days = (evaluation.as_of, *evaluation.trained_on)
        evaluated = {date.fromisoformat(day) for day in days}
        return {*evaluated, *self.champion.training_dates, *self.challenger.training_dates}

    def __iter__(self) -> Iterator[Candidate]:
        return iter((self.champion, self.challenger))


def candidates(
    company: Company, target: str, alias_or_version: str, settings: Settings
) -> Candidates:
    """The installed champion, and the registered model of that alias or version.

    Raises
    ------
    NotFound
        There is no champion, no registry, or no such model in it.
    DeclarationError
        The declaration measures something else than one of them was trained on.
    """
    installed = champion(settings.workspace_of(company), target)
    _require_registry(settings.workspace_of(company), settings)
    registered = tracking.fetch(company, target, alias_or_version, settings)
    declared = company.targets[target]
    pair = Candidates(
        Candidate("champion", installed, declared, _tags(company, installed, settings)),
        Candidate("challenger", registered, declared, _tags(company, registered, settings)),
    )
    for candidate in pair:
        _require_columns(candidate, company)
    return pair


def _require_registry(workspace: Path, settings: Settings) -> None:
    """Opening a store that is not there would make an empty one."""
    database = workspace / local_store.DATABASE
    if not settings.tracking_uri and not database.is_file():
        raise NotFound(
            f"{database}: no registry of models; run: churnlight train, or set "
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
    tags = dict(version.tags)
    return tags if tags.get("model_digest") == artifact.digest else {}


def _require_columns(candidate: Candidate, company: Company) -> None:
    """Raises DeclarationError unless all that the model knows is still measured alike.

    Indicators that the declaration has besides are no hindrance.
    """
    artifact = candidate.artifact
    declared, trained = definitions(company, artifact.target), artifact.definitions
    if changed := sorted(name for name in trained if trained[name] != declared.get(name)):
        raise DeclarationError(
            f"the {candidate.role}, version {artifact.version} of {artifact.name}, cannot be "
            f"scored: churnlight.toml has changed {', '.join(changed)} since it was trained; "
            "until the review is done, restore the old definition and declare the new one under "
            "another name"
        )
