"""Which files are tables, and the folders of tables that loaders land.

dlt writes `dataset/table/` beside `_dlt_loads`, `_dlt_version` and `_dlt_pipeline_state`, Airbyte
`namespace/stream/` with files called by the day and the moment. Their own tables are no company's,
and their own columns tell of a load, not of a customer.
"""

import re
from collections.abc import Iterable
from pathlib import Path

# Text, with the signs that may separate its columns.
SEPARATORS = {".tsv": "\t", ".csv": ",;\t|"}
JSON_LINES = frozenset({".jsonl", ".ndjson"})
WORKBOOKS = frozenset({".xlsx"})
SUFFIXES = frozenset({".parquet", *SEPARATORS, *JSON_LINES, *WORKBOOKS})
LISTED = ", ".join(sorted(SUFFIXES))

OWN = ("_dlt_", "_airbyte_")
LANDED = re.compile(r"\d{4}_\d\d_\d\d_\d+_\d+\.")


def tables(folder: Path) -> list[Path]:
    """The folders of the tables in a loader's data set; none where it is no such."""
    if not folder.is_dir():
        return []
    inside = [path for path in sorted(folder.iterdir()) if path.is_dir()]
    landed = any(path.name.startswith(OWN) for path in inside) or any(
        LANDED.match(part.name) for path in inside for part in path.iterdir()
    )
    return [path for path in inside if path.name[0] not in "._"] if landed else []


def own_columns(columns: Iterable[str]) -> list[str]:
    """The columns that a loader added, and that differ from load to load."""
    return [column for column in columns if column.startswith(OWN)]
