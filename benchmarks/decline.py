"""Whether a model hears usage that declines, from counts in windows alone.

Made companies: usage decays over 30 to 120 days before an account leaves, accounts differ widely in
how much they use, and some that stay have a quiet month. The declaration has nothing but counts in
three windows, all with higher as their healthy side. The reference is a logistic regression of the
same windows and their paces whose weights may have any sign.
"""

import argparse
import json
import sys
import tempfile
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa

from benchmarks.instruments.paired import auc, log_loss
from benchmarks.out_of_time import LOGISTIC, OURS, Shop, tested
from features import contract, publish, snapshots
from features.declaring.declaration import load
from training.learning import split
from training.procedure import labelled

TARGET = "churn"
START, DAYS, ACCOUNTS = date(2023, 1, 1), 900, 900
HAZARD, QUIET = 1 / 900, 1 / 400
DECLARATION = """
[company]
name = "decline"
data_until = {until}

[accounts]
source = "accounts"
key = "account_id"
attributes = {{ since = "created" }}

[bands]
min_history = "90d"

[sources.accounts]
path = "data/accounts.parquet"
[sources.subscriptions]
path = "data/subscriptions.parquet"
account = "account_id"
event_time = "started"
[sources.logins]
path = "data/logins.parquet"
account = "account_id"
event_time = "at"
[sources.exports]
path = "data/exports.parquet"
account = "account_id"
event_time = "at"

[targets.churn]
horizon = "60d"
gap = "7d"
event = {{ source = "subscriptions", ended = "ended" }}
p_red = 0.9
p_green = 0.01

"""
INDICATOR = """
[indicators.{name}]
title = "{title}"
dimension = "outcome"
kind = "leading"
source = "{name}"
measure = "count"
windows = ["7d", "28d", "90d"]
healthy = "higher"
unit = "{name}"
says = "{{value}} {name} in {{window}}, typically {{usual}}"
"""
# The facts, and how many of each there are next to the first.
FACTS = {"logins": 1.0, "exports": 0.3}


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    found = {seed: _measured(seed) for seed in range(asked.seeds)}
    if asked.json:
        print(json.dumps(found))
        return
    for seed, worlds in found.items():
        told = ", ".join(f"{name} AUC {a:.3f} log loss {b:.4f}" for name, (a, b) in worlds.items())
        print(f"  world {seed}: {told}")
    ours, theirs = (
        np.array([worlds[name] for worlds in found.values()]) for name in (OURS, LOGISTIC)
    )
    share = (ours[:, 0] - 0.5).mean() / (theirs[:, 0] - 0.5).mean()
    print(f"  (AUC - .5): {share:.3f} of the reference; log loss {ours[:, 1].mean():.4f}", end="")
    print(f" against {theirs[:, 1].mean():.4f}")


def _measured(seed: int) -> dict[str, tuple[float, float]]:
    """AUC and log loss on the last mature month start, by contender."""
    with tempfile.TemporaryDirectory(prefix="churnlight-") as made:
        company = load(world(Path(made), seed))
        with contract.sound_tables(company) as tables:
            months = snapshots.mature_month_starts(tables, TARGET)
            built = snapshots.build_from(tables, months)
        shop = Shop(company, built, labelled(built, company, TARGET), tuple(months))
        settled = split.settled_before(months, months[-1], company.targets[TARGET])
        found = tested(shop, settled, months[-1])
    print(f"world {seed} done", file=sys.stderr)
    each = np.ones(len(found.labels))
    return {
        name: (auc(logits, found.labels)(each), log_loss(logits, found.labels)(each))
        for name, logits in found.logits.items()
    }


def world(folder: Path, seed: int) -> Path:
    """Writes the company of a seed."""
    random = np.random.default_rng(seed)
    joined = random.integers(0, DAYS - 200, ACCOUNTS)
    leaves = joined + 60 + random.geometric(HAZARD, ACCOUNTS)
    decays = random.integers(30, 121, ACCOUNTS)
    rates = random.lognormal(0.0, 0.9, ACCOUNTS)
    (folder / "data").mkdir(parents=True)
    ids = [f"A{number:05}" for number in range(ACCOUNTS)]
    starts = [START + timedelta(days=int(day)) for day in joined]
    ends = [START + timedelta(days=int(day)) if day < DAYS else None for day in leaves]
    _write(folder, "accounts", {"account_id": ids, "created": starts})
    _write(folder, "subscriptions", {"account_id": ids, "started": starts, "ended": ends})
    day = np.arange(DAYS)
    left = leaves[:, None] - day
    strength = np.clip(left / decays[:, None], 0.05, 1.0) * (left > 0) * (day >= joined[:, None])
    quiet = random.random((ACCOUNTS, DAYS)) < QUIET
    lull = np.stack([np.convolve(row, np.ones(30))[:DAYS] > 0 for row in quiet])
    strength = strength * np.where(lull, 0.4, 1.0)
    for name, share in FACTS.items():
        counts = random.poisson(rates[:, None] * share * strength)
        account, on = np.nonzero(counts)
        times = counts[account, on]
        at = np.repeat(on, times) * 86_400 + random.integers(0, 86_400, times.sum())
        who = np.repeat(account, times)
        began = (START - date(1970, 1, 1)).days * 86_400
        moments = pa.array((at + began) * 1_000_000, pa.timestamp("us", "UTC"))
        _write(folder, name, {"account_id": pa.array(ids).take(pa.array(who)), "at": moments})
    until = START + timedelta(days=DAYS - 1)
    indicators = (INDICATOR.format(name=name, title=name.capitalize()) for name in FACTS)
    text = DECLARATION.format(until=until) + "".join(indicators)
    (folder / "churnlight.toml").write_text(text, "utf-8")
    return folder


def _write(folder: Path, name: str, columns: dict[str, object]) -> None:
    publish.write_parquet(pa.table(columns), folder / "data" / f"{name}.parquet")


if __name__ == "__main__":
    main()
