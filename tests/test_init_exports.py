"""`init` recognises the exports of products, adopts their recipes, and drafts what can train."""

from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

import exported_company
from exported_company import in_csv
from exports import EXPORTS, Export
from features import contract, sources
from features.assembling import source_sql
from features.declaring.company import Company
from features.declaring.declaration import load
from features.drafting import draft
from features.errors import DeclarationError
from features.publish import write_parquet


def drafted(folder: Path) -> Company:
    draft.write(folder, force=True)
    return load(folder)


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
