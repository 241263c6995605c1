"""A large, deterministic event log and the declaration of a company that has it.

Events are spread evenly over two years; one in 25 is known up to ten days late. Accounts have
string keys; each has 20 users. Files are made once per size and kept.
"""

from datetime import date, timedelta
from pathlib import Path

import duckdb

KINDS = ("login", "report", "export", "invite", "api_call", "ticket")
BEGIN, DAYS = date(2024, 1, 1), 730
UNTIL = BEGIN + timedelta(days=DAYS)
MONTHS = 24
WINDOWS = (7, 28, 90, 365)
MORE_WINDOWS = (7, 14, 28, 60, 90, 120, 180, 365)
EVENTS, ACCOUNTS, ENDS = "events.parquet", "accounts.parquet", "ends.parquet"

_EVENTS = """
COPY (
  SELECT 'acct-' || lpad(CAST((hash(i * 7 + 1) % {accounts}) AS VARCHAR), 8, '0') AS account,
    TIMESTAMP '{begin}' + to_microseconds(happened) AS happened_at,
    TIMESTAMP '{begin}' + to_microseconds(happened + late) AS known_at,
    {kinds}[1 + CAST(hash(i + 17) % {count} AS INTEGER)] AS event,
    round(exp(CAST(hash(i + 23) % 10000 AS BIGINT) / 2500.0), 2) AS value,
    'user-' || CAST(hash(i * 7 + 1) % {accounts} * 20 + hash(i + 29) % 20 AS VARCHAR) AS user
  FROM (
    SELECT i, CAST(CAST(i AS HUGEINT) * {length} // {events} AS BIGINT) AS happened,
      CASE WHEN hash(i + 5) % 25 = 0 THEN CAST(hash(i + 11) % 864000000000 AS BIGINT)
        ELSE CAST(hash(i + 11) % 60000000 AS BIGINT) END AS late
    FROM range({events}) AS t(i)
  )
) TO '{path}' (FORMAT parquet, COMPRESSION zstd)
"""
_ACCOUNTS = """
COPY (
  SELECT 'acct-' || lpad(CAST(i AS VARCHAR), 8, '0') AS account_id, DATE '2023-06-01' AS since
  FROM range({accounts}) AS t(i)
) TO '{path}' (FORMAT parquet)
"""
_ENDS = """
COPY (
  SELECT account_id, DATE '{begin}' + CAST(180 + hash(account_id) % 500 AS INTEGER) AS ended_on
  FROM '{accounts}' WHERE hash(account_id) % 3 = 0
) TO '{path}' (FORMAT parquet)
"""

_DECLARATION = """
[company]
name = "An event log"
data_until = {until}

[accounts]
source = "accounts"
key = "account_id"
attributes = {{ since = "since" }}

[sources.accounts]
path = "accounts.parquet"

[sources.events]
path = "events.parquet"
account = "account"
event_time = {{ column = "happened_at", zone = "UTC" }}
known_time = {{ column = "known_at", zone = "UTC" }}

[sources.ends]
path = "ends.parquet"
account = "account_id"
event_time = "ended_on"

[targets.churn]
event = {{ source = "ends" }}
active = "ends"
active_within = "180d"
horizon = "90d"
"""
_INDICATOR = """
[indicators.{name}]
title = "{name}"
dimension = "outcome"
kind = "context"
source = "events"
measure = "{measure}"
windows = [{windows}]
says = "{{value}}"
{more}
"""


def made(folder: Path, events: int, accounts: int) -> Path:
    """The folder of a company with so many events of so many accounts; made if it is not there."""
    own = folder / f"events-{events}-{accounts}"
    own.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as engine:
        _make(engine, own / ACCOUNTS, _ACCOUNTS, accounts=accounts)
        _make(engine, own / ENDS, _ENDS, accounts=own / ACCOUNTS, begin=BEGIN)
        _make(
            engine,
            own / EVENTS,
            _EVENTS,
            events=events,
            accounts=accounts,
            begin=BEGIN,
            kinds=list(KINDS),
            count=len(KINDS),
            length=DAYS * 86_400_000_000,
        )
    return own


def _make(engine: duckdb.DuckDBPyConnection, path: Path, query: str, **parts: object) -> None:
    if not path.exists():
        unfinished = path.with_suffix(".unfinished")
        engine.execute(query.format(path=unfinished, **parts))
        unfinished.replace(path)


def declaration(windows: tuple[int, ...] = WINDOWS, *, with_values: bool = False) -> str:
    """The declaration of the job: per window six counts by event, and count, sum and maximum.

    With `with_values` also the number of different users and the median of the value.
    """
    asked = [(kind, "count", f"where = \"event = '{kind}'\"") for kind in KINDS]
    asked += [("events", "count", "")]
    asked += [(name, name, 'value = "value"') for name in ("sum", "max")]
    if with_values:
        asked += [
            ("users", "distinct", 'value = "user"'),
            ("median", "quantile", 'value = "value"\nquantile = 0.5'),
        ]
    spans = ", ".join(f'"{days}d"' for days in windows)
    indicators = [
        _INDICATOR.format(name=name, measure=measure, windows=spans, more=more)
        for name, measure, more in asked
    ]
    return _DECLARATION.format(until=UNTIL) + "".join(indicators)


def dates(count: int) -> list[date]:
    """So many as-of dates: month starts, or weeks where there are more than the log has months."""
    return month_starts(count) if count <= MONTHS else weeks(count)


def month_starts(count: int) -> list[date]:
    """The last `count` month starts, up to the end of the log."""
    months = [date(UNTIL.year - back // 12, 12 - back % 12, 1) for back in range(count)]
    return sorted(months)


def weeks(count: int) -> list[date]:
    """`count` as-of dates, a week apart, up to the end of the log."""
    return [UNTIL - timedelta(weeks=back) for back in reversed(range(count))]
