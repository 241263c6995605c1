"""One company on disk that holds every edge of the clock, of keys and of numbers at once.

The design rule: an engine may cost seconds to start, so that all cases share one build. The rows
are made in Python; the files and what the oracle is asked are two views of the same rows.
"""

import csv
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, fields, replace
from datetime import date, datetime, timedelta
from itertools import cycle
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq

from conformance_indicators import SOURCES, Source
from declared_measures import Indicator, taxonomies
from measure_oracle import start_of, utc_from_local

# Unsorted and with repetitions. A leap day; the days on which the clocks of Berlin, New York and
# Sydney go forward and back, and the days after; mornings before any fact and before any account.
DATES = (
    *(date(2024, 4, 1), date(2024, 2, 29), date(2024, 10, 28), date(2024, 3, 31)),
    *(date(2024, 2, 29), date(2019, 1, 1), date(2024, 10, 27), date(2024, 3, 11)),
    *(date(2025, 3, 1), date(2024, 11, 4), date(2024, 4, 8), date(2024, 4, 1)),
    *(date(2024, 10, 7), date(2010, 1, 1)),
)
EDGES = (0, 1, 7, 14, 28, 35, 56, 91, 112, 364, 371, 392)  # where spans begin and end, in days
TICK = timedelta(microseconds=1)
ODD_HOURS = ("01:59:59.999999", "02:00:00", "02:30:00", "02:59:59.999999", "03:00:00")
CHANGES = {
    "Europe/Berlin": ("2024-03-31", "2024-10-27"),
    "America/New_York": ("2024-03-10", "2024-11-03"),
    "Australia/Sydney": ("2024-10-06", "2024-04-07"),
}
KEYS = (
    *("007", "7", " 7", "7 ", "1e3", "1000", "NULL", "nan", "A", "a", "Zoë", "Zoe\u0308", "a b"),
    *("it's", 'say "x"', "a,b", "ключ", "日本", "x" * 300, "-1", "true", "2024-01-01", "empty"),
    *("cancel", "tiny", "huge", "cents", "few", "today", "tomorrow", "yesterday", "young", "null"),
    *(f"p{number:02}" for number in range(1, 41)),
)
NUMBERS = (0, -1, 2**53, 2**53 + 1, 2**63 - 1, -(2**63), 7, 10, 1000)
SINCE = {
    "today": date(2024, 2, 29),
    "tomorrow": date(2024, 3, 1),
    "yesterday": date(2024, 2, 28),
    "young": date(2024, 1, 15),
    "null": None,
}
BEGAN = date(2018, 1, 1)
BODIES = (
    *("The PRICE is high", "prices", "price2", "under_price", "too,  --EXPENSIVE!", "expensive"),
    *("Invoices", "invoice", "my invoicé", "ЦЕНА высокая", "ценам", "so ein ÄRGER", "Ärgerlich"),
    *("20%", "2 0", "it's 20", "120", "price\ttoo", None, "nothing", "tooexpensive", "p r i c e"),
)
PLANS = ("basic", "Basic", "pro", "zoë", "zoe\u0308", "it's", "日本", None)
WHALE = "p01"
WHALE_ROWS = 50_000


@dataclass(frozen=True)
class Row:
    """One row of a source: times in UTC, whatever its clocks show."""

    account: str | None
    at: datetime | None
    known: datetime | None
    number: float | None = None
    flag: bool | None = None
    plan: str | None = None
    due: date | None = None
    moment: datetime | None = None
    body: str | None = None
    keep: bool | None = True
    nothing: float | None = None  # null in every row


def number_of(key: str) -> int:
    """Return the account's key in the other system, a whole number."""
    if key not in KEYS:
        return -99
    place = KEYS.index(key)
    return NUMBERS[place] if place < len(NUMBERS) else 100 + place


def since(key: str) -> date | None:
    """Return the account's first day."""
    return SINCE.get(key, BEGAN)


def segment(key: str) -> str | None:
    """Return the account's segment: 25 are large, 12 small, which is too few to rank; or null."""
    place = KEYS.index(key) - KEYS.index("p01")
    if place < 0:
        return None
    return "large" if place < 25 else "small" if place < 37 else "tiny"


def rows(source: Source) -> list[Row]:
    """Return the rows of a source, in no particular order, the same ones at every call."""
    draw = random.Random(source.name)
    made = list(_whale(draw) if source.name == "whale" else _rows(source, draw))
    made += [row for row in made if draw.random() < 0.05]  # the same once more
    draw.shuffle(made)
    return [_as_stored(row, source) for row in made]


def _rows(source: Source, draw: random.Random) -> Iterator[Row]:
    everybody = [key for key in KEYS if key != "empty"]
    for accounts in (everybody, everybody, everybody, KEYS[-40:-20], KEYS[-40:-36]):
        turn = cycle(draw.sample(accounts, len(accounts)))
        for moment in _moments(source):
            row = _row(next(turn), moment, draw)
            yield row
            if draw.random() < 0.2:  # another at the same time, known at the same time or not
                known = draw.choice([row.known, moment])
                yield replace(row, known=known, number=draw.randint(1, 9) / 2)
    for account, numbers in _magnitudes().items():
        for number, ago in zip(numbers, cycle((1, 2, 10, 11, 12, 40, 41)), strict=False):
            moment = start_of(date(2024, 4, 1)) - timedelta(days=ago, hours=5)
            yield Row(account, moment, moment, number, flag=True, plan="pro")
    yield from _broken(draw)


def _moments(source: Source) -> Iterator[datetime]:
    for day in sorted(set(DATES)):
        for ago in EDGES:
            for ticks in (-1, 0, 1):
                yield start_of(day) - timedelta(days=ago) + ticks * TICK
    for change in CHANGES.get(source.zone or "", ()):
        for hour in ODD_HOURS:
            naive = datetime.fromisoformat(f"{change}T{hour}")
            yield from [utc_from_local(naive, source.zone or "")] * 3


def _row(account: str, moment: datetime, draw: random.Random) -> Row:
    midnight = start_of(moment.date())
    late = [midnight + timedelta(days=days) + ticks * TICK for days in (1, 3) for ticks in (-1, 0)]
    clocks = [start_of(day) for day in DATES if start_of(day) >= moment][:3]
    known = draw.choice([*[moment] * 6, *late, *clocks, moment - timedelta(days=5)])
    numbers = [draw.randint(-40, 40) / 2, draw.randint(1, 9) / 2, None, math.nan, math.inf, -0.0]
    return Row(
        account,
        moment,
        known,
        number=draw.choice([*numbers, *numbers[:2] * 3, -math.inf]),
        flag=draw.choice([True, False, False, None]),
        plan=draw.choice(PLANS),
        due=draw.choice([None, moment.date() + timedelta(days=draw.randint(-90, 400))]),
        moment=draw.choice([None, midnight + timedelta(days=draw.randint(-9, 90)) - TICK, moment]),
        body=draw.choice(BODIES),
        keep=draw.choice([True, True, True, True, False, None]),
    )


def _magnitudes() -> dict[str, list[float]]:
    return {
        "cancel": [1e16, 1.0, -1e16, 1.0, 1e16, -1e16, 3.0],
        "tiny": [1e-300, 3e-300, -1e-300, 5e-324, 2e-300],
        "huge": [1e300, 1.5e300, -1e300, 2e300, 1e300],
        "cents": [0.1, 0.2, 0.3, 0.7, 1.1, 2.2, 19.99] * 3,
        "few": [-2.5],
    }


def _broken(draw: random.Random) -> Iterator[Row]:
    at = start_of(date(2024, 2, 20))
    whole = _row("p02", at, draw)
    yield from (replace(whole, account=None), replace(whole, at=None), replace(whole, known=None))
    yield replace(whole, account="nobody")
    for key in ("young", "yesterday", "today", "tomorrow"):  # before, on and after its first day
        first = start_of(since(key) or BEGAN)
        for hours in (-48, -24, -14, -1, 0, 24):
            for ticks in (-1, 0, 1):
                moment = first + timedelta(hours=hours) + ticks * TICK
                yield Row(key, moment, moment, 1.5, keep=True)


def _whale(draw: random.Random) -> Iterator[Row]:
    first, step = start_of(date(2022, 5, 1)), timedelta(minutes=31, microseconds=7)
    for place in range(WHALE_ROWS):
        at = first + place * step
        late = timedelta(days=draw.choice([0, 0, 0, 0, 2]))
        yield Row(WHALE, at, at + late, (place * 7919 % 10007) / 4, body=draw.choice(BODIES))
    for place in range(200):
        at = first + draw.randrange(WHALE_ROWS) * step
        yield Row(KEYS[place % len(KEYS)], at, at, draw.randint(-9, 9) / 2)


def _as_stored(row: Row, source: Source) -> Row:
    """Return the row with the times and values that its source can say."""
    if source.times == "date":
        at, known = (time and start_of(time.date()) for time in (row.at, row.known))
        row = replace(row, at=at, known=known)
    elif source.zone:
        at, known, moment = (_said(time, source.zone) for time in (row.at, row.known, row.moment))
        row = replace(row, at=at, known=known, moment=moment)
    if source.suffix == "csv" and row.number is not None and not math.isfinite(row.number):
        row = replace(row, number=None)  # how a CSV file writes it is nobody's agreement
    return row


def _said(moment: datetime | None, zone: str) -> datetime | None:
    return None if moment is None else utc_from_local(_local(moment, zone), zone)


def _local(moment: datetime, zone: str) -> datetime:
    return moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def write(folder: Path) -> None:
    """Write the tables."""
    accounts = {
        "key": list(KEYS),
        "number": [number_of(key) for key in KEYS],
        "since": [since(key) for key in KEYS],
        "size": [segment(key) for key in KEYS],
    }
    pq.write_table(pa.table(accounts), folder / "accounts.parquet")
    for source in SOURCES:
        _write(folder / f"{source.name}.{source.suffix}", rows(source), source)


def _write(path: Path, made: Sequence[Row], source: Source) -> None:
    names = [field.name for field in fields(Row)]
    columns = dict(zip(names, map(list, zip(*map(_cells, made), strict=True)), strict=True))
    if source.system:
        columns["account"] = [key and number_of(key) for key in columns["account"]]
    for name in ("at", "known", "moment") if source.zone else ():
        columns[name] = [moment and _local(moment, source.zone or "") for moment in columns[name]]
    for name in ("at", "known") if source.times == "date" else ():
        columns[name] = [moment and moment.date() for moment in columns[name]]
    if source.suffix == "csv":
        _write_csv(path, columns)
    else:
        pq.write_table(pa.table(columns, schema=_schema(source)), path)


def _cells(row: Row) -> tuple[Any, ...]:
    return astuple(row)


def _schema(source: Source) -> pa.Schema:
    # Any offset will do where there is one.
    stamp = pa.timestamp("us", tz=None if source.zone else "Asia/Kolkata")
    time = pa.date32() if source.times == "date" else stamp
    return pa.schema(
        {
            "account": pa.int64() if source.system else pa.string(),
            "at": time,
            "known": time,
            "number": pa.float64(),
            "flag": pa.bool_(),
            "plan": pa.string(),
            "due": pa.date32(),
            "moment": stamp,
            "body": pa.string(),
            "keep": pa.bool_(),
            "nothing": pa.float64(),
        }
    )


def _write_csv(path: Path, columns: dict[str, list[Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for cells in zip(*columns.values(), strict=True):
            writer.writerow([str(c).lower() if isinstance(c, bool) else c for c in cells])


def declaration(engine: str, indicators: Sequence[Indicator]) -> str:
    """Return the declaration of the company with a table of accounts, read by `engine`."""
    accounts = """
[accounts]
source = "accounts"
key = "key"
attributes = { since = "since", segment = "size" }
crosswalk = { billing = "number" }
[sources.accounts]
path = "accounts.parquet"
"""
    return _declaration(engine, accounts, SOURCES, indicators)


def derived_declaration(engine: str, indicators: Sequence[Indicator]) -> str:
    """Return the declaration of the company whose accounts are the keys of `bills`."""
    bills = next(source for source in SOURCES if source.name == "bills")
    accounts = '[accounts]\nsource = "bills"\nkey = "account"\nderived = true'
    own = [item for item in indicators if item.name.startswith("bills-")]
    return _declaration(engine, accounts, [replace(bills, system=None)], own)


def _declaration(
    engine: str, accounts: str, declared: Sequence[Source], indicators: Sequence[Indicator]
) -> str:
    head = f"""
[company]
name = "Conformance"
data_until = 2025-06-01
engine = "{engine}"
{accounts}
[targets.silence]
inactivity = {{ source = "{declared[0].name}", within = "30d" }}
active_within = "60d"
horizon = "30d"
"""
    tables = [source.toml() for source in declared]
    tables += [taxonomies(indicators), *(indicator.toml() for indicator in indicators)]
    return "\n".join([head, *tables])
