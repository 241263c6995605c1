"""The null world: labels that nothing can tell, on which the whole procedure must find nothing.

In a null world the labels of each as-of date are permuted between its accounts, so that date by
date as many leave as did; an account's labels stay together as far as their windows overlap, as
those of real events do. The whole procedure (splits, number of trees, fit, calibration) then runs
on them and is judged on a later as-of date. What it has learnt is independent of the labels there,
so its AUC is that of a random ranking, 0.5 on average: unless a split, a fold or the choice of the
size has seen labels that it is judged by (Good 2005, permutation tests).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.special import ndtri

from features import sources
from features.declaring.company import Company, Target
from features.errors import Finding, GateRefused
from features.progress import Progress, silent
from features.snapshots import Snapshots
from training.artifact import Artifact
from training.evaluating.evaluation_dates import simplest
from training.evaluating.target_history import TargetHistory
from training.learning import search, split
from training.procedure import labelled

Procedure = Callable[[Snapshots, Company, str, Sequence[date], Sequence[date]], Artifact]

FAMILY = 1e-4
"""The chance that an honest procedure of any target is called leaking."""

WORLDS = 10
MOST_ACCOUNTS = 3000
NULL_BANDS = {"p_red": 0.5, "p_green": 0.25}
NULL_EDGE = {"p_high": 0.5}
"""Declared, since no null world supports bands; an AUC does not depend on them."""


@dataclass(frozen=True)
class NullWorldAucs:
    """What the procedure found in null worlds: an AUC for each, and where chance leaves their mean.

    `events` and `rows` are those of the as-of date that it was judged on.
    """

    aucs: tuple[float, ...]
    events: int
    rows: int

    @property
    def mean(self) -> float:
        """The mean AUC."""
        return float(np.mean(self.aucs))

    def reach(self, tests: int) -> float:
        """How far from 0.5 the mean of one of so many tests may be by chance.

        The AUC of independent scores has variance (n + 1) / (12 · n₁ · n₀), less with ties, and
        lighter tails than the normal (Mann & Whitney 1947); the worlds are independent.
        """
        spread = (self.rows + 1) / (12 * self.events * (self.rows - self.events))
        return -float(ndtri(FAMILY / tests / 2)) * float(np.sqrt(spread / len(self.aucs)))


def on_last_date(
    built: Snapshots, company: Company, target: str, learn: Sequence[date], later: Sequence[date]
) -> Artifact:
    """What training makes, judged on the last date alone: the AUC is of no other."""
    table = labelled(built, company, target)
    history = TargetHistory(built, company, target, table, learn, later)
    return simplest(history.choose(search.TRIALS, silent), (), silent)


def breaches(
    built: Snapshots,
    company: Company,
    dates: dict[str, Sequence[date]],
    *,
    procedure: Procedure = on_last_date,
    progress: Progress = silent,
) -> Iterator[Finding]:
    """What the procedure finds in null worlds of each target, of which `dates` are the as-of dates.

    One finding per target: an error if it finds something, else the figures as advice.
    """
    for name, days in dates.items():
        declared = company.targets[name]
        earlier = split.settled_before(days, days[-1], declared) if days else []
        try:
            found = worlds(built, company, name, (earlier, days[-1:]), procedure, progress)
        except GateRefused as refused:
            yield _not_audited(company, name, str(refused))
            continue
        yield _told(company, name, found, found.reach(len(dates)))


def worlds(
    built: Snapshots,
    company: Company,
    target: str,
    dates: tuple[Sequence[date], Sequence[date]],
    procedure: Procedure = on_last_date,
    progress: Progress = silent,
) -> NullWorldAucs:
    """What the procedure finds when it learns from the first dates and is judged on the others.

    Raises
    ------
    GateRefused
        There is no date to learn from, or no null world in which it makes a model.
    """
    learn, judged = dates
    if not learn:
        raise GateRefused("no as-of date is settled before the last mature one")
    kind = company.targets[target]
    declared = kind.model_copy(update=NULL_BANDS if kind.adverse else NULL_EDGE)
    company = company.model_copy(update={"targets": {target: declared}})
    rows = _some_accounts(labelled(built, company, target))
    there = rows.filter(pc.is_in(rows["as_of"], pa.array([*learn, *judged], pa.date32())))
    aucs: list[float | None] = []
    why = ""
    for number in range(WORLDS):
        progress(f"{target}: null world {number + 1}/{WORLDS}")
        world = null_world(there, target, declared, np.random.default_rng(number))
        try:
            artifact = procedure(replace(built, table=world), company, target, learn, judged)
        except GateRefused as refused:
            why = str(refused)
            continue
        aucs.append(artifact.evaluation.quality.auc.value)
    known = [auc for auc in aucs if auc is not None]
    if not known or len(known) < len(aucs):
        raise GateRefused(why or "the last mature as-of date has one outcome only")
    last = there.filter(pc.equal(there["as_of"], pa.scalar(judged[-1])))
    return NullWorldAucs(tuple(known), pc.sum(last[f"label__{target}"]).as_py(), last.num_rows)


def null_world(table: pa.Table, name: str, target: Target, draw: np.random.Generator) -> pa.Table:
    """Labelled rows with other labels: on each date as many of either kind, told by nothing.

    Every account has white noise over the days; the label of a row is 1 where the noise of its
    label window is among the largest of its date. Windows that overlap share their noise.
    """
    days = table["as_of"].to_numpy().astype("datetime64[D]").astype(np.int64)
    account = pc.dictionary_encode(table["account_id"]).combine_chunks().indices.to_numpy()
    start = days - days.min() + target.gap
    steps = draw.standard_normal((int(account.max()) + 1, int(start.max()) + target.horizon))
    walk = np.concatenate([np.zeros((len(steps), 1)), steps.cumsum(axis=1)], axis=1)
    noise = walk[account, start + target.horizon] - walk[account, start]
    label = table[f"label__{name}"].to_numpy().astype(np.int8)
    drawn = np.zeros(len(label), np.int8)
    for day in np.unique(days):
        rows = np.flatnonzero(days == day)
        highest = rows[np.argsort(-noise[rows], kind="stable")]
        drawn[highest[: int(label[rows].sum())]] = 1
    place = table.column_names.index(f"label__{name}")
    return table.set_column(place, table.schema.field(place), pa.array(drawn))


def _some_accounts(table: pa.Table) -> pa.Table:
    """The rows of at most `MOST_ACCOUNTS` accounts, drawn without looking at them."""
    accounts = np.array(sorted(pc.unique(table["account_id"]).to_pylist()))
    if len(accounts) <= MOST_ACCOUNTS:
        return table
    drawn = np.random.default_rng(0).choice(accounts, MOST_ACCOUNTS, replace=False)
    return table.filter(pc.is_in(table["account_id"], pa.array(drawn)))


def _told(company: Company, target: str, found: NullWorldAucs, reach: float) -> Finding:
    where = sources.location(company.sources[company.targets[target].source])
    told = (
        f"targets.{target}: {where}: where labels are chance, the procedure says AUC "
        f"{found.mean:.3f} on average of {len(found.aucs)} worlds; chance leaves "
        f"{0.5 - reach:.3f} to {0.5 + reach:.3f} ({found.events:,} of {found.rows:,} "
        f"accounts happen to {'leave' if company.targets[target].adverse else 'do it'})"
    )
    place = (company.targets[target].source, None, None)
    if abs(found.mean - 0.5) <= reach:
        mend = "nothing to mend: no split, fold or choice of size sees labels that it is judged by"
        return Finding("null_world", "audit", "advice", *place, told, mend)
    mend = "do not trust this evaluation: report it with the declaration"
    detail = f"{told}: the procedure sees labels that it is judged by"
    return Finding("null_world", "audit", "error", *place, detail, mend)


def _not_audited(company: Company, target: str, why: str) -> Finding:
    detail = f"targets.{target}: there is no null world to judge the procedure in: {why}"
    source = company.targets[target].source
    mend = "bring a longer history, or more accounts"
    return Finding("not_audited", "audit", "advice", source, None, None, detail, mend)
