"""Every endpoint of the API: what it does, and the record that makes it one.

An endpoint is added here and nowhere else: a handler and its record in `ENDPOINTS`. Then
`python -m serving.api.reference` writes the OpenAPI document and docs/api.md anew.
"""

from pathlib import Path
from typing import cast

from serving.api import loss_messages, service_state
from serving.api.endpoint import Call, Endpoint, Operation
from serving.api.health_messages import (
    AccountHealthDetail,
    HealthPage,
    account_health,
    account_health_detail,
)
from serving.api.listing import (
    ADVERSE_TARGET,
    HEALTH_LIST,
    OPPORTUNITY_LIST,
    OPPORTUNITY_TARGET,
    ListQuery,
)
from serving.api.loss_messages import ExpectedLossPage
from serving.api.opportunity_messages import (
    AccountOpportunity,
    OpportunityPage,
    account_opportunity,
)
from serving.api.parameters import Parameter
from serving.api.score_messages import page_common
from serving.api.score_request import MAX_ACCOUNTS, ScoreRequest
from serving.api.scoring import Scores, score
from serving.api.targets import edition_of, losses_of, prospects_of
from serving.assessment.opportunities import State
from serving.problems import HttpProblem
from serving.published.book import Edition
from serving.published.prospects import Prospects
from training.calibrating.bands import Band

OPENAPI = Path(__file__).with_name("openapi.json")


def livez(call: Call[None]) -> service_state.Liveness:
    """Nothing is read, so that it answers as long as the process can."""
    return {"status": "alive"}


def readyz(call: Call[None]) -> service_state.Readiness:
    """The models and runs that serve."""
    return service_state.readiness(call.book)


def metrics(call: Call[None]) -> str:
    """The metrics for Prometheus."""
    return service_state.metrics(call.book)


def openapi_document(call: Call[None]) -> bytes:
    """The OpenAPI document as it is committed."""
    return OPENAPI.read_bytes()


def scores(call: Call[ScoreRequest]) -> Scores:
    """Scores made now."""
    return score(call.body, call.book)


def accounts(call: Call[None]) -> HealthPage:
    """One page of the published health scores."""
    query = ListQuery.of(call.parameters, "band")
    edition = edition_of(call.book, query.target)
    band = cast("Band | None", query.status)
    chosen = edition.find(band=band, q=query.q, segment=query.segment, owner=query.owner)
    rows, following = query.page(edition.run, chosen.rows)
    return {
        "accounts": [
            account_health(entry, edition, drivers=query.drivers)
            for entry in edition.entries(rows, drivers=query.drivers)
        ],
        **page_common(edition.run, len(chosen), following, call.book.stale),
    }


def account(call: Call[None]) -> AccountHealthDetail:
    """One published health score with everything behind it."""
    edition = edition_of(call.book, call.parameters.get("target", ""))
    return account_health_detail(edition.entry(_account_id(call, edition)), edition)


def expected_loss(call: Call[None]) -> ExpectedLossPage:
    """What the latest run expects to be lost."""
    edition = edition_of(call.book, call.parameters.get("target", ""))
    found = losses_of(call.book, edition)
    return {
        "target": edition.target,
        "as_of": found.as_of.isoformat(),
        "days": found.days,
        "currency": call.book.company.about.currency,
        "total": loss_messages.of(found.total),
        "months": loss_messages.months(found),
        "back_test": loss_messages.tested(call.book.tested_losses(edition)),
    }


def opportunities(call: Call[None]) -> OpportunityPage:
    """One page of the published opportunities."""
    query = ListQuery.of(call.parameters, "opportunity")
    prospects = prospects_of(call.book, query.target)
    state = cast("State | None", query.status)
    chosen = prospects.rows(light=state, q=query.q, segment=query.segment, owner=query.owner)
    rows, following = query.page(prospects.run, chosen)
    return {
        "opportunities": [
            account_opportunity(prospect, prospects, drivers=query.drivers)
            for prospect in prospects.entries(rows)
        ],
        **page_common(prospects.run, len(chosen), following, call.book.stale),
    }


def opportunity(call: Call[None]) -> AccountOpportunity:
    """One published opportunity with its drivers."""
    prospects = prospects_of(call.book, call.parameters.get("target", ""))
    prospect = prospects.entry(_account_id(call, prospects))
    return account_opportunity(prospect, prospects, drivers=True)


def _account_id(call: Call[None], table: Edition | Prospects) -> str:
    """The account of the path; 404 where the run does not have it."""
    account_id = call.path["account_id"]
    if account_id not in table:
        detail = f"account {account_id!r} is not in the run of {table.run.as_of}"
        raise HttpProblem("unknown-accounts", detail, unknown_accounts=[account_id])
    return account_id


ACCOUNT_ID = Parameter(
    name="account_id", location="path", description="the account's key, percent-encoded"
)
BODY_PROBLEMS = (
    "bad-json",
    "body-too-slow",
    "body-too-large",
    "unsupported-media-type",
    "invalid-request",
)
LIST_PROBLEMS = ("invalid-request", "list-changed", "not-ready")
ACCOUNT_PROBLEMS = ("invalid-request", "unknown-accounts", "not-ready")

ENDPOINTS: tuple[Operation, ...] = (
    Endpoint(
        name="score",
        method="POST",
        path="/v1/score",
        summary=f"Scores of up to {MAX_ACCOUNTS} accounts, made now with the promoted model, "
        "by their ids or by their features",
        handler=scores,
        request=ScoreRequest,
        answer=Scores,
        problems=(*BODY_PROBLEMS, "unknown-accounts", "not-ready"),
    ),
    Endpoint(
        name="accounts",
        path="/v1/accounts",
        summary="The published health scores, filtered and page by page: "
        "lowest score first, unscored accounts last",
        handler=accounts,
        answer=HealthPage,
        problems=LIST_PROBLEMS,
        parameters=HEALTH_LIST,
    ),
    Endpoint(
        name="account",
        path="/v1/accounts/{account_id}",
        summary="One account: health score, drivers, trend, what moved the score, facts",
        handler=account,
        answer=AccountHealthDetail,
        problems=ACCOUNT_PROBLEMS,
        parameters=(ACCOUNT_ID, ADVERSE_TARGET),
    ),
    Endpoint(
        name="expected-loss",
        path="/v1/expected-loss",
        summary="By renewal: what is expected to be lost within the forecast's days, in all and by "
        "renewal month, with ranges and a back-test",
        handler=expected_loss,
        answer=ExpectedLossPage,
        problems=("invalid-request", "not-ready"),
        parameters=(ADVERSE_TARGET,),
    ),
    Endpoint(
        name="opportunities",
        path="/v1/opportunities",
        summary="The published opportunities, filtered and page by page: "
        "highest score first, unscored accounts last",
        handler=opportunities,
        answer=OpportunityPage,
        problems=LIST_PROBLEMS,
        parameters=OPPORTUNITY_LIST,
    ),
    Endpoint(
        name="opportunity",
        path="/v1/opportunities/{account_id}",
        summary="One account's opportunity: score, drivers, facts",
        handler=opportunity,
        answer=AccountOpportunity,
        problems=ACCOUNT_PROBLEMS,
        parameters=(ACCOUNT_ID, OPPORTUNITY_TARGET),
    ),
    Endpoint(
        name="openapi",
        path="/v1/openapi.json",
        summary="The OpenAPI document",
        handler=openapi_document,
        answer=dict[str, object],
    ),
    Endpoint(
        name="livez",
        path="/livez",
        summary="200 as long as the process is up",
        handler=livez,
        answer=service_state.Liveness,
        role="open",
        in_thread=False,
    ),
    Endpoint(
        name="readyz",
        path="/readyz",
        summary="200 once a verified model is promoted and a run is published, with the model, the "
        "run and `explanation_path` of each target",
        handler=readyz,
        answer=service_state.Readiness,
        role="open",
        problems=("not-ready",),
    ),
    Endpoint(
        name="metrics",
        path="/metrics",
        summary="The metric `churnlight_explanation_path` per target, for Prometheus",
        handler=metrics,
        answer=str,
        media_type=service_state.EXPOSITION,
    ),
)
