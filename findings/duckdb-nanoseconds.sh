#!/bin/bash
# DuckDB and timestamps of nanoseconds, as pandas, Polars and pyarrow write them.
#
# 1. TRY_CAST from TIMESTAMPTZ_NS to TIMESTAMP gives NULL for every value: that cast does not exist,
#    and TRY_CAST says so by NULL as it does for values that cannot be cast.
# 2. Casting to microseconds, or to a date, rounds: the last nanosecond of a day becomes the next day.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet duckdb==2.0.0 pyarrow==25.0.1
"$work/venv/bin/python" - <<'EOF'
import duckdb
import pyarrow as pa

print("DuckDB", duckdb.__version__)
LAST = 1_764_547_199_999_999_999  # 2025-11-30 23:59:59.999999999 UTC
duckdb.sql("SET TimeZone = 'UTC'")
zoned = pa.table({"moment": pa.array([LAST], pa.timestamp("ns", "UTC"))})
plain = pa.table({"moment": pa.array([LAST], pa.timestamp("ns"))})


def shown(expression: str, table: str) -> object:
    value = duckdb.sql(f"SELECT {expression} FROM {table}").fetchall()[0][0]
    print(f"  {table}: {expression} = {value}")
    return value


assert shown("typeof(moment)", "zoned") == "TIMESTAMPTZ_NS"
assert shown("TRY_CAST(moment AS TIMESTAMP)", "zoned") is None
assert shown("CAST(CAST(moment AS TIMESTAMPTZ) AS VARCHAR)", "zoned") == "2025-12-01 00:00:00+00"
assert shown("CAST(moment AS VARCHAR)", "plain") == "2025-11-30 23:59:59.999999999"
assert shown("CAST(CAST(moment AS DATE) AS VARCHAR)", "plain") == "2025-12-01"
EOF
echo "as described"
