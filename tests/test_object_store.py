"""Tables behind URLs are the same company as the same tables in files."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from features import contract, snapshots
from features.declaring.company import Company
from features.declaring.declaration import load
from object_store_server import BUCKET, serving
from sane_company import sane, write

AS_OF = date(2024, 6, 1)
SECRET = "hush"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path, sane())


@pytest.fixture
def bucket(folder: Path) -> Iterator[str]:
    with serving(folder) as (parameters, _):
        yield parameters


def declare(folder: Path, table: str, path: str) -> Company:
    """The company, one of its tables behind `path`."""
    text = (folder / "churnlight.toml").read_text("utf-8")
    old = f'path = "{table}.parquet"'
    assert old in text
    changed = text.replace(old, f'path = "{path}"')
    (folder / "churnlight.toml").write_text(changed, encoding="utf-8")
    return load(folder)


def test_a_table_in_an_object_store_gives_the_same_features(folder: Path, bucket: str) -> None:
    local = snapshots.build(load(folder), [AS_OF])
    url = f"s3://anybody:{SECRET}@{BUCKET}/logins.parquet{bucket}"
    remote = snapshots.build(declare(folder, "logins", url), [AS_OF])
    assert remote.table.equals(local.table)


def test_a_file_that_is_not_in_the_store_is_a_finding_without_secrets(
    folder: Path, bucket: str
) -> None:
    url = f"s3://anybody:{SECRET}@{BUCKET}/nothing.parquet{bucket}"
    findings = contract.check(declare(folder, "logins", url))
    found = [item for item in findings if item.name == "unreadable"]
    assert [item.table for item in found] == ["logins"]
    assert f"s3://{BUCKET}/nothing.parquet cannot be read" in found[0].detail
    assert SECRET not in str(findings)


def test_a_store_of_a_kind_that_nobody_knows_is_a_finding(folder: Path) -> None:
    findings = contract.check(declare(folder, "logins", "tape://shelf/logins.parquet"))
    assert [item.table for item in findings if item.name == "unreadable"] == ["logins"]
