"""What moved each score since the run before, as it is kept with the run.

`changes.parquet` has one row for each account and target that had a score then and has one now.
`serving.batch.movements` works it out when a run is made, so the service needs no earlier model.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from serving.published.runs import one_value
from training.movement.change import Change, Movement

if TYPE_CHECKING:
    from serving.published.runs import Run

CHANGE = pa.struct(
    [
        ("indicator", pa.string()),
        ("title", pa.string()),
        ("dimension", pa.string()),
        ("kind", pa.string()),
        ("old", pa.float64()),
        ("old_text", pa.string()),
        ("new", pa.float64()),
        ("new_text", pa.string()),
        ("window", pa.int32()),
        ("unit", pa.string()),
        ("part", pa.string()),
        ("health_points", pa.float64()),
    ]
)
SCHEMA = pa.schema(
    [
        pa.field("account_id", pa.string(), nullable=False),
        pa.field("target", pa.string(), nullable=False),
        pa.field("before", pa.string(), nullable=False),
        pa.field("since", pa.date32(), nullable=False),
        ("old_score", pa.float64()),
        ("new_score", pa.float64()),
        ("behaviour", pa.float64()),
        ("data", pa.float64()),
        ("model", pa.float64()),
        ("definition", pa.float64()),
        ("changes", pa.list_(CHANGE)),
    ]
)
TOTALS = SCHEMA.names[4:-1]
VALUES = ("old", "new")


def to_table(
    ids: Sequence[str], movements: Sequence[Movement], target: str, before: "Run"
) -> pa.Table:
    """Movements as rows of `SCHEMA`."""
    rows = [
        {
            "account_id": account_id,
            "target": target,
            "before": before.folder.name,
            "since": before.as_of,
            **{name: getattr(movement, name) for name in TOTALS},
            "changes": [_plain(change) for change in movement.changes],
        }
        for account_id, movement in zip(ids, movements, strict=True)
    ]
    return pa.Table.from_pylist(rows, SCHEMA)


def from_row(row: Mapping[str, Any]) -> Movement:
    """The movement that `to_table` made a row of."""
    changes = tuple(Change(**one_value(change, VALUES)) for change in row["changes"])
    return Movement(**{name: row[name] for name in TOTALS}, changes=changes)


def _plain(change: Change) -> dict[str, Any]:
    row = {name: getattr(change, name) for name in Change.__slots__}
    for name in VALUES:
        value = row[name]
        row |= {name: None, f"{name}_text": value} if isinstance(value, str) else {}
    return row
