"""Every error of the HTTP service, as RFC 9457 problem details.

A problem is raised as `HttpProblem` and written in one place; its `type` points to the entry
of the service's own OpenAPI document that explains it. No internals ever go into a response.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from features.errors import NotFound

MEDIA_TYPE = "application/problem+json"
TYPE = "/v1/openapi.json#/components/responses/{}"


class Kind(NamedTuple):
    """One kind of problem: its status, its title, and what a caller should do about it."""

    status: int
    title: str
    mend: str


KINDS: dict[str, Kind] = {
    "bad-json": Kind(
        400,
        "The body is not strict JSON",
        "Send one UTF-8 JSON document without NaN, Infinity or keys that stand twice.",
    ),
    "bad-host": Kind(
        400, "The Host header is missing or given twice", "Send exactly one Host header."
    ),
    "unauthorized": Kind(
        401,
        "The token is missing or wrong",
        "Send the token as `Authorization: Bearer …`, or as the password of HTTP Basic.",
    ),
    "no-token": Kind(
        403,
        "Without a token the service answers on loopback only",
        "Set CHURNLIGHT_TOKEN and send it with every request.",
    ),
    "not-found": Kind(
        404, "There is nothing at this address", "GET /v1/openapi.json lists every address."
    ),
    "unknown-accounts": Kind(
        404,
        "Some accounts are not in the latest run",
        "Leave out those of `unknown_accounts`, or score them by their features.",
    ),
    "method-not-allowed": Kind(405, "The method is not allowed here", "Use one of Allow."),
    "body-too-slow": Kind(408, "The body did not arrive in time", "Send it again."),
    "list-changed": Kind(
        409, "A new run was published while the list was read", "Start without `after`."
    ),
    "body-too-large": Kind(
        413, "The body is too large", "Send fewer accounts per request, or raise the limit."
    ),
    "unsupported-media-type": Kind(
        415, "The body is not application/json", "Send `Content-Type: application/json`."
    ),
    "wrong-host": Kind(
        421,
        "The service does not answer under this host name",
        "Add the name to CHURNLIGHT_PUBLIC_HOSTS, or ask by one that is there.",
    ),
    "invalid-request": Kind(
        422, "The request cannot be understood", "Each of `errors` says what, and where."
    ),
    "internal-error": Kind(
        500, "The service failed", "Try again; the log of the service has the cause."
    ),
    "not-ready": Kind(
        503, "The service is not ready", "GET /readyz says what is lacking; try again later."
    ),
}
PLAIN = {404: "not-found", 405: "method-not-allowed"}


class HttpProblem(Exception):
    """A problem of one of `KINDS`; `members` are added to it, such as `errors`.

    Parameters
    ----------
    kind
        The key of `KINDS`.
    detail
        What is wrong in this request; for the caller's eyes.
    headers
        Further headers of the response.
    """

    def __init__(
        self, kind: str, detail: str, *, headers: Mapping[str, str] | None = None, **members: Any
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.headers = dict(headers or {})
        self.members = members

    def content(self) -> dict[str, Any]:
        """The members of the problem document."""
        status, title, _ = KINDS[self.kind]
        return {
            "type": TYPE.format(self.kind),
            "title": title,
            "status": status,
            "detail": str(self),
            **self.members,
        }

    def response(self) -> Response:
        """The whole response."""
        body = json.dumps(self.content(), allow_nan=False)
        headers = self.headers | {"cache-control": "no-store"}
        status = KINDS[self.kind].status
        return Response(body, status_code=status, media_type=MEDIA_TYPE, headers=headers)


def invalid(errors: Sequence[Mapping[str, str]]) -> HttpProblem:
    """A 422 that says everything that is wrong: a JSON pointer or a parameter, and a detail."""
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return HttpProblem("invalid-request", errors[0]["detail"] + more, errors=list(errors))


def handled(app: Starlette) -> Starlette:
    """`app`, with every exception answered by a problem; unforeseen ones are raised on as well.

    The server that runs the application logs what is raised, with its traceback.
    """
    app.add_exception_handler(HttpProblem, _known)
    app.add_exception_handler(HTTPException, _plain)
    app.add_exception_handler(NotFound, _not_found)
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_exception_handler(Exception, _unforeseen)
    return app


def _known(request: Request, error: Exception) -> Response:
    assert isinstance(error, HttpProblem)
    return error.response()


def _plain(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    kind = PLAIN.get(error.status_code, "internal-error")
    detail = {
        "not-found": f"nothing is at {request.url.path}",
        "method-not-allowed": f"{request.method} is not allowed at {request.url.path}",
    }.get(kind, KINDS[kind].title)
    allow = {"Allow": "GET, HEAD"} if kind == "method-not-allowed" else {}
    return HttpProblem(kind, detail, headers=allow | dict(error.headers or {})).response()


def _not_found(request: Request, error: Exception) -> Response:
    return HttpProblem("not-found", str(error)).response()


def _gone(request: Request, error: Exception) -> Response:
    return HttpProblem("bad-json", "the body ended early").response()


def _unforeseen(request: Request, error: Exception) -> Response:
    return HttpProblem("internal-error", "the service failed on this request").response()
