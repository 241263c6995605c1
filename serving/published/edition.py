"""One edition of the book: the latest run of one target, with facts and trend, ready to read.

Everything is held in columns that are aligned to the rows of the latest run; an object is
built for an account only when somebody reads it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import compress
from types import MappingProxyType
from typing import ClassVar, NamedTuple, cast, overload

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from features.errors import ChurnlightError, NotFound
from serving.assessment.assess import Assessment
from serving.published import movement_rows, runs
from training.calibrating.bands import BANDS, Band
from training.movement.change import Movement

TREND_RUNS = 13
FACTS = pa.schema(
    [
        ("name", pa.string()),
        ("owner", pa.string()),
        ("parent", pa.string()),
        ("mrr", pa.float64()),
        ("renewal", pa.date32()),
        ("since", pa.date32()),
    ]
)
LONGEST_SEARCH = 200
_CHUNK = 512

Rows = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


class Point(NamedTuple):
    """One place of a trend: the score on one run's as-of date, null where there was none."""

    as_of: date
    health_score: float | None
    band: Band


class Total(NamedTuple):
    """How many accounts, and their monthly recurring revenue where any of it is known."""

    accounts: int
    mrr: float | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One account in the book: its assessment, the facts people want, and how it got here.

    `trend` has one place per run, oldest first, the latest included; `previous` is the
    assessment of the run before the latest one, and `movement` what moved the score since, where
    that was worked out; `missing` names the indicators of which no window is known.
    """

    assessment: Assessment
    name: str | None
    owner: str | None
    parent: str | None
    mrr: float | None
    renewal: date | None
    since: date | None
    trend: tuple[Point, ...]
    previous: Assessment | None
    missing: tuple[str, ...] = ()
    movement: Movement | None = None

    @property
    def title(self) -> str:
        """The account's name, or its id where it has none."""
        return self.name or self.assessment.account_id


class RunTable:
    """The scores of one target in one run: the common base of editions and prospects."""

    listed_at: ClassVar[str]
    run: runs.Run
    target: str
    _row_of: Mapping[str, int]

    def __len__(self) -> int:
        return len(self._row_of)

    def __contains__(self, account_id: object) -> bool:
        return account_id in self._row_of

    @property
    def model(self) -> runs.RunModel:
        """The model that made these scores."""
        return self.run.models[self.target]

    def row(self, account_id: str) -> int:
        """The place of an account in reading order.

        Raises
        ------
        NotFound
            The run has no such account.
        """
        if account_id not in self._row_of:
            raise NotFound(
                f"account {account_id!r} is not in the run of {self.run.as_of} for "
                f"{self.target!r}; GET {self.listed_at} lists those that are"
            )
        return self._row_of[account_id]


@dataclass(frozen=True)
class Edition(RunTable):
    """One target of the book at one moment; rows stand in reading order, lowest score first.

    Unscored accounts close the order; equal scores are ordered by account_id. `trend_health`
    (NaN where unscored) and `trend_band` (places in `BANDS`) have one column per trend date.
    """

    listed_at = "/v1/accounts"
    run: runs.Run
    target: str
    trend_dates: tuple[date, ...]
    features: pa.Table
    _indicators: tuple[str, ...]
    _unknown: Flags
    _scores: pa.Table
    _facts: pa.Table
    trend_health: npt.NDArray[np.float64]
    trend_band: npt.NDArray[np.int8]
    _before: pa.Table | None
    _before_rows: Rows
    _movements: pa.Table
    _movement_rows: Rows
    _row_of: Mapping[str, int]

    def entry(self, account_id: str) -> Entry:
        """The entry of one account, with its previous drivers and its movement.

        `NotFound` as in `row`.
        """
        row = self.row(account_id)
        found = self.entries(np.array([row]))[0]
        before = self._previous(np.array([row])).get(row)
        return replace(found, previous=before, movement=self._movement(row))

    def find(
        self,
        *,
        band: Band | None = None,
        q: str | None = None,
        segment: str | None = None,
        owner: str | None = None,
    ) -> "Entries":
        """The entries that fit every given filter, in reading order, built as they are read.

        `q` (at most `LONGEST_SEARCH` letters) is looked for, in any case, in account_id and name.
        """
        keep = np.ones(len(self), dtype=bool)
        for column, wanted in ((self.column("band"), band), (self.column("segment"), segment)):
            keep &= equal(column, wanted)
        keep &= equal(self._facts["owner"], owner)
        if q:
            keep &= holds(self.column("account_id"), q) | holds(self._facts["name"], q)
        return Entries(self, np.flatnonzero(keep))

    def entries(self, rows: Rows, *, drivers: bool = True) -> list[Entry]:
        """The entries of `rows`; without `drivers` they are left empty, which is faster.

        Their previous assessments have no drivers: ask for one account's `entry` for those.
        """
        chosen = pa.array(rows)
        now = _assessments(self._scores.take(chosen), drivers)
        facts = self._facts.take(chosen).to_pylist()
        before = self._previous(rows, drivers=False)
        return [
            Entry(
                item,
                **fact,
                trend=self._trend(row),
                previous=before.get(row),
                missing=self._missing(row),
            )
            for row, item, fact in zip(rows.tolist(), now, facts, strict=True)
        ]

    def band(self, account_id: str) -> Band | None:
        """The band of an account, null where the run has no such account."""
        if account_id not in self:
            return None
        return BANDS[int(self.trend_band[self._row_of[account_id], -1])]

    def totals(self) -> dict[Band, Total]:
        """Accounts and MRR per band, in the order red, yellow, green, unscored."""
        return {band: self._total(band) for band in BANDS}

    def values(self, column: str) -> list[str]:
        """The distinct values of `segment` or `owner`, sorted, for filters."""
        source = self._facts if column in self._facts.column_names else self._scores
        return sorted(value for value in source[column].unique().to_pylist() if value)

    def column(self, name: str) -> pa.ChunkedArray:
        """One column of the assessments or, failing that, of the account facts, all rows."""
        return (self._scores if name in self._scores.column_names else self._facts)[name]

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

    def _missing(self, row: int) -> tuple[str, ...]:
        return tuple(compress(self._indicators, self._unknown[row]))

    def _movement(self, row: int) -> Movement | None:
        place = int(self._movement_rows[row])
        return (
            None
            if place < 0
            else movement_rows.from_row(self._movements.slice(place, 1).to_pylist()[0])
        )

    def _previous(self, rows: Rows, drivers: bool = True) -> dict[int, Assessment]:
        if self._before is None:
            return {}
        places = self._before_rows[rows]
        known = places >= 0
        found = _assessments(self._before.take(pa.array(places[known])), drivers)
        return dict(zip(rows[known].tolist(), found, strict=True))


class Entries(Sequence[Entry]):
    """Entries of an edition that are built when they are read; a slice is of the same kind."""

    def __init__(self, edition: Edition, rows: Rows, drivers: bool = True) -> None:
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
    def __getitem__(self, index: slice) -> "Entries": ...

    def __getitem__(self, index: int | slice) -> "Entry | Entries":
        if isinstance(index, slice):
            return Entries(self._edition, self.rows[index], self._drivers)
        row = self.rows[index]
        return self._edition.entries(np.array([row]), drivers=self._drivers)[0]

    def __iter__(self) -> Iterator[Entry]:
        for start in range(0, len(self.rows), _CHUNK):
            chunk = self.rows[start : start + _CHUNK]
            yield from self._edition.entries(chunk, drivers=self._drivers)


def bind(
    found: Sequence[runs.Run], target: str, indicators: Mapping[str, Sequence[str]]
) -> Edition:
    """The edition of `target` that the last of `found` (oldest first) makes, with its trend.

    `indicators` maps the name of each live indicator to its feature columns.

    Raises
    ------
    ChurnlightError
        A file of a run is damaged, or the account facts are not all there.
    """
    shown = list(found)[-TREND_RUNS:]
    latest = shown[-1]
    scores = _in_reading_order(of_target(latest.scores(), target))
    ids = scores["account_id"]
    features = aligned(latest.features(), ids)
    known = columns_of(indicators, features)
    health, bands = _trends(shown[:-1], target, scores)
    before = of_target(shown[-2].scores(), target) if len(shown) > 1 else None
    # Another run may have been published for a date between since it was worked out.
    since = shown[-2].folder.name if len(shown) > 1 else ""
    moved = of_target(latest.movements(), target)
    moved = moved.filter(pc.equal(moved["before"], since)).combine_chunks()
    return Edition(
        run=latest,
        target=target,
        trend_dates=tuple(run.as_of for run in shown),
        features=features,
        _indicators=tuple(known),
        _unknown=unknown(features, known),
        _scores=scores,
        _facts=facts_of(latest, ids),
        trend_health=health,
        trend_band=bands,
        _before=before,
        _before_rows=_places(ids, before["account_id"] if before is not None else None),
        _movements=moved,
        _movement_rows=_places(ids, moved["account_id"]),
        _row_of=MappingProxyType({key: row for row, key in enumerate(ids.to_pylist())}),
    )


def columns_of(indicators: Mapping[str, Sequence[str]], features: pa.Table) -> dict[str, list[str]]:
    """The indicators with those of their columns that the features have, if there are any."""
    known = {
        name: [column for column in columns if column in features.column_names]
        for name, columns in indicators.items()
    }
    return {name: columns for name, columns in known.items() if columns}


def unknown(features: pa.Table, indicators: Mapping[str, Sequence[str]]) -> Flags:
    """Rows x indicators: whether no column of the indicator has a value in the row."""
    flags = np.ones((features.num_rows, len(indicators)), dtype=bool)
    for place, columns in enumerate(indicators.values()):
        for column in columns:
            flags[:, place] &= pc.is_null(features[column], nan_is_null=True).to_numpy()
    return flags


def aligned(table: pa.Table, ids: pa.ChunkedArray) -> pa.Table:
    """The rows of `table` in the order of the account ids."""
    places = pc.index_in(ids, value_set=_flat(table["account_id"]))
    return table.take(places).combine_chunks()


def of_target(scores: pa.Table, target: str) -> pa.Table:
    """The rows of one target."""
    return scores.filter(pc.equal(scores["target"], target)).combine_chunks()


def _in_reading_order(scores: pa.Table) -> pa.Table:
    order = pc.sort_indices(
        scores,
        sort_keys=[
            ("health_score_unclipped", "ascending", "at_end"),
            ("account_id", "ascending", "at_end"),
        ],
    )
    return scores.take(order).combine_chunks()


def facts_of(run: runs.Run, ids: pa.ChunkedArray) -> pa.Table:
    """The account facts of a run in the order of the account ids; errors as of `bind`."""
    found = run.accounts()
    if lacking := [name for name in FACTS.names if name not in found.column_names]:
        raise ChurnlightError(
            f"{run.folder / 'accounts.parquet'}: lacks the columns {', '.join(lacking)}; "
            "run: churnlight score"
        )
    return aligned(found, ids).select(FACTS.names).cast(FACTS)


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


def _places(ids: pa.ChunkedArray, among: pa.ChunkedArray | None) -> Rows:
    """Where each of `ids` stands in `among`, -1 where it does not."""
    if among is None:
        return np.full(len(ids), -1)
    found = pc.index_in(ids, value_set=_flat(among))
    return cast(Rows, pc.fill_null(found, -1).to_numpy().astype(np.int64))


def _flat(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _numbers(column: pa.ChunkedArray) -> npt.NDArray[np.float64]:
    return cast("npt.NDArray[np.float64]", pc.fill_null(column, np.nan).to_numpy())


def _band_codes(column: pa.ChunkedArray) -> npt.NDArray[np.int8]:
    codes = pc.index_in(column, value_set=pa.array(BANDS))
    return cast("npt.NDArray[np.int8]", codes.to_numpy().astype(np.int8))


def equal(column: pa.ChunkedArray, wanted: str | None) -> Flags:
    """Which rows have the wanted value; all where none is wanted."""
    if wanted is None:
        return np.ones(len(column), dtype=bool)
    return cast(Flags, pc.fill_null(pc.equal(column, wanted), False).to_numpy())


def holds(column: pa.ChunkedArray, text: str) -> Flags:
    """Which rows have the text in them, in any case."""
    found = pc.match_substring(column, text, ignore_case=True)
    return cast(Flags, pc.fill_null(found, False).to_numpy())


def _assessments(table: pa.Table, drivers: bool) -> list[Assessment]:
    if not drivers:
        empty = pa.nulls(table.num_rows, runs.SCHEMA.field("drivers").type)
        table = table.set_column(table.column_names.index("drivers"), "drivers", empty)
    return runs.from_rows(table)
