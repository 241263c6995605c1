"""How anything is written: to a temporary name beside its place, then renamed into it.

A reader sees the whole old state or the whole new one; an interrupted or failed write leaves
the old one as it was. Parquet carries page checksums, which every read here verifies.
"""

import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.parquet as pq

from features.errors import Busy, ChurnlightError, DeclarationError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary file path that takes the place of `path` when the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
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
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        yield temporary
        for file in temporary.rglob("*"):
            _sync(file)
        if not path.exists():
            os.replace(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


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
    except (pa.ArrowInvalid, OSError) as error:
        raise ChurnlightError(
            f"{path}: cannot be read ({error}); restore it or write it anew"
        ) from error


def write_csv(table: pa.Table, path: Path) -> None:
    """Writes `table` to `path` as CSV with a header, whole or not at all; nulls are empty."""
    with replacing(path) as temporary:
        csv.write_csv(table, temporary)


def writer(path: Path) -> Callable[[pa.Table, Path], None]:
    """The function that writes a table in the format of the path's suffix.

    Raises
    ------
    DeclarationError
        The suffix is of no format that a table is written in.
    """
    formats = {".parquet": write_parquet, ".csv": write_csv}
    if path.suffix.lower() not in formats:
        raise DeclarationError(f"{path}: unknown format {path.suffix!r}; use .parquet or .csv")
    return formats[path.suffix.lower()]


def write_json(content: Any, path: Path) -> None:
    """Writes `content` as readable JSON, keys in the given order, whole or not at all."""
    with replacing(path) as temporary:
        text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
        temporary.write_text(text + "\n", encoding="utf-8")


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
                f"{workspace}: another churnlight command is at work here; wait for it to end"
            ) from None
        yield
