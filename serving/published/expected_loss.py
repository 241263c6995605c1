"""Expected loss by renewal month: chance of leaving within the forecast's days × what is paid.

Of accounts whose contract runs and whose worth is known: by their contracts' amounts where the
declaration names these, else by the monthly revenue of the account table.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from features.plurals import counted
from serving.published.edition import Edition
from training.metrics import losses
from training.metrics.losses import ExpectedLoss, LossOnDate

Floats = npt.NDArray[np.float64]
# The month of accounts whose renewal date is not known.
UNKNOWN = ""


@dataclass(frozen=True)
class MonthLoss:
    """The expected loss of the accounts that renew in a month, such as `2026-07`."""

    month: str
    loss: ExpectedLoss


@dataclass(frozen=True)
class ExpectedLosses:
    """What is expected to be lost within `days` of `as_of`: in all, and by renewal month."""

    as_of: date
    days: int
    total: ExpectedLoss
    months: tuple[MonthLoss, ...]


def expected_losses(edition: Edition, notice: int) -> ExpectedLosses | None:
    """The expected losses of an edition, whose decisions are `notice` days before the renewals.

    None where it has no forecast, or where no account's worth is known.
    """
    days = edition.forecast_days
    if days is None:
        return None
    chances, amounts = _numbers(edition, "forecast_probability"), _amounts(edition)
    total = losses.of(chances, amounts)
    if not total.accounts:
        return None
    months = _months(edition, notice)
    asked = sorted(set(months[~np.isnan(chances)]), key=lambda month: (month == UNKNOWN, month))
    of_months = [
        MonthLoss(month, losses.of(chances[months == month], amounts[months == month]))
        for month in asked
    ]
    there = tuple(month for month in of_months if month.loss.accounts)
    return ExpectedLosses(edition.run.as_of, days, total, there)


def lines(target: str, found: ExpectedLosses, tested: Sequence[LossOnDate]) -> Iterator[str]:
    """The expected loss for a terminal: in all, by renewal month, and on past dates."""
    yield f"{target}: within {found.days} days of {found.as_of}, {_said(found.total)}"
    for each in found.months:
        when = f"renewing in {each.month}" if each.month else "without a renewal date"
        yield f"  {when}: {_said(each.loss)}"
    for past in tested:
        yield f"  on {past.as_of}, {_said(past.loss)}; {past.lost:,.0f} was lost"


def _said(loss: ExpectedLoss) -> str:
    expected = loss.expected
    between = "" if expected.low is None else f" ({expected.low:,.0f} to {expected.high:,.0f})"
    return (
        f"{expected.value:,.0f}{between} of {loss.worth:,.0f} expected to be lost, "
        f"{counted(loss.accounts, 'account')}"
    )


def _numbers(edition: Edition, column: str) -> Floats:
    return np.asarray(pc.fill_null(edition.column(column), np.nan).to_numpy(), np.float64)


def _amounts(edition: Edition) -> Floats:
    name = f"amount__{edition.target}"
    if name in edition.features.column_names:
        return np.asarray(edition.features[name].to_numpy(), np.float64)
    return _numbers(edition, "mrr")


def _months(edition: Edition, notice: int) -> npt.NDArray[np.str_]:
    """The month in which each account renews next."""
    decided = edition.features[f"decision__{edition.target}"].to_pylist()
    ahead = timedelta(days=notice)
    return np.array([UNKNOWN if day is None else f"{day + ahead:%Y-%m}" for day in decided])
