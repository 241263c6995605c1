"""Puts your own download of Online Retail into `data/lines.parquet`, checked.

The data are no part of this repository: get data set 352 from the UCI Machine Learning
Repository, save the workbook as CSV and name that file with `--from`. Nothing is written unless
every cell that is needed could be read.
"""

import argparse
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv
import pyarrow.parquet as pq

from features.publish import write_parquet

DATA = Path(__file__).parent / "data"
OUT = DATA / "lines.parquet"
DOWNLOAD = DATA / "Online Retail.csv"
SOURCE = "https://archive.ics.uci.edu/dataset/352/online+retail"
# By column that is written: the heading of the workbook, and the type.
COLUMNS = {
    "invoice": ("InvoiceNo", pa.string()),
    "stock_code": ("StockCode", pa.string()),
    "quantity": ("Quantity", pa.int32()),
    "unit_price": ("UnitPrice", pa.float64()),
    "invoice_time": ("InvoiceDate", pa.timestamp("us")),
    "customer_id": ("CustomerID", pa.string()),
    "country": ("Country", pa.string()),
}
# How spreadsheets write a moment; day and month come in either order.
MOMENTS = (
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%d/%m/%Y %H:%M",
    "%m/%d/%Y %H:%M",
    "%d/%m/%y %H:%M",
    "%m/%d/%y %H:%M",
)
NUMBER = {pa.int32(): r"^[+-]?\d{1,9}$", pa.float64(): r"^[+-]?\d+(\.\d+)?([eE][+-]?\d+)?$"}


class NotUsable(Exception):
    """The file cannot be used; the message says what is wrong and how to fix it."""


def lines(path: Path) -> pa.Table:
    """One row per invoice line of a known customer, in the file's order, typed as `COLUMNS`.

    `invoice_time` is the shop's wall clock (Europe/London), without a zone. Lines without a
    customer are left out: nobody can be lost who is not known.

    Raises
    ------
    NotUsable
        The file is missing, of another kind, lacks a column or has a cell that cannot be read.
    """
    table = _of_known_customers(_renamed(_opened(path), path), path)
    return pa.table(
        {name: _cells(table[name], name, path) for name in COLUMNS},
        schema=pa.schema([(name, kind) for name, (_, kind) in COLUMNS.items()]),
    )


def _of_known_customers(table: pa.Table, path: Path) -> pa.Table:
    """The lines with a customer, whose number a spreadsheet may have written as 17850.0."""
    number = pc.replace_substring_regex(pc.cast(table["customer_id"], pa.string()), r"\.0$", "")
    place = table.schema.get_field_index("customer_id")
    known = table.set_column(place, "customer_id", number).filter(pc.is_valid(number))
    if not known.num_rows:
        raise NotUsable(f"{path.name}: CustomerID: no line has one; is it the right file?")
    fits = pc.match_substring_regex(known["customer_id"], r"^\d+$")
    _refuse_other(known["customer_id"], fits, f"{path.name}: CustomerID")
    return known


def _opened(path: Path) -> pa.Table:
    if path.suffix.lower() in {".xlsx", ".xls"}:
        fix = "open it in a spreadsheet, save it as CSV, and name the CSV with --from"
        raise NotUsable(f"{path.name}: a workbook, which is not read here; {fix}")
    if path.suffix.lower() not in {".csv", ".parquet"}:
        raise NotUsable(f"{path.name}: neither .csv nor .parquet; save the table as CSV")
    if not path.is_file():
        fix = "save the workbook as CSV and name it with --from"
        raise NotUsable(f"{path}: no such file; download it from {SOURCE}, {fix}")
    try:
        return pq.read_table(path) if path.suffix.lower() == ".parquet" else _csv(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise NotUsable(
            f"{path.name}: cannot be read ({error}); save or download it again"
        ) from error


def _csv(path: Path) -> pa.Table:
    """The needed columns as text, zeros and all; the others may be in any encoding."""
    with path.open("rb") as file:
        header = file.readline().decode("utf-8-sig", errors="replace").strip()
    wanted = {*COLUMNS, *(heading for heading, _ in COLUMNS.values())}
    present = [name for name in (part.strip('"') for part in header.split(",")) if name in wanted]
    if not present:
        fix = "save it with the headings in the first line and commas between the cells"
        raise NotUsable(f"{path.name}: none of the headings is known, got {header[:80]!r}; {fix}")
    return csv.read_csv(
        path,
        parse_options=csv.ParseOptions(newlines_in_values=True),
        convert_options=csv.ConvertOptions(
            include_columns=present,
            column_types={name: pa.string() for name in present},
            null_values=["", "nan"],
            strings_can_be_null=True,
        ),
    )


def _renamed(table: pa.Table, path: Path) -> pa.Table:
    """The columns of `COLUMNS`, under the workbook's headings or under our own names."""
    found = {
        name: name if name in table.column_names else heading
        for name, (heading, _) in COLUMNS.items()
    }
    if missing := [heading for heading in found.values() if heading not in table.column_names]:
        raise NotUsable(
            f"{path.name}: no column {', '.join(missing)}; "
            f"it has: {', '.join(table.column_names)}; the download from {SOURCE} has them all"
        )
    return table.select(list(found.values())).rename_columns(list(found))


def _cells(column: pa.ChunkedArray, name: str, path: Path) -> pa.ChunkedArray:
    heading, kind = COLUMNS[name]
    where = f"{path.name}: {heading}"
    if empty := column.null_count:
        raise NotUsable(f"{where}: {empty:,} of {len(column):,} cells are empty; download it again")
    if pa.types.is_timestamp(kind):
        return _moments(column, where)
    if kind in NUMBER:
        column = pc.cast(column, pa.string())
        _refuse_other(column, pc.match_substring_regex(column, NUMBER[kind]), where)
    return pc.cast(column, kind)


def _moments(column: pa.ChunkedArray, where: str) -> pa.ChunkedArray:
    if pa.types.is_timestamp(column.type) and column.type.tz is None:
        return pc.cast(column, pa.timestamp("us"), safe=False)
    text = pc.cast(column, pa.string())
    readings = [pc.strptime(text, layout, "us", error_is_null=True) for layout in MOMENTS]
    whole = [item for item in readings if _plausible(item)]
    if not whole:
        best = min(readings, key=lambda item: item.null_count)
        _refuse_other(text, pc.is_valid(best), where)
    if not whole or any(not item.equals(whole[0]) for item in whole):
        fix = "write moments as 2011-12-31 08:26"
        raise NotUsable(f"{where}: {text[0].as_py()!r} does not say one moment; {fix}")
    return whole[0]


def _plausible(moments: pa.ChunkedArray) -> bool:
    """Whether every cell was read, and no year of two digits was taken for an ancient one."""
    return not moments.null_count and bool(pc.min(pc.year(moments)).as_py() > 1999)


def _refuse_other(text: pa.ChunkedArray, fits: pa.ChunkedArray, where: str) -> None:
    """Raises where a cell does not fit, with the first of them."""
    other = text.filter(pc.invert(fits))
    if len(other):
        share = f"in {len(other):,} of {len(text):,} rows"
        fix = "save it with moments as 2011-12-31 08:26 and a point for decimals"
        raise NotUsable(f"{where}: cannot read {other[0].as_py()!r} {share}; {fix}")


def main() -> None:
    """Reads the file that `--from` names and writes `data/lines.parquet`."""
    parser = argparse.ArgumentParser(description="Put your download of Online Retail in place.")
    parser.add_argument(
        "--from",
        dest="path",
        type=Path,
        default=DOWNLOAD,
        metavar="FILE",
        help="the workbook saved as CSV, or the same table as Parquet (default: %(default)s)",
    )
    try:
        table = lines(parser.parse_args().path)
    except NotUsable as error:
        sys.exit(str(error))
    write_parquet(table, OUT)
    customers = pc.count_distinct(table["customer_id"]).as_py()
    print(f"{table.num_rows:,} lines of {customers:,} customers in {OUT.name}")


if __name__ == "__main__":
    main()
