"""docs/first-company.md, done as it is written: its commands, on the tables that it describes."""

import csv
import re
import subprocess
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

import first_company
from features.declaring import declaration
from features.settings import Settings
from serving.application import application
from serving.cli import app
from serving.published.book import Book

PAGE = (Path(__file__).parents[1] / "docs/first-company.md").read_text("utf-8")


@pytest.fixture
def acme(tmp_path: Path) -> Path:
    """Return the folder of the four tables."""
    return first_company.write(tmp_path / "acme")


def commands() -> list[tuple[str, int]]:
    """Return the page's commands in their order, each with the exit code stated for it, else 0."""
    lines = "".join(re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)).splitlines()
    parted = [line.partition("   # ") for line in lines]
    stated = [re.search(r"exit code (\d+)", comment) for _, _, comment in parted]
    return [
        (line, int(code[1]) if code else 0)
        for (line, _, _), code in zip(parted, stated, strict=True)
    ]


def run(command: str) -> int:
    """Run one command of the page in the current folder and return its exit code."""
    program, *words = command.split()
    if program != "churnlight":
        return subprocess.run(command, shell=True, check=False).returncode
    done = CliRunner().invoke(app, words)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code


def test_the_tables_are_those_that_the_page_describes(acme: Path) -> None:
    described = {
        file: re.findall(r"`(\w+)`", columns)
        for file, columns in re.findall(r"^\| `(\w+\.csv)` \|[^|]*\|(.*)\|$", PAGE, re.MULTILINE)
    }
    written = {
        path.name: path.read_text("utf-8").splitlines()[0].split(",") for path in acme.glob("*.csv")
    }
    assert described == written


def test_the_page_leads_to_a_light_for_every_account(
    acme: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(acme.parent)
    monkeypatch.setenv("CHURNLIGHT_TRIALS", "1")
    for command, code in commands():
        if not command.startswith("churnlight serve"):
            assert run(command) == code, command
    with Path("scores.csv").open(encoding="utf-8") as file:
        bands = [row["band"] for row in csv.DictReader(file)]
    assert len(bands) == first_company.ACCOUNTS
    assert {"red", "yellow", "green"} <= set(bands)
    assert_served(Path("acme"), bands.count("red"))


def assert_served(folder: Path, red: int) -> None:
    """Look at what `churnlight serve` shows: the list, and the account that it begins with."""
    book = Book.open(declaration.load(folder), Settings.read())
    with TestClient(application(book), base_url="http://localhost") as client:
        portfolio = client.get("/").text
        first = re.search(r'href="(/accounts/[^"]+)"', portfolio)
        assert first is not None
        assert re.search(rf"\b{red}\b", portfolio)
        assert client.get(first[1]).status_code == 200
