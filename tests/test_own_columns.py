"""A segment has columns of its own where they are better on later dates; else nothing changes."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from scipy.special import expit
from typer.testing import CliRunner

from features.assembling.feature_plan import FeatureColumn
from features.declaring.company import Company
from features.declaring.declaration import parse
from features.declaring.indicator import column_name
from features.errors import ContractBroken, DeclarationError
from features.progress import silent
from features.snapshots import Snapshots
from serving.assessment.score_parts import score_parts
from small_company import DECLARATION
from trained_company import TARGET
from training.artifact import Artifact
from training.evaluating import own_segments, sentences
from training.evaluating.target_history import TargetHistory
from training.explaining.drivers import shown_feature, told
from training.learning import search
from training.learning.derived.own_columns import with_own
from training.learning.matrix import Feature, matrix
from training.learning.search import Choice
from training.procedure import labelled
from training.train import fit_and_evaluate
from training.verbs import app

ACCOUNTS, FIRST, STEP = 900, date(2025, 1, 1), timedelta(days=60)
DAYS = [FIRST + STEP * number for number in range(5)]
CARD = Choice(replace(search.FIRST_TRIED[0], share=0.0), "the test's")
VISITS, RECENCY = column_name("visits", 28), column_name("recency", None)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """Return the small company as declared."""
    return parse(DECLARATION, tmp_path_factory.mktemp("declared"))


def world(seed: int, *, differ: bool) -> Snapshots:
    """Return accounts of two segments; who visits little leaves, or of "small" who is away long."""
    draw, tables = np.random.default_rng(seed), []
    small = draw.random(ACCOUNTS) < 0.4
    for day in DAYS:
        visits = draw.poisson(draw.lognormal(2, 0.8, ACCOUNTS)).astype(float)
        away = draw.exponential(20, ACCOUNTS).round()
        risk = 3 - 1.5 * np.log1p(visits)
        risk = np.where(small & differ, 1.5 * np.log1p(away) - 5, risk)
        tables.append(
            pa.table(
                {
                    "account_id": [f"a{number}" for number in range(ACCOUNTS)],
                    "as_of": pa.array([day] * ACCOUNTS, pa.date32()),
                    "segment": np.where(small, "small", "large"),
                    "history_days": pa.array([400] * ACCOUNTS, pa.int32()),
                    VISITS: visits,
                    RECENCY: away,
                    f"eligible__{TARGET}": [True] * ACCOUNTS,
                    f"label__{TARGET}": (draw.random(ACCOUNTS) < expit(risk)).astype(np.int8),
                }
            )
        )
    columns = (
        FeatureColumn(VISITS, "visits", 28, "number", "live"),
        FeatureColumn(RECENCY, "recency", None, "number", "live"),
    )
    return Snapshots(pa.concat_tables(tables), columns, DAYS[-1] + STEP)


def kept(company: Company, seed: int, *, differ: bool) -> list[str]:
    """Return the segments that keep columns of their own."""
    built = world(seed, differ=differ)
    history = TargetHistory(built, company, TARGET, labelled(built, company, TARGET), DAYS, [])
    history = history.choose(CARD, silent).choose_earlier(CARD, silent)
    return [one.segment for one in own_segments.tried(history, silent) if one.kept]


@pytest.fixture(scope="module")
def artifact(company: Company) -> Artifact:
    """Return what training per segment makes where the segments differ."""
    built = world(0, differ=True)
    return fit_and_evaluate(built, company, TARGET, DAYS, choice=CARD, per_segment=True)


@pytest.fixture(scope="module")
def rows() -> pa.Table:
    """Return rows that the artifact has not seen."""
    return world(9, differ=True).table.slice(0, 200)


def test_segments_that_leave_for_other_reasons_keep_their_own(company: Company) -> None:
    assert kept(company, 1, differ=True) == ["large", "small"]


@pytest.mark.parametrize("seed", range(4))
def test_where_segments_do_not_differ_nothing_is_kept(company: Company, seed: int) -> None:
    assert kept(company, seed, differ=False) == []


def test_training_tells_each_segment_with_its_gain(artifact: Artifact) -> None:
    told_lines = sentences.own_columns(artifact.evaluation)
    assert [line.split(":")[0] for line in told_lines] == ["segment large", "segment small"]
    assert all(line.endswith(": kept") for line in told_lines)
    assert {feature.within for feature in artifact.features} == {None, "large", "small"}


def test_points_still_add_up_and_a_saved_model_scores_alike(
    artifact: Artifact, rows: pa.Table, tmp_path: Path
) -> None:
    X = matrix(rows, artifact.features)
    assert artifact.contributions(X).sum(axis=1) == pytest.approx(artifact.margins(X), abs=1e-9)
    artifact.save(tmp_path / "model")
    again = Artifact.load(tmp_path / "model")
    assert again.digest == artifact.digest
    assert again.margins(X).tolist() == artifact.margins(X).tolist()


def test_a_driver_is_told_by_the_column_of_all(artifact: Artifact, rows: pa.Table) -> None:
    X = matrix(rows, artifact.features)
    shown = shown_feature(artifact.features, X, artifact.contributions(X))
    for row in range(20):
        for place in shown[row]:
            feature, value = told(artifact.features, int(place), X[row], 400)
            assert feature.within is None
            assert value == rows[feature.name][row].as_py()


def test_scored_accounts_add_up_alone_as_together(
    artifact: Artifact, rows: pa.Table, company: Company
) -> None:
    """In a batch, and one by one as the API does; the segment comes with the row."""
    several = score_parts(rows.slice(0, 30), artifact, company)
    for number, (about, parts) in enumerate(several):
        assert parts is not None
        points = sum(driver.points for driver in parts.drivers)
        assert parts.base + points == pytest.approx(parts.unclipped, abs=1e-9)
        ((_, alone),) = score_parts(rows.slice(number, 1), artifact, company)
        assert alone is not None
        assert alone.unclipped == parts.unclipped
        assert about["segment"] in ("large", "small")


@pytest.mark.parametrize("given", [["--per", "week"], ["--per", "segment", "--table", "x.csv"]])
def test_only_a_companys_segments_can_be_asked_for(given: list[str]) -> None:
    where = [] if "--table" in given else ["--company", "."]
    with pytest.raises(DeclarationError, match="--per segment"):
        CliRunner().invoke(app, ["train", *where, *given], catch_exceptions=False)


def test_more_of_a_healthy_thing_lowers_no_segments_score(
    artifact: Artifact, rows: pa.Table
) -> None:
    more = rows.set_column(
        rows.column_names.index(VISITS), VISITS, pa.array(rows[VISITS].to_numpy() + 5)
    )
    before, after = (artifact.margins(matrix(table, artifact.features)) for table in (rows, more))
    assert (after <= before + 1e-12).all()


def test_own_columns_say_how_far_a_value_is_from_the_usual_one_there() -> None:
    """Of others they say nothing; of what is not known, neither."""
    name = column_name("x", 28)
    features = with_own([Feature(name, "x", 28, "number", usual=3.0)], ["pro"])
    table = pa.table({name: [7.0, 1.0, 3.0, 6.0, None, 8.0]})
    segments = pa.array(["pro", "pro", "pro", "free", "pro", None])
    X = matrix(table.append_column("segment", segments), features)
    # Of 7: log 8 − log 4 = log 2, whose signed log1p is that of 1.
    np.testing.assert_allclose(X[:, 1], [1.0, -1.0, 0.0, 0.0, np.nan, 0.0])
    with pytest.raises(ContractBroken, match="segment"):
        matrix(table, features)
