"""What the API says of opportunities, as types; `messages` has all the rest.

Its one rule: nothing here is called health or churn. What an adverse target's score says, and what
an opportunity's says, have no field for a number in common but the parts that add up.
"""

from typing import Any

from typing_extensions import TypedDict

from serving.api.messages import (
    AccountFacts,
    DriverFacts,
    Said,
    ScoreMessage,
    driver_facts,
    facts_message,
    said,
)
from serving.assessment.opportunities import Opportunity, State
from serving.assessment.score_parts import Driver
from serving.published.prospects import Prospect, Prospects


class OpportunityDriver(DriverFacts):
    """One indicator's part in an opportunity score: negative `opportunity_points` lower it.

    `window` is in days, null for the whole history.
    """

    opportunity_points: float


class _Drivers(TypedDict, total=False):
    drivers: list[OpportunityDriver]


class OpportunityMessage(Said, _Drivers):
    """What is said of one account for a target that is welcome: 100 is the best prospect.

    `opportunity` is *yes* from 70 points on, and *held_back* where the account is red or unscored
    for an adverse target; `held_back_reason` says so. `base_points` and the four dimensions add up
    to `opportunity_score_unclipped`, and so do `base_points` and the drivers' points.
    `opportunity_score_low` and `opportunity_score_high` are the ends of the interval around the
    score, of `interval_half_width` points before it is clipped, which never shrinks when a value
    goes missing. An unscored account has nulls and a reason. A score by features has neither
    account_id nor as_of.
    """

    opportunity: State
    held_back_reason: str | None
    opportunity_score: float | None
    opportunity_score_low: float | None
    opportunity_score_high: float | None
    opportunity_score_unclipped: float | None
    opportunity_probability: float | None


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
        # The checker fears drivers of another kind in it.
        **said(item, model=model, computed_at=computed_at, missing=missing),  # type: ignore[typeddict-item]
        "opportunity": item.opportunity,
        "held_back_reason": item.held_back_reason,
        "opportunity_score": item.opportunity_score,
        "opportunity_score_low": item.opportunity_score_low,
        "opportunity_score_high": item.opportunity_score_high,
        "opportunity_score_unclipped": item.opportunity_score_unclipped,
        "opportunity_probability": item.opportunity_probability,
    }


def driver_messages(drivers: tuple[Driver, ...]) -> list[OpportunityDriver]:
    """All drivers of an opportunity."""
    return [{**driver_facts(item), "opportunity_points": item.points} for item in drivers]


def prospect_message(entry: Prospect, found: Prospects, *, drivers: bool) -> AccountOpportunity:
    """One prospect of the book as a message."""
    told = opportunity_message(
        entry.opportunity,
        model=found.model,
        computed_at=found.run.computed_at,
        missing=list(entry.missing),
    )
    message: AccountOpportunity = {**told, "account": facts_message(entry)}
    if drivers:
        message["drivers"] = driver_messages(entry.opportunity.drivers)
    return message
