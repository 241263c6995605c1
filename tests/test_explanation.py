"""`Artifact.explain`: the artifact's own numbers in the shap package's shape, and its plots."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import matplotlib
import numpy as np
import pyarrow as pa
import pytest

from features.errors import ContractBroken
from serving.assessment.assess import assess
from trained_company import House, built
from training.explaining.explanation import By, Units
from training.learning.matrix import matrix, tabular

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import shap


@pytest.fixture(scope="module")
def rows(trained: House) -> pa.Table:
    table = built(trained.company).table
    known = np.array([item.band != "unscored" for item in assess_all(trained, table)])
    return table.filter(pa.array(known)).slice(0, 120)


def assess_all(trained: House, table: pa.Table) -> Any:
    return assess(table, trained.champion, trained.company)


@pytest.mark.parametrize("by", ["column", "indicator"])
@pytest.mark.parametrize("units", ["health points", "margin"])
def test_values_and_base_add_up_to_the_score(
    units: Units, by: By, trained: House, rows: pa.Table
) -> None:
    artifact = trained.champion
    margins = artifact.margins(matrix(rows, artifact.features))
    wanted = margins if units == "margin" else artifact.scale.unclipped(margins)
    found = artifact.explain(rows, units=units, by=by)
    assert np.abs(found.base_values + found.values.sum(axis=1) - wanted).max() <= 1e-9


def test_what_is_told_by_indicator_is_what_people_read(trained: House, rows: pa.Table) -> None:
    found = trained.champion.explain(rows, by="indicator")
    assert found.feature_names == list(trained.champion.meanings)
    for place, item in enumerate(assess_all(trained, rows)):
        for driver in item.drivers:
            column = found.feature_names.index(driver.indicator)
            assert math.isclose(found.values[place, column], driver.points, abs_tol=1e-9)
            shown = found.display_data[place, column]
            assert shown == driver.value or (driver.value is None and np.isnan(shown))


def test_a_pandas_frame_is_explained_as_the_arrow_table(trained: House, rows: pa.Table) -> None:
    names = [item.name for item in tabular(trained.champion.features)]
    frame = rows.select([*names, "history_days"]).to_pandas()
    found, wanted = trained.champion.explain(frame), trained.champion.explain(rows)
    assert np.array_equal(found.values, wanted.values)
    assert np.array_equal(found.data, wanted.data, equal_nan=True)


def test_a_frame_without_the_models_columns_is_refused(trained: House, rows: pa.Table) -> None:
    with pytest.raises(ContractBroken, match="recency__all"):
        trained.champion.explain(rows.drop_columns(["recency__all"]))


PLOTS: dict[str, Callable[[Any], Any]] = {
    "beeswarm": lambda found: shap.plots.beeswarm(found, show=False),
    "bar": lambda found: shap.plots.bar(found, show=False),
    "bar of one row": lambda found: shap.plots.bar(found[0], show=False),
    "waterfall": lambda found: shap.plots.waterfall(found[0], show=False),
    "scatter": lambda found: shap.plots.scatter(found[:, 0], show=False),
    "scatter by colour": lambda found: shap.plots.scatter(found[:, 0], color=found, show=False),
    "heatmap": lambda found: shap.plots.heatmap(found, show=False),
    "force": lambda found: shap.plots.force(found[0], matplotlib=True, show=False),
    "decision": lambda found: shap.plots.decision(
        found.base_values[0], found.values, found.data, found.feature_names, show=False
    ),
}


@pytest.fixture
def canvas() -> Iterator[None]:
    plt.close("all")
    yield
    plt.close("all")


@pytest.mark.parametrize("plot", PLOTS)
@pytest.mark.parametrize("by", ["column", "indicator"])
@pytest.mark.usefixtures("canvas")
def test_every_plot_of_shap_draws_it(by: By, plot: str, trained: House, rows: pa.Table) -> None:
    PLOTS[plot](trained.champion.explain(rows, by=by))
    drawn = plt.gcf()
    drawn.canvas.draw()
    assert any(axes.has_data() for axes in drawn.axes)
