"""One target's opportunities as the latest run published them, ready to read.

Opportunity counterpart of `Edition`: values are held in columns, highest score first, and an
object is built for an account only when somebody reads it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import compress
from types import MappingProxyType
from typing import get_args

import numpy as np
import pyarrow as pa

from serving.assessment.opportunities import Opportunity, State
from serving.published import edition, runs
from serving.published.edition import Flags, Rows, RunTable

STATES: tuple[State, ...] = get_args(State)


@dataclass(frozen=True, slots=True)
class Prospect:
    """One account's opportunity and the facts people want; `missing` as of `edition.Entry`."""

    opportunity: Opportunity
    name: str | None
    owner: str | None
    parent: str | None
    mrr: float | None
    renewal: date | None
    since: date | None
    missing: tuple[str, ...]

    @property
    def title(self) -> str:
        """The account's name, or its id where it has none."""
        return self.name or self.opportunity.account_id


@dataclass(frozen=True)
class Prospects(RunTable):
    """The opportunities of one target at one moment; unscored accounts close the order."""

    listed_at = "/v1/opportunities"
    run: runs.Run
    target: str
    features: pa.Table
    _indicators: tuple[str, ...]
    _unknown: Flags
    _scores: pa.Table
    _facts: pa.Table
    _row_of: Mapping[str, int]

    def entry(self, account_id: str) -> Prospect:
        """The prospect of one account; `NotFound` as in `row`."""
        return self.entries(np.array([self.row(account_id)]))[0]

    def find(
        self,
        *,
        state: State | None = None,
        q: str | None = None,
        segment: str | None = None,
        owner: str | None = None,
    ) -> Rows:
        """The rows that fit every given filter, in reading order; as `Edition.find`."""
        keep = edition.equal(self._scores["opportunity"], state)
        keep &= edition.equal(self._scores["segment"], segment)
        keep &= edition.equal(self._facts["owner"], owner)
        if q:
            held = edition.holds(self._facts["name"], q)
            keep &= edition.holds(self._scores["account_id"], q) | held
        return np.flatnonzero(keep)

    def entries(self, rows: Rows) -> list[Prospect]:
        """The prospects of `rows`."""
        chosen = pa.array(rows)
        found = runs.opportunities_from_rows(self._scores.take(chosen))
        facts = self._facts.take(chosen).to_pylist()
        return [
            Prospect(item, **fact, missing=tuple(compress(self._indicators, self._unknown[row])))
            for row, item, fact in zip(rows.tolist(), found, facts, strict=True)
        ]

    def values(self, column: str) -> list[str]:
        """The distinct values of `segment` or `owner`, sorted, for filters."""
        source = self._facts if column in self._facts.column_names else self._scores
        return sorted(value for value in source[column].unique().to_pylist() if value)

    def count(self, state: State) -> int:
        """How many accounts are in a state."""
        return int(edition.equal(self._scores["opportunity"], state).sum())


def bind(run: runs.Run, target: str, indicators: Mapping[str, Sequence[str]]) -> Prospects:
    """The opportunities of `target` in a run; parameters and errors as of `edition.bind`."""
    scores = _in_reading_order(edition.of_target(run.scores(), target))
    ids = scores["account_id"]
    features = edition.aligned(run.features(), ids)
    known = edition.columns_of(indicators, features)
    return Prospects(
        run=run,
        target=target,
        features=features,
        _indicators=tuple(known),
        _unknown=edition.unknown(features, known),
        _scores=scores,
        _facts=edition.facts_of(run, ids),
        _row_of=MappingProxyType({key: row for row, key in enumerate(ids.to_pylist())}),
    )


def _in_reading_order(scores: pa.Table) -> pa.Table:
    keys = [
        ("opportunity_score_unclipped", "descending", "at_end"),
        ("account_id", "ascending", "at_end"),
    ]
    return scores.sort_by(keys).combine_chunks()
