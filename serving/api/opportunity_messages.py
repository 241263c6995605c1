"""Opportunities as the API sends them: one score, one account, one page of the list.

Its one rule: nothing here is called health or churn. A health score and an opportunity score share
no field for a number but the parts that add up to it.
"""

from typing_extensions import TypedDict

from serving.api.score_messages import (
    AccountFacts,
    DriverCommon,
    PageCommon,
    ScoreCommon,
    ScoreOrigin,
    account_facts,
    driver_common,
    published_origin,
    score_common,
)
from serving.assessment.opportunities import Opportunity, State
from serving.assessment.score_parts import Driver
from serving.published.prospects import Prospect, Prospects


class OpportunityDriver(DriverCommon):
    """One indicator's part in an opportunity score: negative `opportunity_points` lower it.

    `window` is in days, null for the whole history.
    """

    opportunity_points: float


class _HasDrivers(TypedDict, total=False):
    drivers: list[OpportunityDriver]


class OpportunityScore(ScoreCommon, _HasDrivers):
    """Opportunity score (100 = best prospect) of one account for a target with `adverse = false`.

    `opportunity` is *yes* from 70 points up, and *held_back* where the account is red or unscored
    for an adverse target; `held_back_reason` names it. `base_points` and the four dimensions add up
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


class AccountOpportunity(OpportunityScore):
    """The published opportunity of an account, and its facts."""

    account: AccountFacts


class OpportunityPage(PageCommon):
    """One page of the list: highest opportunity score first, unscored accounts last.

    `total` counts all accounts that pass the filters; `next` is the `after` of the next page, null
    on the last one.
    """

    opportunities: list[AccountOpportunity]


def opportunity_score(
    score: Opportunity, origin: ScoreOrigin, *, drivers: bool
) -> OpportunityScore:
    """The message of one opportunity score, with or without its drivers."""
    message: OpportunityScore = {
        # mypy: TypedDict unpacking loses the drivers type.
        **score_common(score, origin),  # type: ignore[typeddict-item]
        "opportunity": score.opportunity,
        "held_back_reason": score.held_back_reason,
        "opportunity_score": score.opportunity_score,
        "opportunity_score_low": score.opportunity_score_low,
        "opportunity_score_high": score.opportunity_score_high,
        "opportunity_score_unclipped": score.opportunity_score_unclipped,
        "opportunity_probability": score.opportunity_probability,
    }
    if drivers:
        message["drivers"] = _drivers(score.drivers)
    return message


def account_opportunity(
    prospect: Prospect, prospects: Prospects, *, drivers: bool
) -> AccountOpportunity:
    """The message of one published account, with or without its drivers."""
    origin = published_origin(prospect, prospects)
    score = opportunity_score(prospect.opportunity, origin, drivers=False)
    message: AccountOpportunity = {**score, "account": account_facts(prospect)}
    if drivers:
        message["drivers"] = _drivers(prospect.opportunity.drivers)
    return message


def _drivers(drivers: tuple[Driver, ...]) -> list[OpportunityDriver]:
    return [{**driver_common(driver), "opportunity_points": driver.points} for driver in drivers]
