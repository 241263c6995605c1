"""What holds of snapshots whatever computes them, as assertions that any test may call.

The one design rule: to the last bit. Rounding that depends on the order of rows, on the other
dates or on the other accounts would be a difference that nobody can explain.
"""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.declaring.company import Company
from measure_cases import built

Refresh = Callable[[Company, date], pa.Table]
KEY = ("account_id", "as_of")


def features(table: pa.Table) -> pa.Table:
    """Return all columns but the labels, which look ahead."""
    return table.select([name for name in table.column_names if not name.startswith("label__")])


def assert_same_to_the_last_bit(found: pa.Table, wanted: pa.Table) -> None:
    """Assert that two tables hold the same columns, rows and bits, in the same order."""
    assert found.schema.equals(wanted.schema), (found.schema, wanted.schema)
    assert found.num_rows == wanted.num_rows
    keys = list(zip(*(wanted[name].to_pylist() for name in KEY), strict=True))
    wrong = [
        f"{name} of {key}: found {one!r}, wanted {other!r}"
        for name in wanted.column_names
        for key, one, other in zip(keys, _bits(found[name]), _bits(wanted[name]), strict=True)
        if one != other
    ]
    assert not wrong, "\n".join([f"{len(wrong)} cells", *wrong[:20]])


def _bits(values: pa.ChunkedArray) -> list[Any]:
    if not pa.types.is_float64(values.type):
        listed: list[Any] = values.to_pylist()
        return listed
    # As text, so that a failure can be read; 0.0 and -0.0 differ, and so do any two numbers.
    numbers = pc.fill_null(values, 0.0).to_numpy().astype(np.float64)
    valid = pc.is_valid(values).to_pylist()
    return [float(x).hex() if ok else None for x, ok in zip(numbers, valid, strict=True)]


def assert_weekly_refresh_equals_the_rebuild(
    company: Company, published: Sequence[date], new: date, refresh: Refresh
) -> None:
    """Assert that one new as-of date, computed alone, is what a rebuild of all dates says of it.

    Parameters
    ----------
    company
        Its tables as they stand on the morning of `new`, late facts included.
    published
        The as-of dates that were computed before.
    new
        The as-of date that is due.
    refresh
        Computes the rows of one as-of date in the way that is judged.
    """
    rebuilt = built(company, *published, new).table
    of_new = rebuilt.filter(pc.equal(rebuilt["as_of"], pa.scalar(new, rebuilt["as_of"].type)))
    assert_same_to_the_last_bit(refresh(company, new), of_new)


def assert_published_rows_stay(
    before: Company, after: Company, published: Sequence[date], refresh: Refresh
) -> None:
    """Assert that facts which arrive later leave every feature of published as-of dates alone.

    `before` and `after` are the company with its tables as they stood at the last published date
    and as they stand when more facts have arrived.
    """
    for day in published:
        once, again = features(refresh(before, day)), features(refresh(after, day))
        assert_same_to_the_last_bit(again, once)


def rebuild(company: Company, day: date) -> pa.Table:
    """Return the rows of one as-of date, built from everything."""
    return built(company, day).table
