"""What is written is there whole or not at all, in three formats, as the umask lets others read."""

import json
import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import cast

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from features import publish
from features.errors import DeclarationError
from features.verbs import app
from sane_company import sane, write

TABLE = pa.table(
    {
        "day": [date(2024, 1, 1), None],
        "value": [1.5, float("nan")],
        "parts": [[{"name": "a", "since": date(2023, 1, 1)}], []],
    }
)


@pytest.fixture
def umask() -> Iterator[None]:
    """Let everybody read what is written, as a system service would."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.parametrize("name", ["t.parquet", "t.PARQUET"])
def test_parquet_is_the_table_itself(name: str, tmp_path: Path) -> None:
    publish.write_table(TABLE, tmp_path / name)
    found = pq.read_table(tmp_path / name)
    assert found.drop_columns(["value"]).equals(TABLE.drop_columns(["value"]))


@pytest.mark.parametrize("name", ["t.json", "t.JSON"])
def test_json_has_dates_as_text_and_no_number_that_is_none(name: str, tmp_path: Path) -> None:
    publish.write_table(TABLE, tmp_path / name)
    assert json.loads((tmp_path / name).read_text("utf-8")) == [
        {"day": "2024-01-01", "value": 1.5, "parts": [{"name": "a", "since": "2023-01-01"}]},
        {"day": None, "value": None, "parts": []},
    ]


def with_names(row: publish.Row) -> publish.Row:
    parts = cast("list[dict[str, str]]", row["parts"])
    return row | {"parts": [part["name"] for part in parts]}


@pytest.mark.parametrize("name", ["t.csv", "t.CSV"])
def test_csv_holds_nested_values_as_json(name: str, tmp_path: Path) -> None:
    publish.write_table(TABLE, tmp_path / name, with_names)
    lines = (tmp_path / name).read_text("utf-8").splitlines()
    assert lines == ['"day","value","parts"', '2024-01-01,1.5,"[""a""]"', ',nan,"[]"']


@pytest.mark.parametrize("name", ["t.xlsx", "t"])
def test_another_suffix_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(DeclarationError, match=r"use \.parquet, \.csv or \.json"):
        publish.write_table(TABLE, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("umask")
def test_another_user_may_read_what_the_umask_allows(tmp_path: Path) -> None:
    publish.write_json({}, tmp_path / "new" / "file.json")
    with publish.new_directory(tmp_path / "run") as folder:
        publish.write_table(TABLE, folder / "scores.parquet")
    modes = {
        path.name: path.stat().st_mode & 0o777 for path in tmp_path.rglob("*") if path != tmp_path
    }
    assert modes == {"new": 0o755, "file.json": 0o644, "run": 0o755, "scores.parquet": 0o644}


def test_a_failed_write_leaves_the_old_state(tmp_path: Path) -> None:
    publish.write_json("old", tmp_path / "file.json")
    with pytest.raises(ValueError, match="JSON"):
        publish.write_json(float("nan"), tmp_path / "file.json")
    with pytest.raises(KeyError), publish.new_directory(tmp_path / "run"):
        raise KeyError
    assert [path.name for path in tmp_path.iterdir()] == ["file.json"]
    assert json.loads((tmp_path / "file.json").read_text("utf-8")) == "old"


def test_without_a_terminal_each_step_is_a_line_on_stderr(tmp_path: Path) -> None:
    write(tmp_path, sane())
    out = str(tmp_path / "features.json")
    answer = CliRunner().invoke(app, ["features", "--company", str(tmp_path), "--out", out])
    assert answer.exit_code == 0
    assert answer.stdout == ""
    steps = answer.stderr.splitlines()
    assert steps[:3] == ["opening the tables", "reading logins", "reading tickets"]
    assert steps[-1] == "computing the indicators"
    assert len(json.loads(Path(out).read_text("utf-8"))) == len(sane()["accounts"])
