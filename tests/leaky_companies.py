"""A company with contracts in which nothing knows the future, and one leak each that does.

Design rule: a leak is one change of the rows or of the declaration, next to the finding that has to
name it. Who leaves is chance; a weak sign of it, honest and in time, is in the minutes of logins.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

Rows = list[dict[str, Any]]
Tables = dict[str, Rows]

FIRST, UNTIL = date(2023, 1, 1), date(2025, 7, 1)
REPORTED = timedelta(days=2)
ACCOUNTS = 320

DECLARATION = """\
[company]
name = "Leaky"
data_from = 2023-01-01
data_until = 2025-07-01

[accounts]
source = "accounts"
key = "account_id"
attributes = { segment = "plan", since = "signed_up" }

[sources.accounts]
path = "accounts.parquet"

[sources.contracts]
path = "contracts.parquet"
account = "account_id"
event_time = "started"

[sources.logins]
path = "logins.parquet"
account = "account_id"
event_time = "on"
known_time = { column = "recorded" }

[sources.tickets]
path = "tickets.parquet"
account = "account_id"
event_time = "opened"

[targets.churn]
event = { source = "contracts", ended = "ended", ended_known = "end_recorded" }
gap = "14d"
horizon = "60d"

[indicators.logins]
title = "Logins"
dimension = "outcome"
kind = "leading"
source = "logins"
measure = "count"
windows = ["28d"]
healthy = "higher"
says = "{value} logins"
playbook = "call"

[indicators.minutes]
title = "Minutes"
dimension = "outcome"
kind = "leading"
source = "logins"
value = "minutes"
measure = "mean"
windows = ["28d"]
healthy = "higher"
says = "{value} minutes"
playbook = "call"

[indicators.tickets]
title = "Tickets"
dimension = "relationship"
kind = "lagging"
source = "tickets"
measure = "count"
windows = ["90d"]
healthy = "lower"
says = "{value} tickets"

[playbooks.call]
title = "Call"
owner = "csm"
steps = [{ do = "Call", within = "2d" }]
"""


@cache
def _drawn(seed: int) -> tuple[tuple[date, date | None], ...]:
    """When each account signed up, and left."""
    draw = np.random.default_rng(seed)
    lives = []
    for _ in range(ACCOUNTS):
        since = FIRST + timedelta(days=int(draw.integers(0, 600)))
        ended = since + timedelta(days=40 + int(draw.exponential(700)))
        lives.append((since, ended if ended + REPORTED < UNTIL else None))
    return tuple(lives)


def honest(seed: int = 3) -> Tables:
    """The rows of the company without a leak, for the caller to change."""
    return {name: [dict(row) for row in rows] for name, rows in _honest(seed).items()}


@cache
def _honest(seed: int) -> Tables:
    draw = np.random.default_rng(seed + 1)
    tables: Tables = {"accounts": [], "contracts": [], "logins": [], "tickets": []}
    for number, (since, ended) in enumerate(_drawn(seed)):
        key = f"k{draw.integers(10**6):06}-{number}"
        plan = str(draw.choice(["basic", "pro"]))
        tables["accounts"].append({"account_id": key, "plan": plan, "signed_up": since})
        recorded = ended + REPORTED if ended else None
        contract = {"account_id": key, "started": since, "ended": ended, "end_recorded": recorded}
        tables["contracts"].append(contract | {"seats": int(draw.integers(1, 50))})
        _live(tables, key, (since, ended), draw)
    draw.shuffle(tables["logins"])
    return tables


def _live(
    tables: Tables, key: str, life: tuple[date, date | None], draw: np.random.Generator
) -> None:
    since, ended = life
    day = since
    while day < (ended or UNTIL):
        fading = 0.6 if ended and (ended - day).days < 90 else 1.0
        minutes = float(draw.gamma(4, 5 * fading))
        recorded = day + timedelta(days=int(draw.integers(0, 3)))
        if recorded < UNTIL:
            login = {"account_id": key, "on": day, "recorded": recorded, "minutes": minutes}
            tables["logins"].append(login)
        if draw.random() < 0.15:
            topic = str(draw.choice(["bug", "question", "invoice"]))
            tables["tickets"].append({"account_id": key, "opened": day, "topic": topic})
        day += timedelta(days=int(draw.integers(4, 11)))


def write(folder: Path, tables: Tables, text: str = DECLARATION) -> Path:
    """Writes the company into `folder`."""
    for name, rows in tables.items():
        pq.write_table(pa.Table.from_pylist(rows), folder / f"{name}.parquet")
    (folder / "churnlight.toml").write_text(text, encoding="utf-8")
    return folder


@dataclass(frozen=True)
class Leak:
    """One way in which the tables know the future, and the finding that names it.

    `text` replaces its first by its second part in the declaration; `also` are the checks that
    may rightly speak up too.
    """

    name: str
    finding: str
    table: str
    column: str | None
    change: Callable[[Tables], object] = len
    text: tuple[tuple[str, str], ...] = ()
    state: str = "error"
    also: frozenset[str] = field(default_factory=frozenset)


def build(folder: Path, leak: Leak) -> Path:
    """Writes the company with one leak into `folder`."""
    tables, text = honest(), DECLARATION
    leak.change(tables)
    for old, new in leak.text:
        assert old in text, f"the declaration does not say {old!r}"
        text = text.replace(old, new, 1)
    return write(folder, tables, text)


def _ends(tables: Tables) -> dict[str, date]:
    return {row["account_id"]: row["ended"] for row in tables["contracts"] if row["ended"]}


def _indicator(name: str, source: str, measure: str, rest: str = "") -> tuple[tuple[str, str], ...]:
    """Replacements that declare one more indicator."""
    table = f"""\
[indicators.{name}]
title = "{name}"
dimension = "business"
kind = "lagging"
source = "{source}"
measure = "{measure}"
{rest}
healthy = "lower"
says = "{{value}}"

[playbooks.call]"""
    return (("[playbooks.call]", table),)


def _source(name: str, event_time: str) -> tuple[str, str]:
    """A replacement that declares one more source."""
    table = f"""\
[sources.{name}]
path = "{name}.parquet"
account = "account_id"
event_time = "{event_time}"

[targets.churn]"""
    return ("[targets.churn]", table)


def _farewell_tickets(tables: Tables) -> None:
    """Who has given notice writes a ticket about the cancellation, three weeks before the end."""
    for key, ended in _ends(tables).items():
        day = ended - timedelta(days=21)
        tables["tickets"] = [
            row for row in tables["tickets"] if row["account_id"] != key or row["opened"] < day
        ]
        tables["tickets"].append({"account_id": key, "opened": day, "topic": "cancellation"})


def _interviews(tables: Tables) -> None:
    tables["interviews"] = [
        {"account_id": key, "held": ended + timedelta(days=3)}
        for key, ended in _ends(tables).items()
        if ended + timedelta(days=3) < UNTIL
    ]


def _status(tables: Tables) -> None:
    gone = _ends(tables)
    for row in tables["accounts"]:
        row["status"] = "closed" if row["account_id"] in gone else "active"


def _no_renewal(tables: Tables) -> None:
    for row in tables["contracts"]:
        row["auto_renew"] = row["ended"] is None


def _no_seats(tables: Tables) -> None:
    for row in tables["contracts"]:
        row["seats"] = 0 if row["ended"] else row["seats"]


def _before_sign_up(tables: Tables) -> None:
    gone = _ends(tables)
    since = {row["account_id"]: row["signed_up"] for row in tables["accounts"]}
    chosen = [row for row in tables["logins"] if row["account_id"] in gone][:40]
    for number, row in enumerate(chosen):
        row["on"] = since[row["account_id"]] - timedelta(days=1 + number)


def _one_extraction(tables: Tables) -> None:
    for row in tables["logins"]:
        row["recorded"] = UNTIL - timedelta(days=1)


def _resolved(tables: Tables) -> None:
    for number, row in enumerate(tables["tickets"]):
        day = row["opened"] + timedelta(days=5 + number % 23)
        row["resolved"] = day if day < UNTIL else None


def _rated_later(tables: Tables) -> None:
    for number, row in enumerate(tables["tickets"]):
        rated = row["opened"] + timedelta(days=10 + number % 30) < UNTIL
        row["rating"] = float(number % 5) if rated else None


def _numbered(tables: Tables) -> None:
    """Keys are numbered when the table is written, those that left first."""
    gone = _ends(tables)
    ranked = sorted((key not in gone, key) for key in [r["account_id"] for r in tables["accounts"]])
    new = {key: f"c{number:05}" for number, (_, key) in enumerate(ranked)}
    for rows in tables.values():
        for row in rows:
            row["account_id"] = new[row["account_id"]]


def _sorted(tables: Tables) -> None:
    gone = _ends(tables)
    tables["accounts"].sort(key=lambda row: row["account_id"] in gone)


def _ready_made(tables: Tables) -> None:
    """One row per account: of who left from the last day, of all others from today."""
    gone = _ends(tables)
    tables["panel"] = [
        {
            "account_id": row["account_id"],
            "taken": gone.get(row["account_id"], UNTIL) - timedelta(days=1),
            "usage": 1.0 + number % 17,
        }
        for number, row in enumerate(tables["accounts"])
    ]


def _noticed(tables: Tables) -> None:
    for row in tables["contracts"]:
        row["end_recorded"] = row["ended"] - timedelta(days=40) if row["ended"] else None


SEGMENT = """\
[segments.lost]
title = "Lost"
where = "status = 'closed'"

[playbooks.call]"""
ACCOUNTS_AS_FACTS = (
    'path = "accounts.parquet"',
    'path = "accounts.parquet"\naccount = "account_id"\nevent_time = "signed_up"',
)
FORESIGHT = frozenset({"knows_the_future", "part_of_the_outcome"})

LEAKS = [
    Leak(
        "a ticket that asks for the cancellation",
        "part_of_the_outcome",
        "tickets",
        "topic",
        _farewell_tickets,
    ),
    Leak(
        "interviews on the way out",
        "only_after_the_end",
        "interviews",
        None,
        _interviews,
        (
            _source("interviews", "held"),
            *_indicator("talks", "interviews", "count", WINDOW := 'windows = ["90d"]'),
        ),
        also=frozenset({"all_null", "constant"}),
    ),
    Leak(
        "a status in the account table, rewritten at the end",
        "knows_the_future",
        "churnlight.toml",
        "status__all",
        _status,
        (ACCOUNTS_AS_FACTS, *_indicator("status", "accounts", "latest", 'value = "status"')),
        also=FORESIGHT | {"source_ends_early"},
    ),
    Leak(
        "a flag in contracts, rewritten at the end",
        "knows_the_future",
        "contracts",
        "auto_renew",
        _no_renewal,
        _indicator("renewal", "contracts", "latest", 'value = "auto_renew"'),
        also=FORESIGHT,
    ),
    Leak(
        "a flag that nothing reads yet",
        "knows_the_future",
        "contracts",
        "auto_renew",
        _no_renewal,
        state="warning",
        also=FORESIGHT,
    ),
    Leak(
        "a number that was set to zero at the end",
        "knows_the_future",
        "contracts",
        "seats",
        _no_seats,
        _indicator("seats", "contracts", "latest", 'value = "seats"'),
        also=FORESIGHT,
    ),
    Leak(
        "a segment of those who left",
        "knows_the_future",
        "churnlight.toml",
        "segments",
        _status,
        (("[playbooks.call]", SEGMENT),),
        also=frozenset({"segment_ends_early"}),
    ),
    Leak("use before the sign-up", "before_sign_up", "logins", "on", _before_sign_up),
    Leak(
        "known times that are the day of the extraction",
        "known_at_once",
        "logins",
        "recorded",
        _one_extraction,
    ),
    Leak(
        "the end of a contract, read before it came",
        "not_known_then",
        "churnlight.toml",
        "over__all",
        text=_indicator(
            "over", "contracts", "share", 'value = "ended IS NOT NULL"\nwindows = ["all"]'
        ),
        also=FORESIGHT | {"filled_in_later"},
    ),
    Leak(
        "a duration that is written down at its end",
        "written_later",
        "tickets",
        "resolved",
        _resolved,
        _indicator(
            "hours", "tickets", "mean", f"value = \"date_diff('day', opened, resolved)\"\n{WINDOW}"
        ),
    ),
    Leak(
        "a rating that comes weeks later",
        "written_later",
        "tickets",
        "rating",
        _rated_later,
        _indicator("rating", "tickets", "mean", f'value = "rating"\n{WINDOW}'),
    ),
    Leak("keys numbered by outcome", "order_tells", "accounts", "account_id", _numbered),
    Leak("rows sorted by outcome", "order_tells", "accounts", "account_id", _sorted),
    Leak(
        "a ready-made table of leavers as they left and stayers today",
        "made_from_the_outcome",
        "panel",
        None,
        _ready_made,
        (_source("panel", "taken"), *_indicator("usage", "panel", "latest", 'value = "usage"')),
    ),
    Leak(
        "ends on record before they come",
        "outcome_on_record",
        "contracts",
        "ended",
        _noticed,
    ),
]
