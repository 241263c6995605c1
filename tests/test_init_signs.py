"""`init` reads a table of losses as target or bad sign, and asks where a name is silent."""

from datetime import date
from pathlib import Path

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

FIRST_YEAR = "20 churned accounts (10 in 2023, 10 in 2024)"
GONE = {"account_id": KEYS[:20], "noted_on": LEFT[:20]}


@pytest.mark.parametrize(
    "table",
    ["cancellations", "churn_events", "churn", "terminations", "churned_customers", "offboardings"],
)
def test_a_table_of_losses_is_the_target(tmp_path: Path, table: str) -> None:
    company, text = drafted(
        tmp_path, {"accounts": account_columns(), "logins": login_columns(), table: GONE}
    )
    target = company.targets["churn"]
    assert target.event is not None
    assert (target.event.source, target.event.ended) == (table, None)
    assert (target.active, target.active_within) == ("logins", 180)
    assert FIRST_YEAR in comments_above(text, "targets.churn")[0]
    assert not [item for item in company.indicators.values() if item.source == table]


def test_the_day_of_leaving_is_that_of_a_loss(tmp_path: Path) -> None:
    table = {
        "account_id": KEYS[:20],
        "created_at": [date(2024, 12, 1)] * 20,
        "churn_date": LEFT[:20],
    }
    company, _ = drafted(
        tmp_path, {"accounts": account_columns(), "logins": login_columns(), "churn_log": table}
    )
    event_time = company.sources["churn_log"].event_time
    assert event_time is not None
    assert event_time.column == "churn_date"


def test_losses_beside_a_contract_are_bad_and_in_shadow(tmp_path: Path) -> None:
    subscriptions = {"account_id": KEYS, "started": [date(2023, 1, 1)] * 40, "ended": LEFT}
    company, text = drafted(
        tmp_path,
        {
            "accounts": account_columns(),
            "logins": login_columns(),
            "subscriptions": subscriptions,
            "cancellations": GONE,
        },
    )
    event = company.targets["churn"].event
    assert event is not None
    assert event.ended == "ended"
    count = company.indicators["cancellations_count"]
    assert (count.healthy, count.stage) == ("lower", "shadow")
    assert any(
        line.startswith("decide: cancellations.csv, 20 rows: it tells of leaving itself")
        for line in comments_above(text, "indicators.cancellations_count")
    )


@pytest.mark.parametrize(
    "table",
    [
        "downgrades",
        "refunds",
        "failed_payments",
        "chargebacks",
        "late_invoices",
        "cancelled_orders",
    ],
)
def test_bad_news_are_bad_and_no_target(tmp_path: Path, table: str) -> None:
    company, _ = drafted(
        tmp_path, {"accounts": account_columns(), "logins": login_columns(), table: GONE}
    )
    assert company.targets["churn"].inactivity is not None
    assert company.indicators[f"{table}_count"].healthy == "lower"
    assert company.indicators[f"{table}_count"].stage == "live"


def test_a_sign_that_the_name_does_not_tell_is_asked_about(tmp_path: Path) -> None:
    company, text = drafted(
        tmp_path, {"accounts": account_columns(), "logins": login_columns(), "xyzzy": GONE}
    )
    assert company.indicators["xyzzy_count"].stage == "shadow"
    assert any(
        line.startswith("decide: xyzzy.csv, 20 rows: the name xyzzy does not tell")
        for line in comments_above(text, "indicators.xyzzy_count")
    )
    assert company.indicators["logins_count"].stage == "live"


@pytest.mark.parametrize(
    "table", ["churn_risk_scores", "churn_predictions", "cancellation_reasons"]
)
def test_a_forecast_of_churn_is_no_churn(tmp_path: Path, table: str) -> None:
    company, _ = drafted(
        tmp_path, {"accounts": account_columns(), "logins": login_columns(), table: GONE}
    )
    assert company.targets["churn"].inactivity is not None
    assert company.indicators[f"{table}_count"].healthy == "lower"


def test_what_an_account_does_again_and_again_is_no_loss(tmp_path: Path) -> None:
    table = {"account_id": KEYS[:20] * 3, "at_day": LEFT[:20] * 3}
    company, text = drafted(
        tmp_path, {"accounts": account_columns(), "logins": login_columns(), "cancellations": table}
    )
    assert company.targets["churn"].inactivity is not None
    assert any(
        "20 accounts in 60 rows: nobody leaves so often" in line
        for line in comments_above(text, "targets.churn")
    )


STATES = ["paid", "failed", "card_declined", "paid"] * 10


@pytest.mark.parametrize(
    ("column", "cells", "where", "name"),
    [
        ("state", STATES, "state IN ('card_declined', 'failed')", "payments_card_declined_count"),
        ("status", ["ok", "failed"] * 20, "status = 'failed'", "payments_failed_count"),
        ("is_failed", [True, False] * 20, "is_failed", "payments_is_failed_count"),
    ],
)
def test_failed_payments_are_a_bad_sign(
    tmp_path: Path, column: str, cells: list[object], where: str, name: str
) -> None:
    payments = {"account_id": KEYS, "paid_on": [FIRST] * ACCOUNTS, column: cells}
    tables = {"accounts": account_columns(), "logins": login_columns(), "payments": payments}
    company, text = drafted(tmp_path, tables)
    failed = company.indicators[name]
    assert (failed.where, failed.healthy, failed.stage) == (where, "lower", "live")
    assert "guessed: 20 rows of 40 failed" in comments_above(text, f"indicators.{name}")[0]


@pytest.mark.parametrize(
    "cells",
    [["paid"] * 40, ["failed"] * 40, ["paid", "refunded"] * 20, [f"failed {k}" for k in KEYS]],
)
def test_what_fails_always_never_or_later_is_no_sign_of_failure(
    tmp_path: Path, cells: list[object]
) -> None:
    payments = {"account_id": KEYS, "paid_on": [FIRST] * ACCOUNTS, "state": cells}
    tables = {"accounts": account_columns(), "logins": login_columns(), "payments": payments}
    company, _ = drafted(tmp_path, tables)
    of_payments = [name for name, one in company.indicators.items() if one.source == "payments"]
    assert of_payments == ["payments_count"]
