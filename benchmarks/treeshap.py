"""What an exact explanation costs: our compiled TreeSHAP over LightGBM's pred_contrib and predict.

Its one rule: the compared calls run in turn on the same rows in one process, and ratios are taken
of CPU or clock in that turn. Rows are varied: 60 columns, numbers with and without missing values,
counts, skewed amounts, and six categories. Ratios are rows per second, larger is better for us.
With `--company` it is the batch scoring of a company by its champion: the same accounts through
pred_contrib and through the tables, to the same assessments.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

from benchmarks.instruments.processes import load
from features import contract, snapshots
from features.declaring import declaration
from features.settings import Settings
from serving.assessment.assess import assess
from training import champions
from training.artifact import Artifact
from training.learning.matrix import matrix
from training.treeshap.explainer import TreeShap

Floats = npt.NDArray[np.float64]

COLUMNS, CATEGORIES = 60, 6
TRAINED_ON, EXPLAINED, BY_LIGHTGBM = 20_000, 40_000, 2_000
REPEATS, ONE_ROW = 3, 300
SHAPES: dict[str, dict[str, Any]] = {
    "400 trees of 6 leaves": {"rounds": 400, "num_leaves": 6},
    "400 trees of 8 leaves": {"rounds": 400, "num_leaves": 8},
    "300 trees of 31 leaves, depth 5": {"rounds": 300, "num_leaves": 31, "max_depth": 5},
    "300 trees of 31 leaves": {"rounds": 300, "num_leaves": 31},
}


def rows(count: int, seed: int) -> Floats:
    """Varied rows (count × 60)."""
    random = np.random.default_rng(seed)
    X = random.normal(size=(count, COLUMNS))
    X[:, 10:30] = np.exp(X[:, 10:30])
    X[:, 30:40] = random.poisson(2, size=(count, 10))
    X[:, -CATEGORIES:] = random.integers(0, 12, size=(count, CATEGORIES))
    X[:, :20][random.random((count, 20)) < 0.1] = np.nan
    return X


def model(rounds: int, **shape: int) -> lgb.Booster:
    """A binary model of a margin in which forty columns count, the first ones most."""
    X = rows(TRAINED_ON, 0)
    known = np.nan_to_num(X[:, :40])
    weights = np.where(np.arange(40) % 2, 1, -1) / np.sqrt(np.arange(1, 41))
    margin = (known / (1 + known.std(axis=0))) @ weights + known[:, 0] * known[:, 1]
    margin += np.isin(X[:, -1], [0, 3, 6, 9]) * 0.5 + np.isin(X[:, -2], [2, 5]) * 0.4
    noise = np.random.default_rng(1).logistic(size=TRAINED_ON)
    y = (margin + noise > np.median(margin)).astype(int)
    columns = list(range(COLUMNS - CATEGORIES, COLUMNS))
    options = {"objective": "binary", "learning_rate": 0.05, "feature_fraction": 0.6}
    options |= {"verbosity": -1, "seed": 3, "num_threads": 2}
    return lgb.train(options | shape, lgb.Dataset(X, y, categorical_feature=columns), rounds)


def measured(name: str) -> dict[str, Any]:
    """The figures of one model."""
    booster = model(**SHAPES[name])
    TreeShap([booster])
    began = time.process_time()
    shap = TreeShap([booster])
    compile_seconds = time.process_time() - began
    many, few = rows(EXPLAINED, 2), rows(BY_LIGHTGBM, 3)
    turns = [_turn(shap, booster, many, few) for _ in range(REPEATS)]
    reference = np.asarray(booster.predict(few, pred_contrib=True), dtype=np.float64)
    scale = np.maximum(1.0, np.abs(reference.sum(axis=1, keepdims=True)))
    assert shap.tables
    return {
        "model": name,
        "explanation_path": shap.path,
        **{key: statistics.median(turn[key] for turn in turns) for key in turns[0]},
        "one_row_ratio": _one_row(shap, booster, few),
        "worst_difference": float(np.max(np.abs(shap.contributions(few) - reference) / scale)),
        "table_mb": shap.tables.nbytes / 2**20,
        "compile_seconds": compile_seconds,
    }


def _turn(shap: TreeShap, booster: lgb.Booster, many: Floats, few: Floats) -> dict[str, float]:
    ours = _cpu(lambda: shap.contributions(many)) / len(many)
    explained = _cpu(lambda: booster.predict(few, pred_contrib=True, num_threads=1)) / len(few)
    predicted = _cpu(lambda: booster.predict(many, raw_score=True, num_threads=1)) / len(many)
    gains = _clock(lambda: shap.contributions(many)) / _clock(
        lambda: shap.contributions(many, threads=2)
    )
    theirs = _clock(lambda: booster.predict(many, raw_score=True, num_threads=1)) / _clock(
        lambda: booster.predict(many, raw_score=True, num_threads=2)
    )
    return {
        "ratio_to_pred_contrib": explained / ours,
        "ratio_to_predict": predicted / ours,
        "threads_ratio": gains / theirs,
        "microseconds_per_row": ours * 1e6,
    }


def _one_row(shap: TreeShap, booster: lgb.Booster, few: Floats) -> float:
    """Rows one by one, each another, first all by LightGBM and then all by us; the median turn."""
    ones = [few[row : row + 1] for row in range(ONE_ROW)]

    def by_lightgbm() -> None:
        for one in ones:
            booster.predict(one, pred_contrib=True, num_threads=1)

    def by_us() -> None:
        for one in ones:
            shap.contributions(one)

    return statistics.median(_clock(by_lightgbm) / _clock(by_us) for _ in range(REPEATS))


def scored(folder: Path) -> dict[str, Any]:
    """What scoring all accounts of a company costs with pred_contrib ("before") and the tables."""
    company = declaration.load(folder)
    target = next(iter(company.targets))
    artifact = champions.champion(Settings.read().workspace_of(company), target)
    before = _by_lightgbm(artifact)
    with contract.sound_tables(company) as tables:
        table = snapshots.build_from(tables, snapshots.requested_dates(tables, ())).table
    X = matrix(table, artifact.features)
    turns = [
        {
            "contributions_before": _cpu(lambda: before.contributions(X)),
            "contributions": _cpu(lambda: artifact.contributions(X)),
            "assessments_before": _cpu(lambda: assess(table, before, company)),
            "assessments": _cpu(lambda: assess(table, artifact, company)),
        }
        for _ in range(REPEATS)
    ]
    seconds = {key: statistics.median(turn[key] for turn in turns) for key in turns[0]}
    return {
        "company": folder.name,
        "rows": len(X),
        "columns": X.shape[1],
        "trees": sum(booster.num_trees() for booster in artifact.boosters),
        "seconds": seconds,
        "contributions_ratio": seconds["contributions_before"] / seconds["contributions"],
        "scoring_ratio": seconds["assessments_before"] / seconds["assessments"],
        "share_of_contributions": seconds["contributions"] / seconds["assessments"],
        "worst_difference": float(
            np.abs(before.contributions(X) - artifact.contributions(X)).max()
        ),
    }


def _by_lightgbm(artifact: Artifact) -> Artifact:
    """The same artifact, explained by pred_contrib."""
    other = replace(artifact)
    other.explainer.tables = None
    return other


def _cpu(call: Callable[[], Any]) -> float:
    began = time.process_time()
    call()
    return time.process_time() - began


def _clock(call: Callable[[], Any]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def shown(found: Sequence[dict[str, Any]]) -> str:
    """The figures as text."""
    titles = ("contrib", "predict", "one row", "threads", "worst", "MiB", "compile")
    lines = [f"{'model':<32}" + "".join(f"{title:>9}" for title in titles)]
    lines += [
        f"{item['model']:<32}{item['ratio_to_pred_contrib']:>8.0f}×{item['ratio_to_predict']:>8.1f}×"
        f"{item['one_row_ratio']:>8.1f}×{item['threads_ratio']:>9.2f}"
        f"{item['worst_difference']:>9.0e}{item['table_mb']:>9.1f}{item['compile_seconds']:>8.2f}s"
        for item in found
    ]
    return "\n".join([*lines, load()])


def shown_company(found: dict[str, Any]) -> str:
    """The figures of a company as text."""
    head = f"{found['company']}: {found['rows']:,} accounts, {found['columns']} columns, "
    share = f", {found['share_of_contributions']:.1%} of which are contributions now"
    lines = [
        head + f"{found['trees']} trees, one thread, CPU",
        f"  contributions {found['contributions_ratio']:.1f}× faster than by pred_contrib",
        f"  scores with drivers {found['scoring_ratio']:.1f}× faster" + share,
        f"  worst difference {found['worst_difference']:.0e}",
    ]
    return "\n".join([*lines, load()])


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures every shape of model, or the scoring of one company."""
    asked = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    asked.add_argument("--company", type=Path, help="folder of a company that has a champion")
    asked.add_argument("--json", action="store_true")
    given = asked.parse_args(arguments)
    if given.company:
        one = scored(given.company)
        print(json.dumps(one, indent=2) if given.json else shown_company(one))
        return
    found = [measured(name) for name in SHAPES]
    print(json.dumps(found, indent=2) if given.json else shown(found))


if __name__ == "__main__":
    main()
