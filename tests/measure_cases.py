"""Random fact tables put on disk as a company declares them, and what the oracle says of them.

The one design rule: a `Layout` changes how the same facts are stored (keys, file format, zone,
crosswalk), never what they say, so that every layout must give the oracle's answer.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st

from declared_measures import TOPICS, Indicator, column, taxonomies
from features import snapshots, sources
from features.declaring.company import Company
from features.declaring.declaration import parse
from features.snapshots import Snapshots
from keyword_oracle import mentions
from measure_oracle import (
    Absent,
    Answers,
    Fact,
    MeasureName,
    Value,
    is_known,
    measure,
    peer_rank,
    quotient,
    utc_from_local,
)
from random_tables import LAG, SPANS, FactTable, Kind, tables

Keys = Literal["string", "integer", "crosswalk", "derived"]
LEVELS = (0.0, 0.25, 0.5, 0.9, 1.0)
SINCE = date(2020, 1, 1)
UNTIL = date(2024, 12, 31)
# Sydney's clocks go back in April, within reach of every as-of date; the others' go forward.
ZONES = (None, "Europe/Berlin", "America/New_York", "Australia/Sydney")
OF_KIND: dict[Kind, tuple[MeasureName, ...]] = {
    "number": (
        *("count", "sum", "mean", "max", "min", "distinct", "latest", "quantile", "ratio"),
        *("days_since", "days_since_first"),
    ),
    "text": ("count", "distinct", "latest", "days_since"),
    "flag": ("count", "sum", "share", "distinct", "latest", "mean"),
}
TEXTS = ("text", "body")  # a CSV file cannot tell the empty text from null


@dataclass(frozen=True)
class Layout:
    """How facts are stored: keys, file, zone of their clocks (None: with an offset), absence."""

    keys: Keys = "string"
    suffix: Literal["parquet", "csv"] = "parquet"
    zone: str | None = None
    absent: Absent = "zero"


@dataclass(frozen=True)
class Asked:
    """One declared indicator: its name, and what the oracle is asked for it."""

    name: str
    measure: MeasureName
    window: int | None
    options: tuple[tuple[str, Any], ...] = ()
    by_value: bool = True

    @property
    def column(self) -> str:
        """The feature column."""
        return column(self.name, self.window)

    def declared(self) -> Indicator:
        """Return it as the company declares it."""
        options = tuple(item for item in self.options if item[0] != "topic")
        indicator = Indicator(self.name, self.measure, (self.window,), options=options)
        topic = dict(self.options).get("topic")
        if topic is not None:
            return replace(indicator, about=("value", topic))
        return replace(indicator, value="value") if self.by_value else indicator


@dataclass(frozen=True)
class Quotient:
    """An indicator that divides one by another."""

    name: str
    over: Asked
    per: Asked

    @property
    def column(self) -> str:
        """The feature column."""
        return column(self.name, self.over.window)

    def declared(self) -> Indicator:
        """Return it as the company declares it."""
        options = (("over", self.over.name), ("per", self.per.name))
        return Indicator(self.name, "quotient", source=None, options=options)


@dataclass(frozen=True)
class PeerRank:
    """An indicator that ranks another within its segment."""

    name: str
    of: Asked | Quotient

    @property
    def column(self) -> str:
        """The feature column."""
        return self.of.column.replace(self.of.name, self.name, 1)

    def declared(self) -> Indicator:
        """Return it as the company declares it."""
        return Indicator(self.name, "peer_rank", source=None, options=(("of", self.of.name),))


AnyAsked = Asked | Quotient | PeerRank


@st.composite
def stored(draw: st.DrawFn, kind: Kind) -> tuple[FactTable, Layout]:
    """Draw a table and how it is stored; its times are those that its zone can say."""
    layout = Layout(
        keys=draw(st.sampled_from(get_args(Keys))),
        suffix=draw(st.sampled_from(("parquet",) if kind in TEXTS else ("parquet", "csv"))),
        zone=draw(st.sampled_from(ZONES)),
        absent=draw(st.sampled_from(get_args(Absent))),
    )
    table = draw(tables(kind))
    if not any(fact.value is not None for fact in table.facts):
        # A CSV without a single value does not say what its columns hold.
        layout = replace(layout, suffix="parquet")
    return replace(table, facts=tuple(said(fact, layout.zone) for fact in table.facts)), layout


def said(fact: Fact, zone: str | None) -> Fact:
    """Return the fact at the times that clocks of `zone` can say; it is known no sooner."""
    if zone is None:
        return fact
    event, known = (
        utc_from_local(local(moment, zone), zone) for moment in (fact.event_time, fact.known_time)
    )
    value = fact.value
    if isinstance(value, datetime):
        value = utc_from_local(local(value, zone), zone)
    return replace(fact, event_time=event, known_time=max(event, known), value=value)


def local(moment: datetime, zone: str) -> datetime:
    """Return what clocks of `zone` show."""
    return moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def every_measure(kind: Kind, table: FactTable) -> Iterator[Asked]:
    """Yield every measure of a kind of value over the table's window and the whole history."""
    for window in dict.fromkeys((table.window_days, None)):
        word = "w" if window else "a"
        yield Asked(f"rows-{word}", "count", window, by_value=False)
        for name in OF_KIND[kind]:
            if name == "quantile":
                yield from (
                    Asked(f"q{number}-{word}", name, window, (("quantile", level),))
                    for number, level in enumerate(LEVELS)
                )
            elif name == "ratio" and window is not None:
                yield from (
                    Asked(f"ratio-{of}-{word}", name, window, _ratio(of, table))
                    for of in ("count", "sum")
                )
            elif name != "ratio":
                yield Asked(f"{name.replace('_', '-')}-{word}", name, window)


def _ratio(of: str, table: FactTable) -> tuple[tuple[str, Any], ...]:
    return (("of", of), ("earlier_days", table.earlier_days))


def every_comparison(kind: Kind, table: FactTable) -> Iterator[AnyAsked]:
    """Yield what compares spans of time, indicators, days and texts, over the table's window."""
    window = table.window_days
    if kind in ("day", "moment"):
        for days in dict.fromkeys((window, None)):
            yield Asked("due-w" if days else "due-a", "days_until", days)
    elif kind == "body":
        for topic in TOPICS:
            yield Asked(f"{topic}-count", "count", window, (("topic", topic),))
            yield Asked(f"{topic}-since", "days_since", None, (("topic", topic),))
    elif kind == "number":
        yield from _of_indicators(window)
        if window is not None:
            yield from _of_spans(table, window)


def _of_indicators(window: int | None) -> Iterator[AnyAsked]:
    total, rows = Asked("total", "sum", window), Asked("rows", "count", window, by_value=False)
    every, share = Asked("every", "sum", None), Quotient("share", total, rows)
    yield from (total, rows, every, share, Quotient("part", total, every))
    yield from (PeerRank("rank", total), PeerRank("share-rank", share))


def _of_spans(table: FactTable, window: int) -> Iterator[Asked]:
    ratio = _ratio("count", table)
    lag, shrink = ("lag_days", window + LAG), ("shrink", 2.5)
    yield Asked("lagged", "ratio", window, (*ratio, lag))
    yield Asked("lagged-sum", "ratio", window, (*_ratio("sum", table), lag))
    yield Asked("shrunk", "ratio", window, (*ratio, shrink))
    yield Asked("lagged-shrunk", "ratio", window, (*ratio, lag, shrink))
    yield Asked("change", "change", window)
    yield Asked("deviation", "deviation", window, (("earlier_days", SPANS * window),))
    for name, by_value in (("silence", True), ("row-silence", False)):
        yield Asked(name, "longest_silence", window, by_value=by_value)


def declared(asked: Sequence[AnyAsked], layout: Layout) -> str:
    """Return the declaration of a company whose facts are stored as `layout` says."""
    indicators = [item.declared() for item in asked]
    tables = [indicator.toml() for indicator in indicators]
    return "\n".join([_accounts(layout), _facts(layout), taxonomies(indicators), *tables])


def _accounts(layout: Layout) -> str:
    head = f'[company]\nname = "Measured"\ndata_until = {UNTIL}\n[accounts]\n'
    if layout.keys == "derived":
        return head + 'source = "facts"\nkey = "account"\nderived = true'
    crosswalk = 'crosswalk = { helpdesk = "org" }\n' if layout.keys == "crosswalk" else ""
    return (
        f'{head}source = "accounts"\nkey = "key"\n'
        f'attributes = {{ since = "since", segment = "size" }}\n{crosswalk}'
        '[sources.accounts]\npath = "accounts.parquet"'
    )


def _facts(layout: Layout) -> str:
    zone = f', zone = "{layout.zone}"' if layout.zone else ""
    system = 'system = "helpdesk", ' if layout.keys == "crosswalk" else ""
    return f"""
[sources.facts]
path = "facts.{layout.suffix}"
account = {{ {system}column = "account" }}
event_time = {{ column = "at"{zone} }}
known_time = {{ column = "known"{zone} }}
absent = "{layout.absent}"
[targets.silence]
inactivity = {{ source = "facts", within = "30d" }}
active_within = "60d"
horizon = "30d"
"""


def write(folder: Path, table: FactTable, layout: Layout, asked: Sequence[AnyAsked]) -> Company:
    """Write the table's files and return the company that declares them."""
    keys = [_key(account, layout) for account in table.accounts]
    accounts = {
        "key": list(table.accounts) if layout.keys == "crosswalk" else keys,
        "since": [SINCE] * len(keys),
        "org": keys,
        "size": [segment(account, layout) for account in table.accounts],
    }
    pq.write_table(pa.table(accounts), folder / "accounts.parquet")
    write_facts(folder, table, layout)
    return parse(declared(asked, layout), folder)


def _key(account: str, layout: Layout) -> str | int:
    if layout.keys == "crosswalk":
        return f"org {account}"
    return int(account[1:]) if layout.keys == "integer" else account


def account_id(account: str, layout: Layout) -> str:
    """Return the account's id in the snapshots."""
    return account if layout.keys == "crosswalk" else str(_key(account, layout))


def segment(account: str, layout: Layout) -> str | None:
    """Return the account's segment: by the last digit; derived ones have none."""
    if layout.keys == "derived":
        return None
    return "small" if ord(account[-1]) % 3 else "large"


def write_facts(folder: Path, table: FactTable, layout: Layout) -> None:
    """Write the facts alone."""
    columns: dict[str, list[Any]] = {
        "account": [_key(fact.account, layout) for fact in table.facts],
        "at": [fact.event_time for fact in table.facts],
        "known": [fact.known_time for fact in table.facts],
        "value": [_stored_value(fact, layout) for fact in table.facts],
        "keep": [fact.keep for fact in table.facts],
    }
    if layout.zone:
        for name in ("at", "known"):
            columns[name] = [local(moment, layout.zone) for moment in columns[name]]
    if layout.suffix == "csv":
        _write_csv(folder / "facts.csv", columns)
    else:
        types = _types(table, layout)
        pq.write_table(pa.table(columns, schema=types), folder / "facts.parquet")


def _stored_value(fact: Fact, layout: Layout) -> Value | None:
    if isinstance(fact.value, datetime) and layout.zone:
        return local(fact.value, layout.zone)
    return fact.value


def _types(table: FactTable, layout: Layout) -> pa.Schema:
    time = pa.timestamp("us", tz=None if layout.zone else "UTC")
    kinds: dict[Kind, pa.DataType] = {
        "number": pa.float64(),
        "text": pa.string(),
        "flag": pa.bool_(),
        "day": pa.date32(),
        "moment": time,
        "body": pa.string(),
    }
    key = pa.int64() if layout.keys == "integer" else pa.string()
    return pa.schema(
        [
            ("account", key),
            ("at", time),
            ("known", time),
            ("value", kinds[table.kind]),
            ("keep", pa.bool_()),
        ]
    )


def _write_csv(path: Path, columns: dict[str, list[Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for row in zip(*columns.values(), strict=True):
            writer.writerow([str(item).lower() if isinstance(item, bool) else item for item in row])


def built(company: Company, *days: date) -> Snapshots:
    """Return the company's snapshots, without asking first whether its tables keep the contract."""
    with sources.open_tables(company) as opened:
        return snapshots.build_from(opened, days)


def by_account(snapshot: Snapshots, column: str) -> dict[str, Any]:
    """Return a column of one as-of date by account."""
    ids = snapshot.table["account_id"].to_pylist()
    return dict(zip(ids, snapshot.table[column].to_pylist(), strict=True))


def expected(table: FactTable, layout: Layout, asked: AnyAsked) -> Answers:
    """Return what the oracle says of every account that is there at the as-of date."""
    if isinstance(asked, Quotient):
        return quotient(expected(table, layout, asked.over), expected(table, layout, asked.per))
    names = {account_id(account, layout): account for account in present(table, layout)}
    if isinstance(asked, PeerRank):
        segments = {name: segment(account, layout) for name, account in names.items()}
        return peer_rank(expected(table, layout, asked.of), segments)
    found = measure(
        as_counted(table.facts, asked),
        table.as_of,
        accounts=list(names.values()),
        window_days=asked.window,
        measure=asked.measure,
        absent=layout.absent,
        history=_history(table, layout),
        **{name: value for name, value in asked.options if name != "topic"},
    )
    return {name: found[account] for name, account in names.items()}


def as_counted(facts: Sequence[Fact], asked: Asked) -> list[Fact]:
    """Return the facts with what the indicator counts in them: rows, values or rows on a topic."""
    topic = dict(asked.options).get("topic")
    if topic is not None:
        return [
            replace(fact, value=True, keep=fact.keep and _is_about(fact, topic)) for fact in facts
        ]
    return list(facts) if asked.by_value else [replace(fact, value=True) for fact in facts]


def _is_about(fact: Fact, topic: str) -> bool:
    assert fact.value is None or isinstance(fact.value, str)
    return mentions(fact.value, TOPICS[topic])


def _history(table: FactTable, layout: Layout) -> dict[str, int]:
    """Return since how many days each present account exists; a derived one by its first fact."""
    days = dict.fromkeys(present(table, layout), (table.as_of - SINCE).days)
    if layout.keys == "derived":
        for name in days:
            first = min(fact.event_time for fact in _known(table) if fact.account == name)
            days[name] = (table.as_of - first.date()).days
    return days


def _known(table: FactTable) -> list[Fact]:
    return [fact for fact in table.facts if is_known(fact, table.as_of)]


def present(table: FactTable, layout: Layout) -> list[str]:
    """Return the accounts that exist at the as-of date: derived ones once a fact is known."""
    if layout.keys != "derived":
        return sorted(table.accounts)
    return sorted({fact.account for fact in _known(table)})
