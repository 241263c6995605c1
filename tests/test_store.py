"""The feature store: what is published is what was known then, and stays as it is."""

import resource
from datetime import date
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import small_company
from command import churnlight
from features import snapshots, sources
from features.declaring.company import Company
from features.declaring.declaration import load
from features.errors import ChurnlightError, ContractBroken, DeclarationError, NotFound
from features.store import FeatureStore
from interrupted import interrupt_at
from measure_oracle import start_of
from snapshot_properties import (
    assert_published_rows_stay,
    assert_same_to_the_last_bit,
    features,
    rebuild,
)

DATES = [date(2025, 6, 2), date(2025, 6, 9), date(2025, 6, 16)]
NEW = date(2025, 6, 23)
# More than one part of neighbours.
ACCOUNTS = 600
RANK = """
[indicators.visits_among_peers]
title = "Visits among peers"
dimension = "outcome"
kind = "context"
measure = "peer_rank"
of = "visits"
says = "{value}"
"""


@pytest.fixture
def company(tmp_path: Path) -> Company:
    return small_company.write(tmp_path / "company", accounts=ACCOUNTS)


@pytest.fixture
def store(tmp_path: Path) -> FeatureStore:
    return FeatureStore(tmp_path / "features")


def refresh(store: FeatureStore, company: Company, *as_of: date) -> list[date]:
    with sources.open_tables(company) as tables:
        return store.refresh(tables, as_of)


def as_it_stood(company: Company, folder: Path, day: date) -> Company:
    """A copy of the company from before anything of `day`, or known then, had reached it."""
    before = small_company.write(folder, accounts=ACCOUNTS)
    now = pa.scalar(start_of(day), pa.timestamp("us", tz="UTC"))
    visits = pq.read_table(company.folder / "visits.parquet")
    known = pc.and_(pc.less(visits["at"], now), pc.less(visits["known"], now))
    pq.write_table(visits.filter(known), folder / "visits.parquet")
    return before


def test_what_is_published_is_what_the_snapshots_say(company: Company, store: FeatureStore) -> None:
    assert refresh(store, company, *DATES) == DATES
    assert store.published() == DATES
    wanted = features(snapshots.build(company, DATES).table)
    assert_same_to_the_last_bit(store.read(), wanted)
    one = store.read(DATES[1:2], ["account_id", "as_of"])
    assert set(one["as_of"].to_pylist()) == {DATES[1]}


@pytest.mark.parametrize("more", ["", RANK], ids=["by accounts", "all accounts"])
def test_rows_that_are_written_in_pieces_are_the_same(
    more: str, company: Company, store: FeatureStore
) -> None:
    path = company.folder / "churnlight.toml"
    path.write_text(path.read_text("utf-8") + more, "utf-8")
    company = load(company.folder)
    refresh(FeatureStore(store.folder, bytes_at_once=1), company, *DATES)
    assert_same_to_the_last_bit(store.read(), features(snapshots.build(company, DATES).table))


def test_a_stream_holds_the_rows_of_the_snapshots(company: Company) -> None:
    with sources.open_tables(company) as tables:
        pieces = list(snapshots.stream_from(tables, DATES, bytes_at_once=1))
    order = [("as_of", "ascending"), ("account_id", "ascending")]
    streamed = pa.concat_tables(pieces).sort_by(order)
    assert_same_to_the_last_bit(streamed, snapshots.build(company, DATES).table)


def test_facts_that_do_not_fit_into_memory_give_the_same_rows(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_memory = snapshots.build(company, DATES).table
    monkeypatch.setenv("CHURNLIGHT_FACTS_MIB", "0")
    monkeypatch.setenv("CHURNLIGHT_THREADS", "1")
    assert_same_to_the_last_bit(snapshots.build(company, DATES).table, in_memory)


def test_a_weekly_refresh_equals_the_rebuild_and_leaves_what_is_published(
    company: Company, store: FeatureStore, tmp_path: Path
) -> None:
    refresh(store, as_it_stood(company, tmp_path / "before", DATES[-1]), *DATES)
    files = {path: path.read_bytes() for path in sorted(store.folder.rglob("*.parquet"))}
    assert refresh(store, company, *DATES, NEW) == [NEW]
    assert {path: path.read_bytes() for path in files} == files
    assert_same_to_the_last_bit(
        store.read(), features(snapshots.build(company, [*DATES, NEW]).table)
    )
    assert refresh(store, company, NEW) == []


def test_late_facts_change_no_published_row(company: Company, tmp_path: Path) -> None:
    before = as_it_stood(company, tmp_path / "before", NEW)
    assert_published_rows_stay(before, company, [*DATES, NEW], rebuild)


def test_features_of_another_meaning_are_not_mixed_in(
    company: Company, store: FeatureStore
) -> None:
    refresh(store, company, *DATES)
    path = company.folder / "churnlight.toml"
    text = path.read_text("utf-8")
    assert 'windows = ["28d"' in text
    path.write_text(text.replace('windows = ["28d"', 'windows = ["29d", "28d"', 1), "utf-8")
    with pytest.raises(DeclarationError, match=r"indicators\.\w+ changed.*another folder"):
        refresh(store, load(company.folder), NEW)
    assert store.published() == DATES


def test_a_date_that_is_not_there_is_named(company: Company, store: FeatureStore) -> None:
    with pytest.raises(NotFound, match="no snapshot is published here"):
        store.read()
    refresh(store, company, *DATES)
    with pytest.raises(NotFound, match=f"no snapshot of {NEW}"):
        store.read([NEW])


def test_a_flipped_bit_is_never_read_as_data(company: Company, store: FeatureStore) -> None:
    refresh(store, company, *DATES)
    path = store.folder / f"as_of={DATES[0]}" / "rows.parquet"
    whole, wanted = path.read_bytes(), store.read()
    for place in range(4, len(whole), len(whole) // 150):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << (place % 8)
        path.write_bytes(bytes(damaged))
        with pytest.raises(ChurnlightError, match=r"rows\.parquet: does not match its digest"):
            store.read()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ChurnlightError, match=r"rows\.parquet"):
        store.read()
    path.write_bytes(whole)
    assert store.read().equals(wanted)


def at_most_2000_bytes() -> None:
    """Let this process write no file that is larger."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))


def publishing(company: Company, store: FeatureStore, *as_of: date) -> list[object]:
    days = [word for day in as_of for word in ("--as-of", day)]
    return ["features", "--company", company.folder, "--out", store.folder, *days]


def test_a_full_disk_leaves_the_store_as_it_was_and_the_next_run_goes_on(
    company: Company, store: FeatureStore
) -> None:
    assert churnlight(*publishing(company, store, *DATES)).returncode == 0
    before = store.read()
    full = churnlight(*publishing(company, store, NEW), before=at_most_2000_bytes)
    assert full.returncode == 1
    assert "published results are unchanged" in full.stderr
    assert "Traceback" not in full.stderr
    assert store.read().equals(before)
    assert not list(store.folder.glob(".*as_of*"))
    again = churnlight(*publishing(company, store, *DATES, NEW))
    assert again.returncode == 0, again.stderr
    assert store.published() == [*DATES, NEW]


def test_a_run_that_is_killed_leaves_whole_dates_and_the_next_run_goes_on(
    company: Company, store: FeatureStore
) -> None:
    words = publishing(company, store, *DATES)
    at_the_second = partial(interrupt_at, "SIGKILL", f"as_of={DATES[1]}")
    assert churnlight(*words, before=at_the_second).returncode == -9
    there = store.published()
    assert len(there) < len(DATES)
    assert churnlight(*words).returncode == 0
    assert store.published() == DATES
    assert_same_to_the_last_bit(store.read(), features(snapshots.build(company, DATES).table))


@pytest.mark.parametrize("how", ["gone", "half", "flipped"])
def test_a_source_that_breaks_while_it_is_read_is_a_finding(how: str, company: Company) -> None:
    path = company.folder / "visits.parquet"
    whole = path.read_bytes()
    with sources.open_tables(company) as tables:
        if how == "gone":
            path.unlink()
        else:
            middle = len(whole) // 2
            path.write_bytes(whole[:middle] + (b"" if how == "half" else b"\xff" * (middle + 1)))
        with pytest.raises(ContractBroken, match="visits") as broken:
            snapshots.build_from(tables, DATES)
    assert [item.table for item in broken.value.findings] == ["visits"]
    assert "Traceback" not in str(broken.value)
