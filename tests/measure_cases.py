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

from features import snapshots, sources
from features.company import Company
from features.declaration import parse
from features.snapshots import Snapshots
from measure_oracle import Absent, Fact, MeasureName, Value, is_known, measure, utc_from_local
from random_tables import FactTable, Kind, tables

Keys = Literal["string", "integer", "crosswalk", "derived"]
LEVELS = (0.0, 0.25, 0.5, 0.9, 1.0)
SINCE = date(2020, 1, 1)
UNTIL = date(2024, 12, 31)
# Sydney's clocks go back in April, within reach of every as-of date; the others' go forward.
ZONES = (None, "Europe/Berlin", "America/New_York", "Australia/Sydney")
OF_KIND: dict[Kind, tuple[MeasureName, ...]] = {
    "number": get_args(MeasureName),
    "text": ("count", "distinct", "latest", "days_since"),
    "flag": ("count", "sum", "share", "distinct", "latest", "mean"),
}


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
        return f"{self.name}__{'all' if self.window is None else f'{self.window}d'}"


@st.composite
def stored(draw: st.DrawFn, kind: Kind) -> tuple[FactTable, Layout]:
    """Draw a table and how it is stored; its times are those that its zone can say."""
    layout = Layout(
        keys=draw(st.sampled_from(get_args(Keys))),
        suffix=draw(st.sampled_from(("parquet", "csv") if kind != "text" else ("parquet",))),
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
    return replace(fact, event_time=event, known_time=max(event, known))


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
            elif name not in ("ratio", "share") or kind == "flag":
                yield Asked(f"{name.replace('_', '-')}-{word}", name, window)


def _ratio(of: str, table: FactTable) -> tuple[tuple[str, Any], ...]:
    return (("of", of), ("earlier_days", table.earlier_days))


def declared(asked: Sequence[Asked], layout: Layout) -> str:
    """Return the declaration of a company whose facts are stored as `layout` says."""
    return "\n".join([_accounts(layout), _facts(layout), *map(_indicator, asked)])


def _accounts(layout: Layout) -> str:
    head = f'[company]\nname = "Measured"\ndata_until = {UNTIL}\n[accounts]\n'
    if layout.keys == "derived":
        return head + 'source = "facts"\nkey = "account"\nderived = true'
    crosswalk = 'crosswalk = { helpdesk = "org" }\n' if layout.keys == "crosswalk" else ""
    return (
        f'{head}source = "accounts"\nkey = "key"\nattributes = {{ since = "since" }}\n{crosswalk}'
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


def _indicator(asked: Asked) -> str:
    more = dict(asked.options)
    lines = [
        f"[indicators.{asked.name}]",
        'title = "T"',
        'dimension = "business"',
        'kind = "context"',
        'source = "facts"',
        'where = "keep"',
        f'measure = "{asked.measure}"',
        f'windows = ["{asked.column.rpartition("__")[2]}"]',
        'says = { bad = "{value}", good = "{value}" }',
    ]
    lines += ['value = "value"'] if asked.by_value else []
    lines += [f"quantile = {more['quantile']}"] if "quantile" in more else []
    if "of" in more:
        lines += [f'of = "{more["of"]}"', f'earlier = "{more["earlier_days"]}d"']
    return "\n".join(lines)


def write(folder: Path, table: FactTable, layout: Layout, asked: Sequence[Asked]) -> Company:
    """Write the table's files and return the company that declares them."""
    keys = [_key(account, layout) for account in table.accounts]
    accounts = {
        "key": list(table.accounts) if layout.keys == "crosswalk" else keys,
        "since": [SINCE] * len(keys),
        "org": keys,
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


def write_facts(folder: Path, table: FactTable, layout: Layout) -> None:
    """Write the facts alone."""
    columns: dict[str, list[Any]] = {
        "account": [_key(fact.account, layout) for fact in table.facts],
        "at": [fact.event_time for fact in table.facts],
        "known": [fact.known_time for fact in table.facts],
        "value": [fact.value for fact in table.facts],
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


def _types(table: FactTable, layout: Layout) -> pa.Schema:
    time = pa.timestamp("us", tz=None if layout.zone else "UTC")
    known = [fact.value for fact in table.facts if fact.value is not None]
    kinds: dict[type, pa.DataType] = {bool: pa.bool_(), str: pa.string(), float: pa.float64()}
    value = kinds[type(known[0])] if known else pa.float64()
    key = pa.int64() if layout.keys == "integer" else pa.string()
    return pa.schema(
        [("account", key), ("at", time), ("known", time), ("value", value), ("keep", pa.bool_())]
    )


def _write_csv(path: Path, columns: dict[str, list[Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for row in zip(*columns.values(), strict=True):
            writer.writerow([str(item).lower() if isinstance(item, bool) else item for item in row])


def built(company: Company, *days: date) -> Snapshots:
    """Return the company's snapshots, without asking first whether its tables keep the contract."""
    with sources.opened(company) as opened:
        return snapshots.build_from(opened, days)


def by_account(snapshot: Snapshots, column: str) -> dict[str, Any]:
    """Return a column of one as-of date by account."""
    ids = snapshot.table["account_id"].to_pylist()
    return dict(zip(ids, snapshot.table[column].to_pylist(), strict=True))


def expected(table: FactTable, layout: Layout, asked: Asked) -> dict[str, Value | None]:
    """Return what the oracle says of every account that is there at the as-of date.

    A ratio besides asks for a history as long as both its windows.
    """
    facts = table.facts
    if not asked.by_value:
        facts = tuple(replace(fact, value=True) for fact in facts)
    found = measure(
        facts,
        table.as_of,
        accounts=present(table, layout),
        window_days=asked.window,
        measure=asked.measure,
        absent=layout.absent,
        **dict(asked.options),
    )
    if asked.measure == "ratio":
        span = (asked.window or 0) + table.earlier_days
        found |= {name: None for name, days in _history(table, layout).items() if days < span}
    return {account_id(account, layout): value for account, value in found.items()}


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
