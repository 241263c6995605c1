"""Files of one JSON object a line, as event trackers and loading tools write them.

JSON says what is a number and what is text, and is believed; only days and moments, for which it
has no type, are looked for among its texts. Airbyte keeps the rows of its raw tables as JSON in a
column: they are read as the rows that they are.
"""

import re
from collections.abc import Callable
from pathlib import Path

from features.engines.on_duckdb import Engine
from features.engines.sql_text import literal, quote

RAW = "_airbyte_data"
# The first bytes of a gzipped file.
GZIP = b"\x1f\x8b"
# What DuckDB would read of texts by guesses of its own, and numbers that a double would round.
AS_TEXT = re.compile(r"DATE|TIME.*|UUID|HUGEINT|UHUGEINT|UBIGINT|DECIMAL.*")


def scan(engine: Engine, paths: list[Path], is_key: Callable[[str], bool]) -> str:
    """The table function that reads the files; columns that hold keys as text."""
    listed = ", ".join(literal(str(path)) for path in paths)
    packed = ", compression = 'gzip'" if all(map(_is_packed, paths)) else ""
    read = f"read_json([{listed}], format = 'newline_delimited'{packed}"
    found = engine.types(f"SELECT * FROM {read}, sample_size = -1)")
    types = {
        name: "VARCHAR" if is_key(name) or AS_TEXT.fullmatch(type_) else type_
        for name, type_ in found.items()
    }
    columns = ", ".join(f"{literal(name)}: {literal(type_)}" for name, type_ in types.items())
    return f"{read}, columns = {{{columns}}})"


def _is_packed(path: Path) -> bool:
    """Whether the file is gzipped, whatever it is called: dlt names such files `.jsonl` too."""
    with path.open("rb") as file:
        return file.read(len(GZIP)) == GZIP


def unpacked(types: dict[str, str], rows: str) -> str | None:
    """SELECT of the rows that Airbyte keeps as JSON, one a line; none where it keeps no such."""
    if RAW not in types:
        return None
    about = ", ".join(
        f"{literal(name)}, {quote(name)}"
        for name in types
        if name.startswith("_airbyte_") and name != RAW
    )
    data = f"CAST({quote(RAW)} AS JSON)" if types[RAW] == "VARCHAR" else f"to_json({quote(RAW)})"
    return f"SELECT json_merge_patch({data}, json_object({about})) AS line FROM {rows}"
