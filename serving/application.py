"""The whole port as one ASGI application, whatever server it runs in.

Its one rule: routes and guard are made from one list of addresses, so nothing is served that the
guard does not know.
"""

import logging
from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.types import ASGIApp

from features.declaring.company import Company
from features.errors import ChurnlightError, DeclarationError, NotFound
from features.settings import Settings
from serving import problems
from serving.access import guard
from serving.api.endpoint import Operation
from serving.api.endpoints import ENDPOINTS
from serving.pages import views
from serving.published import runs
from serving.published.book import Book

NOTHING_ADVERSE = (
    "churnlight.toml: no target is adverse, and only such a target has health scores to serve; "
    "declare one without `adverse = false`"
)

log = logging.getLogger("churnlight")


def application(book: Book, endpoints: Sequence[Operation] = ENDPOINTS) -> ASGIApp:
    """The whole port as one ASGI application: the API and the pages behind the guard."""
    addresses = [endpoint.address(book) for endpoint in endpoints] + views.addresses(book)
    app = problems.handled(Starlette(routes=[address.route for address in addresses]))
    app.router.redirect_slashes = False
    return guard.Guard(app, addresses, book.settings)


def warm(book: Book) -> None:
    """Loads the promoted models before the first request; /readyz reports those that cannot be."""
    for target in book.company.targets:
        try:
            loaded = len(book.artifact(target).boosters)
            log.info("target %s: promoted model with %d boosters", target, loaded)
        except ChurnlightError as error:
            log.warning("target %s: %s", target, error)


def check_ready(company: Company, settings: Settings) -> None:
    """Checks, before any server starts, that at least one adverse target can be served.

    Raises
    ------
    DeclarationError
        No target is adverse.
    NotFound
        No run is published, or no adverse target has a promoted model.
    """
    from training.champions import champion

    if not (targets := company.adverse):
        raise DeclarationError(NOTHING_ADVERSE)
    workspace = settings.workspace_of(company)
    runs.published(workspace / "scores")
    absent: list[NotFound] = []
    for target in targets:
        try:
            champion(workspace, target)
        except NotFound as error:
            absent.append(error)
    if len(absent) == len(targets):
        raise absent[0]
