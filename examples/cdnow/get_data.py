"""Puts the CDNOW purchases into `data/orders.parquet`, from the wheel that carries them.

Fader & Hardie published every purchase (date, number of CDs, dollars) of 23,570 customers from
January 1997 to June 1998; the wheel of the package lifetimes has the file. It is located by
the package's metadata and read as data; the package itself is never imported.
"""

import sys
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv

from features.publish import write_parquet

MASTER = "lifetimes/datasets/CDNOW_master.txt"
OUT = Path(__file__).parent / "data" / "orders.parquet"


def master_file() -> Path:
    """Where the installed wheel keeps the purchases."""
    try:
        found = [item for item in files("lifetimes") or [] if item.as_posix() == MASTER]
    except PackageNotFoundError:
        sys.exit("the demo's data package is not installed; run: make setup")
    if not found:
        sys.exit(f"the installed lifetimes has no {MASTER}; run: make setup")
    return Path(str(found[0].locate()))


def orders(path: Path) -> pa.Table:
    """One row per order: customer_id (text), ordered_on (date), cds (int), dollars (float).

    The file is in columns of fixed width; keys keep their leading zeros.
    """
    lines = csv.read_csv(
        path,
        read_options=csv.ReadOptions(column_names=["line"], skip_rows=1),
        parse_options=csv.ParseOptions(delimiter="|"),
        convert_options=csv.ConvertOptions(column_types={"line": pa.string()}),
    )["line"]
    found = pc.extract_regex(
        lines, r"^\s*(?P<id>\d+)\s+(?P<day>\d{8})\s+(?P<cds>\d+)\s+(?P<dollars>[\d.]+)\s*$"
    ).combine_chunks()
    id_, day, cds, dollars = (found.field(number) for number in range(4))
    moments = pc.strptime(day, format="%Y%m%d", unit="s")
    return pa.table(
        {
            "customer_id": id_,
            "ordered_on": pc.cast(moments, pa.date32()),
            "cds": pc.cast(cds, pa.int32()),
            "dollars": pc.cast(dollars, pa.float64()),
        }
    )


if __name__ == "__main__":
    table = orders(master_file())
    write_parquet(table, OUT)
    customers = pc.count_distinct(table["customer_id"]).as_py()
    print(f"{table.num_rows:,} orders of {customers:,} customers in {OUT.name}")
