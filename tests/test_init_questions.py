"""`init` asks, with column, value and count, before a reading could do damage in silence."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

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
from random_folders import RandomTable, assert_drafted_or_refused, folders

DAYS = [date(2024, 3, 1)] * ACCOUNTS


def test_amounts_in_several_currencies_are_not_added_up(tmp_path: Path) -> None:
    payments = {
        "account_id": KEYS,
        "paid_on": DAYS,
        "amount": [9.5] * ACCOUNTS,
        "currency": ["EUR"] * 30 + ["USD"] * 10,
    }
    company, text = drafted(tmp_path, {"accounts": account_columns(), "payments": payments})
    assert company.indicators["payments_amount_sum"].stage == "draft"
    assert (
        "decide: payments.csv, amount is in 2 currencies by currency (EUR: 30 rows, USD: 10 rows); "
        'added up they mean nothing: sources.payments.currency = { column = "currency", to = "EUR",'
        ' rates = "rates.csv", amounts = ["amount"] }'
    ) in comments_above(text, "indicators.payments_amount_sum")


@pytest.mark.parametrize(
    ("column", "amounts", "asked"),
    [
        ("amount_cents", [4900] * 40, "amount_cents is called like an amount in cents"),
        ("amount", [4900, 9900] * 20, "amount: 40 whole numbers, typically 7,400, of which 100%"),
        ("amount", [49, 99] * 20, ""),
        ("amount", [4913, 9977] * 20, ""),
    ],
)
def test_cents_are_asked_about(tmp_path: Path, column: str, amounts: list[int], asked: str) -> None:
    payments = {"account_id": KEYS, "paid_on": DAYS, column: amounts}
    _, text = drafted(tmp_path, {"accounts": account_columns(), "payments": payments})
    said = comments_above(text, f"indicators.payments_{column}_sum")
    assert [line for line in said if line.startswith(f"decide: payments.csv, {asked}")] or not asked
    assert (
        not asked or f'sources.payments.columns = {{ {column} = {{ unit = "cents" }} }}' in said[-1]
    )
    assert bool(asked) == any(line.startswith("decide") for line in said)


def test_trials_among_the_contracts_are_asked_about(tmp_path: Path) -> None:
    subscriptions = {
        "account_id": KEYS,
        "started": [FIRST] * ACCOUNTS,
        "ended": LEFT,
        "status": ["trialing"] * 7 + ["active"] * 32 + ["incomplete_expired"],
    }
    tables = {"accounts": account_columns(), "logins": login_columns()}
    _, text = drafted(tmp_path, tables | {"subscriptions": subscriptions})
    assert (
        "decide: subscriptions.csv, status: trialing: 7 rows, incomplete_expired: 1 row; if these "
        "are no contracts, leave them out: "
        "where = '\"status\" NOT IN ('trialing', 'incomplete_expired')' in event"
    ) in comments_above(text, "targets.churn")


def test_a_state_of_today_makes_no_feature(tmp_path: Path) -> None:
    health = {
        "account_id": KEYS,
        "last_login_at": DAYS,
        "total_orders": [3] * ACCOUNTS,
        "updated_at": DAYS,
    }
    accounts = account_columns() | {"last_seen": DAYS, "days_since_login": [4] * ACCOUNTS}
    company, text = drafted(
        tmp_path, {"accounts": accounts, "logins": login_columns(), "health": health}
    )
    assert set(company.sources) == {"accounts", "logins"}
    without_past = "as of today, without a past, so that no feature is made of it"
    assert f"# left out: health.csv: last_login_at, total_orders: {without_past}" in text
    assert any(
        line.startswith(f"note: accounts.csv: last_seen, days_since_login: {without_past}")
        for line in comments_above(text, "accounts")
    )


def test_one_survey_per_account_is_no_state(tmp_path: Path) -> None:
    answers = {
        "account_id": KEYS,
        "answered_on": [date(2024, 1, 1 + number % 28) for number in range(ACCOUNTS)],
        "total_score": [7] * ACCOUNTS,
    }
    company, _ = drafted(
        tmp_path, {"accounts": account_columns(), "logins": login_columns(), "nps": answers}
    )
    assert "nps" in company.sources


def test_rows_in_the_future_are_named_and_move_nothing(tmp_path: Path) -> None:
    logins = login_columns()
    stray = {
        "account_id": [*logins["account_id"], "a00", "a01"],
        "login_on": [*logins["login_on"], date(2027, 1, 1), date(2042, 1, 1)],
    }
    company, text = drafted(tmp_path, {"accounts": account_columns(), "logins": stray})
    assert company.about.data_until == date(2025, 1, 1)
    told, asked = comments_above(text, "company")
    assert told == "guessed from logins.csv, login_on: the tables are complete up to that morning"
    assert asked.startswith("decide: logins.csv, login_on: 2 rows after that, up to 2042-01-01")


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(tables=folders)
def test_a_random_folder_is_drafted_or_refused(tmp_path: Path, tables: list[RandomTable]) -> None:
    assert_drafted_or_refused(tmp_path / "folder", tables)


def _contracts(key: str, keys: list[str]) -> dict[str, Sequence[object]]:
    return {key: keys, "started": [FIRST] * len(keys), "ended": (LEFT * 2)[: len(keys)]}


@pytest.mark.parametrize("name", ["subscriptions", "contracts"])
def test_contracts_of_unknown_accounts_are_no_silence_without_a_question(
    tmp_path: Path, name: str
) -> None:
    contracts = _contracts("account_id", [*KEYS[:10], *(f"x{number:02}" for number in range(30))])
    tables = {"accounts": account_columns(), "logins": login_columns(), name: contracts}
    company, text = drafted(tmp_path, tables)
    silence = company.targets["churn"].inactivity
    assert silence is not None
    assert silence.source == "logins"
    why = (
        "only 10 of the 40 different keys in account_id are in accounts.csv, account_id; "
        "90% must be"
    )
    assert f"# left out: {name}.csv: {why}" in text
    assert (
        f"decide: {name}.csv, ended says when contracts end, but the table is left out and "
        f"silence is churn instead: {why}; complete the accounts, or give them a column with the "
        f"keys of {name}.csv, and run init again"
    ) in comments_above(text, "targets.churn")


@pytest.mark.parametrize(
    ("name", "key", "says"),
    [
        ("subscriptions", "email", "subscriptions.csv, ended says when contracts end"),
        ("subscriptions", "customer_no", "subscriptions.csv, ended says when contracts end"),
        ("churned_customers", "customer_no", "churned_customers.csv tells who left"),
    ],
)
def test_contracts_whose_keys_no_account_has_are_asked_about(
    tmp_path: Path, name: str, key: str, says: str
) -> None:
    contracts = _contracts(key, [f"x{number:02}" for number in range(40)])
    tables = {"accounts": account_columns(), "logins": login_columns(), name: contracts}
    _, text = drafted(tmp_path, tables)
    asked = [line for line in comments_above(text, "targets.churn") if line.startswith("decide")]
    assert len(asked) == 1
    assert asked[0].startswith(f"decide: {says}, but the table is left out")


def test_what_could_never_end_a_contract_is_left_out_without_a_question(tmp_path: Path) -> None:
    calls = _contracts("caller_id", [f"x{number:02}" for number in range(40)])
    tables = {"accounts": account_columns(), "logins": login_columns(), "calls": calls}
    _, text = drafted(tmp_path, tables)
    assert "# left out: calls.csv: no column holds keys of accounts.csv" in text
    assert not [line for line in comments_above(text, "targets.churn") if "decide" in line]


def test_rows_that_come_late_are_asked_about_once(tmp_path: Path) -> None:
    paid = {"account_id": KEYS, "paid_on": DAYS}
    rated = {"account_id": KEYS, "rated_on": DAYS, "received_on": DAYS, "score": [3] * ACCOUNTS}
    tables = {"accounts": account_columns(), "logins": login_columns()}
    _, text = drafted(tmp_path, tables | {"payments": paid, "surveys": rated})
    asked = [line for line in text.splitlines() if "known_time = { delay" in line]
    assert len(asked) == 1
    assert "decide: if rows of logins.csv, payments.csv reach you days after" in asked[0]
