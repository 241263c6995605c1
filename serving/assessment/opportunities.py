"""Opportunities: the only place where the score of what is welcome becomes something to tell.

An account is told as an opportunity from 70 points on, and held back while it is red or not
scored for an adverse target on the same day: nobody sells to whom we are about to lose, or have
lost. Nothing here is health. It is pure, as `assess` is.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa

from features.declaring.company import Company
from serving.assessment.assess import Assessment, Driver, Scored, scored
from training.calibrating.opportunity import TOLD_FROM

if TYPE_CHECKING:
    from training.artifact import Artifact

State = Literal["yes", "no", "held_back", "unscored"]


STATE_WORDS: dict[State, str] = {
    "yes": "Opportunity",
    "held_back": "Held back",
    "no": "No opportunity",
    "unscored": "Not scored",
}


@dataclass(frozen=True, slots=True)
class Opportunity:
    """What is said of one account for one target that is not adverse, on one as-of date.

    `opportunity_score` is 0 to 100, 100 the best prospect, `opportunity_score_low` and
    `opportunity_score_high` the ends of the interval around it. `base_points` and the four other
    points add up to `opportunity_score_unclipped`, and so do `base_points` and the drivers'
    points, to 1e-9. What is held back keeps its score and has a `held_back_reason`; an unscored
    account has nulls, no drivers and an `unscored_reason`.
    """

    account_id: str
    as_of: date | None
    target: str
    opportunity_probability: float | None
    opportunity_score: float | None
    opportunity_score_unclipped: float | None
    opportunity_score_low: float | None
    opportunity_score_high: float | None
    interval_half_width: float | None
    opportunity: State
    completeness: float
    base_points: float | None
    outcome_points: float | None
    business_points: float | None
    relationship_points: float | None
    context_points: float | None
    drivers: tuple[Driver, ...]
    playbook: str | None
    model_version: str
    segment: str
    unscored_reason: str | None
    held_back_reason: str | None


Risks = Sequence[str | None]
"""Per row, why an opportunity is held back, in words; null where nothing speaks against it."""


def risks(assessed: Iterable[Sequence[Assessment]], company: Company) -> Risks:
    """The risks of rows from the assessments (targets x rows) that are made of them."""
    return [
        next(filter(None, (_risk(item, company) for item in row)), None)
        for row in zip(*assessed, strict=True)
    ]


def _risk(item: Assessment, company: Company) -> str | None:
    if item.band == "red":
        title = company.targets[item.target].title or item.target
        return f"Held back while the account is at risk: {title}"
    if item.band == "unscored":
        return f"Held back while the account's health is not scored: {item.unscored_reason}"
    return None


def opportunities(
    rows: pa.Table, artifact: "Artifact", company: Company, held: Risks
) -> list[Opportunity]:
    """What the artifact of a target that is not adverse says of each row, in the rows' order.

    `held` are the risks of the same rows, empty where no target is adverse; rows and errors as of
    `assess`.
    """
    playbook = company.targets[artifact.target].playbook
    return [
        Opportunity(**about, **(_told(found, risk, playbook) if found else _UNSCORED))
        for (about, found), risk in zip(
            scored(rows, artifact, company), held or [None] * rows.num_rows, strict=True
        )
    ]


_UNSCORED: dict[str, Any] = dict.fromkeys(
    [
        "opportunity_probability",
        "opportunity_score",
        "opportunity_score_unclipped",
        "opportunity_score_low",
        "opportunity_score_high",
        "interval_half_width",
        "base_points",
        "outcome_points",
        "business_points",
        "relationship_points",
        "context_points",
        "playbook",
        "held_back_reason",
    ]
) | {"opportunity": "unscored", "drivers": ()}


def _told(found: Scored, risk: str | None, playbook: str | None) -> dict[str, Any]:
    state = _state(found.unclipped, risk)
    score, low, high = found.held
    return {
        "opportunity_probability": found.probability,
        "opportunity_score": score,
        "opportunity_score_unclipped": found.unclipped,
        "opportunity_score_low": low,
        "opportunity_score_high": high,
        "interval_half_width": found.half_width,
        "opportunity": state,
        "base_points": found.base,
        **found.dimensions,
        "drivers": found.drivers,
        "playbook": playbook if state == "yes" else None,
        "held_back_reason": risk if state == "held_back" else None,
    }


def _state(score: float, risk: str | None) -> State:
    if score < TOLD_FROM:
        return "no"
    return "yes" if risk is None else "held_back"
