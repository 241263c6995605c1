"""How often a band changes from week to week, and how many of the changes are announced.

A change is a band that differs from that of the week before, both scored. A flap is a change that
is taken back within `BACK` weeks: the account is in the band again that it had left. Announced
bands follow the rule of `training.hysteresis`; the price of that rule is how often an announcement
comes a week later than the change.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from training import hysteresis
from training.calibrating.bands import UNSCORED, Codes, band_codes
from training.review.by_model import ByModel
from training.review.review_data import ReviewData

Floats = npt.NDArray[np.float64]

BACK = 4
HUNDRED = 100


@dataclass(frozen=True)
class Changes:
    """Changes and flaps in so many pairs of weeks in which an account was scored.

    The two per 100 account-weeks are None where there is none.
    """

    account_weeks: int
    changes: int
    flaps: int
    changes_per_100: float | None
    flaps_per_100: float | None


@dataclass(frozen=True)
class BandChanges:
    """The changes of the band itself, and those that are announced.

    `a_week_late` counts the announced changes that the band had shown the week before, and
    `delay_weeks` is their share: the mean delay, None without an announcement.
    """

    band: Changes
    announced: Changes
    a_week_late: int
    delay_weeks: float | None


@dataclass(frozen=True)
class Flaps:
    """Band changes of either model over the weekly scores from `since` to `until`."""

    weeks: int
    since: date
    until: date
    margin: float
    taken_back_within_weeks: int
    models: ByModel[BandChanges]


def flaps(data: ReviewData) -> Flaps:
    """Changes and flaps of either model, with hysteresis and without."""
    weekly = data.weekly
    return Flaps(
        weeks=len(weekly.weeks),
        since=weekly.weeks[0],
        until=weekly.weeks[-1],
        margin=hysteresis.MARGIN,
        taken_back_within_weeks=BACK,
        models=ByModel(*map(band_changes, weekly.health)),
    )


def band_changes(health: Floats) -> BandChanges:
    """The same of one model's weekly health scores (accounts × weeks), NaN where unscored."""
    shown, announced = band_codes(health), hysteresis.announced(health)
    late = int((_changed(announced) & (shown[:, :-1] == announced[:, 1:])).sum())
    changes = count_changes(announced)
    delay = late / changes.changes if changes.changes else None
    return BandChanges(count_changes(shown), changes, late, delay)


def count_changes(codes: Codes) -> Changes:
    """Changes and flaps in weekly bands (accounts × weeks)."""
    pairs = int(_scored_in_both(codes).sum())
    changes, flapped = int(_changed(codes).sum()), int(_flapped(codes).sum())
    return Changes(
        account_weeks=pairs,
        changes=changes,
        flaps=flapped,
        changes_per_100=HUNDRED * changes / pairs if pairs else None,
        flaps_per_100=HUNDRED * flapped / pairs if pairs else None,
    )


def _scored_in_both(codes: Codes) -> npt.NDArray[np.bool_]:
    """Whether an account is scored in a week and in the next one (accounts × weeks − 1)."""
    scored = codes != UNSCORED
    both: npt.NDArray[np.bool_] = scored[:, :-1] & scored[:, 1:]
    return both


def _changed(codes: Codes) -> npt.NDArray[np.bool_]:
    """Whether the band changes from each week to the next (accounts × weeks − 1)."""
    changed: npt.NDArray[np.bool_] = (codes[:, 1:] != codes[:, :-1]) & _scored_in_both(codes)
    return changed


def _flapped(codes: Codes) -> npt.NDArray[np.bool_]:
    """Whether a change is taken back in time (accounts × weeks − 1)."""
    changed = _changed(codes)
    taken_back = np.zeros_like(changed)
    weeks = codes.shape[1]
    for change in range(weeks - 1):
        for later in range(change + 2, min(change + 2 + BACK, weeks)):
            taken_back[:, change] |= changed[:, change] & (codes[:, later] == codes[:, change])
    return taken_back
