"""The oracle's labels and eligibility against dates worked out by hand."""

from datetime import UTC, date, datetime

import pytest

from outcome_oracle import (
    active_at,
    churn_dates,
    eligible_inactive,
    inactivity_label,
    is_mature,
    subscription_label,
)

AS_OF = date(2024, 3, 1)  # a leap year: the day before is 29 February


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# Gap 7 and horizon 28 days: the label asks for [8 March, 5 April).
@pytest.mark.parametrize(
    ("events", "inactive"),
    [
        ([], True),
        ([date(2024, 2, 29)], True),
        ([at("2024-03-07T23:59:59")], True),  # activity in the gap does not count
        ([date(2024, 3, 8)], False),  # the first moment
        ([at("2024-04-04T23:59:59")], False),  # the last second
        ([date(2024, 4, 5)], True),  # a moment too late
        ([date(2024, 3, 7), date(2024, 3, 20), date(2024, 4, 5)], False),
    ],
)
def test_inactivity_label(events: list[date], inactive: bool) -> None:
    assert inactivity_label(events, AS_OF, 7, 28) is inactive


def test_inactivity_label_is_null_until_mature() -> None:
    assert inactivity_label([], AS_OF, 7, 28, data_until=date(2024, 4, 4)) is None
    assert inactivity_label([], AS_OF, 7, 28, data_until=date(2024, 4, 5)) is True


# Active within 30 days: [31 January, 1 March).
@pytest.mark.parametrize(
    ("event", "known", "eligible"),
    [
        ("2024-01-31T00:00:00", "2024-01-31T00:00:00", True),
        ("2024-01-30T23:59:59", "2024-01-31T00:00:00", False),
        ("2024-02-29T23:59:59", "2024-02-29T23:59:59", True),
        ("2024-02-29T12:00:00", "2024-03-01T00:00:00", False),  # known exactly at as_of
        ("2024-03-01T00:00:00", "2024-02-20T00:00:00", False),  # known ahead, happens at as_of
    ],
)
def test_eligible_inactive(event: str, known: str, eligible: bool) -> None:
    assert eligible_inactive([(at(event), at(known))], AS_OF, 30) is eligible


def test_eligible_inactive_takes_one_good_event_of_several() -> None:
    assert not eligible_inactive([], AS_OF, 30)
    late = (at("2024-02-20"), at("2024-03-02"))
    old = (at("2024-01-01"), at("2024-01-01"))
    assert not eligible_inactive([late, old], AS_OF, 30)
    assert eligible_inactive([late, old, (at("2024-02-01"), at("2024-02-02"))], AS_OF, 30)


BEGUN = date(2023, 1, 1)
OPEN = (BEGUN, None)


def ended(day: str) -> tuple[date, date]:
    return (BEGUN, date.fromisoformat(day))


@pytest.mark.parametrize(
    ("subscriptions", "active"),
    [
        ([], False),
        ([OPEN], True),
        ([(date(2024, 2, 29), None)], True),
        ([(date(2024, 3, 1), None)], False),  # starts on as_of
        ([ended("2024-02-29")], False),
        ([ended("2024-03-01")], True),  # ends on as_of: still active the day before
        ([ended("2024-02-01"), (date(2024, 2, 10), None)], True),
    ],
)
def test_active_at(subscriptions: list[tuple[date, date | None]], active: bool) -> None:
    assert active_at(subscriptions, AS_OF) is active


@pytest.mark.parametrize(
    ("subscriptions", "expected"),
    [
        ([OPEN], []),
        ([ended("2024-03-10")], ["2024-03-10"]),
        # a plan change on the day, within the grace of 5 days, on its last day, and too late
        ([ended("2024-03-10"), (date(2024, 3, 10), None)], []),
        ([ended("2024-03-10"), (date(2024, 3, 14), None)], []),
        ([ended("2024-03-10"), (date(2024, 3, 15), None)], []),
        ([ended("2024-03-10"), (date(2024, 3, 16), None)], ["2024-03-10"]),
        # one of two parallel subscriptions ends
        ([ended("2024-03-10"), OPEN], []),
        # the second ends later, and that is when the account churns
        ([ended("2024-03-10"), ended("2024-04-20")], ["2024-04-20"]),
        # both end together: neither outlives the other
        ([ended("2024-03-10"), (date(2024, 1, 1), date(2024, 3, 10))], ["2024-03-10"] * 2),
        # churned twice
        (
            [ended("2024-01-10"), (date(2024, 2, 1), date(2024, 3, 10))],
            ["2024-01-10", "2024-03-10"],
        ),
    ],
)
def test_churn_dates(subscriptions: list[tuple[date, date | None]], expected: list[str]) -> None:
    assert churn_dates(subscriptions, 5) == [at(day) for day in expected]


# Gap 7, horizon 28, grace 5: the gap is [1 March, 8 March), the label asks for [8 March, 5 April).
@pytest.mark.parametrize(
    ("subscriptions", "churned"),
    [
        ([OPEN], False),
        ([ended("2024-02-29")], None),  # not active at as_of
        ([(date(2024, 3, 1), None)], None),
        ([ended("2024-03-01")], None),  # churns in the gap, on its first day
        ([ended("2024-03-07")], None),  # and on its last
        ([ended("2024-03-08")], True),
        ([ended("2024-04-04")], True),
        ([ended("2024-04-05")], False),
        # renewed within grace, renewed too late, renewed and then lost in the window
        ([ended("2024-03-10"), (date(2024, 3, 15), None)], False),
        ([ended("2024-03-10"), (date(2024, 3, 16), None)], True),
        ([ended("2024-03-10"), (date(2024, 3, 12), date(2024, 3, 30))], True),
        # ends in the gap but carries on; then it may churn in the window
        ([ended("2024-03-03"), (date(2024, 3, 5), None)], False),
        ([ended("2024-03-03"), (date(2024, 3, 5), date(2024, 3, 30))], True),
        # churns in the gap, comes back and churns again: left out all the same
        ([ended("2024-03-02"), (date(2024, 3, 10), date(2024, 3, 30))], None),
        # one of two parallel subscriptions ends
        ([ended("2024-03-10"), OPEN], False),
        # an old churn is over and done with
        ([(date(2022, 1, 1), date(2022, 6, 1)), OPEN], False),
    ],
)
def test_subscription_label(
    subscriptions: list[tuple[date, date | None]], churned: bool | None
) -> None:
    assert subscription_label(subscriptions, AS_OF, 7, 28, 5) is churned


def test_subscription_label_without_a_gap_sees_an_end_on_as_of() -> None:
    assert subscription_label([ended("2024-03-01")], AS_OF, 0, 28, 5) is True


def test_subscription_label_is_null_until_mature() -> None:
    # 1 March + 7 + 28 + 5 days is 10 April
    early, ripe = date(2024, 4, 9), date(2024, 4, 10)
    lost = [ended("2024-03-10")]
    assert subscription_label(lost, AS_OF, 7, 28, 5, data_until=early) is None
    assert subscription_label(lost, AS_OF, 7, 28, 5, data_until=ripe) is True
    assert not is_mature(AS_OF, 7, 28, 5, early)
    assert is_mature(AS_OF, 7, 28, 5, ripe)
