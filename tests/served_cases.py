"""A small company with a promoted model and published runs, for tests of the service.

The rows are invented; the model is trained on them, and every published score comes from the
same `assess` that the service calls.
"""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pyarrow as pa

from features.declaring.company import Company
from features.declaring.declaration import load
from features.declaring.definitions import definitions
from features.progress import silent
from features.settings import Settings
from serving.assessment.assess import assess
from serving.batch import comparisons
from serving.batch.movements import RunInMaking, movement_table
from serving.published import runs
from training.artifact import Artifact
from training.calibrating.calibration import Calibration
from training.calibrating.health import Anchors
from training.calibrating.score_interval import ScoreInterval
from training.champions import install_champion
from training.explaining.drivers import Meaning
from training.learning.matrix import Feature, matrix
from training.learning.scorecard import EMPTY

AS_OF = date(2026, 6, 29)
WEEKS = 3
ACCOUNTS = 60
ODD_ID = "kunde/7 ü&?#%"
IDLE = ("a-003", "a-004")
NEW = "a-005"
BLANK = "a-006"

DECLARATION = """
[company]
name = "Harbour Books"
currency = "EUR"

[accounts]
source = "customers"
key = "id"
attributes = { name = "name", owner = "owner", mrr = "mrr", renewal = "renewal", since = "since" }

[sources.customers]
path = "customers.parquet"

[sources.orders]
path = "orders.parquet"
account = "id"
event_time = { column = "at", zone = "UTC" }

[targets.churn]
inactivity = { source = "orders", within = "90d" }
active_within = "180d"
horizon = "90d"

[targets.pause]
inactivity = { source = "orders", within = "30d" }
active_within = "180d"
horizon = "30d"

[indicators.spend]
title = "Spend"
dimension = "business"
kind = "leading"
source = "orders"
value = "amount"
measure = "sum"
windows = ["28d", "90d"]
healthy = "higher"
unit = "€"
says = "{value} spent, typically {usual}"
playbook = "win-back"

[indicators.recency]
title = "Last order"
dimension = "outcome"
kind = "leading"
source = "orders"
measure = "days_since"
healthy = "lower"
unit = "days"
says = "{value} ago, typically {usual}"

[indicators.plan]
title = "Plan"
dimension = "relationship"
kind = "context"
source = "orders"
value = "plan"
measure = "latest"
says = "Plan {value}, typically {usual}"

[playbooks.win-back]
title = "Win back"
owner = "CSM"
steps = [{ do = "Write a letter", channel = "post", within = "7d" }]
"""

FEATURES = (
    Feature("spend__28d", "spend", 28, "number", (), 40.0),
    Feature("spend__90d", "spend", 90, "number", (), 120.0),
    Feature("recency__all", "recency", None, "number", (), 30.0),
    Feature("plan__all", "plan", None, "category", ("basic", "team"), "basic"),
)


def rows(as_of: date) -> pa.Table:
    """Return the snapshot rows of one as-of date, null where something is unknown."""
    random = np.random.default_rng(as_of.toordinal())
    ids = [f"a-{number:03}" for number in range(ACCOUNTS - 1)] + [ODD_ID]
    spend = np.round(random.gamma(2.0, 60.0, ACCOUNTS), 2)
    table = {
        "account_id": ids,
        "as_of": [as_of] * ACCOUNTS,
        "segment": ["mid" if number % 3 else "small" for number in range(ACCOUNTS)],
        "history_days": [11 if name == NEW else 400 for name in ids],
        "spend__28d": _blanked(ids, np.round(spend / 3, 2).tolist()),
        "spend__90d": _blanked(ids, spend.tolist()),
        "recency__all": random.integers(1, 170, ACCOUNTS).astype(float).tolist(),
        "plan__all": _blanked(ids, random.choice(["basic", "team"], ACCOUNTS).tolist()),
        "eligible__churn": [name not in IDLE for name in ids],
    }
    return pa.table(table).cast(schema())


def schema() -> pa.Schema:
    """Return the schema of `rows`, that of snapshots."""
    types = {"number": pa.float64(), "category": pa.string()}
    return pa.schema(
        [
            ("account_id", pa.string()),
            ("as_of", pa.date32()),
            ("segment", pa.string()),
            ("history_days", pa.int32()),
            *((feature.name, types[feature.dtype]) for feature in FEATURES),
            ("eligible__churn", pa.bool_()),
        ]
    )


def _blanked(ids: list[str], values: list[Any]) -> list[Any]:
    return [None if name == BLANK else value for name, value in zip(ids, values, strict=True)]


def artifact(company: Company, *, seed: int = 0, version: str = "7") -> Artifact:
    """Return a model that learnt from the rows; another `seed` gives another one."""
    X = matrix(rows(AS_OF - timedelta(days=100 + seed)), FEATURES)
    label = (X[:, 2] > np.median(X[:, 2])).astype(int)
    names = [feature.name for feature in FEATURES]
    data = lgb.Dataset(X, label=label, categorical_feature=[3], feature_name=names)
    options = {
        "objective": "binary",
        "num_leaves": 4,
        "min_data_in_leaf": 5,
        "verbose": -1,
        "num_threads": 1,
        "seed": seed,
    }
    text = lgb.train(options, data, num_boost_round=20).model_to_string()
    meanings = {
        name: Meaning(
            item.title,
            item.dimension,
            item.kind,
            item.unit,
            item.says,
            item.playbook,
            item.says_good,
        )
        for name, item in company.indicators.items()
    }
    return Artifact(
        target="churn",
        horizon_days=90,
        gap_days=0,
        min_history_days=28,
        scorecard=EMPTY,
        models=(text,),
        calibration=Calibration(1.0, 0.0, ACCOUNTS, ACCOUNTS // 2),
        anchors=Anchors(0.6, 0.2, "declared"),
        interval=ScoreInterval.of(0.3, np.full((len(FEATURES), len(FEATURES)), 0.04)),
        features=FEATURES,
        meanings=meanings,
        definitions=definitions(company, "churn"),
        declaration_hash=company.declaration_hash,
        name="harbour-books-churn",
        registered_version=version,
    )


def facts(ids: pa.ChunkedArray) -> pa.Table:
    """Return the account facts."""
    names = ids.to_pylist()
    numbers = range(len(names))
    return pa.table(
        {
            "account_id": pa.array(names, pa.string()),
            "name": pa.array([f"Shop {number}" for number in numbers]),
            "owner": pa.array([("Dana Reyes", "Ivo Kunz")[number % 2] for number in numbers]),
            "parent": pa.nulls(len(names), pa.string()),
            "mrr": pa.array([float(100 + number) for number in numbers]),
            "renewal": pa.array([AS_OF + timedelta(days=number) for number in numbers]),
            "since": pa.array([date(2024, 2, 29)] * len(names)),
        }
    )


def declare(folder: Path) -> Company:
    """Return the company, declared in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "churnlight.toml").write_text(DECLARATION, encoding="utf-8")
    return load(folder)


def publish(
    company: Company, model: Artifact, as_of: date, *, lacking: tuple[str, ...] = ()
) -> runs.Run:
    """Publish the run of one as-of date, its kept rows without the columns `lacking`."""
    root = Settings().workspace_of(company) / "scores"
    run = runs.Run(
        folder=root / f"{as_of}--{model.digest[:12]}",
        as_of=as_of,
        computed_at=f"{as_of}T05:10:00Z",
        data_until=as_of,
        declaration_hash=company.declaration_hash,
        data_digest="0" * 64,
        models={"churn": runs.described(model)},
    )
    table = rows(as_of)
    scores = runs.to_table(assess(table, model, company))
    earlier = comparisons.earlier_runs([as_of], root, silent)
    compared = comparisons.comparisons(as_of, earlier, silent)
    now = RunInMaking(as_of, table, {"churn": model}, scores)
    tables = {
        "scores": scores,
        "features": table.drop_columns(list(lacking)),
        "accounts": facts(table["account_id"]),
        "changes": movement_table(now, compared, company, root.parent),
    }
    made = runs.write(run, tables)
    runs.make_current([made], root)
    return made


def serve(folder: Path) -> Company:
    """Return the company with a promoted model and the runs of the last `WEEKS` weeks."""
    company = declare(folder)
    model = artifact(company)
    install_champion(model, Settings().workspace_of(company))
    for week in reversed(range(WEEKS)):
        publish(company, model, AS_OF - timedelta(days=7 * week))
    return company
