"""How anything is written: to a temporary name beside its place, then renamed into it.

A reader sees the whole old state or the whole new one; an interrupted or failed write leaves
the old one as it was. Parquet carries page checksums, which every read here verifies.
"""

import fcntl
import json
import math
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.parquet as pq

from features.errors import Busy, ChurnlightError, DeclarationError

FORMULA_STARTS = ("=", "+", "-", "@")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary file path that takes the place of `path` when the block ends well."""
    temporary = _beside(path)
    temporary.touch(exist_ok=False)
    try:
        yield temporary
        _sync(temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def new_directory(path: Path) -> Iterator[Path]:
    """A temporary directory that becomes `path` when the block ends well.

    A published directory never changes: where `path` exists already, it stays as it is.
    """
    temporary = _beside(path)
    temporary.mkdir()
    try:
        yield temporary
        for file in temporary.rglob("*"):
            _sync(file)
        if not path.exists():
            os.replace(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _beside(path: Path) -> Path:
    """A free name beside `path`. What is made there has the rights that the umask leaves.

    Not those of `tempfile`, which are the owner's alone: a service under another user reads it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.with_name(f".{path.name}.{secrets.token_hex(8)}")


def _sync(path: Path) -> None:
    if path.is_file():
        with path.open("rb") as file:
            os.fsync(file.fileno())


def write_parquet(table: pa.Table, path: Path) -> None:
    """Writes `table` to `path` with page checksums, whole or not at all."""
    with replacing(path) as temporary:
        pq.write_table(table, temporary, compression="zstd", write_page_checksum=True)


def read_parquet(path: Path, columns: list[str] | None = None) -> pa.Table:
    """The table that `write_parquet` wrote.

    Raises
    ------
    ChurnlightError
        The file is damaged or not Parquet.
    """
    try:
        return pq.read_table(path, columns=columns, page_checksum_verification=True)
    except (pa.ArrowException, OSError) as error:
        raise ChurnlightError(
            f"{path}: cannot be read ({error}); restore it or write it again"
        ) from error


def write_csv(table: pa.Table, path: Path) -> None:
    """Writes `table` to `path` as CSV with a header, whole or not at all; nulls are empty.

    Texts are `harmless`.
    """
    for position, field in enumerate(table.schema):
        if pa.types.is_string(field.type) or pa.types.is_large_string(field.type):
            texts = [text and harmless(text) for text in table[field.name].to_pylist()]
            table = table.set_column(position, field.name, pa.array(texts, pa.string()))
    with replacing(path) as temporary:
        csv.write_csv(table, temporary)


def harmless(text: str) -> str:
    """`text` for a cell of CSV: what a spreadsheet would run as a formula gets an apostrophe.

    Examples
    --------
    >>> print(harmless("=1+1"))
    '=1+1
    >>> print(harmless("Acme"))
    Acme
    """
    runs = text.startswith(("\t", "\r")) or text.lstrip().startswith(FORMULA_STARTS)
    return f"'{text}" if runs else text


def write_json(content: Any, path: Path) -> None:
    """Writes `content` as readable JSON, keys in the given order, whole or not at all."""
    with replacing(path) as temporary:
        text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
        temporary.write_text(text + "\n", encoding="utf-8")


Row = dict[str, object]
SUFFIXES = (".parquet", ".csv", ".json")


def require_suffix(path: Path) -> str:
    """The suffix of `path` in lower case, one of `SUFFIXES`: the formats a table is written in.

    Raises
    ------
    DeclarationError
        It has none, or another.
    """
    if path.suffix.lower() not in SUFFIXES:
        got = path.suffix or "a file without suffix"
        raise DeclarationError(f"{path}: cannot write {got}; use .parquet, .csv or .json")
    return path.suffix.lower()


def require_place(path: Path) -> None:
    """Raises DeclarationError unless a file can be written at `path`, before any work is done."""
    if path.is_dir() or not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
        raise DeclarationError(
            f"{path}: cannot be written; name a file in a folder that exists and may be written to"
        )


def write_table(table: pa.Table, path: Path, shown: Callable[[Row], Row] = dict) -> None:
    """Writes `table` in the format of the path's suffix, whole or not at all.

    Parameters
    ----------
    shown : callable
        A row as text formats write it; by default its columns as they are. In JSON dates are
        ISO texts, in CSV nested columns are JSON texts.

    Raises
    ------
    DeclarationError
        As `require_suffix`.
    """
    suffix = require_suffix(path)
    if suffix == ".parquet":
        write_parquet(table, path)
    elif suffix == ".csv":
        write_csv(_flat(table, shown), path)
    else:
        write_json([_plain(shown(row)) for row in table.to_pylist()], path)


def _flat(table: pa.Table, shown: Callable[[Row], Row]) -> pa.Table:
    nested = [column.name for column in table.schema if pa.types.is_nested(column.type)]
    rows = [shown(row) for row in table.to_pylist()] if nested else []
    for name in nested:
        texts = [json.dumps(_plain(row[name]), ensure_ascii=False) for row in rows]
        position = table.column_names.index(name)
        table = table.set_column(position, name, pa.array(texts, pa.string()))
    return table


def _plain(value: Any) -> Any:
    """`value` as JSON can hold it; what is no finite number is null."""
    if isinstance(value, dict):
        return {key: _plain(element) for key, element in value.items()}
    if isinstance(value, list):
        return [_plain(element) for element in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value.isoformat() if isinstance(value, date) else value


@contextmanager
def alone(workspace: Path) -> Iterator[None]:
    """Holds the workspace while something is written in it.

    Raises
    ------
    Busy
        Another process holds it.
    """
    workspace.mkdir(parents=True, exist_ok=True)
    with (workspace / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy(
                f"{workspace}: another churnlight command is running here; wait until it ends"
            ) from None
        yield
