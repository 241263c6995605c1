"""What training recovers of the simulated company's sealed truth: its hazard, planted causes."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from examples.saas import planted_causes, visible_risk
from examples.saas.planted_causes import Recovery
from examples.saas.simulate.export import export
from examples.saas.simulate.parameters import PARAMETERS, Parameters
from features import contract, snapshots
from features.declaring.company import Company
from features.declaring.declaration import load
from features.snapshots import Snapshots
from training.artifact import Artifact
from training.evaluating.target_history import TargetHistory
from training.learning.matrix import matrix
from training.learning.model import Model
from training.learning.search import Choice
from training.metrics.quality import auc
from training.procedure import describe, labelled
from training.train import fit_and_evaluate

Floats = npt.NDArray[np.float64]
Note = Callable[[str, object], None]

DECLARATION = Path(__file__).parents[1] / "examples" / "saas" / "churnlight.toml"
TARGET = "churn"
MANY, SEED, OTHER_SEED = 10_000, 7, 8
# A cause strong enough to carry accounts: its hazard, how long it lasts, and that the CRM hears.
STRONG = replace(
    PARAMETERS,
    churn=replace(PARAMETERS.churn, champion_factor=20.0),
    health=replace(PARAMETERS.health, champion_half_life=40.0),
    success=replace(PARAMETERS.success, recorded=1.0, crm_delay=2.0),
)
WITHIN = 0.03
# A date has some sixty events, which alone rank no better than ±.03.
JUDGED = 8


def made(folder: Path, accounts: int, seed: int, given: Parameters = PARAMETERS) -> Company:
    """The simulated company in `folder`."""
    folder.mkdir()
    (folder / "churnlight.toml").write_text(DECLARATION.read_text("utf-8"), "utf-8")
    export(accounts, seed, folder / "data", given=given)
    return load(folder)


def built(company: Company) -> Snapshots:
    with contract.sound_tables(company) as tables:
        return snapshots.build_from(tables, snapshots.mature_month_starts(tables, TARGET))


def trained(company: Company, rows: Snapshots) -> Artifact:
    """What `churnlight train` makes of all mature month starts."""
    days = sorted(set(rows.table["as_of"].to_pylist()))
    return fit_and_evaluate(rows, company, TARGET, days)


def hazard(company: Company, table: pa.Table) -> Floats:
    """The true churn probability of each row, NaN where the truth begins later."""
    path = company.folder / "data" / "truth" / "churn_probability.parquet"
    truth = pq.read_table(path).to_pylist()
    known = {(row["account_id"], row["as_of"]): row["churn_probability"] for row in truth}
    keys = zip(table["account_id"].to_pylist(), table["as_of"].to_pylist(), strict=True)
    return np.array([known.get(key, np.nan) for key in keys])


def known(company: Company, rows: Snapshots) -> tuple[pa.Table, Floats]:
    """The labelled rows whose true probability is sealed, and it."""
    table = labelled(rows, company, TARGET)
    truth = hazard(company, table)
    return table.filter(pa.array(~np.isnan(truth))), truth[~np.isnan(truth)]


def labels(table: pa.Table) -> npt.NDArray[np.int8]:
    found: npt.NDArray[np.int8] = table[f"label__{TARGET}"].to_numpy().astype(np.int8)
    return found


def test_training_ranks_nearly_as_the_hazard_does_given_only_what_can_be_seen(
    tmp_path: Path, record_property: Note
) -> None:
    own = made(tmp_path / "own", 1_500, SEED)
    shipped = built(own)
    artifact = trained(own, shipped)
    other = made(tmp_path / "other", MANY, OTHER_SEED)
    rows = built(other)
    table, truth = known(other, rows)
    features = describe(table, rows.columns, own, TARGET)
    X = matrix(table, features)
    told = visible_risk.contributions(X, truth, table["account_id"].to_pylist()).sum(axis=1)
    reached = auc(artifact.margins(matrix(table, artifact.features)), labels(table))
    best = auc(told, labels(table))
    record_property("auc of what training made, on the other world", reached)
    record_property("auc of the hazard given what can be seen, there", best)
    record_property("auc of the hazard, there", auc(truth, labels(table)))
    assert reached >= best - WITHIN
    trees, gaps = visible_risk.train_on_truth(X, truth), []
    for before, test in judged(own, shipped, artifact):
        seen = auc(np.asarray(trees.predict(matrix(test, features)), np.float64), labels(test))
        gaps.append(seen - auc(before.margins(matrix(test, artifact.features)), labels(test)))
    record_property("what is missing of it where the shipped company is judged", np.mean(gaps))
    record_property("its standard error", np.std(gaps) / np.sqrt(len(gaps)))
    assert np.mean(gaps) <= WITHIN


def judged(
    company: Company, rows: Snapshots, artifact: Artifact
) -> Iterator[tuple[Model, pa.Table]]:
    """Of the last dates, the model of what was settled by then, and the rows."""
    table = labelled(rows, company, TARGET)
    days = sorted(set(table["as_of"].to_pylist()))
    choice = Choice(artifact.training.model_settings, "the artifact's own")
    history = TargetHistory(rows, company, TARGET, table, days, [])
    for day in days[-JUDGED:]:
        fitted = history.fitted_before(day, choice)
        assert fitted is not None
        yield fitted.model, history.of([day])


@pytest.mark.parametrize("seed", [7, 8])
def test_a_planted_cause_that_carries_half_of_the_excess_is_the_first_reason(
    seed: int, tmp_path: Path, record_property: Note
) -> None:
    recovery = recovered(tmp_path / "strong", seed, STRONG)
    record_property("found", recovery.share)
    record_property("cases", recovery.cases)
    assert recovery.cases > 100
    assert recovery.passed, str(recovery)


def recovered(folder: Path, seed: int, given: Parameters) -> Recovery:
    company = made(folder, 1_500, seed, given)
    rows = built(company)
    artifact = trained(company, rows)
    (recovery,) = planted_causes.recoveries(artifact, labelled(rows, company, TARGET), company)
    return recovery
