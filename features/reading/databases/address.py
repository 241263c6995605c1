"""The address of a database: read from the declaration, and what is said when nobody answers.

No message holds anything of the address but host, port, user and the database's name; where an
`@` too many leaves open which part is the password, not even those.
"""

import os
import re
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

from features.declaring.source import Source
from features.errors import ContractBroken
from features.reading.places import broken, location

if TYPE_CHECKING:
    import sqlalchemy as sa

CONNECT_SECONDS = 10
ONE_MOMENT = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"
ENCODED = "@ as %40, : as %3A, / as %2F, ? as %3F, # as %23, % as %25"
SHAPE = "postgresql://user:password@host:5432/database"

# What a server or its driver says, and what it means; in the order of asking.
REFUSALS = (
    (r"password authentication failed|no password supplied|pg_hba|Access denied", "password"),
    (r"role .* does not exist", "role"),
    (r"database .* does not exist|Unknown database", "database"),
    (r"resolve host|translate host|Name or service not known|getaddrinfo", "host"),
    (r"refused|No such file or directory|timeout|timed out|unreachable", "silent"),
    (r"file is not a database", "not_sqlite"),
)


def url_of(name: str, source: Source) -> "sa.URL":
    """The source's address; `$NAME` is what that environment variable holds.

    Raises
    ------
    ContractBroken
        The variable is not set, or the text is no address.
    """
    import sqlalchemy as sa

    text = re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", _text(name, str(source.sql)))
    place = location(source)
    if text.partition("?")[0].count("@") > 1:
        detail = f"{place} cannot be fetched: the address has more than one @"
        fix = f"percent-encode the user and the password in it: {ENCODED}"
        raise broken("no_database", name, detail, fix)
    try:
        return sa.make_url(text)
    # Their messages repeat the address, and with it the password.
    except (sa.exc.ArgumentError, ValueError):
        detail = f"{place} cannot be fetched: sources.{name}.sql holds no database address"
        fix = f"check the address: write {SHAPE}, the password percent-encoded ({ENCODED})"
        raise broken("no_database", name, detail, fix) from None


def _text(name: str, text: str) -> str:
    if not text.startswith("$"):
        return text
    variable = text[1:]
    if variable not in os.environ:
        detail = f"the environment variable {variable} is not set"
        raise broken("no_variable", name, detail, f"export {variable}=postgresql://…")
    return os.environ[variable]


def engine_of(url: "sa.URL", folder: Path) -> "sa.Engine":
    """An engine whose connections only read, each in a transaction that sees one moment.

    A path of SQLite is relative to `folder`. Raises FileNotFoundError where no such file is.
    """
    import sqlalchemy as sa

    kind = url.get_backend_name()
    if kind == "sqlite":
        return _sqlite(folder / str(url.database))
    if kind in ("mysql", "mariadb"):
        return _mysql(url)
    if kind != "postgresql":
        return sa.create_engine(url, poolclass=sa.NullPool)
    return sa.create_engine(
        url,
        poolclass=sa.NullPool,
        isolation_level="REPEATABLE READ",
        connect_args={"connect_timeout": CONNECT_SECONDS},
        execution_options={"postgresql_readonly": True},
    )


def _mysql(url: "sa.URL") -> "sa.Engine":
    """MySQL and MariaDB take their one moment at the first read, unless told to at the start."""
    import sqlalchemy as sa

    engine = sa.create_engine(url, poolclass=sa.NullPool, isolation_level="REPEATABLE READ")
    sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(ONE_MOMENT))
    return engine


def _sqlite(path: Path) -> "sa.Engine":
    """SQLite makes a missing file, and sees one moment only after an explicit BEGIN."""
    import sqlalchemy as sa

    if not path.is_file():
        raise FileNotFoundError(path)

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)

    engine = sa.create_engine("sqlite://", creator=connect, poolclass=sa.NullPool)
    sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    return engine


def refusal(name: str, source: Source, url: "sa.URL", error: BaseException) -> ContractBroken:
    """Why a database could not be read, and what to do about it, without its password."""
    said = str(getattr(error, "orig", None) or error)
    meanings = (meaning for pattern, meaning in REFUSALS if re.search(pattern, said, re.I))
    meaning = "file" if isinstance(error, FileNotFoundError) else next(meanings, "other")
    if isinstance(error, ImportError):
        meaning = "driver"
    kind = type(getattr(error, "orig", None) or error).__name__
    detail, fix = _meanings(name, url, kind)[meaning]
    return broken("no_database", name, f"{location(source)} cannot be fetched: {detail}", fix)


def _meanings(name: str, url: "sa.URL", kind: str) -> dict[str, tuple[str, str]]:
    """What is wrong and how to fix it, by meaning."""
    host = url.host or str(url.query.get("host", "localhost"))
    at = f"{host}:{url.port}" if url.port else host
    key = f"sources.{name}.sql"
    return {
        "password": (
            f"{host} refuses the password of user {url.username}",
            f"correct the password in {key}, percent-encoded ({ENCODED})",
        ),
        "role": (
            f"{host} knows no user {url.username}",
            f"correct the user in {key}, or create it",
        ),
        "database": (
            f"there is no database {url.database} on {host}",
            f"correct the name at the end of the address in {key}",
        ),
        "host": (f"there is no host {host}", f"correct the host in {key}, or the network's DNS"),
        "silent": (
            f"nothing answers at {at}",
            f"start the database, open the firewall, or correct host and port in {key}",
        ),
        "file": (
            f"there is no file {url.database}",
            f"correct the path in {key}; it is relative to the folder of churnlight.toml",
        ),
        "not_sqlite": (f"{url.database} is no SQLite database", f"correct the path in {key}"),
        "driver": (
            f"the driver of {url.drivername} is not installed",
            f"install it, or check the address in {key}",
        ),
        "other": (
            f"the database refused ({kind})",
            "check the address, the driver, the permissions and that the database is running",
        ),
    }
