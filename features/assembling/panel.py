"""The rows of a company: its facts gathered through an engine, folded, measured and labelled."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from features import clock
from features.assembling import labels, renewals, source_sql
from features.assembling.feature_plan import (
    FIRST_FACT,
    FeatureColumn,
    FeaturePlan,
)
from features.clock import Calendar
from features.engines.source_errors import naming_the_source
from features.engines.sql_text import quote
from features.errors import ChurnlightError
from features.folding import fact_history
from features.folding.fact_history import (
    AccountIndex,
    BlockStore,
    DateNumbers,
    FactHistory,
    FoldedRows,
    StreamFacts,
    part_layout,
)
from features.folding.fold_plan import FoldPlan, FoldReader, TimeFold
from features.folding.measures import RowContext
from features.folding.records import Floats
from features.folding.term_chains import Terms
from features.progress import Progress, silent
from features.settings import Settings
from features.sources import Tables

MIB = 1 << 20


@contextmanager
def gather_facts(
    tables: Tables, feature_plan: FeaturePlan, calendar: Calendar, progress: Progress = silent
) -> Iterator[FactHistory]:
    """All facts that the rows of these as-of dates are folded from.

    Raises
    ------
    DeclarationError
        An expression cannot be computed.
    ContractBroken
        A table went away or broke while it was read.
    ChurnlightError
        The disk or the memory is full.
    """
    settings = Settings.read()
    accounts = _accounts(tables)
    plans = feature_plan.plans
    lay = part_layout(len(accounts), calendar, list(plans.values()))
    with BlockStore(settings.facts_mib * MIB) as shelf:
        streams = {}
        with tables.engine.parallel(settings.cores):
            for plan, reach, select in stream_queries(tables, plans, calendar):
                progress(f"reading {plan.stream}")
                query = source_sql.records(tables, plan, reach, select)
                streams[plan.stream] = StreamFacts(plan, lay, shelf)
                with naming_the_source(plan.stream):
                    _read(tables.engine.batches(query, settings.cores), streams[plan.stream])
        texts = {
            name: source_sql.categories(tables, indicator)
            for name, indicator in feature_plan.categorical.items()
        }
        terms = {
            name: _terms(tables, name, target.source, progress)
            for name, target in tables.company.targets.items()
            if target.by_renewal
        }
        first = first_dates(feature_plan, accounts, calendar, streams)
        yield FactHistory(accounts, lay, streams, first, texts, settings.cores, terms)


def _terms(tables: Tables, target: str, source: str, progress: Progress) -> Terms:
    progress(f"reading the terms of {target}")
    with naming_the_source(source):
        return renewals.terms(tables, target)


def first_dates(
    feature_plan: FeaturePlan,
    accounts: AccountIndex,
    calendar: Calendar,
    streams: dict[str, StreamFacts],
) -> DateNumbers:
    """The number of the first as-of date on which each account exists."""
    if accounts.since is None:
        return streams[feature_plan.company.accounts.source].first
    return calendar.first_after(accounts.since)


def _accounts(tables: Tables) -> AccountIndex:
    tables.engine.keep(source_sql.ACCOUNTS, source_sql.accounts(tables))
    accounts = tables.engine.rows(
        f"SELECT account_id, segment, since, until FROM {quote(source_sql.ACCOUNTS)} "
        "ORDER BY account"
    )
    return fact_history.account_index(accounts, derived=tables.company.accounts.derived)


def stream_queries(
    tables: Tables, plans: dict[str, FoldPlan], calendar: Calendar
) -> Iterator[tuple[FoldPlan, str, str | None]]:
    """Each plan, the condition that all of its facts fulfil, and its stream's own SELECT.

    The latter where the stream is not a source.
    """
    selects = {
        stream: query
        for name, target in tables.company.targets.items()
        if target.contractual
        for stream, query in labels.streams_of_subscriptions(tables, name)
    }
    for name, plan in plans.items():
        reach = clock.in_reach(plan.spans, calendar.as_of[0], calendar.as_of[-1])
        yield plan, reach, selects.get(name)


def _read(batches: Iterator[pa.RecordBatch], facts: StreamFacts) -> None:
    name = facts.plan.stream
    try:
        for batch in batches:
            facts.add(batch)
    except OSError as error:
        raise ChurnlightError(
            f"cannot spill the facts of {name!r} to disk: {error}; free space in the folder for "
            "temporary files (TMPDIR) or raise CHURNLIGHT_FACTS_MIB"
        ) from error


def build_rows(
    feature_plan: FeaturePlan, history: FactHistory, until: date, parts: range | None = None
) -> pa.Table:
    """The rows of these parts of the accounts, by default of all; sorted by as_of, account_id."""
    shown = _not_merged(history, history.shown(parts))
    streams = _streams(feature_plan.plans, shown)
    calendar = history.layout.calendar
    as_of = calendar.days[shown.date]
    segments = history.accounts.segments
    codes = segments.indices.to_numpy()[shown.account]
    context = RowContext(
        as_of.astype(float),
        _history_days(feature_plan, history, shown, as_of, streams),
        shown.date * len(segments.dictionary) + codes,
    )
    columns: dict[str, pa.Array] = {
        "account_id": history.accounts.ids.take(pa.array(shown.account)),
        "as_of": pa.array(calendar.names, pa.date32()).take(pa.array(shown.date)),
        "segment": segments.dictionary.take(pa.array(codes)),
        "history_days": pa.array(context.history_days.astype(np.int32)),
    }
    for column in feature_plan.columns:
        values = feature_plan.values(column, streams, context)
        columns[column.name] = _arrow(feature_plan, history, column, values)
    for name, target in feature_plan.company.targets.items():
        if target.by_renewal:
            columns |= renewals.columns(name, target, history, shown, until)
            continue
        mature = _mature(feature_plan, name, history.layout.calendar.as_of, until)[shown.date]
        columns |= _outcome(name, labels.label_rows(feature_plan.company, name, streams), mature)
    return pa.table(columns)


def _not_merged(history: FactHistory, shown: FoldedRows) -> FoldedRows:
    """The rows of accounts that were not known to be merged into others by then."""
    until = history.accounts.until
    if until is None:
        return shown
    there = history.layout.calendar.days[shown.date] <= until[shown.account]
    folds = {name: values[:, there] for name, values in shown.folds.items()}
    return FoldedRows(shown.account[there], shown.date[there], folds)


def row_blocks(
    feature_plan: FeaturePlan, history: FactHistory, until: date, bytes_at_once: int
) -> Iterator[pa.Table]:
    """As `build_rows`, for some accounts at a time; for all at once where they need each other."""
    width = 8 * (
        len(feature_plan.columns) + sum(len(plan.folds) for plan in feature_plan.plans.values()) + 8
    )
    ranges = [None] if feature_plan.needs_all_accounts else history.ranges(bytes_at_once // width)
    for parts in ranges:
        yield build_rows(feature_plan, history, until, parts)


def _streams(plans: dict[str, FoldPlan], shown: FoldedRows) -> labels.StreamReader:
    def streams(name: str) -> FoldReader:
        def ask(fold: TimeFold) -> Floats:
            values: Floats = shown.folds[name][plans[name].slot(fold)]
            return values

        return ask

    return streams


def _history_days(
    feature_plan: FeaturePlan,
    history: FactHistory,
    shown: FoldedRows,
    as_of: npt.NDArray[np.int32],
    streams: labels.StreamReader,
) -> Floats:
    since = history.accounts.since
    if since is None:
        first: Floats = streams(feature_plan.company.accounts.source)(FIRST_FACT)
        return np.subtract(as_of, first)
    days: Floats = np.subtract(as_of, since[shown.account], dtype=float)
    return days


def _arrow(
    feature_plan: FeaturePlan, history: FactHistory, column: FeatureColumn, values: Floats
) -> pa.Array:
    if column.dtype == "category":
        texts = history.texts[column.indicator]
        return texts.take(_with_nulls(values).cast(pa.int32()))
    return pa.array(values) if feature_plan.is_always_known(column) else _with_nulls(values)


def _with_nulls(values: Floats) -> pa.Array:
    """The numbers, as they lie in memory, with null for NaN."""
    has_value = ~np.isnan(values)
    valid = pa.py_buffer(np.packbits(has_value, bitorder="little"))
    return pa.Array.from_buffers(
        pa.float64(), len(values), [valid, pa.py_buffer(np.ascontiguousarray(values))]
    )


def _mature(
    feature_plan: FeaturePlan, name: str, as_of: Sequence[date], until: date
) -> npt.NDArray[np.bool_]:
    target = feature_plan.company.targets[name]
    return np.array([clock.is_mature(day, target, until) for day in as_of])


def _outcome(
    name: str, outcomes: labels.Labels, mature: npt.NDArray[np.bool_]
) -> dict[str, pa.Array]:
    counts = outcomes.eligible & mature & ~outcomes.left_out
    return {
        f"eligible__{name}": pa.array(outcomes.eligible),
        f"label__{name}": pa.array(outcomes.label.astype(np.int8), mask=~counts),
    }
