"""Whether yesterday's rows can be had today: rows from tables cut at the as-of date are the same.

The tables are cut as they stood on that morning: facts that were not known are taken out, and so
are accounts that were not there yet; ends of subscriptions that were not known are taken back. An
indicator that then says something else has read what was not known.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features import publish, snapshots, sources
from features.assembling import source_sql, subscriptions
from features.audit import outcome_grid
from features.declaring.company import Company
from features.declaring.mistakes import DECLARATION_FILE
from features.declaring.source import Source
from features.engines.sql_text import quote
from features.errors import Finding
from features.progress import Progress
from features.snapshots import Snapshots
from features.sources import Tables

MOST_DATES = 3
SLACK = 1e-9
SORTED_BY = ["as_of", "account_id"]


def breaches(tables: Tables, progress: Progress) -> Iterator[Finding]:
    """Columns whose rows change when the tables are cut at the as-of date."""
    days = dates_to_rebuild(tables)
    whole = outcome_grid.snapshots_if(tables, days)
    for day in days:
        progress(f"rebuilding {day} from the tables as they were then")
        with cut(tables, day) as then:
            yield from _differences(whole.at(day), snapshots.build_from(then, [day]), day)


def dates_to_rebuild(tables: Tables) -> list[date]:
    """The last mature month start of any target, and others evenly before it."""
    mature: set[date] = set()
    for name in tables.company.targets:
        mature |= set(snapshots.mature_month_starts(tables, name))
    months = sorted(mature) or [snapshots.data_until(tables)]
    chosen = np.linspace(0, len(months) - 1, MOST_DATES + 1)[1:].round().astype(int)
    return [months[number] for number in dict.fromkeys(chosen.tolist())]


@contextmanager
def cut(tables: Tables, as_of: date) -> Iterator[Tables]:
    """The tables as they stood on the morning of `as_of`, for the length of the block."""
    with tempfile.TemporaryDirectory(prefix="churnlight-") as spool:
        for name in tables.company.sources:
            table = tables.engine.rows(_standing(tables, name, as_of))
            publish.write_parquet(table, Path(spool) / f"{name}.parquet")
        with sources.open_tables(_company(tables.company, Path(spool), as_of)) as then:
            yield then


def _company(company: Company, folder: Path, as_of: date) -> Company:
    moved = {name: _as_kept(name, source) for name, source in company.sources.items()}
    about = company.about.model_copy(update={"data_until": as_of})
    return company.model_copy(update={"folder": folder, "sources": moved, "about": about})


def _as_kept(name: str, source: Source) -> Source:
    """The source as its copy lies: in its declared shape, and what was read as a time is one."""
    there: dict[str, object] = {"sql": None, "table": None, "columns": {}, "where": None}
    there |= {"currency": None, "date_order": None}
    there["path"] = f"{name}.parquet"
    for key in ("event_time", "known_time"):
        if declared := getattr(source, key):
            there[key] = declared.model_copy(update={"epoch": None})
    return source.model_copy(update=there)


def _standing(tables: Tables, source: str, as_of: date) -> str:
    """SELECT of the rows of a source that were known, without the ends that were not."""
    declared, kept = tables.company.sources[source], []
    moment = f"TIMESTAMP '{as_of} 00:00:00'"
    if declared.account is not None and declared.event_time is not None:
        kept.append(f"{source_sql.known_time(tables, source)} < {moment}")
    accounts = tables.company.accounts
    if source == accounts.source and accounts.attributes.since is not None:
        kept.append(f"CAST({quote(accounts.attributes.since)} AS DATE) < DATE '{as_of}'")
    where = f" WHERE {' AND '.join(kept)}" if kept else ""
    columns = {name: quote(name) for name in tables.columns[source]}
    columns |= _taken_back(tables, source, moment)
    return f"SELECT {', '.join(columns.values())} FROM {quote(source)}{where}"


def _taken_back(tables: Tables, source: str, moment: str) -> dict[str, str]:
    """The columns of a subscription's end, empty where the end was not known."""
    columns: dict[str, str] = {}
    for target in tables.company.targets.values():
        event = target.event
        if event is None or event.ended is None or event.source != source:
            continue
        is_known = f"{subscriptions.end_times(tables, event)['ended_known']} < {moment}"
        recorded = event.ended_known.column if event.ended_known else None
        for column in filter(None, (event.ended, recorded)):
            plain = quote(column)
            columns[column] = f"CASE WHEN {is_known} THEN {plain} END AS {plain}"
    return columns


def _differences(whole: Snapshots, then: Snapshots, day: date) -> Iterator[Finding]:
    today, before = (_known_rows(built, then.table) for built in (whole, then))
    for column in whole.columns:
        if rows_apart := _unequal(today[column.name], before[column.name]):
            key = f"indicators.{column.indicator}"
            detail = (
                f"{key} ({column.name}): {rows_apart:,} of {before.num_rows:,} accounts had "
                f"another value on {day} than the tables give today: it reads what was not "
                "known by then"
            )
            fix = f"remove from {key} what is filled in after the row was known"
            yield Finding(
                "not_known_then",
                "audit",
                "error",
                DECLARATION_FILE,
                column.name,
                rows_apart,
                detail,
                fix,
            )


def _known_rows(built: Snapshots, then: pa.Table) -> pa.Table:
    """The rows of the accounts that were there by then, in one order."""
    there = pc.is_in(built.table["account_id"], pc.unique(then["account_id"]))
    return built.table.filter(there).sort_by([(key, "ascending") for key in SORTED_BY])


def _unequal(one: pa.ChunkedArray, other: pa.ChunkedArray) -> int:
    both_null = pc.and_(pc.is_null(one), pc.is_null(other))
    if pa.types.is_floating(one.type):
        close = pc.less_equal(pc.abs(pc.subtract(one, other)), _allowed(one))
        same = pc.or_(pc.equal(one, other), close)
    else:
        same = pc.equal(one, other)
    equal = pc.or_(both_null, pc.fill_null(same, False))
    return len(one) - int(pc.sum(equal).as_py() or 0)


def _allowed(values: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.multiply(SLACK, pc.max_element_wise(pc.abs(values), 1.0))
