"""The label of a table that is not ours: which column is it, and which of its values happened.

Spaces around a value say nothing, nor does an empty text, nor capital letters where they would
make a third value. The event is what is written 1, true or yes, unless another is named.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from features.errors import ContractBroken, DeclarationError
from training.tables.plain_table import column_finding

POSITIVE = {"1", "yes", "y", "t"}
NEGATIVE = {"0", "-1", "no", "n", "f"}
FLAGS = {"true": "1", "false": "0"}


@dataclass(frozen=True)
class Roles:
    """What the columns of a table are for: the label, an id and a time where there are some.

    `event` is the label's value that is predicted, where it is not 1, true or yes. All are texts;
    what else a caller gives is taken as it is written.
    """

    label: str
    id: str | None = None
    time: str | None = None
    event: str | None = None
    ignore: Collection[str] = field(default=())

    def __post_init__(self) -> None:
        for name in ("label", "id", "time", "event"):
            if (given := getattr(self, name)) is not None:
                object.__setattr__(self, name, str(given))
        ignore = (self.ignore,) if isinstance(self.ignore, str | int) else self.ignore
        object.__setattr__(self, "ignore", tuple(str(item) for item in ignore))

    @property
    def named(self) -> list[str]:
        """The columns that are no features."""
        return [item for item in (self.label, self.id, self.time, *self.ignore) if item is not None]


def read_labels(table: pa.Table, roles: Roles) -> npt.NDArray[np.float64]:
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
            [
                column_finding(name, "the column is missing", f"the table has: {known}")
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
        detail = f"a label needs two values, this one has {len(values)} ({shown})"
        raise ContractBroken(
            [column_finding(roles.label, detail, "name the column of the outcome")]
        )
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
    """A value as it is written; None where it is unknown."""
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
        low = [_plain(value) for value in values]
        for value, one, other in zip(values, low, reversed(low), strict=True):
            if one in POSITIVE and other in NEGATIVE:
                return value
    else:
        found = roles.event if roles.event in values else _like(roles.event, values)
        if found is not None:
            return found
        detail = f"no row has the value {roles.event!r}: {detail}"
    raise ContractBroken(
        [column_finding(roles.label, detail, f"say which one is predicted: --event {values[0]!r}")]
    )


def _like(event: str, values: Sequence[str]) -> str | None:
    return next((value for value in values if _plain(value) == _plain(event)), None)


def _plain(value: str) -> str:
    """A value as it is compared: a flag is a number, and a number is written in one way."""
    text = value.strip().lower()
    try:
        return f"{float(text):g}"
    except ValueError:
        return FLAGS.get(text, text)
