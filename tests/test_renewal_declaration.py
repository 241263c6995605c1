"""What a declaration says of the next renewal: its keys, their defaults, and what is refused."""

import pytest

from declared_terms import COUNT_OF_TERMS
from features.declaring.declaration import parse
from features.declaring.definitions import definitions
from features.declaring.target import Target
from features.errors import DeclarationError

TEXT = (
    """
[company]
name = "Terms"
[accounts]
source = "accounts"
key = "account_id"
attributes = { since = "since", renewal = "renewal_date" }
[sources.accounts]
path = "accounts.csv"
account = "account_id"
event_time = "since"
[sources.terms]
path = "terms.csv"
account = "account_id"
event_time = "starts"
"""
    + COUNT_OF_TERMS
    + """
[targets.churn]
gap = "7d"
"""
)
BY_RENEWAL = 'horizon = "next renewal"\n'
EVENT = 'event = { source = "terms", ended = "ends", renews = "renews_on" }\n'


def churn(keys: str) -> Target:
    return parse(TEXT + keys).targets["churn"]


def test_a_window_by_renewal_covers_90_days_unless_told_otherwise() -> None:
    target = churn(EVENT + BY_RENEWAL)
    assert (target.by_renewal, target.horizon_days, target.notice) == (True, 90, None)
    assert churn(EVENT + BY_RENEWAL + 'at_least = "30d"').horizon_days == 30


def test_the_earliest_outcome_settles_after_the_least_window() -> None:
    grace = EVENT.replace("renews =", 'grace = "14d", renews =')
    assert churn(grace + BY_RENEWAL + 'at_least = "30d"').days_to_settle == 7 + 30 + 14


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        (EVENT + 'horizon = "90d"', "event.renews has no effect with a horizon of days"),
        (
            'event = { source = "terms", ended = "ends" }\nhorizon = "90d"\nnotice = "30d"',
            "notice has no effect with a horizon of days",
        ),
        ('event = { source = "terms", ended = "ends" }\n' + BY_RENEWAL, "no renewal dates"),
        (
            'inactivity = { source = "terms", within = "90d" }\nactive_within = "90d"\n'
            + BY_RENEWAL,
            "an inactivity target asks for silence over its whole horizon",
        ),
        (EVENT + BY_RENEWAL + "adverse = false", "the next renewal is asked of a loss"),
        (EVENT + BY_RENEWAL + 'at_most = "7d"', "at_most leaves nothing to score"),
        (EVENT + 'horizon = "renewal"', 'write "next renewal", or whole days'),
        (EVENT.replace('"terms"', '"accounts"') + BY_RENEWAL, "today's renewal date"),
    ],
)
def test_what_cannot_be_meant_is_refused(keys: str, told: str) -> None:
    with pytest.raises(DeclarationError, match=told):
        churn(keys)


def test_a_horizon_of_days_is_hashed_as_before_the_keys_existed() -> None:
    fixed = 'event = { source = "terms", ended = "ends" }\nhorizon = "90d"\n'
    dumped = churn(fixed).model_dump(mode="json", by_alias=True)
    assert not dumped.keys() & {"at_least", "at_most", "notice", "forecast"}
    assert not dumped["event"].keys() & {"renews", "contract", "amount"}
    by_renewal = parse(TEXT + EVENT + BY_RENEWAL)
    digests = {
        definitions(parse(TEXT + EVENT + BY_RENEWAL + more), "churn")["targets.churn"]
        for more in (
            "",
            'notice = "30d"',
            'at_most = "400d"',
            'at_least = "30d"',
            'forecast = "60d"',
        )
    }
    assert len(digests) == 5
    assert definitions(by_renewal, "churn")["targets.churn"] in digests
