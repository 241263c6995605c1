"""The scores of one target in one run, in columns, whatever the kind of score.

`edition` is its kind for health, `prospects` its kind for opportunities. Everything is held in
columns that are aligned to the rows of the run, in reading order; an object is built for an account
only when somebody reads it.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import compress
from types import MappingProxyType
from typing import ClassVar, Literal, TypedDict, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from features.errors import ChurnlightError, NotFound
from serving.published import runs

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

RowIndex = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Order = tuple[str, Literal["ascending", "descending"]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedAccount(ABC):
    """The facts of an account that people want; `missing` names the indicators without a value."""

    name: str | None
    owner: str | None
    parent: str | None
    mrr: float | None
    renewal: date | None
    since: date | None
    missing: tuple[str, ...] = ()

    @property
    @abstractmethod
    def account_id(self) -> str:
        """Which account it is."""

    @property
    def title(self) -> str:
        """The account's name, or its id where it has none."""
        return self.name or self.account_id


class RunColumns(TypedDict):
    """The columns of a run table of either kind."""

    run: runs.Run
    target: str
    features: pa.Table
    _indicators: tuple[str, ...]
    _unknown: Flags
    _scores: pa.Table
    _facts: pa.Table
    _row_of: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class RunTable:
    """One target of one run; rows are in reading order, unscored accounts last.

    `light` is the column of the scores that says a row's light: its band, or the state of its
    opportunity.
    """

    listed_at: ClassVar[str]
    light: ClassVar[str]
    run: runs.Run
    target: str
    features: pa.Table
    _indicators: tuple[str, ...]
    _unknown: Flags
    _scores: pa.Table
    _facts: pa.Table
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

    def rows(
        self,
        *,
        light: str | None = None,
        q: str | None = None,
        segment: str | None = None,
        owner: str | None = None,
    ) -> RowIndex:
        """The rows that fit every given filter, in reading order.

        `q` (at most `LONGEST_SEARCH` letters) is looked for, in any case, in account_id and name.
        """
        keep = equal(self._scores[self.light], light) & equal(self._scores["segment"], segment)
        keep &= equal(self._facts["owner"], owner)
        if q:
            keep &= holds(self._scores["account_id"], q) | holds(self._facts["name"], q)
        return np.flatnonzero(keep)

    def count(self, light: str) -> int:
        """How many accounts have a light."""
        return int(equal(self._scores[self.light], light).sum())

    def values(self, column: str) -> list[str]:
        """The distinct values of `segment` or `owner`, sorted, for filters."""
        return sorted(value for value in self.column(column).unique().to_pylist() if value)

    def column(self, name: str) -> pa.ChunkedArray:
        """One column of the scores or, failing that, of the account facts, all rows."""
        return (self._scores if name in self._scores.column_names else self._facts)[name]

    def has(self, fact: str) -> bool:
        """Whether any account of the run has this fact."""
        facts = self._facts[fact]
        return bool(facts.null_count < len(facts))

    def _missing(self, row: int) -> tuple[str, ...]:
        return tuple(compress(self._indicators, self._unknown[row]))


def run_columns(
    run: runs.Run, target: str, indicators: Mapping[str, Sequence[str]], by: Order
) -> RunColumns:
    """The columns of `target` in `run`, ordered by one of them, then by account_id.

    `indicators` maps the name of each live indicator to its feature columns.

    Raises
    ------
    ChurnlightError
        A file of the run is damaged, or the account facts are not all there.
    """
    keys = [(*by, "at_end"), ("account_id", "ascending", "at_end")]
    scores = of_target(run.scores(), target).sort_by(keys).combine_chunks()
    ids = scores["account_id"]
    features = aligned(run.features(), ids)
    live_columns = columns_of(indicators, features)
    return {
        "run": run,
        "target": target,
        "features": features,
        "_indicators": tuple(live_columns),
        "_unknown": unknown(features, live_columns),
        "_scores": scores,
        "_facts": facts_of(run, ids),
        "_row_of": MappingProxyType({key: row for row, key in enumerate(ids.to_pylist())}),
    }


def columns_of(indicators: Mapping[str, Sequence[str]], features: pa.Table) -> dict[str, list[str]]:
    """The indicators with those of their columns that the features have, if there are any."""
    present = {
        name: [column for column in columns if column in features.column_names]
        for name, columns in indicators.items()
    }
    return {name: columns for name, columns in present.items() if columns}


def unknown(features: pa.Table, indicators: Mapping[str, Sequence[str]]) -> Flags:
    """Rows x indicators: whether no column of the indicator has a value in the row."""
    flags = np.ones((features.num_rows, len(indicators)), dtype=bool)
    for index, columns in enumerate(indicators.values()):
        for column in columns:
            flags[:, index] &= pc.is_null(features[column], nan_is_null=True).to_numpy()
    return flags


def aligned(table: pa.Table, ids: pa.ChunkedArray) -> pa.Table:
    """The rows of `table` in the order of the account ids."""
    places = pc.index_in(ids, value_set=flat(table["account_id"]))
    return table.take(places).combine_chunks()


def of_target(scores: pa.Table, target: str) -> pa.Table:
    """The rows of one target."""
    return scores.filter(pc.equal(scores["target"], target)).combine_chunks()


def facts_of(run: runs.Run, ids: pa.ChunkedArray) -> pa.Table:
    """The account facts of a run in the order of the account ids."""
    accounts = run.accounts()
    if lacking := [name for name in FACTS.names if name not in accounts.column_names]:
        raise ChurnlightError(
            f"{run.folder / 'accounts.parquet'}: lacks the columns {', '.join(lacking)}; "
            "run: churnlight score"
        )
    return aligned(accounts, ids).select(FACTS.names).cast(FACTS)


def flat(column: pa.ChunkedArray) -> pa.Array:
    """The column in one piece."""
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def equal(column: pa.ChunkedArray, wanted: str | None) -> Flags:
    """Which rows hold `wanted`; all of them where it is None."""
    if wanted is None:
        return np.ones(len(column), dtype=bool)
    return cast(Flags, pc.fill_null(pc.equal(column, wanted), False).to_numpy())


def holds(column: pa.ChunkedArray, text: str) -> Flags:
    """Which rows have the text in them, in any case."""
    matches = pc.match_substring(column, text, ignore_case=True)
    return cast(Flags, pc.fill_null(matches, False).to_numpy())
