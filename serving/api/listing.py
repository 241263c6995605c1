"""The lists of the API: their parameters, what a caller asks of them, and where a page begins.

Its one rule: a list is read to its end by the cursors of one run.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from serving.api.parameters import (
    ChoiceParameter,
    FlagParameter,
    Parameter,
    WholeParameter,
)
from serving.problems import HttpProblem, in_parameter, invalid
from serving.published.prospects import STATES
from serving.published.run_table import LONGEST_SEARCH, RowIndex
from serving.published.runs import Run
from training.calibrating.bands import BANDS

ADVERSE_TARGET = Parameter(
    name="target", description="an adverse target; by default the first that is declared"
)
OPPORTUNITY_TARGET = Parameter(
    name="target",
    description="a target with `adverse = false`; by default the first that is declared",
)
FILTERS = (
    Parameter(
        name="q",
        max_length=LONGEST_SEARCH,
        description="only accounts with this text in account_id or name, in any case",
    ),
    Parameter(name="segment", description="only accounts of this segment"),
    Parameter(name="owner", description="only accounts of this owner"),
)
LIMIT = WholeParameter(
    name="limit", minimum=1, maximum=500, default=100, description="accounts per page"
)
PAGING = (
    LIMIT,
    Parameter(name="after", description="`next` of the page before"),
    FlagParameter(name="drivers", description="whether each account carries its drivers"),
)
HEALTH_LIST = (
    ChoiceParameter(name="band", choices=BANDS, description="only accounts of this band"),
    *FILTERS,
    ADVERSE_TARGET,
    *PAGING,
)
OPPORTUNITY_LIST = (
    ChoiceParameter(
        name="opportunity", choices=STATES, description="only accounts with this `opportunity`"
    ),
    *FILTERS,
    OPPORTUNITY_TARGET,
    *PAGING,
)


@dataclass(frozen=True)
class ListQuery:
    """The filters and page of a list request; null means no filter.

    `status` is a band, or the state of an opportunity; `after` is empty on the first page.
    """

    status: str | None
    q: str | None
    segment: str | None
    owner: str | None
    target: str
    limit: int
    after: str
    drivers: bool

    @classmethod
    def of(
        cls, parameters: Mapping[str, str], status: Literal["band", "opportunity"]
    ) -> "ListQuery":
        """The query that checked parameters make; `status` names the one of the status."""
        return cls(
            status=parameters.get(status),
            q=parameters.get("q"),
            segment=parameters.get("segment"),
            owner=parameters.get("owner"),
            target=parameters.get("target", ""),
            limit=int(parameters.get("limit", LIMIT.default)),
            after=parameters.get("after", ""),
            drivers=parameters.get("drivers") == "true",
        )

    def page(self, run: Run, rows: RowIndex) -> tuple[RowIndex, str | None]:
        """The rows of this page, and the cursor of the next one; null on the last.

        Parameters
        ----------
        run
            The run that is listed.
        rows
            Its rows that pass the filters, in the order of the list.

        Raises
        ------
        HttpProblem
            422 where `after` is no cursor, 409 where it is a cursor of another run.
        """
        start = _start(self.after, run, rows)
        shown = rows[start : start + self.limit]
        more = start + self.limit < len(rows)
        return shown, _cursor(run, int(shown[-1])) if more else None


def _cursor(run: Run, row: int) -> str:
    return base64.urlsafe_b64encode(f"{row}:{run.folder.name}".encode()).decode()


def _start(after: str, run: Run, rows: RowIndex) -> int:
    """How many of `rows` are on the pages before; a cursor holds for one run only."""
    if not after:
        return 0
    try:
        row, _, listed_run = base64.urlsafe_b64decode(after.encode()).decode().partition(":")
    except (binascii.Error, UnicodeError):
        row = listed_run = ""
    if not _is_row(row):
        raise invalid([in_parameter("after", "must be `next` of the page before")])
    if listed_run != run.folder.name:
        detail = f"the list now shows the run of {run.as_of}; restart from the first page"
        raise HttpProblem("list-changed", f"{detail} (omit `after`)")
    return int(np.searchsorted(rows, int(row), side="right"))


def _is_row(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 12
