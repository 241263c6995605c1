"""Tables of databases: fetched through SQLAlchemy, on connections that only read."""

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from features.declaring.company import Source
from features.reading.places import broken, location

if TYPE_CHECKING:
    import sqlalchemy as sa

BATCH_ROWS = 50_000
CONNECT_SECONDS = 10


def fetch(name: str, source: Source, path: Path) -> None:
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
        raise broken("no_sql_table", name, detail, f"fix sources.{name}.table") from error
    except (sa.exc.SQLAlchemyError, ImportError, ValueError, OverflowError) as error:
        detail = type(getattr(error, "orig", None) or error).__name__
        raise broken(
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
        raise broken("no_variable", name, detail, f"export {variable}=postgresql://…")
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
