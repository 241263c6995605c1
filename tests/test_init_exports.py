"""`init` recognises the exports of products, adopts their recipes, and drafts what can train."""

from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

import exported_company
from exported_company import in_csv
from exports import EXPORTS, Export, Rows
from features import contract, snapshots, sources
from features.assembling import source_sql
from features.declaring.company import Company
from features.declaring.declaration import load
from features.drafting import draft
from features.errors import DeclarationError
from features.publish import write_parquet


def drafted(folder: Path) -> Company:
    draft.write(folder, force=True)
    return load(folder)


def errors(company: Company) -> list[str]:
    """What is wrong with the tables; few accounts of few days train no model."""
    found = [item for item in contract.check(company) if item.state == "error"]
    return [str(item) for item in found if item.step != "train"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with exports of Stripe, Zendesk and Segment, and the draft of its declaration."""
    path = tmp_path_factory.mktemp("exports")
    exported_company.write(path)
    draft.write(path)
    return path


def test_every_export_is_adopted_and_linked_to_its_accounts(folder: Path) -> None:
    company = load(folder)
    assert {name: source.adopt for name, source in company.sources.items()} == {
        "customers": "stripe.customers",
        "subscriptions": "stripe.subscriptions",
        "tickets": "zendesk.tickets",
        "tracks": "segment.tracks",
    }
    assert (company.accounts.source, company.accounts.key) == ("customers", "customer")
    assert sorted(company.accounts.crosswalk.values()) == [
        "helpdesk_org (metadata)",
        "product_account (metadata)",
    ]


def test_the_target_is_the_end_of_contracts_and_counts_those_who_left(folder: Path) -> None:
    company = load(folder)
    event = company.targets["churn"].event
    assert event is not None
    assert (event.source, event.ended) == ("subscriptions", "ended_at")
    text = (folder / "churnlight.toml").read_text("utf-8")
    # Every third of 120; neither trials nor plan changes.
    assert "40 churned accounts (24 in 2023, 16 in 2024)" in text


def test_the_contracts_are_without_trials_and_begin_when_they_are_paid(folder: Path) -> None:
    company = load(folder)
    with sources.open_tables(company) as tables:
        first = source_sql.first_day(tables, "subscriptions")
        row = tables.engine.row("SELECT count(*), count(ended_at) FROM subscriptions")
    assert first == date(2023, 1, 2)
    # 24 customers changed their plan, so that they have two rows, of which one ended.
    assert row == (120 + 24, 40 + 24)


def test_the_draft_adopts_what_the_exports_feed_and_can_train(folder: Path) -> None:
    company = load(folder)
    adopted = {name: item.adopt for name, item in company.indicators.items() if item.adopt}
    assert adopted == {
        "subscriptions_tenure": "renewal.tenure",
        "tickets": "support.tickets",
        "urgent_tickets": "support.urgent_tickets",
        "problem_tickets": "support.problem_tickets",
        "tracks_event_trend": "usage.event_trend",
        "tracks_days_since_use": "usage.days_since_use",
        "tracks_active_days": "usage.active_days",
    }
    assert set(company.playbooks) == {"support-recovery", "re-engage-users"}
    assert [str(item) for item in contract.check(company) if item.state == "error"] == []


def test_an_export_without_a_table_of_accounts_is_grouped_by_its_own_account(
    tmp_path: Path,
) -> None:
    in_csv(tmp_path / "subs.csv", exported_company.subscriptions())
    company = drafted(tmp_path)
    assert company.accounts.derived
    assert (company.accounts.source, company.accounts.key) == ("subs", "customer")
    event = company.targets["churn"].event
    assert event is not None
    assert event.ended == "ended_at"
    # The end of a billing period lies ahead and says nothing about today.
    assert company.about.data_until == date(2024, 5, 17)


def test_a_table_that_is_only_called_like_an_export_is_read_as_any_other(tmp_path: Path) -> None:
    rows = [
        row | {"Start Date (UTC)": "soon", "Created (UTC)": "soon", "started": row["Created (UTC)"]}
        for row in exported_company.subscriptions()
    ]
    in_csv(tmp_path / "subs.csv", rows)
    in_csv(tmp_path / "customers.csv", exported_company.customers())
    company = drafted(tmp_path)
    assert company.sources["subs"].adopt is None


PEOPLE = range(40)
ZENDESK = {
    "organizations": [
        {"id": 300 + n, "name": f"Org {n}", "created_at": "2023-01-01T00:00:00Z"}
        | {"external_id": "", "shared_tickets": "false", "shared_comments": "false"}
        for n in PEOPLE
    ],
    "users": [
        {"id": 700 + n, "organization_id": 300 + n, "name": "Ann", "email": f"{n}@example.com"}
        | {"role": "end-user", "created_at": "2023-01-02T00:00:00Z"}
        for n in PEOPLE
    ],
    "ratings": [
        {"id": n, "requester_id": 700 + n, "ticket_id": n, "assignee_id": 739, "score": "bad"}
        | {"updated_at": "2024-05-21T09:00:00Z"}
        for n in PEOPLE
    ],
}
INTERCOM: dict[str, Rows] = {
    "companies": [
        {"id": f"531ee4{n}", "company_id": f"own-{n}", "name": f"Org {n}", "created_at": 1672531200}
        | {"session_count": 3, "user_count": 2, "monthly_spend": 0}
        for n in PEOPLE
    ],
    "contact_companies": [
        {"contact_id": f"p{n}", "company_id": f"531ee4{n}", "_fivetran_active": "true"}
        | {"contact_updated_at": "2023-02-01T00:00:00Z"}
        for n in PEOPLE
    ],
    "conversations": [
        {"id": f"c{n}", "created_at": 1716195600, "updated_at": 1716282000, "state": "closed"}
        | {"waiting_since": "", "snoozed_until": "", "source_author_id": f"p{n}"}
        | {"source_author_type": "user", "conversation_rating_value": 2}
        for n in PEOPLE
    ],
}
FRESHDESK = {
    "companies": [
        {"company_id": 48000 + n, "name": f"Org {n}", "created_at": "2023-01-01T00:00:00Z"}
        for n in PEOPLE
    ],
    "contacts": [
        {"id": 700 + n, "company_id": 48000 + n, "name": "Ann", "email": f"{n}@example.com"}
        | {"job_title": "", "time_zone": "Berlin", "created_at": "2023-01-02T00:00:00Z"}
        for n in PEOPLE
    ],
    "ratings": [
        {"id": n, "survey_id": 1, "user_id": 700 + n, "ticket_id": n}
        | {"created_at": "2024-05-21T09:00:00Z", "ratings": '{"default_question": -103}'}
        for n in PEOPLE
    ],
}


@pytest.mark.parametrize(
    ("tables", "ratings", "person", "key", "first"),
    [
        (ZENDESK, "ratings", "requester_id", "organization_id", "300"),
        (INTERCOM, "conversations_ratings", "contact", "company_id", "own-0"),
        (FRESHDESK, "ratings", "user_id", "company_id", "48000"),
    ],
    ids=["Zendesk", "Intercom", "Freshdesk"],
)
def test_ratings_of_people_reach_their_accounts_over_a_link(
    tables: dict[str, Rows], ratings: str, person: str, key: str, first: str, tmp_path: Path
) -> None:
    for name, rows in tables.items():
        in_csv(tmp_path / f"{name}.csv", rows)
    in_csv(tmp_path / "logins.csv", _logins(next(iter(tables.values())), key))
    company = drafted(tmp_path)
    account = company.sources[ratings].account
    assert account is not None
    assert account.column == person
    assert account.link is not None
    assert errors(company) == []
    built = snapshots.build(company, [date(2024, 6, 1)]).table
    low = dict(zip(*(built[one].to_pylist() for one in ("account_id", LOW[ratings])), strict=True))
    assert (len(low), low[first], sum(low.values())) == (40, 1, 40)


LOW = {
    "ratings": "ratings_low_csat__90d",
    "conversations_ratings": "conversations_ratings_low_csat__90d",
}


def _logins(accounts: Rows, key: str = "company_id") -> Rows:
    """Six logins of each account, by the key that accounts are known by."""
    keys = [row.get("company_id", row.get("id")) for row in accounts]
    days = [f"2024-{month:02}-15" for month in range(1, 7)]
    return [{key: account, "login_on": day} for day in days for account in keys]


def test_tickets_of_fivetran_reach_companies_over_the_table_between(tmp_path: Path) -> None:
    tickets = [
        {"id": 1000 + n, "property_subject": "Slow", "property_hs_pipeline_stage": "4"}
        | {"property_hs_ticket_priority": "HIGH", "property_createdate": "2024-05-01T10:00:00Z"}
        | {"property_closed_date": "2024-05-01T13:00:00Z", "_fivetran_deleted": "false"}
        for n in PEOPLE
    ]
    companies = [
        {"id": 9000 + n, "property_name": f"Org {n}", "property_domain": f"{n}.example"}
        | {"property_createdate": "2023-01-01T00:00:00Z"}
        for n in PEOPLE
    ]
    between = [{"ticket_id": 1000 + n, "company_id": 9000 + n} for n in PEOPLE]
    for name, rows in (
        ("ticket", tickets),
        ("company", companies),
        ("ticket_company", between),
        ("logins", _logins(companies)),
    ):
        in_csv(tmp_path / f"{name}.csv", rows)
    company = drafted(tmp_path)
    assert company.sources["ticket"].adopt == "hubspot.fivetran_tickets"
    links = {name: (link.key, link.account.column) for name, link in company.links.items()}
    assert links == {"ticket_company": ("ticket_id", "company_id")}
    built = snapshots.build(company, [date(2024, 5, 20)]).table
    assert built["urgent_tickets__28d"].to_pylist() == [1] * 40


SALESFORCE = [f"0012000000abcD{letter}" for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"]


def _used(keys: list[str]) -> Rows:
    return [{"AccountId": key, "used_on": f"2024-0{m}-03"} for m in range(1, 6) for key in keys]


def test_short_salesforce_ids_of_a_table_of_ones_own_are_made_long(tmp_path: Path) -> None:
    """The recognised table of cases has ids of 18 characters, the other one those of 15."""
    cases = [
        {"Id": f"50020000000{n:02}aBAA", "CaseNumber": n, "AccountId": key, "Priority": "High"}
        | {"Status": "New", "CreatedDate": "2024-05-01T10:00:00.000+0000", "ClosedDate": ""}
        for n, key in enumerate(SALESFORCE)
    ]
    accounts = [
        {"Id": key, "Name": f"Org {key}", "CreatedDate": "2023-01-01T00:00:00.000+0000"}
        | {"Churn_Date__c": "2024-02-01" if n < 5 else ""}
        for n, key in enumerate(SALESFORCE)
    ]
    usage = _used(SALESFORCE)
    for name, rows in (("Case", cases), ("Accounts_report", accounts), ("usage", usage)):
        in_csv(tmp_path / f"{name}.csv", rows)
    company = drafted(tmp_path)
    assert company.accounts.source == "accounts_report"
    assert company.sources["accounts_report"].columns["Id"].holds == "salesforce id"
    assert company.sources["usage"].columns["AccountId"].holds == "salesforce id"
    assert company.sources["case"].adopt == "salesforce.cases"
    assert errors(company) == []


def test_a_field_of_ones_own_in_a_recognised_account_table_ends_contracts(tmp_path: Path) -> None:
    accounts = [
        {"Id": key, "Name": "Org", "Industry": "Energy", "Type": "Customer", "OwnerId": "005"}
        | {"CreatedDate": "2023-01-01T00:00:00.000+0000", "Churn_Date__c": "2024-02-01" * (n < 5)}
        for n, key in enumerate(SALESFORCE)
    ]
    usage = _used(SALESFORCE)
    in_csv(tmp_path / "Account.csv", accounts)
    in_csv(tmp_path / "usage.csv", usage)
    company = drafted(tmp_path)
    assert company.sources["account"].adopt == "salesforce.accounts"
    event = company.targets["churn"].event
    assert event is not None
    assert (event.source, event.ended) == ("account", "Churn_Date__c")
    assert "5 churned accounts (5 in 2024)" in (tmp_path / "churnlight.toml").read_text("utf-8")


def test_silence_in_a_table_of_troubles_is_to_be_decided(tmp_path: Path) -> None:
    tickets = [
        {"account_id": f"a{n}", "opened_on": f"2024-0{month}-03"}
        for month in range(1, 6)
        for n in PEOPLE
    ]
    in_csv(tmp_path / "tickets.csv", tickets)
    drafted(tmp_path)
    text = (tmp_path / "churnlight.toml").read_text("utf-8")
    assert "decide: tickets.csv does not tell what customers do" in text


@pytest.mark.parametrize("export", EXPORTS, ids=str)
def test_an_export_alone_is_drafted_by_its_recipe_or_refused_with_a_reason(
    export: Export, tmp_path: Path
) -> None:
    path = tmp_path / f"table.{export.suffix}"
    if export.suffix == "csv":
        in_csv(path, export.rows)
    else:
        write_parquet(pa.Table.from_pylist(export.rows), path)
    try:
        text = draft.draft_declaration(tmp_path)
    except DeclarationError as refused:
        text = str(refused)
    assert f'adopt = "{export.recipe}"' in text or "Looked at:" in text


def test_accounts_that_no_table_names_are_the_reason_of_the_refusal(tmp_path: Path) -> None:
    contacts = INTERCOM["contact_companies"]
    others = [row | {"company_id": f"other{n}"} for n, row in enumerate(contacts)]
    tables = INTERCOM | {"contact_companies": [*contacts[:10], *others[10:]]}
    for name, rows in tables.items():
        in_csv(tmp_path / f"{name}.csv", rows)
    with pytest.raises(DeclarationError) as refused:
        draft.draft_declaration(tmp_path)
    told = str(refused.value)
    assert "companies.csv has one row per account (company_id), and no other table has both" in told
    assert (
        "contact_companies.csv: only 10 of the 40 different keys in company_id are in "
        "companies.csv, id; 90% must be"
    ) in told
    assert "no column with keys of accounts" not in told
