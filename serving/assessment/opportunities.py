"""Opportunities: the only place where the score of a positive target becomes something to act on.

An account is listed as an opportunity from 70 points up, and held back while it is red or not
scored for an adverse target on the same day: never upsell an account that is about to leave or has
left. Nothing here is health. It is pure, as `assess` is.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import pyarrow as pa

from features.declaring.company import Company
from serving.assessment.assess import Assessment
from serving.assessment.score_parts import AboutRow, ScoreParts, TargetScore, score_parts
from training.calibrating.opportunity import LISTED_FROM

if TYPE_CHECKING:
    from training.artifact import Artifact

State = Literal["yes", "no", "held_back", "unscored"]


STATE_WORDS: dict[State, str] = {
    "yes": "Opportunity",
    "held_back": "Held back",
    "no": "No opportunity",
    "unscored": "Not scored",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Opportunity(TargetScore):
    """The opportunity of one account for one positive target on one as-of date.

    `opportunity_score` is 0 to 100, 100 the best prospect, `opportunity_score_low` and
    `opportunity_score_high` the ends of the interval around it. What is held back keeps its score
    and has a `held_back_reason`.
    """

    opportunity_probability: float | None = None
    opportunity_score: float | None = None
    opportunity_score_unclipped: float | None = None
    opportunity_score_low: float | None = None
    opportunity_score_high: float | None = None
    opportunity: State
    held_back_reason: str | None = None


# Per row, why an opportunity is held back, in words; null where nothing speaks against it.
Risks = Sequence[str | None]


def risks(assessed: Iterable[Sequence[Assessment]], company: Company) -> Risks:
    """The risks of rows from the assessments (targets x rows) that are made of them."""
    return [
        next(filter(None, (_risk(assessment, company) for assessment in row)), None)
        for row in zip(*assessed, strict=True)
    ]


def _risk(assessment: Assessment, company: Company) -> str | None:
    if assessment.band == "red":
        title = company.targets[assessment.target].title or assessment.target
        return f"Held back while the account is at risk: {title}"
    if assessment.band == "unscored":
        return f"Held back while the account's health is not scored: {assessment.unscored_reason}"
    return None


def opportunities(
    rows: pa.Table, artifact: "Artifact", company: Company, held: Risks
) -> list[Opportunity]:
    """The opportunity of each row by the artifact of a positive target, in the rows' order.

    `held` are the risks of the same rows, empty where no target is adverse; rows and errors as of
    `assess`.
    """
    playbook = company.targets[artifact.target].playbook
    scored = score_parts(rows, artifact, company)
    return [
        _opportunity(about, parts, risk, playbook)
        if parts
        else Opportunity(**about, opportunity="unscored")
        for (about, parts), risk in zip(scored, held or [None] * rows.num_rows, strict=True)
    ]


def _opportunity(
    about: AboutRow, parts: ScoreParts, risk: str | None, playbook: str | None
) -> Opportunity:
    state = _state(parts.unclipped, risk)
    score, low, high = parts.on_scale
    return Opportunity(
        **about,
        **parts.fields,
        opportunity_probability=parts.probability,
        opportunity_score=score,
        opportunity_score_unclipped=parts.unclipped,
        opportunity_score_low=low,
        opportunity_score_high=high,
        opportunity=state,
        playbook=playbook if state == "yes" else None,
        held_back_reason=risk if state == "held_back" else None,
    )


def _state(score: float, risk: str | None) -> State:
    if score < LISTED_FROM:
        return "no"
    return "yes" if risk is None else "held_back"
