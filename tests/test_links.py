"""Facts that reach their account over other keys, and accounts that were merged."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features import contract, snapshots
from features.assembling import churn_days
from features.declaring.company import Company
from features.declaring.declaration import parse
from features.errors import DeclarationError

HEAD = """
[company]
name = "Links"
data_from = 2023-01-01
data_until = 2024-01-01
[accounts]
source = "accounts"
key = "account_id"
attributes = { since = "since" }
crosswalk = { billing = "number" }
%s
[sources.accounts]
path = "accounts.csv"
[sources.terms]
path = "terms.csv"
account = "account_id"
event_time = "starts"
[sources.events]
path = "events.csv"
account = { column = "user_id"%s }
event_time = "at"
tolerate = 0.99
[indicators.events]
title = "Events"
dimension = "outcome"
kind = "context"
source = "events"
measure = "count"
windows = ["all"]
says = "{value} events"
[targets.churn]
event = { source = "terms", ended = "ends" }
gap = "0d"
horizon = "30d"
"""
USERS = """
[sources.users]
path = "users.csv"
[links.users]
source = "users"
key = "user_id"
account = "account_id"
"""
LINKED = ', link = "users"'
Rows = Sequence[Sequence[str]]
TERMS = [["A", "2023-01-01", ""], ["B", "2023-01-01", ""], ["C", "2023-01-01", "2023-12-01"]]


def company(
    folder: Path, more: str, tables: Mapping[str, Rows], *, linked: str = LINKED, accounts: str = ""
) -> Company:
    """Write tables, each with its head, beside the accounts A, B and C that run throughout."""
    numbers = [["account_id", "since", "number"]]
    numbers += [[name, "2023-01-01", f"{place}0"] for place, name in enumerate("ABC", start=1)]
    whole = {"accounts": numbers, "terms": [["account_id", "starts", "ends"], *TERMS], **tables}
    for name, rows in whole.items():
        lines = "".join(",".join(row) + "\n" for row in rows)
        (folder / f"{name}.csv").write_text(lines, "utf-8")
    return parse(HEAD % (accounts, linked) + more, folder)


def events(*rows: Sequence[str]) -> Rows:
    return [["user_id", "at"], *rows]


def counted(declared: Company, as_of: str, column: str = "events__all") -> dict[str, Any]:
    table = snapshots.build(declared, [date.fromisoformat(as_of)]).table
    return dict(zip(table["account_id"].to_pylist(), table[column].to_pylist(), strict=True))


def found(declared: Company, name: str) -> list[tuple[str, str, str | None, int | None]]:
    return [
        (one.state, one.table, one.column, one.rows)
        for one in contract.check(declared)
        if one.name == name
    ]


def test_facts_reach_their_account_over_a_link(tmp_path: Path) -> None:
    tables = {
        "users": [["user_id", "account_id"], ["u1", "A"], ["u2", "A"], ["u3", "B"], ["u4", "Z"]],
        "events": events(
            ["u1", "2023-02-01"],
            ["u2", "2023-02-02"],
            ["u3", "2023-02-03"],
            ["u4", "2023-02-03"],
            ["u9", "2023-02-03"],
        ),
    }
    declared = company(tmp_path, USERS, tables)
    assert counted(declared, "2023-03-01") == {"A": 2, "B": 1, "C": 0}
    assert found(declared, "unknown_account") == [("warning", "events", "user_id", 2)]


def test_facts_reach_their_account_over_two_hops(tmp_path: Path) -> None:
    more = USERS.replace('"account_id"', '{ column = "company_id", link = "companies" }') + (
        '[sources.companies]\npath = "companies.csv"\n'
        '[links.companies]\nsource = "companies"\nkey = "company_id"\n'
        'account = { column = "number", system = "billing" }\n'
    )
    tables = {
        "users": [["user_id", "company_id"], ["u1", "c1"], ["u2", "c2"], ["u3", "c9"]],
        "companies": [["company_id", "number"], ["c1", "10"], ["c2", "30"]],
        "events": events(["u1", "2023-02-01"], ["u2", "2023-02-02"], ["u3", "2023-02-03"]),
    }
    assert counted(company(tmp_path, more, tables), "2023-03-01") == {"A": 1, "B": 0, "C": 1}


def test_facts_reach_their_account_over_three_tables_each_with_its_time(tmp_path: Path) -> None:
    """Session s1 is of u1, who moved from company c1 to c2 in March; s2's user is unknown."""
    linked = ', link = "sessions"'
    more = (
        '[sources.sessions]\npath = "sessions.csv"\n'
        '[links.sessions]\nsource = "sessions"\nkey = "session_id"\n'
        'account = { column = "user_id", link = "users" }\n'
        + USERS.replace('"account_id"', '{ column = "company_id", link = "companies" }')
        + 'valid_from = "since"\nvalid_to = "until"\n'
        '[sources.companies]\npath = "companies.csv"\n'
        '[links.companies]\nsource = "companies"\nkey = "company_id"\naccount = "account_id"\n'
    )
    tables = {
        "sessions": [["session_id", "user_id"], ["s1", "u1"], ["s2", "u9"]],
        "users": [
            ["user_id", "company_id", "since", "until"],
            ["u1", "c1", "2023-01-01", "2023-03-01"],
            ["u1", "c2", "2023-03-01", ""],
        ],
        "companies": [["company_id", "account_id"], ["c1", "A"], ["c2", "B"]],
        "events": events(
            ["s1", "2023-02-01"], ["s1", "2023-03-01"], ["s1", "2023-03-02"], ["s2", "2023-02-01"]
        ),
    }
    declared = company(tmp_path, more, tables, linked=linked)
    assert counted(declared, "2023-04-01") == {"A": 1, "B": 2, "C": 0}
    assert found(declared, "unknown_account") == [("warning", "events", "user_id", 1)]


def test_a_link_holds_at_the_time_of_the_event(tmp_path: Path) -> None:
    more = f'{USERS}valid_from = "since"\nvalid_to = "until"\n'
    tables = {
        "users": [
            ["user_id", "account_id", "since", "until"],
            ["u1", "A", "2023-01-01", "2023-03-01"],
            ["u1", "B", "2023-03-01", ""],
        ],
        "events": events(
            ["u1", "2023-02-28T23:59:59Z"],
            ["u1", "2023-03-01T00:00:00Z"],
            ["u1", "2023-03-02T00:00:00Z"],
            ["u1", "2022-12-31T20:00:00Z"],
        ),
    }
    declared = company(tmp_path, more, tables)
    assert counted(declared, "2023-04-01") == {"A": 1, "B": 2, "C": 0}
    assert found(declared, "unknown_account") == [("warning", "events", "user_id", 1)]


KNOWN = f'{USERS}known_time = "noted"\n'


def test_a_link_is_used_once_it_is_known(tmp_path: Path) -> None:
    tables = {
        "users": [["user_id", "account_id", "noted"], ["u1", "A", "2023-05-01"]],
        "events": events(["u1", "2023-02-01"], ["u1", "2023-05-20"]),
    }
    declared = company(tmp_path, KNOWN, tables)
    mornings = ["2023-05-01", "2023-05-02", "2023-05-21"]
    assert [counted(declared, day)["A"] for day in mornings] == [0, 1, 2]


DAY = st.integers(0, 90).map(lambda days: f"{date(2023, 1, 1) + timedelta(days=days)}")


@settings(max_examples=8)
@given(
    users=st.dictionaries(st.sampled_from("uvwxyz"), st.tuples(st.sampled_from("ABC"), DAY)),
    at=st.lists(st.tuples(st.sampled_from("uvwxyz"), DAY), min_size=1, max_size=20),
)
def test_nothing_that_is_known_later_changes_a_row(
    tmp_path_factory: pytest.TempPathFactory,
    users: dict[str, tuple[str, str]],
    at: list[tuple[str, str]],
) -> None:
    head = ["user_id", "account_id", "noted"]
    rows = [[user, *row] for user, row in users.items()]
    of_c = ["c", "C", "2022-12-01"]
    then = [row for row in rows if row[2] < "2023-02-10"]
    happened = events(["c", "2023-01-01"], *at)
    before, after = (
        counted(
            company(
                tmp_path_factory.mktemp("known"),
                KNOWN,
                {"users": [head, of_c, *known], "events": happened},
            ),
            "2023-02-10",
        )
        for known in (then, rows)
    )
    assert before == after


ALIASES = 'aliases = { source = "merged", old = "was", new = "is", known_time = "noted" }'
MERGED = '[sources.merged]\npath = "merged.csv"\n'


def merged(
    folder: Path, rows: Rows, terms: Rows, at: Rows = (("B", "2023-02-01"), ("A", "2023-06-20"))
) -> Company:
    tables = {
        "merged": [["was", "is", "noted"], *rows],
        "terms": [["account_id", "starts", "ends"], *terms],
        "events": events(*at),
    }
    return company(folder, MERGED, tables, linked="", accounts=ALIASES)


INTO_A = [["B", "A", "2023-06-10"]]


def test_a_merged_account_is_of_the_new_one_once_that_is_known(tmp_path: Path) -> None:
    declared = merged(tmp_path, INTO_A, TERMS)
    assert counted(declared, "2023-06-10") == {"A": 0, "B": 1, "C": 0}
    assert counted(declared, "2023-06-11") == {"A": 1, "C": 0}
    assert counted(declared, "2023-06-21") == {"A": 2, "C": 0}


@pytest.mark.parametrize(
    ("a_ends", "label", "churned"), [("", 0, []), ("2023-06-25", 1, ["2023-06-25"])]
)
def test_a_merger_is_no_churn_and_the_new_account_tells_what_became_of_the_old_one(
    a_ends: str, label: int, churned: list[str], tmp_path: Path
) -> None:
    terms = [["A", "2023-01-01", a_ends], ["B", "2023-01-01", "2023-06-10"], TERMS[2]]
    declared = merged(tmp_path, INTO_A, terms)
    assert counted(declared, "2023-06-01", "label__churn") == {"A": label, "B": label, "C": 0}
    assert counted(declared, "2023-06-11", "eligible__churn") == {"A": True, "C": True}
    with contract.sound_tables(declared) as tables:
        days = churn_days.of_churn(tables, "churn").to_pylist()
    assert [str(row["day"]) for row in days if row["account_id"] != "C"] == churned


def test_an_open_subscription_of_the_old_account_goes_on_with_the_new_one(tmp_path: Path) -> None:
    terms = [["A", "2023-01-01", "2023-03-01"], ["B", "2023-01-01", ""], TERMS[2]]
    declared = merged(tmp_path, INTO_A, terms)
    eligible = [
        counted(declared, day, "eligible__churn")["A"] for day in ("2023-06-10", "2023-06-11")
    ]
    assert eligible == [False, True]


def test_an_account_may_be_merged_over_several_and_be_gone_itself(tmp_path: Path) -> None:
    rows = [["X", "B", "2023-03-10"], ["B", "A", "2023-06-10"]]
    declared = merged(tmp_path, rows, TERMS, [["X", "2023-02-01"]])
    mornings = ["2023-03-10", "2023-03-11", "2023-06-11"]
    assert [counted(declared, day).get("B") for day in mornings] == [0, 1, None]
    assert [counted(declared, day)["A"] for day in mornings] == [0, 0, 1]
    assert found(declared, "unknown_account") == []


def test_a_key_of_two_accounts_at_once_is_refused(tmp_path: Path) -> None:
    tables = {
        "users": [["user_id", "account_id"], ["u1", "A"], ["u1", "B"], ["u2", "B"]],
        "events": events(["u1", "2023-02-01"]),
    }
    declared = company(tmp_path, USERS, tables)
    assert found(declared, "ambiguous_link") == [("error", "users", "user_id", 1)]


@pytest.mark.parametrize(
    ("rows", "name"),
    [
        ([["B", "A", "2023-06-10"], ["B", "C", "2023-06-10"]], "ambiguous_alias"),
        ([["B", "A", "2023-06-10"], ["A", "B", "2023-06-10"]], "endless_alias"),
    ],
)
def test_a_merger_that_leads_nowhere_is_refused(rows: Rows, name: str, tmp_path: Path) -> None:
    declared = merged(tmp_path, rows, TERMS)
    assert [(state, column) for state, _, column, _ in found(declared, name)] == [("error", "was")]


@pytest.mark.parametrize(
    ("noted", "name", "fix"),
    [
        ("20230", "not_a_time", 'known_time = { column = "noted", epoch = "seconds" }'),
        ("1686355200", "undeclared_epoch", 'epoch = "seconds"'),
        ("soon", "not_a_time", "write every value as 2026-06-30"),
    ],
)
def test_mergers_without_times_are_told_with_the_cure(
    noted: str, name: str, fix: str, tmp_path: Path
) -> None:
    declared = merged(tmp_path, [["B", "A", noted]], TERMS, [["Z", "2023-02-01"]])
    told = [one for one in contract.check(declared) if one.state == "error"]
    assert [(one.name, one.table, one.column) for one in told] == [(name, "merged", "noted")]
    assert fix in told[0].fix


AROUND = USERS.replace('"account_id"', '{ column = "a", link = "teams" }') + (
    '[links.teams]\nsource = "users"\nkey = "b"\naccount = { column = "c", link = "users" }\n'
)


@pytest.mark.parametrize(
    ("linked", "more", "told"),
    [
        (', link = "user"', USERS, "no such link is declared, got 'user'; did you mean 'users'"),
        (', link = "users", system = "billing"', USERS, "either a system or a link"),
        ("", USERS, "links.users: no source uses it"),
        (LINKED, USERS.replace('"account_id"', '{ column = "a", link = "users" }'), "leads back"),
        (LINKED, AROUND, "links.users.account.link: it leads back to itself"),
        (LINKED, USERS.replace('source = "users"', 'source = "user"'), "no such source"),
    ],
)
def test_a_link_that_cannot_be_followed_is_refused(linked: str, more: str, told: str) -> None:
    with pytest.raises(DeclarationError, match=told):
        parse(HEAD % ("", linked) + more)
