"""A table of any kind as blocks of float64 rows, as LightGBM's own `predict` reads it.

Arrow and pandas columns keep their type until their rows' turn comes, so that no second copy of
a large table is made. Categories of pandas and of Arrow become the codes of the model.
"""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from training.treeshap.tables import Floats

FrameCategories = Sequence[Sequence[object]]
FrameLike: TypeAlias = npt.ArrayLike | pa.Table | pd.DataFrame

_TABLES = (pa.Table, pd.DataFrame)


class FrameBlocks:
    """The rows of an array, an Arrow table or a pandas frame.

    `columns` is how many the model has, `categories` those of its categorical ones, in order.

    Raises
    ------
    ValueError
        It has another number of columns than the model, or is no table.
    """

    def __init__(self, source: FrameLike, columns: int, categories: FrameCategories) -> None:
        self.source = source if isinstance(source, _TABLES) else np.asarray(source)
        self._categories = categories
        shape = self.source.shape
        if len(shape) != 2 or shape[1] != columns:
            raise ValueError(f"the rows must have {columns} columns, got an array of shape {shape}")

    def __len__(self) -> int:
        return int(self.source.shape[0])

    def floats(self, first: int, last: int) -> Floats:
        """Rows `first` to `last` as C-ordered float64 (rows × columns), null as NaN."""
        if isinstance(self.source, np.ndarray):
            return np.ascontiguousarray(self.source[first:last], dtype=np.float64)
        if isinstance(self.source, pa.Table):
            return self._from_arrow(self.source.slice(first, last - first))
        return self._from_pandas(self.source.iloc[first:last])

    def _from_arrow(self, part: pa.Table) -> Floats:
        X = np.empty(part.shape)
        categories = iter(self._categories)
        for number, column in enumerate(part.columns):
            if pa.types.is_dictionary(column.type):
                values = column.cast(column.type.value_type)
                column = pc.index_in(values, pa.array(next(categories), column.type.value_type))
            X[:, number] = column.cast(pa.float64()).to_numpy()
        return X

    def _from_pandas(self, part: pd.DataFrame) -> Floats:
        X = np.empty(part.shape)
        categories = iter(self._categories)
        for number in range(part.shape[1]):
            column = part.iloc[:, number]
            if isinstance(column.dtype, pd.CategoricalDtype):
                codes = column.cat.set_categories(next(categories)).cat.codes.to_numpy(np.float64)
                X[:, number] = np.where(codes < 0, np.nan, codes)
            else:
                X[:, number] = column.to_numpy(np.float64, na_value=np.nan)
        return X
