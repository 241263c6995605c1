"""`churnlight collect` gives a past to tables that hold the state of today."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from drafted_folder import ACCOUNTS, KEYS, account_columns, login_columns, write
from features import contract, snapshots
from features.collecting import collect
from features.declaring.declaration import parse
from features.drafting import draft
from features.errors import DeclarationError, NotFound
from features.verbs import app

MONDAY = datetime(2024, 12, 2, 6, 30, tzinfo=UTC)


def health(folder: Path, logins: int, **more: list[object]) -> Path:
    columns = {"account_id": KEYS, "total_logins": [logins] * ACCOUNTS, "note": [None] * ACCOUNTS}
    return write(folder, {"health": columns | more})


def test_copies_are_kept_by_day_with_their_moment(tmp_path: Path) -> None:
    health(tmp_path, 3)
    [first] = collect(tmp_path, ["health.csv"], MONDAY)
    assert first == tmp_path / "collected" / "health" / "2024-12-02.parquet"
    health(tmp_path, 5)
    assert collect(tmp_path, ["health.csv"], MONDAY + timedelta(hours=3)) == [first]
    health(tmp_path, 8, note=["called"] * ACCOUNTS)
    collect(tmp_path, ["health.csv"], MONDAY + timedelta(days=7))
    copies = [pq.read_table(path) for path in sorted(first.parent.iterdir())]
    assert [copy["total_logins"][0].as_py() for copy in copies] == [3, 8]
    assert [copy["collected_at"][0].as_py() for copy in copies] == [
        MONDAY,
        MONDAY + timedelta(days=7),
    ]
    assert copies[1]["note"][0].as_py() == "called"


def test_collected_copies_are_a_source(tmp_path: Path) -> None:
    write(tmp_path, {"accounts": account_columns(), "logins": login_columns()})
    text = draft.draft_declaration(tmp_path) + SOURCE
    for week, logins in enumerate((3, 8)):
        health(tmp_path, logins)
        collect(tmp_path, ["health.csv"], MONDAY + timedelta(days=7 * week))
    with contract.sound_tables(parse(text, tmp_path)) as tables:
        built = snapshots.build_from(tables, [date(2024, 12, 5), date(2024, 12, 15)])
    values = {
        row["as_of"]: row[name]
        for row in built.table.to_pylist()
        for name in row
        if row["account_id"] == KEYS[-1] and name.startswith("logins-so-far")
    }
    assert list(values.values()) == [3, 8]


SOURCE = """
[sources.health]
path = "collected/health/*.parquet"
account = "account_id"
event_time = "collected_at"

[indicators.logins-so-far]
title = "Logins so far"
dimension = "outcome"
kind = "leading"
source = "health"
measure = "max"
value = "total_logins"
windows = ["28d"]
healthy = "higher"
says = "{value} logins so far"
stage = "shadow"
"""


def test_nothing_is_written_unless_all_can_be_copied(tmp_path: Path) -> None:
    health(tmp_path, 3)
    write(tmp_path, {"empty": {"account_id": [], "total": []}})
    for table, error, said in [
        ("nowhere.csv", NotFound, "no such table"),
        ("empty.csv", DeclarationError, "has no rows"),
    ]:
        with pytest.raises(error, match=said):
            collect(tmp_path, ["health.csv", table], MONDAY)
    assert not (tmp_path / "collected").exists()


def test_a_column_that_went_away_is_told(tmp_path: Path) -> None:
    health(tmp_path, 3)
    collect(tmp_path, ["health.csv"], MONDAY)
    write(tmp_path, {"health": {"account_id": KEYS}})
    with pytest.raises(DeclarationError, match="lacks the column total_logins of the copies"):
        collect(tmp_path, ["health.csv"], MONDAY + timedelta(days=1))


def test_the_verb_says_how_to_declare_the_copies(tmp_path: Path) -> None:
    health(tmp_path, 3)
    answer = CliRunner().invoke(app, ["collect", "--company", str(tmp_path), "health.csv"])
    assert answer.exit_code == 0
    assert Path(answer.stdout.strip()).parent == tmp_path / "collected" / "health"
    assert '[sources.health] path = "collected/health/*.parquet"' in answer.stderr
