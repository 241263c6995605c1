"""Snapshots: what was known of every account on the morning of each as-of date.

`build` is the one function that training and serving get their rows from; whatever computes
them stands behind it.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from features import clock, publish
from features.assembling import panel, reach, source_sql, unchanged
from features.assembling.feature_plan import FeatureColumn, FeaturePlan, plan_features
from features.clock import Calendar
from features.declaring.company import Company
from features.declaring.vocabulary import NEXT_RENEWAL
from features.errors import DeclarationError, NotFound
from features.progress import Progress, silent
from features.sources import Tables
from features.structure import soundness


@dataclass(frozen=True)
class Snapshots:
    """Point-in-time rows, one per account and as-of date, sorted by as_of and account_id.

    `table` has account_id (string), as_of (date32), segment (string), history_days (int32), the
    feature `columns` (float64, categories string) and, per target T, `eligible__T` (bool) and
    `label__T` (int8: 1 happened, 0 did not, null immature, not eligible or left out).
    """

    table: pa.Table
    columns: tuple[FeatureColumn, ...]
    data_until: date

    @property
    def digest(self) -> str:
        """SHA-256 of the rows, the same for the same content."""
        return digest(self.table)

    def at(self, as_of: date) -> "Snapshots":
        """The rows of one as-of date."""
        return self.on([as_of])

    def on(self, as_of: Sequence[date]) -> "Snapshots":
        """The rows of those of the as-of dates that are there."""
        wanted = pc.is_in(self.table["as_of"], pa.array(as_of, pa.date32()))
        return Snapshots(self.table.filter(wanted), self.columns, self.data_until)


def digest(table: pa.Table) -> str:
    """SHA-256 over the column names and values of `table`, in order."""
    hashed = hashlib.sha256()
    for name in table.column_names:
        column = table[name].combine_chunks()
        hashed.update(f"{name}:{column.type}:{len(column)}\n".encode())
        if pa.types.is_string(column.type):
            hashed.update("\0".join(f"{value!r}" for value in column.to_pylist()).encode())
        else:
            hashed.update(pc.is_valid(column).to_numpy(zero_copy_only=False).tobytes())
            hashed.update(_numbers(column).to_numpy(zero_copy_only=False).tobytes())
    return hashed.hexdigest()


def _numbers(column: pa.Array) -> pa.Array:
    if pa.types.is_date(column.type):
        column = column.cast(pa.int32())
    elif pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    return pc.fill_null(column, 0)


def build(company: Company, as_of: Sequence[date], *, progress: Progress = silent) -> Snapshots:
    """The rows of every account that existed on each of the as-of dates.

    Parameters
    ----------
    company : Company
    as_of : sequence of date
        The mornings (00:00 UTC) to look from; order and repetition do not matter.
    progress : callable
        Told each step's name as it begins.

    Raises
    ------
    ContractBroken
        The tables cannot be read as declared; it carries every structural error.
    """
    with soundness.sound_tables(company) as tables:
        return build_from(tables, as_of, progress=progress)


def build_from(tables: Tables, as_of: Sequence[date], *, progress: Progress = silent) -> Snapshots:
    """As `build`, from tables that are open already."""
    feature_plan, until = plan_features(tables), data_until(tables)
    # Without a date to look from there are no rows, but columns all the same.
    calendar = clock.Calendar(as_of or [until])
    table = _rows(tables, feature_plan, calendar, until, progress)
    return Snapshots(table if as_of else table.slice(0, 0), feature_plan.columns, until)


def build_unchanged(
    tables: Tables, as_of: date, since: Sequence[date], *, progress: Progress = silent
) -> dict[date, pa.Table]:
    """The rows of `as_of` as they would be, had nothing happened since each of the earlier dates.

    A fact counts only if it was known before the morning of the earlier date. The rows have no
    labels, and beside the columns of `build` the ages that `unchanged.last_facts` reads.
    """
    company = unchanged.asked(tables.company, (as_of - min(since)).days)
    asked = replace(tables, company=company)
    calendar = clock.Calendar.unchanged(as_of, since)
    table = _rows(asked, plan_features(asked), calendar, as_of, progress)
    return {day: table.filter(pc.equal(table["as_of"], day)) for day in calendar.names}


def _rows(
    tables: Tables, feature_plan: FeaturePlan, calendar: Calendar, until: date, progress: Progress
) -> pa.Table:
    if tables.engine.distributes:
        _require_horizons_of_days(tables.company)
        return _read_back(tables, feature_plan, calendar, until, progress)
    with panel.gather_facts(tables, feature_plan, calendar, progress) as history:
        progress("computing the indicators")
        return panel.build_rows(feature_plan, history, until)


def _require_horizons_of_days(company: Company) -> None:
    """Raises DeclarationError where a cluster would have to follow chains of terms."""
    if by_renewal := [name for name, target in company.targets.items() if target.by_renewal]:
        raise DeclarationError(
            f"targets.{by_renewal[0]}.horizon: {NEXT_RENEWAL!r} is not computed on a cluster; "
            'write company.engine = "duckdb", or a horizon in days'
        )


def stream_from(
    tables: Tables,
    as_of: Sequence[date],
    *,
    bytes_at_once: int = 256 << 20,
    progress: Progress = silent,
) -> Iterator[pa.Table]:
    """The rows that `build_from` has, as a stream of tables of about so many bytes.

    Each holds all rows of some neighbouring accounts, sorted by as_of and account_id: for those
    who take rows in and need not hold them all. A cluster's rows, and those of accounts that are
    ranked among each other, come as one table.
    """
    feature_plan, until = plan_features(tables), data_until(tables)
    if tables.engine.distributes:
        yield build_from(tables, as_of, progress=progress).table
        return
    with panel.gather_facts(tables, feature_plan, clock.Calendar(as_of), progress) as history:
        progress("computing the indicators")
        yield from panel.row_blocks(feature_plan, history, until, bytes_at_once)


def _read_back(
    tables: Tables, feature_plan: FeaturePlan, calendar: Calendar, until: date, progress: Progress
) -> pa.Table:
    """The rows that a cluster wrote, in the memory of this machine."""
    from features.assembling.distribution import Distribution

    distribution = Distribution(tables, feature_plan, calendar, until)
    with distribution.written(progress) as files:
        pieces = [
            publish.read_parquet(files[day]).cast(distribution.schema) for day in sorted(files)
        ]
    return pa.concat_tables([distribution.schema.empty_table(), *pieces])


def data_until(tables: Tables) -> date:
    """The day up to which the tables are complete: declared, else `reach.complete_until`."""
    return tables.company.about.data_until or reach.complete_until(tables)


def requested_dates(tables: Tables, as_of: Sequence[date]) -> list[date]:
    """The as-of dates to look from: those given, by default `data_until`.

    Raises
    ------
    NotFound
        One is later than the data.
    """
    until = data_until(tables)
    if late := [day for day in as_of if day > until]:
        raise NotFound(
            f"--as-of {late[0]}: the tables are complete up to {until} (data_until); "
            "take that day or an earlier one"
        )
    return list(as_of) or [until]


def data_from(tables: Tables) -> date:
    """The day from which on the tables are complete: declared, else when the last source begins.

    The sources are those of live indicators: a date before one of them begins would teach that
    accounts which are still here did nothing.
    """
    company = tables.company
    if company.about.data_from is not None:
        return company.about.data_from
    used = {
        indicator.source for indicator in (company.staged("live") or company.indicators).values()
    }
    return max(day for name in used if (day := source_sql.first_day(tables, name)) is not None)


def mature_month_starts(tables: Tables, target: str) -> list[date]:
    """The month starts with `min_history` in the data before them and a label window after."""
    company = tables.company
    until, declared = data_until(tables), company.targets[target]
    first = data_from(tables) + timedelta(days=company.bands.min_history)
    return [
        day for day in clock.month_starts(first, until) if clock.is_mature(day, declared, until)
    ]
