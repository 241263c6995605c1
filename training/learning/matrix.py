"""Snapshot columns as the float matrix that LightGBM sees; categories become codes.

A category that training has not seen, like an unknown value, is NaN: LightGBM's missing.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from features.errors import ContractBroken, Finding


@dataclass(frozen=True)
class Feature:
    """One column of the matrix: what it measures, and the usual value in training.

    `window` is in days, `None` for the whole history; `categories` are in order of their codes;
    `usual` is the median (for categories the mode) over the accounts that calibrated the model.
    """

    name: str
    indicator: str
    window: int | None
    dtype: Literal["number", "category"]
    categories: tuple[str, ...] = ()
    usual: float | str | None = None

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


def matrix(table: pa.Table, features: Sequence[Feature]) -> npt.NDArray[np.float64]:
    """The rows of `table` as float64 (rows × features), NaN where unknown.

    Raises
    ------
    ContractBroken
        The table lacks columns that the model needs, or has them in another type.
    """
    require_columns(table, features)
    X = np.empty((table.num_rows, len(features)))
    for number, feature in enumerate(features):
        X[:, number] = _column(table[feature.name], feature)
    return X


def _column(column: pa.ChunkedArray, feature: Feature) -> npt.NDArray[np.float64]:
    if feature.dtype == "category":
        codes = pc.index_in(column, pa.array(feature.categories, pa.string()))
        column = pc.if_else(pc.is_null(column), None, codes)
    return column.cast(pa.float64()).to_numpy(zero_copy_only=False)  # type: ignore[no-any-return]


def indicator_names(features: Sequence[Feature]) -> list[str]:
    """The indicators of the features, in their order."""
    return list(dict.fromkeys(feature.indicator for feature in features))


def known_share(X: npt.NDArray[np.float64], features: Sequence[Feature]) -> npt.NDArray[np.float64]:
    """The share (rows,) of the live indicators that are known, in any of their windows."""
    names = indicator_names(features)
    is_known = np.zeros((len(X), len(names)), dtype=bool)
    for column, feature in enumerate(features):
        is_known[:, names.index(feature.indicator)] |= ~np.isnan(X[:, column])
    share: npt.NDArray[np.float64] = is_known.mean(axis=1)
    return share


def require_columns(table: pa.Table, features: Sequence[Feature]) -> None:
    """Raises ContractBroken with every difference between `table` and what the model needs."""
    differences = [
        difference for feature in features if (difference := _difference(table, feature))
    ]
    if differences:
        raise ContractBroken(differences)


def _difference(table: pa.Table, feature: Feature) -> Finding | None:
    if feature.name not in table.column_names:
        detail, fix = "the column is missing", "build the rows from the model's declaration"
    elif pa.types.is_string(table.schema.field(feature.name).type) != (feature.dtype == "category"):
        detail = f"the model needs a {feature.dtype}, got {table.schema.field(feature.name).type}"
        fix = "train again, or fix the source's column"
    else:
        return None
    return Finding("same columns", "score", "error", "features", feature.name, None, detail, fix)
