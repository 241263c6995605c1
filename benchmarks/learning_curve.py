"""From how many churners on do trees help? A learning curve over the shipped companies.

Accounts are drawn at random until so many of them have the rarer outcome, the product's own
procedure trains on their rows, and everything is tested on all accounts of a later as-of date.
Its one rule: that date is not the one that judges the product; it is the last whose labels were
settled by it, so no default that is read off here has seen a judging date.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

# As the product's own commands: threads that wait must not burn a core; read when libgomp loads.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy.stats import t as student

from features import contract, snapshots
from features.declaring import declaration
from features.declaring.company import Company
from features.errors import ContractBroken, GateRefused
from features.snapshots import Snapshots
from training.calibrating.calibration import log_losses
from training.learning import search, split
from training.learning.cold_start import SHRUNKEN
from training.learning.folds import folds_of
from training.learning.matrix import matrix
from training.learning.search import Choice
from training.procedure import as_rows, describe, fit, labelled, live

Floats = npt.NDArray[np.float64]

EXAMPLES = Path(__file__).parents[1] / "examples"
TARGET = "churn"
COMPANIES = ("cdnow", "online_retail", "saas")
LEVELS = (40, 100, 200, 300, 450)
DRAWS = 6
# A level is left out where it would take more of the accounts: its draws would be the same.
MOST = 0.7

# Declared, since few accounts support no bands; no probability depends on them.
ANCHORS = {"p_red": 0.9, "p_green": 0.02}

SCORECARD, SEARCHED, HALF = "scorecard alone", "as searched", "half trees"
HOUSE = replace(search.FIRST_TRIED[0], rounds=80, share=0.5, penalty=SHRUNKEN.penalty)


@dataclass(frozen=True)
class World:
    """A company's labelled rows, and the later as-of date that tests a model trained on them."""

    name: str
    company: Company
    built: Snapshots
    training_rows: pa.Table
    test: pa.Table
    day: date

    def drawn(self, rarer: int, seed: int) -> pa.Table | None:
        """Rows of accounts drawn until `rarer` have the rarer outcome; None where most are."""
        label = self.training_rows[f"label__{TARGET}"].to_numpy()
        names = np.asarray(self.training_rows["account_id"].to_pylist())
        accounts, codes = np.unique(names, return_inverse=True)
        order = np.random.default_rng(seed).permutation(len(accounts))
        had = [np.bincount(codes, label == value, len(accounts)) > 0 for value in (0, 1)]
        counts = np.min([np.cumsum(each[order]) for each in had], axis=0)
        if counts[-1] * MOST < rarer:
            return None
        chosen = np.zeros(len(accounts), dtype=bool)
        chosen[order[: int(np.searchsorted(counts, rarer)) + 1]] = True
        return self.training_rows.filter(pa.array(chosen[codes]))


def opened(name: str) -> World:
    """The example `name`.

    Raises
    ------
    ContractBroken
        Its data are not there.
    """
    declared = declaration.load(EXAMPLES / name)
    target = declared.targets[TARGET].model_copy(update=ANCHORS)
    company = declared.model_copy(update={"targets": {TARGET: target}})
    with contract.sound_tables(company) as tables:
        months = snapshots.mature_month_starts(tables, TARGET)
        built = snapshots.build_from(tables, months)
    day = split.settled_before(months, months[-1], target)[-1]
    rows = labelled(built, company, TARGET)
    learn = split.settled_before(months, day, target)
    return World(name, company, built, _on(rows, learn), _on(rows, [day]), day)


def _on(rows: pa.Table, days: Sequence[date]) -> pa.Table:
    return rows.filter(pc.is_in(rows["as_of"], pa.array(days, pa.date32())))


def losses(world: World, table: pa.Table) -> dict[str, float] | None:
    """The log loss on the test date of each way to learn from `table`; None if one is refused."""
    company = world.company
    features = describe(table, live(world.built.columns), company, TARGET)
    rows = as_rows(table, features, company, TARGET)
    folds = folds_of(rows, company.targets[TARGET])
    ways = {
        SCORECARD: Choice(SHRUNKEN, "fixed beforehand"),
        SEARCHED: search.search_settings(rows, *folds),
        HALF: Choice(HOUSE, "fixed beforehand"),
    }
    try:
        return {name: _loss(world, table, choice) for name, choice in ways.items()}
    except GateRefused:
        return None


def _loss(world: World, rows: pa.Table, choice: Choice) -> float:
    artifact, _ = fit(rows, world.built.columns, world.company, TARGET, choice)
    logits = artifact.calibration.logits(artifact.margins(matrix(world.test, artifact.features)))
    labels = world.test[f"label__{TARGET}"].to_numpy().astype(np.int8)
    return float(log_losses(logits, labels).mean())


def curve(world: World, levels: Sequence[int], draws: int) -> list[dict[str, Any]]:
    """Per level: mean losses, and the gain over the scorecard with its interval over draws."""
    found = []
    for level in levels:
        drawn = [world.drawn(level, seed) for seed in range(draws)]
        tables = [rows for rows in drawn if rows is not None]
        if not tables:
            break
        measured = [item for item in (losses(world, rows) for rows in tables) if item is not None]
        accounts = [pc.count_distinct(rows["account_id"]).as_py() for rows in tables]
        found.append({"rarer": level, "accounts": int(np.median(accounts)), **_told(measured)})
        _tell(f"{world.name}: {found[-1]}")
    return found


def _told(measured: Sequence[dict[str, float]]) -> dict[str, Any]:
    card = np.array([item[SCORECARD] for item in measured])
    gains = {
        name: _interval(card - np.array([item[name] for item in measured]))
        for name in (SEARCHED, HALF)
    }
    return {"draws": len(measured), "log_loss": float(card.mean()), "gains": gains}


def _interval(values: Floats) -> dict[str, float]:
    """The mean over draws with Student's 95% interval: of other draws, not of other companies."""
    reach = student.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    mean = float(values.mean())
    return {"value": mean, "low": mean - float(reach), "high": mean + float(reach)}


def shown(name: str, found: dict[str, Any]) -> str:
    """One company's curve as a Markdown table."""
    head = f"{found['accounts']:,} accounts, {found['churn_rate']:.1%} churned"
    ways = " | ".join(f"{way}: gain" for way in (SEARCHED, HALF))
    lines = [
        f"**{name}**, tested on {found['as_of']} ({head})\n",
        f"| rarer outcome | accounts | {SCORECARD}: log loss | {ways} |",
        "|---|---|---|---|---|",
    ]
    for item in found["curve"]:
        gains = " | ".join(
            "{value:+.4f} ({low:+.4f} to {high:+.4f})".format(**item["gains"][way])
            for way in (SEARCHED, HALF)
        )
        lines.append(
            f"| {item['rarer']} | {item['accounts']:,} | {item['log_loss']:.4f} | {gains} |"
        )
    return "\n".join(lines)


def _tell(step: str) -> None:
    print(step, file=sys.stderr)


def main() -> None:
    """Measures the companies that have data; says of the others how to get it."""
    asked = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    asked.add_argument("--company", choices=[*COMPANIES, "all"], default="all")
    asked.add_argument("--draws", type=int, default=DRAWS)
    asked.add_argument("--json", action="store_true")
    given = asked.parse_args()
    results = {}
    for name in COMPANIES if given.company == "all" else [given.company]:
        try:
            world = opened(name)
        except ContractBroken as broken:
            _tell(f"{name} is left out: {broken}\n  its data: examples/{name}/README.md")
            continue
        results[name] = {
            "as_of": world.day.isoformat(),
            "accounts": world.test.num_rows,
            "churn_rate": float(pc.mean(world.test[f"label__{TARGET}"]).as_py()),
            "curve": curve(world, LEVELS, given.draws),
        }
    if given.json:
        print(json.dumps(results, indent=2))
    else:
        print("\n\n".join(shown(name, found) for name, found in results.items()))


if __name__ == "__main__":
    main()
