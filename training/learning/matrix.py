"""Snapshot columns as the float matrix that LightGBM sees; categories become codes.

A category that training has not seen, like an unknown value, is NaN: LightGBM's missing. Paces
are made here, from the windows that they compare, and so are the columns that a segment has of its
own: no table has columns of them.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from features.declaring.indicator import column_name
from features.errors import ContractBroken, Finding

Floats = npt.NDArray[np.float64]

HISTORY, SEGMENT = "history_days", "segment"
# What a column of one segment's own holds in the rows of others.
OUTSIDE = 0.0
# What is added to both sides of the ratio, so that an empty window has a logarithm.
ADDED = 0.25


@dataclass(frozen=True)
class Feature:
    """One column of the matrix: what it measures, and the usual value in training.

    `window` is in days, `None` for the whole history; `categories` are in order of their codes;
    `usual` is the median (for categories the mode) over the accounts that calibrated the model.
    `against` is the longer window of a pace: how `window` compares with it, day for day. `usual_in`
    has the usual value of each segment, where there are several. `within` is the segment in which
    alone it counts: there it says how far the value is from `usual`, elsewhere nothing.
    """

    name: str
    indicator: str
    window: int | None
    dtype: Literal["number", "category"]
    categories: tuple[str, ...] = ()
    usual: float | str | None = None
    against: int | None = None
    usual_in: tuple[tuple[str, float | str], ...] = ()
    within: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The table's columns that it is made of: its own, or the two that a pace compares."""
        if self.against is not None:
            return tuple(column_name(self.indicator, days) for days in (self.window, self.against))
        return (self.name if self.within is None else column_name(self.indicator, self.window),)

    @property
    def is_made(self) -> bool:
        """Whether it is made of columns, and is none itself."""
        return self.against is not None or self.within is not None

    def value(self, coded: float) -> float | str | None:
        """The value behind a cell of the matrix: a number, a category's name, or None."""
        if np.isnan(coded):
            return None
        return self.categories[int(coded)] if self.dtype == "category" else float(coded)

    @property
    def usual_coded(self) -> float:
        """The usual value as a cell of the matrix, NaN where there is none."""
        if self.usual is None:
            return np.nan
        if isinstance(self.usual, str):
            return float(self.categories.index(self.usual))
        return self.usual


def plain_names(features: Sequence[Feature]) -> list[str]:
    """The features' names as LightGBM can hold them: their own, or numbered ones for all."""
    names = [feature.name for feature in features]
    if all(re.fullmatch(r"\w+", name, re.ASCII) for name in names):
        return names
    return [f"column_{number}" for number in range(len(names))]


def tabular(features: Sequence[Feature]) -> list[Feature]:
    """The features that are columns of a table, which paces and a segment's own are not."""
    return [feature for feature in features if not feature.is_made]


def uses_history(features: Sequence[Feature]) -> bool:
    """Whether the days of history of a row decide some of its values."""
    return any(feature.against is not None for feature in features)


def uses_segments(features: Sequence[Feature]) -> bool:
    """Whether the segment of a row decides some of its values."""
    return any(feature.within is not None for feature in features)


def matrix(table: pa.Table, features: Sequence[Feature]) -> Floats:
    """The rows of `table` as float64 (rows × features), NaN where unknown.

    Where the table says how many days of history a row has (`history_days`), a pace compares with
    no more days than those.

    Raises
    ------
    ContractBroken
        The table lacks columns that the model needs, or has them in another type.
    """
    require_columns(table, features)
    X = np.empty((table.num_rows, len(features)))
    for number, feature in enumerate(features):
        X[:, number] = _values(table, feature)
    return X


def _values(table: pa.Table, feature: Feature) -> Floats:
    values = _of_all(table, feature)
    if feature.within is None:
        return values
    inside = pc.fill_null(pc.equal(table[SEGMENT], feature.within), False)
    is_inside = inside.to_numpy().astype(np.bool_)
    assert isinstance(feature.usual, float)
    return np.where(is_inside | np.isnan(values), _from_usual(values, feature.usual), OUTSIDE)


def _from_usual(values: Floats, usual: float) -> Floats:
    """How far values are from the usual one: 0 where they are equal, and always rising.

    Its signed log1p, by which the scorecard is linear, is the difference of theirs: a segment's own
    slope then turns about what is usual there, and leaves the level to all.
    """
    bent, centre = (np.sign(one) * np.log1p(np.abs(one)) for one in (values, np.float64(usual)))
    return np.asarray(np.sign(bent - centre) * np.expm1(np.abs(bent - centre)))


def _of_all(table: pa.Table, feature: Feature) -> Floats:
    """The values whatever the segments of the rows are."""
    if feature.against is None or feature.window is None:
        return _column(table[feature.columns[0]], feature)
    shorter, longer = (_column(table[name], feature) for name in feature.columns)
    reach: float | Floats = feature.against
    if HISTORY in table.column_names:
        reach = reached(feature, table[HISTORY].to_numpy())
    return pace(shorter, longer, reach / feature.window)


def reached(feature: Feature, history: npt.ArrayLike) -> Floats:
    """The days that the longer window of a pace holds, of accounts with so much `history` (days).

    Counted as longer than the account is old, it would make a riser of every new account.
    """
    return np.clip(np.asarray(history, dtype=np.float64), feature.window, feature.against)


def pace(shorter: Floats, longer: Floats, times: float | Floats) -> Floats:
    """How the shorter of two windows compares with one `times` as long, day for day.

    The logarithm of their ratio per day, bounded where the shorter window is empty: 0 where all is
    as ever, and where the longer window is empty. Multiplying both windows changes nothing, so a
    pace takes no part in what the level of an indicator says.

    Examples
    --------
    >>> pace(np.array([3.0, 0.0, 9.0, 0.0]), np.array([9.0, 9.0, 9.0, 0.0]), 3).round(2).tolist()
    [0.0, -1.61, 0.96, 0.0]
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        ratio = np.where(longer > 0, np.clip(times * shorter / longer, 0, times), 1.0)
    ratio[np.isnan(shorter) | np.isnan(longer)] = np.nan
    return np.asarray(np.log((ratio + ADDED) / (1 + ADDED)))


def _column(column: pa.ChunkedArray, feature: Feature) -> Floats:
    if feature.dtype == "category":
        codes = pc.index_in(column, pa.array(feature.categories, pa.string()))
        column = pc.if_else(pc.is_null(column), None, codes)
    return column.cast(pa.float64()).to_numpy(zero_copy_only=False)  # type: ignore[no-any-return]


def indicator_names(features: Sequence[Feature]) -> list[str]:
    """The indicators of the features, in their order."""
    return list(dict.fromkeys(feature.indicator for feature in features))


def known_share(X: Floats, features: Sequence[Feature]) -> Floats:
    """The share (rows,) of the live indicators that are known, in any of their windows."""
    names = indicator_names(features)
    is_known = np.zeros((len(X), len(names)), dtype=bool)
    for column, feature in enumerate(features):
        is_known[:, names.index(feature.indicator)] |= ~np.isnan(X[:, column])
    share: Floats = is_known.mean(axis=1)
    return share


def require_columns(table: pa.Table, features: Sequence[Feature]) -> None:
    """Raises ContractBroken with every difference between `table` and what the model needs."""
    needed = {name: feature for feature in features for name in feature.columns}
    differences = [
        difference
        for name, feature in needed.items()
        if (difference := _difference(table, name, feature))
    ]
    if uses_segments(features) and SEGMENT not in table.column_names:
        detail, fix = "the column is missing", "say which segment each row belongs to"
        finding = Finding("same columns", "score", "error", "features", SEGMENT, None, detail, fix)
        differences.append(finding)
    if differences:
        raise ContractBroken(differences)


def _difference(table: pa.Table, name: str, feature: Feature) -> Finding | None:
    if name not in table.column_names:
        detail, fix = "the column is missing", "build the rows from the model's declaration"
    elif pa.types.is_string(table.schema.field(name).type) != (feature.dtype == "category"):
        detail = f"the model needs a {feature.dtype}, got {table.schema.field(name).type}"
        fix = "train again, or fix the source's column"
    else:
        return None
    return Finding("same columns", "score", "error", "features", name, None, detail, fix)
