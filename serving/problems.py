"""Every error of the HTTP service, as RFC 9457 problem details.

A problem is raised as `HttpProblem` and written in one place; its `type` points to the entry
of the service's own OpenAPI document that explains it. No internals ever go into a response.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, NamedTuple, NotRequired

from pydantic import Field
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Match, Route
from typing_extensions import TypedDict

from features.errors import NotFound

MEDIA_TYPE = "application/problem+json"
TYPE = "/v1/openapi.json#/components/responses/{}"


class ProblemType(NamedTuple):
    """One type of problem: its status, its title, and what the caller should do about it."""

    status: int
    title: str
    cure: str


PROBLEMS: dict[str, ProblemType] = {
    "bad-json": ProblemType(
        400,
        "The body is not strict JSON",
        "Send one UTF-8 JSON document without NaN, Infinity or duplicate keys.",
    ),
    "bad-host": ProblemType(
        400, "The Host header is missing or repeated", "Send exactly one Host header."
    ),
    "unauthorized": ProblemType(
        401,
        "The token is missing or wrong",
        "Send the token as `Authorization: Bearer …`, or as the password of HTTP Basic.",
    ),
    "no-token": ProblemType(
        403,
        "Without a token the service answers on loopback only",
        "Set CHURNLIGHT_TOKEN and send it with every request.",
    ),
    "not-found": ProblemType(
        404, "Nothing is at this address", "GET /v1/openapi.json lists every address."
    ),
    "unknown-accounts": ProblemType(
        404,
        "Some accounts are not in the latest run",
        "Leave out those in `unknown_accounts`, or score them by their features.",
    ),
    "method-not-allowed": ProblemType(
        405, "This address does not support the method", "See the Allow header."
    ),
    "body-too-slow": ProblemType(408, "The body did not arrive in time", "Send it again."),
    "list-changed": ProblemType(
        409,
        "A new run was published while you were reading the list",
        "Restart from the first page (omit `after`).",
    ),
    "body-too-large": ProblemType(
        413,
        "The body is too large",
        "Send fewer accounts per request, or raise CHURNLIGHT_MAX_BODY_KIB.",
    ),
    "unsupported-media-type": ProblemType(
        415,
        "The body is not uncompressed application/json",
        "Send `Content-Type: application/json` and no Content-Encoding.",
    ),
    "wrong-host": ProblemType(
        421,
        "The service does not answer to this host name",
        "Use a host name listed in CHURNLIGHT_PUBLIC_HOSTS, or add this one to it.",
    ),
    "invalid-request": ProblemType(
        422, "The request is invalid", "See `errors` for each problem and its location."
    ),
    "internal-error": ProblemType(
        500, "The service failed", "Try again; the service's log has the cause."
    ),
    "not-ready": ProblemType(
        503, "The service is not ready", "GET /readyz says what is missing; try again later."
    ),
}
# The most mistakes, and the most unknown accounts, that one problem lists.
MAX_ERRORS = 50
MAX_ACCOUNTS = 100
PLAIN = {404: "not-found", 405: "method-not-allowed"}


class Mistake(TypedDict):
    """One mistake of a request, in its body or in a query parameter."""

    pointer: NotRequired[Annotated[str, Field(description="JSON pointer (RFC 6901) into the body")]]
    parameter: NotRequired[Annotated[str, Field(description="name of a query parameter")]]
    detail: str


class Problem(TypedDict):
    """Problem details as in RFC 9457."""

    type: Annotated[str, Field(json_schema_extra={"format": "uri-reference"})]
    title: str
    status: int
    detail: Annotated[str, Field(description="what is wrong with this request")]
    errors: NotRequired[
        Annotated[
            list[Mistake], Field(description=f"every mistake of the request, at most {MAX_ERRORS}")
        ]
    ]
    unknown_accounts: NotRequired[
        Annotated[
            list[str],
            Field(description=f"accounts that are not in the latest run, at most {MAX_ACCOUNTS}"),
        ]
    ]
    lacking: NotRequired[
        Annotated[dict[str, str], Field(description="per target, why it cannot be served")]
    ]


class HttpProblem(Exception):
    """A problem of one of the `PROBLEMS`.

    Parameters
    ----------
    kind
        The key in `PROBLEMS`.
    detail
        What is wrong with this request; the caller reads it.
    headers
        Further headers of the response.
    errors, unknown_accounts, lacking
        Members of the problem document, left out where none are given.
    """

    def __init__(
        self,
        kind: str,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        errors: Sequence[Mistake] = (),
        unknown_accounts: Sequence[str] = (),
        lacking: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.headers = dict(headers or {})
        self.errors = list(errors)
        self.unknown_accounts = list(unknown_accounts)
        self.lacking = lacking

    def document(self) -> Problem:
        """The problem document."""
        status, title, _ = PROBLEMS[self.kind]
        document: Problem = {
            "type": TYPE.format(self.kind),
            "title": title,
            "status": status,
            "detail": str(self),
        }
        if self.errors:
            document["errors"] = self.errors
        if self.unknown_accounts:
            document["unknown_accounts"] = self.unknown_accounts
        if self.lacking is not None:
            document["lacking"] = dict(self.lacking)
        return document

    def response(self) -> Response:
        """The whole response."""
        body = json.dumps(self.document(), allow_nan=False)
        headers = self.headers | {"cache-control": "no-store"}
        status = PROBLEMS[self.kind].status
        return Response(body, status_code=status, media_type=MEDIA_TYPE, headers=headers)


def in_body(pointer: str, detail: str) -> Mistake:
    """A mistake in the body, at a JSON pointer."""
    return {"pointer": pointer, "detail": detail}


def in_parameter(name: str, detail: str) -> Mistake:
    """A mistake in a query parameter."""
    return {"parameter": name, "detail": detail}


def invalid(errors: Sequence[Mistake]) -> HttpProblem:
    """A 422 that lists every mistake of the request (at least one)."""
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return HttpProblem("invalid-request", errors[0]["detail"] + more, errors=errors)


def handled(app: Starlette) -> Starlette:
    """`app` with a problem as the response to every exception; unforeseen ones are raised too.

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
        "not-found": f"no such path: {request.url.path}",
        "method-not-allowed": f"{request.url.path} does not support {request.method}",
    }.get(kind, PROBLEMS[kind].title)
    headers = dict(error.headers or {})
    if kind == "method-not-allowed":
        headers["Allow"] = ", ".join(sorted(_methods(request)))
    return HttpProblem(kind, detail, headers=headers).response()


def _methods(request: Request) -> set[str]:
    """The methods of every route at the path; the router has asked the first one only."""
    routes = [route for route in request.app.routes if isinstance(route, Route)]
    at_path = (route for route in routes if route.matches(request.scope)[0] is not Match.NONE)
    return {method for route in at_path for method in route.methods or ()}


def _not_found(request: Request, error: Exception) -> Response:
    return HttpProblem("not-found", str(error)).response()


def _gone(request: Request, error: Exception) -> Response:
    return HttpProblem("bad-json", "the body ended early").response()


def _unforeseen(request: Request, error: Exception) -> Response:
    return HttpProblem("internal-error", "the service failed on this request").response()
