"""The null world: random labels, on which the whole procedure must find nothing.

In a null world the labels of each as-of date are permuted between its accounts, so that on each
date as many leave as before; an account's labels stay together as far as their windows overlap, as
those of real events do. The whole procedure (splits, number of trees, fit, calibration) then runs
on them and is evaluated on a later as-of date. The model is independent of the labels there, so its
AUC is that of a random ranking, 0.5 on average, unless a split, a fold or the choice of the size
has seen labels of the evaluation (Good 2005, permutation tests).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy.special import ndtri

from features.declaring.company import Company
from features.declaring.target import Target
from features.errors import Finding, GateRefused
from features.progress import Progress, silent
from features.reading import places
from features.snapshots import Snapshots
from training.artifact import Artifact
from training.evaluating.evaluation_dates import simplest
from training.evaluating.target_history import TargetHistory
from training.learning import moments, search, split
from training.procedure import labelled

Procedure = Callable[[Snapshots, Company, str, Sequence[date], Sequence[date]], Artifact]

# The chance that an honest procedure is called leaking, over all targets.
FALSE_ALARMS = 1e-4

WORLDS = 10
MOST_ACCOUNTS = 3000
# Declared, since no null world supports bands; an AUC does not depend on them.
NULL_BANDS = {"p_red": 0.5, "p_green": 0.25}
NULL_EDGE = {"p_high": 0.5}


@dataclass(frozen=True)
class NullWorldAucs:
    """The procedure's AUC in each null world, and how far chance moves their mean.

    `events` and `rows` are those of the evaluation's as-of date.
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
        return -float(ndtri(FALSE_ALARMS / tests / 2)) * float(np.sqrt(spread / len(self.aucs)))


def on_last_date(
    built: Snapshots, company: Company, target: str, learn: Sequence[date], later: Sequence[date]
) -> Artifact:
    """The trained model, evaluated on the last date alone: the AUC is of no other."""
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
    """The procedure in null worlds of each target, whose as-of dates are in `dates`.

    One finding per target: an error if it finds something, else the figures as advice.
    """
    for name, days in dates.items():
        try:
            given = _dates(built, company, name, days)
            aucs = worlds(built, company, name, given, procedure, progress)
        except GateRefused as refused:
            yield _not_audited(company, name, str(refused))
            continue
        yield _finding(company, name, aucs, aucs.reach(len(dates)))


def _dates(
    built: Snapshots, company: Company, name: str, days: Sequence[date]
) -> tuple[Sequence[date], Sequence[date]]:
    """The dates to train on, and the last one that may test."""
    declared = company.targets[name]
    if not days or not declared.by_renewal:
        return (split.settled_before(days, days[-1], declared) if days else []), days[-1:]
    rows = labelled(built.on(days), company, name)
    tests = moments.whole_dates(rows, name, built.data_until)[-1:]
    return [day for day in days if tests and day < tests[0]], tests


def worlds(
    built: Snapshots,
    company: Company,
    target: str,
    dates: tuple[Sequence[date], Sequence[date]],
    procedure: Procedure = on_last_date,
    progress: Progress = silent,
) -> NullWorldAucs:
    """The procedure in null worlds, trained on the first dates and evaluated on the others.

    Raises
    ------
    GateRefused
        There is no date to train on, or no null world in which it makes a model.
    """
    learn, evaluated = dates
    if not learn:
        raise GateRefused("no as-of date is settled before the last mature one")
    kind = company.targets[target]
    declared = kind.model_copy(update=NULL_BANDS if kind.adverse else NULL_EDGE)
    company = company.model_copy(update={"targets": {target: declared}})
    rows = _some_accounts(labelled(built, company, target))
    there = rows.filter(pc.is_in(rows["as_of"], pa.array([*learn, *evaluated], pa.date32())))
    aucs: list[float | None] = []
    why = ""
    for number in range(WORLDS):
        progress(f"{target}: null world {number + 1}/{WORLDS}")
        world = null_world(there, target, declared, np.random.default_rng(number))
        try:
            artifact = procedure(replace(built, table=world), company, target, learn, evaluated)
        except GateRefused as refused:
            why = str(refused)
            continue
        aucs.append(artifact.evaluation.quality.auc.value)
    measurable = [auc for auc in aucs if auc is not None]
    if not measurable or len(measurable) < len(aucs):
        raise GateRefused(why or "the last mature as-of date has one outcome only")
    last = there.filter(pc.equal(there["as_of"], pa.scalar(evaluated[-1])))
    return NullWorldAucs(tuple(measurable), pc.sum(last[f"label__{target}"]).as_py(), last.num_rows)


def null_world(table: pa.Table, name: str, target: Target, draw: np.random.Generator) -> pa.Table:
    """Labelled rows with other labels: on each date as many of either kind, by chance.

    Every account has white noise over the days; the label of a row is 1 where the noise of its
    label window is among the largest of its date, for the window's length. Windows that overlap
    share their noise.
    """
    days = table["as_of"].to_numpy().astype("datetime64[D]").astype(np.int64)
    account = pc.dictionary_encode(table["account_id"]).combine_chunks().indices.to_numpy()
    start = days - days.min() + target.gap
    length = _window_days(table, name, target)
    steps = draw.standard_normal((int(account.max()) + 1, int((start + length).max())))
    walk = np.concatenate([np.zeros((len(steps), 1)), steps.cumsum(axis=1)], axis=1)
    noise = (walk[account, start + length] - walk[account, start]) / (length / length.min()) ** 0.5
    label = table[f"label__{name}"].to_numpy().astype(np.int8)
    drawn = np.zeros(len(label), np.int8)
    for day in np.unique(days):
        rows = np.flatnonzero(days == day)
        highest = rows[np.argsort(-noise[rows], kind="stable")]
        drawn[highest[: int(label[rows].sum())]] = 1
    position = table.column_names.index(f"label__{name}")
    return table.set_column(position, table.schema.field(position), pa.array(drawn))


def _window_days(table: pa.Table, name: str, target: Target) -> npt.NDArray[np.int64]:
    """How many days the label window of each row has."""
    if not target.by_renewal:
        return np.full(table.num_rows, target.horizon_days)
    settles, as_of = (table[column].to_numpy() for column in (f"settles__{name}", "as_of"))
    days = (settles - as_of).astype("timedelta64[D]").astype(np.int64)
    return np.asarray(days - target.gap - target.days_from_end_to_settle)


def _some_accounts(table: pa.Table) -> pa.Table:
    """The rows of at most `MOST_ACCOUNTS` accounts, drawn at random."""
    accounts = np.array(sorted(pc.unique(table["account_id"]).to_pylist()))
    if len(accounts) <= MOST_ACCOUNTS:
        return table
    drawn = np.random.default_rng(0).choice(accounts, MOST_ACCOUNTS, replace=False)
    return table.filter(pc.is_in(table["account_id"], pa.array(drawn)))


def _finding(company: Company, target: str, aucs: NullWorldAucs, reach: float) -> Finding:
    where = places.location(company.sources[company.targets[target].source])
    text = (
        f"targets.{target}: {where}: with random labels, the procedure has an AUC of "
        f"{aucs.mean:.3f} on average over {len(aucs.aucs)} null worlds; chance allows "
        f"{0.5 - reach:.3f} to {0.5 + reach:.3f} ({aucs.events:,} of {aucs.rows:,} "
        f"accounts with the event)"
    )
    position = (company.targets[target].source, None, None)
    if abs(aucs.mean - 0.5) <= reach:
        fix = "no action needed: no split, fold or choice of size sees labels of the evaluation"
        return Finding("null_world", "audit", "advice", *position, text, fix)
    fix = "do not trust this evaluation; report it together with the declaration"
    detail = f"{text}: the procedure sees labels of the evaluation"
    return Finding("null_world", "audit", "error", *position, detail, fix)


def _not_audited(company: Company, target: str, why: str) -> Finding:
    detail = f"targets.{target}: no null world could be made: {why}"
    source = company.targets[target].source
    fix = "bring a longer history, or more accounts"
    return Finding("not_audited", "audit", "advice", source, None, None, detail, fix)
