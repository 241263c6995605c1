"""What the API takes and gives, as types: the OpenAPI document is generated from this module.

Requests are strict pydantic models; answers are typed dictionaries, which cost nothing to
build and are checked by the type checker here and against the OpenAPI document by the tests.
"""

from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from features.declaring.indicator import DIMENSIONS, Kind
from serving.assessment.assess import Assessment
from serving.assessment.opportunities import Opportunity
from serving.assessment.score_parts import Driver
from serving.published.book import Edition, Entry
from serving.published.prospects import Prospect
from training.calibrating.bands import Band
from training.movement.change import Change, ChangePart

MAX_ACCOUNTS = 1000
LONGEST_ID = 512

ExplanationPath = Literal["compiled", "pred_contrib"]

FeatureValues = Annotated[
    dict[str, Any],
    WithJsonSchema(
        {"type": "object", "additionalProperties": {"type": ["number", "string", "null"]}}
    ),
]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ScoreItem(_Strict):
    """One account to score: a known one by its `account_id`, or any one by its `features`.

    Features that are left out, or null, count as unknown.
    """

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": ["account_id"]}, {"required": ["features"]}]}
    )

    account_id: str = Field(
        default_factory=str,
        min_length=1,
        max_length=LONGEST_ID,
        description="an account of the latest published run",
    )
    features: FeatureValues = Field(
        default_factory=dict, description="indicator columns, such as spend__90d, with their values"
    )
    segment: str = Field(
        default="all",
        min_length=1,
        description="only with features: given back in the answer; no score depends on it",
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if len(self.model_fields_set & {"account_id", "features"}) != 1:
            raise PydanticCustomError("one_way", "give either account_id or features")
        if "segment" in self.model_fields_set and "account_id" in self.model_fields_set:
            raise PydanticCustomError("one_way", "segment goes with features only")
        return self

    @property
    def by_features(self) -> bool:
        """Whether the caller states the features, and not which account it is."""
        return "features" in self.model_fields_set


class ScoreRequest(_Strict):
    """The accounts to score, at most 1000, for one target."""

    accounts: list[ScoreItem] = Field(min_length=1, max_length=MAX_ACCOUNTS)
    target: str = Field(
        default_factory=str, description="a declared target; by default the first adverse one"
    )
    drivers: bool = Field(default=True, description="whether the answer carries the drivers")


class DriverFacts(TypedDict):
    """What is said of one indicator, whatever the score.

    `window` is in days, null for the whole history.
    """

    indicator: str
    title: str
    dimension: Annotated[str, WithJsonSchema({"enum": list(DIMENSIONS)})]
    kind: Annotated[str, WithJsonSchema({"enum": list(get_args(Kind))})]
    value: float | str | None
    usual: float | str | None
    window: int | None
    unit: str
    sentence: str


class DriverMessage(DriverFacts):
    """One indicator's part in a health score: negative `health_points` lower it.

    `window` is in days, null for the whole history.
    """

    health_points: float
    playbook: str | None


class ModelMessage(TypedDict):
    """The model that made a score."""

    name: str
    version: str
    digest: str


class Dimensions(TypedDict):
    """Health points per dimension; null where the account is unscored."""

    outcome: float | None
    business: float | None
    relationship: float | None
    context: float | None


class Said(TypedDict):
    """What every score says of one account, of health or of an opportunity."""

    account_id: str | None
    target: str
    as_of: str | None
    computed_at: str
    segment: str
    interval_half_width: float | None
    horizon_days: int
    gap_days: int
    base_points: float | None
    dimensions: Dimensions
    completeness: float
    missing: list[str]
    unscored_reason: str | None
    playbook: str | None
    model: ModelMessage
    declaration_hash: str


class _Drivers(TypedDict, total=False):
    drivers: list[DriverMessage]


class ScoreMessage(Said, _Drivers):
    """What is said of one account: 100 is the healthiest score, 1 the surest churn.

    `base_points` and the four dimensions add up to `health_score_unclipped`, and so do
    `base_points` and the drivers' points. `health_score_low` and `health_score_high` are the ends
    of the interval around the score, of `interval_half_width` points before it is clipped, which
    never shrinks when a value goes missing. An unscored account has nulls and a reason. A score by
    features has neither account_id nor as_of.
    """

    health_score: float | None
    health_score_low: float | None
    health_score_high: float | None
    health_score_unclipped: float | None
    band: Band
    churn_probability: float | None


class AccountFacts(TypedDict):
    """What the account table says of an account; null where it says nothing."""

    name: str | None
    owner: str | None
    parent: str | None
    mrr: float | None
    renewal: str | None
    since: str | None


class AccountMessage(ScoreMessage):
    """The published score of an account, and its facts."""

    account: AccountFacts


class TrendPoint(TypedDict):
    """The published score of one as-of date."""

    as_of: str
    health_score: float | None
    band: Band


class ChangeMessage(TypedDict):
    """One indicator that changed since the run before, and its part in the score's movement.

    `part` is data where the indicator was known on one of the two dates only; `window` is in
    days, null for the whole history.
    """

    indicator: str
    title: str
    dimension: Annotated[str, WithJsonSchema({"enum": list(DIMENSIONS)})]
    kind: Annotated[str, WithJsonSchema({"enum": list(get_args(Kind))})]
    part: Annotated[str, WithJsonSchema({"enum": list(get_args(ChangePart))})]
    old: float | str | None
    new: float | str | None
    window: int | None
    unit: str
    health_points: float


class Changes(TypedDict):
    """What moved the unclipped score since the run before.

    `behaviour`, `data`, `model` and `definition` add up to `new_score` minus `old_score`; the
    points of the `indicators` add up to `behaviour` and `data`. Only what changed has points.
    """

    since: str
    old_score: float
    new_score: float
    behaviour: float
    data: float
    model: float
    definition: float
    indicators: list[ChangeMessage]


class AccountDetail(AccountMessage):
    """As in the list, with drivers, trend (oldest as-of date first) and what moved the score.

    `changes` is null where the account had no score in the run before or has none now, or where
    that run, or its model, could not be read.
    """

    trend: list[TrendPoint]
    changes: Changes | None


class AccountPage(TypedDict):
    """One page of the list: lowest score first, unscored accounts last.

    `total` counts all accounts that fit; `next` is the `after` of the next page, null on the
    last one.
    """

    accounts: list[AccountMessage]
    total: int
    next: str | None
    as_of: str
    data_until: str
    stale: str | None


class Alive(TypedDict):
    """The process is up."""

    status: Literal["alive"]


class ReadyTarget(TypedDict):
    """What the service answers from for one target.

    `published_by` made the published scores, `model` is the promoted one, trained under the
    declaration of `declaration_hash`. `explanation_path` says who explains its scores: its
    compiled tables or, slower and to the same numbers, LightGBM's pred_contrib.
    """

    as_of: str
    computed_at: str
    published_by: ModelMessage
    model: ModelMessage
    declaration_hash: str
    explanation_path: ExplanationPath


class Ready(TypedDict):
    """The promoted model is verified and a run is published, for each of `targets`.

    `stale` says why a newer run could not be taken up, and is null otherwise.
    """

    status: Literal["ready"]
    targets: dict[str, ReadyTarget]
    stale: str | None


def model_message(model: dict[str, Any]) -> ModelMessage:
    """The three facts that identify a model."""
    return {"name": model["name"], "version": model["version"], "digest": model["digest"]}


def said(
    item: Assessment | Opportunity, *, model: dict[str, Any], computed_at: str, missing: list[str]
) -> Said:
    """What is said whatever the score; `model` is what `runs.described` says of its model."""
    return {
        "account_id": item.account_id or None,
        "target": item.target,
        "as_of": item.as_of.isoformat() if item.as_of else None,
        "computed_at": computed_at,
        "segment": item.segment,
        "interval_half_width": item.interval_half_width,
        "horizon_days": model["horizon_days"],
        "gap_days": model["gap_days"],
        "base_points": item.base_points,
        "dimensions": {
            "outcome": item.outcome_points,
            "business": item.business_points,
            "relationship": item.relationship_points,
            "context": item.context_points,
        },
        "completeness": item.completeness,
        "missing": missing,
        "unscored_reason": item.unscored_reason,
        "playbook": item.playbook,
        "model": model_message(model),
        "declaration_hash": model["declaration_hash"],
    }


def score_message(
    item: Assessment, *, model: dict[str, Any], computed_at: str, missing: list[str]
) -> ScoreMessage:
    """One assessment as a message; `model` is what `runs.described` says of its model."""
    return {
        # The checker fears drivers of another kind in it.
        **said(item, model=model, computed_at=computed_at, missing=missing),  # type: ignore[typeddict-item]
        "health_score": item.health_score,
        "health_score_low": item.health_score_low,
        "health_score_high": item.health_score_high,
        "health_score_unclipped": item.health_score_unclipped,
        "band": item.band,
        "churn_probability": item.churn_probability,
    }


def driver_facts(item: Driver) -> DriverFacts:
    """What is said of a driver whatever the score."""
    return {
        "indicator": item.indicator,
        "title": item.title,
        "dimension": item.dimension,
        "kind": item.kind,
        "value": item.value,
        "usual": item.usual,
        "window": item.window,
        "unit": item.unit,
        "sentence": item.sentence,
    }


def driver_messages(drivers: tuple[Driver, ...]) -> list[DriverMessage]:
    """All drivers of an assessment."""
    return [
        {**driver_facts(item), "health_points": item.points, "playbook": item.playbook}
        for item in drivers
    ]


def account_message(entry: Entry, edition: Edition, *, drivers: bool) -> AccountMessage:
    """One entry of the book as a message."""
    score = score_message(
        entry.assessment,
        model=edition.model,
        computed_at=edition.run.computed_at,
        missing=list(entry.missing),
    )
    message: AccountMessage = {**score, "account": facts_message(entry)}
    if drivers:
        message["drivers"] = driver_messages(entry.assessment.drivers)
    return message


def facts_message(entry: Entry | Prospect) -> AccountFacts:
    """The facts of an account."""
    return {
        "name": entry.name,
        "owner": entry.owner,
        "parent": entry.parent,
        "mrr": entry.mrr,
        "renewal": entry.renewal.isoformat() if entry.renewal else None,
        "since": entry.since.isoformat() if entry.since else None,
    }


def detail_message(entry: Entry, edition: Edition) -> AccountDetail:
    """One entry with its drivers, its trend and its changes."""
    trend: list[TrendPoint] = [
        {"as_of": point.as_of.isoformat(), "health_score": point.health_score, "band": point.band}
        for point in entry.trend
    ]
    found = account_message(entry, edition, drivers=True)
    return {**found, "trend": trend, "changes": _changes(entry)}


def _changes(entry: Entry) -> Changes | None:
    moved = entry.movement
    if moved is None:
        return None
    return {
        "since": entry.trend[-2].as_of.isoformat(),
        "old_score": moved.old_score,
        "new_score": moved.new_score,
        "behaviour": moved.behaviour,
        "data": moved.data,
        "model": moved.model,
        "definition": moved.definition,
        "indicators": [_change(item) for item in moved.changes],
    }


def _change(item: Change) -> ChangeMessage:
    return {
        "indicator": item.indicator,
        "title": item.title,
        "dimension": item.dimension,
        "kind": item.kind,
        "part": item.part,
        "old": item.old,
        "new": item.new,
        "window": item.window,
        "unit": item.unit,
        "health_points": item.health_points,
    }
