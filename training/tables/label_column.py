"""The label of an undeclared table: its column, and which of its values is the event.

Spaces around a value are ignored, and so are capital letters where they would make a third value;
an empty text is no label. The event is the value 1, true or yes, unless another is named.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypedDict, Unpack

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from features.errors import ContractBroken, DeclarationError
from training.tables.plain_table import column_finding

POSITIVE = {"1", "yes", "y", "t"}
NEGATIVE = {"0", "-1", "no", "n", "f"}
FLAGS = {"true": "1", "false": "0"}


# pandas may number columns.
ColumnName = str | int


class RoleNames(TypedDict, total=False):
    """The roles beside the label, as a caller names them; see `Roles`."""

    id: ColumnName | None
    time: ColumnName | None
    event: str | float | None
    ignore: ColumnName | Sequence[ColumnName]


@dataclass(frozen=True)
class Roles:
    """The roles of a table's columns: the label, and an id and a time where there are any.

    `event` is the label's value that is predicted, where it is not 1, true or yes. All are texts.
    """

    label: str
    id: str | None = None
    time: str | None = None
    event: str | None = None
    ignore: Sequence[str] = field(default=())

    @classmethod
    def of(cls, label: ColumnName, **names: Unpack[RoleNames]) -> "Roles":
        """The roles as a caller names them; whatever is no text becomes one.

        Raises
        ------
        TypeError
            There is no such role.
        """
        ignore = names.pop("ignore", ())
        texts = {role: None if name is None else str(name) for role, name in names.items()}
        ignored = [ignore] if isinstance(ignore, str | int) else ignore
        return cls(str(label), ignore=tuple(map(str, ignored)), **texts)

    @property
    def named(self) -> list[str]:
        """The columns that are no features."""
        names = (self.label, self.id, self.time, *self.ignore)
        return [name for name in names if name is not None]


def read_labels(table: pa.Table, roles: Roles) -> npt.NDArray[np.float64]:
    """1, 0 or NaN (no label) for each row.

    Raises
    ------
    ContractBroken
        A named column is missing, or the label has not two readable values.
    DeclarationError
        One column has two roles.
    """
    _require_apart(roles)
    missing = [name for name in roles.named if name not in table.column_names]
    if missing:
        columns = ", ".join(table.column_names)
        raise ContractBroken(
            [
                column_finding(name, "the column is missing", f"the table has: {columns}")
                for name in missing
            ]
        )
    column = table[roles.label]
    texts = [_text(value) for value in column.to_pylist()]
    values = _values(texts)
    if len(values) > 2:
        texts = [text and text.lower() for text in texts]
        values = _values(texts)
    if len(values) != 2:
        shown = ", ".join(values[:5]) or "nothing"
        detail = f"a label must have two values, this one has {len(values)} ({shown})"
        raise ContractBroken(
            [column_finding(roles.label, detail, "give the column of the outcome as --label")]
        )
    event = _event(values, roles)
    return np.array([np.nan if text is None else float(text == event) for text in texts])


def _require_apart(roles: Roles) -> None:
    """Raises DeclarationError where one column has two roles."""
    named = {"label": roles.label, "id": roles.id, "time": roles.time}
    for name in {name for name in named.values() if name is not None}:
        uses = [use for use, column in named.items() if column == name]
        uses += ["ignore"] * (name in roles.ignore and name == roles.label)
        if len(uses) > 1:
            raise DeclarationError(
                f"column {name} is both {' and '.join(uses)}; give another column for one of them"
            )


def _text(value: object) -> str | None:
    """A value as text; None where it is empty."""
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip() or None


def _values(texts: Sequence[str | None]) -> list[str]:
    return sorted({text for text in texts if text is not None})


def _event(values: Sequence[str], roles: Roles) -> str:
    detail = f"its values are {values[0]!r} and {values[1]!r}"
    if roles.event is None:
        plain = [_plain(value) for value in values]
        for value, this, other in zip(values, plain, reversed(plain), strict=True):
            if this in POSITIVE and other in NEGATIVE:
                return value
    else:
        event = roles.event if roles.event in values else _like(roles.event, values)
        if event is not None:
            return event
        detail = f"no row has the value {roles.event!r}: {detail}"
    raise ContractBroken(
        [
            column_finding(
                roles.label, detail, f"give the value to predict, such as --event {values[0]!r}"
            )
        ]
    )


def _like(event: str, values: Sequence[str]) -> str | None:
    return next((value for value in values if _plain(value) == _plain(event)), None)


def _plain(value: str) -> str:
    """A value for comparisons: a flag is a number, and a number is written in one way.

    Examples
    --------
    >>> _plain(" True "), _plain("1.0"), _plain("Left")
    ('1', '1', 'left')
    """
    text = value.strip().lower()
    try:
        return f"{float(text):g}"
    except ValueError:
        return FLAGS.get(text, text)
