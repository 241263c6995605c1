"""A score's movement between two dates, as plain data.

`training.movement.accounting` works it out.
"""

from dataclasses import dataclass
from typing import Literal

ChangePart = Literal["behaviour", "data"]


@dataclass(frozen=True, slots=True)
class Change:
    """One indicator that changed: its value before and after, and its part in the movement.

    The value is that of the window whose change weighs most on the indicator's own side; `window`
    is in days, `None` for the whole history. `part` is "data" where the indicator was known on
    one of the two dates only.
    """

    indicator: str
    title: str
    dimension: str
    kind: str
    old: float | str | None
    new: float | str | None
    window: int | None
    unit: str
    part: ChangePart
    health_points: float


@dataclass(frozen=True, slots=True)
class Movement:
    """One account's movement in unclipped health points.

    `new_score - old_score` is `behaviour + data + model + definition` to 1e-9, and so are
    `behaviour` and `data` the sums of their `changes`, which are in order of their size.
    """

    old_score: float
    new_score: float
    behaviour: float
    data: float
    model: float
    definition: float
    changes: tuple[Change, ...]
