"""A first declaration of sane folders loads and passes the check, or says what to decide."""

import csv
import gzip
import json
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from examples.cdnow.get_data import master_file, orders
from features import contract
from features.declaring.company import Company
from features.declaring.declaration import load
from features.drafting import draft
from features.errors import DeclarationError, NotFound
from features.publish import write_parquet
from features.verbs import app
from sane_company import Rows, sane, write

SIMULATE = Path(__file__).parents[1] / "examples" / "saas" / "get_data.py"
FILE = "churnlight.toml"


def drafted(folder: Path) -> Company:
    draft.write(folder, force=True)
    return load(folder)


def errors(company: Company) -> list[str]:
    return [str(item) for item in contract.check(company) if item.state == "error"]


def decide(folder: Path, source: str, column: str) -> Company:
    """Does what a line marked "decide" asks for: names the zone of a time column."""
    text = (folder / FILE).read_text("utf-8")
    asked = f'event_time = {{ column = "{column}", zone = "Europe/Berlin" }}'
    start = text.index(
        "# decide: the timestamps carry no zone",
        text.rindex("\n\n", 0, text.index(f"[sources.{source}]")),
    )
    assert asked in text[start : text.index("\n", start)]
    table = text.index(f"[sources.{source}]")
    given = text[table:].replace(f'event_time = "{column}"', asked, 1)
    (folder / FILE).write_text(text[:table] + given, encoding="utf-8")
    return load(folder)


def in_csv(path: Path, rows: Rows) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def test_the_real_shop(tmp_path: Path) -> None:
    write_parquet(orders(master_file()), tmp_path / "data" / "orders.parquet")
    company = drafted(tmp_path)
    assert errors(company) == []
    assert company.accounts.derived
    assert company.accounts.key == "customer_id"
    assert company.sources["orders"].path == "data/orders.parquet"
    inactivity = company.targets["churn"].inactivity
    assert inactivity is not None
    assert (inactivity.source, inactivity.within) == ("orders", 90)
    measures = [item.measure for item in company.indicators.values()]
    assert measures == ["count", "days_since", "ratio", "sum", "days_since_first"]
    assert list(company.playbooks) == ["win-back"]


def test_the_simulated_company(tmp_path: Path) -> None:
    command = [sys.executable, str(SIMULATE), "--accounts", "300", "--out", str(tmp_path / "data")]
    subprocess.run(command, check=True, capture_output=True)
    company = drafted(tmp_path)
    assert {item.split(":")[1].strip() for item in errors(company)} == {
        "tickets.opened_at",
        "resolutions.resolved_at",
    }
    decide(tmp_path, "tickets", "opened_at")
    company = decide(tmp_path, "resolutions", "resolved_at")
    assert errors(company) == []
    attributes = company.accounts.attributes.model_dump(exclude_none=True)
    assert attributes == {
        "name": "name",
        "segment": "plan",
        "owner": "csm",
        "parent": "parent_id",
        "mrr": "mrr",
        "renewal": "renewal_date",
        "since": "created_at",
    }
    assert company.accounts.crosswalk == {"customer": "customer_no", "helpdesk": "helpdesk_org"}
    event = company.targets["churn"].event
    assert event is not None
    assert (event.source, event.ended) == ("subscriptions", "ended_at")
    known = company.sources["usage"].known_time
    assert known is not None
    assert known.column == "ingested_at"
    assert 4 <= len(company.indicators) <= 10
    assert company.indicators["usage_recency"].where == "events > 0"
    assert company.indicators["tickets_count"].healthy == "lower"
    assert company.indicators["surveys_score_mean"].measure == "mean"


def test_accounts_with_contracts_and_another_system(tmp_path: Path) -> None:
    write(tmp_path, sane())
    company = drafted(tmp_path)
    [error] = errors(company)
    assert error.startswith("error: logins.at: logins.parquet, column 'at'")
    assert "holds timestamps without a zone, and none is declared" in error
    company = decide(tmp_path, "logins", "at")
    assert errors(company) == []
    assert company.sources["tickets"].account is not None
    assert company.sources["tickets"].account.system == "helpdesk"
    event = company.targets["churn"].event
    assert event is not None
    assert event.ended == "ended"


def test_csv_keys_keep_their_zeros(tmp_path: Path) -> None:
    rows = [
        {
            "Customer ID": f"{number % 40:05}",
            "Order Date": f"2024-{month:02}-{number % 28 + 1:02}",
            "Total": 5,
        }
        for month in range(1, 13)
        for number in range(80)
        if number % 40 < 30 or month < 6
    ]
    in_csv(tmp_path / "Sales Orders.csv", rows)
    company = drafted(tmp_path)
    assert company.accounts.key == "Customer ID"
    assert company.indicators["sales_orders_total_sum"].value == "Total"
    assert not [item for item in errors(company) if "targets.churn" not in item]


def test_an_account_table_that_says_itself_who_left(tmp_path: Path) -> None:
    accounts: list[dict[str, Any]] = [
        {
            "id": number,
            "company_name": f"C{number}",
            "signup_date": "2023-01-05",
            "cancelled_on": f"2023-{number % 9 + 4:02}-10" if number % 2 else "",
        }
        for number in range(1, 121)
    ]
    visits = [
        {"customer_id": number, "visited_on": f"2023-{month:02}-15"}
        for number in range(1, 121)
        for month in range(1, 13)
        if number % 2 == 0 or month < number % 9 + 4
    ]
    in_csv(tmp_path / "customers.csv", accounts)
    in_csv(tmp_path / "visits.csv", visits)
    company = drafted(tmp_path)
    assert errors(company) == []
    assert company.accounts.source == "customers"
    event = company.targets["churn"].event
    assert event is not None
    assert (event.source, event.ended) == ("customers", "cancelled_on")
    assert company.accounts.attributes.name == "company_name"


def test_what_is_of_no_use_is_named(tmp_path: Path) -> None:
    write(tmp_path, sane())
    (tmp_path / "rates.csv").write_text("currency,rate\nUSD,1.1\n", "utf-8")
    (tmp_path / "empty.csv").write_text("account_id,at\n", "utf-8")
    (tmp_path / "torn.parquet").write_text("torn", "utf-8")
    draft.write(tmp_path, force=True)
    text = (tmp_path / FILE).read_text("utf-8")
    assert "# left out: rates.csv: no column holds dates or timestamps" in text
    assert "# left out: empty.csv: has no rows" in text
    assert "# left out: torn.parquet: cannot be read" in text


def test_every_table_of_a_draft_says_that_it_is_guessed(tmp_path: Path) -> None:
    write(tmp_path, sane())
    draft.write(tmp_path, force=True)
    lines = (tmp_path / FILE).read_text("utf-8").splitlines()
    headers = [number for number, line in enumerate(lines) if line.startswith("[")]
    assert headers
    assert all(lines[number - 1].startswith("#") for number in headers)


def test_strange_names_stay_valid_toml(tmp_path: Path) -> None:
    rows = {
        'Kunden-Nr "ID"': [f"k{number % 7}" for number in range(70)],
        "Datum\\Zeit": pa.array(list(range(19000, 19070)), pa.int32()).cast(pa.date32()),
        "total amount": [1.5] * 70,
        "order": [1] * 70,
    }
    (tmp_path / "data").mkdir()
    pq.write_table(pa.table(rows), tmp_path / "data" / "2024 Bestellungen äöü.parquet")
    company = drafted(tmp_path)
    assert company.accounts.key == 'Kunden-Nr "ID"'
    assert [item for item in errors(company) if "targets.churn" not in item] == []
    sums = [item.value for item in company.indicators.values() if item.measure == "sum"]
    assert sums == ['"total amount"']


def test_no_overwriting_without_force(tmp_path: Path) -> None:
    write(tmp_path, sane())
    before = (tmp_path / FILE).read_bytes()
    with pytest.raises(
        DeclarationError, match="exists already; overwrite it with --force"
    ) as caught:
        draft.write(tmp_path)
    assert caught.value.exit_code == 2
    assert (tmp_path / FILE).read_bytes() == before
    answer = CliRunner().invoke(app, ["init", str(tmp_path), "--force"])
    assert answer.exit_code == 0
    assert answer.stdout.strip() == str(tmp_path / FILE)
    assert (tmp_path / FILE).read_bytes() != before


def test_folders_without_anything_to_go_on(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no such folder"):
        draft.write(tmp_path / "nowhere")
    with pytest.raises(NotFound, match="no table"):
        draft.write(tmp_path)
    (tmp_path / "rates.csv").write_text("currency,rate\nUSD,1.1\n", "utf-8")
    with pytest.raises(DeclarationError, match="no table has both a column with keys of accounts"):
        draft.write(tmp_path)
    assert [item.name for item in tmp_path.iterdir()] == ["rates.csv"]


def test_between_equal_keys_that_of_the_account_table_wins(tmp_path: Path) -> None:
    """Two systems name the accounts, each by a key of its own, in one table each."""
    numbers = range(40)
    since = [date(2025, 1, 1)] * len(numbers)
    own, org = [f"a{number}" for number in numbers], [f"org{number}" for number in numbers]
    tables = {
        "accounts": {"helpdesk_org": org, "account_id": own, "created_at": since},
        "logins": {"account_id": own * 3, "day": [date(2025, 6, day) for day in (1, 2, 9)] * 40},
        "tickets": {"helpdesk_org": org, "opened": [date(2025, 6, 3)] * len(numbers)},
    }
    for name, columns in tables.items():
        pq.write_table(pa.table(columns), tmp_path / f"{name}.parquet")
    company = drafted(tmp_path)
    assert company.accounts.key == "account_id"
    assert company.accounts.crosswalk == {"helpdesk": "helpdesk_org"}
    assert company.about.data_until == date(2025, 6, 10)


def landed(folder: Path, loader: str, rows: Rows, part: str, known: dict[str, object]) -> None:
    """A part of a table as a loader lands it, with the columns of the loader."""
    folder.mkdir(parents=True, exist_ok=True)
    own = [
        {f"_{loader}_id": f"{part}{number}", **{f"_{loader}_{k}": v for k, v in known.items()}}
        for number in range(len(rows))
    ]
    held = [row | more for row, more in zip(rows, own, strict=True)]
    if part.endswith(".parquet"):
        pq.write_table(pa.Table.from_pylist(held), folder / part)
        return
    text = "".join(json.dumps(row, default=str) + "\n" for row in held)
    (folder / part).write_bytes(gzip.compress(text.encode()))


DLT = {"load_id": "1717000000.5"}
AIRBYTE = {"raw_id": "r", "extracted_at": "2026-05-01T00:00:00Z", "generation_id": 3}


@pytest.mark.parametrize("data_set", ["", "crm"])
@pytest.mark.parametrize(
    ("loader", "part", "known"),
    [
        ("dlt", "1717000000.{}.a1b2.parquet", DLT),
        ("dlt", "1717000000.{}.a1b2.jsonl.gz", DLT),
        ("dlt", "1717000000.{}.a1b2.jsonl", DLT),
        ("airbyte", "2026_05_01_1777593600000_{}.jsonl.gz", AIRBYTE),
        ("airbyte", "2026_05_01_1777593600000_{}.parquet", AIRBYTE),
    ],
)
def test_landing_folders_are_read_as_they_lie(
    loader: str, part: str, known: dict[str, object], data_set: str, tmp_path: Path
) -> None:
    for name, rows in sane().items():
        half = len(rows) // 2
        for number, some in enumerate((rows[:half], rows[half:])):
            place = tmp_path / data_set / name
            landed(place, loader, some, part.format(number), known)
    loads: Rows = [{"load_id": "1717000000.5", "inserted_at": "2026-05-01T00:00:00Z", "status": 0}]
    for own in ("_dlt_loads", "_dlt_version", "_dlt_pipeline_state") if loader == "dlt" else ():
        landed(tmp_path / data_set / own, loader, loads, part.format(0), known)
    company = drafted(tmp_path)
    assert set(company.sources) == set(sane())
    paths = {str(source.path) for source in company.sources.values()}
    assert paths == {str(Path(data_set) / name) for name in sane()}
    assert f"_{loader}_" not in (tmp_path / FILE).read_text("utf-8")


def test_rows_that_were_loaded_twice_are_told(tmp_path: Path) -> None:
    for name, rows in sane().items():
        for number in "01" if name == "tickets" else "0":
            landed(tmp_path / name, "dlt", rows, f"{number}.parquet", {"load_id": number})
    found = contract.check(drafted(tmp_path))
    twice = [(item.table, item.rows) for item in found if item.name == "duplicate_rows"]
    assert twice == [("tickets", len(sane()["tickets"]))]
