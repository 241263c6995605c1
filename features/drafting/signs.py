"""On which side a table's facts are healthy, and how sure their name makes us of it."""

from dataclasses import dataclass

from features.drafting.ends import is_loss
from features.drafting.words import BAD, BUSINESS, GOOD, RELATION, WORK, name_words


@dataclass(frozen=True)
class Sign:
    """`is_bad` where fewer facts are healthier; `doubt` is what to decide, empty where sure."""

    is_bad: bool
    doubt: str = ""


def of_table(name: str, *, is_silence: bool = False) -> Sign:
    """The sign of the facts in the table `name`.

    `is_silence` says that their silence is the target, so that many of them are healthy.
    """
    words = name_words(name)
    if words & BAD:
        told = "it tells of leaving itself; is it known before the customer is gone?"
        return Sign(is_bad=True, doubt=told if is_loss(name) else "")
    if is_silence or words & (GOOD | BUSINESS):
        return Sign(is_bad=False)
    return Sign(
        is_bad=False,
        doubt=f"the name {name} does not tell whether more of them are healthy",
    )


def dimension(name: str, *, has_contracts: bool) -> str:
    """The dimension of health that the facts in the table `name` belong to."""
    words = name_words(name)
    if words & (BAD | RELATION):
        return "relationship"
    return "business" if words & BUSINESS or not has_contracts else "outcome"


def is_our_work(name: str) -> bool:
    """Whether the facts are what we did ourselves, which says nothing of the customer."""
    return bool(name_words(name) & WORK)
