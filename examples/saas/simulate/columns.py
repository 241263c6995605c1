"""From arrays to Arrow tables: only facts that were known when the tables were exported."""

from typing import Any

import numpy as np
import pyarrow as pa

from .days import EXPORTED

UTC_COLUMNS = {"ingested_at", "recorded_at", "end_recorded_at", "answered_at", "acted_at"}


def facts(columns: dict[str, Any], event: str, known: str) -> pa.Table:
    """Return the facts known at the export, in the order of their event time."""
    before = np.flatnonzero(columns[known] < EXPORTED.astype("datetime64[us]"))
    order = before[np.argsort(columns[event][before], kind="stable")]
    return table({name: values[order] for name, values in columns.items()})


def table(columns: dict[str, Any]) -> pa.Table:
    """Return a table; the columns of ``UTC_COLUMNS`` get their zone, masked days become null."""
    return pa.table({name: column(name, values) for name, values in columns.items()})


def column(name: str, values: Any) -> pa.Array:
    """Return one column with its Arrow type."""
    if name in UTC_COLUMNS:
        return pa.array(values, pa.timestamp("us", tz="UTC"))
    if values.dtype == object:
        return pa.array(values, pa.string())
    return pa.array(values)
