"""The rows of a company: its facts gathered through an engine, folded, measured and labelled."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from features import clock
from features.assembling import labels, select, windows
from features.assembling.windows import FIRST_FACT, Column, Declared
from features.clock import Calendar
from features.engines.sql_text import quote
from features.errors import ChurnlightError
from features.folding import fact_history
from features.folding.fact_history import (
    Accounts,
    Facts,
    History,
    Positions,
    Shelf,
    Shown,
    layout,
)
from features.folding.fold_plan import Ask, Fold, Plan
from features.folding.measures import Rows
from features.folding.records import Floats
from features.progress import Progress, silent
from features.settings import Settings
from features.sources import Tables

MIB = 1 << 20


@contextmanager
def gathered(
    tables: Tables, asked: Declared, calendar: Calendar, progress: Progress = silent
) -> Iterator[History]:
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
    plans = asked.plans
    lay = layout(len(accounts), calendar, list(plans.values()))
    with Shelf(settings.facts_mib * MIB) as shelf:
        streams = {}
        for plan, reach, own in sought(tables, plans, calendar):
            progress(f"reading {plan.stream}")
            query = select.records(tables, plan, reach, own)
            streams[plan.stream] = Facts(plan, lay, shelf)
            with windows.computing(plan.stream):
                _read(tables.engine.batches(query, settings.cores), streams[plan.stream])
        texts = {name: select.categories(tables, item) for name, item in asked.categorical.items()}
        first = first_dates(asked, accounts, calendar, streams)
        yield History(accounts, lay, streams, first, texts, settings.cores)


def first_dates(
    asked: Declared, accounts: Accounts, calendar: Calendar, streams: dict[str, Facts]
) -> Positions:
    """The number of the first as-of date on which each account exists."""
    if accounts.since is None:
        return streams[asked.company.accounts.source].first
    return calendar.first_after(accounts.since)


def _accounts(tables: Tables) -> Accounts:
    tables.engine.keep(select.ACCOUNTS, select.accounts(tables))
    found = tables.engine.rows(
        f"SELECT account_id, segment, since FROM {quote(select.ACCOUNTS)} ORDER BY account"
    )
    return fact_history.accounts(found, derived=tables.company.accounts.derived)


def sought(
    tables: Tables, plans: dict[str, Plan], calendar: Calendar
) -> Iterator[tuple[Plan, str, str | None]]:
    """Each plan, the condition that all of its facts fulfil, and its stream's own SELECT.

    The latter where the stream is not a source.
    """
    own = {
        stream: query
        for name, target in tables.company.targets.items()
        if target.contractual
        for stream, query in labels.streams_of_subscriptions(tables, name)
    }
    for name, plan in plans.items():
        reach = clock.in_reach(plan.spans, calendar.as_of[0], calendar.as_of[-1])
        yield plan, reach, own.get(name)


def _read(batches: Iterator[pa.RecordBatch], facts: Facts) -> None:
    name = facts.plan.stream
    try:
        for batch in batches:
            facts.add(batch)
    except OSError as error:
        raise ChurnlightError(
            f"the facts of {name!r} cannot be put aside: {error}; make room in the folder for "
            "temporary files (TMPDIR), or let more facts stay in memory (CHURNLIGHT_FACTS_MIB)"
        ) from error


def table(asked: Declared, history: History, until: date, parts: range | None = None) -> pa.Table:
    """The rows of these parts of the accounts, by default of all; sorted by as_of, account_id."""
    shown = history.shown(parts)
    streams = _streams(asked.plans, shown)
    as_of = history.layout.calendar.days[shown.date]
    segments = history.accounts.segments
    codes = segments.indices.to_numpy()[shown.account]
    known = Rows(
        as_of.astype(float),
        _history_days(asked, history, shown, as_of, streams),
        shown.date * len(segments.dictionary) + codes,
    )
    columns: dict[str, pa.Array] = {
        "account_id": history.accounts.ids.take(pa.array(shown.account)),
        "as_of": pa.array(as_of, pa.date32()),
        "segment": segments.dictionary.take(pa.array(codes)),
        "history_days": pa.array(known.history_days.astype(np.int32)),
    }
    for column in asked.columns:
        values = asked.values(column, streams, known)
        columns[column.name] = _arrow(asked, history, column, values)
    for name in asked.company.targets:
        mature = _mature(asked, name, history.layout.calendar.as_of, until)[shown.date]
        columns |= _outcome(name, labels.outcome(asked.company, name, streams), mature)
    return pa.table(columns)


def pieces(
    asked: Declared, history: History, until: date, bytes_at_once: int
) -> Iterator[pa.Table]:
    """The rows of some accounts at a time, as `table`; of all, where accounts need each other."""
    width = 8 * (len(asked.columns) + sum(len(plan.folds) for plan in asked.plans.values()) + 8)
    ranges = [None] if asked.needs_all_accounts else history.ranges(bytes_at_once // width)
    for parts in ranges:
        yield table(asked, history, until, parts)


def _streams(plans: dict[str, Plan], shown: Shown) -> labels.Streams:
    def streams(name: str) -> Ask:
        def ask(fold: Fold) -> Floats:
            found: Floats = shown.folds[name][plans[name].slot(fold)]
            return found

        return ask

    return streams


def _history_days(
    asked: Declared,
    history: History,
    shown: Shown,
    as_of: npt.NDArray[np.int32],
    streams: labels.Streams,
) -> Floats:
    since = history.accounts.since
    if since is None:
        first: Floats = streams(asked.company.accounts.source)(FIRST_FACT)
        return np.subtract(as_of, first)
    days: Floats = np.subtract(as_of, since[shown.account], dtype=float)
    return days


def _arrow(asked: Declared, history: History, column: Column, values: Floats) -> pa.Array:
    if column.dtype == "category":
        texts = history.texts[column.indicator]
        return texts.take(_with_nulls(values).cast(pa.int32()))
    return pa.array(values) if asked.is_always_known(column) else _with_nulls(values)


def _with_nulls(values: Floats) -> pa.Array:
    """The numbers, as they lie in memory, with null for NaN."""
    known = ~np.isnan(values)
    valid = pa.py_buffer(np.packbits(known, bitorder="little"))
    return pa.Array.from_buffers(
        pa.float64(), len(values), [valid, pa.py_buffer(np.ascontiguousarray(values))]
    )


def _mature(
    asked: Declared, name: str, as_of: Sequence[date], until: date
) -> npt.NDArray[np.bool_]:
    target = asked.company.targets[name]
    return np.array([clock.is_mature(day, target, until) for day in as_of])


def _outcome(
    name: str, found: labels.Outcome, mature: npt.NDArray[np.bool_]
) -> dict[str, pa.Array]:
    counts = found.eligible & mature & ~found.left_out
    return {
        f"eligible__{name}": pa.array(found.eligible),
        f"label__{name}": pa.array(found.label.astype(np.int8), mask=~counts),
    }
