"""An undeclared table: one row per customer, and any columns, read as features.

Numbers stay numbers, texts become categories. Nothing is guessed about the meaning of a column, so
no sign binds it. All breaches are reported at once, before anything is trained or scored.
"""

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as kinds

from features.errors import ContractBroken, Finding
from training.learning.matrix import HISTORY, SEGMENT, Feature, tabular, uses_history, uses_segments
from training.metrics.quality import auc
from training.tables.label_column import Roles
from training.tables.plain_table import DROP, Frame, as_table, column_finding

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int8]

MOST_CATEGORIES = 255
# A column that predicts the label this well by itself was written after the outcome.
LEAK = 0.999
FEW_VALUES = 5
# Where as many rows as this look alike, the columns are too coarse to distinguish customers.
COARSE = 5
INFINITE, FINITE = "it has infinite values", "write finite numbers or leave cells empty"


def constant(table: pa.Table, roles: Roles) -> dict[str, str]:
    """The columns that say nothing, since they hold one value or none, each with what it holds."""
    found = {}
    for name in table.column_names:
        if name in roles.named:
            continue
        values = pc.drop_null(table[name])
        if not len(values):
            found[name] = "it is empty in every row"
        elif len(values) == table.num_rows and pc.count_distinct(values).as_py() == 1:
            value = values[0].as_py()
            # What is infinite is not a value to leave out quietly, but one to refuse.
            if value not in (np.inf, -np.inf):
                found[name] = f"it has the same value in every row ({value})"
    return found


def features_of(table: pa.Table, y: Labels, roles: Roles) -> list[Feature]:
    """The features of a training table.

    Raises
    ------
    ContractBroken
        A column is infinite, has too many categories, or predicts the label by itself; or there
        is no other column.
    """
    names = [name for name in table.column_names if name not in roles.named]
    breaches = [_breach(name, table[name], y) for name in names]
    findings = [breach for breach in breaches if breach]
    if not names:
        fix = "add columns to predict it from"
        findings = [column_finding(roles.label, "there is no other column", fix)]
    if findings:
        raise ContractBroken(findings)
    return [_feature(name, table[name]) for name in names]


def _breach(name: str, column: pa.ChunkedArray, y: Labels) -> Finding | None:
    drop = DROP.format(name=name)
    values = pc.drop_null(column)
    category = kinds.is_string(column.type)
    if not category and (count := int(pc.sum(pc.is_inf(values)).as_py())):
        return column_finding(name, INFINITE, f"{FINITE}, or {drop}", count)
    distinct = pc.count_distinct(values).as_py()
    if category and distinct > MOST_CATEGORIES:
        detail = f"it has {distinct:,} categories; at most {MOST_CATEGORIES} are allowed"
        return column_finding(name, detail, f"merge the rare ones, give it as --id, or {drop}")
    if category and distinct == len(values) > FEW_VALUES:
        detail = f"all {distinct:,} of its values differ, so it identifies rows"
        return column_finding(name, detail, f"give it as --id, or {drop}")
    if (alone := _alone(column, y)) >= LEAK:
        detail = f"it predicts the label by itself (AUC {alone:.4f}): it was written afterwards"
        return column_finding(name, detail, drop)
    return None


def _alone(column: pa.ChunkedArray, y: Labels) -> float:
    """How well the column, or whether it is empty, predicts the label by itself: AUC, 0.5 to 1."""
    if kinds.is_string(column.type):
        codes = column.combine_chunks().dictionary_encode().indices
        codes = pc.fill_null(codes, -1).to_numpy(zero_copy_only=False) + 1
        counts = np.bincount(codes)
        # The rate of a category of a few rows may be chance.
        rates = np.where(
            counts < FEW_VALUES, y.mean(), np.bincount(codes, y) / np.maximum(counts, 1)
        )
        values = rates[codes]
    else:
        values = column.to_numpy().astype(np.float64)
    unknown = np.isnan(values)
    aucs = [auc(unknown.astype(np.float64), y)]
    for fill in (-np.inf, np.inf):
        aucs.append(auc(np.where(unknown, fill, values), y))
    return max(max(one, 1 - one) for one in aucs)


def _feature(name: str, column: pa.ChunkedArray) -> Feature:
    values = pc.drop_null(column)
    if kinds.is_string(column.type):
        names = tuple(sorted(pc.unique(values).to_pylist()))
        counts = pc.value_counts(values).to_pylist()
        usual = min(counts, key=lambda one: (-one["counts"], one["values"]))["values"]
        return Feature(name, name, None, "category", names, usual)
    return Feature(name, name, None, "number", (), float(np.median(values.to_numpy())))


def row_customers(
    table: pa.Table, y: Labels, roles: Roles, features: Sequence[Feature]
) -> list[str]:
    """The customer of each row: its id, else its content, so that no fold splits repeated rows.

    Where rows look alike by the dozen and have both outcomes, they are no repetitions: the columns
    are coarse, and every row is a customer.
    """
    contents = _contents(table, features)
    if roles.id is not None:
        ids = table[roles.id].to_pylist()
        return [key or content for key, content in zip(ids, contents, strict=True)]
    if _coarse(contents, y):
        return [f"row {number}" for number in range(len(y))]
    return contents


def _contents(table: pa.Table, features: Sequence[Feature]) -> list[str]:
    rows = zip(*(table[feature.name].to_pylist() for feature in features), strict=True)
    return [blake2b(repr(row).encode(), digest_size=12).hexdigest() for row in rows]


def _coarse(contents: Sequence[str], y: Labels) -> bool:
    """Whether most rows have many like them, some of them with the other outcome."""
    _, codes, counts = np.unique(contents, return_inverse=True, return_counts=True)
    events = np.bincount(codes, y)
    disputed = (events > 0) & (events < counts)
    return bool(np.median(counts[codes]) >= COARSE and counts[disputed].sum() >= len(y) / 2)


def further_columns(
    table: pa.Table, features: Sequence[Feature], known: Sequence[str]
) -> list[str]:
    """The columns of a table that the model has never seen; `known` it has, without using them."""
    used = {feature.name for feature in features}
    return [name for name in table.column_names if name not in used and name not in known]


def columns_for(frame: Frame, features: Sequence[Feature]) -> pa.Table:
    """The frame's columns as a model of `features` needs them; others are ignored.

    Raises
    ------
    ContractBroken
        Columns are missing, of another type or infinite; all of them are reported.
    """
    table = as_table(frame)
    columns, findings = {}, []
    for feature in tabular(features):
        checked = _checked(table, feature)
        if isinstance(checked, Finding):
            findings.append(checked)
        else:
            columns[feature.name] = checked
    if findings:
        raise ContractBroken(findings)
    if uses_history(features) and HISTORY in table.column_names:
        columns[HISTORY] = table[HISTORY]
    if uses_segments(features) and SEGMENT in table.column_names:
        columns[SEGMENT] = table[SEGMENT]
    return pa.table(columns) if columns else table


def _checked(table: pa.Table, feature: Feature) -> Finding | pa.ChunkedArray:
    """The column as the model needs it, or why it cannot be."""
    fix = "give the table the columns it had in training"
    if feature.name not in table.column_names:
        extra = ", ".join(table.column_names)
        return column_finding(feature.name, "the column is missing", f"{fix}; it has: {extra}")
    column = table[feature.name]
    needed = pa.string() if feature.dtype == "category" else pa.float64()
    if column.null_count == len(column):
        return column.cast(needed)
    if column.type != needed:
        got = "texts" if kinds.is_string(column.type) else "numbers"
        return column_finding(feature.name, f"the model needs a {feature.dtype}, got {got}", fix)
    if needed == pa.float64() and (count := pc.sum(pc.is_inf(pc.drop_null(column))).as_py()):
        return column_finding(feature.name, INFINITE, FINITE, int(count))
    return column
