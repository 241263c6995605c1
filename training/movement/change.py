"""A score's movement between two dates, as plain data.

`training.movement.accounting` works it out.
"""

from dataclasses import dataclass
from datetime import date
from typing import Literal

# The parts of a movement that consist of changes of indicators (`training.movement.causes`).
ChangePart = Literal["behaviour", "calendar", "windows", "data"]
CHANGE_PARTS: tuple[ChangePart, ...] = ("behaviour", "calendar", "windows", "data")


@dataclass(frozen=True, slots=True)
class Change:
    """One indicator that changed: its value before and after, and its part in the movement.

    The value is that of the window whose change weighs most on the indicator's own side; `window`
    is in days, `None` for the whole history. `still` is the value that it would have, had nothing
    become known since the old date, and `last_fact` the day of its last fact known by then: both
    are `None` where that was not worked out.
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
    still: float | str | None = None
    last_fact: date | None = None


@dataclass(frozen=True, slots=True)
class Movement:
    """One account's movement in unclipped health points.

    `new_score - old_score` is the sum of the six parts to 1e-9; the first four are the sums of
    their `changes`, which are in order of their size.
    """

    old_score: float
    new_score: float
    behaviour: float
    calendar: float
    windows: float
    data: float
    model: float
    definition: float
    changes: tuple[Change, ...]
