"""Paces: a model hears usage that declines, and a side holds for the indicator as a whole."""

from dataclasses import replace
from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.assembling.feature_plan import FeatureColumn
from features.declaring.company import Company
from features.declaring.declaration import parse
from small_company import DECLARATION
from trained_company import TARGET, House, built
from training import procedure
from training.calibrating.health import Anchors
from training.explaining.drivers import Meaning, levels, sentence, told, value_and_usual
from training.learning import model, search
from training.learning.derived.paces import with_paces
from training.learning.matrix import Feature, matrix, pace
from training.learning.search import Choice
from training.metrics.quality import auc

COUNTS = st.floats(0, 1e6)
NAMES = ("visits__28d", "visits__90d")
VISITS = [
    Feature(name, "visits", days, "number") for name, days in zip(NAMES, (28, 90), strict=True)
]


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """Return the small company as declared."""
    return parse(DECLARATION, tmp_path_factory.mktemp("declared"))


@pytest.fixture(scope="module")
def rows(trained: House) -> pa.Table:
    """Return the rows of the small company's last day."""
    return built(trained.company).table


@given(shorter=COUNTS, more=COUNTS, factor=st.floats(0.01, 100), times=st.floats(1.1, 50))
def test_multiplying_both_windows_changes_no_pace(
    shorter: float, more: float, factor: float, times: float
) -> None:
    short, long = np.array([[shorter], [shorter + more]])
    multiplied = pace(short * factor, long * factor, times)
    assert multiplied == pytest.approx(pace(short, long, times), abs=1e-9)


def test_a_pace_is_zero_where_all_is_as_ever_and_grows_with_the_shorter_window() -> None:
    shorter = np.array([0.0, 1.0, 3.0, 6.0, 9.0])
    values = pace(shorter, np.full(5, 9.0), 3.0)
    assert values[2] == pytest.approx(0)
    assert (np.diff(values) > 0).all()
    # Three times the pace, a quarter of the pace added to both.
    assert values[-1] == pytest.approx(np.log(3.25 / 1.25))


def test_an_empty_window_has_no_pace_and_an_unknown_one_an_unknown_pace() -> None:
    found = pace(np.array([0.0, np.nan, 2.0, -5.0]), np.array([0.0, 9.0, np.nan, -9.0]), 3.0)
    assert found[[0, 3]].tolist() == [0, 0]
    assert np.isnan(found[[1, 2]]).all()


def test_refunds_beyond_the_sales_of_a_window_are_a_pace_of_nothing() -> None:
    lowest, refunded = pace(np.array([0.0, -5.0]), np.array([9.0, 9.0]), 3.0)
    assert refunded == lowest


def test_neighbouring_windows_of_sums_and_counts_have_paces(company: Company) -> None:
    windows = [Feature(f"visits__{days}d", "visits", days, "number") for days in (90, 7, 28)]
    other = Feature("recency__all", "recency", None, "number")
    found = with_paces([*windows, other], company)
    assert found[:4] == [*windows, other]
    assert [(item.name, item.columns) for item in found[4:]] == [
        ("visits__pace_7d_28d", ("visits__7d", "visits__28d")),
        ("visits__pace_28d_90d", ("visits__28d", "visits__90d")),
    ]
    assert model.monotone_signs(company, TARGET, found) == [-1, -1, -1, 1, -1, -1]


def test_an_artifact_makes_its_paces_of_the_windows(rows: pa.Table, trained: House) -> None:
    features = trained.champion.features
    place = [item.name for item in features].index("visits__pace_28d_90d")
    X = matrix(rows, features)
    shorter, longer = (rows[name].to_numpy() for name in NAMES)
    reach = np.clip(rows["history_days"].to_numpy(), 28, 90)
    assert X[:, place] == pytest.approx(pace(shorter, longer, reach / 28))
    assert len(set(reach)) > 2
    assert "visits__pace_28d_90d" not in rows.column_names


@given(number=st.integers(0, 300), factor=st.floats(1, 10))
def test_more_of_an_indicator_in_all_its_windows_never_lowers_a_score(
    number: int, factor: float, rows: pa.Table, trained: House
) -> None:
    row = rows.slice(number, 1)
    more = row
    for name in NAMES:
        place = row.column_names.index(name)
        more = more.set_column(place, name, pa.array(row[name].to_numpy() * factor))
    before, after = (
        trained.champion.margins(matrix(table, trained.champion.features)) for table in (row, more)
    )
    assert after[0] <= before[0] + 1e-12


def declining(company: Company) -> tuple[pa.Table, list[FeatureColumn]]:
    """Return rows of accounts that differ widely in use; who leaves uses half as much as before."""
    random = np.random.default_rng(3)
    accounts, dates = 600, (date(2025, 4, 1), date(2025, 8, 1))
    tables = []
    for day in dates:
        rate = random.lognormal(2, 1, accounts)
        leaves = random.random(accounts) < 0.3
        recent = random.poisson(28 * rate / 28 * np.where(leaves, 0.4, 1.0))
        earlier = random.poisson(62 * rate / 28)
        tables.append(
            pa.table(
                {
                    "account_id": [f"a{number}" for number in range(accounts)],
                    "as_of": pa.array([day] * accounts, pa.date32()),
                    "segment": ["all"] * accounts,
                    "visits__28d": recent.astype(float),
                    "visits__90d": (recent + earlier).astype(float),
                    f"label__{TARGET}": leaves.astype(np.int8),
                }
            )
        )
    columns = [FeatureColumn(item.name, "visits", item.window, "number", "live") for item in VISITS]
    return pa.concat_tables(tables), columns


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_model_hears_a_decline_in_counts_that_are_declared_healthy(
    company: Company, share: float
) -> None:
    table, columns = declining(company)
    choice = Choice(replace(search.FIRST_TRIED[0], rounds=40, share=share), "the test's")
    fixed = procedure.under(company, TARGET, Anchors(0.6, 0.1, "declared"))
    fitted = procedure.learn(table, columns, fixed, TARGET, choice)
    plain = fitted.rows.only([0, 1])
    without = model.cross_fitted(plain, choice.model_settings)
    assert auc(fitted.margins, plain.y) > 0.85
    assert auc(without, plain.y) < 0.75


def test_a_decline_is_told_against_the_accounts_own_pace() -> None:
    [_, _, down] = features = [*VISITS, Feature("t", "visits", 28, "number", (), 0.0, 90)]
    meaning = Meaning("Visits", "business", "leading", "visits", "{value}, typically {usual}", None)
    feature, value = told(features, 2, np.array([12.0, 90.0, -0.8]), history=365)
    said = sentence(meaning, feature, feature.value(value), lowers=True)
    assert said == "12 visits in the last 28 days; its own pace is 28"
    spend = replace(meaning, title="Spend {net}", unit="€")
    said = sentence(spend, feature, feature.value(value), lowers=True)
    assert said == "Spend {net} of €12 in the last 28 days; its own pace is €28"
    assert value_and_usual(meaning, feature, value) == ("12", "28")
    assert levels(features).tolist() == [0, 1, 0]
    assert down.columns == NAMES


def test_a_window_that_reaches_back_before_the_first_day_counts_the_days_since() -> None:
    features = [*VISITS, Feature("p", "visits", 28, "number", (), 0.0, 90)]
    counts = {"visits__28d": [6.0, 6.0, 6.0, None], "visits__90d": [9.0, 9.0, 6.0, None]}
    rows = pa.table(counts | {"history_days": [90, 42, 20, 20]})
    fast = np.log((90 / 28 * 6 / 9 + 0.25) / 1.25)
    assert matrix(rows, features)[:3, 2].tolist() == pytest.approx([fast, 0.0, 0.0])
    assert np.isnan(matrix(rows, features)[3, 2])
    assert matrix(rows.drop_columns("history_days"), features)[1, 2] == pytest.approx(fast)


def test_a_young_account_is_told_the_pace_of_the_days_it_has() -> None:
    features = [*VISITS, Feature("p", "visits", 28, "number", (), 0.0, 90)]
    feature, _ = told(features, 2, np.array([12.0, 30.0, -0.4]), history=42)
    assert feature.usual == 20


def test_a_pace_as_ever_is_told_as_its_window() -> None:
    features = [*VISITS, Feature("p", "visits", 28, "number", (), 0.0, 90)]
    assert told(features, 2, np.array([12.0, 12.0, 0.0]), history=28) == (VISITS[0], 12.0)


def test_a_window_is_told_against_what_is_usual() -> None:
    feature, value = told(VISITS, 1, np.array([12.0, 90.0]), history=365)
    assert (feature, value) == (VISITS[1], 90.0)
