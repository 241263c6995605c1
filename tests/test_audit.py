"""What knows the future is found and named, and honest tables raise no alarm."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from features import contract, leaks, sources
from features.declaring.declaration import load
from features.errors import Finding
from leaky_companies import LEAKS, Leak, build, honest, write
from training.leaks import deep_check
from training.verbs import app


def audited(folder: Path) -> list[Finding]:
    """Every finding but the advice, of the report and of the audit."""
    with sources.open_tables(load(folder)) as tables:
        found = [*contract.check_tables(tables), *leaks.breaches(tables)]
    return [item for item in found if item.state != "advice"]


@pytest.mark.parametrize("leak", LEAKS, ids=lambda leak: leak.name)
def test_each_leak_is_found_and_named(leak: Leak, tmp_path: Path) -> None:
    found = audited(build(tmp_path, leak))
    places = [(item.name, item.table, item.column, item.state) for item in found]
    assert (leak.finding, leak.table, leak.column, leak.state) in places
    assert {item.name for item in found} <= {leak.finding} | leak.also
    assert all(item.fix for item in found)


@pytest.mark.parametrize("seed", [3, 4, 5])
def test_honest_tables_raise_no_alarm(seed: int, tmp_path: Path) -> None:
    assert audited(write(tmp_path, honest(seed))) == []


SAAS = Path(__file__).parents[1] / "examples" / "saas"
SPOILED = [
    ("duplicate_account_key", "accounts", "account_id", 2 * 3),
    ("duplicate_rows", "usage", None, 200),
    ("unknown_account", "usage", "account_id", 120),
    ("unknown_account", "tickets", "helpdesk_org", 40),
    ("before_sign_up", "usage", "day", 20),
    ("part_of_the_outcome", "subscriptions", "auto_renew", None),
]


@pytest.fixture(scope="module")
def spoiled(tmp_path_factory: pytest.TempPathFactory) -> list[Finding]:
    """What the audit says of the simulated company with its defects switched on."""
    folder = tmp_path_factory.mktemp("spoiled")
    command = [sys.executable, str(SAAS / "get_data.py"), "--accounts", "300", "--defects"]
    subprocess.run([*command, "--out", str(folder / "data")], check=True, capture_output=True)
    shutil.copy(SAAS / "churnlight.toml", folder)
    return deep_check.check_deep(load(folder))


@pytest.mark.parametrize("defect", SPOILED, ids=lambda defect: f"{defect[0]}-{defect[1]}")
def test_each_defect_of_the_simulator_is_found(
    defect: tuple[str, str, str | None, int | None], spoiled: list[Finding]
) -> None:
    [found] = [item for item in spoiled if (item.name, item.table, item.column) == defect[:3]]
    assert defect[3] in (None, found.rows)


def test_tables_that_cannot_be_read_are_not_audited(tmp_path: Path) -> None:
    folder = write(tmp_path, honest())
    (folder / "logins.parquet").unlink()
    assert [item.name for item in deep_check.check_deep(load(folder))] == [
        "missing_file",
        "not_audited",
    ]


def test_deep_exits_3_and_names_the_leak_in_json(tmp_path: Path) -> None:
    folder = build(tmp_path, next(leak for leak in LEAKS if leak.finding == "before_sign_up"))
    answer = CliRunner().invoke(app, ["check", "--deep", "--json", "--company", str(folder)])
    assert answer.exit_code == 3
    assert json.loads(answer.stdout)[0]["name"] == "before_sign_up"
    assert "rebuilding 2024-07-01 from the tables as they were then" in answer.stderr
