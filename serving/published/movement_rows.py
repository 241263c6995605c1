"""What moved each score since earlier runs, as it is kept with the run.

`changes.parquet` has one row for each account, target and earlier run that it is compared with, if
it had a score then and has one now. `over` says which run that is: the one before, that of four or
of thirteen weeks ago, or the first since the account's last renewal. `serving.batch.movements`
works it out when a run is made, so the service needs no earlier model.
"""

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Literal, NamedTuple, TypedDict

import pyarrow as pa

from serving.published.runs import number_or_text
from training.movement.change import Change, ChangePart, Movement

if TYPE_CHECKING:
    from serving.published.runs import Run

Over = Literal["run", "4 weeks", "13 weeks", "renewal"]

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
        ("still", pa.float64()),
        ("still_text", pa.string()),
        ("last_fact", pa.date32()),
    ]
)
SCHEMA = pa.schema(
    [
        pa.field("account_id", pa.string(), nullable=False),
        pa.field("target", pa.string(), nullable=False),
        pa.field("over", pa.string(), nullable=False),
        pa.field("before", pa.string(), nullable=False),
        pa.field("since", pa.date32(), nullable=False),
        ("old_score", pa.float64()),
        ("new_score", pa.float64()),
        ("behaviour", pa.float64()),
        ("calendar", pa.float64()),
        ("windows", pa.float64()),
        ("data", pa.float64()),
        ("model", pa.float64()),
        ("definition", pa.float64()),
        ("changes", pa.list_(CHANGE)),
    ]
)
TOTALS = SCHEMA.names[5:-1]
VALUES = ("old", "new", "still")
# A movement as files of scores have it: its sums, without the indicators.
MOVEMENTS = pa.list_(
    pa.struct(
        [
            ("over", pa.string()),
            ("since", pa.string()),
            *((name, pa.float64()) for name in TOTALS),
        ]
    )
)


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
    still: float | None
    still_text: str | None
    last_fact: date | None


class MovementRow(TypedDict):
    """A row of `SCHEMA`."""

    account_id: str
    target: str
    over: Over
    before: str
    since: date
    old_score: float
    new_score: float
    behaviour: float
    calendar: float
    windows: float
    data: float
    model: float
    definition: float
    changes: list[ChangeRow]


class Moved(NamedTuple):
    """A movement, the as-of date of the run that it starts from, and which run that is."""

    over: Over
    since: date
    movement: Movement


def to_table(movements: Mapping[str, Movement], target: str, over: Over, before: "Run") -> pa.Table:
    """Movements, by account, as rows of `SCHEMA`."""
    rows = [
        {
            "account_id": account_id,
            "target": target,
            "over": over,
            "before": before.folder.name,
            "since": before.as_of,
            **{name: getattr(movement, name) for name in TOTALS},
            "changes": [_plain(change) for change in movement.changes],
        }
        for account_id, movement in movements.items()
    ]
    return pa.Table.from_pylist(rows, SCHEMA)


def beside(scores: pa.Table, table: pa.Table) -> pa.Table:
    """The rows of a run's scores with a column `movements`: the sums of each, as `MOVEMENTS`."""
    found: dict[tuple[str, str], list[dict[str, object]]] = {}
    for row in readable(table).select([*SCHEMA.names[:3], "since", *TOTALS]).to_pylist():
        key = row.pop("account_id"), row.pop("target")
        found.setdefault(key, []).append(row | {"since": row["since"].isoformat()})
    keys = zip(scores["account_id"].to_pylist(), scores["target"].to_pylist(), strict=True)
    return scores.append_column(
        "movements", pa.array([found.get(key, []) for key in keys], MOVEMENTS)
    )


def readable(table: pa.Table) -> pa.Table:
    """The rows as `SCHEMA` has them; none of a run that was made before it was."""
    return table if table.schema.equals(SCHEMA) else SCHEMA.empty_table()


def moved(row: MovementRow) -> Moved:
    """The movement that `to_table` made a row of, with what it starts from."""
    return Moved(row["over"], row["since"], from_row(row))


def from_row(row: MovementRow) -> Movement:
    """The movement that `to_table` made a row of."""
    return Movement(
        old_score=row["old_score"],
        new_score=row["new_score"],
        behaviour=row["behaviour"],
        calendar=row["calendar"],
        windows=row["windows"],
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
        still=number_or_text(row["still"], row["still_text"]),
        last_fact=row["last_fact"],
    )


def _plain(change: Change) -> dict[str, object]:
    row = {name: getattr(change, name) for name in Change.__slots__}
    for name in VALUES:
        value = row[name]
        row |= {name: None, f"{name}_text": value} if isinstance(value, str) else {}
    return row
