"""Spark, on this machine or a cluster: the engine of a company that outgrows one machine.

Spark reads the tables and folds the facts (`features.assembling.distribution`). The driver keeps a
DuckDB beside it, for which this engine is one as well: what looks at columns, types and a few
numbers (the checks, the days from and up to which the tables are complete) asks that one, lazily.

The session belongs to the process and ends with it; an engine has views of its own in it.
"""

import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from features.engines import on_duckdb, spark_sql
from features.engines.on_duckdb import EngineError, Unreadable
from features.engines.sql_text import literal, quote
from features.engines.sql_types import NANOSECONDS
from features.errors import ChurnlightError, DeclarationError
from features.settings import Settings

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

# What Hadoop's file systems call the stores whose URLs we know by shorter names.
IN_ANOTHER_WORD = {"s3": "s3a", "gs": "gs", "abfs": "abfss"}

QUIET = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "65536",
}
ON_ONE_MACHINE = {
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    # Spark's 200 are for clusters; here most would be empty, and each costs its start.
    "spark.sql.shuffle.partitions": "16",
}
OURS = {
    # These decide the result of a query; nobody may change them.
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.legacy.parquet.nanosAsLong": "true",
}
WITHOUT_JAVA = (
    "Spark needs Java 17 or newer, which is not found here: apt-get install "
    'default-jre-headless, or set JAVA_HOME; or let DuckDB read the tables (engine = "duckdb")'
)


class Engine(on_duckdb.Engine):
    """The company's tables in Spark and, for what the driver asks, in DuckDB."""

    distributes = True

    def __init__(self) -> None:
        super().__init__()
        require_spark()
        self._settings = Settings.read()
        self._shared = tempfile.TemporaryDirectory(
            prefix="churnlight-", dir=self._settings.spark_shared or None
        )
        self._places: dict[str, str] = {}
        self._cached: list[DataFrame] = []

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for frame in self._cached:
            frame.unpersist()
        super().__exit__(kind, error, trace)
        self._shared.cleanup()

    def read_parquet(self, view: str, *paths: Path) -> None:
        """As DuckDB's."""
        super().read_parquet(view, *paths)
        # Spark reads a UUID as bytes: there it sees DuckDB's copy, and of several files too.
        if len(paths) == 1 and "UUID" not in self.stored_types(view).values():
            self._places[view] = _escaped(paths[0].resolve())

    def read_url(self, view: str, url: str) -> None:
        """As DuckDB's."""
        super().read_url(view, url)
        self._places[view] = in_hadoop(url)

    def rename(self, view: str, name: str) -> None:
        """As DuckDB's."""
        super().rename(view, name)
        if view in self._places:
            self._places[name] = self._places.pop(view)

    def accept(self, expression: str) -> None:
        """Raises EngineError if Spark may compute something else than is declared."""
        spark_sql.translated(expression)

    def named(self, message: str) -> str:
        """The source whose file a message of Spark names, as far as it names one."""
        return next((view for view, path in self._places.items() if path in message), "?")

    @property
    def shared(self) -> Path:
        """A folder for the time of this engine that driver and executors see."""
        return Path(self._shared.name)

    @property
    def settings(self) -> Settings:
        """The settings with which the engine was started."""
        return self._settings

    @cached_property
    def spark(self) -> "SparkSession":
        """The session, in which the tables are views."""
        with errors_of_ours():
            session = _session(self._settings).newSession()
            for name, value in OURS.items():
                session.conf.set(name, value)
            for statement in spark_sql.functions():
                session.sql(statement)
        return session

    def frame(self, query: str) -> "DataFrame":
        """The result on Spark of a query in DuckDB's words, computed when it is read."""
        with errors_of_ours():
            return self.spark.sql(spark_sql.translated(query))

    def show(self, view: str, frame: "DataFrame") -> None:
        """Makes the rows of `frame` readable as `view`; they are computed once."""
        frame.persist()
        self._cached.append(frame)
        frame.createOrReplaceTempView(ticked(view))

    def open(self, view: str) -> None:
        """Makes a table that DuckDB reads readable in Spark as well.

        What is no Parquet is copied there by DuckDB, so that both see the same values.
        """
        if view in self._places:
            types = self.stored_types(view)
        else:
            copy = self.shared / f"{len(self._places)}.parquet"
            self._run(f"COPY (SELECT * FROM {quote(view)}) TO {literal(str(copy))}")
            self._places[view] = _escaped(copy)
            types = self.types(f"SELECT * FROM {quote(view)}")
        with errors_of_ours():
            read = self.spark.read.parquet(self._places[view])
            columns = [_column(name, type_) for name, type_ in types.items()]
            read.selectExpr(*columns).createOrReplaceTempView(ticked(view))


def require_spark() -> None:
    """Raises DeclarationError if Spark or Java is missing."""
    try:
        import pyspark  # noqa: F401
        import sqlglot  # noqa: F401
    except ImportError as error:
        raise DeclarationError(
            f'churnlight.toml: company.engine = "spark" needs the extra spark ({error.name} is '
            "not installed): pip install 'churnlight[spark]'"
        ) from error
    home = os.environ.get("JAVA_HOME")
    if shutil.which("java") is None and not (home and Path(home, "bin", "java").exists()):
        raise DeclarationError(f'churnlight.toml: company.engine = "spark": {WITHOUT_JAVA}')


def _session(settings: Settings) -> "SparkSession":
    from pyspark.sql import SparkSession

    conf = QUIET | _given(settings.spark_conf)
    if settings.spark_packages:
        conf["spark.jars.packages"] = settings.spark_packages
    is_local = settings.spark_master.startswith("local")
    if is_local:
        conf = ON_ONE_MACHINE | conf
    builder = SparkSession.builder.master(settings.spark_master).appName("churnlight")
    for name, value in conf.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    if is_local and "PYSPARK_PYTHON" not in os.environ:
        session.sparkContext.pythonExec = sys.executable
    return session


def _given(text: str) -> dict[str, str]:
    """`a=b;c=d` by name.

    Raises
    ------
    DeclarationError
        A part has no `=`, or sets an option that decides results.
    """
    options: dict[str, str] = {}
    for part in filter(None, map(str.strip, text.split(";"))):
        name, sign, value = (piece.strip() for piece in part.partition("="))
        if not sign or name in OURS:
            why = "Churnlight sets it" if sign else "it is not name=value"
            raise DeclarationError(
                f"CHURNLIGHT_SPARK_CONF: {part!r} cannot be used: {why}; "
                "write spark.executor.memory=8g;spark.executor.cores=4"
            )
        options[name] = value
    return options


def _escaped(path: Path) -> str:
    """A path, or a glob of `*`, as Hadoop's globs read it."""
    return "".join(f"\\{sign}" if sign in "{}[]?\\" else sign for sign in str(path))


def in_hadoop(url: str) -> str:
    """The URL as Hadoop's file systems know it."""
    scheme = urlsplit(url).scheme
    return IN_ANOTHER_WORD.get(scheme, scheme) + url[len(scheme) :]


def ticked(name: str) -> str:
    """`name` as an identifier of Spark."""
    return "`" + name.replace("`", "``") + "`"


def _column(name: str, type_: str) -> str:
    quoted = ticked(name)
    if type_ not in NANOSECONDS:
        return quoted
    # Spark has microseconds; nanoseconds reach it as whole numbers, which no division of
    # floating-point numbers keeps.
    moment = f"timestamp_micros(({quoted} - pmod({quoted}, 1000)) DIV 1000)"
    kind = "TIMESTAMP_NTZ" if type_ == "TIMESTAMP_NS" else "TIMESTAMP"
    return f"CAST({moment} AS {kind}) AS {quoted}"


@contextmanager
def errors_of_ours() -> Iterator[None]:
    """Raises what Spark raises as ours."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    with warnings.catch_warnings():
        # Nothing here touches pandas.
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas")
        try:
            yield
        except PySparkException as error:
            raise _ours(error) from error
        except Py4JError as error:
            raise ChurnlightError(f"Spark failed: {_first_line(error)}") from error


def _ours(error: Any) -> ChurnlightError:
    condition = error.getCondition() or ""
    said = _first_line(error)
    if condition.startswith(("FAILED_READ_FILE", "PATH_NOT_FOUND", "CANNOT_READ")):
        return Unreadable(said)
    if condition == "JAVA_GATEWAY_EXITED":
        return DeclarationError(f"Spark does not start: {WITHOUT_JAVA}")
    return EngineError(said)


def _first_line(error: BaseException) -> str:
    return str(error).split("\n")[0]
