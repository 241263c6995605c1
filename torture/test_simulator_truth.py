"""What training recovers of the simulated company's sealed truth: its hazard, planted causes."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from examples.saas.simulate.export import export
from examples.saas.simulate.parameters import PARAMETERS, Parameters
from features import contract, snapshots
from features.company import Company
from features.declaration import load
from features.snapshots import Snapshots
from training import planted, search
from training.artifact import Artifact
from training.certificate import Check
from training.evaluate import auc
from training.history import History
from training.matrix import matrix
from training.procedure import describe, labelled
from training.split import account_folds

Floats = npt.NDArray[np.float64]
Note = Callable[[str, object], None]

DECLARATION = Path(__file__).parents[1] / "examples" / "saas" / "churnlight.toml"
TARGET = "churn"
MANY, SEED, OTHER_SEED = 10_000, 7, 8
HALVES = 2
# A cause strong enough to carry accounts: its hazard, how long it lasts, and that the CRM hears.
STRONG = replace(
    PARAMETERS,
    churn=replace(PARAMETERS.churn, champion_factor=20.0),
    health=replace(PARAMETERS.health, champion_half_life=40.0),
    success=replace(PARAMETERS.success, recorded=1.0, crm_delay=2.0),
)
# As many and as few rounds as the truth needs, which has no noise to fit.
OPTIONS = {
    "objective": "cross_entropy",
    "num_leaves": 15,
    "learning_rate": 0.08,
    "min_data_in_leaf": 100,
    "feature_fraction": 0.5,
    "num_threads": 1,
    "verbosity": -1,
}
ROUNDS = 120


def made(folder: Path, accounts: int, seed: int, given: Parameters = PARAMETERS) -> Company:
    """The simulated company in `folder`."""
    folder.mkdir()
    (folder / "churnlight.toml").write_text(DECLARATION.read_text("utf-8"), "utf-8")
    export(accounts, seed, folder / "data", given=given)
    return load(folder)


def built(company: Company) -> Snapshots:
    with contract.sound(company) as tables:
        return snapshots.build_from(tables, snapshots.mature_month_starts(tables, TARGET))


def trained(company: Company, rows: Snapshots) -> Artifact:
    """What `churnlight train` makes of all mature month starts."""
    days = sorted(set(rows.table["as_of"].to_pylist()))
    history = History(rows, company, TARGET, labelled(rows, company, TARGET), days, [])
    return history.choose(search.TRIALS, lambda _: None).fit(days)[0]


def hazard(company: Company, table: pa.Table) -> Floats:
    """The true churn probability of each row, NaN where the truth begins later."""
    path = company.folder / "data" / "truth" / "churn_probability.parquet"
    truth = pq.read_table(path).to_pylist()
    known = {(row["account_id"], row["as_of"]): row["churn_probability"] for row in truth}
    keys = zip(table["account_id"].to_pylist(), table["as_of"].to_pylist(), strict=True)
    return np.array([known.get(key, np.nan) for key in keys])


def observable(rows: Snapshots, table: pa.Table, truth: Floats) -> Floats:
    """The true hazard as far as the facts tell it, of accounts that taught nothing of it."""
    X = matrix(table, describe(table, rows.columns))
    half = account_folds(table["account_id"].to_pylist(), HALVES)
    found = np.empty(len(truth))
    for number in range(HALVES):
        data = lgb.Dataset(X[half != number], truth[half != number])
        booster = lgb.train(OPTIONS, data, ROUNDS)
        found[half == number] = booster.predict(X[half == number])
    return found


def test_training_ranks_nearly_as_the_hazard_does_given_only_what_can_be_seen(
    tmp_path: Path, record_property: Note
) -> None:
    own = made(tmp_path / "own", 1_500, SEED)
    artifact = trained(own, built(own))
    other = made(tmp_path / "other", MANY, OTHER_SEED)
    rows = built(other)
    table = labelled(rows, other, TARGET)
    truth = hazard(other, table)
    known = ~np.isnan(truth)
    table, truth = table.filter(pa.array(known)), truth[known]
    labels = table[f"label__{TARGET}"].to_numpy().astype(np.int8)
    reached = auc(artifact.margins(matrix(table, artifact.features)), labels)
    best = auc(observable(rows, table, truth), labels)
    record_property("auc", reached)
    record_property("auc of the hazard given what can be seen", best)
    record_property("auc of the hazard", auc(truth, labels))
    assert reached >= best - 0.03


@pytest.mark.parametrize("seed", [7, 8])
def test_a_planted_cause_that_carries_half_of_the_excess_is_the_first_reason(
    seed: int, tmp_path: Path, record_property: Note
) -> None:
    found = recovered(tmp_path / "strong", seed, STRONG)
    record_property("found", found.value)
    record_property("cases", found.cases)
    assert found.cases > 100
    assert found.passed, f"{found.value:.3f} of {found.cases}"


def recovered(folder: Path, seed: int, given: Parameters) -> Check:
    company = made(folder, 1_500, seed, given)
    rows = built(company)
    artifact = trained(company, rows)
    (found,) = planted.checks(artifact, labelled(rows, company, TARGET), company)
    return found
