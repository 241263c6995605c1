"""What holds of every snapshot: nothing of tomorrow, nothing of the order, the same twice."""

import dataclasses
import json
import tempfile
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from features.declaring.company import Company
from features.declaring.declaration import load
from features.snapshots import Snapshots
from measure_cases import Layout, every_measure, stored, write
from measure_oracle import Fact, is_known, start_of
from random_tables import FactTable
from serving.application import application
from serving.assessment.assess import assess
from serving.batch import scoring_run
from serving.published import runs
from serving.published.book import Book
from trained_company import House, built, cents
from training.learning.matrix import tabular

AS_OF = date(2025, 8, 1)
DATES = [date(2025, month, 1) for month in (4, 6, 8)]


def known_rows(snapshot: Snapshots) -> pa.Table:
    """Everything but the labels, which look ahead."""
    kept = [name for name in snapshot.table.column_names if not name.startswith("label__")]
    return snapshot.table.select(kept)


@st.composite
def late_rows(draw: st.DrawFn) -> tuple[FactTable, FactTable, Layout]:
    """Draw a table, the same with other late rows, and how both are stored."""
    table, layout = draw(stored("number"))
    late = [fact for fact in table.facts if not is_known(fact, table.as_of)]
    known = [fact for fact in table.facts if is_known(fact, table.as_of)]
    now = start_of(table.as_of)

    def other(fact: Fact, known_time: datetime) -> Fact:
        return Fact(table.accounts[0], fact.event_time, known_time, 999.5)

    changes = {
        "deleted": [],
        "modified": [other(fact, fact.known_time) for fact in late],
        "added": [*late, *(other(fact, max(now, fact.event_time)) for fact in table.facts)],
    }
    changed = [*known, *changes[draw(st.sampled_from(sorted(changes)))]]
    return table, dataclasses.replace(table, facts=tuple(draw(st.permutations(changed)))), layout


@settings(max_examples=15)
@given(drawn=late_rows())
def test_rows_known_after_the_as_of_date_never_change_a_feature(
    drawn: tuple[FactTable, FactTable, Layout],
) -> None:
    table, changed, layout = drawn
    layout = dataclasses.replace(layout, suffix="parquet")
    asked = list(every_measure("number", table))
    with tempfile.TemporaryDirectory() as folder:
        before = built(write(Path(folder), table, layout, asked), table.as_of)
        after = built(write(Path(folder), changed, layout, asked), table.as_of)
    assert known_rows(before).equals(known_rows(after))


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    return cents(tmp_path_factory.mktemp("snapshots") / "company")


@pytest.fixture(scope="module")
def snapshot(company: Company) -> Snapshots:
    return built(company, *DATES)


@pytest.fixture
def own(tmp_path: Path) -> Company:
    """A copy that a test may change."""
    return cents(tmp_path / "own")


def change(company: Company, table: str, how: Callable[[pa.Table], pa.Table]) -> None:
    path = company.folder / f"{table}.parquet"
    pq.write_table(how(pq.read_table(path)), path)


def change_csv(company: Company, table: str, how: Callable[[pa.Table], pa.Table]) -> None:
    path = company.folder / f"{table}.csv"
    csv.write_csv(how(csv.read_csv(path)), path)


def test_tables_truncated_at_the_as_of_date_give_the_same_rows(
    company: Company, own: Company
) -> None:
    now = pa.scalar(start_of(AS_OF), pa.timestamp("us", tz="UTC"))
    change(own, "visits", lambda rows: rows.filter(pc.less(rows["at"], now)))
    change(own, "visits", lambda rows: rows.filter(pc.less(rows["known"], now)))
    change(own, "accounts", lambda rows: rows.filter(pc.less(rows["since"], pa.scalar(AS_OF))))
    # Known a day later than opened, on clocks two hours ahead of UTC.
    opened = datetime(2025, 7, 31, 2)  # noqa: DTZ001 - local, as the file has it
    change_csv(own, "tickets", lambda rows: rows.filter(pc.less(rows["opened"], pa.scalar(opened))))
    assert known_rows(built(own, AS_OF)).equals(known_rows(built(company, AS_OF)))


def test_the_order_of_the_rows_does_not_count(snapshot: Snapshots, own: Company) -> None:
    draw = np.random.default_rng(5)
    for name in ("visits", "accounts"):
        change(own, name, lambda rows: rows.take(draw.permutation(rows.num_rows)))
    change_csv(own, "tickets", lambda rows: rows.take(draw.permutation(rows.num_rows)))
    assert built(own, *DATES).digest == snapshot.digest


def test_the_same_input_has_the_same_digest_and_another_has_not(
    snapshot: Snapshots, company: Company, own: Company
) -> None:
    assert built(company, *reversed(DATES), DATES[0]).digest == snapshot.digest
    change(own, "visits", lambda rows: rows.slice(2000))
    assert built(own, *DATES).digest != snapshot.digest


def test_dates_together_or_one_by_one_give_the_same_rows(
    snapshot: Snapshots, company: Company
) -> None:
    alone = pa.concat_tables([built(company, day).table for day in DATES])
    assert alone.combine_chunks().equals(snapshot.table.combine_chunks())
    for day in DATES:
        assert set(snapshot.at(day).table["as_of"].to_pylist()) == {day}


def test_rows_are_sorted_and_each_account_stands_there_from_its_first_day(
    snapshot: Snapshots, company: Company
) -> None:
    found = list(
        zip(*(snapshot.table[name].to_pylist() for name in ("as_of", "account_id")), strict=True)
    )
    accounts = pq.read_table(company.folder / "accounts.parquet").to_pylist()
    wanted = {
        (day, item["account_id"]) for day in DATES for item in accounts if item["since"] < day
    }
    assert found == sorted(wanted)
    history = {
        (day, item["account_id"]): (day - item["since"]).days for day in DATES for item in accounts
    }
    assert snapshot.table["history_days"].to_pylist() == [history[key] for key in found]


def redeclared(company: Company, old: str, new: str) -> Company:
    path = company.folder / "churnlight.toml"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")
    return load(company.folder)


def test_a_shadow_indicator_is_computed_and_a_draft_is_not(own: Company) -> None:
    shadow = built(own, AS_OF)
    assert {item.name: item.stage for item in shadow.columns}["basket__90d"] == "shadow"
    assert shadow.table["basket__90d"].null_count < shadow.table.num_rows
    draft = built(redeclared(own, 'stage = "shadow"', 'stage = "draft"'), AS_OF)
    assert "basket__90d" not in draft.table.column_names
    assert draft.table.equals(shadow.table.drop_columns(["basket__90d"]))


@pytest.mark.parametrize("share", [0.05, 0.6, 1.0])
def test_removing_data_never_raises_completeness(
    share: float, trained: House, own: Company
) -> None:
    before = completeness(trained.company, trained)
    draw = np.random.default_rng(9)
    change(own, "visits", lambda rows: rows.filter(pa.array(draw.random(rows.num_rows) >= share)))
    after = completeness(own, trained)
    assert before.keys() == after.keys()
    assert all(after[name] <= before[name] for name in before)
    assert sum(after.values()) < sum(before.values())


def completeness(company: Company, house: House) -> dict[str, float]:
    rows = built(company, AS_OF).table
    return {item.account_id: item.completeness for item in assess(rows, house.champion, company)}


@pytest.fixture(scope="module")
def served(trained: House, tmp_path_factory: pytest.TempPathFactory) -> tuple[runs.Run, TestClient]:
    house = trained.copy(tmp_path_factory.mktemp("served") / "own")
    (run,) = scoring_run.score(house.company, settings=house.settings)
    app = application(Book.open(house.company, house.settings))
    return run, TestClient(app, base_url="http://localhost")


def online(client: TestClient, accounts: list[dict[str, object]]) -> list[dict[str, object]]:
    answer: httpx.Response = client.post("/v1/score", json={"accounts": accounts, "drivers": True})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, object]] = answer.json()["scores"]
    return found


SAME = (
    "account_id churn_probability health_score health_score_unclipped band completeness "
    "base_points playbook segment unscored_reason"
).split()


def test_the_offline_row_equals_the_online_row(
    served: tuple[runs.Run, TestClient], tmp_path: Path
) -> None:
    run, client = served
    scoring_run.export([run], tmp_path / "scores.json")
    offline = json.loads((tmp_path / "scores.json").read_text("utf-8"))
    names: list[dict[str, object]] = [{"account_id": row["account_id"]} for row in offline]
    for wanted, found in zip(offline, online(client, names), strict=True):
        assert {key: found[key] for key in SAME} == {key: wanted[key] for key in SAME}
        assert found["as_of"] == wanted["as_of"]
        # Files say more of a driver: its concept, and whether an opportunity lives on what is bad.
        drivers: Any = found["drivers"]
        pairs = zip(drivers, wanted["drivers"], strict=True)
        assert all(driver.items() <= row.items() for driver, row in pairs)


def test_features_stated_by_the_caller_give_the_score_of_the_same_row(
    served: tuple[runs.Run, TestClient], trained: House
) -> None:
    run, client = served
    scored = {row["account_id"]: row for row in run.scores().to_pylist() if row["drivers"]}
    rows = [row for row in run.features().to_pylist() if row["account_id"] in scored][:20]
    names = [*(item.name for item in tabular(trained.champion.features)), "history_days"]
    found = online(client, [{"features": {name: row[name] for name in names}} for row in rows])
    for row, item in zip(rows, found, strict=True):
        wanted = scored[row["account_id"]]
        assert item["health_score_unclipped"] == wanted["health_score_unclipped"]
        assert item["band"] == wanted["band"]
        assert item["account_id"] is None


def test_history_never_reaches_beyond_the_day_before(snapshot: Snapshots) -> None:
    recency = pc.drop_null(snapshot.table["recency__all"]).to_numpy()
    assert recency.min() >= 1
    assert timedelta(days=int(recency.max())) < timedelta(days=400)
