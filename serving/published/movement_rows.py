"""What moved each score since the run before, as it is kept with the run.

`changes.parquet` has one row for each account and target that had a score then and has one now.
`serving.batch.movements` works it out when a run is made, so the service needs no earlier model.
"""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, TypedDict

import pyarrow as pa

from serving.published.runs import number_or_text
from training.movement.change import Change, ChangePart, Movement

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


class ChangeRow(TypedDict):
    """One of a row's changes, as `CHANGE` has it."""

    indicator: str
    title: str
    dimension: str
    kind: str
    old: float | None
    old_text: str | None
    new: float | None
    new_text: str | None
    window: int | None
    unit: str
    part: ChangePart
    health_points: float


class MovementRow(TypedDict):
    """A row of `SCHEMA`."""

    account_id: str
    target: str
    before: str
    since: date
    old_score: float
    new_score: float
    behaviour: float
    data: float
    model: float
    definition: float
    changes: list[ChangeRow]


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


def from_row(row: MovementRow) -> Movement:
    """The movement that `to_table` made a row of."""
    return Movement(
        old_score=row["old_score"],
        new_score=row["new_score"],
        behaviour=row["behaviour"],
        data=row["data"],
        model=row["model"],
        definition=row["definition"],
        changes=tuple(_change(change) for change in row["changes"]),
    )


def _change(row: ChangeRow) -> Change:
    return Change(
        indicator=row["indicator"],
        title=row["title"],
        dimension=row["dimension"],
        kind=row["kind"],
        old=number_or_text(row["old"], row["old_text"]),
        new=number_or_text(row["new"], row["new_text"]),
        window=row["window"],
        unit=row["unit"],
        part=row["part"],
        health_points=row["health_points"],
    )


def _plain(change: Change) -> dict[str, object]:
    row = {name: getattr(change, name) for name in Change.__slots__}
    for name in VALUES:
        value = row[name]
        row |= {name: None, f"{name}_text": value} if isinstance(value, str) else {}
    return row
