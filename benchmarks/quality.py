"""How good models and their probabilities are, next to other methods on the same rows.

Flat tables (telco_ibm, mlc_churn) are split as their stored splits say; shops (cdnow,
online_retail) are tested on every rolling as-of date, trained on what was settled by it. Nothing
here chooses anything: every contender is used as it comes. `--made` tries tables of many worlds
instead, where the method may be tuned: nowhere should it be far behind the best.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

# As the product's own commands: threads that wait must not burn a core; read when libgomp loads.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from catboost import CatBoostClassifier
from scipy.special import expit
from sklearn.ensemble import HistGradientBoostingClassifier

import training
from benchmarks.instruments import made_tables
from benchmarks.instruments.made_tables import MADE
from benchmarks.instruments.paired import Floats, Tested, auc, differences, log_loss
from benchmarks.out_of_time import (
    CASES,
    LIGHTGBM,
    LOGISTIC,
    OURS,
    TARGET,
    Shop,
    default_lightgbm,
    logistic,
    opened,
)
from features.errors import ContractBroken
from training.learning import split
from training.learning.matrix import matrix
from training.learning.model import ModelSettings, TrainingRows
from training.metrics import calibration_table
from training.procedure import as_rows, fit
from training.tables import foreign, label_column, plain_table
from training.tables.label_column import Roles

Labels = npt.NDArray[np.int8]
Contender = Callable[[TrainingRows, Floats], Floats]

FLAT = ("telco_ibm", "mlc_churn")
DATA = "CHURNLIGHT_BENCHMARK_DATA"
HISTOGRAM, CATBOOST = "HistGradientBoosting, defaults", "CatBoost, defaults"
PERFECT_DRAWS = 400
PLAIN_FITS = 7
HEAD = f"{'set':<15}{'model':<32}{'AUC':>7}{'log loss':>10}{'ECE':>8}{'perfect':>9}"
MEASURES = ("auc", "log_loss", "ece", "ece_of_a_perfect_model")


def one_hot_logistic(train: TrainingRows, X: Floats) -> Floats:
    """The benchmark's logistic regression, with every category as its own column."""
    return logistic(_one_hot(train, train.X), _one_hot(train, X).X)


def _one_hot(train: TrainingRows, X: Floats) -> TrainingRows:
    parts = [
        X[:, [place]]
        if item.dtype == "number"
        else (X[:, [place]] == np.arange(len(item.categories))).astype(np.float64)
        for place, item in enumerate(train.features)
    ]
    return TrainingRows(np.hstack(parts), train.y, train.accounts, train.as_of, (), ())


def _categories(train: TrainingRows) -> list[int]:
    return [place for place, item in enumerate(train.features) if item.dtype == "category"]


def histogram(train: TrainingRows, X: Floats) -> Floats:
    """Logits of scikit-learn's HistGradientBoostingClassifier."""
    # It fails on a column that is unknown throughout.
    seen = np.isfinite(train.X).sum(axis=0) > 0
    category = np.isin(np.arange(len(seen)), _categories(train))[seen]
    model = HistGradientBoostingClassifier(categorical_features=category, random_state=0)
    model.fit(train.X[:, seen], train.y)
    return np.asarray(model.decision_function(X[:, seen]), dtype=np.float64)


def catboost(train: TrainingRows, X: Floats) -> Floats:
    """Logits of CatBoost."""
    places = _categories(train)

    def frame(values: Floats) -> pd.DataFrame:
        found = pd.DataFrame(values)
        for place in places:
            found[place] = found[place].fillna(-1).astype(int).astype(str)
        return found

    model = CatBoostClassifier(
        verbose=0, random_seed=0, thread_count=2, cat_features=places, allow_writing_files=False
    )
    model.fit(frame(train.X), train.y)
    return np.asarray(model.predict(frame(X), prediction_type="RawFormulaVal"), dtype=np.float64)


OTHERS: dict[str, Contender] = {
    LOGISTIC: one_hot_logistic,
    LIGHTGBM: default_lightgbm,
    HISTOGRAM: histogram,
    CATBOOST: catboost,
}


def of_flat(folder: Path) -> list[Tested]:
    """Every stored split of a flat table, tested by every contender."""
    table = pq.read_table(folder / "data.parquet")
    label = json.loads((folder / "meta.json").read_text("utf-8"))["target"]
    splits = pq.read_table(folder / "splits.parquet")
    return [
        _flat_split(table, label, splits[name].to_numpy(), place)
        for place, name in enumerate(splits.column_names)
    ]


def of_made(name: str) -> list[Tested]:
    """Every split of a made table, tested by every contender."""
    frame, tests = made_tables.table(name)
    table = pa.Table.from_pandas(frame, preserve_index=False)
    return [_flat_split(table, made_tables.LABEL, test, place) for place, test in enumerate(tests)]


def _flat_split(table: pa.Table, label: str, test: npt.NDArray[np.bool_], place: int) -> Tested:
    _tell(f"split {place}: {OURS}")
    training_rows, tested = table.filter(pa.array(~test)), table.filter(pa.array(test))
    artifact = training.fit(training_rows, label=label)
    ours = artifact.probability(tested)
    train, held = (_plain_rows(part, label, artifact) for part in (training_rows, tested))
    logits = {OURS: np.log(ours / (1 - ours))}
    for name, contender in OTHERS.items():
        _tell(f"split {place}: {name}")
        logits[name] = contender(train, held.X)
    # Splits are not dates: a number for each keeps their rows apart.
    names = [f"{place}:{number}" for number in range(len(held.y))]
    return Tested(date(2000, 1, 1 + place), names, held.y, logits)


def _plain_rows(table: pa.Table, label: str, artifact: Any) -> TrainingRows:
    y = label_column.read_labels(plain_table.as_table(table), Roles(label=label)).astype(np.int8)
    X = matrix(foreign.columns_for(table, artifact.features), artifact.features)
    none = np.zeros(len(y), dtype="datetime64[D]")
    return TrainingRows(X, y, [""] * len(y), none, artifact.features, ())


def of_shop(shop: Shop) -> list[Tested]:
    """Every month start whose labels are mature, tested by contenders trained before it."""
    target = shop.company.targets[TARGET]
    earlier = {day: split.settled_before(shop.months, day, target) for day in shop.months}
    return [_shop_date(shop, learn, day) for day, learn in earlier.items() if learn]


def _shop_date(shop: Shop, learn: Sequence[date], day: date) -> Tested:
    _tell(f"{shop.company.about.name}: {day}")
    training_rows, test = shop.on(learn), shop.on([day])
    artifact, _ = fit(training_rows, shop.built.columns, shop.company, TARGET)
    train = as_rows(training_rows, artifact.features, shop.company, TARGET)
    X = matrix(test, artifact.features)
    logits = {OURS: artifact.calibration.logits(artifact.margins(X))}
    logits |= {name: contender(train, X) for name, contender in OTHERS.items()}
    labels = test[f"label__{TARGET}"].to_numpy().astype(np.int8)
    return Tested(day, test["account_id"].to_pylist(), labels, logits)


def cost() -> dict[str, Any]:
    """CPU of fitting a table of 10,000 × 20, in plain LightGBM fits of the chosen size."""
    table = pa.Table.from_pandas(made_tables.big(), preserve_index=False)
    # What is imported and compiled once is no part of a fit.
    training.fit(table.slice(0, 4000), label=made_tables.LABEL, trials=3)
    started = time.process_time()
    artifact = training.fit(table, label=made_tables.LABEL)
    ours = time.process_time() - started
    rows = _plain_rows(table, made_tables.LABEL, artifact)
    chosen = artifact.training.model_settings
    plain = [_plain_fit(rows, chosen) for _ in range(PLAIN_FITS)]
    return {"plain_fits": ours / float(np.median(plain)), "chosen": asdict(chosen)}


def _plain_fit(rows: TrainingRows, chosen: ModelSettings) -> float:
    """CPU seconds of a plain fit, binning included."""
    settings = chosen.parameters | {"max_bin": 255, "num_threads": 1}
    started = time.process_time()
    lgb.train(settings, lgb.Dataset(rows.X, rows.y), chosen.rounds)
    return time.process_time() - started


def lines(name: str, tested: Sequence[Tested]) -> list[dict[str, Any]]:
    """One line per model: its measures, averaged over splits or dates."""
    return [
        {"set": name, "model": model, **_mean([_measures(item, model) for item in tested])}
        for model in tested[0].logits
    ]


def _measures(item: Tested, model: str) -> dict[str, float]:
    logits, labels = item.logits[model], item.labels
    every = np.ones(len(labels))
    return {
        "auc": auc(logits, labels)(every),
        "log_loss": log_loss(logits, labels)(every),
        "ece": calibration_table.ece(expit(logits), labels),
        "ece_of_a_perfect_model": ece_of_a_perfect_model(expit(logits)),
    }


def ece_of_a_perfect_model(probabilities: Floats) -> float:
    """The 95th percentile of the ECE if every outcome came with just these probabilities."""
    random = np.random.default_rng(0)
    drawn = [
        calibration_table.ece(
            probabilities, (random.random(len(probabilities)) < probabilities).astype(np.int8)
        )
        for _ in range(PERFECT_DRAWS)
    ]
    return float(np.quantile(drawn, 0.95))


def _mean(found: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: float(np.mean([item[name] for item in found])) for name in MEASURES}


def gains(tested: Sequence[Tested]) -> dict[str, Any]:
    """Ours minus each other, paired, with intervals over accounts."""
    return {
        other: {name: asdict(found) for name, found in differences(tested, OURS, other).items()}
        for other in OTHERS
    }


def run(name: str, data: Path | None) -> dict[str, Any]:
    """Every result of one set."""
    if name in FLAT:
        if data is None or not (data / name).is_dir():
            raise FileNotFoundError(f"no folder {name}; name its parent by --data or {DATA}")
        tested = of_flat(data / name)
    elif name in MADE:
        tested = of_made(name)
    else:
        tested = of_shop(opened(name))
    return {"lines": lines(name, tested), "differences": gains(tested), "by": _rates(tested)}


def _rates(tested: Sequence[Tested]) -> list[dict[str, Any]]:
    """Per split or date, the base rate and what ours expected: how the base rate drifts."""
    return [
        {
            "as_of": item.day.isoformat(),
            "rows": len(item.labels),
            "observed_rate": float(item.labels.mean()),
            "predicted_rate": float(expit(item.logits[OURS]).mean()),
            "log_loss": log_loss(item.logits[OURS], item.labels)(np.ones(len(item.labels))),
            "ece": calibration_table.ece(expit(item.logits[OURS]), item.labels),
        }
        for item in tested
    ]


def shown(found: Mapping[str, Any]) -> str:
    """The results of one set as text."""
    ours, *others = (item["log_loss"] for item in found["lines"])
    text = [
        f"{item['set']:<15}{item['model']:<32}{item['auc']:>7.4f}{item['log_loss']:>10.4f}"
        f"{item['ece']:>8.4f}{item['ece_of_a_perfect_model']:>9.4f}"
        for item in found["lines"]
    ]
    text += [
        f"    ours − {other}, log loss: {item['log_loss']['value']:+.4f} "
        f"({item['log_loss']['low']:+.4f} to {item['log_loss']['high']:+.4f})"
        for other, item in found["differences"].items()
    ]
    return "\n".join([*text, f"    ours / the best other, log loss: {ours / min(others):.4f}"])


def _tell(step: str) -> None:
    print(step, file=sys.stderr)


def main() -> None:
    """Measures the sets that have data; says of the others how to get it."""
    asked = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    asked.add_argument("--set", choices=[*FLAT, *CASES, *MADE, "all"], default="all")
    asked.add_argument("--made", action="store_true", help="tables of many worlds, made here")
    asked.add_argument("--data", type=Path, default=os.environ.get(DATA), help="of flat tables")
    asked.add_argument("--cost", action="store_true", help="what fitting 10,000 × 20 costs")
    asked.add_argument("--json", action="store_true")
    given = asked.parse_args()
    if given.cost:
        print(json.dumps(cost(), indent=2))
        return
    results: dict[str, Any] = {}
    every = list(MADE) if given.made else [*FLAT, *CASES]
    if not given.json:
        print(HEAD)
    for name in every if given.set == "all" else [given.set]:
        _tell(f"{name} …")
        try:
            results[name] = run(name, given.data and Path(given.data))
        except (ContractBroken, FileNotFoundError) as missing:
            _tell(f"{name} is left out: {missing}")
            continue
        # As it comes: who stops a long run keeps what it has measured.
        if not given.json:
            print(shown(results[name]), flush=True)
    if given.json:
        print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
