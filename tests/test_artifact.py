"""An artifact comes back as it was saved, or it is refused with a message; it never half loads."""

import dataclasses
import hashlib
import json
import math
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import ContractBroken, DeclarationError, NotFound
from serving.batch import scoring_run
from trained_company import TARGET, House, built
from training import champions
from training.artifact import Artifact, try_loading
from training.calibrating.health import Anchors
from training.calibrating.score_interval import UNMEASURED
from training.champions import champion, install_champion
from training.learning.matrix import Feature, matrix
from training.manifest import DamagedArtifact
from training.records.records import Records


@pytest.fixture(scope="module")
def saved(trained: House, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("artifact") / "saved"
    trained.trained.artifact.save(folder)
    return folder


@pytest.fixture
def folder(saved: Path, tmp_path: Path) -> Path:
    """A copy of the saved artifact that a test may damage."""
    return Path(shutil.copytree(saved, tmp_path / "artifact"))


FILES = (
    "artifact.json",
    "evaluation.json",
    "manifest.json",
    "model-0.txt",
    "model-1.txt",
    "model-2.txt",
    "training.json",
)


def test_an_artifact_comes_back_as_it_was_saved(trained: House, saved: Path) -> None:
    own = trained.trained.artifact
    found = Artifact.load(saved)
    assert found == own
    assert found.digest == own.digest
    assert (found.evaluation, found.training) == (own.evaluation, own.training)
    rows = built(trained.company).table
    X = matrix(rows, own.features)
    assert np.array_equal(found.margins(X), own.margins(X))
    assert np.array_equal(found.contributions(X), own.contributions(X))
    assert sorted(item.name for item in saved.iterdir()) == list(FILES)


def test_the_digest_is_of_what_decides_a_score(trained: House) -> None:
    own = trained.trained.artifact
    assert isinstance(own.anchors, Anchors)
    told = dataclasses.replace(
        own, records=Records(), lagging=(), tested=None, name="x", registered_version="9"
    )
    assert told.digest == own.digest
    assert (told.version, own.version) == ("9", own.digest[:12])
    for changed in (
        dataclasses.replace(own, models=own.models[:2]),
        dataclasses.replace(own, calibration=dataclasses.replace(own.calibration, offset=0.1)),
        dataclasses.replace(own, anchors=dataclasses.replace(own.anchors, p_red=0.61)),
        dataclasses.replace(own, features=own.features[::-1]),
        dataclasses.replace(own, declaration_hash="0"),
        dataclasses.replace(own, interval=UNMEASURED),
        dataclasses.replace(own, min_history_days=1),
    ):
        assert changed.digest != own.digest


@settings(max_examples=60)
@given(name=st.sampled_from(FILES), place=st.floats(0, 1), byte=st.integers(0, 255))
def test_a_changed_byte_is_noticed_before_anything_is_parsed(
    name: str, place: float, byte: int, saved: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = Path(shutil.copytree(saved, tmp_path_factory.mktemp("byte") / "artifact"))
    content = bytearray((folder / name).read_bytes())
    at = int(place * (len(content) - 1))
    changed = content[at] != byte
    content[at] = byte
    (folder / name).write_bytes(content)
    if changed and not (name == "manifest.json" and is_the_same(folder, saved)):
        with pytest.raises(DamagedArtifact, match=re.escape(str(folder))):
            Artifact.load(folder)
    else:
        assert Artifact.load(folder) == Artifact.load(saved)


def is_the_same(folder: Path, saved: Path) -> bool:
    """White space of the manifest is the one thing that decides nothing."""
    texts = [(place / "manifest.json").read_bytes() for place in (folder, saved)]
    try:
        return bool(json.loads(texts[0]) == json.loads(texts[1]))
    except ValueError:
        return False


Damage = Callable[[Path], object]
DAMAGES: list[tuple[Damage, str]] = [
    (lambda folder: (folder / "model-1.txt").unlink(), "model-1.txt changed or missing"),
    (lambda folder: (folder / "artifact.json").unlink(), "artifact.json changed or missing"),
    (lambda folder: truncate(folder / "evaluation.json"), "evaluation.json changed or missing"),
    (lambda folder: (folder / "training.json").unlink(), "training.json changed or missing"),
    (lambda folder: (folder / "manifest.json").unlink(), "no readable manifest.json"),
    (lambda folder: (folder / "manifest.json").write_text("[]"), "no readable manifest.json"),
    (lambda folder: truncate(folder / "model-0.txt"), "model-0.txt changed or missing"),
    (lambda folder: truncate(folder / "manifest.json"), "no readable manifest.json"),
    (
        lambda folder: edit(folder, format=1),
        r"of format 1, and .* reads format 5; train the model again",
    ),
    (lambda folder: edit(folder, format=None), "of format None, and this version"),
    (lambda folder: edit(folder, models=4), "artifact.json is not valid"),
    (lambda folder: edit(folder, anchors={}), "artifact.json is not valid"),
    (lambda folder: edit(folder, features=None), "artifact.json is not valid"),
    (lambda folder: edit(folder, surprise=1), "artifact.json is not valid"),
    (lambda folder: edit(folder, format=6), r"of format 6, and this .* reads format 5; train"),
    (lambda folder: put(folder, "nan", "calibration", "slope"), "calibration.slope: .* number"),
    (lambda folder: put(folder, -0.5, "calibration", "slope"), "slope must be above 0"),
    (lambda folder: put(folder, 0.99, "anchors", "p_green"), "0 < p_green < p_red < 1"),
    (lambda folder: put(folder, math.inf, "scorecard", "intercept"), "Infinity is not a number"),
    (lambda folder: put(folder, [], "scorecard", "cards", 0, "points"), "does not fit"),
    (lambda folder: put(folder, "spend", "features", 0, "indicator"), "digest"),
    (lambda folder: put(folder, "other", "features", 0, "indicator"), "meanings lack other"),
    (lambda folder: put(folder, 7, "meanings", "visits", "title"), "meanings.visits.title"),
    (
        lambda folder: put(folder, -0.1, "interval", "known"),
        "interval.known must be from 0 to 1000",
    ),
    (lambda folder: put(folder, 1e9, "interval", "costs", 0, 0), "costs must be from 0 to 1e"),
    (
        lambda folder: put(folder, [], "interval", "costs"),
        "interval.costs must have a row for each",
    ),
    (lambda folder: put(folder, None, "interval", "costs", 1, 0), "interval.costs.1.0: .* number"),
    (lambda folder: put(folder, 0.5, "interval", "known"), "its content has digest"),
    (lambda folder: edit(folder, horizon_days=61), "its content has digest"),
    (lambda folder: remade(folder, "[]"), "artifact.json is not valid"),
    (lambda folder: remade(folder, "{"), "artifact.json is not valid"),
]


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def edit(folder: Path, **changes: Any) -> None:
    """Changes artifact.json, and makes the manifest agree that this is its file."""
    content = json.loads((folder / "artifact.json").read_text("utf-8")) | changes
    remade(folder, json.dumps({key: value for key, value in content.items() if value is not None}))


def put(folder: Path, value: Any, *place: str | int) -> None:
    """Writes one value into artifact.json, and makes the manifest agree that this is its file."""
    content = json.loads((folder / "artifact.json").read_text("utf-8"))
    inner = content
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    remade(folder, json.dumps(content))


def remade(folder: Path, text: str) -> None:
    (folder / "artifact.json").write_text(text, "utf-8")
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    manifest["files"]["artifact.json"] = hashlib.sha256(text.encode()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")


@pytest.mark.parametrize(("damage", "told"), DAMAGES, ids=[told for _, told in DAMAGES])
def test_each_damage_is_told(damage: Damage, told: str, folder: Path) -> None:
    damage(folder)
    with pytest.raises(DamagedArtifact, match=told) as caught:
        Artifact.load(folder)
    assert str(folder) in str(caught.value)
    assert caught.value.exit_code == 1


@pytest.mark.parametrize(
    ("value", "told"), [("guess", r"evaluation\.json\.kind: "), (None, r"evaluation\.json\.kind: ")]
)
def test_a_record_is_read_when_it_is_asked_for_and_refused_when_it_is_no_record(
    value: str | None, told: str, folder: Path
) -> None:
    path = folder / "evaluation.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | {"kind": value}), "utf-8")
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    manifest["files"]["evaluation.json"] = hashlib.sha256(path.read_bytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    artifact = Artifact.load(folder)
    with pytest.raises(DamagedArtifact, match=told):
        _ = artifact.evaluation
    assert artifact.training.rows > 0


def test_a_record_that_changes_after_loading_is_refused(folder: Path) -> None:
    artifact = Artifact.load(folder)
    truncate(folder / "training.json")
    with pytest.raises(DamagedArtifact, match=r"training\.json changed since training"):
        _ = artifact.training


def places(content: Any, place: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Where a value stands in what decides a score, of lists the first two."""
    if place:
        yield place
    if isinstance(content, dict):
        for key in content.keys() - {"lagging", "tested", "data_until", "format"}:
            yield from places(content[key], (*place, key))
    elif isinstance(content, list):
        for number in range(min(len(content), 2)):
            yield from places(content[number], (*place, number))


def sealed(folder: Path) -> Artifact:
    """Loads it with the digest that its content has, as somebody would who forged it."""
    try:
        return Artifact.load(folder)
    except DamagedArtifact as error:
        if not (found := re.search("content has digest ([0-9a-f]+)", str(error))):
            raise
    manifest = json.loads((folder / "manifest.json").read_text("utf-8")) | {"digest": found[1]}
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    return Artifact.load(folder)


NONSENSE: list[Any] = [
    None,
    True,
    -1,
    0,
    2.5,
    1e308,
    math.inf,
    math.nan,
    10**30,
    "",
    "x",
    [],
    {},
    [None],
]


@settings(max_examples=80)
@given(place=st.floats(0, 1), value=st.sampled_from(NONSENSE))
def test_a_forged_artifact_is_refused_or_scores(
    place: float, value: Any, saved: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = Path(shutil.copytree(saved, tmp_path_factory.mktemp("forged") / "artifact"))
    content = json.loads((folder / "artifact.json").read_text("utf-8"))
    every = sorted(places(content), key=str)
    put(folder, value, *every[int(place * (len(every) - 1))])
    try:
        found = sealed(folder)
        X = np.full((len(found.boosters), len(found.features)), np.nan)
    except DamagedArtifact:
        return
    assert np.isfinite(found.scale.unclipped(found.margins(X))).all()
    assert np.isfinite(found.contributions(X)).all()


def test_no_artifact_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no such artifact; train one with: churnlight train"):
        Artifact.load(tmp_path / "nothing")


def broken(trained: House) -> Artifact:
    """An artifact whose text ends in the middle of a tree; its digests are those of that text."""
    own = trained.trained.artifact
    cut = own.models[0][: len(own.models[0]) // 3]
    return dataclasses.replace(own, models=(cut, *own.models[1:]))


def test_a_broken_text_under_a_valid_manifest_is_caught_in_a_child_process(
    trained: House, tmp_path: Path
) -> None:
    broken(trained).save(tmp_path / "broken")
    with pytest.raises(DamagedArtifact, match=r"cannot be loaded \(.*\); train the model again"):
        try_loading(tmp_path / "broken")
    with pytest.raises(DamagedArtifact, match="cannot be loaded"):
        scoring_run.score(
            trained.company, model=str(tmp_path / "broken"), settings=trained.settings
        )


def test_packages_of_the_working_folder_are_not_taken_for_ours(
    trained: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "training").mkdir()
    (tmp_path / "training" / "__init__.py").write_text("raise SystemExit(9)\n", "utf-8")
    trained.trained.artifact.save(tmp_path / "model")
    monkeypatch.chdir(tmp_path)
    try_loading(tmp_path / "model")


def test_a_model_of_another_target_is_refused(trained: House, tmp_path: Path) -> None:
    dataclasses.replace(trained.trained.artifact, target="upsell").save(tmp_path / "other")
    with pytest.raises(DeclarationError, match="is a model of target 'upsell', not 'churn'"):
        scoring_run.score(trained.company, model=str(tmp_path / "other"), settings=trained.settings)


# The champion's pointer


@pytest.fixture
def promoted(trained: House, tmp_path: Path) -> Path:
    """A workspace with a champion that a test may damage."""
    source = champions.champion_folder(trained.workspace, TARGET)
    shutil.copytree(source, champions.champion_folder(tmp_path, TARGET))
    return tmp_path


def test_the_champion_is_the_last_one_installed(trained: House, promoted: Path) -> None:
    own = trained.champion
    assert champion(promoted, TARGET).version == own.version == "1"
    other = dataclasses.replace(own, min_history_days=7, registered_version="4")
    install_champion(other, promoted)
    assert champion(promoted, TARGET) == other


def test_without_a_champion_the_message_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no champion for target 'churn'; run: churnlight train"):
        champion(tmp_path, TARGET)


def test_a_broken_model_does_not_replace_the_champion(trained: House, promoted: Path) -> None:
    with pytest.raises(DamagedArtifact, match="cannot be loaded"):
        install_champion(broken(trained), promoted)
    assert champion(promoted, TARGET) == trained.champion


def test_a_damaged_champion_is_refused_and_promoting_again_heals_it(
    trained: House, promoted: Path
) -> None:
    own = trained.champion
    truncate(champions.champion_folder(promoted, TARGET) / own.digest / "model-0.txt")
    with pytest.raises(DamagedArtifact, match=r"model-0\.txt changed or missing"):
        champion(promoted, TARGET)
    install_champion(own, promoted)
    assert champion(promoted, TARGET) == own


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '"digest"', '{"digest": "x", "name": "n"}'])
def test_a_damaged_pointer_is_told(text: str, promoted: Path) -> None:
    (champions.champion_folder(promoted, TARGET) / "champion.json").write_text(text, "utf-8")
    with pytest.raises(DamagedArtifact, match=r"champion.json: cannot be read .*; promote again"):
        champion(promoted, TARGET)


def test_a_pointer_to_another_artifact_is_told(trained: House, promoted: Path) -> None:
    root = champions.champion_folder(promoted, TARGET)
    (root / trained.champion.digest).rename(root / "other")
    pointer = {"digest": "other", "name": "", "version": ""}
    (root / "champion.json").write_text(json.dumps(pointer), "utf-8")
    with pytest.raises(DamagedArtifact, match="is not the artifact that was promoted"):
        champion(promoted, TARGET)


# What the artifact asks of its rows


def test_rows_without_the_models_columns_are_refused_all_at_once(trained: House) -> None:
    rows = built(trained.company).table
    text = rows["recency__all"].cast("string")
    place = rows.column_names.index("recency__all")
    poor = rows.drop_columns(["visits__28d"]).set_column(place - 1, "recency__all", text)
    with pytest.raises(ContractBroken) as caught:
        matrix(poor, trained.champion.features)
    assert {item.column for item in caught.value.findings} == {"visits__28d", "recency__all"}
    assert "the column is missing" in str(caught.value)
    assert "the model needs a number, got string" in str(caught.value)


def test_an_unseen_category_is_unknown() -> None:
    features = [Feature("plan__all", "plan", None, "category", ("basic", "pro"), "pro")]
    plans = pa.table({"plan__all": pa.array(["pro", "gold", None])})
    assert np.array_equal(matrix(plans, features), [[1.0], [np.nan], [np.nan]], equal_nan=True)
