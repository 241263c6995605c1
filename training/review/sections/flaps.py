"""How often a band changes from week to week, and how much of that is announced.

A change is a band that differs from that of the week before, both scored. A flap is a change that
is taken back within `BACK` weeks: the account stands in the band that it had left. Announced
bands follow the rule of `training.hysteresis`; what that rule costs is how often it speaks a week
later than the light.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from training import hysteresis
from training.calibrating.bands import UNSCORED, Codes, band_codes
from training.review.ground import Ground

Floats = npt.NDArray[np.float64]

BACK = 4
HUNDRED = 100


def measured(ground: Ground) -> dict[str, Any]:
    """Changes and flaps of either model, with hysteresis and without, as JSON values."""
    weekly = ground.weekly
    return {
        "weeks": len(weekly.weeks),
        "from": str(weekly.weeks[0]),
        "until": str(weekly.weeks[-1]),
        "margin": hysteresis.MARGIN,
        "taken_back_within_weeks": BACK,
        "champion": of_scores(weekly.champion),
        "challenger": of_scores(weekly.challenger),
    }


def of_scores(health: Floats) -> dict[str, Any]:
    """The same of one model's weekly health scores (accounts × weeks), NaN where unscored."""
    light, told = band_codes(health), hysteresis.announced(health)
    announced, late = counted(told), _late(health, told)
    delay = late / announced["changes"] if announced["changes"] else None
    return {
        "light": counted(light),
        "announced": announced | {"a_week_late": late, "delay_weeks": delay},
    }


def counted(codes: Codes) -> dict[str, Any]:
    """Changes and flaps in weekly bands (accounts × weeks), also per 100 account-weeks."""
    pairs = int(_both(codes, 1).sum())
    changes, flaps = int(_changed(codes).sum()), int(_flapped(codes).sum())
    return {
        "account_weeks": pairs,
        "changes": changes,
        "flaps": flaps,
        "changes_per_100": HUNDRED * changes / pairs if pairs else None,
        "flaps_per_100": HUNDRED * flaps / pairs if pairs else None,
    }


def _both(codes: Codes, apart: int) -> npt.NDArray[np.bool_]:
    """Whether an account is scored in a week and so many weeks later."""
    known = codes != UNSCORED
    found: npt.NDArray[np.bool_] = known[:, :-apart] & known[:, apart:]
    return found


def _changed(codes: Codes) -> npt.NDArray[np.bool_]:
    """Whether the band changes from each week to the next (accounts × weeks − 1)."""
    found: npt.NDArray[np.bool_] = (codes[:, 1:] != codes[:, :-1]) & _both(codes, 1)
    return found


def _flapped(codes: Codes) -> npt.NDArray[np.bool_]:
    """Whether a change is taken back in time (accounts × weeks − 1)."""
    changed = _changed(codes)
    found = np.zeros_like(changed)
    weeks = codes.shape[1]
    for change in range(weeks - 1):
        for later in range(change + 2, min(change + 2 + BACK, weeks)):
            found[:, change] |= changed[:, change] & (codes[:, later] == codes[:, change])
    return found


def _late(health: Floats, told: Codes) -> int:
    """How many announced changes the light had shown the week before."""
    changed = _changed(told)
    light = band_codes(health)
    return int((changed & (light[:, :-1] == told[:, 1:])).sum())
