"""Why an indicator's value is another one than it was: something happened, or time passed alone.

The new date's rows are measured once more as they would be, had nothing become known since the old
date (`features.assembling.unchanged`). Where that gives the new value itself, nothing that
happened moved the indicator:

- *calendar*: it moves by the date alone, as days to the renewal or the age of an account do;
- *windows*: old facts left their window, or grew older, and no new ones came.

What a new contract does to the days of its term is calendar too: it moves back by a date what the
dates had moved. All else is *behaviour*, but for *data*: what came to be known or ceased to be,
where silence means that nothing is known, and a count that grew without a new fact, which was
corrected.

A count or sum that fell although new facts came is told by its pace. Both windows share most of
their days; had these days' pace gone on, the window would hold `still * W / (W - d)` after d days.
Where more than half of the fall lies above that, more than the pace has left the window, as after a
burst: that is *windows*. Where it lies below, less came in than before: that is *behaviour*.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from features.declaring.company import Company
from training.learning.matrix import Feature
from training.movement.change import CHANGE_PARTS

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int64]

BEHAVIOUR, CALENDAR, WINDOWS, DATA = range(len(CHANGE_PARTS))
BY_DATE = ("days_until", "days_since_first")
CONTRACT = (*BY_DATE, "days_since")
# Measures that a fact can only raise: they never grow by facts that leave.
COUNTS = ("count", "distinct")
SUMS = ("count", "sum")


@dataclass(frozen=True)
class Nature:
    """How time alone moves an indicator.

    `by_date`: it measures the distance to a day that comes or went; `is_contract`: it is such a
    distance and context, so that only dates move it; `rises_by_facts`: it grows only by
    new facts; `adds_up`: it is the sum of what lies in its window; `silence_is_unknown`: without a
    row of its source nothing is known.
    """

    by_date: bool = False
    is_contract: bool = False
    rises_by_facts: bool = False
    adds_up: bool = False
    silence_is_unknown: bool = False


def natures(company: Company) -> dict[str, Nature]:
    """The nature of each indicator of the declaration."""
    return {
        name: Nature(
            by_date=indicator.measure in BY_DATE,
            is_contract=indicator.kind == "context" and indicator.measure in CONTRACT,
            rises_by_facts=indicator.measure in COUNTS,
            adds_up=indicator.measure in SUMS,
            silence_is_unknown=company.sources[indicator.source].absent == "missing",
        )
        for name, indicator in company.indicators.items()
    }


@dataclass(frozen=True)
class Unchanged:
    """The rows of the new date as they would be, had nothing happened since the old one.

    `ages` are the days since the last fact of each indicator, one per row, NaN where there is none.
    """

    since: date
    as_of: date
    rows: pa.Table
    natures: Mapping[str, Nature]
    ages: Mapping[str, Floats]

    @property
    def days(self) -> int:
        """The days between the two dates."""
        return (self.as_of - self.since).days

    def last_fact(self, name: str, row: int) -> date | None:
        """The day of an indicator's last fact that was known on the old date, if there is any."""
        age = self.ages[name][row] if name in self.ages else np.nan
        return None if np.isnan(age) else self.as_of - timedelta(days=int(age))


@dataclass(frozen=True)
class Values:
    """The model's matrix (rows × features) on the old date, on the new one, and `Unchanged`.

    `shown` is the feature whose change is shown (rows × indicators).
    """

    old: Floats
    new: Floats
    still: Floats
    features: Sequence[Feature]
    shown: Places


def parts(
    values: Values, names: Sequence[str], columns_of: Sequence[Places], unchanged: Unchanged | None
) -> Places:
    """The part of the movement that each indicator's change belongs to (rows × indicators).

    A place in `change.CHANGE_PARTS`; without `unchanged` that of behaviour or data.
    """
    found = np.empty(values.shown.shape, np.int64)
    for number, name in enumerate(names):
        mine = _Indicator(values, columns_of[number], values.shown[:, number])
        found[:, number] = np.where(mine.was_known == mine.is_known, BEHAVIOUR, DATA)
        if unchanged is not None:
            nature = unchanged.natures.get(name, Nature())
            found[:, number] = _by_time(found[:, number], mine, nature, unchanged.days)
    return found


def _by_time(part: Places, mine: "_Indicator", nature: Nature, days: int) -> Places:
    """The part of an indicator's change, with what time alone did to it."""
    quiet, stayed = mine.is_quiet, mine.was_known & mine.is_known
    if nature.by_date or nature.is_contract:
        return np.where(quiet | (nature.is_contract & stayed), CALENDAR, part)
    aged = quiet & (mine.was_known if not nature.silence_is_unknown else stayed)
    part = np.where(aged, WINDOWS, part)
    if nature.rises_by_facts:
        part = np.where(quiet & stayed & mine.rose, DATA, part)
    if nature.adds_up:
        part = np.where((part == BEHAVIOUR) & mine.lost_more_than_its_pace(days), WINDOWS, part)
    return part


class _Indicator:
    """One indicator's values in all rows: in each of its columns, and in the one that is shown."""

    def __init__(self, values: Values, columns: Places, shown: Places) -> None:
        old, new, still = (X[:, columns] for X in (values.old, values.new, values.still))
        self.was_known: Flags = np.any(~np.isnan(old), axis=1)
        self.is_known: Flags = np.any(~np.isnan(new), axis=1)
        self.is_quiet: Flags = np.all(equal(still, new), axis=1)
        rows = np.arange(len(shown))
        self._old, self._new, self._still = (
            X[rows, shown] for X in (values.old, values.new, values.still)
        )
        self._window = np.array([item.window or np.inf for item in values.features])[shown]

    @property
    def rose(self) -> Flags:
        """Whether the value that is shown is larger than it was."""
        return np.asarray(self._new > self._old)

    def lost_more_than_its_pace(self, days: int) -> Flags:
        """Whether most of a sum's fall lies above the pace of the days that both windows share."""
        shared = np.maximum(1 - days / self._window, 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            pace = np.clip(self._still / shared, self._new, self._old)
        fell = (self._new < self._old) & (self._still >= 0) & (shared > 0)
        return np.asarray(fell & (self._old - pace > pace - self._new))


def equal(one: Floats, other: Floats) -> Flags:
    """Whether values are the same, unknown ones included."""
    return np.asarray((one == other) | (np.isnan(one) & np.isnan(other)))
