"""Who leaves at a renewal that is months away: a model of the next renewal beside a fixed horizon.

The simulated company with five years of records and several seeds. Both models have the same
columns, and learn from what was settled on one day; both are asked, on the month starts after it,
the question of the next renewal. A customer counts once, whatever the number of its rows, and
intervals resample customers.
"""

import argparse
import json
import re
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy.special import expit

from benchmarks.instruments.paired import Floats, auc
from examples.saas.simulate import days
from features import contract, snapshots
from features.declaring.company import Company
from features.declaring.declaration import parse
from features.snapshots import Snapshots
from training import procedure
from training.evaluating.target_history import TargetHistory
from training.learning import moments
from training.learning.matrix import matrix
from training.procedure import labelled, scorable

EXAMPLE = Path(__file__).parents[1] / "examples" / "saas" / "churnlight.toml"
FIXED, RENEWAL = "churn", "renewal"
UNTIL, LEARNT = date(2029, 1, 1), date(2027, 3, 1)
TESTS, RESAMPLES, TENTHS, FIFTH = 9, 1000, 10, 0.2
# The fields of `Asked` that hold the log-odds of the two models.
MODELS = ("fixed", "renewal")
FAR, NAMED = (105, 230), (120, 240)
RENEWS = 'columns = { renews_on = "CAST(started_at + INTERVAL 1 MONTH * term_months AS DATE)" }\n'
TARGET = """
[targets.renewal]
title = "Leaves at its next renewal"
event = { source = "subscriptions", ended = "ended_at", ended_known = "end_recorded_at", grace = "14d", renews = "renews_on" }
gap = "14d"
horizon = "next renewal"
at_least = "90d"

[targets.expansion]
"""  # noqa: E501 — TOML keeps an inline table on one line.

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Asked:
    """Rows of test dates: customer, date, label, days to the decision, term, two log-odds."""

    customer: npt.NDArray[np.str_]
    day: npt.NDArray[np.datetime64]
    label: Floats
    ahead: Floats
    term: npt.NDArray[np.str_]
    fixed: Floats
    renewal: Floats

    def where(self, mask: Flags) -> "Asked":
        """Some of the rows."""
        return Asked(*(getattr(self, field.name)[mask] for field in fields(self)))

    @property
    def once(self) -> Floats:
        """Weights by which each customer counts once."""
        _, place, size = np.unique(self.customer, return_inverse=True, return_counts=True)
        return 1 / size[place]


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--accounts", type=int, default=1500)
    parser.add_argument("--trials", type=int, default=8, help="settings that each model tries")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    rows = [_rows(seed, asked.accounts, asked.trials) for seed in range(asked.seeds)]
    pooled = Asked(
        *(np.concatenate([getattr(each, field.name) for each in rows]) for field in fields(Asked))
    )
    found = measured(pooled)
    if asked.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"  {name}: {value}")


def measured(rows: Asked) -> dict[str, object]:
    """The judges' figures of pooled rows."""
    yearly = rows.where(rows.term == "yearly")
    return {
        "rows, customers, leave": (
            len(rows.label),
            len(np.unique(rows.customer)),
            round(float(np.average(rows.label, weights=rows.once)), 3),
        ),
        f"AUC of leaving {FAR[0]}-{FAR[1]} days ahead": _far(yearly),
        f"leavers {NAMED[0]}-{NAMED[1]} days ahead in the riskiest fifth": _named(yearly),
        "observed / predicted by days to the decision": _ratios(rows, _groups(rows)),
        "observed / predicted by term": _ratios(rows, rows.term),
        "R² of the score on ten bins of days to the decision, yearly": {
            name: round(_explained(getattr(yearly, name), yearly), 3) for name in MODELS
        },
    }


def _between(rows: Asked, low: int, high: int) -> Flags:
    return np.asarray((rows.ahead >= low) & (rows.ahead <= high))


def _far(yearly: Asked) -> dict[str, object]:
    rows = yearly.where(_between(yearly, *FAR))
    once = rows.once
    other, ours = (auc(getattr(rows, name), rows.label.astype(np.int8)) for name in MODELS)
    low, high = _interval(rows, lambda weights: ours(weights) - other(weights))
    return {
        "fixed": round(other(once), 3),
        "renewal": round(ours(once), 3),
        "better by": (round(ours(once) - other(once), 3), low, high),
        "leavers": int(rows.label.sum()),
    }


def _named(yearly: Asked) -> dict[str, object]:
    """How many of those who leave so far ahead stand in the riskiest fifth of a date."""
    found: dict[str, object] = {}
    for name in MODELS:
        inside = np.zeros(len(yearly.label), bool)
        for day in np.unique(yearly.day):
            there = yearly.day == day
            logits = getattr(yearly, name)[there]
            inside[there] = logits >= np.quantile(logits, 1 - FIFTH)
        leave = _between(yearly, *NAMED) & (yearly.label == 1)
        rows, share = yearly.where(leave), partial(_share, inside[leave])
        found[name] = (round(share(rows.once), 3), *_interval(rows, share))
    return found


def _share(inside: Flags, weights: Floats) -> float:
    return float(np.average(inside, weights=weights))


def _ratios(rows: Asked, groups: npt.NDArray[np.str_]) -> dict[str, object]:
    """Observed over predicted, and the number of events, of each group.

    Here every row counts: those who leave have fewer, and would weigh more if a customer counted
    once.
    """
    found: dict[str, object] = {}
    for name in np.unique(groups):
        own = rows.where(groups == name)
        ratio = own.label.mean() / expit(own.renewal).mean()
        found[str(name)] = (round(float(ratio), 3), int(own.label.sum()))
    return found


def _groups(rows: Asked) -> npt.NDArray[np.str_]:
    places = np.searchsorted(moments.GROUPS, rows.ahead, "right")
    return np.array(moments.DISTANCES)[places]


def _explained(score: Floats, rows: Asked) -> float:
    """The share of a score's variance between ten bins of days to the decision."""
    edges = np.quantile(rows.ahead, np.arange(1, TENTHS) / TENTHS)
    place = np.searchsorted(edges, rows.ahead, "right")
    weights = rows.once
    mean = np.bincount(place, weights * score) / np.bincount(place, weights)
    whole = np.average(score, weights=weights)
    between = np.average((mean[place] - whole) ** 2, weights=weights)
    return float(between / np.average((score - whole) ** 2, weights=weights))


def _interval(rows: Asked, figure: Callable[[Floats], float]) -> tuple[float, float]:
    """The 95% interval of a figure of row weights; customers are resampled."""
    names, place = np.unique(rows.customer, return_inverse=True)
    draw, once = np.random.default_rng(0), rows.once
    found = [
        figure(
            once
            * np.bincount(draw.integers(0, len(names), len(names)), minlength=len(names))[place]
        )
        for _ in range(RESAMPLES)
    ]
    low, high = np.quantile(found, (0.025, 0.975))
    return round(float(low), 3), round(float(high), 3)


def _rows(seed: int, accounts: int, trials: int) -> Asked:
    with tempfile.TemporaryDirectory(prefix="churnlight-") as made:
        company = world(Path(made), seed, accounts)
        with contract.sound_tables(company) as tables:
            months = snapshots.mature_month_starts(tables, RENEWAL)
            built = snapshots.build_from(tables, months)
    later = [day for day in months if day >= LEARNT][:TESTS]
    logits = {name: _logits(built, company, name, later, trials) for name in (FIXED, RENEWAL)}
    found = _asked(built, company, later, logits, seed)
    print(f"world {seed} done", file=sys.stderr)
    return found


def _logits(
    built: Snapshots, company: Company, target: str, later: list[date], trials: int
) -> dict[tuple[str, date], float]:
    """What a model of all that was settled by the first test date says on each of them."""
    table = labelled(built, company, target)
    learn = [day for day in built.table["as_of"].unique().to_pylist() if day < LEARNT]
    history = TargetHistory(built, company, target, table, learn, later[:1])
    known, columns = history.settled_by(later[0]), built.columns
    choice = procedure.choose(known, columns, company, target, trials=trials)
    fitted = history.fitted_before(later[0], choice)
    assert fitted is not None
    rows = scorable(built.on(later), company, RENEWAL)
    told = fitted.logits(matrix(rows, fitted.rows.features)).tolist()
    return dict(zip(_keys(rows), told, strict=True))


def _keys(rows: pa.Table) -> list[tuple[str, date]]:
    return list(zip(rows["account_id"].to_pylist(), rows["as_of"].to_pylist(), strict=True))


def _asked(
    built: Snapshots,
    company: Company,
    later: list[date],
    logits: Mapping[str, Mapping[tuple[str, date], float]],
    seed: int,
) -> Asked:
    rows = labelled(built.on(later), company, RENEWAL)
    ahead = rows[f"decision__{RENEWAL}"].to_numpy() - rows["as_of"].to_numpy()
    return Asked(
        np.array([f"{seed} {name}" for name in rows["account_id"].to_pylist()]),
        rows["as_of"].to_numpy().astype("datetime64[D]"),
        rows[f"label__{RENEWAL}"].to_numpy().astype(np.float64),
        ahead.astype("timedelta64[D]").astype(np.float64),
        np.array(moments.terms(rows, RENEWAL)),
        *(np.array([logits[name][key] for key in _keys(rows)]) for name in (FIXED, RENEWAL)),
    )


def world(folder: Path, seed: int, accounts: int) -> Company:
    """The simulated company with records until `UNTIL`, and both targets."""
    days.EXPORTED = np.datetime64(UNTIL, "D")
    days.DAYS = int((days.EXPORTED - days.FIRST).astype(int))
    days.WEEKS = -(-days.DAYS // 7)
    # The other modules read the end of the calendar when they are first imported.
    from examples.saas.simulate import export
    from examples.saas.simulate.parameters import PARAMETERS
    from examples.saas.simulate.world import build

    made = build(accounts, seed, PARAMETERS)
    export.publish(export.company_tables(made), {}, folder / "data")
    text = EXAMPLE.read_text("utf-8")
    text = re.sub("data_until = .*", f"data_until = {UNTIL}", text, count=1)
    text = text.replace('event_time = "started_at"\n', f'event_time = "started_at"\n{RENEWS}')
    return parse(text.replace("\n[targets.expansion]\n", TARGET), folder)


if __name__ == "__main__":
    main()
