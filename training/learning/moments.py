"""When rows by renewal count: the day that settles each, and the moments that calibrate a model.

With a horizon of days all rows of an as-of date are settled on one day, and the latest date is the
moment that calibrates. By renewal every row has a day of its own, and the settled rows of a late
date are those whose decision was near: monthly contracts, and annual ones shortly before their
renewal. So a moment is a year of outcomes, whatever the as-of dates of its rows: it has every month
of renewals once, and every distance to the decision. What is left of a difference is weighted away:
a row counts so that term and days to the decision have the shares that they had among all rows that
were scored in the year before it was settled (direct standardisation), and all rows of a moment
together count for as many as there were decisions, since one decision settles a row of each date
before it.

All of it is known on the day that settles a row. What is not settled by the day of a model is left
out of it, whatever has happened already: those who left early wait for those who stay.
"""

from dataclasses import dataclass, fields
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from training.learning.split import Mask

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]
DayArray = npt.NDArray[np.datetime64]

YEAR = 365
# A date tests once all but so many of its rows are settled: a few contracts of three years would
# otherwise keep every date from being a test for three years.
LEFT_OPEN = 0.05
# A rare kind of row counts for at most so many of its own.
MOST_WEIGHT = 5.0

# The days of the longest term of each kind but the last.
LONGEST = (45, 120, 210, 400)
TERMS = ("monthly", "quarterly", "half-yearly", "yearly", "longer than a year")
# Days to the decision at which the next group begins.
GROUPS = (60, 120, 180, 270)
DISTANCES = (
    "0 to 59 days",
    "60 to 119 days",
    "120 to 179 days",
    "180 to 269 days",
    "270 days or more",
)


@dataclass(frozen=True)
class RowTimes:
    """When rows by renewal count, as arrays of shape (rows,).

    `settles` is the day on whose morning a row's label is known for good, `whole` that on which
    its as-of date may test; `moment` the last day of the year of outcomes that it calibrates in,
    and `counts` for how many decisions it counts there; a year that the history does not cover
    counts for none, unless it is the last.
    """

    settles: DayArray
    whole: DayArray
    moment: DayArray
    counts: Floats

    def where(self, mask: Mask) -> "RowTimes":
        """Those of the rows under a mask."""
        return RowTimes(*(getattr(self, field.name)[mask] for field in fields(self)))


def with_shares(table: pa.Table, target: str) -> pa.Table:
    """Rows that are scored, settled or not, with the day `whole__` and the share `mix__` of each.

    `whole__TARGET` is the day from which on the row's as-of date may test, `mix__TARGET` the share
    of its kind (term and days to the decision) among the rows scored in the year before it was
    settled. Rows that have them keep them, as parts of a table do.
    """
    if f"mix__{target}" in table.column_names:
        return table
    as_of, settles = _days(table, "as_of"), _days(table, f"settles__{target}")
    kind = np.unique(_kinds(table, target), return_inverse=True)[1]
    whole = np.empty_like(settles)
    for day in np.unique(as_of):
        rows = as_of == day
        whole[rows] = np.quantile(settles[rows].view(np.int64), 1 - LEFT_OPEN, method="higher")
    own = np.zeros(len(as_of))
    for code in np.unique(kind):
        rows = kind == code
        own[rows] = _in_the_year_before(settles[rows], as_of[rows])
    mix = own / np.maximum(_in_the_year_before(settles, as_of), 1)
    return table.append_column(f"whole__{target}", pa.array(whole, pa.date32())).append_column(
        f"mix__{target}", pa.array(mix)
    )


def of(table: pa.Table, target: str) -> RowTimes:
    """The times of labelled rows that have their shares (`with_shares`).

    The last moment is the year until the last of them was settled.
    """
    settles = _days(table, f"settles__{target}")
    latest = settles.max()
    moment = latest - (latest - settles) // np.timedelta64(YEAR, "D") * np.timedelta64(YEAR, "D")
    kind, decision = _kinds(table, target), _decisions(table, target)
    mix, counts = table[f"mix__{target}"].to_numpy(), np.ones(len(settles))
    # A year that began before the first rows could be settled has the near decisions alone.
    as_of = _days(table, "as_of")
    full = as_of.min() + (settles - as_of).max() + np.timedelta64(YEAR, "D")
    for day in np.unique(moment):
        rows = moment == day
        counts[rows] = _counts(kind[rows], mix[rows], decision[rows])
        counts[rows] *= day >= full or day == latest
    return RowTimes(settles, _days(table, f"whole__{target}"), moment, counts)


def of_the_latest(table: pa.Table, target: str) -> pa.Table:
    """The rows of the last moment."""
    moment = of(table, target).moment
    return table.filter(pa.array(moment == moment.max()))


def settled_by(table: pa.Table, target: str, day: date) -> pa.Table:
    """The rows whose label was known for good on the morning of `day`."""
    return table.filter(pc.less_equal(table[f"settles__{target}"], pa.scalar(day, pa.date32())))


def as_known_on(table: pa.Table, target: str, day: date) -> pa.Table:
    """The rows without the labels that were not known for good on the morning of `day`."""
    settled = pc.less_equal(table[f"settles__{target}"], pa.scalar(day, pa.date32()))
    name = f"label__{target}"
    labels = pc.if_else(pc.fill_null(settled, False), table[name], pa.scalar(None, pa.int8()))
    return table.set_column(table.column_names.index(name), name, labels)


def whole_dates(table: pa.Table, target: str, day: date) -> list[date]:
    """The as-of dates that may test by `day`, in order."""
    there = pc.less_equal(table[f"whole__{target}"], pa.scalar(day, pa.date32()))
    return sorted(pc.unique(table.filter(there)["as_of"]).to_pylist())


def terms(table: pa.Table, target: str) -> list[str]:
    """What the term of each row is called."""
    return [TERMS[code] for code in _term_codes(table, target)]


def distances(table: pa.Table, target: str) -> list[str]:
    """The group of days to the decision of each row."""
    return [DISTANCES[code] for code in _distance_codes(table, target)]


def _counts(kind: Codes, mix: Floats, decision: Codes) -> Floats:
    """For how many decisions each row of a moment counts."""
    _, place, size = np.unique(kind, return_inverse=True, return_counts=True)
    wanted = np.bincount(place, mix) / size
    weight = np.minimum(wanted / (size / len(kind)), MOST_WEIGHT)[place]
    if not weight.any():
        weight = np.ones(len(kind))
    counts: Floats = weight * (len(np.unique(decision)) / weight.sum())
    return counts


def _in_the_year_before(days: DayArray, as_of: DayArray) -> Codes:
    """How many of the as-of dates lie in the year up to each day."""
    ordered = np.sort(as_of)
    before = np.searchsorted(ordered, days - np.timedelta64(YEAR, "D"), "right")
    return np.asarray(np.searchsorted(ordered, days, "right") - before)


def _kinds(table: pa.Table, target: str) -> Codes:
    """The kind of each row, by its term and its days to the decision."""
    return _term_codes(table, target) * (len(GROUPS) + 1) + _distance_codes(table, target)


def _term_codes(table: pa.Table, target: str) -> Codes:
    return np.asarray(np.searchsorted(LONGEST, table[f"term__{target}"].to_numpy(), "left"))


def _distance_codes(table: pa.Table, target: str) -> Codes:
    ahead = _days(table, f"decision__{target}") - _days(table, "as_of")
    return np.asarray(np.searchsorted(GROUPS, ahead.astype(np.int64), "right"))


def _decisions(table: pa.Table, target: str) -> Codes:
    """The number of each row's decision: an account's on a day."""
    account = pc.dictionary_encode(table["account_id"]).combine_chunks().indices.to_numpy()
    day = _days(table, f"decision__{target}").astype(np.int64)
    return np.unique(account.astype(np.int64) << 32 | day, return_inverse=True)[1]


def _days(table: pa.Table, column: str) -> DayArray:
    days: DayArray = table[column].to_numpy().astype("datetime64[D]")
    return days
