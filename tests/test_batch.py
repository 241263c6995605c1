"""Scoring runs: what is in the files, what is published, and that nothing half done ever is."""

import csv
import dataclasses
import json
import math
import shutil
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from command import Done, churnlight
from features import publish
from features.declaring.declaration import load
from features.declaring.definitions import definitions
from features.errors import Busy, ChurnlightError, ContractBroken, DeclarationError, NotFound
from interrupted import interrupt_at
from serving.batch import scoring_run
from serving.published import movement_rows, runs
from serving.published.book import Book
from serving.published.runs import Run
from trained_company import TARGET, House
from training.calibrating.health import Anchors
from training.champions import champion_folder, install_champion
from training.movement.change import Movement

COLUMNS = (
    "account_id as_of target churn_probability health_score health_score_unclipped "
    "health_score_low health_score_high interval_half_width band "
    "completeness base_points outcome_points business_points relationship_points context_points "
    "drivers playbook model_version"
).split()
OF_A_DRIVER = "indicator dimension kind value usual health_points sentence playbook".split()
WEEK = timedelta(days=7)
DAYS = [date(2025, 11, 24), date(2025, 12, 1)]
SECOND = """
[targets.quiet]
inactivity = { source = "visits", within = "60d" }
active_within = "60d"
horizon = "60d"
"""


@pytest.fixture(scope="module")
def house(trained: House, tmp_path_factory: pytest.TempPathFactory) -> House:
    """The company with a second target, and a champion for each."""
    own = trained.copy(tmp_path_factory.mktemp("batch") / "own")
    path = own.company.folder / "churnlight.toml"
    path.write_text(path.read_text("utf-8") + SECOND, "utf-8")
    company = load(own.company.folder)
    second = dataclasses.replace(
        trained.champion,
        target="quiet",
        definitions=definitions(company, "quiet"),
        registered_version="2",
    )
    install_champion(second, own.workspace)
    return dataclasses.replace(own, company=company)


@pytest.fixture(scope="module")
def published(house: House) -> list[Run]:
    return scoring_run.score(house.company, DAYS, settings=house.settings)


@pytest.fixture(scope="module")
def ready(trained: House, tmp_path_factory: pytest.TempPathFactory) -> House:
    """A copy with one target and a published run."""
    copied = trained.copy(tmp_path_factory.mktemp("ready") / "own")
    scoring_run.score(copied.company, settings=copied.settings)
    return copied


@pytest.fixture
def own(ready: House, tmp_path: Path) -> House:
    """The same, which a test may change."""
    shutil.copytree(ready.company.folder, tmp_path / "own")
    return dataclasses.replace(ready, company=load(tmp_path / "own"))


def scores_of(house: House) -> Path:
    return house.workspace / "scores"


def state(house: House) -> dict[str, bytes]:
    """Everything that is published, by its path."""
    root = scores_of(house)
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and not any(part.startswith(".") for part in path.parts[-2:])
    }


# Files


def parquet_rows(path: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    for row in rows:
        row["as_of"] = row["as_of"].isoformat()
        for item in row["drivers"]:
            for key in ("value", "usual"):
                words = item.pop(f"{key}_text")
                item[key] = item[key] if words is None else words
            assert item.pop("opportunity_points") is None
    return rows


def json_rows(path: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))
    return rows


ENDINGS = ("score", "unclipped", "low", "high", "half_width", "points")
NUMBERS = {name for name in COLUMNS if name.endswith(ENDINGS)} | {
    "churn_probability",
    "completeness",
}


def csv_rows(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8", newline="") as file:
        return [
            {key: _cell(key, text) for key, text in row.items()} for row in csv.DictReader(file)
        ]


def _cell(name: str, text: str) -> Any:
    if name in ("drivers", "movements"):
        return json.loads(text)
    if not text:
        return None
    return float(text) if name in NUMBERS else text


READERS: dict[str, Callable[[Path], list[dict[str, Any]]]] = {
    ".parquet": parquet_rows,
    ".json": json_rows,
    ".csv": csv_rows,
}


@pytest.fixture(scope="module")
def exported(
    published: list[Run], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("exported")
    found = {}
    for suffix, read in READERS.items():
        path = folder / f"scores{suffix}"
        count = scoring_run.export(published, path)
        found[suffix] = read(path)
        assert len(found[suffix]) == count
        assert [item.name for item in folder.iterdir() if item.name.startswith(".")] == []
    return found


def test_a_file_has_one_row_per_account_target_and_date(
    exported: dict[str, list[dict[str, Any]]], house: House
) -> None:
    accounts = pq.read_table(house.company.folder / "accounts.parquet").to_pylist()
    for rows in exported.values():
        found = [(row["as_of"], row["target"], row["account_id"]) for row in rows]
        assert len(found) == len(set(found))
        assert set(found) == {
            (day.isoformat(), target, item["account_id"])
            for day in DAYS
            for target in (TARGET, "quiet")
            for item in accounts
            if item["since"] < day
        }


def test_a_file_has_the_columns_that_are_promised(
    exported: dict[str, list[dict[str, Any]]], house: House
) -> None:
    live = set(house.company.staged("live"))
    for rows in exported.values():
        for row in rows:
            assert set(COLUMNS) <= row.keys()
            assert {item["indicator"] for item in row["drivers"]} in (live, set())
            assert all(set(OF_A_DRIVER) <= item.keys() for item in row["drivers"])


def test_the_three_formats_say_the_same(exported: dict[str, list[dict[str, Any]]]) -> None:
    assert exported[".json"] == exported[".parquet"]
    assert exported[".csv"] == exported[".json"]


def test_unscored_rows_are_null_and_say_why(exported: dict[str, list[dict[str, Any]]]) -> None:
    rows = exported[".json"]
    bands = {row["band"] for row in rows}
    assert {"red", "green", "unscored"} <= bands
    for row in rows:
        scored = row["band"] != "unscored"
        for name in NUMBERS - {"completeness"}:
            assert (row[name] is not None) == scored
        assert (row["unscored_reason"] is None) == scored
        assert bool(row["drivers"]) == scored


def test_each_target_is_scored_by_its_own_champion(
    exported: dict[str, list[dict[str, Any]]],
) -> None:
    versions = {(row["target"], row["model_version"]) for row in exported[".json"]}
    assert versions == {(TARGET, "1"), ("quiet", "2")}


@pytest.mark.parametrize("text", [pa.string(), pa.large_string()])
def test_no_text_of_a_csv_file_starts_a_formula(text: pa.DataType, tmp_path: Path) -> None:
    keys = ["=1+1", "+49", "-2", " @x", "\tx", "plain", "a=b", "", None]
    table = pa.table({"account_id": pa.array(keys, text), "points": [-1.5] * len(keys)})
    publish.write_table(table, tmp_path / "scores.csv")
    with (tmp_path / "scores.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["account_id"] for row in rows[:5]] == [f"'{key}" for key in keys[:5]]
    assert [row["account_id"] for row in rows[5:]] == ["plain", "a=b", "", ""]
    assert {row["points"] for row in rows} == {"-1.5"}


def test_an_unknown_suffix_is_refused_and_nothing_is_written(
    published: list[Run], tmp_path: Path
) -> None:
    with pytest.raises(DeclarationError, match=r"cannot write \.xlsx; use \.parquet, \.csv or"):
        scoring_run.export(published, tmp_path / "scores.xlsx")
    assert list(tmp_path.iterdir()) == []


# Publishing


def test_a_run_says_what_it_was_made_of(published: list[Run], house: House) -> None:
    for run, day in zip(published, DAYS, strict=True):
        assert run.as_of == day
        assert run.data_until == date(2025, 12, 1)
        assert run.declaration_hash == house.company.declaration_hash
        assert run.models[TARGET]["digest"] == house.champion.digest
        assert run.features().num_rows == run.accounts().num_rows or day != DAYS[-1]
        assert run.scores().num_rows == 2 * run.features().num_rows
    assert runs.published(scores_of(house)) == published


def test_scoring_again_finds_the_run_as_it_was_published(
    house: House, published: list[Run]
) -> None:
    before = state(house)
    again = scoring_run.score(house.company, DAYS, settings=house.settings)
    assert again == published  # the time of computing included
    assert state(house) == before


def test_other_data_are_another_run_and_the_old_one_stays(own: House) -> None:
    before = state(own)
    path = own.company.folder / "visits.parquet"
    visits = pq.read_table(path)
    pq.write_table(visits.slice(visits.num_rows // 2), path)
    (run,) = scoring_run.score(own.company, settings=own.settings)
    after = state(own)
    assert {name: after[name] for name in before if name != "current.json"} == {
        name: content for name, content in before.items() if name != "current.json"
    }
    assert runs.published(scores_of(own)) == [run]
    assert f"{run.folder.name}/scores.parquet" not in before


def test_a_challengers_run_is_kept_and_does_not_become_current(own: House, tmp_path: Path) -> None:
    current = (scores_of(own) / "current.json").read_bytes()
    dataclasses.replace(own.champion, min_history_days=90).save(tmp_path / "challenger")
    (run,) = scoring_run.score(
        own.company, model=str(tmp_path / "challenger"), settings=own.settings
    )
    assert (run.folder / "scores.parquet").exists()
    assert (scores_of(own) / "current.json").read_bytes() == current
    assert run not in runs.published(scores_of(own))


def test_the_runs_of_several_dates_stand_side_by_side(house: House, published: list[Run]) -> None:
    current = json.loads((scores_of(house) / "current.json").read_text("utf-8"))
    assert list(current) == [day.isoformat() for day in DAYS]
    assert [run.folder.name for run in published] == list(current.values())


# Failures


def test_a_failed_scoring_leaves_what_was_published(own: House) -> None:
    before = state(own)
    path = own.company.folder / "visits.parquet"
    pq.write_table(pq.read_table(path).drop_columns(["amount"]), path)
    with pytest.raises(ContractBroken, match="amount"):
        scoring_run.score(own.company, settings=own.settings)
    assert state(own) == before


@pytest.mark.parametrize(
    ("day", "told"),
    [
        (date(2025, 12, 2), "complete up to 2025-12-01"),
        (date(2019, 1, 1), "--as-of 2019-01-01: no account was there yet"),
    ],
)
def test_a_date_outside_the_data_is_not_found(day: date, told: str, own: House) -> None:
    before = state(own)
    with pytest.raises(NotFound, match=told):
        scoring_run.score(own.company, [day], settings=own.settings)
    assert state(own) == before


def test_a_damaged_run_is_told_when_it_is_read(own: House) -> None:
    (run,) = runs.published(scores_of(own))
    path = run.folder / "scores.parquet"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ChurnlightError, match=r"scores\.parquet: cannot be read"):
        run.scores()


def interrupt(house: House, name: str, place: str, *more: str) -> Done:
    out = house.company.folder / "out.csv"
    words = ["score", "--company", house.company.folder, "--out", out, "--as-of", "2025-11-24"]
    done = churnlight(*words, *more, before=partial(interrupt_at, name, place))
    assert not out.exists()
    return done


def test_several_dates_are_published_together_or_not_at_all(own: House) -> None:
    before = state(own)
    done = interrupt(own, "SIGKILL", "current.json", "--as-of", "2025-11-17")
    assert done.returncode == -9
    kept = [path.name for path in scores_of(own).iterdir() if path.is_dir()]
    assert {"2025-11-17", "2025-11-24"} < {name[:10] for name in kept}
    assert {name: state(own)[name] for name in before} == before


@pytest.mark.parametrize("place", ["2025-11-24--", "current.json"])
def test_a_killed_scoring_leaves_what_was_published(place: str, own: House) -> None:
    before = state(own)
    done = interrupt(own, "SIGKILL", place)
    assert done.returncode == -9
    after = state(own)
    # The run's directory may stand there complete; what people see has not moved.
    assert {name: after[name] for name in before} == before
    assert [run.as_of for run in runs.published(scores_of(own))] == [date(2025, 12, 1)]
    scoring_run.score(own.company, [date(2025, 11, 24)], settings=own.settings)
    assert len(runs.published(scores_of(own))) == 2


def test_ctrl_c_leaves_what_was_published_and_cleans_up(own: House) -> None:
    before = state(own)
    done = interrupt(own, "SIGINT", "scores.parquet")
    assert done.returncode == 130
    assert done.stderr.endswith("interrupted; published results are unchanged\n")
    assert done.stdout == ""
    assert state(own) == before
    assert [path.name for path in scores_of(own).iterdir() if path.name.startswith(".")] == []


def test_one_command_at_a_time_works_in_a_workspace(own: House) -> None:
    with (
        publish.alone(own.workspace),
        pytest.raises(Busy, match="another churnlight command is running here") as caught,
        publish.alone(own.workspace),
    ):
        pytest.fail("both were let in")
    assert caught.value.exit_code == 75
    with publish.alone(own.workspace):
        pass


# What moved the scores since the run before


def movements(run: Run, target: str = TARGET, over: str = "run") -> dict[str, Movement]:
    rows = run.movements().to_pylist()
    rows = [row for row in rows if (row["target"], row["over"]) == (target, over)]
    return {row["account_id"]: movement_rows.from_row(row) for row in rows}


def unclipped(run: Run) -> dict[str, float]:
    rows = run.scores().to_pylist()
    own = [row for row in rows if row["target"] == TARGET and row["band"] != "unscored"]
    return {row["account_id"]: row["health_score_unclipped"] for row in own}


def check(run: Run, before: Run) -> dict[str, Movement]:
    """Every account that had a score then and has one now has a movement that adds up."""
    found, old, new = movements(run), unclipped(before), unclipped(run)
    assert found.keys() == old.keys() & new.keys()
    for account, item in found.items():
        assert item.old_score == pytest.approx(old[account], abs=1e-9)
        assert item.new_score == pytest.approx(new[account], abs=1e-9)
        assert whole(item) == pytest.approx(new[account] - old[account], abs=1e-9)
    return found


def test_a_run_knows_what_moved_its_scores_since_the_run_before(published: list[Run]) -> None:
    first, second = published
    assert first.movements().num_rows == 0
    found = check(second, first)
    assert {(item.model, item.definition) for item in found.values()} == {(0.0, 0.0)}
    assert max(abs(item.behaviour) for item in found.values()) > 1
    assert movements(second, "quiet").keys() == found.keys()


def test_a_run_is_compared_with_those_of_four_and_thirteen_weeks_ago(own: House) -> None:
    (day,) = [run.as_of for run in runs.published(scores_of(own))]
    accounts = own.company.folder / "accounts.parquet"
    table = pq.read_table(accounts)
    renewals = table["renewal"].to_pylist()
    renewals[:100] = [day - 5 * WEEK] * 100
    place = table.column_names.index("renewal")
    pq.write_table(table.set_column(place, "renewal", pa.array(renewals)), accounts)
    dates = [day - weeks * WEEK for weeks in (14, 13, 5, 4, 1, 0)]
    *earlier, run = scoring_run.score(own.company, dates, settings=own.settings)
    before = dict(zip(dates, earlier, strict=False))
    new = unclipped(run)
    for over, weeks in (("run", 1), ("4 weeks", 4), ("13 weeks", 13), ("renewal", 5)):
        found = movements(run, over=over)
        old = unclipped(before[day - weeks * WEEK])
        renewed = set(table["account_id"].to_pylist()[:100]) if over == "renewal" else new.keys()
        assert found.keys() == old.keys() & new.keys() & renewed
        for account, item in found.items():
            assert item.new_score - item.old_score == pytest.approx(
                new[account] - old[account], abs=1e-9
            )
            assert whole(item) == pytest.approx(new[account] - old[account], abs=1e-9)
        parts = {change.part for item in found.values() for change in item.changes}
        assert {"behaviour", "windows"} <= parts


def whole(item: Movement) -> float:
    parts = (item.behaviour, item.calendar, item.windows, item.data, item.model, item.definition)
    return math.fsum(parts)


def test_what_ran_out_says_when_its_last_fact_happened(published: list[Run]) -> None:
    _, run = published
    for row in run.movements().to_pylist():
        moved = movement_rows.from_row(row)
        for change in moved.changes:
            if change.indicator == "recency" and change.part == "windows":
                assert isinstance(change.old, float)
                assert isinstance(change.new, float)
                assert change.last_fact is not None
                assert change.last_fact == run.as_of - timedelta(days=change.new)
                assert change.new - change.old == (run.as_of - row["since"]).days
                assert change.last_fact < row["since"]


def test_a_new_champion_is_told_apart_from_what_accounts_did(own: House) -> None:
    (day,) = [run.as_of for run in runs.published(scores_of(own))]
    (earlier,) = scoring_run.score(own.company, [day - WEEK], settings=own.settings)
    assert isinstance(own.champion.anchors, Anchors)
    anchors = dataclasses.replace(own.champion.anchors, p_red=0.7)
    other = dataclasses.replace(own.champion, models=own.champion.models[:1], anchors=anchors)
    install_champion(other, own.workspace)
    (run,) = scoring_run.score(own.company, [day], settings=own.settings)
    found = check(run, earlier)
    assert max(abs(item.model) for item in found.values()) > 0.1
    assert max(abs(item.definition) for item in found.values()) > 0.1
    assert max(abs(item.behaviour) for item in found.values()) > 0.1


def test_without_the_old_model_nothing_is_told_and_that_is_said(own: House) -> None:
    (day,) = [run.as_of for run in runs.published(scores_of(own))]
    scoring_run.score(own.company, [day - WEEK], settings=own.settings)
    install_champion(dataclasses.replace(own.champion, min_history_days=7), own.workspace)
    shutil.rmtree(champion_folder(own.workspace, TARGET) / own.champion.digest)
    said: list[str] = []
    (run,) = scoring_run.score(own.company, [day], settings=own.settings, progress=said.append)
    assert run.movements().num_rows == 0
    assert [line for line in said if "what moved the scores of churn" in line]


def test_a_damaged_run_before_does_not_stop_the_next(own: House) -> None:
    (day,) = [run.as_of for run in runs.published(scores_of(own))]
    (earlier,) = scoring_run.score(own.company, [day - WEEK], settings=own.settings)
    (earlier.folder / "features.parquet").write_bytes(b"no table")
    own_visits = own.company.folder / "visits.parquet"
    visits = pq.read_table(own_visits)
    pq.write_table(visits.slice(5), own_visits)
    said: list[str] = []
    (run,) = scoring_run.score(own.company, [day], settings=own.settings, progress=said.append)
    assert run.movements().num_rows == 0
    assert [
        line
        for line in said
        if line.startswith(f"cannot say what moved the scores since {day - WEEK}")
    ]


def test_a_run_published_in_between_makes_the_kept_movement_stale(own: House) -> None:
    (day,) = [run.as_of for run in runs.published(scores_of(own))]
    scoring_run.score(own.company, [day - 2 * WEEK, day], settings=own.settings)
    account = next(iter(movements(runs.published(scores_of(own))[-1])))
    assert Book.open(own.company, own.settings).edition(TARGET).entry(account).movement
    scoring_run.score(own.company, [day - WEEK], settings=own.settings)
    edition = Book.open(own.company, own.settings).edition(TARGET)
    assert edition.entry(account).movement is None
