"""Bands: the four lights of a health score, and who gets one at all.

It holds the rule (red below 40, green from 70), the words, shapes and colours that people see,
and what keeps an account from being scored. Scores, reviews, reports, pages and files all ask
here; the badges' style sheet is `static/bands.css` beside this module.
"""

from bisect import bisect_right
from enum import IntEnum
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int8]

Band = Literal["red", "yellow", "green", "unscored"]

RED_BELOW = 40.0
GREEN_FROM = 70.0
# Where the second and the third band begin.
EDGES = (RED_BELOW, GREEN_FROM)

# Arrays hold a band by its place here; a score's is the number of edges that it reaches.
BANDS: tuple[Band, ...] = get_args(Band)
RED, YELLOW, GREEN, UNSCORED = range(len(BANDS))

BAND_WORDS: dict[Band, str] = {
    "red": "At risk",
    "yellow": "Watch",
    "green": "Healthy",
    "unscored": "Not scored",
}
# Outlines of SVG paths within 12 x 12, so that a band can be recognised without its colour.
BAND_SHAPES: dict[Band, str] = {
    "red": "M6 0l6 6-6 6-6-6z",
    "yellow": "M6 .8L12 11.4H0z",
    "green": "M6 .6a5.4 5.4 0 1 0 .01 0z",
    "unscored": "M1 4.8h10v2.4H1z",
}
# What is drawn on white; the style sheet's are the same, or darker where letters need it.
BAND_COLOURS: dict[Band, str] = {
    "red": "#a01028",
    "yellow": "#9a6700",
    "green": "#0f5f2c",
    "unscored": "#454d57",
}
STATIC = Path(__file__).parent / "static"


def band_of(health_score: float) -> Band:
    """The band of a health score (clipped or not): it begins at the last edge that is reached."""
    return BANDS[bisect_right(EDGES, health_score)]


def band_codes(health: Floats) -> Codes:
    """Places in `BANDS` of health scores (clipped or not) of any shape, NaN where unscored."""
    codes = np.searchsorted(EDGES, health, side="right")
    return np.where(np.isnan(health), UNSCORED, codes).astype(np.int8)


class Obstacle(IntEnum):
    """The reasons for which an account is not scored.

    That of its renewal comes first, then the others in this order.
    """

    NONE = 0
    INACTIVE = 1
    TOO_NEW = 2
    NOTHING_KNOWN = 3
    DECIDED_SOON = 4
    PENDING = 5
    OVERDUE = 6
    LEAVING = 7
    FAR_OFF = 8
    NO_RENEWAL = 9


# By renewal, the obstacle that a row's state is; without a contract an account is inactive.
OF_STATE = {
    "in the gap": Obstacle.DECIDED_SOON,
    "pending": Obstacle.PENDING,
    "overdue": Obstacle.OVERDUE,
    "leaving": Obstacle.LEAVING,
    "beyond at_most": Obstacle.FAR_OFF,
    "no renewal date": Obstacle.NO_RENEWAL,
}


def obstacles(rows: pa.Table, target: str, min_history_days: int, known_share: Floats) -> Codes:
    """Per snapshot row the `Obstacle` to a score.

    Parameters
    ----------
    rows : pyarrow.Table
        Snapshot rows with history_days and `eligible__TARGET`; by renewal also `state__TARGET`.
    target : str
        The target that is scored.
    min_history_days : int
        How much history the model asks for.
    known_share : array of shape (rows,)
        The share of the model's indicators that are known.
    """
    codes = np.full(rows.num_rows, Obstacle.NONE, dtype=np.int8)
    codes[known_share <= 0] = Obstacle.NOTHING_KNOWN
    codes[rows["history_days"].to_numpy() < min_history_days] = Obstacle.TOO_NEW
    codes[~rows[f"eligible__{target}"].to_numpy()] = Obstacle.INACTIVE
    if f"state__{target}" in rows.column_names:
        state = rows[f"state__{target}"].to_numpy()
        for name, obstacle in OF_STATE.items():
            codes[state == name] = obstacle
    return codes
