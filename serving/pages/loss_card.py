"""The expected loss by renewal month, as the list of accounts tells it."""

from dataclasses import dataclass
from datetime import date

from serving.pages import wording
from serving.published.expected_loss import ExpectedLosses
from training.metrics.losses import ExpectedLoss


@dataclass(frozen=True, slots=True)
class LossRow:
    """The accounts that renew in a month, in words."""

    month: str
    accounts: str
    worth: str
    expected: str


@dataclass(frozen=True, slots=True)
class LossCard:
    """What is expected to be lost: one sentence, and a row per renewal month."""

    sentence: str
    rows: tuple[LossRow, ...]


def loss_card(found: ExpectedLosses | None, currency: str) -> LossCard | None:
    """The expected losses in words; None where there are none."""
    if found is None:
        return None
    total = found.total
    sentence = (
        f"Expected to be lost within {wording.counted(found.days, 'day')}: "
        f"{_amount(total, currency)} of {wording.money(total.worth, currency)}"
    )
    rows = [
        LossRow(
            _month(each.month),
            f"{each.loss.accounts:,}",
            wording.money(each.loss.worth, currency),
            _amount(each.loss, currency),
        )
        for each in found.months
    ]
    return LossCard(sentence, tuple(rows))


def _amount(loss: ExpectedLoss, currency: str) -> str:
    """The expected amount with its range, where there are accounts enough for one."""
    expected = loss.expected
    amount = wording.money(expected.value or 0.0, currency)
    if expected.low is None or expected.high is None:
        return amount
    low, high = (wording.money(end, currency) for end in (expected.low, expected.high))
    return f"{amount} ({low} to {high})"


def _month(month: str) -> str:
    return f"{date.fromisoformat(f'{month}-01'):%b %Y}" if month else "No renewal date"
