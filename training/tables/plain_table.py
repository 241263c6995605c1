"""An undeclared table as plain columns: numbers and texts, whatever types it came in.

Numbers, flags, times and durations become numbers (a time is its day since 1970, a duration its
days, a time of day its hours), texts become texts.
Columns of other types are reported, all at once.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as kinds

from features.errors import ContractBroken, DeclarationError, Finding

if TYPE_CHECKING:
    import pandas as pd

Frame: TypeAlias = "pd.DataFrame | pa.Table"

DROP = "leave it out with --ignore {name}"
DAY, HOUR = 86400.0, 3600.0


def as_table(frame: Frame, texts: Collection[str] = ()) -> pa.Table:
    """The frame with plain columns: float64 numbers and strings.

    Parameters
    ----------
    frame : pandas.DataFrame or pyarrow.Table
    texts : collection of str
        Columns that are read as texts whatever they hold: ids, which no rounding may make equal.

    Raises
    ------
    DeclarationError
        It is no table.
    ContractBroken
        Two columns have one name, or a column holds neither numbers, flags, times nor texts.
    """
    _require_table(frame)
    names = frame.column_names if isinstance(frame, pa.Table) else list(map(str, frame.columns))
    findings = [
        column_finding(name, "two columns have this name", "rename one of them")
        for name in sorted({name for name in names if names.count(name) > 1})
    ]
    if findings:
        raise ContractBroken(findings)
    columns = {}
    for name, values in zip(names, _columns(frame), strict=True):
        try:
            columns[name] = as_text(values()) if name in texts else plain_column(values())
        except pa.ArrowException as error:
            detail = f"its values cannot be read: {str(error).splitlines()[0]}"
            findings.append(column_finding(name, detail, DROP.format(name=name)))
    if findings:
        raise ContractBroken(findings)
    return pa.table(columns)


def _require_table(frame: Frame) -> None:
    if not isinstance(frame, pa.Table) and not (hasattr(frame, "iloc") and frame.ndim == 2):
        kind = f"{type(frame).__module__}.{type(frame).__name__}"
        raise DeclarationError(
            f"the table must be a pandas.DataFrame or a pyarrow.Table, got {kind}"
        )


def _columns(frame: Frame) -> Iterator[Callable[[], pa.Array]]:
    """A reader for each column."""
    if isinstance(frame, pa.Table):
        yield from (column.combine_chunks for column in frame.columns)
        return
    for number in range(frame.shape[1]):
        yield partial(_of_pandas, frame, number)


def _of_pandas(frame: "pd.DataFrame", number: int) -> pa.Array:
    """A column as Arrow reads it; where Arrow has no such type, each value as text."""
    series = frame.iloc[:, number]
    if hasattr(series, "sparse"):
        series = series.astype(series.array.dtype.subtype)
    if getattr(series.dtype, "tz", None) is not None:
        series = series.dt.tz_convert(None)
    try:
        values = pa.Array.from_pandas(series)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return _written(series)
    kind = values.type.value_type if kinds.is_dictionary(values.type) else values.type
    return _written(series) if isinstance(kind, pa.BaseExtensionType) else values


def _written(series: Iterable[object]) -> pa.Array:
    return pa.array([None if _absent(value) else str(value) for value in series], pa.string())


def _absent(value: object) -> bool:
    # pandas' NA compares to nothing, not even to itself.
    return value is None or type(value).__name__ in ("NAType", "NaTType") or value != value


def as_text(values: pa.Array) -> pa.Array:
    """The values as strings.

    Raises
    ------
    ArrowException
        They are nested, or bytes that are not text.
    """
    kind = values.type
    if kinds.is_dictionary(kind):
        return as_text(values.dictionary_decode())
    if _is_bytes(kind):
        return _decoded(values)
    return values.cast(pa.string())


def plain_column(values: pa.Array) -> pa.Array:
    """The values as float64 or, for texts, as strings.

    Raises
    ------
    ArrowInvalid
        They are nested, or bytes that are not text.
    """
    kind = values.type
    if kinds.is_dictionary(kind):
        return plain_column(values.dictionary_decode())
    if kinds.is_run_end_encoded(kind):
        return plain_column(pc.run_end_decode(values))
    if kinds.is_string(kind) or kinds.is_large_string(kind) or kinds.is_string_view(kind):
        return values.cast(pa.string())
    return _decoded(values) if _is_bytes(kind) else _number(values)


def _number(values: pa.Array) -> pa.Array:
    kind = values.type
    if kinds.is_null(kind):
        return values.cast(pa.float64())
    if kinds.is_boolean(kind):
        return values.cast(pa.int8()).cast(pa.float64())
    if kinds.is_date(kind) or kinds.is_timestamp(kind):
        return _seconds(values.cast(pa.timestamp("s"), safe=False), DAY)
    if kinds.is_duration(kind):
        return _seconds(values.cast(pa.duration("s"), safe=False), DAY)
    if kinds.is_time(kind):
        return _seconds(values.cast(pa.time64("us")).cast(pa.int64()), HOUR * 1e6)
    if kinds.is_integer(kind) or kinds.is_floating(kind) or kinds.is_decimal(kind):
        numbers = values.cast(pa.float64(), safe=False)
        # Arrow distinguishes NaN from null; here both are unknown.
        return pc.if_else(pc.is_nan(numbers), None, numbers)
    raise pa.ArrowInvalid(f"{kind} is not a number, flag, time or text")


def _seconds(values: pa.Array, unit: float) -> pa.Array:
    return pc.divide(values.cast(pa.int64()).cast(pa.float64()), unit)


def _is_bytes(kind: pa.DataType) -> bool:
    return bool(kinds.is_binary(kind) or kinds.is_large_binary(kind))


def _decoded(values: pa.Array) -> pa.Array:
    try:
        return values.cast(pa.string())
    except pa.ArrowInvalid:
        message = "bytes that are not UTF-8 text; save the table as UTF-8"
        raise pa.ArrowInvalid(message) from None


def column_finding(name: str, detail: str, fix: str, rows: int | None = None) -> Finding:
    """A finding about the column `name` of a flat table, and how to fix it."""
    return Finding("flat table", "train", "error", "table", name, rows, detail, fix)
