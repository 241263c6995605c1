"""The whole port as one ASGI application, whatever server it runs in.

Its one rule: every address stands in one list of routes, and the guard before them lets pass
nothing that is not on it.
"""

import logging

from starlette.applications import Starlette
from starlette.types import ASGIApp

from features.declaring.company import Company
from features.errors import ChurnlightError, DeclarationError, NotFound
from features.settings import Settings
from serving import problems
from serving.access import guard
from serving.api import handlers
from serving.pages import views
from serving.published import runs
from serving.published.book import Book

NOTHING_ADVERSE = (
    "churnlight.toml: no target is adverse, and only such a target has health scores to serve; "
    "declare one without `adverse = false`"
)

log = logging.getLogger("churnlight")


def application(book: Book) -> ASGIApp:
    """The whole port as one ASGI application: the API and the pages behind the guard."""
    routes = [*handlers.routes(book), *views.routes(book)]
    app = problems.handled(Starlette(routes=routes))
    app.router.redirect_slashes = False
    return guard.Guard(app, routes, book.settings)


def warm(book: Book) -> None:
    """Loads the promoted models before the first request; what is lacking, /readyz says."""
    for target in book.company.targets:
        try:
            loaded = len(book.artifact(target).boosters)
            log.info("target %s: promoted model with %d boosters", target, loaded)
        except ChurnlightError as error:
            log.warning("target %s: %s", target, error)


def check_ready(company: Company, settings: Settings) -> None:
    """Raises, before any server starts, what would keep every target from being served."""
    from training.artifact import champion

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
