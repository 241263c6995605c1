"""A small world whose leads are known: daily amounts that change exactly L days before churn.

The one design rule: nothing but the planted change tells a churner from the others. Churn depends
on tenure and on the calendar, and so does the noise, so that a comparison that forgets to match
either finds "leads" that are none; the noise comes in many shapes, all of them blind to churn.
"""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from features.declaring.company import Company
from features.declaring.declaration import load

LEADS = (60, 30, 10, 0)
START = date(2024, 1, 1)
DAYS = 640
STEP = 7
RATE, CHANGED = 10.0, 0.15
"""Amount of a day before the change, and the share of it that is left afterwards."""

Ints = npt.NDArray[np.int64]

HEAD = f"""
[company]
name = "Planted (simulated)"
simulated = true
data_from = {START}
data_until = {START + timedelta(days=DAYS)}

[accounts]
source = "accounts"
key = "account_id"
attributes = {{ since = "since", segment = "size" }}

[sources.accounts]
path = "accounts.parquet"

[sources.daily]
path = "daily.parquet"
account = "account_id"
event_time = "day"

[sources.noise]
path = "noise.parquet"
account = "account_id"
event_time = "day"

[sources.subscriptions]
path = "subscriptions.parquet"
account = "account_id"
event_time = "started"

[targets.churn]
event = {{ source = "subscriptions", ended = "ended" }}
horizon = "60d"
"""

INDICATOR = """
[indicators.{name}]
title = "{name}"
dimension = "outcome"
kind = "leading"
healthy = "{healthy}"
says = "{{value}}"
{measure}
"""

SHAPES = (
    'measure = "count"\nwindows = ["28d"]',
    'measure = "count"\nwindows = ["7d", "28d", "90d"]',
    'measure = "sum"\nvalue = "amount"\nwindows = ["28d"]',
    'measure = "mean"\nvalue = "amount"\nwindows = ["90d"]',
    'measure = "max"\nvalue = "amount"\nwindows = ["182d"]',
    'measure = "latest"\nvalue = "amount"',
    'measure = "days_since"',
    'measure = "count"\nwindows = ["all"]',
    'measure = "ratio"\nof = "count"\nwindows = ["28d"]\nearlier = "84d"',
    'measure = "share"\nvalue = "amount > 4"\nwindows = ["90d"]',
)


def write(folder: Path, *, seed: int, accounts: int = 600, noise: int = 50) -> Company:
    """Writes the world's tables and declaration into `folder` and loads it."""
    folder.mkdir(parents=True, exist_ok=True)
    draw = np.random.default_rng(seed)
    since = draw.integers(-500, DAYS - 90, accounts)
    gone = _gone(since, draw)
    keys = np.array([f"P{number:04}" for number in range(accounts)])
    pq.write_table(
        pa.table(
            {
                "account_id": keys,
                "since": _dates(since),
                "size": draw.choice(["small", "large"], accounts),
            }
        ),
        folder / "accounts.parquet",
    )
    ended = pa.array([day if day < DAYS else None for day in gone.tolist()], pa.int32())
    began = pa.table({"account_id": keys, "started": _dates(since)})
    pq.write_table(began.append_column("ended", _shifted(ended)), folder / "subscriptions.parquet")
    pq.write_table(_daily(keys, since, gone, draw), folder / "daily.parquet")
    pq.write_table(_noise(keys, since, gone, noise, draw), folder / "noise.parquet")
    (folder / "churnlight.toml").write_text(_declaration(noise))
    return load(folder)


def _gone(since: Ints, draw: np.random.Generator) -> Ints:
    """The day of churn, `DAYS` or later for none seen; young accounts and winters churn more."""
    gone = np.full(len(since), DAYS)
    for number, first in enumerate(since):
        days = np.arange(max(first + 30, 1), DAYS)
        young, winter = np.exp(-(days - first) / 250), 1 + np.sin(2 * np.pi * days / 365)
        hazard = 0.0003 + 0.0025 * young * winter
        churned = np.flatnonzero(draw.random(len(days)) < hazard)
        gone[number] = days[churned[0]] if len(churned) else DAYS
    return gone


def _spans(since: Ints, gone: Ints) -> tuple[Ints, Ints]:
    """Account and day of every day on which an account was there."""
    first = np.maximum(since, 0)
    count = np.maximum(gone - first, 0)
    account = np.repeat(np.arange(len(since)), count)
    day = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count) + first[account]
    return account, day


def _daily(
    keys: npt.NDArray[np.str_], since: Ints, gone: Ints, draw: np.random.Generator
) -> pa.Table:
    account, day = _spans(since, gone)
    left = np.where(gone < DAYS, gone, 10 * DAYS)[account] - day
    columns = {"account_id": keys[account], "day": _dates(day)}
    for lead in LEADS:
        rate = np.where(left <= lead, RATE * CHANGED, RATE)
        columns[f"amount_{lead}"] = draw.poisson(rate).astype(float)
    return pa.table(columns)


def _noise(
    keys: npt.NDArray[np.str_], since: Ints, gone: Ints, count: int, draw: np.random.Generator
) -> pa.Table:
    """Facts of every kind at an account's own pace, drifting with tenure, season or neither."""
    account, day = _spans(since, gone)
    tenure, season = (day - since[account]) / 365, np.sin(2 * np.pi * day / 365)
    parts = []
    for kind in range(count):
        own = draw.gamma(1 + kind % 3, 0.03, len(since))[account]
        drift = np.exp((0, 0.6, -0.6)[kind % 3] * tenure + (0, 0.5)[kind % 2] * season)
        chosen = np.flatnonzero(draw.random(len(day)) < own * drift)
        taste = draw.normal(1, 0.5, len(since))[account[chosen]]
        amount = draw.lognormal(taste, 1.0)
        parts.append(
            pa.table(
                {
                    "account_id": keys[account[chosen]],
                    "day": _dates(day[chosen]),
                    "kind": pa.array(np.full(len(chosen), kind)),
                    "amount": amount,
                }
            )
        )
    return pa.concat_tables(parts)


def _dates(days: Ints) -> pa.Array:
    return _shifted(pa.array(days.astype(np.int32)))


def _shifted(days: pa.Array) -> pa.Array:
    epoch = (START - date(1970, 1, 1)).days
    moved = [None if day is None else day + epoch for day in days.to_pylist()]
    return pa.array(moved, pa.int32()).cast(pa.date32())


def _declaration(noise: int) -> str:
    parts = [HEAD]
    for lead in LEADS:
        measure = f'source = "daily"\nvalue = "amount_{lead}"\nmeasure = "sum"\nwindows = ["3d"]'
        parts.append(INDICATOR.format(name=f"planted_{lead}", healthy="higher", measure=measure))
    for kind in range(noise):
        shape = SHAPES[kind % len(SHAPES)]
        measure = f'source = "noise"\nwhere = "kind = {kind}"\n{shape}'
        healthy = ("higher", "lower")[kind // len(SHAPES) % 2]
        parts.append(INDICATOR.format(name=f"noise_{kind}", healthy=healthy, measure=measure))
    return "".join(parts)
