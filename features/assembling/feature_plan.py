"""The feature columns of a declaration, and the plan of what has to be folded for them.

A column is an indicator over one window. Its measure (`features.folding.measures`) says which folds
it needs; those of one stream of facts make a plan, whose facts are read once.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np

from features.assembling import labels, source_sql
from features.clock import Span
from features.declaring.company import Company
from features.declaring.indicator import Indicator, Stage, column_name
from features.engines.source_errors import naming_the_source
from features.engines.sql_text import quote
from features.engines.sql_types import FLAG, is_number
from features.folding.fold_plan import FoldPlan, FoldReader, TimeFold
from features.folding.measures import ALWAYS_KNOWN, FOLDED_AS, MEASURES, MeasureInput, RowContext
from features.folding.records import Floats
from features.sources import Tables

Dtype = Literal["number", "category"]
NO_ROWS, NO_PEERS = np.zeros(0), np.zeros(0, np.int64)


@dataclass(frozen=True)
class FeatureColumn:
    """One feature column: an indicator over one window (days; `None` is the whole history)."""

    name: str
    indicator: str
    window: int | None
    dtype: Dtype
    stage: Stage


@dataclass(frozen=True)
class FeaturePlan:
    """A company's columns and targets, and the plans of the streams that they are folded from.

    `numeric` are the indicators whose value is a number.
    """

    company: Company
    columns: tuple[FeatureColumn, ...]
    numeric: frozenset[str]

    def values(
        self, column: FeatureColumn, streams: labels.StreamReader, context: RowContext
    ) -> Floats:
        """The column's value in every row; a category is its place among its sorted texts."""
        return self._values(column.indicator, column.window, column.dtype, streams, context)

    def _values(
        self,
        name: str,
        window: int | None,
        dtype: Dtype,
        streams: labels.StreamReader,
        context: RowContext,
    ) -> Floats:
        indicator = self.company.indicators[name]

        def other(base: str) -> Floats:
            return self._values(base, self._window_of(base, window), "number", streams, context)

        kind = "category" if dtype == "category" else FOLDED_AS.get(indicator.measure, "number")
        keep = source_sql.counts_for(indicator, numeric=name in self.numeric)
        source = self.company.sources[indicator.source]
        asked = MeasureInput(
            indicator, window, source, kind, keep, streams(indicator.source), other, context
        )
        return MEASURES[indicator.measure](asked)

    def ranked(self, column: FeatureColumn) -> FeatureColumn | None:
        """The column of the values that `column` has the ranks of, under its name; or none."""
        indicator = self.company.indicators[column.indicator]
        if indicator.measure != "peer_rank":
            return None
        base = str(indicator.of)
        return replace(column, indicator=base, window=self._window_of(base, column.window))

    def _window_of(self, base: str, window: int | None) -> int | None:
        """The window over which an indicator is asked for by another: its own if it has but one."""
        spans = self.company.indicators[base].spans()
        return window if window in spans else spans[0]

    def is_always_known(self, column: FeatureColumn) -> bool:
        """Whether the column has no nulls, whatever the facts say."""
        indicator = self.company.indicators[column.indicator]
        return (
            indicator.measure in ALWAYS_KNOWN
            and self.company.sources[indicator.source].absent == "zero"
        )

    @property
    def categorical(self) -> dict[str, Indicator]:
        """The indicators whose columns are texts, by name."""
        names = dict.fromkeys(
            column.indicator for column in self.columns if column.dtype == "category"
        )
        return {name: self.company.indicators[name] for name in names}

    @property
    def needs_all_accounts(self) -> bool:
        """Whether some column of an account depends on other accounts."""
        items = [self.company.indicators[column.indicator] for column in self.columns]
        return any(indicator.measure == "peer_rank" for indicator in items)

    @cached_property
    def plans(self) -> dict[str, FoldPlan]:
        """The plan of each stream, by its name."""
        by_stream: dict[str, FoldPlan] = {}

        def streams(name: str) -> FoldReader:
            plan = by_stream.setdefault(name, FoldPlan(name))

            def ask(fold: TimeFold) -> Floats:
                plan.slot(fold)
                return NO_ROWS

            return ask

        if self.company.accounts.derived:
            streams(self.company.accounts.source)(FIRST_FACT)
        for column in self.columns:
            self.values(column, streams, RowContext(NO_ROWS, NO_ROWS, NO_PEERS))
        for name, target in self.company.targets.items():
            if not target.by_renewal:
                labels.label_rows(self.company, name, streams)
        return {name: plan for name, plan in by_stream.items() if plan.folds}


# Since when a derived account exists.
FIRST_FACT = TimeFold("first_day", Span(None))


def plan_features(tables: Tables, stages: tuple[Stage, ...] = ("live", "shadow")) -> FeaturePlan:
    """The company's columns of these stages, in the order of its declaration."""
    types = {
        name: _type(tables, indicator)
        for name, indicator in tables.company.indicators.items()
        if indicator.value is not None and _is_needed(tables.company, name, stages)
    }
    columns = (
        FeatureColumn(
            column_name(name, window),
            name,
            window,
            _dtype(indicator, types.get(name)),
            indicator.stage,
        )
        for name, indicator in tables.company.staged(*stages).items()
        for window in indicator.spans()
    )
    numeric = (name for name, type_ in types.items() if is_number(type_))
    return FeaturePlan(tables.company, tuple(columns), frozenset(numeric))


def _is_needed(company: Company, name: str, stages: tuple[Stage, ...]) -> bool:
    staged = company.staged(*stages)
    return name in staged or any(name in company.bases(other) for other in staged)


def _type(tables: Tables, indicator: Indicator) -> str:
    with naming_the_source(indicator.source):
        return tables.engine.types(
            f"SELECT ({indicator.value}) AS v FROM {quote(indicator.source)}"
        )["v"]


def _dtype(indicator: Indicator, type_: str | None) -> Dtype:
    if indicator.measure != "latest" or type_ is None:
        return "number"
    return "number" if type_ == FLAG or is_number(type_) else "category"
