"""The days that a review looks at.

All of them follow from the review's own morning, `as_of`: which outcomes are settled by then, which
churns are in the ledger, and on which mornings the accounts are scored again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from features import clock, snapshots
from features.sources import Tables

# Days before churn at which the ledger looks at an account.
LEADS = (30, 60, 90, 180)

# How far the churns of a review, and its weekly scores, reach back.
PERIOD = timedelta(weeks=26)

WEEK = timedelta(weeks=1)


@dataclass(frozen=True)
class ReviewDates:
    """As-of dates with mature labels, weekly mornings up to `as_of`, and the period of churn days.

    `mature` are the month starts, and whatever else the models were trained or evaluated on; by
    renewal, those of which nineteen in twenty rows are settled.
    `weeks` are the mornings within `PERIOD` of `as_of`.
    `since` is the first morning with `min_history` days of complete tables before it; no month
    start and no weekly morning is earlier. `churned` is half-open.
    """

    as_of: date
    since: date
    mature: Sequence[date]
    weeks: Sequence[date]
    churned: tuple[date, date]

    def before(self, churned: date, lead: int) -> date | None:
        """The morning on which the ledger looks at an account that churned on that day.

        The latest of the weekly grid that lies `lead` days or more before the churn; None where
        that is before `since`.
        """
        latest = churned - timedelta(days=lead)
        weeks_back = -(-(self.as_of - latest) // WEEK)
        morning = self.as_of - weeks_back * WEEK
        return morning if morning >= self.since else None


def review_dates(
    tables: Tables, target: str, as_of: date, model_dates: Iterable[date]
) -> ReviewDates:
    """The days of a review of `target` on a morning; `model_dates` are those of the two models."""
    company = tables.company
    declared = company.targets[target]
    since = snapshots.data_from(tables) + timedelta(days=company.bands.min_history)
    settled = clock.churns_known_until(declared, as_of)
    churned = (max(settled - PERIOD, since), settled)
    days = {*clock.month_starts(since, as_of), *model_dates}
    mature = [day for day in sorted(days) if clock.is_mature(day, declared, as_of)]
    weeks = clock.evenly_spaced(max(since, as_of - PERIOD + WEEK), as_of, WEEK.days)
    return ReviewDates(as_of, since, mature, weeks, churned)
