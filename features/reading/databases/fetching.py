"""Tables of databases, fetched through SQLAlchemy on connections that only read.

All tables of one database are read in one transaction, so that a row which is written meanwhile
is in all of them or in none. What a driver hands out and the column's type cannot hold is counted
and told, value by value, and tolerated like every broken reference.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features.declaring.company import Company
from features.errors import ContractBroken, Finding
from features.reading.column_roles import ColumnRoles
from features.reading.databases import address
from features.reading.databases.cells import Batch, Column, batch_of
from features.reading.databases.column_types import columns_of
from features.reading.places import broken, location

if TYPE_CHECKING:
    import sqlalchemy as sa

BATCH_ROWS = 50_000


@dataclass
class Spooled:
    """The tables that were copied, as Parquet files by source, and what was found meanwhile."""

    paths: dict[str, Path] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)


def spool(company: Company, folder: Path) -> Spooled:
    """Copies every source that is a table of a database into a Parquet file in `folder`."""
    spooled = Spooled()
    with ExitStack() as stack:
        databases = _Databases(company, stack)
        for name, source in company.sources.items():
            if source.sql is None:
                continue
            try:
                path = folder / f"{name}.parquet"
                spooled.findings += databases.fetch(name, path)
                spooled.paths[name] = path
            except ContractBroken as refused:
                spooled.findings += refused.findings
    return spooled


@dataclass
class _Databases:
    """The databases of a company, each with one open connection that `stack` closes."""

    company: Company
    stack: ExitStack
    connections: "dict[str, sa.Connection]" = field(default_factory=dict)

    def fetch(self, name: str, path: Path) -> list[Finding]:
        """Copies the table of the source `name` into a Parquet file; what is odd in it.

        Raises
        ------
        ContractBroken
            The database, or the table in it, cannot be read.
        """
        import sqlalchemy as sa

        source = self.company.sources[name]
        url = address.url_of(name, source)
        try:
            connection = self._connection(url)
            try:
                return self._copy(connection, name, path)
            except sa.exc.DataError:
                # PostgreSQL knows dates that Python does not: its driver shall hand them out as
                # text, which takes longer for all the others.
                _accept_any_date(connection)
                return self._copy(connection, name, path)
        except sa.exc.NoSuchTableError as error:
            detail = f"no table {source.table} in the database"
            raise broken("no_sql_table", name, detail, f"fix sources.{name}.table") from error
        except (sa.exc.SQLAlchemyError, ImportError, OSError) as error:
            raise address.refusal(name, source, url, error) from None

    def _connection(self, url: "sa.URL") -> "sa.Connection":
        """The one connection to a database, in its transaction."""
        key = url.render_as_string(hide_password=False)
        if key not in self.connections:
            engine = address.engine_of(url, self.company.folder)
            connection = self.stack.enter_context(engine.connect())
            self.connections[key] = connection
        return self.connections[key]

    def _copy(self, connection: "sa.Connection", name: str, path: Path) -> list[Finding]:
        """Copies a table in a savepoint, so that its failure leaves the others readable."""
        import sqlalchemy as sa

        source, roles = self.company.sources[name], ColumnRoles.of(self.company, name)
        with connection.begin_nested():
            schema, _, table_name = str(source.table).rpartition(".")
            table = sa.Table(
                table_name, sa.MetaData(), schema=schema or None, autoload_with=connection
            )
            columns = columns_of(connection, table, roles)
            copied = _Copied(columns, roles, _key_of(table, roles))
            # The driver's own values: those of SQLAlchemy's types stop at the first odd one.
            query = sa.select(*(sa.type_coerce(one, sa.types.NullType()) for one in table.columns))
            rows = connection.execute(query, execution_options={"yield_per": BATCH_ROWS})
            kinds = pa.schema([(column.name, column.kind) for column in columns])
            with pq.ParquetWriter(path, kinds) as writer:
                for batch in rows.partitions():
                    writer.write_table(copied.add(batch))
        return list(copied.findings(name, location(source), source.tolerate))


def _accept_any_date(connection: "sa.Connection") -> None:
    """Makes psycopg hand out dates that Python has not (infinity, BC) as PostgreSQL's text."""
    from psycopg import DataError
    from psycopg.types import datetime as loaders

    adapters: Any = connection.connection.driver_connection.adapters  # type: ignore[union-attr]
    for name, loader in (
        ("date", loaders.DateLoader),
        ("timestamp", loaders.TimestampLoader),
        ("timestamptz", loaders.TimestamptzLoader),
    ):

        class _AnyDate(loader):  # type: ignore[misc, valid-type]
            def load(self, data: Any) -> Any:
                try:
                    return super().load(data)
                except DataError:
                    return bytes(data).decode()

        adapters.register_loader(name, _AnyDate)


def _key_of(table: "sa.Table", roles: ColumnRoles) -> tuple[int, ...]:
    """The places of the columns by which people find a row again: its primary key, or account."""
    keys = {column.name for column in table.primary_key.columns} or roles.keys
    return tuple(place for place, column in enumerate(table.columns) if column.name in keys)


@dataclass
class _Odd:
    """The odd values of a column: how many, and the first of them, with its row."""

    count: int
    first: str


@dataclass
class _Copied:
    """What was copied of a table so far: its rows, and the odd values of each column."""

    columns: Sequence[Column]
    roles: ColumnRoles
    key: Sequence[int]
    rows: int = 0
    odd: dict[str, _Odd] = field(default_factory=dict)
    never: Counter[str] = field(default_factory=Counter)

    def add(self, rows: Sequence[Sequence[Any]]) -> pa.Table:
        """The rows as Arrow, without those that an odd time makes useless."""
        batch = batch_of(rows, self.columns)
        self.rows += len(rows)
        self.never.update(batch.never)
        for name, places in batch.odd.items():
            known = self.odd.setdefault(name, _Odd(0, self._shown(rows[places[0]], name)))
            known.count += len(places)
        return batch.table.filter(pa.array(self._usable(batch)))

    def _usable(self, batch: Batch) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """An end that cannot be read would count as none: such a row is left out."""
        usable = np.ones(len(batch.table), np.bool_)
        for name in batch.odd.keys() & self.roles.dated:
            usable[batch.odd[name]] = False
        return usable

    def _shown(self, row: Sequence[Any], name: str) -> str:
        """An odd value and where it stands, for messages."""
        names = [column.name for column in self.columns]
        at = ", ".join(f"{names[place]} = {row[place]}" for place in self.key)
        value = repr(str(row[names.index(name)]))
        return f"{value} in the row with {at}" if at else value

    def findings(self, name: str, place: str, tolerate: float) -> Iterator[Finding]:
        """What is told of the odd values; an error where the declaration needs the column."""
        share = f", or allow a share: sources.{name}.tolerate"
        kinds = {column.name: _in_words(column.kind) for column in self.columns}
        for column, odd in self.odd.items():
            is_named = column in self.roles.all
            too_many = odd.count / self.rows > tolerate or odd.count == self.rows
            becomes = (
                "left out with their rows" if column in self.roles.dated else "read as missing"
            )
            yield Finding(
                "odd_values",
                "sources",
                "error" if is_named and too_many else "warning",
                name,
                column,
                odd.count,
                f"{place}: values that are no {kinds[column]} are {becomes}, such as {odd.first} "
                f"({odd.count / self.rows:.1%} of {self.rows:,} rows)",
                f"correct them in the database{share if is_named and too_many else ''}",
            )
        for column, count in self.never.items():
            detail = f"{place}: ends of 'infinity' are read as not ended"
            fix = "nothing, if they mean that it runs on"
            yield Finding("never_ends", "sources", "advice", name, column, count, detail, fix)


def _in_words(kind: pa.DataType) -> str:
    """What a column of the type holds."""
    if pa.types.is_timestamp(kind):
        return "timestamps with a zone" if kind.tz else "timestamps without a zone"
    if pa.types.is_date(kind):
        return "dates"
    return "true or false" if pa.types.is_boolean(kind) else "numbers"
