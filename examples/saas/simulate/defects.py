"""Deliberate defects, for tests of the data contract: each is counted in the sealed truth."""

from typing import Any

import numpy as np
import pyarrow as pa

from .days import DAYS, FIRST
from .world import World


def spoil(tables: dict[str, pa.Table], world: World) -> dict[str, int]:
    """Spoil the tables in place and return how many rows have which defect."""
    rng = world.rng("defects")
    return {
        "duplicate_accounts": duplicate(tables, "accounts", 3, rng),
        "duplicate_usage_rows": duplicate(tables, "usage", 200, rng),
        "orphan_usage_rows": orphan(tables, ("usage", "account_id"), 120, rng),
        "orphan_ticket_rows": orphan(tables, ("tickets", "helpdesk_org"), 40, rng),
        "usage_rows_before_start": before_start(tables, world, rng),
        "leaked_subscription_rows": leak(tables, world),
    }


def duplicate(tables: dict[str, pa.Table], name: str, count: int, rng: Any) -> int:
    """Append copies of rows."""
    table = tables[name]
    rows = np.sort(rng.choice(len(table), size=count, replace=False))
    tables[name] = pa.concat_tables([table, table.take(rows)])
    return count


def orphan(tables: dict[str, pa.Table], where: tuple[str, str], count: int, rng: Any) -> int:
    """Append rows of accounts that no account table knows."""
    name, key = where
    table = tables[name]
    rows = np.sort(rng.choice(len(table), size=count, replace=False))
    lost = [f"gone-{number % 7}" for number in range(count)]
    strangers = table.take(rows).set_column(table.schema.get_field_index(key), key, pa.array(lost))
    tables[name] = pa.concat_tables([table, strangers])
    return count


def before_start(tables: dict[str, pa.Table], world: World, rng: Any) -> int:
    """Append usage from the days before some accounts signed up (a trial under the same key)."""
    table = tables["usage"]
    created = FIRST + world.accounts.created.astype("timedelta64[D]")
    young = np.flatnonzero(world.accounts.created >= 30)
    chosen = np.sort(rng.choice(young, size=min(20, len(young)), replace=False))
    trial = table.take(np.arange(len(chosen)))
    columns = {
        "account_id": pa.array(world.accounts.account_id[chosen], pa.string()),
        "day": pa.array(created[chosen] - np.timedelta64(10, "D")),
    }
    for key, values in columns.items():
        trial = trial.set_column(trial.schema.get_field_index(key), key, values)
    known = pa.array(created[chosen].astype("datetime64[us]"), pa.timestamp("us", tz="UTC"))
    trial = trial.set_column(trial.schema.get_field_index("ingested_at"), "ingested_at", known)
    tables["usage"] = pa.concat_tables([table, trial])
    return len(chosen)


def leak(tables: dict[str, pa.Table], world: World) -> int:
    """Add ``auto_renew``, which billing rewrites to false in a term's row once notice was given."""
    table = tables["subscriptions"]
    place = dict(zip(world.accounts.customer_no.tolist(), range(len(world.accounts)), strict=True))
    account = np.asarray([place[key] for key in table["customer_no"].to_pylist()])
    started = table["started_at"].to_numpy().astype("datetime64[D]")
    latest = np.zeros(len(world.accounts), dtype=started.dtype)
    np.maximum.at(latest, account, started)
    noticed = (world.life.decided < DAYS) & (world.life.leaves == world.life.ended)
    leaked = noticed[account] & (started == latest[account])
    tables["subscriptions"] = table.append_column("auto_renew", pa.array(~leaked))
    return int(leaked.sum())
