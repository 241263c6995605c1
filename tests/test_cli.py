"""The command line as a shell sees it: light, data on stdout, exit codes with a message."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import small_company
from command import Done, churnlight
from features import publish
from features.declaring.company import Company
from features.settings import Settings
from features.verbs import progress
from serving.cli import VERBS, app
from trained_company import House

HEAVY = {
    "bentoml",
    "duckdb",
    "lightgbm",
    "matplotlib",
    "mlflow",
    "numba",
    "numpy",
    "pandas",
    "pyarrow",
    "scipy",
    "shap",
    "sklearn",
    "sqlalchemy",
    "starlette",
}


def refused(done: Done, code: int, *told: str) -> None:
    """The command failed with this code, a message on stderr, and nothing on stdout."""
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    for text in told:
        assert text in done.stderr
    assert "Traceback" not in done.stderr


def imported(*words: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "serving.cli", *words],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Usage" in done.stdout
    return {
        found[1].partition(".")[0]
        for line in done.stderr.splitlines()
        if (found := re.match(r"import time:.*\|\s+(\S+)$", line))
    }


@pytest.mark.parametrize("words", [(), ("train",), ("serve",)])
def test_help_imports_nothing_heavy(words: tuple[str, ...]) -> None:
    found = imported(*words, "--help")
    assert "typer" in found
    assert not HEAVY & found


def test_help_names_every_verb_in_one_line_and_in_the_order_of_use() -> None:
    installed = Path(sys.executable).parent / "churnlight"
    done = subprocess.run(
        [installed, "--help"],
        env=os.environ | {"COLUMNS": "80"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    commands = done.stdout.partition("Commands")[2].partition("╰")[0]
    assert re.findall(r"^│ (\S+) +[A-Z].*\. +│$", commands, re.MULTILINE) == list(VERBS)
    assert len(commands.splitlines()) == len(VERBS) + 1


@pytest.mark.parametrize("verb", VERBS)
def test_help_shows_what_to_write_and_no_python_type(verb: str) -> None:
    options = CliRunner().invoke(app, [verb, "--help"]).stdout.partition(" Options ")[2]
    assert "--help" in options
    assert "<" not in options.replace("0<=x<=65535", "")


def test_a_log_shows_the_last_step_of_a_series(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("training") as step:
        for number in (1, 2, 3):
            step(f"tuning {number}/3")
        step("evaluating")
    assert capsys.readouterr().err == "training\ntuning 3/3\nevaluating\n"


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """A company with tables and no model."""
    return small_company.write(tmp_path_factory.mktemp("cli") / "small")


@pytest.fixture
def busy(company: Company) -> Iterator[Company]:
    with publish.alone(Settings().workspace_of(company)):
        yield company


# 2: the call or the declaration


@pytest.mark.parametrize("words", [("scare",), ("score", "--company", "x", "--as-of", "?")])
def test_a_wrong_call_is_a_usage_error(words: tuple[str, ...]) -> None:
    refused(churnlight(*words), 2, "Usage: churnlight")


def test_an_unknown_suffix_is_refused_before_anything_is_read(company: Company) -> None:
    done = churnlight("score", "--company", company.folder, "--out", "scores.xls")
    refused(done, 2, "scores.xls: cannot write .xls; use .parquet, .csv or .json")


def test_a_mistake_in_the_declaration_is_told_with_its_line(tmp_path: Path) -> None:
    folder = small_company.write(tmp_path / "own").folder
    path = folder / "churnlight.toml"
    text = path.read_text("utf-8").replace('healthy = "lower"', 'healty = "lower"', 1)
    path.write_text(text.replace('playbook = "call"', 'playbook = "cal"', 1), "utf-8")
    done = churnlight("train", "--company", folder)
    refused(done, 2, "healty: unknown key", "did you mean 'healthy'?", "did you mean 'call'?")
    assert len(re.findall(r"^churnlight\.toml:\d+: ", done.stderr, re.MULTILINE)) >= 2


def test_an_unknown_setting_is_told(company: Company) -> None:
    done = churnlight("train", "--company", company.folder, CHURNLIGHT_THREAD="1")
    refused(done, 2, "CHURNLIGHT_THREAD")


# 3: the tables


def test_broken_tables_are_told_by_every_verb_that_reads_them(tmp_path: Path) -> None:
    folder = small_company.write(tmp_path / "own").folder
    path = folder / "visits.parquet"
    pq.write_table(pq.read_table(path).drop_columns(["amount"]), path)
    told = ("visits.parquet", "amount")
    refused(churnlight("train", "--company", folder), 3, *told)
    assert not (folder / ".churnlight" / "mlflow.db").exists()
    report = churnlight("check", "--company", folder)
    assert report.returncode == 3
    assert "amount" in report.stdout


# 4: the gates


def test_labels_that_are_not_settled_are_refused(company: Company) -> None:
    done = churnlight("train", "--company", company.folder, "--as-of", "2025-11-01")
    refused(done, 4, "as-of 2025-11-01 are known on 2025-12-31, after data_until 2025-12-01")


# 5: what is not there


def test_scoring_without_a_champion_says_what_to_run(company: Company) -> None:
    done = churnlight("score", "--company", company.folder, "--out", company.folder / "s.csv")
    refused(
        done, 5, "no champion for target 'churn'; run: churnlight train, then churnlight promote"
    )
    assert not (company.folder / "s.csv").exists()


def test_a_target_that_is_not_declared_is_not_found(company: Company) -> None:
    done = churnlight("train", "--company", company.folder, "--target", "upsell")
    refused(done, 5, "target 'upsell' is not declared; choose among churn")


def test_a_date_after_the_data_is_not_found(company: Company) -> None:
    out = company.folder / "rows.csv"
    done = churnlight(
        "features", "--company", company.folder, "--as-of", "2026-01-01", "--out", out
    )
    refused(done, 5, "2026-01-01", "data_until")
    assert not out.exists()


def test_a_folder_without_a_declaration_is_told(tmp_path: Path) -> None:
    done = churnlight("train", "--company", tmp_path / "nowhere")
    refused(done, 5, "churnlight.toml", "churnlight init")


# 75: somebody else is at work


def test_a_held_workspace_is_busy(busy: Company) -> None:
    done = churnlight("train", "--company", busy.folder)
    refused(done, 75, "another churnlight command is running here; wait until it ends")


# 0


def test_features_and_scores_come_out(trained: House, tmp_path: Path) -> None:
    house = trained.copy(tmp_path / "own")
    rows, scores = tmp_path / "rows.parquet", tmp_path / "scores.json"
    done = churnlight(
        "features", "--company", house.company.folder, "--as-of", "2025-06-01", "--as-of",
        "2025-07-01", "--out", rows, "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert '"as_of": [\n    "2025-06-01",\n    "2025-07-01"\n  ]' in done.stdout
    assert set(pq.read_table(rows).column_names) >= {"account_id", "as_of", "recency__all"}
    done = churnlight("score", "--company", house.company.folder, "--out", scores)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"[\d,]+ rows in \S+scores\.json\n", done.stdout)
    assert done.stderr.endswith("scoring 2025-12-01\n")
    assert scores.stat().st_size > 1000
