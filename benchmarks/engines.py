"""The features of a company by DuckDB and by Spark: compared row by row, and timed.

Each engine builds the company's snapshots at its latest month starts through the product's own
path. Numbers agree if they differ by no more than 1e-9 of themselves; nulls and texts are equal.
The time of Spark is that of a session which has run before, since starting one is not its work.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features import clock, contract, snapshots
from features.declaring import declaration
from features.declaring.company import Company
from features.errors import ContractBroken
from features.snapshots import Snapshots

EXAMPLES = Path(__file__).parents[1] / "examples"
TOLERANCE = 1e-9


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the comparison; 1 if a row differs."""
    asked = _arguments().parse_args(arguments)
    company = declaration.load(asked.company)
    try:
        with contract.sound_tables(company) as tables:
            until = snapshots.data_until(tables)
    except ContractBroken as broken:
        print(f"left out: {broken}", file=sys.stderr)
        return 0
    as_of = list(clock.month_starts(until.replace(year=until.year - 5), until))[-asked.snapshots :]
    duckdb, seconds = _timed(_read_by(company, "duckdb"), as_of)
    if not asked.cold:
        _timed(_read_by(company, "spark"), as_of[-1:])
    spark, spark_seconds = _timed(_read_by(company, "spark"), as_of)
    found = {
        "company": company.about.name,
        "as_of": len(as_of),
        "rows": duckdb.table.num_rows,
        "columns": len(duckdb.columns),
        "different_cells": different(duckdb.table, spark.table),
        "duckdb_seconds": round(seconds, 1),
        "spark_seconds": round(spark_seconds, 1),
    }
    print(json.dumps(found) if asked.json else _shown(found))
    return 1 if found["different_cells"] else 0


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--company", type=Path, default=EXAMPLES / "saas", help="its folder")
    parser.add_argument("--snapshots", type=int, default=24, help="month starts to look from")
    parser.add_argument("--cold", action="store_true", help="time Spark with its start")
    parser.add_argument("--json", action="store_true", help="one line of JSON")
    return parser


def _read_by(company: Company, engine: str) -> Company:
    about = company.about.model_copy(update={"engine": engine})
    return company.model_copy(update={"about": about})


def _timed(company: Company, as_of: Sequence[date]) -> tuple[Snapshots, float]:
    begun = time.perf_counter()
    return snapshots.build(company, as_of), time.perf_counter() - begun


def different(one: pa.Table, other: pa.Table) -> dict[str, int]:
    """How many cells differ, by column; columns without any are left out.

    Raises
    ------
    ValueError
        The tables do not have the same columns, or not so many rows.
    """
    if not one.schema.equals(other.schema) or one.num_rows != other.num_rows:
        raise ValueError(f"{one.shape} against {other.shape}: not the same columns or rows")
    found = {name: _differing(one[name], other[name]) for name in one.column_names}
    return {name: count for name, count in found.items() if count}


def _differing(one: pa.ChunkedArray, other: pa.ChunkedArray) -> int:
    nulls = np.asarray(pc.is_null(one)) != np.asarray(pc.is_null(other))
    if not pa.types.is_floating(one.type):
        unequal = pc.fill_null(pc.not_equal(one, other), False)
        return int((nulls | np.asarray(unequal)).sum())
    a, b = (np.asarray(pc.fill_null(column, 0.0)) for column in (one, other))
    return int((nulls | (np.abs(a - b) > TOLERANCE * np.abs(a))).sum())


def _shown(found: dict[str, Any]) -> str:
    return "\n".join(f"{name:>16}  {value}" for name, value in found.items())


if __name__ == "__main__":
    sys.exit(main())
