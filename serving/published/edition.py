"""One edition of the book: the latest run of one target, with facts and trend, ready to read.

Everything is held in columns that are aligned to the rows of the latest run; an object is
built for an account only when somebody reads it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, cast, overload

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from serving.assessment.assess import Assessment
from serving.published import movement_rows, runs
from serving.published.movement_rows import Moved
from serving.published.run_table import (
    ListedAccount,
    Order,
    RowIndex,
    RunTable,
    equal,
    flat,
    of_target,
    run_columns,
)
from training.calibrating.bands import BANDS, Band
from training.movement.change import Movement

if TYPE_CHECKING:
    # Python 3.11 has no slices of a type.
    Slice: TypeAlias = slice[int | None, int | None, int | None]

TREND_RUNS = 13
LOWEST_FIRST: Order = ("health_score_unclipped", "ascending")
_CHUNK = 512


class Point(NamedTuple):
    """One place of a trend: the score on one run's as-of date, null where there was none."""

    as_of: date
    health_score: float | None
    band: Band


class Total(NamedTuple):
    """How many accounts, and their monthly recurring revenue where any of it is known."""

    accounts: int
    mrr: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(ListedAccount):
    """One account in the book: its assessment, the facts people want, and how it got here.

    `trend` has one place per run, oldest first, the latest included; `previous` is the
    assessment of the run before the latest one, and `moved` what moved the score since that and
    earlier runs, as far as that was worked out.
    """

    assessment: Assessment
    trend: tuple[Point, ...]
    previous: Assessment | None
    moved: tuple[Moved, ...] = ()

    @property
    def account_id(self) -> str:
        """Which account it is."""
        return self.assessment.account_id

    @property
    def movement(self) -> Movement | None:
        """What moved the score since the run before."""
        return next((item.movement for item in self.moved if item.over == "run"), None)


@dataclass(frozen=True, kw_only=True)
class Edition(RunTable):
    """One target of the book at one moment; rows are in reading order, lowest score first.

    Unscored accounts close the order; equal scores are ordered by account_id. `trend_health`
    (NaN where unscored) and `trend_band` (places in `BANDS`) have one column per trend date.
    """

    listed_at = "/v1/accounts"
    light = "band"
    trend_dates: tuple[date, ...]
    trend_health: npt.NDArray[np.float64]
    trend_band: npt.NDArray[np.int8]
    _before: pa.Table | None
    _before_rows: RowIndex
    _movements: pa.Table
    """Sorted by the row that they belong to, which `_movement_rows` has."""
    _movement_rows: RowIndex

    def entry(self, account_id: str) -> Entry:
        """The entry of one account, with its previous drivers and its movements.

        `NotFound` as in `row`.
        """
        row = self.row(account_id)
        bare = self.entries(np.array([row]))[0]
        before = self._previous(np.array([row])).get(row)
        return replace(bare, previous=before, moved=self._moved(row))

    def find(
        self,
        *,
        band: Band | None = None,
        q: str | None = None,
        segment: str | None = None,
        owner: str | None = None,
    ) -> "Entries":
        """The entries that fit every given filter, as of `rows`, built as they are read."""
        return Entries(self, self.rows(light=band, q=q, segment=segment, owner=owner))

    def entries(self, rows: RowIndex, *, drivers: bool = True) -> list[Entry]:
        """The entries of `rows`; without `drivers` they are left empty, which is faster.

        Their previous assessments have no drivers: ask for one account's `entry` for those.
        """
        chosen = pa.array(rows)
        now = _assessments(self._scores.take(chosen), drivers)
        facts = self._facts.take(chosen).to_pylist()
        before = self._previous(rows, drivers=False)
        return [
            Entry(
                assessment=assessment,
                **fact,
                trend=self._trend(row),
                previous=before.get(row),
                missing=self._missing(row),
            )
            for row, assessment, fact in zip(rows.tolist(), now, facts, strict=True)
        ]

    def band(self, account_id: str) -> Band | None:
        """The band of an account, null where the run has no such account."""
        if account_id not in self:
            return None
        return BANDS[int(self.trend_band[self._row_of[account_id], -1])]

    def usual_chance(self, band: Band | None = None) -> float | None:
        """The mean churn probability of the scored accounts, or of those of one band.

        That of all is what a light stands against.
        """
        chances = self.column("churn_probability")
        if band is not None:
            chances = chances.filter(pa.array(equal(self.column("band"), band)))
        mean: float | None = pc.mean(chances).as_py()
        return mean

    @property
    def forecast_days(self) -> int | None:
        """Within how many days the forecast beside the light is; None without one."""
        days: int | None = pc.max(self.column("forecast_days")).as_py()
        return days

    def totals(self) -> dict[Band, Total]:
        """Accounts and MRR per band, in the order red, yellow, green, unscored."""
        return {band: self._total(band) for band in BANDS}

    def _total(self, band: Band) -> Total:
        mine = equal(self.column("band"), band)
        mrr = pc.sum(self._facts["mrr"].filter(pa.array(mine))).as_py()
        return Total(int(mine.sum()), mrr)

    def _trend(self, row: int) -> tuple[Point, ...]:
        scores, bands = self.trend_health[row].tolist(), self.trend_band[row].tolist()
        return tuple(
            Point(day, None if score != score else score, BANDS[band])
            for day, score, band in zip(self.trend_dates, scores, bands, strict=True)
        )

    def _moved(self, row: int) -> tuple[Moved, ...]:
        begin, end = np.searchsorted(self._movement_rows, [row, row + 1])
        found = self._movements.slice(begin, end - begin).to_pylist()
        return tuple(map(movement_rows.moved, found))

    def _previous(self, rows: RowIndex, drivers: bool = True) -> dict[int, Assessment]:
        if self._before is None:
            return {}
        places = self._before_rows[rows]
        had_score = places >= 0
        assessments = _assessments(self._before.take(pa.array(places[had_score])), drivers)
        return dict(zip(rows[had_score].tolist(), assessments, strict=True))


class Entries(Sequence[Entry]):
    """Entries of an edition that are built when they are read; a slice is of the same kind."""

    def __init__(self, edition: Edition, rows: RowIndex, drivers: bool = True) -> None:
        self._edition = edition
        self.rows = rows
        self._drivers = drivers

    def without_drivers(self) -> "Entries":
        """The same entries with empty drivers, which are built about ten times faster."""
        return Entries(self._edition, self.rows, drivers=False)

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, index: int) -> Entry: ...

    @overload
    def __getitem__(self, index: "Slice") -> "Entries": ...

    def __getitem__(self, index: "int | Slice") -> "Entry | Entries":
        if isinstance(index, slice):
            return Entries(self._edition, self.rows[index], self._drivers)
        row = self.rows[index]
        return self._edition.entries(np.array([row]), drivers=self._drivers)[0]

    def __iter__(self) -> Iterator[Entry]:
        for start in range(0, len(self.rows), _CHUNK):
            chunk = self.rows[start : start + _CHUNK]
            yield from self._edition.entries(chunk, drivers=self._drivers)


def bind(
    published: Sequence[runs.Run], target: str, indicators: Mapping[str, Sequence[str]]
) -> Edition:
    """The edition of `target` that the last of `published` (oldest first) makes, with its trend.

    `indicators` and errors as of `run_columns`.
    """
    shown = list(published)[-TREND_RUNS:]
    columns = run_columns(shown[-1], target, indicators, LOWEST_FIRST)
    scores = columns["_scores"]
    ids = scores["account_id"]
    health, bands = _trends(shown[:-1], target, scores)
    before = of_target(shown[-2].scores(), target) if len(shown) > 1 else None
    moved = _movements(shown, target)
    rows = _places(moved["account_id"], ids)
    return Edition(
        **columns,
        trend_dates=tuple(run.as_of for run in shown),
        trend_health=health,
        trend_band=bands,
        _before=before,
        _before_rows=_places(ids, before["account_id"] if before is not None else None),
        _movements=moved.take(pa.array(np.argsort(rows, kind="stable"))).combine_chunks(),
        _movement_rows=np.sort(rows),
    )


def _movements(shown: Sequence[runs.Run], target: str) -> pa.Table:
    """What moved the scores of the last run.

    Another run may have been published for a date between since it was worked out: then it says
    nothing of the run before.
    """
    moved = of_target(movement_rows.readable(shown[-1].movements()), target)
    before = shown[-2].folder.name if len(shown) > 1 else ""
    stale = pc.and_(pc.equal(moved["over"], "run"), pc.not_equal(moved["before"], before))
    return moved.filter(pc.invert(stale))


def _trends(
    earlier: Sequence[runs.Run], target: str, latest: pa.Table
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int8]]:
    columns = ["account_id", "target", "health_score", "band"]
    tables = [of_target(run.scores(columns), target) for run in earlier]
    shape = latest.num_rows, len(tables) + 1
    health = np.full(shape, np.nan)
    bands = np.full(shape, BANDS.index("unscored"), dtype=np.int8)
    for column, table in enumerate([*tables, latest]):
        places = _places(latest["account_id"], table["account_id"])
        there = places >= 0
        health[there, column] = _numbers(table["health_score"])[places[there]]
        bands[there, column] = _band_codes(table["band"])[places[there]]
    return health, bands


def _places(ids: pa.ChunkedArray, among: pa.ChunkedArray | None) -> RowIndex:
    """The place of each of `ids` in `among`, -1 where it is not there."""
    if among is None:
        return np.full(len(ids), -1)
    indices = pc.index_in(ids, value_set=flat(among))
    return cast(RowIndex, pc.fill_null(indices, -1).to_numpy().astype(np.int64))


def _numbers(column: pa.ChunkedArray) -> npt.NDArray[np.float64]:
    return cast("npt.NDArray[np.float64]", pc.fill_null(column, np.nan).to_numpy())


def _band_codes(column: pa.ChunkedArray) -> npt.NDArray[np.int8]:
    codes = pc.index_in(column, value_set=pa.array(BANDS))
    return cast("npt.NDArray[np.int8]", codes.to_numpy().astype(np.int8))


def _assessments(table: pa.Table, drivers: bool) -> list[Assessment]:
    if not drivers:
        empty = pa.nulls(table.num_rows, runs.SCHEMA.field("drivers").type)
        table = table.set_column(table.column_names.index("drivers"), "drivers", empty)
    return runs.from_rows(table)
