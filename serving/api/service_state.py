"""The state of the service: whether it is up, and which models and runs it serves.

Its one rule: nothing here names an account, and the metrics have at most one series per target and
explanation path.
"""

from collections.abc import Iterator
from contextlib import suppress
from typing import Literal, get_args

from typing_extensions import TypedDict

from features.errors import ChurnlightError
from serving.api.score_messages import ModelMessage, model_message
from serving.problems import HttpProblem
from serving.published.book import Book, Edition
from serving.published.prospects import Prospects
from training.treeshap.explainer import ExplanationPath

EXPOSITION = "text/plain; version=0.0.4; charset=utf-8"


class Liveness(TypedDict):
    """The process is up."""

    status: Literal["alive"]


class TargetReadiness(TypedDict):
    """Model and run that serve a target.

    `published_by` made the published scores, `model` is the promoted one, trained under the
    declaration of `declaration_hash`. `explanation_path` says what explains its scores: its
    compiled tables or, slower and with the same numbers, LightGBM's pred_contrib.
    """

    as_of: str
    computed_at: str
    published_by: ModelMessage
    model: ModelMessage
    declaration_hash: str
    explanation_path: ExplanationPath


class Readiness(TypedDict):
    """Each of `targets` has a verified promoted model and a published run.

    `stale` says why a newer run could not be read, and is null otherwise.
    """

    status: Literal["ready"]
    targets: dict[str, TargetReadiness]
    stale: str | None


def readiness(book: Book) -> Readiness:
    """The targets that are served.

    Raises
    ------
    HttpProblem
        503: no adverse target has both a promoted, verified model and a published run; `lacking`
        says per target what is missing.
    """
    lacking: dict[str, str] = {}
    ready: dict[str, TargetReadiness] = {}
    for target in book.company.adverse:
        try:
            ready[target] = _target_readiness(book, target, book.edition(target))
        except ChurnlightError as error:
            lacking[target] = str(error)
    if not ready:
        detail = next(iter(lacking.values()), "no adverse target is declared")
        raise HttpProblem("not-ready", detail, lacking=lacking)
    for target in book.opportunities:
        with suppress(ChurnlightError):
            ready[target] = _target_readiness(book, target, book.prospects(target))
    return {"status": "ready", "targets": ready, "stale": book.stale or None}


def _target_readiness(book: Book, target: str, table: Edition | Prospects) -> TargetReadiness:
    artifact = book.artifact(target)
    return {
        "as_of": table.run.as_of.isoformat(),
        "computed_at": table.run.computed_at,
        "published_by": model_message(table.model),
        "model": {"name": artifact.name, "version": artifact.version, "digest": artifact.digest},
        "declaration_hash": artifact.declaration_hash,
        "explanation_path": artifact.explanation_path,
    }


def metrics(book: Book) -> str:
    """The metrics in Prometheus' text format."""
    return "".join(f"{line}\n" for line in _explanation_paths(book))


def _explanation_paths(book: Book) -> Iterator[str]:
    name = "churnlight_explanation_path"
    yield f"# HELP {name} 1 for what explains the scores of a target's promoted model, else 0."
    yield f"# TYPE {name} gauge"
    for target in book.company.targets:
        try:
            used = book.artifact(target).explanation_path
        except ChurnlightError:
            # No promoted model can be used, and /readyz says why.
            continue
        for path in get_args(ExplanationPath):
            yield f'{name}{{target="{target}",path="{path}"}} {int(path == used)}'
