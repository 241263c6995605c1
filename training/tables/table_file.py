"""An undeclared table in a file, read as the tables of a company are."""

import tempfile
from collections.abc import Callable, Collection
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from features.engines.on_duckdb import Engine, EngineError
from features.errors import ChurnlightError, ContractBroken, Finding, NotFound
from features.reading import files
from features.reading.files import Declared, Reader
from features.reading.notes import Note
from features.reading.text_files import NoTable
from features.settings import Settings


def read_table(
    path: Path, texts: Collection[str] = (), told: Callable[[Note], None] = lambda note: None
) -> pa.Table:
    """The table in a file, read as a company's are.

    Parameters
    ----------
    path : Path
    texts : collection of str
        Columns that stay as they are written: ids, and what a model knows as categories.
    told : callable
        Gets what the reader noticed: cells that are missing because they are no numbers, say.

    Raises
    ------
    NotFound
        There is no such file.
    ContractBroken
        It is not what its suffix says; for a text file the message names the line.
    ChurnlightError
        The file system forbids reading it.
    """
    try:
        if not path.is_file():
            raise NotFound(f"{path}: no such file")
        path.open("rb").close()
        return _read(path, texts, told)
    except PermissionError as error:
        raise ChurnlightError(
            f"{path}: cannot be opened ({error.strerror}); give yourself the right to read it"
        ) from error
    except NoTable as error:
        raise _unreadable(path, error.detail, error.fix) from error
    except (EngineError, pa.ArrowInvalid, OSError) as error:
        fix = "repair the file, or give another table"
        raise _unreadable(path, str(error).splitlines()[0], fix) from error


def _unreadable(path: Path, detail: str, fix: str) -> ContractBroken:
    said = f"cannot be read ({detail})"
    return ContractBroken(
        [Finding("flat table", "read", "error", str(path), None, None, said, fix)]
    )


def _read(path: Path, texts: Collection[str], told: Callable[[Note], None]) -> pa.Table:
    files.parts(path)
    declared = Declared(is_key=lambda name: name in texts, flags_are_texts=True)
    with tempfile.TemporaryDirectory(prefix="churnlight-") as spool, Engine() as engine:
        reader = Reader(engine, Path(spool), Settings.read().cores)
        reader.look("table", [path], declared)
        for note in reader.show()["table"]:
            told(note)
        rows = engine.rows('SELECT * FROM "table"')
    return _with_durations(path, rows) if path.suffix.lower() == ".parquet" else rows


def _with_durations(path: Path, rows: pa.Table) -> pa.Table:
    """The rows with the durations of a Parquet file, which it keeps as counts, as such again."""
    for field in pq.read_schema(path):
        if pa.types.is_duration(field.type):
            place = rows.column_names.index(field.name)
            durations = rows.column(place).cast(pa.int64()).cast(field.type)
            rows = rows.set_column(place, field.name, durations)
    return rows
