"""How well scores hold on later dates of two real shops, next to references and simple models.

Its one rule: the product's own path and defaults make the scores (declaration, snapshots, fit),
and nothing here chooses a default. Whoever tunes one uses `--validation`, which looks at no date
whose labels were unsettled on the reference test date.
"""

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

# As the product's own commands: threads that wait must not burn a core; read when libgomp loads.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import lightgbm as lgb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from benchmarks.instruments.paired import Floats, Tested, auc, differences, log_loss
from features import clock, contract, snapshots
from features.declaring import declaration
from features.declaring.company import Company
from features.errors import ContractBroken
from features.snapshots import Snapshots
from training.calibrating import calibration
from training.learning import split
from training.learning.matrix import matrix
from training.learning.model import THREADS, TrainingRows
from training.procedure import as_rows, fit, labelled

EXAMPLES = Path(__file__).parents[1] / "examples"
TARGET = "churn"
OURS, LIGHTGBM, LOGISTIC = "Churnlight", "LightGBM, defaults", "logistic, signed log1p"
PARTS = ("reference dates", "rolling dates", "validation")
C = 1.0  # scikit-learn's default, not tuned
ANCHORS = {"p_red": 0.9, "p_green": 0.3}


@dataclass(frozen=True)
class Case:
    """Dates and reference results (AUC, log loss) of one company; `aim` is the house's own."""

    learn: tuple[date, ...]
    test: date
    validation: tuple[date, ...]
    aim: tuple[float, float]
    references: Mapping[str, tuple[float, float]]


# The references were measured once, before this product was, on the same data, dates and rule of
# eligibility, with features of their own. BG/NBD: Fader, Hardie & Lee (2005).
CASES = {
    "cdnow": Case(
        learn=(date(1997, 5, 1), date(1997, 7, 1), date(1997, 10, 1)),
        test=date(1998, 4, 1),
        validation=tuple(clock.month_starts(date(1997, 10, 1), date(1998, 1, 1))),
        aim=(0.722, 0.600),
        references={
            "LightGBM, defaults": (0.690, 0.674),
            "CatBoost, defaults": (0.721, 0.596),
            "logistic, log1p": (0.726, 0.597),
            "BG/NBD": (0.720, 0.592),
            "LightGBM, 6 leaves, regularised": (0.725, 0.599),
        },
    ),
    "online_retail": Case(
        learn=(date(2011, 4, 1), date(2011, 5, 1), date(2011, 6, 1)),
        test=date(2011, 9, 9),
        validation=tuple(clock.month_starts(date(2011, 5, 1), date(2011, 6, 1))),
        aim=(0.745, 0.575),
        references={
            "LightGBM, defaults": (0.728, 0.611),
            "logistic, log1p": (0.745, 0.574),
            "BG/NBD": (0.734, 0.604),
            "LightGBM, regularised": (0.746, 0.573),
        },
    ),
}


@dataclass(frozen=True)
class Shop:
    """A company, its labelled rows, and the month starts on which its product would learn."""

    company: Company
    built: Snapshots
    rows: pa.Table
    months: tuple[date, ...]

    def on(self, days: Sequence[date]) -> pa.Table:
        """The labelled rows of some as-of dates."""
        return self.rows.filter(pc.is_in(self.rows["as_of"], pa.array(days, pa.date32())))


def opened(name: str) -> Shop:
    """The example `name` with every eligible account labelled, however short its history.

    Raises
    ------
    ContractBroken
        Its data are not there.
    """
    declared = declaration.load(EXAMPLES / name)
    company = _measured(declared)
    case = CASES[name]
    with contract.sound_tables(company) as tables:
        months = snapshots.mature_month_starts(replace(tables, company=declared), TARGET)
        days = [*months, *case.learn, case.test]
        built = snapshots.build_from(tables, days, progress=_tell)
    return Shop(company, built, labelled(built, company, TARGET), tuple(months))


def _measured(declared: Company) -> Company:
    """The company with every account scored, and with band anchors that no probability depends on.

    Some early date supports no green band; the product then refuses a model that is still worth
    measuring.
    """
    bands = declared.bands.model_copy(update={"min_history": 0})
    target = declared.targets[TARGET].model_copy(update=ANCHORS)
    return declared.model_copy(update={"bands": bands, "targets": {TARGET: target}})


def tested(shop: Shop, learn: Sequence[date], day: date) -> Tested:
    """What each contender, trained on `learn`, predicts for the accounts on `day`."""
    _tell(f"{shop.company.about.name}: testing {day}")
    training_rows, test = shop.on(learn), shop.on([day])
    artifact, _ = fit(training_rows, shop.built.columns, shop.company, TARGET)
    train = as_rows(training_rows, artifact.features, shop.company, TARGET)
    X = matrix(test, artifact.features)
    return Tested(
        day,
        test["account_id"].to_pylist(),
        test[f"label__{TARGET}"].to_numpy().astype(np.int8),
        {
            OURS: artifact.calibration.logits(artifact.margins(X, THREADS)),
            LOGISTIC: logistic(train, X),
            LIGHTGBM: default_lightgbm(train, X),
        },
    )


def default_lightgbm(train: TrainingRows, X: Floats) -> Floats:
    """Logits of LightGBM as it comes, 100 trees of 31 leaves."""
    settings = {"objective": "binary", "verbosity": -1, "num_threads": THREADS, "seed": 0}
    booster = lgb.train(settings, lgb.Dataset(train.X, train.y), num_boost_round=100)
    return np.asarray(booster.predict(X, raw_score=True), dtype=np.float64)


def logistic(train: TrainingRows, X: Floats) -> Floats:
    """Logits of an L2 logistic regression on signed log1p, standardised, plus missing flags."""
    seen = ~np.isnan(train.X).all(axis=0)
    bent = signed_log(train.X[:, seen])
    mean, spread = np.nanmean(bent, axis=0), np.nanstd(bent, axis=0)

    def standardised(X: Floats) -> Floats:
        scaled = (signed_log(X[:, seen]) - mean) / np.where(spread > 0, spread, 1)
        return np.hstack([np.nan_to_num(scaled), np.isnan(X[:, seen])])

    model = LogisticRegression(C=C, max_iter=5000).fit(standardised(train.X), train.y)
    return np.asarray(model.decision_function(standardised(X)), dtype=np.float64)


def signed_log(X: Floats) -> Floats:
    """sign(x) · log(1 + |x|) of every value."""
    return np.asarray(np.sign(X) * np.log1p(np.abs(X)))


def rolling(shop: Shop, days: Sequence[date]) -> list[Tested]:
    """Each of `days` tested by contenders trained on all month starts settled by then."""
    target = shop.company.targets[TARGET]
    learn = {day: split.settled_before(shop.months, day, target) for day in days}
    return [tested(shop, earlier, day) for day, earlier in learn.items() if earlier]


def result(items: Sequence[Tested]) -> dict[str, Any]:
    """Figures per date and contender, and paired differences over all dates."""
    others = (LOGISTIC, LIGHTGBM)
    return {
        "dates": [_figures(item) for item in items],
        "differences": {
            other: {name: asdict(found) for name, found in differences(items, OURS, other).items()}
            for other in others
        },
    }


def _figures(item: Tested) -> dict[str, Any]:
    return {
        "as_of": item.day.isoformat(),
        "accounts": len(item.labels),
        "churn_rate": float(item.labels.mean()),
        "contenders": {name: _quality(item, logits) for name, logits in item.logits.items()},
    }


def _quality(item: Tested, logits: Floats) -> dict[str, float]:
    """AUC, log loss, mean probability, and the log loss that a perfect calibration would leave."""
    every = np.ones(len(logits))
    best = calibration.fit(logits, item.labels).logits(logits)
    return {
        "auc": float(auc(logits, item.labels)(every)),
        "log_loss": float(log_loss(logits, item.labels)(every)),
        "log_loss_recalibrated": float(log_loss(best, item.labels)(every)),
        "predicted_rate": float(expit(logits).mean()),
    }


def run(name: str, *, validation: bool) -> dict[str, Any]:
    """Every result of one company; with `validation`, only of dates before the reference test."""
    case, shop = CASES[name], opened(name)
    hashed = {"declaration_hash": shop.company.declaration_hash}
    if validation:
        return hashed | {"validation": result(rolling(shop, case.validation))}
    return hashed | {
        "reference dates": result([tested(shop, case.learn, case.test)]),
        "rolling dates": result(rolling(shop, shop.months)),
    }


def shown(name: str, results: Mapping[str, Any]) -> str:
    """The results as text."""
    lines = [
        f"{name}: horizon 90 days, gap 0, eligible = bought within 180 days",
        f"declaration {results['declaration_hash'][:12]}, recal.: log loss if perfectly calibrated",
    ]
    for part in [name for name in PARTS if name in results]:
        found = results[part]
        lines += [f"\n  {part:<36}{'AUC':>7}{'log loss':>10}{'recal.':>8}{'mean p':>8}"]
        for item in found["dates"]:
            head = f"{item['as_of']}, {item['accounts']:,} accounts"
            lines.append(f"  {head:<36}{'':>7}{'':>10}{'':>8}{item['churn_rate']:>8.3f}")
            lines += [_line(*pair) for pair in item["contenders"].items()]
        for other, measured in found["differences"].items():
            lines += [_difference(other, measure, item) for measure, item in measured.items()]
        if part == "reference dates":
            lines += _references(CASES[name])
    return "\n".join(lines)


def _line(name: str, found: Mapping[str, float]) -> str:
    return (
        f"    {name:<34}{found['auc']:>7.3f}{found['log_loss']:>10.4f}"
        f"{found['log_loss_recalibrated']:>8.4f}{found['predicted_rate']:>8.3f}"
    )


def _difference(other: str, measure: str, found: Mapping[str, float]) -> str:
    return (
        f"    ours − {other}, {measure.replace('_', ' ')}: {found['value']:+.4f} "
        f"({found['low']:+.4f} to {found['high']:+.4f})"
    )


def _references(case: Case) -> list[str]:
    told = {f"reference: {name}": pair for name, pair in case.references.items()}
    told["aim, out of the box"] = case.aim
    return [f"    {name:<34}{pair[0]:>7.3f}{pair[1]:>8.3f}" for name, pair in told.items()]


def _tell(step: str) -> None:
    print(step, file=sys.stderr)


def main() -> None:
    """Measures the companies that have data; says of the others how to get it."""
    asked = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    asked.add_argument("--company", choices=[*CASES, "all"], default="all")
    asked.add_argument("--validation", action="store_true", help="only dates before the tests")
    asked.add_argument("--json", action="store_true")
    given = asked.parse_args()
    results = {}
    for name in CASES if given.company == "all" else [given.company]:
        try:
            results[name] = run(name, validation=given.validation)
        except ContractBroken as broken:
            _tell(f"{name} is left out: {broken}\n  its data: examples/{name}/README.md")
    if given.json:
        print(json.dumps(results, indent=2))
    else:
        print("\n\n".join(shown(name, found) for name, found in results.items()))


if __name__ == "__main__":
    main()
