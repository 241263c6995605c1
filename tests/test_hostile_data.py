"""What a company's tables and folders may hold by accident, and what must come of it."""

import math
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import small_company
from features import clock, contract, publish, snapshots
from features.assembling import source_sql
from features.breaches import lint
from features.declaring.declaration import load
from features.errors import ChurnlightError, DeclarationError
from serving.published import runs

AS_OF = date(2025, 9, 1)


def with_amounts(folder: Path, odd: float | None) -> pa.Table:
    """The features of a company in which every seventh amount is `odd`."""
    company = small_company.write(folder, accounts=40)
    visits = pq.read_table(folder / "visits.parquet")
    place = visits.column_names.index("amount")
    seventh = pa.array([number % 7 == 0 for number in range(visits.num_rows)])
    amounts = pc.if_else(seventh, pa.scalar(odd, pa.float64()), visits["amount"])
    pq.write_table(visits.set_column(place, "amount", amounts), folder / "visits.parquet")
    return snapshots.build(company, [AS_OF]).table


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_not_known(odd: float, tmp_path: Path) -> None:
    unknown = with_amounts(tmp_path / "unknown", None)
    assert with_amounts(tmp_path / "odd", odd).equals(unknown)


def test_an_amount_that_cannot_be_shown_is_not_known(tmp_path: Path) -> None:
    company = small_company.write(tmp_path, accounts=40)
    accounts = pq.read_table(tmp_path / "accounts.parquet")
    place = accounts.column_names.index("mrr")
    odd = pa.array([math.nan, math.inf, *accounts["mrr"].to_pylist()[2:]], pa.float64())
    pq.write_table(accounts.set_column(place, "mrr", odd), tmp_path / "accounts.parquet")
    with contract.sound_tables(company) as tables:
        shown = tables.engine.rows(source_sql.account_facts(tables))["mrr"].to_pylist()
    assert shown[:2] == [None, None]
    assert None not in shown[2:]


def test_a_date_beyond_the_calendar_is_never_mature(tmp_path: Path) -> None:
    target = small_company.write(tmp_path, accounts=5).targets["churn"]
    assert clock.settled(date.max, target) == date.max


def test_a_damaged_list_of_runs_says_how_to_mend_it(tmp_path: Path) -> None:
    (tmp_path / "current.json").write_text("{", "utf-8")
    with pytest.raises(ChurnlightError, match="remove it and score again"):
        runs.published(tmp_path)


def test_a_place_that_cannot_be_written_is_refused_before_the_work(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere" / "scores.parquet"):
        with pytest.raises(DeclarationError, match="cannot be written"):
            publish.require_place(path)


def test_an_indicator_over_the_end_of_a_subscription_is_named(tmp_path: Path) -> None:
    small_company.write(tmp_path, accounts=5)
    text = (tmp_path / "churnlight.toml").read_text("utf-8")
    text = text.replace(
        'inactivity = { source = "visits", within = "60d" }\nactive_within = "60d"',
        'event = { source = "visits", ended = "left" }',
    )
    text = text.replace('value = "channel"', "value = \"CASE WHEN left IS NULL THEN 'on' END\"")
    (tmp_path / "churnlight.toml").write_text(text, "utf-8")
    found = [item for item in lint.breaches(load(tmp_path)) if item.name == "filled_in_later"]
    assert len(found) == 1
    assert found[0].detail.startswith("indicators.channel reads left")
