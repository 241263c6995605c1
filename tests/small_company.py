# ruff: noqa: E501 — TOML keeps an inline table on one line.
"""A small sane company on disk: 400 accounts, weekly visits that thin out before an account goes.

Everything a test of the pipeline needs in seconds; `write` makes its tables and declaration.
"""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features.declaring.company import Company
from features.declaring.declaration import load

START = date(2025, 1, 1)
UNTIL = date(2025, 12, 1)

DECLARATION = """
[company]
name = "Small Shop"
data_until = 2025-12-01
currency = "€"

[accounts]
source = "accounts"
key = "account_id"
attributes = { name = "name", segment = "size", owner = "owner", mrr = "mrr", renewal = "renewal", since = "since" }
crosswalk = { helpdesk = "org" }

[sources.accounts]
path = "accounts.parquet"

[sources.visits]
path = "visits.parquet"
account = "account_id"
event_time = "at"
known_time = { column = "known" }

[sources.tickets]
path = "tickets.csv"
account = { system = "helpdesk", column = "org" }
event_time = { column = "opened", zone = "Europe/Berlin" }
known_time = { delay = "1d" }

[targets.churn]
title = "no visit within 60 days"
inactivity = { source = "visits", within = "60d" }
active_within = "60d"
horizon = "60d"
p_red = 0.6
p_green = 0.25

[indicators.visits]
title = "Visits"
dimension = "business"
kind = "leading"
source = "visits"
measure = "count"
windows = ["28d", "90d"]
healthy = "higher"
unit = "visits"
says = "{value} visits in {window}, typically {usual}"
playbook = "call"

[indicators.recency]
title = "Days since the last visit"
dimension = "outcome"
kind = "leading"
source = "visits"
measure = "days_since"
healthy = "lower"
unit = "days"
says = "No visit for {value} days, typically {usual}"
says_good = "Last visit {value} days ago, typically {usual}"
playbook = "call"

[indicators.spend]
title = "Spend"
dimension = "business"
kind = "lagging"
source = "visits"
value = "amount"
measure = "sum"
windows = ["90d"]
healthy = "higher"
unit = "€"
says = "{value} spent in {window}, typically {usual}"
playbook = "call"

[indicators.tickets]
title = "Tickets"
dimension = "relationship"
kind = "leading"
source = "tickets"
where = "topic <> 'praise'"
measure = "count"
windows = ["90d"]
healthy = "lower"
unit = "tickets"
says = "{value} tickets in {window}, typically {usual}"
playbook = "support"

[indicators.channel]
title = "Last channel"
dimension = "relationship"
kind = "context"
source = "visits"
value = "channel"
measure = "latest"
says = "Last visit by {value}, typically {usual}"

[indicators.basket]
title = "Basket"
dimension = "business"
kind = "leading"
stage = "shadow"
source = "visits"
value = "amount"
measure = "mean"
windows = ["90d"]
healthy = "higher"
unit = "€"
says = "{value} a visit in {window}, typically {usual}"
playbook = "call"

[bands]
capacity = 0.15
min_history = "28d"

[playbooks.call]
title = "Call"
purpose = "Hear what changed"
owner = "csm"
steps = [{ do = "Call the customer", channel = "phone", within = "2d" }, { do = "Agree on a next visit", within = "7d" }]

[playbooks.support]
title = "Support recovery"
owner = "csm"
steps = [{ do = "Ask support for the open tickets", within = "1d" }]
"""


def write(folder: Path, *, seed: int = 7, accounts: int = 400) -> Company:
    """Writes the company's tables and declaration into `folder` and loads it."""
    folder.mkdir(parents=True, exist_ok=True)
    draw = np.random.default_rng(seed)
    since = [START + timedelta(days=int(day)) for day in draw.integers(-200, 280, accounts)]
    gone = [day + timedelta(days=int(draw.exponential(260)) + 30) for day in since]
    keys = [f"A{number:04}" for number in range(accounts)]
    pq.write_table(_accounts(keys, since, draw), folder / "accounts.parquet")
    pq.write_table(_visits(keys, since, gone, draw), folder / "visits.parquet")
    (folder / "tickets.csv").write_text(_tickets(keys, since, gone, draw))
    (folder / "churnlight.toml").write_text(DECLARATION)
    return load(folder)


def _accounts(keys: list[str], since: list[date], draw: np.random.Generator) -> pa.Table:
    return pa.table(
        {
            "account_id": keys,
            "name": [f"Customer {key}" for key in keys],
            "size": draw.choice(["small", "large"], len(keys), p=[0.7, 0.3]),
            "owner": draw.choice(["Ada", "Ben"], len(keys)),
            "mrr": np.round(draw.lognormal(4, 1, len(keys)), 2),
            "renewal": [
                UNTIL + timedelta(days=int(day)) for day in draw.integers(1, 300, len(keys))
            ],
            "since": since,
            "org": [f"org-{number}" for number in range(len(keys))],
        }
    )


def _visits(
    keys: list[str], since: list[date], gone: list[date], draw: np.random.Generator
) -> pa.Table:
    rows = []
    for key, first, last in zip(keys, since, gone, strict=True):
        day = max(first, START)
        while day < min(last, UNTIL):
            at = datetime(day.year, day.month, day.day, int(draw.integers(0, 24)), tzinfo=UTC)
            late = timedelta(days=int(draw.integers(0, 4)) if draw.random() < 0.1 else 0)
            rows.append((key, at, at + late, float(draw.integers(5, 60)), _channel(draw)))
            fading = 1 + 3 * max(0.0, 1 - (last - day).days / 60)
            day += timedelta(days=1 + int(draw.exponential(6) * fading))
    names = ["account_id", "at", "known", "amount", "channel"]
    table = pa.table(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))
    for name in ("at", "known"):
        place = table.column_names.index(name)
        table = table.set_column(place, name, table[name].cast(pa.timestamp("us", tz="UTC")))
    return table


def _channel(draw: np.random.Generator) -> str:
    return str(draw.choice(["web", "shop", "app"]))


def _tickets(
    keys: list[str], since: list[date], gone: list[date], draw: np.random.Generator
) -> str:
    lines = ["org,opened,topic"]
    for number, (first, last) in enumerate(zip(since, gone, strict=True)):
        day = max(first, START) + timedelta(days=1)
        while day < min(last, UNTIL):
            topic = draw.choice(["fault", "question", "praise"])
            lines.append(f"org-{number},{day} {int(draw.integers(0, 24)):02}:30:00,{topic}")
            day += timedelta(days=10 + int(draw.exponential(30)))
    return "\n".join(lines) + "\n"
