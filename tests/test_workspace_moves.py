"""A workspace goes where its folder goes: copied, moved, under any name."""

import shutil
from pathlib import Path

from features.declaring.declaration import load
from features.settings import Settings
from trained_company import TARGET, House
from training.champions import champion
from training.registry import local_store, tracking

NAME = "Größe 表, 100% #1?"


def files(folder: Path) -> dict[Path, bytes]:
    """Return every file below, with what it holds."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_moved_workspace_promotes_what_it_holds(trained: House, tmp_path: Path) -> None:
    house = trained.copy(tmp_path / "before", registry=True)
    shutil.move(house.company.folder, tmp_path / NAME)
    company = load(tmp_path / NAME)
    shutil.rmtree(Settings().workspace_of(company) / "champion")
    promoted = tracking.promote(company, TARGET, settings=Settings())
    assert promoted.digest == trained.champion.digest
    assert champion(Settings().workspace_of(company), TARGET) == promoted
    assert not (tmp_path / "before").exists()


def test_what_is_registered_in_a_copy_stays_there(trained: House, tmp_path: Path) -> None:
    first = trained.copy(tmp_path / "first", registry=True)
    tracking.require(first.company, first.settings)
    before = files(first.workspace)
    second = first.copy(tmp_path / "second", registry=True)
    tracking.register(first.trained.artifact, second.company, second.settings)
    assert files(first.workspace) == before
    kept = list((second.workspace / local_store.FILES).rglob("manifest.json"))
    assert len(kept) == 2
