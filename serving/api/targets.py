"""The target that a caller means, and what the service has for it: model, edition, opportunities.

Its one rule: a target without what a request needs is a problem here, never an empty response.
"""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from features.declaring.spelling import did_you_mean
from features.errors import ChurnlightError, NotFound
from serving.problems import HttpProblem, Mistake, in_body, in_parameter, invalid
from serving.published.book import Book, Edition
from serving.published.expected_loss import ExpectedLosses
from serving.published.prospects import Prospects

if TYPE_CHECKING:
    from training.artifact import Artifact

# Makes a mistake of its detail, at the place where the caller named the target.
Locate = Callable[[str], Mistake]

BODY: Locate = partial(in_body, "/target")
PARAMETER: Locate = partial(in_parameter, "target")


def resolve_target(book: Book, target: str, located: Locate) -> str:
    """The declared target `target`, or the first adverse one where it is empty.

    Raises
    ------
    HttpProblem
        422 where `target` is not declared, 503 where no target is adverse.
    """
    if target in book.company.opportunities:
        return target
    if not book.company.adverse:
        raise HttpProblem("not-ready", "no adverse target is declared, so there are no scores")
    _require_declared(book, target, located)
    return target or book.company.adverse[0]


def _require_declared(book: Book, target: str, located: Locate) -> None:
    if target and target not in book.company.targets:
        hint = did_you_mean(target, book.company.targets)
        raise invalid([located(f"no such target: {target!r}; {hint}")])


def edition_of(book: Book, target: str) -> Edition:
    """The latest health scores of `target`, or of the first adverse target where it is empty.

    Raises
    ------
    HttpProblem
        422 where `target` is not declared or not adverse, 503 where nothing is published.
    """
    resolved = resolve_target(book, target, PARAMETER)
    if resolved in book.company.opportunities:
        detail = f"target {resolved!r} is an opportunity, so it has no health score"
        raise invalid([PARAMETER(f"{detail}; GET /v1/opportunities lists it")])
    return published_edition(book, resolved)


def losses_of(book: Book, edition: Edition) -> ExpectedLosses:
    """What an edition expects to be lost.

    Raises
    ------
    HttpProblem
        422 where it has no forecast, or no account's worth is known.
    """
    found = book.expected_losses(edition)
    if found is None:
        why = (
            "no account's worth is known: name event.amount, or the accounts' mrr"
            if edition.forecast_days
            else 'it has no forecast: a target with horizon = "next renewal" has one'
        )
        raise invalid([PARAMETER(f"target {edition.target!r}: {why}")])
    return found


def prospects_of(book: Book, target: str) -> Prospects:
    """The latest opportunities of `target`, or of the first opportunity where it is empty.

    Raises
    ------
    HttpProblem
        422 where `target` is not a declared opportunity, 503 where nothing is published.
    """
    declared = book.company.opportunities
    if not declared:
        detail = "no opportunity is declared: no target has `adverse = false`"
        raise invalid([PARAMETER(detail)])
    _require_declared(book, target, PARAMETER)
    if target and target not in declared:
        detail = f"target {target!r} is adverse, so it is not an opportunity"
        raise invalid([PARAMETER(f"{detail}; GET /v1/accounts lists it")])
    return published_prospects(book, target or declared[0])


def published_edition(book: Book, target: str) -> Edition:
    """The latest edition of an adverse target; 503 where nothing is published."""
    try:
        return book.edition(target)
    except NotFound as error:
        raise HttpProblem("not-ready", str(error)) from error


def published_prospects(book: Book, target: str) -> Prospects:
    """The latest opportunities of a target; 503 where nothing is published."""
    try:
        return book.prospects(target)
    except NotFound as error:
        raise HttpProblem("not-ready", str(error)) from error


def promoted(book: Book, target: str) -> "Artifact":
    """The promoted artifact of `target`; 503 where there is none that can be used."""
    try:
        return book.artifact(target)
    except ChurnlightError as error:
        raise HttpProblem("not-ready", str(error)) from error
