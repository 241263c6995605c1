"""The JSON API under `/v1` and the two health endpoints.

Its one rule: a handler reads its request strictly, asks the book or `scoring`, and answers with
a message; nothing here decides what a score means.
"""

import base64
import binascii
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from features.errors import ChurnlightError
from features.spelling import did_you_mean
from serving import messages
from serving.assess import Band
from serving.book import Book, Edition
from serving.edition import BANDS, LONGEST_SEARCH, Rows
from serving.metrics import EXPOSITION, exposed
from serving.problems import HttpProblem, invalid
from serving.scoring import declared, published, score
from serving.strict_json import MAX_ERRORS, StrictJson, read

OPENAPI = Path(__file__).with_name("openapi.json")
DEFAULT_LIMIT = 100
MAX_LIMIT = 500
FILTERS = ("band", "q", "segment", "owner")
LIST_PARAMETERS = (*FILTERS, "target", "limit", "after", "drivers")
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
        answer: messages.Scores = {"scores": score(body, self._book)}
        return StrictJson(answer, headers=NO_STORE)

    def accounts(self, request: Request) -> Response:
        """One page of the accounts that fit the filters."""
        self._book.refresh()
        query = AccountsQuery.read(request)
        edition = published(self._book, declared(self._book, query.target, {"parameter": "target"}))
        return StrictJson(account_page(query, edition, self._book.stale), headers=NO_STORE)

    def account(self, request: Request) -> Response:
        """One account with its drivers and its trend."""
        self._book.refresh()
        given = _parameters(request, ("target",))
        target = declared(self._book, given.get("target", ""), {"parameter": "target"})
        edition = published(self._book, target)
        account_id = request.path_params["account_id"]
        if account_id not in edition:
            detail = f"account {account_id!r} is not in the run of {edition.run.as_of}"
            raise HttpProblem("unknown-accounts", detail, unknown_accounts=[account_id])
        entry = edition.entry(account_id)
        return StrictJson(messages.detail_message(entry, edition), headers=NO_STORE)


@dataclass(frozen=True)
class AccountsQuery:
    """What `GET /v1/accounts` is asked for; null means no filter."""

    band: Band | None
    q: str | None
    segment: str | None
    owner: str | None
    target: str
    limit: int
    after: str
    drivers: bool

    @classmethod
    def read(cls, request: Request) -> "AccountsQuery":
        """The query of `request`; 422 with every mistake otherwise."""
        given = _parameters(request, LIST_PARAMETERS)
        mistakes = [
            {"parameter": name, "detail": f"{wanted} is wanted, got {given[name]!r}"}
            for name, (fits, wanted) in CHECKS.items()
            if name in given and not fits(given[name])
        ]
        if mistakes:
            raise invalid(mistakes)
        return cls(
            band=cast("Band | None", given.get("band")),
            q=given.get("q"),
            segment=given.get("segment"),
            owner=given.get("owner"),
            target=given.get("target", ""),
            limit=int(given.get("limit", DEFAULT_LIMIT)),
            after=given.get("after", ""),
            drivers=given.get("drivers") == "true",
        )


def _is_limit(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 5 and 1 <= int(text) <= MAX_LIMIT


CHECKS: dict[str, tuple[Callable[[str], bool], str]] = {
    "band": (lambda text: text in BANDS, f"one of {', '.join(BANDS)}"),
    "q": (lambda text: len(text) <= LONGEST_SEARCH, f"a text of at most {LONGEST_SEARCH} letters"),
    "limit": (_is_limit, f"a whole number from 1 to {MAX_LIMIT}"),
    "drivers": (lambda text: text in ("true", "false"), "true or false"),
}


def _parameters(request: Request, known: tuple[str, ...]) -> dict[str, str]:
    """The query parameters, each of them known and given once."""
    counted = Counter(name for name, _ in request.query_params.multi_items())
    mistakes = [
        {"parameter": name, "detail": f"unknown parameter; {did_you_mean(name, known)}"}
        for name in counted
        if name not in known
    ]
    mistakes += [
        {"parameter": name, "detail": "the parameter is given twice"}
        for name, times in counted.items()
        if times > 1
    ]
    if mistakes:
        raise invalid(mistakes[:MAX_ERRORS])
    return dict(request.query_params)


def account_page(query: AccountsQuery, edition: Edition, stale: str) -> messages.AccountPage:
    """The page of `edition` that `query` asks for."""
    found = edition.find(band=query.band, q=query.q, segment=query.segment, owner=query.owner)
    start = _start(query.after, edition, found.rows)
    page = found[start : start + query.limit]
    shown = page if query.drivers else page.without_drivers()
    more = start + query.limit < len(found)
    return {
        "accounts": [
            messages.account_message(entry, edition, drivers=query.drivers) for entry in shown
        ],
        "total": len(found),
        "next": _cursor(edition, int(page.rows[-1])) if more else None,
        "as_of": edition.run.as_of.isoformat(),
        "data_until": edition.run.data_until.isoformat(),
        "stale": stale or None,
    }


def _cursor(edition: Edition, row: int) -> str:
    return base64.urlsafe_b64encode(f"{row}:{edition.run.folder.name}".encode()).decode()


def _start(after: str, edition: Edition, rows: Rows) -> int:
    """How many of `rows` a cursor leaves behind; it holds for one run only."""
    if not after:
        return 0
    try:
        row, _, run = base64.urlsafe_b64decode(after.encode()).decode().partition(":")
    except (binascii.Error, UnicodeError):
        row = run = ""
    if not _is_row(row):
        raise invalid([{"parameter": "after", "detail": "give `next` of the page before"}])
    if run != edition.run.folder.name:
        raise HttpProblem("list-changed", f"the list is now of the run of {edition.run.as_of}")
    return int(np.searchsorted(rows, int(row), side="right"))


def _is_row(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 12


def ready(book: Book) -> messages.Ready:
    """What the service answers from.

    Raises
    ------
    HttpProblem
        503: no target has both a promoted, verified model and a published run; `lacking` says
        per target what there is not.
    """
    lacking: dict[str, str] = {}
    targets: dict[str, messages.ReadyTarget] = {}
    for target in book.company.adverse:
        try:
            targets[target] = _ready_target(book, target)
        except ChurnlightError as error:
            lacking[target] = str(error)
    if not targets:
        detail = next(iter(lacking.values()), "no adverse target is declared")
        raise HttpProblem("not-ready", detail, lacking=lacking)
    return {
        "status": "ready",
        "targets": targets,
        "stale": book.stale or None,
    }


def _ready_target(book: Book, target: str) -> messages.ReadyTarget:
    artifact, edition = book.artifact(target), book.edition(target)
    return {
        "as_of": edition.run.as_of.isoformat(),
        "computed_at": edition.run.computed_at,
        "published_by": messages.model_message(edition.model),
        "model": {"name": artifact.name, "version": artifact.version, "digest": artifact.digest},
        "declaration_hash": artifact.declaration_hash,
        "explanation_path": artifact.explanation_path,
    }
