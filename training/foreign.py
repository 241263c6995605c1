"""A table that is not ours: one row per customer and whatever columns it has, read as features.

Numbers, flags and times become numbers (a time is its day since 1970), texts become categories;
a number that is written as text stays a category. Nothing is guessed about what a column means,
so no sign binds it. Every breach is told at once, before anything is trained or scored.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv
import pyarrow.parquet as pq
import pyarrow.types as kinds

from features.errors import ChurnlightError, ContractBroken, DeclarationError, Finding, NotFound
from training.evaluate import auc
from training.matrix import Feature

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int8]
Frame: TypeAlias = "pd.DataFrame | pa.Table"

MOST_CATEGORIES = 255
# A column that tells the outcome this well by itself was written after it.
LEAK = 0.999
FEW = 5
POSITIVE = {"1", "1.0", "true", "yes", "y", "t"}
NEGATIVE = {"0", "0.0", "false", "no", "n", "f"}
DROP = "leave it out with --ignore {name}"


@dataclass(frozen=True)
class Roles:
    """What the columns of a table are for: the label, an id and a time where there are some.

    `event` is the label's value that is predicted, where it is not 1, true or yes.
    """

    label: str
    id: str | None = None
    time: str | None = None
    event: str | None = None
    ignore: tuple[str, ...] = field(default=())

    @property
    def named(self) -> list[str]:
        """The columns that are no features."""
        return [item for item in (self.label, self.id, self.time, *self.ignore) if item is not None]


def read(path: Path) -> pa.Table:
    """The table in a Parquet or CSV file.

    Raises
    ------
    NotFound
        There is no such file.
    ContractBroken
        It cannot be read as what its suffix says; of a CSV the row is told.
    ChurnlightError
        It may not be read.
    """
    if not path.is_file():
        raise NotFound(f"{path}: no such file")
    try:
        return _read_csv(path) if path.suffix.lower() == ".csv" else pq.read_table(path)
    except PermissionError as error:
        raise ChurnlightError(f"{path}: may not be read ({error.strerror})") from error
    except (pa.ArrowInvalid, OSError) as error:
        detail = f"cannot be read ({str(error).splitlines()[0]})"
        mend = "mend the file, or give another .parquet or .csv"
        broken = Finding("flat table", "read", "error", str(path), None, None, detail, mend)
        raise ContractBroken([broken]) from error


def _read_csv(path: Path) -> pa.Table:
    try:
        table = csv.read_csv(path)
    except pa.ArrowInvalid:
        # Only who reads from the top knows the number of the row that breaks.
        table = csv.read_csv(path, csv.ReadOptions(use_threads=False))
    # An empty cell is absent, whatever its column holds; any other text stands as it is.
    for place, item in enumerate(table.schema):
        if kinds.is_string(item.type):
            texts = table.column(place)
            kept = pc.if_else(pc.equal(texts, ""), None, texts)
            table = table.set_column(place, item, kept)
    return table


def as_table(frame: Frame) -> pa.Table:
    """The frame with plain columns: float64 numbers and strings.

    Raises
    ------
    ContractBroken
        A name stands twice, or a column holds neither numbers, flags, times nor texts.
    """
    names = frame.column_names if isinstance(frame, pa.Table) else [str(it) for it in frame.columns]
    findings = [
        _finding(name, "two columns have this name", "rename one of them")
        for name in sorted({name for name in names if names.count(name) > 1})
    ]
    if findings:
        raise ContractBroken(findings)
    columns = {}
    for name, values in zip(names, _columns(frame), strict=True):
        try:
            columns[name] = plain(values)
        except pa.ArrowInvalid as error:
            detail = f"its values cannot be read: {str(error).splitlines()[0]}"
            findings.append(_finding(name, detail, DROP.format(name=name)))
    if findings:
        raise ContractBroken(findings)
    return pa.table(columns)


def _columns(frame: Frame) -> Iterator[pa.Array]:
    if isinstance(frame, pa.Table):
        yield from (column.combine_chunks() for column in frame.columns)
        return
    for place in range(frame.shape[1]):
        series = frame.iloc[:, place]
        try:
            yield pa.Array.from_pandas(series)
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            # Mixed types: each value as it is written.
            yield pa.array([None if _absent(item) else str(item) for item in series], pa.string())


def _absent(value: Any) -> bool:
    # pandas' NA is neither equal to itself nor not.
    return value is None or type(value).__name__ in ("NAType", "NaTType") or value != value


def plain(values: pa.Array) -> pa.Array:
    """The values as float64 or, for texts, as string.

    Raises
    ------
    ArrowInvalid
        They are nested or binary.
    """
    kind = values.type
    if kinds.is_dictionary(kind):
        return plain(values.dictionary_decode())
    if kinds.is_null(kind):
        return values.cast(pa.float64())
    if kinds.is_string(kind) or kinds.is_large_string(kind) or kinds.is_string_view(kind):
        return values.cast(pa.string())
    if kinds.is_boolean(kind):
        return values.cast(pa.int8()).cast(pa.float64())
    if kinds.is_date(kind) or kinds.is_timestamp(kind):
        days = values.cast(pa.timestamp("s"), safe=False).cast(pa.int64())
        return pc.divide(days.cast(pa.float64()), 86400.0)
    if kinds.is_integer(kind) or kinds.is_floating(kind) or kinds.is_decimal(kind):
        numbers = values.cast(pa.float64(), safe=False)
        # Arrow keeps NaN apart from null; for us both are unknown.
        return pc.if_else(pc.is_nan(numbers), None, numbers)
    if kinds.is_binary(kind) or kinds.is_large_binary(kind):
        raise pa.ArrowInvalid("bytes that are no text in UTF-8; save the table as UTF-8")
    raise pa.ArrowInvalid(f"{kind} is neither number, flag, time nor text")


def _finding(name: str, detail: str, mend: str, rows: int | None = None) -> Finding:
    return Finding("flat table", "train", "error", "table", name, rows, detail, mend)


def labels(table: pa.Table, roles: Roles) -> npt.NDArray[np.float64]:
    """1, 0 or NaN (no label) for each row.

    Raises
    ------
    ContractBroken
        A named column is missing, or the label has not two readable values.
    DeclarationError
        One column is named for two things.
    """
    _require_apart(roles)
    missing = [name for name in roles.named if name not in table.column_names]
    if missing:
        known = ", ".join(table.column_names)
        raise ContractBroken(
            [_finding(name, "the column is missing", f"the table has: {known}") for name in missing]
        )
    column = table[roles.label]
    texts = [_text(value) for value in column.to_pylist()]
    values = sorted({text for text in texts if text is not None})
    if len(values) != 2:
        shown = ", ".join(values[:5]) or "nothing"
        detail = f"a label needs two values, this one has {len(values)} ({shown})"
        raise ContractBroken([_finding(roles.label, detail, "name the column of the outcome")])
    event = _event(values, roles)
    return np.array([np.nan if text is None else float(text == event) for text in texts])


def _require_apart(roles: Roles) -> None:
    """Raises DeclarationError where one column is named for two things."""
    named = {"label": roles.label, "id": roles.id, "time": roles.time}
    for name in {name for name in named.values() if name is not None}:
        uses = [use for use, column in named.items() if column == name]
        uses += ["ignore"] * (name in roles.ignore and name == roles.label)
        if len(uses) > 1:
            raise DeclarationError(
                f"column {name} is named as {' and as '.join(uses)}; name another for one of them"
            )


def _text(value: Any) -> str | None:
    if value is None:
        return None
    return f"{value:g}" if isinstance(value, float) else str(value)


def _event(values: Sequence[str], roles: Roles) -> str:
    if roles.event is not None and roles.event in values:
        return roles.event
    low = [value.strip().lower() for value in values]
    for value, one, other in zip(values, low, reversed(low), strict=True):
        if roles.event is None and one in POSITIVE and other in NEGATIVE:
            return value
    found = f"its values are {values[0]!r} and {values[1]!r}"
    detail = f"no row has the value {roles.event!r}: {found}" if roles.event else found
    raise ContractBroken(
        [_finding(roles.label, detail, f"say which one is predicted: --event {values[0]!r}")]
    )


def features_of(table: pa.Table, y: Labels, roles: Roles) -> list[Feature]:
    """The features of a training table.

    Raises
    ------
    ContractBroken
        A column is constant or unknown throughout, infinite, has too many categories, or tells
        the outcome by itself; or there is no column at all.
    """
    names = [name for name in table.column_names if name not in roles.named]
    findings = [found for name in names if (found := _breach(name, table[name], y))]
    if not names:
        findings = [_finding(roles.label, "there is no other column", "add columns to learn from")]
    if findings:
        raise ContractBroken(findings)
    return [_feature(name, table[name]) for name in names]


def _breach(name: str, column: pa.ChunkedArray, y: Labels) -> Finding | None:
    drop = DROP.format(name=name)
    known = pc.drop_null(column)
    if not len(known):
        return _finding(name, "it is unknown in every row", drop)
    category = kinds.is_string(column.type)
    if not category and (count := int(pc.sum(pc.is_inf(known)).as_py())):
        return _finding(name, "it is infinite", f"make it a number or empty, or {drop}", count)
    different = pc.count_distinct(known).as_py()
    if different == 1 and not column.null_count:
        return _finding(name, f"it has one value in every row ({known[0].as_py()})", drop)
    if category and different > MOST_CATEGORIES:
        detail = f"it has {different:,} categories, more than {MOST_CATEGORIES}"
        return _finding(name, detail, f"group the rare ones, name it as --id, or {drop}")
    if (alone := _alone(column, y)) >= LEAK:
        detail = f"it tells the outcome by itself (AUC {alone:.4f}): it was written afterwards"
        return _finding(name, detail, drop)
    return None


def _alone(column: pa.ChunkedArray, y: Labels) -> float:
    """How well the column, or whether it is known at all, tells the outcome: AUC, 0.5 to 1."""
    if kinds.is_string(column.type):
        codes = column.combine_chunks().dictionary_encode().indices
        codes = pc.fill_null(codes, -1).to_numpy(zero_copy_only=False) + 1
        counts = np.bincount(codes)
        # What a category of a few rows tells may be chance.
        rates = np.where(counts < FEW, y.mean(), np.bincount(codes, y) / np.maximum(counts, 1))
        values = rates[codes]
    else:
        values = column.to_numpy().astype(np.float64)
    unknown = np.isnan(values)
    found = [auc(unknown.astype(np.float64), y)]
    for fill in (-np.inf, np.inf):
        found.append(auc(np.where(unknown, fill, values), y))
    return max(max(item, 1 - item) for item in found)


def _feature(name: str, column: pa.ChunkedArray) -> Feature:
    known = pc.drop_null(column)
    if kinds.is_string(column.type):
        names = tuple(sorted(pc.unique(known).to_pylist()))
        counts = pc.value_counts(known).to_pylist()
        usual = min(counts, key=lambda item: (-item["counts"], item["values"]))["values"]
        return Feature(name, name, None, "category", names, usual)
    return Feature(name, name, None, "number", (), float(np.median(known.to_numpy())))


def accounts(table: pa.Table, roles: Roles, features: Sequence[Feature]) -> list[str]:
    """Who each row is of: its id, else its content, so that twins never stand on both sides."""
    if roles.id is not None:
        return [str(value) for value in table[roles.id].to_pylist()]
    rows = zip(*(table[item.name].to_pylist() for item in features), strict=True)
    return [blake2b(repr(row).encode(), digest_size=12).hexdigest() for row in rows]


def fitting(frame: Frame, features: Sequence[Feature]) -> pa.Table:
    """The frame's columns as a model of `features` needs them; others are left aside.

    Raises
    ------
    ContractBroken
        Columns are missing, of another type or infinite: each of them is told.
    """
    table = as_table(frame)
    columns, findings = {}, []
    for item in features:
        found = _differs(table, item)
        if isinstance(found, Finding):
            findings.append(found)
        else:
            columns[item.name] = found
    if findings:
        raise ContractBroken(findings)
    return pa.table(columns) if columns else table


def _differs(table: pa.Table, item: Feature) -> Finding | pa.ChunkedArray:
    mend = "give the table the columns of training"
    if item.name not in table.column_names:
        extra = ", ".join(table.column_names)
        return _finding(item.name, "the column is missing", f"{mend}; it has: {extra}")
    column = table[item.name]
    wanted = pa.string() if item.dtype == "category" else pa.float64()
    if column.null_count == len(column):
        return column.cast(wanted)
    if column.type != wanted:
        got = "texts" if kinds.is_string(column.type) else "numbers"
        return _finding(item.name, f"the model needs a {item.dtype}, got {got}", mend)
    if wanted == pa.float64() and (count := pc.sum(pc.is_inf(pc.drop_null(column))).as_py()):
        return _finding(item.name, "it is infinite", "make it a number or empty", int(count))
    return column
