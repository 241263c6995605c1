"""The JSON API under `/v1` and the two health endpoints.

Its one rule: a handler reads its request strictly, asks the book or `scoring`, and answers with
a message; nothing here decides what a score means.
"""

from contextlib import suppress
from pathlib import Path
from typing import cast

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from features.errors import ChurnlightError
from serving.api import messages
from serving.api.listing import ListQuery, parameters
from serving.api.metrics import EXPOSITION, exposed
from serving.api.opportunity_messages import (
    OpportunityPage,
    Scores,
    prospect_message,
)
from serving.api.scoring import declared, prospects, published, score
from serving.api.strict_json import StrictJson, read
from serving.assessment.opportunities import State
from serving.problems import HttpProblem
from serving.published.book import Book, Edition
from serving.published.prospects import STATES, Prospects
from training.calibrating.bands import BANDS, Band

OPENAPI = Path(__file__).with_name("openapi.json")
NO_STORE = {"cache-control": "no-store"}


def routes(book: Book) -> list[BaseRoute]:
    """The addresses of the API, answering from `book`."""
    api = Api(book)
    return [
        Route("/livez", api.livez),
        Route("/readyz", api.readyz),
        Route("/metrics", api.metrics),
        Route("/v1/openapi.json", api.openapi),
        Route("/v1/score", api.score, methods=["POST"]),
        Route("/v1/accounts", api.accounts),
        Route("/v1/accounts/{account_id:path}", api.account),
        Route("/v1/opportunities", api.opportunities),
        Route("/v1/opportunities/{account_id:path}", api.opportunity),
    ]


class Api:
    """The handlers; each brings the book up to date first."""

    def __init__(self, book: Book) -> None:
        self._book = book

    async def livez(self, request: Request) -> Response:
        """Whether the process is up: always yes, and nothing else is asked."""
        alive: messages.Alive = {"status": "alive"}
        return StrictJson(alive, headers=NO_STORE)

    def readyz(self, request: Request) -> Response:
        """Whether a verified model is promoted and a run published, and which."""
        self._book.refresh()
        return StrictJson(ready(self._book), headers=NO_STORE)

    def metrics(self, request: Request) -> Response:
        """The state of each target as Prometheus reads it."""
        self._book.refresh()
        return Response(exposed(self._book), media_type=EXPOSITION, headers=NO_STORE)

    def openapi(self, request: Request) -> Response:
        """The OpenAPI document as it is committed."""
        return Response(OPENAPI.read_bytes(), media_type="application/json", headers=NO_STORE)

    async def score(self, request: Request) -> Response:
        """The scores of the accounts in the body."""
        limit = self._book.settings.max_body_kib * 1024
        body = await read(request, messages.ScoreRequest, max_bytes=limit)
        return await run_in_threadpool(self._score, body)

    def _score(self, body: messages.ScoreRequest) -> Response:
        self._book.refresh()
        answer: Scores = {"scores": score(body, self._book)}
        return StrictJson(answer, headers=NO_STORE)

    def accounts(self, request: Request) -> Response:
        """One page of the accounts that fit the filters."""
        self._book.refresh()
        query = ListQuery.read(request, "band", BANDS)
        edition = published(self._book, declared(self._book, query.target, {"parameter": "target"}))
        return StrictJson(account_page(query, edition, self._book.stale), headers=NO_STORE)

    def account(self, request: Request) -> Response:
        """One account with its drivers and its trend."""
        self._book.refresh()
        given = parameters(request, ("target",))
        target = declared(self._book, given.get("target", ""), {"parameter": "target"})
        edition = published(self._book, target)
        entry = edition.entry(_known(request, edition))
        return StrictJson(messages.detail_message(entry, edition), headers=NO_STORE)

    def opportunities(self, request: Request) -> Response:
        """One page of the opportunities that fit the filters."""
        self._book.refresh()
        query = ListQuery.read(request, "opportunity", STATES)
        found = prospects(self._book, query.target)
        return StrictJson(opportunity_page(query, found, self._book.stale), headers=NO_STORE)

    def opportunity(self, request: Request) -> Response:
        """One account's opportunity with its drivers."""
        self._book.refresh()
        found = prospects(self._book, parameters(request, ("target",)).get("target", ""))
        entry = found.entry(_known(request, found))
        return StrictJson(prospect_message(entry, found, drivers=True), headers=NO_STORE)


def _known(request: Request, published: Edition | Prospects) -> str:
    """The account of the address; 404 where the run has no such."""
    account_id: str = request.path_params["account_id"]
    if account_id not in published:
        detail = f"account {account_id!r} is not in the run of {published.run.as_of}"
        raise HttpProblem("unknown-accounts", detail, unknown_accounts=[account_id])
    return account_id


def account_page(query: ListQuery, edition: Edition, stale: str) -> messages.AccountPage:
    """The page of `edition` that `query` asks for."""
    band = cast("Band | None", query.light)
    found = edition.find(band=band, q=query.q, segment=query.segment, owner=query.owner)
    rows, following = query.page(edition.run, found.rows)
    shown = edition.entries(rows, drivers=query.drivers)
    return {
        "accounts": [
            messages.account_message(entry, edition, drivers=query.drivers) for entry in shown
        ],
        "total": len(found),
        "next": following,
        "as_of": edition.run.as_of.isoformat(),
        "data_until": edition.run.data_until.isoformat(),
        "stale": stale or None,
    }


def opportunity_page(query: ListQuery, found: Prospects, stale: str) -> OpportunityPage:
    """The page of `found` that `query` asks for."""
    state = cast("State | None", query.light)
    rows = found.find(state=state, q=query.q, segment=query.segment, owner=query.owner)
    shown, following = query.page(found.run, rows)
    return {
        "opportunities": [
            prospect_message(entry, found, drivers=query.drivers) for entry in found.entries(shown)
        ],
        "total": len(rows),
        "next": following,
        "as_of": found.run.as_of.isoformat(),
        "data_until": found.run.data_until.isoformat(),
        "stale": stale or None,
    }


def ready(book: Book) -> messages.Ready:
    """What the service answers from.

    Raises
    ------
    HttpProblem
        503: no adverse target has both a promoted, verified model and a published run; `lacking`
        says per target what there is not.
    """
    lacking: dict[str, str] = {}
    targets: dict[str, messages.ReadyTarget] = {}
    for target in book.company.adverse:
        try:
            targets[target] = _ready_target(book, target, book.edition(target))
        except ChurnlightError as error:
            lacking[target] = str(error)
    if not targets:
        detail = next(iter(lacking.values()), "no adverse target is declared")
        raise HttpProblem("not-ready", detail, lacking=lacking)
    for target in book.opportunities:
        with suppress(ChurnlightError):
            targets[target] = _ready_target(book, target, book.prospects(target))
    return {
        "status": "ready",
        "targets": targets,
        "stale": book.stale or None,
    }


def _ready_target(book: Book, target: str, published: Edition | Prospects) -> messages.ReadyTarget:
    artifact = book.artifact(target)
    return {
        "as_of": published.run.as_of.isoformat(),
        "computed_at": published.run.computed_at,
        "published_by": messages.model_message(published.model),
        "model": {"name": artifact.name, "version": artifact.version, "digest": artifact.digest},
        "declaration_hash": artifact.declaration_hash,
        "explanation_path": artifact.explanation_path,
    }
