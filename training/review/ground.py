"""What a review stands on: rows of past mornings, built anew from the tables and scored.

The rows come as a stream of whole accounts; of most mornings only the scores are kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass
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
from training.review.candidates import Candidates
from training.review.dates import LEADS, Dates, dates
from training.scored import score_rows

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

DAYS = 1 << 32
"""More than there are day numbers: an account's place and a day make one number."""


@dataclass(frozen=True)
class Weekly:
    """Weekly health scores by each model (accounts × weeks), unclipped, NaN where there is none."""

    weeks: Sequence[date]
    champion: Floats
    challenger: Floats


@dataclass(frozen=True)
class Churn:
    """The churn of an account, and the mornings before it by lead, where there is one."""

    account_id: str
    day: date
    looked: dict[int, date]


@dataclass(frozen=True)
class Ground:
    """The rows and scores of a review.

    Of an opportunity there are neither churns nor weekly scores.
    `mature` are the rows of all as-of dates with mature labels (and of the last date that taught
    the champion), `latest` those of the review's own morning, `past` those of churned accounts on
    the mornings that the ledger looks at. `facts` is what the account table says today.
    """

    company: Company
    target: str
    models: Candidates
    dates: Dates
    mature: Snapshots
    latest: pa.Table
    past: pa.Table
    churns: Sequence[Churn]
    weekly: Weekly
    facts: pa.Table

    @property
    def adverse(self) -> bool:
        """Whether the target is adverse; else it is an opportunity."""
        return self.target in self.company.adverse

    def of(self, days: Sequence[date]) -> pa.Table:
        """The rows of those of the days that are among the mature ones."""
        return self.mature.on(days).table

    def mrr_of(self, accounts: pa.ChunkedArray | Sequence[str]) -> Floats:
        """What the account table says today of these accounts' MRR, NaN where it does not."""
        found: Floats = self._fact("mrr", accounts).to_numpy(zero_copy_only=False)
        return found.astype(np.float64)

    def owners_of(self, accounts: pa.ChunkedArray | Sequence[str]) -> list[str | None]:
        """The account managers of these accounts, as the account table says today."""
        found: list[str | None] = self._fact("owner", accounts).to_pylist()
        return found

    def _fact(self, name: str, accounts: pa.ChunkedArray | Sequence[str]) -> pa.Array:
        wanted = pa.array(accounts, pa.string()) if isinstance(accounts, list) else accounts
        places = pc.index_in(wanted, value_set=self.facts["account_id"].combine_chunks())
        if isinstance(places, pa.ChunkedArray):
            places = places.combine_chunks()
        return self.facts[name].combine_chunks().take(places)


def ground(
    tables: Tables, models: Candidates, as_of: date, *, progress: Progress = silent
) -> Ground:
    """Builds and scores what the review of `models` on the morning `as_of` stands on."""
    target = models.champion.artifact.target
    days = dates(tables, target, as_of, models.named)
    if target in tables.company.adverse:
        progress("finding who churned")
        churns, weeks = _churns(tables, target, days), days.recent
    else:
        churns, weeks = [], []
    taught = models.champion.taught[-1:]
    gathered = _Gathered(models, as_of, weeks, [*days.mature, *taught], churns)
    looked = [day for churn in churns for day in churn.looked.values()]
    every = sorted({*days.mature, *taught, *weeks, *looked, as_of})
    for piece in snapshots.stream_from(tables, every, progress=progress):
        gathered.take(piece)
        progress(f"scoring {len(every)} mornings: {gathered.accounts:,} accounts")
    return Ground(
        company=tables.company,
        target=target,
        models=models,
        dates=days,
        mature=Snapshots(
            _sorted(gathered.mature),
            feature_plan.plan_features(tables).columns,
            snapshots.data_until(tables),
        ),
        latest=_sorted(gathered.latest),
        past=_sorted(gathered.past),
        churns=churns,
        weekly=gathered.weekly(),
        facts=tables.engine.rows(source_sql.account_facts(tables)),
    )


def _churns(tables: Tables, target: str, days: Dates) -> list[Churn]:
    """The churns of the review's period that are settled, in the order of days and accounts."""
    found = churn_days.of_churn(tables, target).to_pylist()
    first, end = days.churned
    inside = [(item["day"], item["account_id"]) for item in found if first <= item["day"] < end]
    churns = []
    for day, account in sorted(inside):
        looked = {lead: days.before(day, lead) for lead in LEADS}
        churns.append(Churn(account, day, {lead: found for lead, found in looked.items() if found}))
    return churns


def _sorted(pieces: list[pa.Table]) -> pa.Table:
    return pa.concat_tables(pieces).sort_by([("as_of", "ascending"), ("account_id", "ascending")])


class _Gathered:
    """What is kept of the rows as they come."""

    def __init__(
        self,
        models: Candidates,
        as_of: date,
        weeks: Sequence[date],
        mature: Sequence[date],
        churns: Sequence[Churn],
    ) -> None:
        self._models, self._as_of, self._weeks = models, as_of, weeks
        self._on_mature = pa.array(mature, pa.date32())
        self._churned = pa.array(sorted({item.account_id for item in churns}), pa.string())
        places = {key: place for place, key in enumerate(self._churned.to_pylist())}
        self._looked = np.array(
            [
                places[item.account_id] * DAYS + clock.day_number(day)
                for item in churns
                for day in item.looked.values()
            ],
            np.int64,
        )
        self.accounts = 0
        self.mature: list[pa.Table] = []
        self.latest: list[pa.Table] = []
        self.past: list[pa.Table] = []
        self._scores: list[tuple[Floats, Floats]] = []

    def take(self, piece: pa.Table) -> None:
        """Keeps what is wanted of some accounts' rows on all mornings."""
        as_of = piece["as_of"]
        self.mature.append(piece.filter(pc.is_in(as_of, self._on_mature)))
        self.latest.append(piece.filter(pc.equal(as_of, self._as_of)))
        self.past.append(piece.filter(pa.array(self._are_looked_at(piece))))
        self._scores.append(self._by_week(piece))
        self.accounts += int(pc.count_distinct(piece["account_id"]).as_py())

    def weekly(self) -> Weekly:
        """The weekly scores of all accounts."""
        champion, challenger = (np.concatenate(part) for part in zip(*self._scores, strict=True))
        return Weekly(self._weeks, champion, challenger)

    def _are_looked_at(self, piece: pa.Table) -> Flags:
        place = pc.index_in(piece["account_id"], value_set=self._churned)
        known = pc.fill_null(place, -1).to_numpy().astype(np.int64)
        day = piece["as_of"].cast(pa.int32()).to_numpy()
        mask: Flags = np.isin(known * DAYS + day, self._looked) & (known >= 0)
        return mask

    def _by_week(self, piece: pa.Table) -> tuple[Floats, Floats]:
        weeks = pa.array(self._weeks, pa.date32())
        own = piece.filter(pc.is_in(piece["as_of"], weeks))
        _, account = np.unique(
            own["account_id"].to_numpy(zero_copy_only=False), return_inverse=True
        )
        week = pc.index_in(own["as_of"], value_set=weeks).to_numpy()
        found = []
        for item in self._models:
            table = np.full((int(account.max(initial=-1)) + 1, len(weeks)), np.nan)
            table[account, week] = score_rows(own, item.artifact).health
            found.append(table)
        return found[0], found[1]
