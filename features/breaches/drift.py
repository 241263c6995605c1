"""Sources whose measures of accounts have shifted since an earlier as-of date.

The population stability index sums (q − p) · ln(q / p) over bins of the earlier date; above 0.25 it
is a major shift (Siddiqi 2006). Without any shift it is distributed as χ² · (1/n + 1/m) (Yurdakul
2018), so that much more is allowed for the accounts being a sample.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc
from scipy.special import chdtri

from features import snapshots
from features.assembling import source_sql
from features.assembling.feature_plan import FeatureColumn
from features.breaches.rounds import Round
from features.errors import Finding
from features.evidence.significance import FAMILY
from features.plurals import counted
from features.snapshots import Snapshots
from features.sources import Tables

ROUND = Round.COMPUTABLE

MAJOR = 0.25
# How many days back the earlier date is: a year to the same weekday, else what history allows.
BACK = (364, 182, 91)
FEWEST = 30
MOST_SHOWN = 3
HALF = 0.5

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Shift:
    """How far a column has moved since a date, and what it may by chance."""

    column: str
    since: date
    index: float
    allowed: float


def breaches(tables: Tables) -> Iterator[Finding]:
    """Per source, the indicator columns that shifted most between two as-of dates."""
    until = snapshots.data_until(tables)
    days = [until - timedelta(days=back) for back in BACK]
    company = tables.company
    if not company.staged("live", "shadow"):
        return
    built = snapshots.build_from(tables, [until, *days])
    by_source: dict[str, list[Shift]] = {}
    for column in built.columns:
        since = _earlier(tables, column, days)
        if since is not None and (
            shift := _shift(built, column, _reach(tables, column), (since, until))
        ):
            source = company.indicators[column.indicator].source
            by_source.setdefault(source, []).append(shift)
    for source, shifts in by_source.items():
        yield _finding(tables, source, sorted(shifts, key=lambda shift: -shift.index))


def _earlier(tables: Tables, column: FeatureColumn, days: list[date]) -> date | None:
    """The first of `days` on which the column's whole window lay in the history of its source."""
    if column.window is None or column.dtype == "category":
        return None
    shift, reach = tables.company.indicators[column.indicator], timedelta(_reach(tables, column))
    start = source_sql.first_day(tables, shift.source)
    first = max(start or date.max, snapshots.data_from(tables))
    return next((day for day in days if day - reach >= first), None)


def _reach(tables: Tables, column: FeatureColumn) -> int:
    """The days that a column looks back."""
    return (column.window or 0) + (tables.company.indicators[column.indicator].earlier or 0)


def _shift(
    built: Snapshots, column: FeatureColumn, reach: int, days: tuple[date, date]
) -> Shift | None:
    since = days[0]
    before, after = (_values(built, column, reach, day) for day in days)
    if min(len(before), len(after)) < FEWEST:
        return None
    index, bins = stability_index(before, after)
    allowed = MAJOR + by_chance(bins, before, after, FAMILY / len(built.columns))
    return Shift(column.name, since, index, allowed) if index > allowed else None


def _values(built: Snapshots, column: FeatureColumn, reach: int, day: date) -> Floats:
    """The values of the accounts in question, with so long a history, NaN where unknown."""
    table = built.at(day).table
    flags = [name for name in table.column_names if name.startswith("eligible__")]
    either = table[flags[0]]
    for name in flags[1:]:
        either = pc.or_(either, table[name])
    old = pc.greater_equal(table["history_days"], reach)
    values: Floats = table.filter(pc.and_(either, old))[column.name].to_numpy().astype(np.float64)
    return values


def stability_index(before: Floats, after: Floats) -> tuple[float, int]:
    """The population stability index, and over how many bins: deciles, and one for unknown.

    Half an account is added to every bin, so that an empty one is no infinite shift.
    """
    known_before = before[~np.isnan(before)]
    edges = (
        np.unique(np.quantile(known_before, np.linspace(0, 1, 11)[1:-1]))
        if len(known_before)
        else np.empty(0)
    )
    counts = [
        np.append(
            np.bincount(
                np.searchsorted(edges, values[~np.isnan(values)]), minlength=len(edges) + 1
            ),
            np.isnan(values).sum(),
        )
        for values in (before, after)
    ]
    used = (counts[0] + counts[1]) > 0
    p, q = ((count[used] + HALF) / (count[used] + HALF).sum() for count in counts)
    return float(((q - p) * np.log(q / p)).sum()), int(used.sum())


def by_chance(bins: int, before: Floats, after: Floats, chance: float) -> float:
    """The stability index that samples without any shift exceed with that chance."""
    return float(chdtri(bins - 1, chance)) * (1 / len(before) + 1 / len(after))


def _finding(tables: Tables, source: str, shifts: list[Shift]) -> Finding:
    shown = ", ".join(f"{shift.column} {shift.index:.2f}" for shift in shifts[:MOST_SHOWN])
    first = shifts[0]
    detail = (
        f"{tables.location(source)}: {counted(len(shifts), 'column')} shifted since {first.since} "
        f"(stability index {shown}; limit {first.allowed:.2f}): a model trained on earlier dates "
        "may no longer be accurate"
    )
    fix = "check whether the source or the customers changed, then train on later as-of dates"
    return Finding("drift", "features", "warning", source, first.column, None, detail, fix)
