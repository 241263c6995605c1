"""The notebooks: each runs from top to bottom as a plain script, and leaves nothing behind."""

import runpy
from collections.abc import Iterator
from pathlib import Path

import matplotlib
import pytest

import small_company

matplotlib.use("Agg")

import matplotlib.pyplot as plt

HOUSE = Path(__file__).parents[1]
NOTEBOOKS = sorted((HOUSE / "notebooks").glob("*.py"))
# What each must have come to.
COMES_TO = {
    "indicator_study": "accounts churned while they were looked at",
    "reading_drivers": "of the subtracted movement is on indicators that did not move",
    "training_and_review": "passed: different model",
    "your_own_table": "table.plan: the column is missing",
}


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("notebooks") / "small"
    small_company.write(folder)
    return folder


@pytest.fixture
def canvas() -> Iterator[None]:
    plt.close("all")
    yield
    plt.close("all")


def files(*folders: Path) -> set[Path]:
    found = {path for folder in folders for path in folder.rglob("*")}
    return {path for path in found if "__pycache__" not in path.parts}


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
@pytest.mark.usefixtures("canvas")
def test_every_cell_runs_from_top_to_bottom(
    notebook: Path,
    company: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("CHURNLIGHT_COMPANY", str(company))
    before = files(company, notebook.parent)
    runpy.run_path(str(notebook), run_name="__main__")
    assert COMES_TO[notebook.stem] in capsys.readouterr().out
    assert files(company, notebook.parent) == before


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_begins_with_what_it_is_about(notebook: Path) -> None:
    assert notebook.read_text("utf-8").startswith("# %% [markdown]\n# # ")
