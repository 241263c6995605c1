"""Facts of whole accounts to windowed measures for a grid of as-of dates.

One grouped query per source: every fact meets the as-of dates that it counts for, and each
column of each indicator is one filtered aggregate over them.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from features import clock, rows
from features.company import Indicator, Source, Stage, column_name
from features.engines.on_duckdb import EngineError, quote
from features.errors import DeclarationError
from features.sources import Tables
from features.sql_types import FLAG, is_number


@dataclass(frozen=True)
class Column:
    """One feature column: an indicator over one window (days; `None` is the whole history)."""

    name: str
    indicator: str
    window: int | None
    dtype: Literal["number", "category"]
    stage: Stage


def columns(tables: Tables, stages: tuple[Stage, ...] = ("live", "shadow")) -> list[Column]:
    """The feature columns of the company, in the order of its declaration."""
    return [
        Column(column_name(name, window), name, window, _dtype(tables, item), item.stage)
        for name, item in tables.company.staged(*stages).items()
        for window in item.spans()
    ]


def _dtype(tables: Tables, item: Indicator) -> Literal["number", "category"]:
    if item.measure != "latest":
        return "number"
    found = tables.engine.types(f"SELECT ({item.value}) AS v FROM {quote(item.source)}")["v"]
    return "number" if found == FLAG or is_number(found) else "category"


def keep_measures(tables: Tables, source: str, name: str) -> None:
    """Stores, as table `name`, the source's columns per account_id and as_of that has facts."""
    wanted = {
        key: item
        for key, item in tables.company.staged("live", "shadow").items()
        if item.source == source
    }
    facts = rows.facts(tables, source, dict(_row_columns(wanted)))
    ordered = f"facts of {source}"
    reach = clock.within(_widest(wanted))
    aggregates = ", ".join(
        f"{sql} AS {quote(column)}"
        for key, item in wanted.items()
        for column, sql in _aggregates(key, item, tables)
    )
    try:
        # Sums of floats depend on the order: that of the content, not of the rows in the file.
        tables.engine.keep(ordered, f"{facts} ORDER BY ALL")
        tables.engine.keep(
            name,
            f"SELECT account_id, as_of, {aggregates} FROM {quote(ordered)} "
            f"JOIN {quote(rows.GRID)} ON {clock.known()} AND {reach} GROUP BY account_id, as_of",
        )
    except EngineError as error:
        raise DeclarationError(
            f"churnlight.toml: an indicator over source {source!r} cannot be computed: {error}; "
            "churnlight check names it"
        ) from error


def _row_columns(wanted: Mapping[str, Indicator]) -> Iterator[tuple[str, str]]:
    for name, item in wanted.items():
        yield f"keep {name}", rows.keep(item)
        yield f"value {name}", f"({item.value})" if item.value is not None else "1"


def _widest(wanted: Mapping[str, Indicator]) -> int | None:
    reaches = [
        None if window is None else window + (item.earlier or 0)
        for item in wanted.values()
        for window in item.spans()
    ]
    return None if None in reaches else max(days for days in reaches if days is not None)


def _aggregates(name: str, item: Indicator, tables: Tables) -> Iterator[tuple[str, str]]:
    category = _dtype(tables, item) == "category"
    for window in item.spans():
        terms = _Terms(name, item, window)
        sql = _counted(MEASURES[item.measure](terms), terms, tables.company.sources[item.source])
        kind = "VARCHAR" if category else "DOUBLE"
        yield column_name(name, window), f"CAST({sql} AS {kind})"


@dataclass(frozen=True)
class _Terms:
    """What an aggregate is written with: the value and the rows of the window."""

    name: str
    item: Indicator
    window: int | None

    @property
    def value(self) -> str:
        return quote(f"value {self.name}")

    @property
    def number(self) -> str:
        return f"CAST({self.value} AS DOUBLE)"

    @property
    def rows(self) -> str:
        kept = quote(f"keep {self.name}")
        return f"FILTER (WHERE {kept} AND {clock.within(self.window)})"

    @property
    def earlier_rows(self) -> str:
        span = clock.within(self.item.earlier, before=self.window or 0)
        return f"FILTER (WHERE {quote(f'keep {self.name}')} AND {span})"

    @property
    def reported(self) -> str:
        return f"count(*) FILTER (WHERE {clock.within(self.window)}) > 0"


def _ratio(terms: _Terms) -> str:
    amount = "count(*)" if terms.item.of == "count" else f"sum({terms.number})"
    recent = f"coalesce({amount} {terms.rows}, 0) / {terms.window}.0"
    earlier = f"nullif({amount} {terms.earlier_rows}, 0) / {terms.item.earlier}.0"
    return f"({recent}) / ({earlier})"


def _latest(terms: _Terms) -> str:
    order = f"(event_time, known_time, {terms.value})"
    return f"arg_max({terms.value}, {order}) {terms.rows}"


MEASURES: dict[str, Callable[[_Terms], str]] = {
    "count": lambda terms: f"count(*) {terms.rows}",
    "sum": lambda terms: f"sum({terms.number}) {terms.rows}",
    "mean": lambda terms: f"avg({terms.number}) {terms.rows}",
    "max": lambda terms: f"max({terms.number}) {terms.rows}",
    "min": lambda terms: f"min({terms.number}) {terms.rows}",
    "share": lambda terms: f"avg(CAST(CAST({terms.value} AS BOOL) AS INT)) {terms.rows}",
    "distinct": lambda terms: f"count(DISTINCT {terms.value}) {terms.rows}",
    "latest": _latest,
    "days_since": lambda terms: clock.days_since(f"max(event_time) {terms.rows}"),
    "days_since_first": lambda terms: clock.days_since(f"min(event_time) {terms.rows}"),
    "quantile": lambda terms: (
        f"quantile_cont({terms.number}, {terms.item.quantile!r}) {terms.rows}"
    ),
    "ratio": _ratio,
}
COUNTED = ("count", "sum", "distinct")


def _counted(sql: str, terms: _Terms, source: Source) -> str:
    """Where a source's silence is unknown, a count is null unless it has any row in the window."""
    if terms.item.measure in COUNTED:
        sql = f"coalesce({sql}, 0)"
    elif terms.item.measure != "ratio":
        return sql
    return f"CASE WHEN {terms.reported} THEN {sql} END" if source.absent == "missing" else sql


def filled(item: Indicator, source: Source, window: int | None, column: str) -> str:
    """`column` of an account with `history_days`, where it may have no fact of the source at all.

    A ratio needs a history as long as both its windows: over the few days that a new account
    has of the earlier one, it would be any number.
    """
    if item.measure == "ratio":
        span = (window or 0) + (item.earlier or 0)
        return f"CASE WHEN history_days >= {span} THEN {column} END"
    is_zero = item.measure in COUNTED and source.absent == "zero"
    return f"coalesce({column}, 0)" if is_zero else column
