"""`init` takes a table for that of the accounts on evidence: its key, its name, who names it."""

import sqlite3
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from drafted_folder import FIRST, KEYS, LEFT, drafted, login_columns, write
from features import contract
from features.declaring.company import Company
from features.declaring.declaration import parse
from features.drafting import draft

USERS = 40
Tables = dict[str, dict[str, Any]]


def assert_readable(company: Company) -> None:
    """Fail unless the tables are as declared; few accounts of few days train no model."""
    found = [item for item in contract.check(company) if item.state == "error"]
    assert [str(item) for item in found if item.step != "train"] == []


def numbered() -> Tables:
    """Users, their payments and logins, each numbered from 1."""
    days = [FIRST + timedelta(days=20 * number) for number in range(30)]
    users = list(range(1, USERS + 1))
    return {
        "users": {
            "user_id": users,
            "email": [f"u{user}@example.com" for user in users],
            "signup_date": [FIRST] * USERS,
        },
        "payments": {
            "payment_id": list(range(1, 10 * USERS + 1)),
            "user_id": users * 10,
            "paid_on": [day for day in days[:10] for _ in users],
            "amount": [20] * (10 * USERS),
        },
        "user_logins": {
            "login_id": list(range(1, 30 * USERS + 1)),
            "user_id": users * 30,
            "login_on": [day for day in days for _ in users],
        },
    }


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_numbers_from_one_upwards_do_not_hide_the_accounts(tmp_path: Path, form: str) -> None:
    tables = numbered()
    if form == "csv":
        write(tmp_path, tables)
    else:
        for name, columns in tables.items():
            pq.write_table(pa.table(columns), tmp_path / f"{name}.parquet")
    text = draft.draft_declaration(tmp_path)
    company = parse(text, tmp_path)
    assert (company.accounts.source, company.accounts.key) == ("users", "user_id")
    assert {
        name: item.account and item.account.column for name, item in company.sources.items()
    } == {
        "users": None,
        "payments": "user_id",
        "user_logins": "user_id",
    }
    assert (
        "# guessed from users."
        f"{form}: user_id has a value of its own in each of 40 rows; 2 other tables name it" in text
    )


def test_bare_ids_link_by_the_name_of_the_table(tmp_path: Path) -> None:
    tables = numbered()
    tables["users"] = {
        "id" if name == "user_id" else name: column for name, column in tables["users"].items()
    }
    for name, own in (("payments", "payment_id"), ("user_logins", "login_id")):
        tables[name] = {
            "id" if column == own else column: values for column, values in tables[name].items()
        }
    company, _ = drafted(tmp_path, tables)
    assert (company.accounts.source, company.accounts.key) == ("users", "id")
    assert set(company.sources) == {"users", "payments", "user_logins"}


def test_a_customer_of_numbers_is_found_in_the_only_table_of_users(tmp_path: Path) -> None:
    tables = numbered()
    tables["payments"] = {
        "customer" if name == "user_id" else name: column
        for name, column in tables["payments"].items()
    }
    company, _ = drafted(tmp_path, tables)
    account = company.sources["payments"].account
    assert account is not None
    assert account.column == "customer"


def test_orders_are_no_accounts_though_their_lines_name_them(tmp_path: Path) -> None:
    orders = [f"o{number}" for number in range(120)]
    tables = {
        "orders": {
            "order_id": orders,
            "customer_id": [KEYS[number % 40] for number in range(120)],
            "created_at": [FIRST + timedelta(days=number) for number in range(120)],
        },
        "lines": {"order_id": orders * 2, "added_on": [FIRST] * 240, "qty": [1] * 240},
    }
    company, _ = drafted(tmp_path, tables)
    assert company.accounts.derived
    assert (company.accounts.source, company.accounts.key) == ("orders", "customer_id")
    lines = company.sources["lines"].account
    assert lines is not None
    assert (lines.column, lines.link) == ("order_id", "orders")
    assert_readable(company)


def test_an_account_comes_before_its_users(tmp_path: Path) -> None:
    users = [f"u{number}" for number in range(80)]
    tables = {
        "accounts": {"account_id": KEYS, "created_at": [FIRST] * 40},
        "users": {
            "user_id": users,
            "account_id": KEYS * 2,
            "created_at": [FIRST] * 80,
            "deactivated_at": [date(2024, 1, 1)] * 40 + [None] * 40,
        },
        "logins": login_columns(),
        "clicks": {"user_id": users, "clicked_on": [date(2024, 1, 1)] * 80},
        "searches": {"user_id": users, "searched_on": [date(2024, 1, 1)] * 80},
        "exports": {"user_id": users, "exported_on": [date(2024, 1, 1)] * 80},
    }
    company, text = drafted(tmp_path, tables)
    assert (company.accounts.source, company.accounts.key) == ("accounts", "account_id")
    assert company.targets["churn"].inactivity is not None
    assert "# not taken: users.csv, deactivated_at: a user is no contract" in text
    link = company.links["users"]
    assert (link.source, link.key, link.account.column) == ("users", "user_id", "account_id")
    for source in ("clicks", "searches", "exports"):
        account = company.sources[source].account
        assert account is not None
        assert (account.column, account.link) == ("user_id", "users")
    assert_readable(company)


def test_accounts_that_only_their_own_table_knows(tmp_path: Path) -> None:
    tables = {"customers": {"id": KEYS, "signed_up": [FIRST] * 40, "churned_on": LEFT}}
    company, _ = drafted(tmp_path, tables)
    event = company.targets["churn"].event
    assert event is not None
    assert (company.accounts.source, event.source) == ("customers", "customers")


def test_people_are_no_accounts_where_other_tables_name_these(tmp_path: Path) -> None:
    users = [f"u{number}" for number in range(80)]
    tables = {
        "users": {"user_id": users, "account_id": KEYS * 2, "created_at": [FIRST] * 80},
        "clicks": {"user_id": users * 2, "clicked_on": [date(2024, 1, 1)] * 160},
        "payments": {"account_id": KEYS * 3, "paid_on": [date(2024, 1, 1), FIRST] * 60},
    }
    company, _ = drafted(tmp_path, tables)
    assert company.accounts.derived
    assert company.accounts.key == "account_id"
    clicks = company.sources["clicks"].account
    assert clicks is not None
    assert (clicks.column, clicks.link) == ("user_id", "users")
    assert_readable(company)


def test_a_contract_over_two_tables_ends_per_account(tmp_path: Path) -> None:
    """Two users of each account hold a contract; the account leaves when the later one ends."""
    users = [f"u{number:02}" for number in range(80)]
    tables = {
        "accounts": {"account_id": KEYS, "created_at": [FIRST] * 40},
        "users": {"user_id": users, "account_id": KEYS * 2},
        "subscriptions": {
            "user_id": users,
            "started_on": [FIRST] * 80,
            "ended_on": [*LEFT, *[date(2024, 9, 1)] * 15, *[None] * 25],
        },
        "logins": login_columns(),
    }
    company, text = drafted(tmp_path, tables)
    event = company.targets["churn"].event
    assert event is not None
    assert (event.source, event.ended) == ("subscriptions", "ended_on")
    assert "15 churned accounts (15 in 2024)" in text


def test_events_reach_accounts_over_sessions_and_users(tmp_path: Path) -> None:
    users = [f"u{number:02}" for number in range(40)]
    sessions = [f"s{number:02}" for number in range(80)]
    tables = {
        "accounts": {"account_id": KEYS, "created_at": [FIRST] * 40},
        "users": {"user_id": users, "account_id": KEYS},
        "sessions": {"session_id": sessions, "user_id": users * 2},
        "clicks": {
            "session_id": sessions * 30,
            "clicked_on": [
                FIRST + timedelta(days=20 * number) for number in range(30) for _ in sessions
            ],
        },
    }
    company, text = drafted(tmp_path, tables)
    clicks, links = company.sources["clicks"].account, company.links
    assert clicks is not None
    assert (clicks.column, clicks.link) == ("session_id", "sessions")
    ways = {
        name: (link.key, link.account.column, link.account.link) for name, link in links.items()
    }
    assert ways == {
        "sessions": ("session_id", "user_id", "users"),
        "users": ("user_id", "account_id", None),
    }
    assert "left out" not in text
    assert_readable(company)


def moves() -> dict[str, list[Any]]:
    """Forty users: the first ten moved to the next account in 2024."""
    users = [f"u{number:02}" for number in range(40)]
    moved = date(2024, 1, 1)
    return {
        "user_id": [*users, *users[:10]],
        "account_id": [*KEYS, *KEYS[1:11]],
        "from": [FIRST] * 40 + [moved] * 10,
        "until": [moved] * 10 + [None] * 40,
    }


@pytest.mark.parametrize(
    ("table", "names"),
    [
        ("user_accounts", ("valid_from", "valid_to")),
        ("user_accounts", ("effective_from", "effective_to")),
        ("memberships", ("joined_at", "left_at")),
    ],
)
def test_users_that_moved_link_to_the_account_of_the_time(
    tmp_path: Path, table: str, names: tuple[str, str]
) -> None:
    begins, ends = names
    told = moves()
    tables = {
        "accounts": {"account_id": KEYS, "created_at": [FIRST] * 40},
        table: {"user_id": told["user_id"], "account_id": told["account_id"]}
        | {begins: told["from"], ends: told["until"]},
        "logins": {
            "user_id": told["user_id"][:40] * 20,
            "login_on": [
                FIRST + timedelta(days=30 * number) for number in range(20) for _ in range(40)
            ],
        },
    }
    company, text = drafted(tmp_path, tables)
    link = company.links[table]
    assert link.valid_from is not None
    assert link.valid_to is not None
    assert (link.key, link.account.column) == ("user_id", "account_id")
    assert (link.valid_from.column, link.valid_to.column) == names
    assert f"guessed: a row holds from {begins} until {ends}" in text
    assert_readable(company)


def test_a_user_of_two_accounts_at_once_is_no_link(tmp_path: Path) -> None:
    told = moves()
    told["until"] = [None] * 50
    tables = {
        "accounts": {"account_id": KEYS, "created_at": [FIRST] * 40},
        "payments": {"account_id": KEYS * 3, "paid_on": [date(2024, 1, 1), FIRST] * 60},
        "user_accounts": {"user_id": told["user_id"], "account_id": told["account_id"]}
        | {"valid_from": told["from"], "valid_to": told["until"]},
        "logins": {"user_id": told["user_id"], "login_on": told["from"]},
    }
    company, text = drafted(tmp_path, tables)
    assert not company.links
    assert "left out: logins.csv" in text


def test_the_tables_of_a_database_file_are_read_beside_the_others(tmp_path: Path) -> None:
    """Companies and contracts are in an SQLite file with integer ids, the logins in a CSV."""
    numbers = range(1, 41)
    with closing(sqlite3.connect(tmp_path / "app.db")) as database:
        database.execute("CREATE TABLE companies (id INTEGER PRIMARY KEY, created_on DATE)")
        database.executemany("INSERT INTO companies VALUES (?, ?)", [(n, FIRST) for n in numbers])
        database.execute("CREATE TABLE subscriptions (company_id INTEGER, starts DATE, ended DATE)")
        ends = [str(left) if left else "0000-00-00" for left in LEFT]
        rows = [(n, FIRST, end) for n, end in zip(numbers, ends, strict=True)]
        database.executemany("INSERT INTO subscriptions VALUES (?, ?, ?)", rows)
        database.commit()
    (tmp_path / "broken.sqlite").write_text("no database", "utf-8")
    days = [FIRST + timedelta(days=20 * number) for number in range(30)]
    logins = {"company_id": [*numbers] * 30, "login_on": [day for day in days for _ in numbers]}
    company, text = drafted(tmp_path, {"logins": logins})
    where = {name: (source.sql, source.table) for name, source in company.sources.items()}
    assert where == {
        "companies": ("sqlite:///app.db", "companies"),
        "subscriptions": ("sqlite:///app.db", "subscriptions"),
        "logins": (None, None),
    }
    event = company.targets["churn"].event
    assert event is not None
    assert (event.source, event.ended) == ("subscriptions", "ended")
    assert "20 churned accounts (10 in 2023, 10 in 2024)" in text
    assert "left out: broken.sqlite: cannot be read: file is not a database" in text


def test_merged_accounts_are_aliases(tmp_path: Path) -> None:
    tables = {
        "accounts": {"account_id": KEYS[:30], "created_at": [FIRST] * 30},
        "logins": login_columns(),
        "account_merges": {
            "old_account_id": KEYS[30:],
            "merged_into_account_id": KEYS[:10],
            "merged_on": [date(2024, 3, 1)] * 10,
        },
    }
    company, text = drafted(tmp_path, tables)
    aliases = company.accounts.aliases
    assert aliases is not None
    assert (aliases.source, aliases.old, aliases.new, aliases.known_time.column) == (
        "account_merges",
        "old_account_id",
        "merged_into_account_id",
        "merged_on",
    )
    assert not [item for item in company.indicators.values() if item.source == "account_merges"]
    assert "account_merges.csv, 10 rows: accounts old_account_id became merged_into" in text
