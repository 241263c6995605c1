"""What a review promises: honest dates, a ledger that can be recounted, and nothing changed."""

import csv
import json
import os
import re
import subprocess
import sys
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from scipy.special import expit
from typer.testing import CliRunner, Result

import review_cases
import reviewed_company
from features import clock, sources
from features.declaring.declaration import load
from features.errors import ContractBroken, DeclarationError, GateRefused, NotFound
from features.settings import Settings
from measures import known
from reviewed_company import CHAMPION, TAUGHT, TWIN, Rivals
from serving.assessment.assess import assess
from serving.cli import app
from test_opportunities import DECLARED, NAME
from trained_company import CHOICE, TARGET, House, built, learning_dates
from training.calibrating.bands import BANDS
from training.champions import install_champion
from training.metrics import quality
from training.metrics.calibration_table import CalibrationMeasures
from training.metrics.measured import UNKNOWN, Measured
from training.records.evaluation import Subject
from training.registry import review_decision, tracking
from training.review import verdict
from training.review.by_model import ROLES, ByModel
from training.review.candidates import Candidate, candidates
from training.review.comparison import (
    ComparisonResult,
    ModelComparison,
    ModelQuality,
    compare,
    compared_rows,
)
from training.review.comparison_dates import MaturedDate, comparison_dates
from training.review.review import NOT_APPLICABLE, Review, ReviewRequest, review
from training.review.review_data import ReviewData, review_data
from training.review.review_warnings import review_warnings
from training.review.scored import score_rows
from training.review.sections.coverage import EVERYBODY
from training.review.sections.drift import drift
from training.review.sections.ledger import Ledger
from training.review.sections.migration import GroupMigration, Migration, migration
from training.review.statuses import statuses
from training.train import fit_and_evaluate

LEADS = (30, 60, 90, 180)
MORNING = date(2025, 12, 1)
WITHIN = 60


@pytest.fixture(scope="module")
def rivals(trained: House, tmp_path_factory: pytest.TempPathFactory) -> Rivals:
    return reviewed_company.make(trained, tmp_path_factory.mktemp("reviewed") / "small")


@pytest.fixture(scope="module")
def found(rivals: Rivals) -> Review:
    return review(
        rivals.house.company, ReviewRequest(reason="a test"), settings=rivals.house.settings
    )


@pytest.fixture(scope="module")
def data(rivals: Rivals) -> ReviewData:
    """The rows and scores of the same review, for tests that ask only some of its sections."""
    house = rivals.house
    models = candidates(house.company, TARGET, "challenger", house.settings)
    with sources.open_tables(house.company) as tables:
        return review_data(tables, models, MORNING)


@pytest.fixture(scope="module")
def folder(found: Review, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("review") / "out"
    found.write(place)
    return place


@pytest.fixture(scope="module")
def ledger(folder: Path) -> list[dict[str, str]]:
    with (folder / "ledger.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def result_of(reviewed: Review) -> ComparisonResult:
    """The comparison's result of a review that has one."""
    result = reviewed.content.comparison.result
    assert result is not None
    return result


def ledger_of(reviewed: Review) -> Ledger:
    """The ledger of a review that has one."""
    stated = reviewed.content.ledger
    assert stated is not None
    return stated


# The same again, and nothing changed


def test_a_review_is_the_same_in_another_process_and_leaves_the_registry_alone(
    rivals: Rivals, found: Review, folder: Path, tmp_path: Path
) -> None:
    house, root = rivals.house, Path(__file__).parents[1]
    before = reviewed_company.kept(house)
    command = ["review", "--company", str(house.company.folder), "--out", str(tmp_path / "again")]
    done = subprocess.run(
        [sys.executable, "-m", "serving.cli", *command, "--reason", "a test", "--json"],
        env=os.environ | {"PYTHONHASHSEED": "77", "TZ": "Pacific/Auckland"},
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == (0 if found.promotes else 4), done.stderr
    names = {path.name for path in folder.iterdir()}
    assert names == {"review.json", "review.md", "review.html", "ledger.csv"}
    for name in names:
        assert (folder / name).read_bytes() == (tmp_path / "again" / name).read_bytes(), name
    assert json.loads(done.stdout) == json.loads((folder / "review.json").read_text("utf-8"))
    assert reviewed_company.kept(house) == before


def test_the_verdict_follows_from_its_checks(found: Review) -> None:
    stated = found.content.verdict
    failed = [check.reason for check in stated.checks if not check.passed]
    assert stated.decision == ("keep" if failed else "promote")
    assert stated.reasons == (failed or [check.reason for check in stated.checks])
    assert [check.name for check in stated.checks][-1] == "better than the champion"
    assert [check.name for check in stated.checks if not check.passed] == stated.failed


@pytest.mark.parametrize(
    ("tested", "said"),
    [("procedure", "challenger's procedure beats the"), ("artifact", "the challenger beats the")],
)
def test_skill_is_said_to_be_of_what_was_tested(tested: Subject, said: str, rivals: Rivals) -> None:
    target = rivals.house.company.targets[TARGET]
    made = rivals.challenger
    made = made.with_evaluation(replace(made.evaluation, tested=tested))
    check = verdict.has_skill(Candidate("challenger", made, target, {}))
    assert said in check.reason


def test_flaps_are_counted_over_half_a_year_of_weeks(found: Review) -> None:
    counted = found.content.flaps
    assert counted is not None
    assert (counted.weeks, counted.until) == (26, MORNING)
    assert counted.since == MORNING - timedelta(weeks=25)


# On which dates


def test_only_dates_that_the_champion_was_not_trained_on_are_compared(
    rivals: Rivals, found: Review
) -> None:
    compared = found.content.comparison
    target = rivals.house.company.targets[TARGET]
    trained_until = clock.settled(rivals.taught[-1], target)
    assert found.content.champion.trained_until == trained_until
    expected = [
        MaturedDate(day, "unseen" if day >= trained_until else "overlapping", "trained on")
        for day in learning_dates(rivals.house.company)
        if clock.settled(day, target) > trained_until
    ]
    assert compared.since_the_champion == expected
    assert [str(day) for day in compared.as_of] == [rivals.challenger.evaluation.as_of]
    assert compared.as_of[0] >= trained_until


def test_a_challenger_trained_on_everything_is_represented_by_its_procedure(
    rivals: Rivals, found: Review
) -> None:
    compared = found.content.comparison
    assert compared.basis == "procedure"
    assert compared.repeated_auc == pytest.approx(rivals.challenger.evaluation.quality.auc.value)
    assert "repeated on the" in compared.explanation


def test_the_champion_is_compared_by_its_own_scores(rivals: Rivals, found: Review) -> None:
    day = found.content.comparison.as_of[0]
    rows = built(rivals.house.company, day).table
    labels = rows[f"label__{TARGET}"].to_numpy(zero_copy_only=False)
    items = assess(rows, rivals.champion, rivals.house.company)
    chances = np.array([item.churn_probability or np.nan for item in items])
    judged = ~np.isnan(chances) & ~np.isnan(labels)
    result = result_of(found)
    assert result.rows == judged.sum()
    own = chances[judged], labels[judged].astype(np.int8)
    assert result.quality.champion.auc == pytest.approx(quality.auc(*own))
    losses = -np.log(np.where(own[1] == 1, own[0], 1 - own[0]))
    assert result.quality.champion.log_loss == pytest.approx(losses.mean())


def test_models_that_were_both_trained_before_the_latest_months_are_compared_on_these(
    rivals: Rivals, data: ReviewData
) -> None:
    house = rivals.house
    twins = replace(data, models=candidates(house.company, TARGET, TWIN, house.settings))
    dates, scheme = comparison_dates(twins), statuses(rivals.champion)
    compared = compare(compared_rows(twins, dates), dates, house.company.bands.capacity, scheme)
    assert compared.basis == "unseen"
    assert compared.as_of == [
        day.as_of for day in compared.since_the_champion if day.champion == "unseen"
    ]
    assert compared.result is not None
    assert compared.result.log_loss_gain.value == 0
    assert verdict.verdict(twins, compared).decision == "keep"
    texts = review_warnings(twins, compared, drift(twins), migration(twins), reason="")
    (warned,) = [text for text in texts if "--reason" in text]
    assert warned.startswith("retrained 0 days after the champion")


def test_the_champion_is_no_challenger_of_its_own(rivals: Rivals) -> None:
    house = rivals.house
    checked = verdict.is_different(candidates(house.company, TARGET, CHAMPION, house.settings))
    assert (checked.passed, checked.reason) == (False, "the challenger is the champion itself")


# The ledger


def visits(house: House) -> dict[str, list[date]]:
    """The days on which each account was there, from its own first day on."""
    since = pq.read_table(house.company.folder / "accounts.parquet").to_pylist()
    first = {row["account_id"]: row["since"] for row in since}
    days = defaultdict(set)
    for row in pq.read_table(house.company.folder / "visits.parquet").to_pylist():
        if row["at"].date() >= first[row["account_id"]]:
            days[row["account_id"]].add(row["at"].date())
    return {account: sorted(found) for account, found in days.items()}


def recount(house: House, first: date, end: date) -> Iterator[tuple[date, str]]:
    """The churns in [first, end), by the words of the documentation."""
    for account, days in visits(house).items():
        for day, following in zip(days, [*days[1:], None], strict=True):
            silent = following is None or (following - day).days > WITHIN
            if silent and first <= day < end:
                yield day, account


def test_the_ledger_is_what_its_definition_says(
    rivals: Rivals, found: Review, ledger: list[dict[str, str]]
) -> None:
    stated = ledger_of(found)
    end = clock.churns_known_until(rivals.house.company.targets[TARGET], MORNING)
    since = date(2025, 1, 2) + timedelta(days=28)
    first = max(end - timedelta(days=182), since)
    assert (stated.churned_from, stated.churned_before) == (first, end)
    churns = sorted(recount(rivals.house, first, end))
    expected = []
    for day, account in churns:
        for lead in LEADS:
            wanted = day - timedelta(days=lead)
            grid = [MORNING - timedelta(weeks=k) for k in range(80, -1, -1)]
            morning = grid[bisect_right(grid, wanted) - 1]
            if morning >= since:
                expected.append((account, str(day), str(lead), str(morning)))
    keys = ("account_id", "churned", "lead_days", "looked_on")
    assert [tuple(row[key] for key in keys) for row in ledger] == expected
    assert len(churns) == stated.churns > 50


def test_the_ledger_has_what_the_scores_say_on_its_mornings(
    rivals: Rivals, ledger: list[dict[str, str]]
) -> None:
    mornings = sorted({date.fromisoformat(row["looked_on"]) for row in ledger})
    rows = built(rivals.house.company, *mornings).table
    scores = {
        (item.account_id, str(item.as_of)): item
        for item in assess(rows, rivals.champion, rivals.house.company)
    }
    for row in ledger:
        item = scores.get((row["account_id"], row["looked_on"]))
        assert row["band"] == (item.band if item else "unscored")
        if item is None or item.health_score is None or item.churn_probability is None:
            assert (row["health_score"], row["first_driver"]) == ("", "")
            continue
        driver = next(driver for driver in item.drivers if driver.kind != "context")
        assert float(row["health_score"]) == pytest.approx(item.health_score)
        assert float(row["churn_probability"]) == pytest.approx(item.churn_probability)
        assert row["first_driver"] == driver.indicator
        assert float(row["driver_points"]) == pytest.approx(driver.points)
    assert {row["band"] for row in ledger} == set(BANDS)


def test_the_totals_are_those_of_the_entries(
    rivals: Rivals, found: Review, ledger: list[dict[str, str]]
) -> None:
    trained_until = str(found.content.champion.trained_until)
    for total in ledger_of(found).leads:
        own = [row for row in ledger if row["lead_days"] == str(total.lead_days)]
        assert total.churns == len(own)
        assert total.left_out == ledger_of(found).churns - len(own)
        for band in BANDS:
            assert total.of(band) == sum(row["band"] == band for row in own)
        fresh = [row for row in own if row["looked_on"] >= trained_until]
        assert [row["in_sample"] for row in fresh] == ["false"] * total.out_of_sample.churns
        lost = sum(float(row["mrr"]) for row in own)
        red = sum(float(row["mrr"]) for row in own if row["band"] == "red")
        if lost:
            assert total.revenue_red_before.share == pytest.approx(red / lost)


def test_watermelons_were_green_a_month_before_and_the_dearest_comes_first(
    found: Review, ledger: list[dict[str, str]]
) -> None:
    listed = ledger_of(found).watermelons
    green = [row for row in ledger if row["lead_days"] == "30" and row["band"] == "green"]
    assert {(entry.account_id, str(entry.churned)) for entry in listed} == {
        (row["account_id"], row["churned"]) for row in green
    }
    amounts = [entry.mrr or 0.0 for entry in listed]
    assert amounts == sorted(amounts, reverse=True)


# The rest of the evidence


def test_calibration_is_told_of_every_date_segment_and_compared_row(found: Review) -> None:
    compared = result_of(found)
    for role in ROLES:
        whole = compared.quality.of(role)
        assert sum(group.rows for group in whole.reliability) == compared.rows
        gap = compared.base_rate - whole.predicted_rate
        assert whole.calibration.in_the_large.value == pytest.approx(gap)
        for segment in compared.segments:
            own = segment.calibration.of(role)
            drawn, wholes = own.shrunken, whole.calibration
            rarer = min(segment.events, segment.rows - segment.events)
            assert drawn.weight == rarer / (rarer + 30)
            both = (known(each.in_the_large)[1] for each in (own.calibration, wholes))
            between = np.dot([drawn.weight, 1 - drawn.weight], list(both))
            assert drawn.in_the_large == pytest.approx(between)
        for day in found.content.calibration:
            table = day.models.of(role).table
            assert table is not None
            for name in ("in_the_large", "slope", "ece"):
                low, value, _ = known(getattr(table.calibration, name))
                assert low <= value + 0.05
            assert table.reliability


def test_the_bands_of_reports_are_those_that_people_see(rivals: Rivals) -> None:
    company = rivals.house.company
    rows = built(company, date(2025, 3, 1), MORNING).table
    for artifact in (rivals.champion, rivals.challenger):
        seen, own = assess(rows, artifact, company), score_rows(rows, artifact)
        assert [item.band for item in seen] == [BANDS[place] for place in own.bands]
        assert [item.completeness for item in seen] == pytest.approx(own.completeness)
        told = [
            np.nan if item.churn_probability is None else item.churn_probability for item in seen
        ]
        assert expit(own.logits) == pytest.approx(np.array(told), nan_ok=True)


def test_the_migration_counts_every_account_once(rivals: Rivals, found: Review) -> None:
    moved = found.content.migration
    pairs = [
        [item.band for item in assess(rows, artifact, rivals.house.company)]
        for rows in [built(rivals.house.company, MORNING).table]
        for artifact in (rivals.champion, rivals.challenger)
    ]
    expected: dict[str, dict[str, int]] = {a: dict.fromkeys(BANDS, 0) for a in BANDS}
    for before, after in zip(*pairs, strict=True):
        expected[before][after] += 1
    assert moved.matrix == expected
    changed = sum(a != b for a, b in zip(*pairs, strict=True))
    assert len(moved.moved) == moved.changed == changed
    for groups in (moved.per_owner, moved.per_segment):
        assert sum(group.changed for group in groups) == changed
    assert {group.name for group in moved.per_owner} == {"Ada", "Ben"}


def test_the_migration_says_who_gets_worse_who_better_and_who_is_scored_by_one_model_alone(
    rivals: Rivals, data: ReviewData
) -> None:
    # A challenger that asks for more history leaves many accounts to the champion.
    picky = replace(rivals.challenger, min_history_days=150)
    pair = replace(data.models, challenger=replace(data.models.challenger, artifact=picky))
    moved = migration(replace(data, models=pair))
    before, after = (
        {item.account_id: item for item in assess(data.latest, model, rivals.house.company)}
        for model in (rivals.champion, picky)
    )
    owners = dict(zip(before, data.owners_of(list(before)), strict=True))
    changed = {key: (before[key].band, after[key].band) for key in before}
    changed = {key: pair for key, pair in changed.items() if pair[0] != pair[1]}

    def counted(keys: Collection[str]) -> tuple[int, int, int, int, int]:
        pairs = [changed[key] for key in keys if key in changed]
        both = [pair for pair in pairs if "unscored" not in pair]
        worse = sum(BANDS.index(new) < BANDS.index(old) for old, new in both)
        scored = sum({before[key].band, after[key].band} != {"unscored"} for key in keys)
        return scored, len(pairs), worse, len(both) - worse, len(pairs) - len(both)

    def told(group: Migration | GroupMigration) -> tuple[int, int, int, int, int]:
        alone = group.scored_by_one_alone
        return group.scored, group.changed, group.worse, group.better, alone

    assert told(moved) == counted(list(before))
    assert min(moved.worse, moved.better, moved.scored_by_one_alone) > 0
    for name, groups in (("owner", moved.per_owner), ("segment", moved.per_segment)):
        own = {key: owners[key] if name == "owner" else before[key].segment for key in before}
        names = {group.name for group in groups}
        assert names == {own[key] for key in before if before[key].band != "unscored"}
        for group in groups:
            assert told(group) == counted([key for key in before if own[key] == group.name])
        assert [-group.changed for group in groups] == sorted(-group.changed for group in groups)
    for account in moved.moved:
        old, new = before[account.account_id], after[account.account_id]
        assert (account.before, account.after) == (old.band, new.band)
        assert account.score.champion == pytest.approx(old.health_score)
        assert account.score.challenger == pytest.approx(new.health_score)


def test_coverage_counts_the_eligible_accounts_that_have_a_score(
    rivals: Rivals, found: Review, data: ReviewData
) -> None:
    rows = data.latest.to_pylist()
    eligible = {row["account_id"] for row in rows if row["eligible__churn"]}
    for covered in found.content.coverage:
        keys = {row["account_id"] for row in rows if covered.segment in (row["segment"], EVERYBODY)}
        assert (covered.accounts, covered.eligible) == (len(keys), len(keys & eligible))
        for role, model in zip(ROLES, (rivals.champion, rivals.challenger), strict=True):
            items = assess(data.latest, model, rivals.house.company)
            scored = [item for item in items if item.account_id in keys and item.band != "unscored"]
            told = covered.models.of(role)
            assert told.scored == len(scored)
            assert told.share_scored == pytest.approx(len(scored) / len(keys & eligible))
            assert told.completeness == pytest.approx(
                np.mean([item.completeness for item in scored])
            )
    assert len(found.content.coverage) == 3


def test_drift_is_major_beyond_what_chance_explains(data: ReviewData) -> None:
    artifact = data.models.champion.artifact
    still = drift(replace(data, latest=data.mature_on(data.models.champion.training_dates[-1:])))
    before, after = still.accounts
    assert before == after > 100
    assert still.scores is not None
    assert (still.scores.index, still.scores.major) == (0, False)
    # Ten bins of 5 % chance: chi-squared of nine degrees of freedom.
    assert still.scores.by_chance == pytest.approx(16.919 * 2 / before, rel=1e-4)
    assert not any(column.major or column.index for column in still.columns)
    name = next(item.name for item in artifact.features if item.indicator == "visits")
    place = data.latest.column_names.index(name)
    tenfold = data.latest.set_column(place, name, pc.multiply(data.latest[name], 10.0))
    moved = drift(replace(data, latest=tenfold)).columns
    assert (moved[0].column, moved[0].title, moved[0].major) == (name, "Visits", True)
    assert [-column.index for column in moved] == sorted(-column.index for column in moved)
    few = drift(replace(data, latest=data.latest.slice(0, 20)))
    assert (few.columns, few.scores) == ([], None)
    assert sum(share or 0 for share in few.statuses[1].shares.values()) == pytest.approx(1)


def test_dates_of_one_outcome_alone_compare_nothing(data: ReviewData) -> None:
    dates = comparison_dates(data)
    table = data.mature.table
    place = table.column_names.index("label__churn")
    known = table["label__churn"]
    for outcome in (0, 1):
        same = pc.if_else(pc.is_null(known), None, pa.scalar(outcome, known.type))
        mature = replace(data.mature, table=table.set_column(place, "label__churn", same))
        assert compared_rows(replace(data, mature=mature), dates) is None


# What is worth a warning


def warned(data: ReviewData, reason: str = "a test", **facts: Any) -> list[str]:
    """The warnings of a review in which only `facts` are worth one."""
    red, result = facts.get("red", 0), review_cases.result()
    gain = facts.get("gain", review_cases.GAIN)
    first = replace(result.segments[0], log_loss_gain=gain)
    comparison = replace(
        review_cases.comparison(),
        repeated_auc=facts.get("repeated"),
        result=replace(result, segments=[first, result.segments[1]]),
    )
    matrix = {"green": {"red": red, "green": 100 - red, "unscored": 50}}
    shifts = review_cases.drift()
    shifts = replace(
        shifts,
        columns=shifts.columns[:1] * facts.get("columns", 0) + shifts.columns[1:],
        scores=replace(shifts.columns[0]) if facts.get("scores") else shifts.scores,
    )
    moved = replace(review_cases.migration(), matrix=matrix)
    return review_warnings(data, comparison, shifts, moved, reason)


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({}, ""),
        (
            {"gain": Measured(-0.01, -0.02, -0.001)},
            "segment large: the challenger is significantly",
        ),
        ({"gain": Measured(-0.01, -0.02, 0.0)}, ""),
        ({"gain": UNKNOWN}, ""),
        ({"red": 23}, r"23 of 100 scored accounts \(23%\) would be red on 2026-06-01; .* is 15%$"),
        ({"red": 22}, ""),
        ({"columns": 1}, r"^1 column has shifted .* since 2026-02-01: Visits \(visits__28d\)$"),
        ({"columns": 3}, r"^3 columns have .*(: |, )(Visits \(visits__28d\)(, |$)){3}"),
        ({"columns": 5}, r"^5 columns have .*: (Visits \(visits__28d\)(, | and )){3}2 more$"),
        ({"scores": True}, r"scores have shifted .* since 2026-02-01 \(stability index 0\.50\)$"),
    ],
)
def test_what_the_reader_should_know_is_a_warning(
    facts: dict[str, Any], said: str, data: ReviewData
) -> None:
    told = warned(data, **facts)
    assert len(told) == bool(said)
    assert all(re.search(said, text) for text in told)


@pytest.mark.parametrize(("away", "said"), [(2e-6, 1), (5e-7, 0), (-2e-6, 1)])
def test_a_repeated_training_that_comes_to_something_else_is_a_warning(
    away: float, said: int, data: ReviewData
) -> None:
    stated = data.models.challenger.artifact.evaluation.quality.auc.value
    assert stated is not None
    told = warned(data, repeated=stated + away)
    assert [text[:62] for text in told] == [
        f"repeating the challenger's training gives an AUC of {stated + away:.4f}, but"[:62]
    ] * said


@pytest.mark.parametrize(
    ("days", "reason", "asked"), [(182, "", True), (183, "", False), (182, "a plan", False)]
)
def test_who_retrains_within_the_review_period_is_asked_why(
    days: int, reason: str, asked: bool, data: ReviewData
) -> None:
    later = str(data.models.champion.data_until + timedelta(days=days))
    artifact = data.models.challenger.artifact
    made = artifact.with_training(replace(artifact.training, data_until=later))
    challenger = replace(data.models.challenger, artifact=made)
    told = warned(replace(data, models=replace(data.models, challenger=challenger)), reason)
    assert [text.split(" after")[0] for text in told] == ["retrained 182 days"] * asked
    champion = replace(data.models.champion, role="challenger")
    assert warned(replace(data, models=replace(data.models, challenger=champion)), "") == []


def test_a_champion_that_has_expired_or_is_not_registered_is_a_warning(data: ReviewData) -> None:
    late = replace(data, dates=replace(data.dates, as_of=date(2030, 1, 1)))
    (told,) = warned(late)
    assert told.startswith("the champion has expired by 2030-01-01: its data end on 2025-12-01, so")
    nobody = replace(data.models, champion=replace(data.models.champion, tags={}))
    (told,) = warned(replace(data, models=nobody))
    digest = data.models.champion.artifact.digest
    assert f"installed champion (version 1, digest {digest[:12]}), so" in told


def test_the_report_has_every_section_and_says_its_verdict(found: Review, folder: Path) -> None:
    told = (folder / "review.md").read_text("utf-8")
    titles = [line[3:] for line in told.splitlines() if line.startswith("## ")]
    assert titles == [
        "What decides",
        "Champion against challenger",
        "Watermelon ledger",
        "Calibration",
        "Drift",
        "Which accounts change band",
        "Flaps",
        "Lead times",
        "Coverage",
    ]
    word = "promote the challenger" if found.promotes else "keep the champion"
    for page in (told, (folder / "review.html").read_text("utf-8")):
        assert word in page


# Time


def expiring(rivals: Rivals, day: str) -> Candidate:
    target = rivals.house.company.targets[TARGET]
    return Candidate("champion", rivals.champion, target, {"expiry": day})


def test_a_models_time_is_over_by_the_tables_or_by_the_registry(rivals: Rivals) -> None:
    due = MORNING + timedelta(days=183)
    late, soon = expiring(rivals, "2030-01-01"), expiring(rivals, "2026-01-01")
    assert [late.expired(due), late.expired(due + timedelta(days=1))] == [False, True]
    assert [soon.expired(date(2026, 1, 1)), soon.expired(date(2026, 1, 2))] == [False, True]


@pytest.mark.parametrize(
    ("gain", "expired", "passed"),
    [
        ((0.01, 0.001, 0.02), False, True),
        ((0.01, -0.001, 0.02), False, False),
        ((0.01, -0.001, 0.02), True, True),
        ((-0.01, -0.02, -0.001), True, False),
        ((None, None, None), True, False),
    ],
)
def test_a_valid_champion_gives_way_to_the_better_an_expired_one_to_the_no_worse(
    gain: tuple[float | None, float | None, float | None], expired: bool, passed: bool
) -> None:
    measured, calibration = Measured(*gain), CalibrationMeasures(UNKNOWN, UNKNOWN, UNKNOWN)
    levels = ModelQuality(
        auc=0.7, log_loss=0.5, predicted_rate=0.3, ece=0.0, calibration=calibration, reliability=()
    )
    result = ComparisonResult(
        rows=10,
        accounts=10,
        events=3,
        base_rate=0.3,
        quality=ByModel(levels, levels),
        log_loss_gain=measured,
        auc_gain=measured,
        by_as_of=[],
        valued_on=date(2025, 10, 1),
        segments=[],
    )
    compared = ModelComparison(
        basis="unseen",
        explanation="",
        since_the_champion=[],
        as_of=[date(2025, 10, 1)],
        repeated_auc=None,
        makes_champion=False,
        result=result,
    )
    assert verdict.is_better(compared, expired).passed == passed


# From the verdict to the champion


@pytest.fixture
def own(rivals: Rivals, tmp_path: Path) -> House:
    """A copy of the house with a registry of its own."""
    return rivals.house.copy(tmp_path / "own", registry=True)


def aliases(house: House) -> dict[str, str]:
    return {name: str(it) for name, it in reviewed_company.kept(house)["aliases"].items()}


def written(folder: Path, to: Path, decision: str, **changes: dict[str, str]) -> Path:
    """The review with another verdict, and with other facts about its models."""
    content = json.loads((folder / "review.json").read_text("utf-8"))
    content["verdict"]["decision"] = decision
    for check in content["verdict"]["checks"]:
        check["passed"] = decision == "promote"
    for role, other in changes.items():
        content[role] |= other
    to.write_text(json.dumps(content), "utf-8")
    return to


def promoted(house: House, review: Path, *words: str) -> Result:
    given = ["promote", "--company", str(house.company.folder), "--review", str(review)]
    return CliRunner().invoke(app, [*given, *words])


def test_the_verdict_of_a_review_decides_who_is_champion(
    own: House, folder: Path, tmp_path: Path
) -> None:
    keep = written(folder, tmp_path / "keep.json", "keep")
    with pytest.raises(GateRefused, match=r"keep\.json says keep: .*; keep the champion, or"):
        raise promoted(own, keep).exception or AssertionError
    assert aliases(own) == {"champion": "1", "challenger": "2"}

    done = promoted(own, written(folder, tmp_path / "promote.json", "promote"))
    assert done.exit_code == 0, done.output
    assert "champion of churn: small-shop-churn version 2" in done.output
    assert aliases(own) == {"champion": "2", "challenger": "2", "previous": "1"}
    tags = {str(it): tags for it, tags in reviewed_company.kept(own)["versions"].items()}
    assert tags["2"]["promotion_review"].startswith(f"as of {MORNING}: promote; ")


@pytest.mark.parametrize(
    ("role", "other", "told"),
    [
        (
            "champion",
            {"digest": "0" * 64},
            "champion .* is version 1 .model digest 000000000000",
        ),
        (
            "champion",
            {"data_digest": "0" * 64},
            "champion .* is version 1 .model digest",
        ),
        (
            "challenger",
            {"digest": "0" * 64},
            "challenger .* is version 2 .model digest 0000000",
        ),
    ],
)
def test_a_review_of_other_models_or_rows_decides_nothing(
    role: str, other: dict[str, str], told: str, own: House, folder: Path, tmp_path: Path
) -> None:
    path = written(folder, tmp_path / "review.json", "promote", **{role: other})
    with pytest.raises(DeclarationError, match=f"{told}.*review these two models again"):
        raise promoted(own, path).exception or AssertionError


def test_a_verdict_that_its_checks_do_not_come_to_is_no_verdict(
    own: House, folder: Path, tmp_path: Path
) -> None:
    path = written(folder, tmp_path / "review.json", "keep")
    path.write_text(path.read_text("utf-8").replace('"keep"', '"promote"'), "utf-8")
    with pytest.raises(ContractBroken, match="its checks mean keep, but its decision is promote"):
        raise promoted(own, path).exception or AssertionError


def test_what_is_no_review_is_told(own: House, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ContractBroken, match="not a file that churnlight review writes"):
        raise promoted(own, folder / "ledger.csv").exception or AssertionError
    (tmp_path / "deep.json").write_text("[" * 200_000, "utf-8")
    with pytest.raises(ContractBroken, match="not a file that churnlight review writes"):
        raise promoted(own, tmp_path / "deep.json").exception or AssertionError
    with pytest.raises(NotFound, match=r"gone\.json: no such file; churnlight review --out"):
        raise promoted(own, tmp_path / "gone.json").exception or AssertionError


@pytest.mark.parametrize(
    ("failed", "told"),
    [
        ((), "promote --company 'my co' --target churn --version 2 --review out/r.json"),
        (("better than the champion",), "champion stays; .* --version 2 --reason TEXT"),
        (("skill",), "a challenger without skill is not promoted"),
        (("different model",), "train a challenger first"),
    ],
)
def test_a_review_ends_with_the_command_that_acts_on_it(failed: tuple[str, ...], told: str) -> None:
    command = review_decision.command("churn", "2", failed, "my co", "out/r.json")
    assert re.search(told, command)


# Of what is welcome


@pytest.fixture(scope="module")
def welcome(trained: House, tmp_path_factory: pytest.TempPathFactory) -> Review:
    """The review of an opportunity whose challenger has learnt from all months."""
    house = trained.copy(tmp_path_factory.mktemp("welcome") / "own")
    path = house.company.folder / "churnlight.toml"
    path.write_text(path.read_text("utf-8") + DECLARED, "utf-8")
    company, settings = load(house.company.folder), house.settings
    days, plain = learning_dates(company), CHOICE.without_trees("")
    rows = built(company, *days)
    for taught in (days[:TAUGHT], days):
        made = fit_and_evaluate(rows, company, NAME, taught, choice=plain)
        tracking.register(made, company, settings)
    first = tracking.fetch(company, NAME, "1", settings)
    install_champion(first, settings.workspace_of(company))
    return review(company, ReviewRequest(target=NAME, reason="a test"), settings=settings)


def test_an_opportunity_is_reviewed_as_churn_is(welcome: Review, tmp_path: Path) -> None:
    content = welcome.content
    result = result_of(welcome)
    assert result.rows > 50
    day = result.by_as_of[-1].value.challenger
    assert day.at_capacity.precision.value is not None
    assert (day.revenue, day.worked_first.accounts > 0) == (None, True)
    moved = content.migration
    assert list(moved.matrix) == ["no", "yes", "unscored"]
    changed = sum(moved.matrix[a][b] for a in moved.matrix for b in moved.matrix if a != b)
    assert moved.changed == changed == len(moved.moved)
    assert {segment.segment for segment in content.coverage} > {"all accounts"}
    assert content.verdict.decision in ("promote", "keep")
    assert len(content.calibration) > 3
    welcome.write(tmp_path)
    assert not (tmp_path / "ledger.csv").exists()


def test_what_makes_no_sense_of_an_opportunity_says_why(welcome: Review, tmp_path: Path) -> None:
    welcome.write(tmp_path)
    told = (tmp_path / "review.md").read_text("utf-8")
    for name, why in NOT_APPLICABLE.items():
        assert getattr(welcome.content, name) is None
        assert f"Not applicable: {why}." in told
    assert "Which opportunities change" in told
    assert not re.search(r"churned|At risk|Healthy|health score", told)


# What is refused


def test_without_a_champion_there_is_nothing_to_review(trained: House, tmp_path: Path) -> None:
    settings = Settings(workspace=str(tmp_path / "none"))
    with pytest.raises(NotFound, match="no champion for target 'churn'"):
        review(trained.company, settings=settings)
    assert not (tmp_path / "none").exists()


def test_without_a_registry_none_is_made(trained: House, tmp_path: Path) -> None:
    house = trained.copy(tmp_path / "own")
    with pytest.raises(NotFound, match=r"mlflow\.db: no registry of models; run: churnlight train"):
        review(house.company, settings=house.settings)
    assert not (house.workspace / "mlflow.db").exists()


@pytest.mark.parametrize(
    ("request_of", "error", "told"),
    [
        (ReviewRequest(challenger="nobody"), NotFound, "alias or version 'nobody'"),
        (ReviewRequest(challenger="17"), NotFound, "alias or version '17'"),
        (ReviewRequest(target="growth"), NotFound, "target 'growth' is not declared"),
        (ReviewRequest(as_of=date(2025, 12, 2)), NotFound, "complete up to 2025-12-01"),
        (ReviewRequest(as_of=date(2025, 8, 1)), NotFound, "the challenger, version 2, was trained"),
    ],
)
def test_what_is_not_there_or_cannot_be_is_refused(
    request_of: ReviewRequest, error: type[Exception], told: str, rivals: Rivals
) -> None:
    with pytest.raises(error, match=told):
        review(rivals.house.company, request_of, settings=rivals.house.settings)


def test_a_model_of_other_definitions_is_refused_and_one_indicator_more_is_not(
    rivals: Rivals, data: ReviewData, tmp_path: Path
) -> None:
    text = (rivals.house.company.folder / "churnlight.toml").read_text("utf-8")
    workspace = Settings(workspace=str(rivals.house.workspace.resolve()))
    more = text.replace('stage = "shadow"\n', "")
    other = more.replace("where = \"topic <> 'praise'\"", "where = \"topic = 'fault'\"")
    for name, toml in (("more", more), ("other", other)):
        assert toml != text
        own = rivals.house.copy(tmp_path / name).company.folder
        (own / "churnlight.toml").write_text(toml, "utf-8")
    company = load(tmp_path / "more")
    models = candidates(company, TARGET, "challenger", workspace)
    assert not models.same
    mature = built(company, *data.dates.mature)
    compared = comparison_dates(replace(data, company=company, models=models, mature=mature))
    # The indicator that came later has no part in the challenger's procedure either.
    assert compared.repeated_auc == pytest.approx(rivals.challenger.evaluation.quality.auc.value)
    with pytest.raises(
        DeclarationError, match=r"champion, version 1 .* has changed indicators\.tickets"
    ):
        candidates(load(tmp_path / "other"), TARGET, "challenger", workspace)
