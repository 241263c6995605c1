"""The job of `benchmarks/features.py` as one would write it with pandas and with Polars.

Each is a loop over as-of dates: the facts that had happened and were known, one group-by per
window, joined to the accounts. Reading the file belongs to it; the rows of a date are let go when
those of the next come.
"""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path

import pandas as pd
import polars as pl

from benchmarks.instruments.event_log import ACCOUNTS, EVENTS, KINDS

COLUMNS = ["account", "happened_at", "known_at", "event", "value"]


def with_polars(folder: Path, as_of: Sequence[date], windows: Sequence[int]) -> int:
    """The job in Polars; returns how many rows it made."""
    events = pl.read_parquet(folder / EVENTS, columns=COLUMNS)
    accounts = pl.read_parquet(folder / ACCOUNTS, columns=["account_id"])
    return sum(len(_polars_rows(events, accounts, day, windows)) for day in as_of)


def _polars_rows(
    events: pl.DataFrame, accounts: pl.DataFrame, day: date, windows: Sequence[int]
) -> pl.DataFrame:
    now = datetime.combine(day, time())
    known = events.filter((pl.col("happened_at") < now) & (pl.col("known_at") < now))
    rows = accounts
    for window in windows:
        inside = known.filter(pl.col("happened_at") >= now - timedelta(days=window))
        grouped = inside.group_by("account").agg(
            *((pl.col("event") == kind).sum().alias(f"{kind}__{window}d") for kind in KINDS),
            pl.len().alias(f"events__{window}d"),
            pl.col("value").sum().alias(f"sum__{window}d"),
            pl.col("value").max().alias(f"max__{window}d"),
        )
        rows = rows.join(grouped, left_on="account_id", right_on="account", how="left")
    counted = [name for name in rows.columns if not name.startswith(("account", "max"))]
    return rows.with_columns(pl.col(counted).fill_null(0), pl.lit(day).alias("as_of"))


def with_pandas(folder: Path, as_of: Sequence[date], windows: Sequence[int]) -> int:
    """The job in pandas; returns how many rows it made."""
    events = pd.read_parquet(folder / EVENTS, columns=COLUMNS)
    for kind in KINDS:
        events[kind] = events["event"] == kind
    accounts = pd.read_parquet(folder / ACCOUNTS, columns=["account_id"])["account_id"]
    return sum(len(_pandas_rows(events, accounts, day, windows)) for day in as_of)


def _pandas_rows(
    events: pd.DataFrame, accounts: pd.Series, day: date, windows: Sequence[int]
) -> pd.DataFrame:
    now = pd.Timestamp(day)
    known = events[(events["happened_at"] < now) & (events["known_at"] < now)]
    parts = []
    for window in windows:
        inside = known[known["happened_at"] >= now - pd.Timedelta(days=window)]
        grouped = inside.groupby("account")
        counts = grouped[list(KINDS)].sum()
        values = grouped["value"].agg(["size", "sum", "max"])
        rows = counts.join(values).add_suffix(f"__{window}d").reindex(accounts)
        counted = [name for name in rows.columns if not name.startswith("max")]
        parts.append(rows.fillna(dict.fromkeys(counted, 0)))
    return pd.concat(parts, axis=1).assign(as_of=now)
