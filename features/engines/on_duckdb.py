"""DuckDB in this process: the default engine.

One thread, so that queries return rows in one order and Ctrl-C ends every one of them. Only facts
are read, and counted, by as many threads as there are: the result does not depend on their order
(`features.folding.kernel`).
"""

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds

from features.engines import object_store
from features.engines.sql_text import literal, quote
from features.engines.sql_types import as_read
from features.errors import ChurnlightError

INTERRUPTED = "Query interrupted"
BATCH_ROWS = 250_000
# What DuckDB raises of a file that is not there or not whole.
UNREADABLE = (duckdb.IOException, duckdb.InvalidInputException, duckdb.SerializationException)
# It raises the same for a full disk, a quota or a limit on the size of files.
NO_ROOM = re.compile(rf'"errno":"({errno.EFBIG}|{errno.ENOSPC}|{errno.EDQUOT})"')

CONFIG: dict[str, Any] = {
    "threads": 1,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}


class Engine:
    """A private in-memory database whose views are the company's tables."""

    distributes = False
    """Whether rows are computed by `features.assembling.distribution`, on many machines."""

    def __init__(self) -> None:
        self._connection = duckdb.connect(":memory:", config=CONFIG)
        self._scans: dict[str, str] = {}
        # What was found and kept since the tables last changed: nothing is computed twice.
        self._found: dict[str, tuple[Any, ...]] = {}
        self._kept: dict[str, str] = {}
        self._is_parallel = False
        self._connection.execute("SET TimeZone = 'UTC'")
        # Queries of more than two seconds would draw it on stdout, among the data.
        self._connection.execute("SET enable_progress_bar = false")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection.close()

    def read_parquet(self, view: str, *paths: Path) -> None:
        """Makes the Parquet files (or globs) at `paths`, one table, readable as `view`."""
        listed = ", ".join(literal(str(path)) for path in paths)
        by_name = ", union_by_name = true" if len(paths) > 1 else ""
        self._view(view, f"read_parquet([{listed}]{by_name})")

    def rejected(self, scan: str) -> list[tuple[int, str]]:
        """The lines of a text file that `scan`, which stores what it rejects, cannot read."""
        self._run(f"SELECT count(*) FROM {scan}")
        found = self._run("SELECT line, error_message FROM reject_errors ORDER BY line")
        return [(line, message.split("\n")[0]) for line, message in found]

    def spool(self, query: str, path: Path, threads: int) -> None:
        """Writes the result of `query` into a Parquet file, its rows in their order."""
        self._run(f"SET threads = {threads}")
        try:
            self._run(f"COPY ({query}) TO {literal(str(path))} (FORMAT parquet)")
        finally:
            self._run("SET threads = 1")

    def write_lines(self, query: str, path: Path) -> None:
        """Writes the texts that `query` returns, which have no line ends, one a line."""
        plain = "FORMAT csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER '\x01'"
        self._run(f"COPY ({query}) TO {literal(str(path))} ({plain})")

    def _view(self, view: str, scan: str) -> None:
        """Makes `scan` readable as `view`; nanoseconds are cut, UUIDs are text."""
        self._scans[view] = scan
        changed = [
            f"{sql} AS {quote(name)}"
            for name, type_ in self.stored_types(view).items()
            if (sql := as_read(quote(name), type_)) != quote(name)
        ]
        replaced = f" REPLACE ({', '.join(changed)})" if changed else ""
        self._forget()
        self._run(f"CREATE OR REPLACE VIEW {quote(view)} AS SELECT *{replaced} FROM {scan}")

    def stored_types(self, view: str) -> dict[str, str]:
        """The columns of a table and their SQL types in its file."""
        return self.types(f"SELECT * FROM {self._scans[view]}")

    def read_url(self, view: str, url: str) -> None:
        """Makes the Parquet at `url`, in an object store, readable as `view`.

        Raises
        ------
        OSError
            As `object_store.open_dataset`.
        """
        stored = f"{view} as stored"
        self.register(stored, object_store.open_dataset(url))
        self._view(view, quote(stored))

    def register(self, name: str, table: pa.Table | ds.Dataset) -> None:
        """Makes an Arrow table or dataset readable as `name`."""
        self._forget()
        self._connection.register(name, table)

    def rename(self, view: str, name: str) -> None:
        """What is readable as `view` is readable as `name` instead."""
        self._forget()
        self._run(f"ALTER VIEW {quote(view)} RENAME TO {quote(name)}")
        if view in self._scans:
            self._scans[name] = self._scans.pop(view)

    def show_as(self, view: str, query: str) -> None:
        """Makes the result of `query` readable as `view`; it is computed whenever it is read."""
        self._forget()
        self._run(f"CREATE OR REPLACE VIEW {quote(view)} AS {query}")

    def keep(self, name: str, query: str) -> None:
        """Stores the result of `query` as the table `name`; once, while no table changes."""
        if self._kept.get(name) == query:
            return
        if name in self._kept:
            self._forget()
        self._run(f"CREATE OR REPLACE TEMP TABLE {quote(name)} AS {query}")
        self._kept[name] = query

    def _forget(self) -> None:
        self._found.clear()
        self._kept.clear()

    def accept(self, expression: str) -> None:
        """Raises EngineError if `expression` may be computed otherwise than it is declared."""

    def types(self, query: str) -> dict[str, str]:
        """The columns of the result of `query` and their SQL types, without running it."""
        return {row[0]: row[1] for row in self._run(f"DESCRIBE {query}")}

    def rows(self, query: str) -> pa.Table:
        """The result of `query`, as Arrow."""
        with _errors_of_ours():
            return self._connection.sql(query).to_arrow_table()

    def batches(self, query: str, threads: int) -> Iterator[pa.RecordBatch]:
        """The result of `query`, as Arrow, computed by so many threads; in any order."""
        with _errors_of_ours(), self.parallel(threads):
            yield from self._connection.sql(query).to_arrow_reader(BATCH_ROWS)

    @contextmanager
    def parallel(self, threads: int) -> Iterator[None]:
        """Within the block, queries run on so many threads and return rows in any order.

        A block within another one changes nothing.
        """
        if self._is_parallel:
            yield
            return
        self._run(f"SET threads = {threads}")
        self._run("SET preserve_insertion_order = false")
        self._is_parallel = True
        try:
            yield
        finally:
            self._is_parallel = False
            self._run("SET threads = 1")
            self._run("SET preserve_insertion_order = true")

    @contextmanager
    def in_order(self) -> Iterator[None]:
        """Within the block, tables are read on one thread, row by row as their files have them."""
        settings = "current_setting('threads'), current_setting('preserve_insertion_order')"
        threads, keeps_order = self._run(f"SELECT {settings}")[0]
        self._run("SET threads = 1")
        self._run("SET preserve_insertion_order = true")
        try:
            yield
        finally:
            self._run(f"SET threads = {threads}")
            self._run(f"SET preserve_insertion_order = {keeps_order}")

    def row(self, query: str) -> tuple[Any, ...]:
        """The one row that `query` returns; asked again, as it was found."""
        if query not in self._found:
            self._found[query] = self._run(query)[0]
        return self._found[query]

    def _run(self, query: str) -> list[tuple[Any, ...]]:
        with _errors_of_ours():
            return self._connection.execute(query).fetchall()


@cache
def unsteady_functions() -> frozenset[str]:
    """The functions whose result depends on more than their arguments."""
    listed = "SELECT function_name FROM duckdb_functions() WHERE stability <> 'CONSISTENT'"
    with duckdb.connect(":memory:", config=CONFIG) as connection:
        return frozenset(name for (name,) in connection.execute(listed).fetchall())


@contextmanager
def _errors_of_ours() -> Iterator[None]:
    """Raises what DuckDB raises as ours; it turns Ctrl-C into an error of a query."""
    try:
        yield
    except duckdb.InterruptException:
        raise KeyboardInterrupt from None
    except UNREADABLE as error:
        if NO_ROOM.search(str(error)):
            raise ChurnlightError(
                f"no room for a copy of the tables ({_first_part(error)}); published results are "
                "unchanged; free disk space, or set TMPDIR to a folder with more"
            ) from error
        raise Unreadable(_first_part(error)) from error
    except (duckdb.OutOfMemoryException, MemoryError) as error:
        raise ChurnlightError(
            f"out of memory ({_first_part(error)}); use fewer as-of dates or threads "
            "(CHURNLIGHT_THREADS), less memory for facts (CHURNLIGHT_FACTS_MIB), or more RAM"
        ) from error
    except duckdb.Error as error:
        raise EngineError(_first_part(error)) from error
    except RuntimeError as error:
        if str(error) == INTERRUPTED:
            raise KeyboardInterrupt from None
        raise


def _first_part(error: BaseException) -> str:
    return str(error).split("\n\n")[0]


class EngineError(ChurnlightError):
    """The engine refused a query; the message is the engine's own."""


class Unreadable(EngineError):
    """A table went away, or is damaged, where it was read."""
