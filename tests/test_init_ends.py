"""`init` finds the end of the contract among all columns and tables that could say it."""

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from drafted_folder import (
    ACCOUNTS,
    FIRST,
    KEYS,
    LEFT,
    account_columns,
    comments_above,
    drafted,
    login_columns,
)
from features.declaring.mistakes import DECLARATION_FILE
from features.errors import DeclarationError

TRIAL_ENDS = [FIRST + timedelta(days=30)] * 30 + [None] * 10
ASKED = [None if day is None else day - timedelta(days=20) for day in LEFT]
FIRST_YEAR = "20 churned accounts (10 in 2023, 10 in 2024)"


def subscriptions(**ends: Sequence[object]) -> dict[str, Sequence[object]]:
    return {
        "subscription_id": [f"s{number}" for number in range(ACCOUNTS)],
        "account_id": KEYS,
        "started_on": [FIRST] * ACCOUNTS,
        **ends,
    }


def test_the_end_of_the_contract_is_not_that_of_a_trial(tmp_path: Path) -> None:
    table = subscriptions(
        trial_end=TRIAL_ENDS,
        current_period_end=[date(2025, 1, 15)] * ACCOUNTS,
        canceled_at=ASKED,
        ended_at=LEFT,
    )
    company, text = drafted(
        tmp_path,
        {"accounts": account_columns(), "logins": login_columns(), "subscriptions": table},
    )
    event = company.targets["churn"].event
    assert event is not None
    assert (event.source, event.ended) == ("subscriptions", "ended_at")
    said = comments_above(text, "targets.churn")
    assert said[0] == (
        "guessed: subscriptions.csv, ended_at says when contracts end; grace of 30d allows for "
        f"late renewals: {FIRST_YEAR}"
    )
    assert said[1] == (
        "instead: subscriptions.csv, canceled_at: says when leaving was asked for (notice), which "
        f"may be taken back; it would give {FIRST_YEAR}"
    )
    assert (
        "not taken: subscriptions.csv, trial_end: “trial”: it is the end of a trial; it would "
        "give 30 churned accounts (30 in 2023)" in said
    )


@pytest.mark.parametrize(
    "column",
    "churn_date churned_on ended_at end_date termination_date terminated_at deactivated_at left_on "
    "lost_date offboarded_on inactive_since valid_to unsubscribed_at expired_at cancel_date "
    "cancellation_date canceled_at enddate".split(),
)
def test_an_end_is_known_by_its_name(tmp_path: Path, column: str) -> None:
    tables = {"accounts": account_columns(), "logins": login_columns()}
    company, _ = drafted(
        tmp_path / "own", tables | {"accounts": account_columns() | {column: LEFT}}
    )
    event = company.targets["churn"].event
    assert event is not None
    assert (event.source, event.ended) == ("accounts", column)
    company, _ = drafted(
        tmp_path / "other", tables | {"subscriptions": subscriptions(**{column: LEFT})}
    )
    event = company.targets["churn"].event
    assert event is not None
    assert (event.source, event.ended) == ("subscriptions", column)


@pytest.mark.parametrize(
    "column",
    "trial_ended_at current_period_end term_end_date promo_expired_at next_billing_end "
    "card_expires_on renewal_due_until invoice_due_until last_session_ended_at paid_to "
    "planned_end_date".split(),
)
@pytest.mark.parametrize("place", ["accounts", "subscriptions"])
def test_other_ends_end_no_contract(tmp_path: Path, column: str, place: str) -> None:
    tables = {
        "accounts": account_columns(),
        "logins": login_columns(),
        "subscriptions": subscriptions(),
    }
    tables[place] = tables[place] | {column: LEFT}
    company, text = drafted(tmp_path, tables)
    inactivity = company.targets["churn"].inactivity
    assert inactivity is not None
    assert inactivity.source == "logins"
    if column != "paid_to":
        assert any(
            line.startswith(f"not taken: {place}.csv, {column}: ")
            for line in comments_above(text, "targets.churn")
        )


def test_a_request_comes_after_an_end_of_another_table(tmp_path: Path) -> None:
    tables = {
        "accounts": account_columns() | {"churned_on": LEFT},
        "logins": login_columns(),
        "subscriptions": subscriptions(cancelled_at=ASKED),
    }
    company, text = drafted(tmp_path, tables)
    event = company.targets["churn"].event
    assert event is not None
    assert (event.source, event.ended) == ("accounts", "churned_on")
    assert any(
        line.startswith("instead: subscriptions.csv, cancelled_at: says when leaving was asked for")
        for line in comments_above(text, "targets.churn")
    )


def test_a_request_alone_is_taken_and_asked_about(tmp_path: Path) -> None:
    tables = {
        "accounts": account_columns(),
        "logins": login_columns(),
        "subscriptions": subscriptions(trial_end=TRIAL_ENDS, cancelled_at=LEFT),
    }
    company, text = drafted(tmp_path, tables)
    event = company.targets["churn"].event
    assert event is not None
    assert event.ended == "cancelled_at"
    assert any(
        line.startswith("decide: subscriptions.csv, cancelled_at is notice, not the end")
        for line in comments_above(text, "targets.churn")
    )


@pytest.mark.parametrize(
    ("table", "noun"),
    [
        ("tickets", "a ticket"),
        ("Case", "a case"),
        ("sessions", "a session"),
        ("calls", "a call"),
        ("site_visits", "a visit"),
        ("deals", "a deal"),
        ("open_tasks", "a task"),
        ("incidents", "an incident"),
        ("shipments", "a shipment"),
        ("subscription_tickets", "a ticket"),
    ],
)
def test_what_is_no_contract_ends_none(tmp_path: Path, table: str, noun: str) -> None:
    columns = {"account_id": KEYS, "started_at": [FIRST] * ACCOUNTS, "closed_at": LEFT}
    company, text = drafted(
        tmp_path, {"accounts": account_columns(), "logins": login_columns(), table: columns}
    )
    target = company.targets["churn"]
    assert target.inactivity is not None
    assert target.inactivity.source == "logins"
    assert comments_above(text, "targets.churn") == [
        (
            "guessed: none of the columns and tables below says when a contract ends, so "
            "silence in logins.csv, the busiest table of use, is churn"
        ),
        f"not taken: {table}.csv, closed_at: {noun} is no contract; it would give {FIRST_YEAR}",
    ]


def test_a_table_of_another_name_must_look_like_contracts(tmp_path: Path) -> None:
    rows: dict[str, list[Any]] = {
        "account_id": KEYS,
        "started_on": [FIRST] * ACCOUNTS,
        "ended_on": LEFT,
    }
    tables = {"accounts": account_columns(), "logins": login_columns()}
    company, text = drafted(tmp_path / "plain", tables | {"stuff": rows})
    assert company.targets["churn"].inactivity is not None
    assert any(
        "nothing in the table's name or columns speaks of a contract" in line
        for line in comments_above(text, "targets.churn")
    )
    priced = rows | {"plan": ["basic"] * ACCOUNTS, "price": [10] * ACCOUNTS}
    company, _ = drafted(tmp_path / "priced", tables | {"stuff": priced})
    event = company.targets["churn"].event
    assert event is not None
    assert (event.source, event.ended) == ("stuff", "ended_on")
    twice = {name: [*column, *column] for name, column in priced.items()}
    company, text = drafted(tmp_path / "twice", tables | {"stuff": twice})
    assert company.targets["churn"].inactivity is not None
    assert any(
        "20 of 20 accounts have several open at once" in line
        for line in comments_above(text, "targets.churn")
    )


def test_what_runs_nowhere_or_ends_nowhere_is_no_end(tmp_path: Path) -> None:
    tables = {"accounts": account_columns(), "logins": login_columns()}
    cases: list[tuple[str, list[date | None], str]] = [
        ("all", [date(2024, 1, 1)] * ACCOUNTS, "in all 40 accounts every row has ended"),
        ("none", [date(2030, 1, 1)] * ACCOUNTS, "no account has left by 2025-01-01"),
        ("early", [date(2022, 1, 1)] * 20 + [None] * 20, "20 of 20 rows end before they start"),
    ]
    for name, ends, reason in cases:
        company, text = drafted(
            tmp_path / name, tables | {"subscriptions": subscriptions(ended_on=ends)}
        )
        assert company.targets["churn"].inactivity is not None, name
        assert any(reason in line for line in comments_above(text, "targets.churn")), name


def test_without_any_end_the_draft_says_so(tmp_path: Path) -> None:
    _, text = drafted(tmp_path, {"accounts": account_columns(), "logins": login_columns()})
    assert comments_above(text, "targets.churn") == [
        (
            "guessed: no column or table is called like the end of a contract, so silence in "
            "logins.csv, the busiest table of use, is churn"
        )
    ]


@pytest.mark.parametrize("busiest", ["subscriptions", "tickets"])
def test_a_folder_without_use_gets_a_draft(tmp_path: Path, busiest: str) -> None:
    table: dict[str, list[Any]] = {
        "account_id": KEYS * 3,
        "opened_at": [FIRST, date(2024, 5, 5)] * 60,
    }
    tables = {
        "accounts": account_columns(),
        "subscriptions": subscriptions(ended_on=LEFT),
        "tickets": table if busiest == "tickets" else {k: v[:10] for k, v in table.items()},
        "nps": {"account_id": KEYS[:8], "answered_on": [date(2024, 2, 2)] * 8, "score": [7] * 8},
    }
    company, _ = drafted(tmp_path, tables)
    event = company.targets["churn"].event
    assert event is not None
    assert (event.source, event.ended) == ("subscriptions", "ended_on")
    assert company.indicators["tickets_count"].healthy == "lower"


def test_an_end_in_the_account_table_beside_side_shows(tmp_path: Path) -> None:
    tables = {
        "customers": account_columns() | {"churned_on": LEFT},
        "tickets": {"account_id": KEYS, "opened_at": [date(2024, 12, 1)] * ACCOUNTS},
        "nps": {"account_id": KEYS[:8], "answered_on": [date(2024, 2, 2)] * 8, "score": [7] * 8},
    }
    company, _ = drafted(tmp_path, tables)
    event = company.targets["churn"].event
    assert event is not None
    assert (event.source, event.ended) == ("customers", "churned_on")


def test_nothing_to_fall_silent_is_refused_with_what_was_looked_at(tmp_path: Path) -> None:
    tables = {
        "accounts": account_columns(),
        "cancellations": {"account_id": KEYS[:20], "cancel_date": LEFT[:20]},
    }
    with pytest.raises(DeclarationError, match="nothing says when a customer leaves"):
        drafted(tmp_path, tables)
    assert not (tmp_path / DECLARATION_FILE).exists()


def test_the_account_table_of_a_second_system_says_who_left(tmp_path: Path) -> None:
    elsewhere = [f"x-{key}" for key in KEYS]
    companies = {
        "company_id": KEYS,
        "crmaccountid": elsewhere,
        "created_on": [FIRST] * ACCOUNTS,
    }
    crm = {"id": elsewhere, "opened_on": [FIRST] * ACCOUNTS, "churn_date": LEFT}
    logins = {
        ("company_id" if name == "account_id" else name): column
        for name, column in login_columns().items()
    }
    company, _ = drafted(tmp_path, {"companies": companies, "crm_account": crm, "logins": logins})
    assert company.accounts.source == "companies"
    assert company.sources["crm_account"].account is not None
    assert company.accounts.crosswalk == {
        company.sources["crm_account"].account.system: "crmaccountid"
    }
    event = company.targets["churn"].event
    assert event is not None
    assert (event.source, event.ended) == ("crm_account", "churn_date")
