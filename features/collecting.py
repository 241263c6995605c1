"""`collect`: keeps today's copy of tables that hold the state of today and forget the day before.

A table with one row per account and columns such as `last_login` says nothing of an earlier day.
From its first copy on it does: every copy carries the moment at which it was taken, which is the
event time and the known time of its rows.
"""

import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from features import engines, publish
from features.drafting.tables.profiles import AS_GUESSED, usable_name
from features.engines.on_duckdb import EngineError
from features.engines.sql_text import quote
from features.errors import DeclarationError, NotFound
from features.reading import kinds, text_files
from features.reading.files import Reader
from features.reading.text_files import NoTable
from features.settings import Settings

COLLECTED = "collected"
MOMENT = "collected_at"


def collect(folder: Path, tables: Sequence[str], now: datetime | None = None) -> list[Path]:
    """Copies each of `tables` to `collected/NAME/DAY.parquet`; the paths of the copies of today.

    A copy that was taken earlier on the same (UTC) day stays as it is: what was known is not
    changed. Nothing is written unless all tables can be copied.

    Raises
    ------
    NotFound
        A table is not in `folder`.
    DeclarationError
        A table cannot be read, has no rows, or lacks a column of an earlier copy.
    """
    now = now or datetime.now(UTC)
    copies: dict[Path, pa.Table] = {}
    kept = [folder / COLLECTED / usable_name(Path(table).stem) for table in tables]
    places = [place / f"{now.date()}.parquet" for place in kept]
    if len(set(places)) < len(places):
        raise DeclarationError("collect: two tables have one name; rename a file")
    for table, place in zip(tables, places, strict=True):
        if not place.exists():
            copies[place] = _copy(folder / table, place.parent, now)
    for place, copy in copies.items():
        place.parent.mkdir(parents=True, exist_ok=True)
        publish.write_parquet(copy, place)
    return places


def declared_as(place: Path) -> str:
    """How a source of collected copies is declared, in one line."""
    return (
        f'[sources.{place.parent.name}] path = "{COLLECTED}/{place.parent.name}/*.parquet", '
        f'event_time = "{MOMENT}", account = the column with the account\'s key'
    )


def _copy(path: Path, kept: Path, now: datetime) -> pa.Table:
    if not path.is_file():
        raise NotFound(f"{path}: no such table")
    if text_files.suffix(path) not in kinds.SUFFIXES:
        raise DeclarationError(f"{path}: none of {kinds.LISTED}")
    try:
        rows = _read(path, kept)
    except NoTable as error:
        raise DeclarationError(f"{path}: cannot be copied: {error.detail}") from error
    except EngineError as error:
        raise DeclarationError(f"{path}: cannot be copied: {str(error).splitlines()[0]}") from error
    if not rows.num_rows:
        raise DeclarationError(f"{path}: has no rows; was the export complete?")
    moment = pa.array([now] * rows.num_rows, pa.timestamp("us", tz="UTC"))
    return rows.append_column(MOMENT, moment)


def _read(path: Path, kept: Path) -> pa.Table:
    """The rows of the table at `path`, read as `init` reads them."""
    name = kept.name
    with (
        tempfile.TemporaryDirectory(prefix="churnlight-") as spool,
        engines.start("duckdb") as engine,
    ):
        reader = Reader(engine, Path(spool), Settings.read().cores)
        reader.look(name, [path], AS_GUESSED)
        reader.show()
        types = engine.types(f"SELECT * FROM {quote(name)}")
        if MOMENT in types:
            raise DeclarationError(f"{path}: has a column {MOMENT}, the name that copies use")
        return engine.rows(f"SELECT {_as_before(types, kept, path)} FROM {quote(name)}")


def _as_before(types: Mapping[str, str], kept: Path, path: Path) -> str:
    """The columns as SQL, each of the type that the first copy gave it."""
    earlier = _first_copy(kept)
    if lacking := [column for column in earlier if column not in types]:
        raise DeclarationError(
            f"{path}: lacks the column {lacking[0]} of the copies in {kept}; add it, or rename "
            "the file, so that a new series of copies begins"
        )
    return ", ".join(
        f"CAST({quote(column)} AS {earlier[column]}) AS {quote(column)}"
        if column in earlier
        else quote(column)
        for column in types
    )


def _first_copy(kept: Path) -> dict[str, str]:
    """The columns and SQL types of the first copy; none if there is none yet."""
    first = next(iter(sorted(kept.glob("*.parquet"))), None)
    if first is None:
        return {}
    columns = [name for name in pq.read_schema(first).names if name != MOMENT]
    with engines.start("duckdb") as engine:
        engine.read_parquet("first", first)
        types = engine.types("SELECT * FROM first")
    return {column: types[column] for column in columns}
