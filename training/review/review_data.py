"""The rows and scores of a review: rows of past mornings, built anew from the tables and scored.

The rows come as a stream of whole accounts; of most mornings only the scores are kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from features import clock, snapshots
from features.assembling import churn_days, feature_plan, source_sql
from features.declaring.company import Company
from features.progress import Progress, silent
from features.snapshots import Snapshots
from features.sources import Tables
from training import procedure
from training.learning import moments
from training.review.by_model import ByModel
from training.review.candidates import Candidates
from training.review.review_dates import LEADS, ReviewDates, review_dates
from training.review.scored import score_rows

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

# More than there are day numbers: an account's index and a day make one number.
DAYS = 1 << 32


@dataclass(frozen=True)
class WeeklyScores:
    """Weekly health scores by each model (accounts × weeks), unclipped, NaN where there is none."""

    weeks: Sequence[date]
    health: ByModel[Floats]


@dataclass(frozen=True)
class Churn:
    """The churn of an account, and the mornings before it by lead, where there is one."""

    account_id: str
    day: date
    mornings: dict[int, date]


@dataclass(frozen=True)
class ReviewData:
    """The rows and scores of a review.

    Of an opportunity there are neither churns nor weekly scores.
    `mature` are the rows of all as-of dates with mature labels (and of the champion's last training
    date); by renewal, of all as-of dates, with the labels that were settled by the review's
    morning. `latest` are the rows of that morning, `before_churn` those of churned accounts on
    the mornings that the ledger looks at. `account_facts` is what the account table says today.
    """

    company: Company
    target: str
    models: Candidates
    dates: ReviewDates
    mature: Snapshots
    latest: pa.Table
    before_churn: pa.Table
    churns: Sequence[Churn]
    weekly: WeeklyScores
    account_facts: pa.Table

    @property
    def adverse(self) -> bool:
        """Whether the target is adverse; else it is an opportunity."""
        return self.target in self.company.adverse

    def mature_on(self, days: Sequence[date]) -> pa.Table:
        """The rows of those of the days that are among the mature ones."""
        return self.mature.on(days).table

    def mrr_of(self, accounts: pa.ChunkedArray | Sequence[str]) -> Floats:
        """These accounts' MRR by the account table today, NaN where it has none."""
        amounts: Floats = self._fact("mrr", accounts).to_numpy(zero_copy_only=False)
        return amounts.astype(np.float64)

    def owners_of(self, accounts: pa.ChunkedArray | Sequence[str]) -> list[str | None]:
        """The account managers of these accounts, as the account table says today."""
        owners: list[str | None] = self._fact("owner", accounts).to_pylist()
        return owners

    def _fact(self, name: str, accounts: pa.ChunkedArray | Sequence[str]) -> pa.Array:
        keys = pa.array(accounts, pa.string()) if isinstance(accounts, list) else accounts
        rows = pc.index_in(keys, value_set=self.account_facts["account_id"].combine_chunks())
        if isinstance(rows, pa.ChunkedArray):
            rows = rows.combine_chunks()
        return self.account_facts[name].combine_chunks().take(rows)


def review_data(
    tables: Tables, models: Candidates, as_of: date, *, progress: Progress = silent
) -> ReviewData:
    """Builds and scores what the review of `models` on the morning `as_of` needs."""
    target = models.champion.artifact.target
    days = review_dates(tables, target, as_of, models.as_of_dates)
    churns: list[Churn] = []
    weeks: Sequence[date] = []
    if target in tables.company.adverse:
        progress("reading past churns")
        churns, weeks = _churns(tables, target, days), days.weeks
    last_training_date = models.champion.training_dates[-1:]
    collector = _Collector(models, as_of, weeks, [*days.mature, *last_training_date], churns)
    mornings = {day for churn in churns for day in churn.mornings.values()}
    every = sorted({as_of, *days.mature, *last_training_date, *weeks, *mornings})
    for piece in snapshots.stream_from(tables, every, progress=progress):
        collector.take(piece)
        progress(f"scoring {len(every)} dates: {collector.accounts:,} accounts")
    columns = feature_plan.plan_features(tables).columns
    mature = Snapshots(_sorted(collector.mature), columns, snapshots.data_until(tables))
    if tables.company.targets[target].by_renewal:
        mature = replace(mature, table=moments.as_known_on(mature.table, target, as_of))
        asked = procedure.scorable(mature, tables.company, target)
        days = replace(days, mature=moments.whole_dates(asked, target, as_of))
    return ReviewData(
        company=tables.company,
        target=target,
        models=models,
        dates=days,
        mature=mature,
        latest=_sorted(collector.latest),
        before_churn=_sorted(collector.before_churn),
        churns=churns,
        weekly=collector.weekly(),
        account_facts=tables.engine.rows(source_sql.account_facts(tables)),
    )


def _churns(tables: Tables, target: str, days: ReviewDates) -> list[Churn]:
    """The churns of the review's period that are settled, in the order of days and accounts."""
    rows = churn_days.of_churn(tables, target).to_pylist()
    first, end = days.churned
    inside = [(row["day"], row["account_id"]) for row in rows if first <= row["day"] < end]
    churns = []
    for day, account in sorted(inside):
        mornings = {lead: days.before(day, lead) for lead in LEADS}
        covered = {lead: morning for lead, morning in mornings.items() if morning}
        churns.append(Churn(account, day, covered))
    return churns


def _sorted(pieces: list[pa.Table]) -> pa.Table:
    return pa.concat_tables(pieces).sort_by([("as_of", "ascending"), ("account_id", "ascending")])


class _Collector:
    """Collects what the review needs of the rows as they come."""

    def __init__(
        self,
        models: Candidates,
        as_of: date,
        weeks: Sequence[date],
        mature: Sequence[date],
        churns: Sequence[Churn],
    ) -> None:
        self._models, self._as_of, self._weeks = models, as_of, weeks
        self._mature_days = pa.array(mature, pa.date32())
        self._churned = pa.array(sorted({churn.account_id for churn in churns}), pa.string())
        index = {account: number for number, account in enumerate(self._churned.to_pylist())}
        self._mornings = np.array(
            [
                index[churn.account_id] * DAYS + clock.day_number(day)
                for churn in churns
                for day in churn.mornings.values()
            ],
            np.int64,
        )
        self.accounts = 0
        self.mature: list[pa.Table] = []
        self.latest: list[pa.Table] = []
        self.before_churn: list[pa.Table] = []
        self._scores: list[tuple[Floats, ...]] = []

    def take(self, piece: pa.Table) -> None:
        """Keeps what the review needs of some accounts' rows on all mornings."""
        as_of = piece["as_of"]
        self.mature.append(piece.filter(pc.is_in(as_of, self._mature_days)))
        self.latest.append(piece.filter(pc.equal(as_of, self._as_of)))
        self.before_churn.append(piece.filter(pa.array(self._in_ledger(piece))))
        self._scores.append(self._by_week(piece))
        self.accounts += int(pc.count_distinct(piece["account_id"]).as_py())

    def weekly(self) -> WeeklyScores:
        """The weekly scores of all accounts."""
        champion, challenger = (np.concatenate(part) for part in zip(*self._scores, strict=True))
        return WeeklyScores(self._weeks, ByModel(champion, challenger))

    def _in_ledger(self, piece: pa.Table) -> Flags:
        """Which rows are of a churned account on a morning that the ledger looks at."""
        index = pc.index_in(piece["account_id"], value_set=self._churned)
        account = pc.fill_null(index, -1).to_numpy().astype(np.int64)
        day = piece["as_of"].cast(pa.int32()).to_numpy()
        mask: Flags = np.isin(account * DAYS + day, self._mornings) & (account >= 0)
        return mask

    def _by_week(self, piece: pa.Table) -> tuple[Floats, ...]:
        """Each model's health scores of the piece (accounts × weeks)."""
        weeks = pa.array(self._weeks, pa.date32())
        rows = piece.filter(pc.is_in(piece["as_of"], weeks))
        _, account = np.unique(
            rows["account_id"].to_numpy(zero_copy_only=False), return_inverse=True
        )
        week = pc.index_in(rows["as_of"], value_set=weeks).to_numpy()
        tables = []
        for candidate in self._models:
            table = np.full((int(account.max(initial=-1)) + 1, len(weeks)), np.nan)
            table[account, week] = score_rows(rows, candidate.artifact).health
            tables.append(table)
        return tuple(tables)
