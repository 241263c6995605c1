"""What the API says of opportunities, as types; `messages` has all the rest.

Its one rule: nothing here is called health or churn. What an adverse target's score says, and what
an opportunity's says, have no field for a number in common but the parts that add up.
"""

from typing import Annotated, Any, get_args

from pydantic import WithJsonSchema
from typing_extensions import TypedDict

from features.indicator import DIMENSIONS, Kind
from serving.assess import Driver
from serving.messages import (
    AccountFacts,
    Dimensions,
    ModelMessage,
    ScoreMessage,
    facts_message,
    model_message,
)
from serving.opportunities import Opportunity, State
from serving.prospects import Prospect, Prospects


class OpportunityDriver(TypedDict):
    """One indicator's part in an opportunity score: negative `opportunity_points` lower it.

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
    opportunity_points: float
    sentence: str


class _Drivers(TypedDict, total=False):
    drivers: list[OpportunityDriver]


class OpportunityMessage(_Drivers):
    """What is said of one account for a target that is welcome: 100 is the best prospect.

    `opportunity` is *yes* from 70 points on, and *held_back* where the account is red or unscored
    for an adverse target; `held_back_reason` says so. `base_points` and the four dimensions add up
    to `opportunity_score_unclipped`, and so do `base_points` and the drivers' points.
    `opportunity_score_low` and `opportunity_score_high` are the ends of the interval around the
    score, of `interval_half_width` points before it is clipped, which never shrinks when a value
    goes missing. An unscored account has nulls and a reason. A score by features has neither
    account_id nor as_of.
    """

    account_id: str | None
    target: str
    as_of: str | None
    computed_at: str
    segment: str
    opportunity: State
    held_back_reason: str | None
    opportunity_score: float | None
    opportunity_score_unclipped: float | None
    opportunity_score_low: float | None
    opportunity_score_high: float | None
    interval_half_width: float | None
    opportunity_probability: float | None
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


class Scores(TypedDict):
    """The scores, in the order of the request: of health, or of an opportunity, by the target."""

    scores: list[ScoreMessage | OpportunityMessage]


class AccountOpportunity(OpportunityMessage):
    """The published opportunity of an account, and its facts."""

    account: AccountFacts


class OpportunityPage(TypedDict):
    """One page of the list: highest opportunity score first, unscored accounts last.

    `total` counts all accounts that fit; `next` is the `after` of the next page, null on the
    last one.
    """

    opportunities: list[AccountOpportunity]
    total: int
    next: str | None
    as_of: str
    data_until: str
    stale: str | None


def opportunity_message(
    item: Opportunity, *, model: dict[str, Any], computed_at: str, missing: list[str]
) -> OpportunityMessage:
    """One opportunity as a message; `model` is what `runs.described` says of its model."""
    return {
        "account_id": item.account_id or None,
        "target": item.target,
        "as_of": item.as_of.isoformat() if item.as_of else None,
        "computed_at": computed_at,
        "segment": item.segment,
        "opportunity": item.opportunity,
        "held_back_reason": item.held_back_reason,
        "opportunity_score": item.opportunity_score,
        "opportunity_score_unclipped": item.opportunity_score_unclipped,
        "opportunity_score_low": item.opportunity_score_low,
        "opportunity_score_high": item.opportunity_score_high,
        "interval_half_width": item.interval_half_width,
        "opportunity_probability": item.opportunity_probability,
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


def driver_messages(drivers: tuple[Driver, ...]) -> list[OpportunityDriver]:
    """All drivers of an opportunity."""
    return [
        {
            "indicator": item.indicator,
            "title": item.title,
            "dimension": item.dimension,
            "kind": item.kind,
            "value": item.value,
            "usual": item.usual,
            "window": item.window,
            "unit": item.unit,
            "opportunity_points": item.points,
            "sentence": item.sentence,
        }
        for item in drivers
    ]


def prospect_message(entry: Prospect, found: Prospects, *, drivers: bool) -> AccountOpportunity:
    """One prospect of the book as a message."""
    said = opportunity_message(
        entry.opportunity,
        model=found.model,
        computed_at=found.run.computed_at,
        missing=list(entry.missing),
    )
    message: AccountOpportunity = {**said, "account": facts_message(entry)}
    if drivers:
        message["drivers"] = driver_messages(entry.opportunity.drivers)
    return message
