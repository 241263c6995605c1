"""The set-up keeps its promises: locks, verbs, entry points, and tests that say what did not run.

Design rule: everything is called as a person calls it, in processes of its own.
"""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import typer

from serving.cli import app

ROOT = Path(__file__).resolve().parent.parent
OF_TABLES = {"train-table", "score-table"}
"""Entry points for a table that nobody declared: verbs with other options."""

NEEDS_CHROMIUM = """
def test_of_a_page(chromium: str) -> None:
    assert chromium


def test_of_nothing() -> None:
    assert len("two") == 3
"""


def run(*command: str, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command with `environment` on top of PATH and HOME alone."""
    base = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"]}
    return subprocess.run(
        command, cwd=cwd, env=base | environment, capture_output=True, text=True, check=False
    )


def locks(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the freshness check of the lock files of a folder."""
    return run(sys.executable, ".ci/locks.py", "check", cwd=folder)


@pytest.fixture
def lock_folder(tmp_path: Path) -> Path:
    """Return a copy of everything that the freshness check reads."""
    shutil.copytree(ROOT / ".ci", tmp_path / ".ci")
    for path in [*ROOT.glob("requirements*"), ROOT / "pyproject.toml"]:
        shutil.copy(path, tmp_path)
    return tmp_path


def test_committed_locks_are_fresh(lock_folder: Path) -> None:
    assert locks(lock_folder).stderr == ""


def test_a_changed_input_makes_its_lock_stale(lock_folder: Path) -> None:
    with (lock_folder / "requirements.in").open("a") as inputs:
        inputs.write("requests>=2\n")
    result = locks(lock_folder)
    assert result.returncode == 1
    assert "requirements.lock was compiled from other inputs than requirements.in" in result.stderr


def test_moved_runtime_versions_make_the_lock_of_the_tests_stale(lock_folder: Path) -> None:
    lock = lock_folder / "requirements.lock"
    lock.write_text(re.sub(r"^rich==\S+", "rich==99.0", lock.read_text(), flags=re.MULTILINE))
    assert "requirements-dev.lock was compiled from other inputs" in locks(lock_folder).stderr


def test_an_address_in_a_lock_is_refused(lock_folder: Path) -> None:
    with (lock_folder / "requirements.lock").open("a") as lock:
        lock.write("--index-url https://packages.example/simple\n")
    assert "an address or a path of a machine" in locks(lock_folder).stderr


def test_a_dependency_without_lower_bound_is_refused(lock_folder: Path) -> None:
    project = lock_folder / "pyproject.toml"
    project.write_text(project.read_text().replace('"rich>=15"', '"rich"'))
    assert "'rich' has no lower bound" in locks(lock_folder).stderr


def test_make_help_lists_the_everyday_verbs() -> None:
    shown = run("make", "help").stdout
    verbs = ("demo", "test", "check", "setup", "serve", "train", "lock")
    assert all(f"make {verb} " in shown for verb in verbs)


@pytest.mark.parametrize("verb", ["demo", "serve"])
def test_make_passes_host_and_port_on_where_they_are_given(verb: str) -> None:
    plain = run("make", "-n", verb).stdout
    assert "--host" not in plain
    assert "--port" not in plain
    given = run("make", "-n", verb, "HOST=127.0.0.2", "PORT=8080").stdout
    assert "--host 127.0.0.2 --port 8080" in given


def test_every_verb_is_an_entry_point() -> None:
    entry_points = (ROOT / "MLproject").read_text().partition("\nentry_points:\n")[2]
    verbs = typer.main.get_group(app).commands
    found = set(re.findall(r"^  (\S+):$", entry_points, flags=re.MULTILINE))
    assert found == {*verbs, *OF_TABLES}


def test_the_distribution_may_not_be_uploaded() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert "Private :: Do Not Upload" in project["classifiers"]


@pytest.fixture(scope="module")
def tracking(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the address of a store that all runs share: making its tables takes seconds."""
    return f"sqlite:///{tmp_path_factory.mktemp('tracking')}/mlflow.db"


def mlflow_run(
    folder: Path, tracking: str, *parameters: str, entry: str = "check"
) -> subprocess.CompletedProcess[str]:
    """Run an entry point of this checkout through MLflow in `folder`."""
    arguments = [word for parameter in parameters for word in ("-P", parameter)]
    return run(
        *(sys.executable, "-m", "mlflow", "run", str(ROOT), "--env-manager", "local"),
        *("-e", entry, *arguments),
        cwd=folder,
        VIRTUAL_ENV=sys.prefix,
        MLFLOW_TRACKING_URI=tracking,
        MLFLOW_DISABLE_TELEMETRY="true",
        CHURNLIGHT_TRIALS="1",
    )


def test_an_entry_point_fails_like_its_verb(tmp_path: Path, tracking: str) -> None:
    result = mlflow_run(tmp_path, tracking, f"company={tmp_path}/nowhere")
    assert result.returncode != 0
    assert "nowhere/churnlight.toml" in result.stderr + result.stdout


def test_an_entry_point_refuses_a_parameter_it_does_not_know(tmp_path: Path, tracking: str) -> None:
    result = mlflow_run(tmp_path, tracking, "company=examples/cdnow", "colour=green")
    assert result.returncode != 0
    assert "No such option" in result.stderr + result.stdout


def test_an_entry_point_trains_on_a_table(tmp_path: Path, tracking: str) -> None:
    table = tmp_path / "customers.csv"
    rows = [
        f"{1 + place % 40},{place % 11},{int((place % 40 < 12) != (place % 5 == 0))}"
        for place in range(400)
    ]
    table.write_text("\n".join(["tenure,seats,left", *rows]))
    given = (f"table={table}", "label=left", f"out={tmp_path}/model")
    result = mlflow_run(tmp_path, tracking, *given, entry="train-table")
    assert result.returncode == 0, result.stderr
    assert {"model-card.md", "report.html"} <= {
        path.name for path in (tmp_path / "model").iterdir()
    }


@pytest.fixture
def bare_machine(tmp_path: Path) -> Path:
    """Return a folder with two tests, one of a page, and an empty folder `bin` to use as PATH."""
    (tmp_path / "bin").mkdir()
    shutil.copy(ROOT / "tests" / "conftest.py", tmp_path)
    (tmp_path / "test_two.py").write_text(NEEDS_CHROMIUM)
    return tmp_path


def bare_pytest(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run these tests where no Chromium is to be found."""
    command = (sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", str(folder))
    return run(*command, cwd=folder, PATH=str(folder / "bin"), **environment)


def test_a_missing_real_part_is_named_at_the_end_of_a_run(bare_machine: Path) -> None:
    result = bare_pytest(bare_machine)
    assert result.returncode == 0
    assert "NOT RUN: 1 tests because chromium is missing: apt-get install chromium" in result.stdout
    assert "test_two.py::test_of_a_page" in result.stdout


def test_a_missing_real_part_is_an_error_in_ci(bare_machine: Path) -> None:
    result = bare_pytest(bare_machine, CI="true")
    assert result.returncode == 1
    assert "chromium is missing: apt-get install chromium" in result.stdout
