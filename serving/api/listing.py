"""What a list of the API is asked for, and where its next page begins.

Its one rule: a list is read whole by cursors of one run; every mistake of a query is told at once.
"""

import base64
import binascii
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from starlette.requests import Request

from features.declaring.spelling import did_you_mean
from serving.api.strict_json import MAX_ERRORS
from serving.problems import HttpProblem, invalid
from serving.published.edition import LONGEST_SEARCH, Rows
from serving.published.runs import Run

DEFAULT_LIMIT = 100
MAX_LIMIT = 500
COMMON = ("q", "segment", "owner", "target", "limit", "after", "drivers")


@dataclass(frozen=True)
class ListQuery:
    """A list's query; null means no filter, `light` is a band or the state of an opportunity."""

    light: str | None
    q: str | None
    segment: str | None
    owner: str | None
    target: str
    limit: int
    after: str
    drivers: bool

    @classmethod
    def read(cls, request: Request, light: str, lights: Sequence[str]) -> "ListQuery":
        """The query of `request`, whose parameter `light` is one of `lights`; 422 otherwise."""
        given = parameters(request, (light, *COMMON))
        checks = CHECKS | {light: (lambda text: text in lights, f"one of {', '.join(lights)}")}
        mistakes = [
            {"parameter": name, "detail": f"{wanted} is wanted, got {given[name]!r}"}
            for name, (fits, wanted) in checks.items()
            if name in given and not fits(given[name])
        ]
        if mistakes:
            raise invalid(mistakes)
        return cls(
            light=given.get(light),
            q=given.get("q"),
            segment=given.get("segment"),
            owner=given.get("owner"),
            target=given.get("target", ""),
            limit=int(given.get("limit", DEFAULT_LIMIT)),
            after=given.get("after", ""),
            drivers=given.get("drivers") == "true",
        )

    def page(self, run: Run, rows: Rows) -> tuple[Rows, str | None]:
        """Those of `rows` that this page has, and the cursor of the next; null on the last."""
        start = _start(self.after, run, rows)
        shown = rows[start : start + self.limit]
        more = start + self.limit < len(rows)
        return shown, _cursor(run, int(shown[-1])) if more else None


def _is_limit(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 5 and 1 <= int(text) <= MAX_LIMIT


CHECKS: dict[str, tuple[Callable[[str], bool], str]] = {
    "q": (lambda text: len(text) <= LONGEST_SEARCH, f"a text of at most {LONGEST_SEARCH} letters"),
    "limit": (_is_limit, f"a whole number from 1 to {MAX_LIMIT}"),
    "drivers": (lambda text: text in ("true", "false"), "true or false"),
}


def parameters(request: Request, known: tuple[str, ...]) -> dict[str, str]:
    """The query parameters, each of them known and given once; 422 otherwise."""
    counted = Counter(name for name, _ in request.query_params.multi_items())
    mistakes = [
        {"parameter": name, "detail": f"unknown parameter; {did_you_mean(name, known)}"}
        for name in counted
        if name not in known
    ]
    mistakes += [
        {"parameter": name, "detail": "the parameter is given twice"}
        for name, times in counted.items()
        if times > 1
    ]
    if mistakes:
        raise invalid(mistakes[:MAX_ERRORS])
    return dict(request.query_params)


def _cursor(run: Run, row: int) -> str:
    return base64.urlsafe_b64encode(f"{row}:{run.folder.name}".encode()).decode()


def _start(after: str, run: Run, rows: Rows) -> int:
    """How many of `rows` a cursor leaves behind; it holds for one run only."""
    if not after:
        return 0
    try:
        row, _, made = base64.urlsafe_b64decode(after.encode()).decode().partition(":")
    except (binascii.Error, UnicodeError):
        row = made = ""
    if not _is_row(row):
        raise invalid([{"parameter": "after", "detail": "give `next` of the page before"}])
    if made != run.folder.name:
        raise HttpProblem("list-changed", f"the list is now of the run of {run.as_of}")
    return int(np.searchsorted(rows, int(row), side="right"))


def _is_row(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 12
