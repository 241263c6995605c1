"""What `GET /metrics` tells a Prometheus server: no account, and one series per target at most.

Its one rule: labels are names of the declaration, so there are never more series than targets.
"""

from collections.abc import Iterator
from typing import get_args

from features.errors import ChurnlightError
from serving.api.messages import ExplanationPath
from serving.published.book import Book

EXPOSITION = "text/plain; version=0.0.4; charset=utf-8"


def exposed(book: Book) -> str:
    """The metrics in Prometheus' text format."""
    return "".join(f"{line}\n" for line in _explanation_path(book))


def _explanation_path(book: Book) -> Iterator[str]:
    name = "churnlight_explanation_path"
    yield f"# HELP {name} 1 for who explains the scores of a target's promoted model, else 0."
    yield f"# TYPE {name} gauge"
    for target in book.company.targets:
        try:
            found = book.artifact(target).explanation_path
        except ChurnlightError:
            # Nothing usable is promoted, and /readyz says why.
            continue
        for path in get_args(ExplanationPath):
            yield f'{name}{{target="{target}",path="{path}"}} {int(path == found)}'
