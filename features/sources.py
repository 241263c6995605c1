"""Opens a company's tables in an engine, each as a view of its own name.

One function per kind of source. What cannot be opened is a finding of the data usability
report, with the file, what is wrong and how to fix it.
"""

import json
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from features import engines
from features.declaring.company import Company, Source
from features.declaring.spelling import nearest
from features.engines import object_store
from features.engines.on_duckdb import Engine, EngineError
from features.engines.sql_text import quote
from features.errors import ContractBroken, Finding

if TYPE_CHECKING:
    import sqlalchemy as sa

BATCH_ROWS = 50_000
CONNECT_SECONDS = 10


@dataclass(frozen=True)
class Tables:
    """The company's tables, open: the engine, each source's columns, and what could not be opened.

    `columns[source]` maps a column to its SQL type; sources in `unreadable` are not there.
    """

    company: Company
    engine: Engine
    columns: dict[str, dict[str, str]]
    unreadable: tuple[Finding, ...]

    def location(self, source: str) -> str:
        """Where a source is, for messages: its path, or its table."""
        return location(self.company.sources[source])


@contextmanager
def open_tables(company: Company) -> Iterator[Tables]:
    """The company's tables, closed again at the end of the block."""
    with (
        tempfile.TemporaryDirectory(prefix="churnlight-") as spool,
        engines.start(company.about.engine) as engine,
    ):
        columns: dict[str, dict[str, str]] = {}
        unreadable: list[Finding] = []
        for name in company.sources:
            try:
                columns[name] = _open(company, name, engine, Path(spool))
            except ContractBroken as broken:
                unreadable += broken.findings
        yield Tables(company, engine, columns, tuple(unreadable))


def _open(company: Company, name: str, engine: Engine, spool: Path) -> dict[str, str]:
    source = company.sources[name]
    if source.path is not None and object_store.is_url(source.path):
        return _open_url(name, source.path, engine)
    if source.sql is not None:
        path = spool / f"{name}.parquet"
        _fetch(name, source, path)
    else:
        path = _existing(company, name, source)
    try:
        if path.suffix.lower() == ".csv":
            engine.read_csv(name, path, _key_columns(company, name))
        else:
            engine.read_parquet(name, path)
        return engine.types(f"SELECT * FROM {quote(name)}")
    except EngineError as error:
        detail = f"{location(source)} cannot be read: {error}"
        raise _broken("unreadable", name, detail, "repair the file or export it again") from error


def _open_url(name: str, url: str, engine: Engine) -> dict[str, str]:
    try:
        engine.read_url(name, url)
        return engine.types(f"SELECT * FROM {quote(name)}")
    except (OSError, EngineError) as error:
        detail = f"{object_store.shown(url)} cannot be read: {error}"
        fix = "check the address, the credentials in the environment, and that it is Parquet"
        raise _broken("unreadable", name, detail, fix) from error


def location(source: Source) -> str:
    """Where the source is, for messages: its path, or its table (never a URL with secrets)."""
    if source.path is None:
        return f"SQL table {source.table}"
    return object_store.shown(source.path) if object_store.is_url(source.path) else source.path


def _broken(check: str, name: str, detail: str, fix: str) -> ContractBroken:
    return ContractBroken([Finding(check, "sources", "error", name, None, None, detail, fix)])


def _existing(company: Company, name: str, source: Source) -> Path:
    path = company.folder / str(source.path)
    if path.suffix.lower() not in {".csv", ".parquet"}:
        detail = f"{source.path} is neither .parquet nor .csv"
        raise _broken("unsupported_file", name, detail, "convert the file to one of the two")
    if path.is_file() or ("*" in path.name and any(path.parent.glob(path.name))):
        return path
    beside = [sibling.name for sibling in path.parent.glob("*")] if path.parent.is_dir() else []
    near = nearest(path.name, beside)
    fix = f"did you mean {near!r}?" if near else f"put it there or fix sources.{name}.path"
    detail = f"{source.path}: no such file in {company.folder}"
    raise _broken("missing_file", name, detail, fix)


def _key_columns(company: Company, name: str) -> list[str]:
    """The columns of a CSV that hold keys, and so must not be read as numbers."""
    account = company.sources[name].account
    keys = [account.column] if account else []
    if name == company.accounts.source:
        keys += [company.accounts.key, *company.accounts.crosswalk.values()]
    return keys


def _fetch(name: str, source: Source, path: Path) -> None:
    """Copies a database table into a Parquet file, in batches, on one read-only connection."""
    import sqlalchemy as sa

    try:
        database = _database(name, str(source.sql))
        try:
            _copy(database, source, path)
        finally:
            database.dispose()
    except sa.exc.NoSuchTableError as error:
        detail = f"no table {source.table} in the database"
        raise _broken("no_sql_table", name, detail, f"fix sources.{name}.table") from error
    except (sa.exc.SQLAlchemyError, ImportError, ValueError, OverflowError) as error:
        detail = type(getattr(error, "orig", None) or error).__name__
        raise _broken(
            "no_database",
            name,
            f"{location(source)} cannot be fetched ({detail})",
            "check the address, the driver, the permissions and that the database is running",
        ) from error


def _database(name: str, text: str) -> "sa.Engine":
    import sqlalchemy as sa

    url = sa.make_url(_url(name, text))
    if url.get_backend_name() != "postgresql":
        return sa.create_engine(url)
    seconds = {"connect_timeout": CONNECT_SECONDS}
    return sa.create_engine(
        url, connect_args=seconds, execution_options={"postgresql_readonly": True}
    )


def _copy(database: "sa.Engine", source: Source, path: Path) -> None:
    import sqlalchemy as sa

    schema, _, table_name = str(source.table).rpartition(".")
    table = sa.Table(table_name, sa.MetaData(), schema=schema or None, autoload_with=database)
    kinds = pa.schema([(column.name, _arrow(column.type)) for column in table.columns])
    with database.connect() as connection, pq.ParquetWriter(path, kinds) as writer:
        result = connection.execution_options(stream_results=True).execute(sa.select(table))
        for batch in result.mappings().partitions(BATCH_ROWS):
            writer.write_table(_batch([dict(row) for row in batch], kinds))


def _url(name: str, text: str) -> str:
    """`text`, or what the environment variable says that it names by `$NAME`."""
    if not text.startswith("$"):
        url = text
    elif text[1:] in os.environ:
        url = os.environ[text[1:]]
    else:
        variable = text[1:]
        detail = f"the environment variable {variable} is not set"
        raise _broken("no_variable", name, detail, f"export {variable}=postgresql://…")
    return re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", url)


def _arrow(kind: Any) -> pa.DataType:
    import sqlalchemy as sa

    plain: list[tuple[type, pa.DataType]] = [
        (sa.Boolean, pa.bool_()),
        (sa.Integer, pa.int64()),
        (sa.Numeric, pa.float64()),
        (sa.Float, pa.float64()),
        (sa.Date, pa.date32()),
    ]
    if isinstance(kind, sa.DateTime):
        return pa.timestamp("us", tz="UTC" if kind.timezone else None)
    return next((arrow for sql, arrow in plain if isinstance(kind, sql)), pa.string())


def _batch(rows: list[dict[str, Any]], kinds: pa.Schema) -> pa.Table:
    columns = {
        field.name: pa.array([_cell(row[field.name], field.type) for row in rows], field.type)
        for field in kinds
    }
    return pa.table(columns, schema=kinds)


def _cell(value: Any, kind: pa.DataType) -> Any:
    if value is None:
        return None
    if pa.types.is_floating(kind):
        return float(value)
    if isinstance(value, dict | list):
        return json.dumps(value, default=str)
    return str(value) if pa.types.is_string(kind) else value
