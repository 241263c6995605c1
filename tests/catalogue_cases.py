"""Tables with the columns that each family of the catalogue reads, and the rules of wording.

The rules hold for every sentence that an account's page can show, so whoever declares indicators
tests them here.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from features.declaring.indicator import WHOLE_HISTORY, Indicator
from features.folding.measures import FEWEST_PEERS
from training.explaining.drivers import Meaning
from training.explaining.drivers import sentence as worded
from training.learning.matrix import Feature

HEAD = """
[company]
name = "Somebody"
data_until = 2026-06-01
[accounts]
source = "facts"
key = "account_id"
derived = true
[sources.facts]
path = "facts.parquet"
account = "account_id"
event_time = "day"
[targets.churn]
inactivity = { source = "facts", within = "90d" }
active_within = "180d"
horizon = "90d"
"""

# Facts in the last 28 days, in the spans before that trends compare with, in the same weeks of last
# year, and one that makes the account old enough; of as many accounts as a rank among peers needs.
DAYS = (date(2026, 5, 20), date(2026, 2, 20), date(2025, 6, 1), date(2024, 6, 1))
ACCOUNTS = [f"a{number:02}" for number in range(FEWEST_PEERS)]

ORDER = {
    "amount": 20.0,
    "items": 2,
    "ordered_on": date(2026, 2, 20),
    "product": "p1",
    "returned": False,
    "delivered_late": True,
    "refund_requested": False,
}
USAGE = {
    "active_users": 4,
    "licensed_seats": 10,
    "events": 120,
    "key_feature_events": 12,
    "admin_logins": 1,
    "user_id": "u1",
}
TICKET = {
    "priority": "high",
    "topic": "bug",
    "initiated_by": "customer",
    "resolution_hours": 7.5,
    "first_answer_hours": 0.5,
    "first_contact_resolved": True,
    "reopened": False,
    "escalated": False,
}
PERSON = {
    "role": "champion",
    "change": "left",
    "contact_id": "c1",
    "sponsor_present": True,
    "initiated_by": "customer",
    "held": True,
}
MILESTONE = {
    "milestone": "first value",
    "moment_of_truth": True,
    "reached": True,
    "on_time": False,
    "days_late": 12,
    "achieved_share": 0.8,
    "progress": 0.4,
}
TERM = {
    "renews_on": date(2026, 9, 1),
    "notice_by": date(2026, 6, 1),
    "term_months": 12,
    "seats": 40,
    "mrr": 900.0,
}
TEXTS = (
    "The price is too expensive for us",
    "It crashes, and the export is slow",
    "There is no way to do this: confusing",
    "Still waiting. We have a new manager, who looks at a competitor and asks how to cancel",
)


def _facts(*values: dict[str, Any]) -> list[dict[str, Any]]:
    when = [{"account_id": account, "day": day} for account in ACCOUNTS for day in DAYS]
    return [fact | item for item in values for fact in when]


TABLES: dict[str, list[dict[str, Any]]] = {
    "billing": _facts({"days_late": 3, "amount": 99.0, "disputed": False, "failed": False}),
    "deals": _facts({"won": True, "lost": False, "amount": 500.0}),
    "outcomes": _facts(MILESTONE),
    "relationship": _facts(PERSON, PERSON | {"role": "sponsor", "change": "joined"}),
    "renewal": _facts(TERM),
    "sentiment": _facts(
        *({"kind": kind, "score": 4, "answered": True} for kind in ("nps", "csat", "ces"))
    ),
    "shop": _facts(ORDER),
    "support": _facts(TICKET),
    "usage": _facts(USAGE),
    "voice": _facts(*({"body": text, "initiated_by": "customer"} for text in TEXTS)),
}

COMPARED = r"(, typically .+|\(typically .+\))$"
EXPLAINING = r"\b(because|caus\w+|will|due to|leads? to|guarantee\w*|log-odds|churn\w*)\b"
ONE_SIDED = r"\b(fewer|more|less|only|hardly|rose|fell|drop\w*|increas\w+|decreas\w+)\b"
# The unit's noun is singular after 1, a noun that is written out after {value} stays plural.
WRONG_FOR_ONE = r"\b1 (?!of\b)[\w-]+s\b"
TWICE = r"\b(\w+) \1\b|\bthe last the\b"


def adopting(names: Sequence[str]) -> str:
    """A declaration that adopts `names` with no key but their source; the last table stays open.

    The entry `family.name` is the indicator `my-name`, so that an error names the entry.
    """
    tables = [f'[indicators.{mine(name)}]\nadopt = "{name}"\nsource = "facts"\n' for name in names]
    return HEAD + "".join(tables)


def mine(entry: str) -> str:
    """The indicator that `adopting` makes of an entry."""
    return f"my-{entry.partition('.')[2]}"


def said(indicator: Indicator, sentence: str, *, value: float, usual: float) -> str:
    """The sentence as a page shows it for a window of 90 days."""
    meaning = Meaning("", "outcome", "leading", indicator.unit, sentence, None)
    feature = Feature("it__90d", "it", 90, "number", usual=usual)
    return worded(meaning, feature, value, lowers=True)


def faults(indicator: Indicator) -> list[str]:
    """What the indicator's sentences do wrong, in words; empty when they keep the rules."""
    sentences = {"says": indicator.says, "says_good": indicator.says_good}
    return [
        f"{key}: {fault}: {sentence}"
        for key, sentence in sentences.items()
        if sentence is not None
        for fault in _faults(indicator, sentence)
    ]


def _faults(indicator: Indicator, sentence: str) -> Iterator[str]:
    needed = ["{value}", "{usual}"]
    if indicator.windows or indicator.measure not in WHOLE_HISTORY:
        needed.append("{window}")
    yield from (f"lacks {part}" for part in needed if part not in sentence)
    if re.search(EXPLAINING, sentence, re.IGNORECASE):
        yield "explains"
    if re.search(ONE_SIDED, sentence, re.IGNORECASE):
        yield "asserts a side"
    shown = said(indicator, sentence, value=1, usual=1)
    if not re.search(COMPARED, shown):
        yield "does not end with the usual value"
    if re.search(WRONG_FOR_ONE, shown):
        yield "reads wrong for 1"
    if re.search(TWICE, shown):
        yield "says the same word twice"
    if shown[0].islower() or shown.endswith("."):
        yield "is not written like the others: capital first, no full stop"
