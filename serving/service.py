"""The service: one BentoML service whose port only our own application answers.

Importing this module reads no company and loads no model, so that BentoML can package it; the
worker process does both when it starts. MLflow and shap are never on its import path.
"""

import errno
import os
import socket
from collections.abc import Callable
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from ipaddress import ip_address
from pathlib import Path
from threading import Event, Thread

from starlette.types import ASGIApp, Receive, Scope, Send

# BentoML reads it when it is imported; no usage statistics leave the machine.
os.environ["BENTOML_DO_NOT_TRACK"] = "True"

import bentoml

from features.declaring import declaration
from features.errors import ChurnlightError
from features.settings import PREFIX, Settings
from serving.access import guard
from serving.application import application, check_ready, warm
from serving.published.book import Book

ROOT = Path(__file__).parents[1]
SECONDS_PER_REQUEST = 60
SECONDS_BETWEEN_LOOKS = 0.2


class Port:
    """BentoML middleware that hands every request to `application`, and none to BentoML.

    BentoML's own addresses (/livez, /readyz, /metrics, /docs.json …) take precedence over anything
    mounted beside them, so the application comes before them instead.
    """

    application: ASGIApp

    def __init__(self, app: ASGIApp) -> None:
        self._bentoml = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves a request; the start and the end of the process are BentoML's."""
        app = self._bentoml if scope["type"] == "lifespan" else Port.application
        await app(scope, receive, send)


class Worker:
    """The company's book of business and its promoted models, behind `application`."""

    def __init__(self) -> None:
        settings = Settings.read()
        guard.check(settings)
        book = Book.open(declaration.load(settings.company), settings)
        warm(book)
        Port.application = application(book)


Churnlight = bentoml.service(
    name="churnlight",
    workers=1,
    traffic={"timeout": SECONDS_PER_REQUEST},
    # Its labels would hold raw addresses, and so account ids, one time series each.
    metrics={"enabled": False},
    # A line per request would hold its address, and so the account's id.
    logging={"access": {"enabled": False}},
)(Worker)
Churnlight.add_asgi_middleware(Port)


def run(company_folder: Path, settings: Settings, announce: Callable[[str], None]) -> None:
    """Serves the company in the foreground until Ctrl-C or SIGTERM.

    Parameters
    ----------
    company_folder
        The folder of churnlight.toml.
    settings
        Host, port, token and so on.
    announce
        Takes the line with the service's address, once it is ready.

    Raises
    ------
    DeclarationError
        Under the settings anybody could call the service, or the declaration is wrong.
    NotFound
        No model is promoted, or no run is published.
    ChurnlightError
        The promoted model is damaged, or the port is in use.
    """
    require_address(settings)
    check_ready(declaration.load(company_folder), settings)
    settings = settings.model_copy(update={"company": str(company_folder.resolve())})
    os.environ.update(environment(settings))
    # A folder of the user's that is called `serving` must not be imported instead of ours.
    Churnlight.working_dir = str(ROOT)
    over = Event()
    watch = Thread(target=_announce, args=(settings, announce, over), daemon=True)
    watch.start()
    try:
        Churnlight.serve_http(host=_address(settings), port=settings.port)
    except OSError as error:
        raise _not_bound(error, settings) from error
    finally:
        over.set()
        watch.join()


def require_address(settings: Settings) -> None:
    """Raises as `run` where the service may not, or could not now, listen on its address.

    Asked before long work, so that nobody waits for a service that cannot start.
    """
    guard.check(settings)
    address = _address(settings)
    family = socket.AF_INET6 if ip_address(address).version == 6 else socket.AF_INET
    with socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((address, settings.port))
        except OSError as error:
            raise _not_bound(error, settings) from error


def environment(settings: Settings) -> dict[str, str]:
    """The environment variables that make `Settings.read` return these settings."""
    plain = settings.model_dump() | {"token": settings.token.get_secret_value()}
    return {PREFIX + name.upper(): str(value) for name, value in plain.items()}


def _address(settings: Settings) -> str:
    return "127.0.0.1" if settings.host == "localhost" else settings.host


def _not_bound(error: OSError, settings: Settings) -> ChurnlightError:
    address = f"{settings.host}:{settings.port}"
    if error.errno == errno.EADDRINUSE:
        return ChurnlightError(
            f"{address} is in use by another program; stop it, or choose another port: "
            "CHURNLIGHT_PORT or --port"
        )
    return ChurnlightError(f"{address} cannot be bound: {error.strerror or error}")


def _announce(settings: Settings, announce: Callable[[str], None], over: Event) -> None:
    """Announces the address once the service responds, and whether it is ready."""
    address = ip_address(_address(settings))
    host = "localhost" if address.is_unspecified else str(address)
    shown = f"[{host}]" if address.version == 6 else host
    while not over.wait(SECONDS_BETWEEN_LOOKS):
        if status := _readiness(host, settings):
            ready = "is ready" if status == HTTPStatus.OK else "is up, not ready (see /readyz)"
            announce(f"Churnlight {ready}: http://{shown}:{settings.port}")
            return


def _readiness(host: str, settings: Settings) -> int:
    """The status of /readyz; 0 while nothing responds."""
    connection = HTTPConnection(host, settings.port, timeout=SECONDS_PER_REQUEST)
    name = settings.public_hosts.split(",")[0].strip()
    try:
        connection.request("GET", "/readyz", headers={"Host": name})
        return connection.getresponse().status
    except (OSError, HTTPException):
        return 0
    finally:
        connection.close()
