"""A small sane company on disk: half of its accounts leave, one after the other.

Design rule: written out day by day without chance, so that every count in a test can be worked out
by hand; `bad_companies` spoils it in one place at a time.
"""

from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

Rows = list[dict[str, Any]]
Tables = dict[str, Rows]

FIRST, UNTIL = date(2023, 1, 2), date(2024, 7, 1)
ACCOUNTS, LEAVERS = 90, 45

SCHEMAS = {
    "accounts": pa.schema(
        [
            ("account_id", pa.string()),
            ("name", pa.string()),
            ("plan", pa.string()),
            ("mrr", pa.float64()),
            ("signed_up", pa.date32()),
            ("helpdesk_org", pa.int64()),
        ]
    ),
    "subscriptions": pa.schema(
        [("account_id", pa.string()), ("started", pa.date32()), ("ended", pa.date32())]
    ),
    "logins": pa.schema(
        [
            ("account_id", pa.string()),
            ("at", pa.timestamp("us")),
            ("recorded", pa.timestamp("us", tz="UTC")),
            ("minutes", pa.float64()),
            ("device", pa.string()),
            ("is_admin", pa.bool_()),
        ]
    ),
    "tickets": pa.schema(
        [
            ("ticket", pa.int64()),
            ("org", pa.int64()),
            ("opened", pa.date32()),
            ("hours", pa.float64()),
        ]
    ),
}

DECLARATION = """\
[company]
name = "Sane"
data_from = 2023-01-02
data_until = 2024-07-01

[accounts]
source = "accounts"
key = "account_id"
attributes = { name = "name", segment = "plan", mrr = "mrr", since = "signed_up" }
crosswalk = { helpdesk = "helpdesk_org" }

[sources.accounts]
path = "accounts.parquet"

[sources.subscriptions]
path = "subscriptions.parquet"
account = "account_id"
event_time = "started"

[sources.logins]
path = "logins.parquet"
account = "account_id"
event_time = { column = "at", zone = "Europe/Berlin" }
known_time = { column = "recorded" }
tolerate = 0.0

[sources.tickets]
path = "tickets.parquet"
account = { system = "helpdesk", column = "org" }
event_time = "opened"

[targets.churn]
event = { source = "subscriptions", ended = "ended", grace = "14d" }
gap = "14d"
horizon = "60d"

[indicators.logins]
title = "Logins"
dimension = "outcome"
kind = "leading"
source = "logins"
where = "minutes >= 0"
measure = "count"
windows = ["28d", "90d"]
healthy = "higher"
says = "{value} logins in {window}"
playbook = "call"

[indicators.minutes]
title = "Minutes"
dimension = "outcome"
kind = "leading"
source = "logins"
value = "minutes"
measure = "sum"
windows = ["90d"]
healthy = "higher"
says = "{value} minutes"
playbook = "call"

[indicators.tickets]
title = "Tickets"
dimension = "relationship"
kind = "lagging"
source = "tickets"
measure = "count"
windows = ["all"]
healthy = "lower"
says = "{value} tickets"

[playbooks.call]
title = "Call"
owner = "csm"
steps = [{ do = "Call", within = "2d" }]
"""


def sane() -> Tables:
    """The rows of a company in which half of the accounts leave, one after the other."""
    return {name: [dict(row) for row in rows] for name, rows in _rows().items()}


@cache
def _rows() -> Tables:
    tables: Tables = {name: [] for name in SCHEMAS}
    for number in range(ACCOUNTS):
        _add_account(tables, number)
    return tables


def _add_account(tables: Tables, number: int) -> None:
    key, since = f"a{number:02}", FIRST + timedelta(days=number % 20)
    ended = date(2023, 3, 1) + timedelta(days=11 * number) if number < LEAVERS else None
    tables["accounts"].append(
        {
            "account_id": key,
            "name": f"Account {number}",
            "plan": ("basic", "pro")[number % 2],
            "mrr": 10.0 * number,
            "signed_up": since,
            "helpdesk_org": 1000 + number,
        }
    )
    tables["subscriptions"].append({"account_id": key, "started": since, "ended": ended})
    day = since
    while day < (ended or UNTIL):
        tables["logins"].append(_login(key, day, number))
        if day.toordinal() % 5 == number % 5:
            tables["tickets"].append(_ticket(tables, 1000 + number, day))
        day += timedelta(days=7 + number % 3)


def _login(key: str, day: date, number: int) -> dict[str, Any]:
    at = datetime(day.year, day.month, day.day, 10, number % 60)  # noqa: DTZ001 (naive on purpose)
    return {
        "account_id": key,
        "at": at,
        "recorded": at.isoformat(),
        "minutes": float(day.toordinal() % 7 + number),
        "device": ("phone", "desk")[day.toordinal() % 2],
        "is_admin": day.toordinal() % 3 == 0,
    }


def _ticket(tables: Tables, org: int, day: date) -> dict[str, Any]:
    return {"ticket": len(tables["tickets"]) + 1, "org": org, "opened": day, "hours": 1.5}


def write(folder: Path, tables: Tables, text: str = DECLARATION) -> Path:
    """Writes a company into `folder`."""
    for name, rows in tables.items():
        content = _sane_file(name) if rows == _rows()[name] else _parquet(name, rows)
        (folder / f"{name}.parquet").write_bytes(content)
    (folder / "churnlight.toml").write_text(text, encoding="utf-8")
    return folder


@cache
def _sane_file(name: str) -> bytes:
    return _parquet(name, _rows()[name])


def _parquet(name: str, rows: list[dict[str, Any]]) -> bytes:
    schema = SCHEMAS[name]
    given = [{key: _value(row[key], schema.field(key).type) for key in row} for row in rows]
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(given, schema=schema), sink)
    return bytes(sink.getvalue())


def _value(value: Any, kind: pa.DataType) -> Any:
    if isinstance(value, str) and pa.types.is_timestamp(kind):
        return datetime.fromisoformat(value + "+00:00")
    return value
