"""The expected loss as the API sends it: in all, by renewal month, and the back-test."""

from typing_extensions import TypedDict

from serving.published.expected_loss import ExpectedLosses
from training.metrics.losses import ExpectedLoss, LossOnDate


class Loss(TypedDict):
    """Of so many accounts that pay so much together, what is expected to be lost.

    In 95 of 100 draws, which resample the accounts and let each leave by its chance, what is lost
    lies between `low` and `high`; both are null with fewer than two accounts.
    """

    accounts: int
    worth: float
    expected: float
    low: float | None
    high: float | None


class MonthlyLoss(Loss):
    """The same of the accounts that renew in one month; null where no renewal date is known."""

    renewal_month: str | None


class TestedLoss(Loss):
    """What was expected on a past date by a model of what was known then, and what was lost."""

    as_of: str
    lost: float


class ExpectedLossPage(TypedDict):
    """What is expected to be lost within `days` of `as_of`.

    The sum of chance × what is paid: by the contracts' amounts where the declaration names these,
    else by the monthly revenue of the account table. `months` are those in which the accounts renew
    next; `back_test` are the test dates of the forecast's training, latest first, empty where
    another model than the promoted one made these scores.
    """

    target: str
    as_of: str
    days: int
    currency: str | None
    total: Loss
    months: list[MonthlyLoss]
    back_test: list[TestedLoss]


def of(loss: ExpectedLoss) -> Loss:
    """The message of one expected loss."""
    expected = loss.expected
    return {
        "accounts": loss.accounts,
        "worth": loss.worth,
        "expected": expected.value or 0.0,
        "low": expected.low,
        "high": expected.high,
    }


def months(found: ExpectedLosses) -> list[MonthlyLoss]:
    """The messages of the months, in order; that without a date last."""
    return [{**of(each.loss), "renewal_month": each.month or None} for each in found.months]


def tested(dates: tuple[LossOnDate, ...]) -> list[TestedLoss]:
    """The messages of a back-test."""
    return [{**of(each.loss), "as_of": each.as_of, "lost": each.lost} for each in dates]
