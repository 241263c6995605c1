"""Who may call what: only requests to our own addresses pass, and only from those they are for.

`Guard` runs before the whole port. A request needs a known host name, one of the port's addresses
and the role of that address; an address that does not exist is guarded like any other. Without a
token only loopback is answered, whatever address the server was bound to.
"""

import base64
import binascii
import hmac
from collections.abc import Iterable, Sequence
from ipaddress import ip_address

from starlette.datastructures import Headers, MutableHeaders
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from features.errors import DeclarationError
from features.settings import Settings
from serving.access.address import Address
from serving.problems import HttpProblem

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
SECURITY_HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}
CHALLENGE = {"www-authenticate": 'Basic realm="Churnlight", charset="UTF-8"'}


def check(settings: Settings) -> None:
    """Refuses settings under which anybody could call the service.

    Raises
    ------
    DeclarationError
        The host is not an IP address, or it is more than loopback and no token is set.
    """
    try:
        loopback = is_loopback(settings.host)
    except ValueError:
        raise DeclarationError(
            f"CHURNLIGHT_HOST: must be an IP address, got {settings.host!r}; write 127.0.0.1, or "
            "0.0.0.0 for every interface"
        ) from None
    if not loopback and not settings.token.get_secret_value():
        raise DeclarationError(
            f"CHURNLIGHT_HOST: {settings.host} is not loopback and no token is set, so anybody "
            "who reaches the port could read every account; set CHURNLIGHT_TOKEN, or bind 127.0.0.1"
        )


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches `host`; ValueError if it is not an IP address."""
    return host == "localhost" or ip_address(host).is_loopback


class Guard:
    """An ASGI application in front of `app` that lets only calls to `addresses` pass."""

    def __init__(self, app: ASGIApp, addresses: Iterable[Address], settings: Settings) -> None:
        self._app = app
        self._addresses = tuple(addresses)
        self._token = settings.token.get_secret_value().encode()
        bound = {settings.host, f"[{settings.host}]"}
        named = {name.strip().lower() for name in settings.public_hosts.split(",")}
        self._hosts = named | bound

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request or refuses it; every response gets the security headers."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        guarded = _with_headers(send)
        try:
            self._admit(scope)
        except HttpProblem as problem:
            await problem.response()(scope, receive, guarded)
            return
        await self._app(scope, receive, guarded)

    def _admit(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        self._check_host(headers.getlist("host"))
        called = self._called(scope)
        if not called or any(address.role != "open" for address in called):
            self._check_caller(scope, headers.get("authorization", ""))
        if not called:
            raise HttpProblem("not-found", f"no such path: {scope['path']}")

    def _called(self, scope: Scope) -> Sequence[Address]:
        """The address of the request; where none has the method, all that have the path."""
        matches = [(address.route.matches(scope)[0], address) for address in self._addresses]
        for match, address in matches:
            if match is Match.FULL:
                return (address,)
        return [address for match, address in matches if match is Match.PARTIAL]

    def _check_host(self, given: list[str]) -> None:
        if len(given) != 1:
            raise HttpProblem(
                "bad-host", f"the request must have exactly one Host header, got {len(given)}"
            )
        name = _without_port(given[0]).lower()
        if name not in self._hosts:
            raise HttpProblem("wrong-host", f"the service does not answer to host name {name!r}")

    def _check_caller(self, scope: Scope, authorization: str) -> None:
        if not self._token:
            if not _came_by_loopback(scope):
                raise HttpProblem(
                    "no-token", "no token is set, so only requests over loopback are answered"
                )
            return
        if not hmac.compare_digest(_secret(authorization), self._token):
            raise HttpProblem("unauthorized", "the request needs a valid token", headers=CHALLENGE)


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdecimal() else host


def _came_by_loopback(scope: Scope) -> bool:
    """Whether the request arrived at a loopback address or at a Unix socket."""
    host, port = scope.get("server") or ("", None)
    if port is None:
        return bool(host)
    try:
        return is_loopback(host)
    except ValueError:
        return False


def _secret(authorization: str) -> bytes:
    """The secret of an Authorization header: Bearer, or the password of Basic."""
    scheme, _, rest = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip().encode("latin-1")
    if scheme.lower() != "basic":
        return b""
    try:
        return base64.b64decode(rest, validate=True).partition(b":")[2]
    except (binascii.Error, ValueError):
        return b""


def _with_headers(send: Send) -> Send:
    """`send`, with the security headers on every response that does not set its own."""

    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in SECURITY_HEADERS.items():
                headers.setdefault(name, value)
            if "etag" not in headers:
                headers.setdefault("cache-control", "no-store")
        await send(message)

    return guarded
