"""The small company with a model that is trained, registered in a real store, and promoted.

The one design rule: it is made once per run (the session fixture `trained` in `conftest`), and a
test that changes anything works on a `copy`.
"""

import shutil
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import small_company
from features import snapshots, sources
from features.declaring.company import Company
from features.declaring.declaration import load
from features.lead_times import measure
from features.settings import Settings
from features.snapshots import Snapshots
from training import report_data
from training.artifact import Artifact
from training.champions import champion
from training.indicators import lead_times
from training.learning import search
from training.learning.search import Choice
from training.metrics.measured import Measured
from training.registry import tracking
from training.train import Trained, fit_and_evaluate

TARGET = "churn"
# On 400 accounts a search would choose the scorecard alone; tests want trees beside it.
CHOICE = Choice(replace(search.FIRST_TRIED[0], rounds=60, share=0.5), "the tests' own choice")


@dataclass(frozen=True, repr=False)
class House:
    """The company, the settings it is worked with, what training made, and the champion."""

    company: Company
    settings: Settings
    trained: Trained
    champion: Artifact

    @property
    def workspace(self) -> Path:
        """Return where models and scores are kept."""
        return self.settings.workspace_of(self.company)

    def copy(self, folder: Path, *, registry: bool = False) -> "House":
        """Return the same in `folder`, with the champion but without runs, or the registry."""
        left = ["scores"] if registry else ["scores", "mlflow.db", "mlartifacts"]
        shutil.copytree(self.company.folder, folder, ignore=shutil.ignore_patterns(*left))
        return replace(self, company=load(folder))


def cents(folder: Path) -> Company:
    """Write the small company with amounts whose sums are not exact in binary."""
    small_company.write(folder)
    path = folder / "visits.parquet"
    visits = pq.read_table(path)
    amounts = np.round(np.random.default_rng(1).lognormal(3, 1, visits.num_rows), 2)
    place = visits.column_names.index("amount")
    pq.write_table(visits.set_column(place, "amount", pa.array(amounts)), path)
    return load(folder)


def make(folder: Path) -> House:
    """Train, register and promote in `folder`."""
    company, settings = cents(folder), Settings()
    days = learning_dates(company)
    rows = built(company, *days)
    artifact = proven(fit_and_evaluate(rows, company, TARGET, days, choice=CHOICE))
    with sources.open_tables(company) as tables:
        events = measure.churned(tables, TARGET)
    leads = lead_times.of_months(rows, company, events, days)
    artifact = lead_times.with_lead_times(artifact, leads)
    artifact = report_data.with_evidence_of(artifact, rows, company, days)
    trained = Trained(artifact, *tracking.register(artifact, company, settings))
    tracking.promote(company, TARGET, settings=settings)
    return House(company, settings, trained, champion(settings.workspace_of(company), TARGET))


def proven(artifact: Artifact) -> Artifact:
    """Return it as if it surely beat its baselines: 400 accounts cannot prove what tests need."""
    better = Measured(0.02, 0.01, 0.03)
    evaluation = artifact.evaluation
    beside = tuple(replace(rival, gain=better) for rival in evaluation.baselines)
    return artifact.with_evaluation(replace(evaluation, baselines=beside))


def built(company: Company, *days: date) -> Snapshots:
    """Return the company's snapshots, by default at its data_until."""
    with sources.open_tables(company) as tables:
        return snapshots.build_from(tables, days or [snapshots.data_until(tables)])


def learning_dates(company: Company) -> list[date]:
    """Return the mature month starts."""
    with sources.open_tables(company) as tables:
        return snapshots.mature_month_starts(tables, TARGET)
