"""One target's opportunities as the latest run published them: the counterpart of `edition`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np
import pyarrow as pa

from serving.assessment.opportunities import Opportunity, State
from serving.published import runs
from serving.published.run_table import (
    ListedAccount,
    Order,
    RowIndex,
    RunTable,
    run_columns,
)

STATES: tuple[State, ...] = get_args(State)
HIGHEST_FIRST: Order = ("opportunity_score_unclipped", "descending")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prospect(ListedAccount):
    """One account's opportunity and the facts people want."""

    opportunity: Opportunity

    @property
    def account_id(self) -> str:
        """Which account it is."""
        return self.opportunity.account_id


@dataclass(frozen=True, kw_only=True)
class Prospects(RunTable):
    """The opportunities of one target at one moment, highest score first."""

    listed_at = "/v1/opportunities"
    light = "opportunity"

    def entry(self, account_id: str) -> Prospect:
        """The prospect of one account; `NotFound` as in `row`."""
        return self.entries(np.array([self.row(account_id)]))[0]

    def entries(self, rows: RowIndex) -> list[Prospect]:
        """The prospects of `rows`."""
        chosen = pa.array(rows)
        opportunities = runs.opportunities_from_rows(self._scores.take(chosen))
        facts = self._facts.take(chosen).to_pylist()
        return [
            Prospect(opportunity=opportunity, **fact, missing=self._missing(row))
            for row, opportunity, fact in zip(rows.tolist(), opportunities, facts, strict=True)
        ]


def bind(run: runs.Run, target: str, indicators: Mapping[str, Sequence[str]]) -> Prospects:
    """The opportunities of `target` in a run; parameters and errors as of `run_columns`."""
    return Prospects(**run_columns(run, target, indicators, HIGHEST_FIRST))
