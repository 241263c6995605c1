"""The rows of a day as they would be, had nothing happened since an earlier one."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

import small_company
from features import snapshots, sources
from features.declaring.company import Company
from features.declaring.declaration import load
from trained_company import built

TODAY = date(2025, 10, 6)
SINCE = [date(2025, 7, 7), date(2025, 9, 8), date(2025, 9, 29)]


def of(company: Company, *since: date) -> dict[date, pa.Table]:
    with sources.open_tables(company) as tables:
        return snapshots.build_unchanged(tables, TODAY, since)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    folder = tmp_path_factory.mktemp("unchanged")
    small_company.write(folder)
    return load(folder)


def cut(company: Company, folder: Path, day: date) -> Company:
    """Write the company without the facts that were not known before the morning of `day`."""
    small_company.write(folder)
    morning = datetime(day.year, day.month, day.day, tzinfo=UTC)
    visits = pq.read_table(company.folder / "visits.parquet")
    known = visits["known"].cast(pa.timestamp("us", "UTC"))
    pq.write_table(visits.filter(pc.less(known, morning)), folder / "visits.parquet")
    tickets = pa.csv.read_csv(company.folder / "tickets.csv")
    opened = [
        datetime.fromisoformat(str(moment)).astimezone(UTC) + timedelta(days=1)
        for moment in local(tickets["opened"].to_pylist())
    ]
    kept = tickets.filter(pa.array([moment < morning for moment in opened]))
    pa.csv.write_csv(kept, folder / "tickets.csv")
    return load(folder)


def local(moments: Sequence[datetime]) -> list[datetime]:
    return [moment.replace(tzinfo=ZoneInfo("Europe/Berlin")) for moment in moments]


@pytest.mark.parametrize("day", SINCE)
def test_they_are_the_rows_of_tables_that_end_on_the_earlier_day(
    company: Company, tmp_path: Path, day: date
) -> None:
    found = of(company, *SINCE)[day]
    wanted = built(cut(company, tmp_path, day), TODAY).table
    there = pc.is_in(wanted["account_id"], value_set=found["account_id"].combine_chunks())
    wanted = wanted.filter(there)
    names = [
        name for name in wanted.column_names if not name.startswith(("as_of", "eligible", "label"))
    ]
    assert found.select(names).equals(wanted.select(names))
    now = built(company, TODAY).table
    assert not found["visits__28d"].equals(
        now.filter(pc.is_in(now["account_id"], value_set=found["account_id"].combine_chunks()))[
            "visits__28d"
        ]
    )
