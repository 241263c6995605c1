"""Every endpoint of the API: what it does, and the record that makes it one.

An endpoint is added here and nowhere else: a handler and its record in `ENDPOINTS`. Then
`python -m serving.api.reference` writes the OpenAPI document and docs/api.md anew.
"""

from pathlib import Path
from typing import cast

from starlette.responses import Response

from serving.api import service_state
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
from serving.api.opportunity_messages import (
    AccountOpportunity,
    OpportunityPage,
    account_opportunity,
)
from serving.api.parameters import Parameter
from serving.api.score_messages import page_common
from serving.api.score_request import MAX_ACCOUNTS, ScoreRequest
from serving.api.scoring import Scores, score
from serving.api.strict_json import StrictJson
from serving.api.targets import edition_of, prospects_of
from serving.assessment.opportunities import State
from serving.problems import HttpProblem
from serving.published.book import Edition
from serving.published.prospects import Prospects
from training.calibrating.bands import Band

OPENAPI = Path(__file__).with_name("openapi.json")
NO_STORE = {"cache-control": "no-store"}


def livez(call: Call[None]) -> Response:
    """Nothing is read, so that it answers as long as the process can."""
    alive: service_state.Liveness = {"status": "alive"}
    return StrictJson(alive, headers=NO_STORE)


def readyz(call: Call[None]) -> Response:
    """The models and runs that serve."""
    call.book.refresh()
    return StrictJson(service_state.readiness(call.book), headers=NO_STORE)


def metrics(call: Call[None]) -> Response:
    """The metrics for Prometheus."""
    call.book.refresh()
    text = service_state.metrics(call.book)
    return Response(text, media_type=service_state.EXPOSITION, headers=NO_STORE)


def openapi_document(call: Call[None]) -> Response:
    """The OpenAPI document as it is committed."""
    return Response(OPENAPI.read_bytes(), media_type="application/json", headers=NO_STORE)


def scores(call: Call[ScoreRequest]) -> Response:
    """Scores made now."""
    call.book.refresh()
    return StrictJson(score(call.body, call.book), headers=NO_STORE)


def accounts(call: Call[None]) -> Response:
    """One page of the published health scores."""
    call.book.refresh()
    query = ListQuery.of(call.parameters, "band")
    edition = edition_of(call.book, query.target)
    band = cast("Band | None", query.status)
    chosen = edition.find(band=band, q=query.q, segment=query.segment, owner=query.owner)
    rows, following = query.page(edition.run, chosen.rows)
    page: HealthPage = {
        "accounts": [
            account_health(entry, edition, drivers=query.drivers)
            for entry in edition.entries(rows, drivers=query.drivers)
        ],
        **page_common(edition.run, len(chosen), following, call.book.stale),
    }
    return StrictJson(page, headers=NO_STORE)


def account(call: Call[None]) -> Response:
    """One published health score with everything behind it."""
    call.book.refresh()
    edition = edition_of(call.book, call.parameters.get("target", ""))
    entry = edition.entry(_account_id(call, edition))
    return StrictJson(account_health_detail(entry, edition), headers=NO_STORE)


def opportunities(call: Call[None]) -> Response:
    """One page of the published opportunities."""
    call.book.refresh()
    query = ListQuery.of(call.parameters, "opportunity")
    prospects = prospects_of(call.book, query.target)
    state = cast("State | None", query.status)
    chosen = prospects.rows(light=state, q=query.q, segment=query.segment, owner=query.owner)
    rows, following = query.page(prospects.run, chosen)
    page: OpportunityPage = {
        "opportunities": [
            account_opportunity(prospect, prospects, drivers=query.drivers)
            for prospect in prospects.entries(rows)
        ],
        **page_common(prospects.run, len(chosen), following, call.book.stale),
    }
    return StrictJson(page, headers=NO_STORE)


def opportunity(call: Call[None]) -> Response:
    """One published opportunity with its drivers."""
    call.book.refresh()
    prospects = prospects_of(call.book, call.parameters.get("target", ""))
    prospect = prospects.entry(_account_id(call, prospects))
    return StrictJson(account_opportunity(prospect, prospects, drivers=True), headers=NO_STORE)


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
