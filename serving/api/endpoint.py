"""One endpoint of the API, whole: its address, who may call it, what it takes and returns.

Its one rule: routes, guard, OpenAPI document and docs/api.md are all made from this record.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar, cast

from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from serving.access.address import Address, Role
from serving.api.parameters import Parameter, read_query
from serving.api.strict_json import StrictJson, read_body
from serving.published.book import Book

# The type of a request's body; None where an endpoint takes none.
Body = TypeVar("Body", bound=BaseModel | None)
Method = Literal["GET", "POST"]
NO_STORE = {"cache-control": "no-store"}


@dataclass(frozen=True)
class Call(Generic[Body]):
    """One call of an endpoint, after its parameters and its body were checked.

    `parameters` holds those that the caller gave; `path` the values of the path's parameters.
    """

    book: Book
    path: Mapping[str, str]
    parameters: Mapping[str, str]
    body: Body


@dataclass(frozen=True, kw_only=True)
class Operation(ABC):
    """One method at one path, as its callers see it.

    Parameters
    ----------
    name
        The operation's id in the OpenAPI document.
    path
        As in OpenAPI, a parameter in braces.
    summary
        What the endpoint returns, as one sentence in Markdown without a full stop.
    answer
        The type of the response's content.
    request
        The type of the body; None where there is none.
    problems
        The problems that this endpoint has beside those of every address.
    parameters
        Those of the path and of the query; where it has none, the query string is ignored.
    """

    name: str
    path: str
    summary: str
    answer: type[object]
    method: Method = "GET"
    role: Role = "token"
    request: type[object] | None = None
    problems: tuple[str, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    media_type: str = "application/json"

    @abstractmethod
    def address(self, book: Book) -> Address:
        """The operation as an address of the port, answering from `book`."""


@dataclass(frozen=True, kw_only=True)
class Endpoint(Operation, Generic[Body]):
    """An operation with what answers it.

    Parameters
    ----------
    handler
        Takes the checked call and returns the content of the response: a text or bytes as they
        are, anything else as JSON.
    in_thread
        Whether the handler runs in a thread of its own, with the book brought up to date; if not,
        it must neither compute, nor wait, nor read the book.
    """

    handler: Callable[[Call[Body]], object]
    request: type[Body] | None = None
    in_thread: bool = True

    def address(self, book: Book) -> Address:
        """The endpoint as an address of the port, answering from `book`."""

        async def answer(request: Request) -> Response:
            return await self._answer(request, book)

        # An account's id may have slashes in it, as a path or percent-encoded.
        path = self.path.replace("}", ":path}")
        return Address(Route(path, answer, methods=[self.method], name=self.name), self.role)

    async def _answer(self, request: Request, book: Book) -> Response:
        body = await self._body(request, book)
        call = Call(book, request.path_params, self._query(request), body)
        if not self.in_thread:
            return self._response(call)
        return await run_in_threadpool(self._up_to_date, call)

    def _up_to_date(self, call: Call[Body]) -> Response:
        call.book.refresh()
        return self._response(call)

    def _response(self, call: Call[Body]) -> Response:
        content = self.handler(call)
        if isinstance(content, str | bytes):
            return Response(content, media_type=self.media_type, headers=NO_STORE)
        return StrictJson(content, headers=NO_STORE)

    def _query(self, request: Request) -> Mapping[str, str]:
        has_query = any(parameter.location == "query" for parameter in self.parameters)
        return read_query(request, self.parameters) if has_query else {}

    async def _body(self, request: Request, book: Book) -> Body:
        if self.request is None:
            return cast(Body, None)
        limit = book.settings.max_body_kib * 1024
        return cast(Body, await read_body(request, self.request, max_bytes=limit))
