"""The two real shops: their data come in whole or not at all, and mean what their READMEs say."""

import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from catalogue_cases import faults
from examples.cdnow.get_data import master_file, orders
from examples.online_retail.get_data import COLUMNS, NotUsable, lines
from features import clock, snapshots
from features.declaring.company import Company
from features.declaring.declaration import load
from features.publish import write_parquet

EXAMPLES = Path(__file__).parent.parent / "examples"
SHOPS = ("cdnow", "online_retail")

HEADINGS = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
LINES = (
    "536365,85123A,HANGING HEART,6,01/12/2010 08:26,2.55,17850,United Kingdom",
    "536366,22633,HAND WARMER,6,13/12/2010 08:28,1.85,12583.0,France",
    "C536379,D,Discount,-1,13/12/2010 09:41,27.50,12583,France",
    "536414,22139,,56,14/12/2010 11:52,0,,United Kingdom",
)


@pytest.fixture(params=SHOPS)
def shop(request: pytest.FixtureRequest) -> Company:
    return load(EXAMPLES / request.param)


def in_folder(shop: str, folder: Path, file: str, table: pa.Table) -> Company:
    """The shop's declaration beside a table of our own."""
    shutil.copy(EXAMPLES / shop / "churnlight.toml", folder)
    write_parquet(table, folder / "data" / file)
    return load(folder)


def as_csv(folder: Path, *rows: str, headings: str = HEADINGS, encoding: str = "utf-8") -> Path:
    path = folder / "Online Retail.csv"
    path.write_bytes("\n".join([headings, *rows, ""]).encode(encoding))
    return path


def test_every_sentence_of_a_shop_keeps_the_rules_of_wording(shop: Company) -> None:
    assert {name: faults(item) for name, item in shop.indicators.items() if faults(item)} == {}


def test_every_leading_indicator_of_a_shop_has_a_playbook_and_no_playbook_is_idle(
    shop: Company,
) -> None:
    leading = [item for item in shop.indicators.values() if item.kind == "leading"]
    assert {item.playbook for item in leading} <= set(shop.playbooks)
    assert {item.playbook for item in shop.indicators.values()} - {None} == set(shop.playbooks)
    assert {item.owner for item in shop.playbooks.values()} == {"CRM manager"}


def test_a_readme_tells_where_the_data_come_from_and_what_leaving_means() -> None:
    for shop, author in (("cdnow", "Hardie"), ("online_retail", "Chen, Sain & Guo (2012)")):
        text = (EXAMPLES / shop / "README.md").read_text("utf-8")
        assert author in text
        assert "90 days" in text
        assert "get_data.py" in text


def test_cdnow_is_there_to_the_last_order() -> None:
    table = orders(master_file())
    assert table.num_rows == 69_659
    assert pc.count_distinct(table["customer_id"]).as_py() == 23_570
    assert pc.sum(table["dollars"]).as_py() == pytest.approx(2_500_315.63, abs=0.005)
    assert pc.sum(table["cds"]).as_py() == 167_881
    assert pc.min_max(table["ordered_on"]).as_py() == {
        "min": date(1997, 1, 1),
        "max": date(1998, 6, 30),
    }
    assert table["customer_id"][0].as_py() == "00001"


def test_cdnow_declares_whom_it_can_lose_and_whom_it_lost(tmp_path: Path) -> None:
    company = in_folder("cdnow", tmp_path, "orders.parquet", orders(master_file()))
    rows = snapshots.build(company, [date(1998, 4, 1)]).table
    eligible = rows.filter(rows["eligible__churn"])
    assert eligible.num_rows == 6_055
    assert pc.mean(eligible["label__churn"]).as_py() == pytest.approx(0.6150, abs=5e-5)


def test_online_retail_reads_what_a_spreadsheet_saved(tmp_path: Path) -> None:
    table = lines(as_csv(tmp_path, *LINES))
    assert table.schema == pa.schema([(name, kind) for name, (_, kind) in COLUMNS.items()])
    assert table["customer_id"].to_pylist() == ["17850", "12583", "12583"]
    assert table["stock_code"].to_pylist() == ["85123A", "22633", "D"]
    assert table["quantity"].to_pylist() == [6, 6, -1]
    assert str(table["invoice_time"][0]) == "2010-12-01 08:26:00"


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("12/1/2010 8:26", "12/13/2010 9:41"),
        ("1/12/10 8:26", "13/12/10 9:41"),
        ("2010-12-01 08:26:00", "2010-12-13 09:41:00"),
        ("2010-12-01T08:26:00", "2010-12-13T09:41:00"),
    ],
)
def test_online_retail_tells_day_from_month_by_the_whole_column(
    tmp_path: Path, first: str, last: str
) -> None:
    rows = (LINES[0].replace("01/12/2010 08:26", first), LINES[2].replace("13/12/2010 09:41", last))
    moments = lines(as_csv(tmp_path, *rows))["invoice_time"]
    assert [str(item) for item in moments] == ["2010-12-01 08:26:00", "2010-12-13 09:41:00"]


def test_online_retail_reads_parquet_under_our_own_names_too(tmp_path: Path) -> None:
    table = lines(as_csv(tmp_path, *LINES))
    number = pc.cast(table["customer_id"], pa.int32())
    stored = table.set_column(table.schema.get_field_index("customer_id"), "customer_id", number)
    pq.write_table(stored, tmp_path / "lines.parquet")
    assert lines(tmp_path / "lines.parquet").equals(table)


def test_online_retail_minds_neither_a_byte_order_mark_nor_an_old_encoding(tmp_path: Path) -> None:
    row = LINES[0].replace("HANGING HEART", "£1 HEART")
    expected = lines(as_csv(tmp_path, LINES[0], LINES[1]))
    for encoding in ("utf-8-sig", "latin-1"):
        assert lines(as_csv(tmp_path, row, LINES[1], encoding=encoding)).equals(expected)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("UnitPrice", "Price", r"no column UnitPrice; it has: .*; the download"),
        (",6,", ",six,", r"Quantity: cannot read 'six' in 2 of 2 rows; save"),
        ("2.55", "2;55", r"UnitPrice: cannot read '2;55' in 1 of 2 rows; save"),
        (
            "13/12/2010 08:28",
            "last week",
            r"InvoiceDate: cannot read 'last week' in 1 of 2 rows; save",
        ),
        (
            "13/12/2010 08:28",
            "02/12/2010 08:28",
            r"'01/12/2010 08:26' does not say one moment; write",
        ),
        ("12583.0", "Smith", r"CustomerID: cannot read 'Smith' in 1 of 2 rows"),
        ("22633", "", r"StockCode: 1 of 2 cells are empty"),
        (HEADINGS, HEADINGS.replace(",", ";"), r"no column|none of the headings is known"),
    ],
)
def test_online_retail_names_the_cell_that_cannot_be_read(
    tmp_path: Path, old: str, new: str, told: str
) -> None:
    path = as_csv(tmp_path, *LINES[:2])
    path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")
    with pytest.raises(NotUsable, match=told):
        lines(path)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("Online Retail.xlsx", b"PK", "a workbook, .*save it as CSV"),
        ("Online Retail.zip", b"PK", "neither .csv nor .parquet"),
        ("lines.parquet", b"not Parquet at all", "cannot be read"),
        ("Online Retail.csv", b"", "none of the headings is known"),
        ("Online Retail.csv", HEADINGS.encode() + b"\n", "CustomerID: no line has one"),
        ("Online Retail.csv", None, "no such file; download it from"),
    ],
)
def test_online_retail_says_what_it_cannot_read_and_how_to_mend_it(
    tmp_path: Path, name: str, content: bytes | None, told: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(NotUsable, match=told):
        lines(tmp_path / name)


def get_data(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What a copy of the script in `folder` says, so that our own data stay as they are."""
    script = shutil.copy(EXAMPLES / "online_retail" / "get_data.py", folder)
    return subprocess.run(
        [sys.executable, script, *arguments], capture_output=True, text=True, check=False
    )


def test_online_retail_puts_the_lines_in_place(tmp_path: Path) -> None:
    answer = get_data(tmp_path, "--from", str(as_csv(tmp_path, *LINES)))
    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout == "3 lines of 2 customers in lines.parquet\n"
    assert pq.read_table(tmp_path / "data" / "lines.parquet").num_rows == 3


def test_online_retail_leaves_nothing_behind_when_it_fails(tmp_path: Path) -> None:
    answer = get_data(tmp_path)
    assert answer.returncode == 1
    assert "Online Retail.csv: no such file; download it from https://archive.ics" in answer.stderr
    assert not (tmp_path / "data").exists()


def line(customer: str, day: str, **other: Any) -> dict[str, Any]:
    plain = {
        "invoice": "1",
        "stock_code": "A",
        "quantity": 2,
        "unit_price": 5.0,
        "country": "France",
    }
    moment = f"{day} 09:00:00"
    return plain | {"customer_id": customer, "invoice_time": moment} | other


def shop_of(folder: Path, *rows: dict[str, Any]) -> Company:
    types = pa.schema([(name, kind) for name, (_, kind) in COLUMNS.items()])
    table = pa.Table.from_pylist(list(rows)).select(types.names).cast(types)
    return in_folder("online_retail", folder, "lines.parquet", table)


def test_online_retail_takes_a_cancellation_for_no_purchase(tmp_path: Path) -> None:
    company = shop_of(
        tmp_path,
        line("back", "2011-05-01"),
        line("back", "2011-07-01", invoice="2"),
        line("gone", "2011-05-01"),
        line("gone", "2011-07-01", invoice="C2", quantity=-2),
        line("long gone", "2010-12-01"),
        line("long gone", "2011-05-20", invoice="C3", quantity=-2),
    )
    rows = snapshots.build(company, [date(2011, 6, 1)]).table.to_pydict()
    outcome = dict(zip(rows["account_id"], rows["label__churn"], strict=True))
    assert outcome == {"back": 0, "gone": 1, "long gone": None}


def test_online_retail_counts_invoices_articles_and_what_was_given_back(tmp_path: Path) -> None:
    company = shop_of(
        tmp_path,
        line("a", "2011-05-01"),
        line("a", "2011-05-01", stock_code="B"),
        line("a", "2011-05-10", invoice="2"),
        line("a", "2011-05-20", invoice="C3", quantity=-1),
    )
    row = snapshots.build(company, [date(2011, 6, 1)]).table.to_pylist()[0]
    assert row["orders__90d"] == 2
    assert row["assortment__90d"] == 2
    assert row["spend__90d"] == 30
    assert row["returns__180d"] == 0.25
    assert row["credited__180d"] == 5
    assert row["recency__all"] == 22


def test_online_retail_closes_its_books_before_the_half_day_at_the_end() -> None:
    company = load(EXAMPLES / "online_retail")
    until = company.about.data_until
    assert until is not None
    target = company.targets["churn"]
    assert clock.is_mature(date(2011, 9, 10), target, until)
    assert not clock.is_mature(date(2011, 9, 11), target, until)
