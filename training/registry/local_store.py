"""The registry in a company's workspace, which goes wherever its folder goes.

MLflow writes the absolute addresses of its files into its database. A workspace that was moved,
copied, restored or mounted elsewhere would read and write where it was before.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

DATABASE, FILES = "mlflow.db", "mlartifacts"
BUSY_SECONDS = 30
# Where MLflow keeps addresses of files, by table.
ADDRESSES = {
    "experiments": "artifact_location",
    "runs": "artifact_uri",
    "logged_models": "artifact_location",
    "model_versions": "storage_location",
}


def uri(workspace: Path) -> str:
    """The tracking URI of the registry in the workspace, whatever the folder is called."""
    from sqlalchemy import URL

    return URL.create("sqlite", database=str((workspace / DATABASE).resolve())).render_as_string()


def files(workspace: Path) -> str:
    """The address of the registry's files."""
    return (workspace / FILES).resolve().as_uri()


def follow(workspace: Path) -> None:
    """Corrects the addresses in the database if the workspace is no longer where they say.

    Raises
    ------
    sqlite3.Error
        The database cannot be read or written.
    """
    database, here = workspace / DATABASE, files(workspace)
    if not database.exists():
        return
    with closing(sqlite3.connect(database, timeout=BUSY_SECONDS)) as connection, connection:
        for there in _elsewhere(connection, here):
            for table, column in ADDRESSES.items():
                connection.execute(
                    f"UPDATE {table} SET {column} = ? || substr({column}, ?) "
                    f"WHERE {column} = ? OR substr({column}, 1, ?) = ?",
                    (here, len(there) + 1, there, len(there) + 1, f"{there}/"),
                )


def _elsewhere(connection: sqlite3.Connection, here: str) -> list[str]:
    """The addresses of files of our experiments that lie in another place."""
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    if not tables >= ADDRESSES.keys():
        return []
    found = connection.execute("SELECT DISTINCT artifact_location FROM experiments").fetchall()
    return [there for (there,) in found if there != here and there.endswith(f"/{FILES}")]
