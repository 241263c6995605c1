"""The fields that every score of the API has in common, for health and opportunities.

Messages are typed dictionaries, which cost nothing to build; the type checker checks them here,
and the tests check them against the OpenAPI document, which is generated from these types.
"""

from typing import Annotated, NamedTuple, get_args

from pydantic import WithJsonSchema
from typing_extensions import TypedDict

from features.declaring.indicator import DIMENSIONS, Kind
from serving.assessment.assess import Assessment
from serving.assessment.opportunities import Opportunity
from serving.assessment.score_parts import Driver
from serving.published.book import Edition, Entry
from serving.published.prospects import Prospect, Prospects
from serving.published.runs import Run, RunModel

DimensionName = Annotated[str, WithJsonSchema({"enum": list(DIMENSIONS)})]
KindName = Annotated[str, WithJsonSchema({"enum": list(get_args(Kind))})]


class DriverCommon(TypedDict):
    """One indicator behind a score, whatever the score is of.

    `window` is in days, null for the whole history.
    """

    indicator: str
    title: str
    dimension: DimensionName
    kind: KindName
    value: float | str | None
    usual: float | str | None
    window: int | None
    unit: str
    sentence: str


class ModelMessage(TypedDict):
    """The model that made a score."""

    name: str
    version: str
    digest: str


class DimensionPoints(TypedDict):
    """Points per dimension; null where the account is unscored."""

    outcome: float | None
    business: float | None
    relationship: float | None
    context: float | None


class ScoreCommon(TypedDict):
    """The fields that every score of an account has, of health and of an opportunity."""

    account_id: str | None
    target: str
    as_of: str | None
    computed_at: str
    segment: str
    interval_half_width: float | None
    horizon_days: int
    gap_days: int
    base_points: float | None
    dimensions: DimensionPoints
    completeness: float
    missing: list[str]
    unscored_reason: str | None
    playbook: str | None
    model: ModelMessage
    declaration_hash: str


class AccountFacts(TypedDict):
    """The facts of an account from the account table; null where it has none."""

    name: str | None
    owner: str | None
    parent: str | None
    mrr: float | None
    renewal: str | None
    since: str | None


class PageCommon(TypedDict):
    """The fields that every page of a list has beside its accounts."""

    total: int
    next: str | None
    as_of: str
    data_until: str
    stale: str | None


class ScoreOrigin(NamedTuple):
    """How a score was made: by which model, when, and without which indicators."""

    model: RunModel
    computed_at: str
    missing: list[str]


def score_common(score: Assessment | Opportunity, origin: ScoreOrigin) -> ScoreCommon:
    """The common fields of a score's message."""
    return {
        "account_id": score.account_id or None,
        "target": score.target,
        "as_of": score.as_of.isoformat() if score.as_of else None,
        "computed_at": origin.computed_at,
        "segment": score.segment,
        "interval_half_width": score.interval_half_width,
        "horizon_days": origin.model["horizon_days"],
        "gap_days": origin.model["gap_days"],
        "base_points": score.base_points,
        "dimensions": {
            "outcome": score.outcome_points,
            "business": score.business_points,
            "relationship": score.relationship_points,
            "context": score.context_points,
        },
        "completeness": score.completeness,
        "missing": origin.missing,
        "unscored_reason": score.unscored_reason,
        "playbook": score.playbook,
        "model": model_message(origin.model),
        "declaration_hash": origin.model["declaration_hash"],
    }


def model_message(model: RunModel) -> ModelMessage:
    """The three fields that identify a model."""
    return {"name": model["name"], "version": model["version"], "digest": model["digest"]}


def driver_common(driver: Driver) -> DriverCommon:
    """The common fields of a driver's message."""
    return {
        "indicator": driver.indicator,
        "title": driver.title,
        "dimension": driver.dimension,
        "kind": driver.kind,
        "value": driver.value,
        "usual": driver.usual,
        "window": driver.window,
        "unit": driver.unit,
        "sentence": driver.sentence,
    }


def account_facts(account: Entry | Prospect) -> AccountFacts:
    """The facts of a published account."""
    return {
        "name": account.name,
        "owner": account.owner,
        "parent": account.parent,
        "mrr": account.mrr,
        "renewal": account.renewal.isoformat() if account.renewal else None,
        "since": account.since.isoformat() if account.since else None,
    }


def published_origin(account: Entry | Prospect, table: Edition | Prospects) -> ScoreOrigin:
    """The origin of a published account's score."""
    return ScoreOrigin(table.model, table.run.computed_at, list(account.missing))


def page_common(run: Run, total: int, following: str | None, stale: str) -> PageCommon:
    """The common fields of a page.

    Parameters
    ----------
    total
        How many accounts pass the filters, on all pages.
    following
        The cursor of the next page; null on the last.
    stale
        Why a newer run could not be read; empty where there is none.
    """
    return {
        "total": total,
        "next": following,
        "as_of": run.as_of.isoformat(),
        "data_until": run.data_until.isoformat(),
        "stale": stale or None,
    }
