"""A table that is not ours: one row per customer and whatever columns it has, read as features.

Numbers stay numbers, texts become categories. Nothing is guessed about what a column means,
so no sign binds it. Every breach is told at once, before anything is trained or scored.
"""

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as kinds

from features.errors import ContractBroken, Finding
from training.learning.matrix import Feature
from training.metrics.quality import auc
from training.tables.label_column import Roles
from training.tables.plain_table import DROP, Frame, as_table, column_finding

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int8]

MOST_CATEGORIES = 255
# A column that tells the outcome this well by itself was written after it.
LEAK = 0.999
FEW = 5
# Where as many rows as this look alike, the columns are too coarse to tell customers apart.
COARSE = 5


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
        findings = [
            column_finding(roles.label, "there is no other column", "add columns to learn from")
        ]
    if findings:
        raise ContractBroken(findings)
    return [_feature(name, table[name]) for name in names]


def _breach(name: str, column: pa.ChunkedArray, y: Labels) -> Finding | None:
    drop = DROP.format(name=name)
    known = pc.drop_null(column)
    if not len(known):
        return column_finding(name, "it is unknown in every row", drop)
    category = kinds.is_string(column.type)
    if not category and (count := int(pc.sum(pc.is_inf(known)).as_py())):
        return column_finding(
            name, "it is infinite", f"make it a number or empty, or {drop}", count
        )
    different = pc.count_distinct(known).as_py()
    if different == 1 and not column.null_count:
        return column_finding(name, f"it has one value in every row ({known[0].as_py()})", drop)
    if category and different > MOST_CATEGORIES:
        detail = f"it has {different:,} categories, more than {MOST_CATEGORIES}"
        return column_finding(name, detail, f"group the rare ones, name it as --id, or {drop}")
    if category and different == len(known) > FEW:
        detail = f"every row that has one has its own ({different:,}): it names rows"
        return column_finding(name, detail, f"name it as --id, or {drop}")
    if (alone := _alone(column, y)) >= LEAK:
        detail = f"it tells the outcome by itself (AUC {alone:.4f}): it was written afterwards"
        return column_finding(name, detail, drop)
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


def row_customers(
    table: pa.Table, y: Labels, roles: Roles, features: Sequence[Feature]
) -> list[str]:
    """Who each row is of: its id, else its content, so that twins never stand on both sides.

    Where rows look alike by the dozen and have both outcomes, that is no sign of twins: the columns
    are coarse, and every row is a customer.
    """
    contents = _contents(table, features)
    if roles.id is not None:
        ids = table[roles.id].to_pylist()
        return [own or found for own, found in zip(ids, contents, strict=True)]
    if _coarse(contents, y):
        return [f"row {number}" for number in range(len(y))]
    return contents


def _contents(table: pa.Table, features: Sequence[Feature]) -> list[str]:
    rows = zip(*(table[item.name].to_pylist() for item in features), strict=True)
    return [blake2b(repr(row).encode(), digest_size=12).hexdigest() for row in rows]


def _coarse(contents: Sequence[str], y: Labels) -> bool:
    """Whether most rows have many of their like, among them some of the other outcome."""
    _, codes, counts = np.unique(contents, return_inverse=True, return_counts=True)
    events = np.bincount(codes, y)
    disputed = (events > 0) & (events < counts)
    return bool(np.median(counts[codes]) >= COARSE and counts[disputed].sum() >= len(y) / 2)


def columns_for(frame: Frame, features: Sequence[Feature]) -> pa.Table:
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
        return column_finding(item.name, "the column is missing", f"{mend}; it has: {extra}")
    column = table[item.name]
    wanted = pa.string() if item.dtype == "category" else pa.float64()
    if column.null_count == len(column):
        return column.cast(wanted)
    if column.type != wanted:
        got = "texts" if kinds.is_string(column.type) else "numbers"
        return column_finding(item.name, f"the model needs a {item.dtype}, got {got}", mend)
    if wanted == pa.float64() and (count := pc.sum(pc.is_inf(pc.drop_null(column))).as_py()):
        return column_finding(item.name, "it is infinite", "make it a number or empty", int(count))
    return column
