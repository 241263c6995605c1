"""Tables of the SQLite files in a folder, such as a copy of a product's own database.

Each is fetched as a declared source would be, so that the draft sees what the declaration will.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from features.declaring.company import Accounts, Attributes, Company
from features.declaring.source import Source
from features.errors import Finding
from features.reading.databases import fetching
from features.reading.notes import Note

SUFFIXES = frozenset({".db", ".sqlite", ".sqlite3"})


@dataclass(frozen=True)
class Dump:
    """A table of an SQLite file, and its copy in Parquet; `database` is relative to the folder."""

    database: str
    table: str
    copy: Path
    notes: tuple[Note, ...]

    @property
    def place(self) -> str:
        """The table, for messages."""
        return f"{self.database}, table {self.table}"


def files(folder: Path, parts: tuple[str, ...]) -> list[Path]:
    """The SQLite files in these parts of a folder."""
    return [
        path
        for part in parts
        for path in sorted((folder / part).glob("*"))
        if path.suffix.lower() in SUFFIXES and path.is_file()
    ]


def fetch(folder: Path, path: Path, spool: Path) -> tuple[list[Dump], list[str]]:
    """The tables of an SQLite file, copied into `spool`; and what could not be read."""
    relative = path.relative_to(folder).as_posix()
    try:
        tables = _tables(path)
    except sqlite3.Error as error:
        return [], [f"{relative}: cannot be read: {error}"]
    sources = {
        f"t{number}": Source(sql=f"sqlite:///{relative}", table=table)
        for number, table in enumerate(tables)
    }
    company = _company(folder, sources)
    place = spool / f"{path.stem} fetched"
    place.mkdir()
    spooled = fetching.spool(company, place)
    dumps = [
        Dump(relative, str(sources[name].table), copy, tuple(_notes(name, spooled.findings)))
        for name, copy in spooled.paths.items()
    ]
    unread = [
        f"{relative}, table {sources[found.table].table}: {found.detail}"
        for found in spooled.findings
        if found.table not in spooled.paths
    ]
    return dumps, unread


def _tables(path: Path) -> list[str]:
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
        rows = database.execute(
            "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') "
            "AND name NOT LIKE 'sqlite_%' ORDER BY name"
        )
        return [name for (name,) in rows]


def _company(folder: Path, sources: dict[str, Source]) -> Company:
    """A company of which nothing is declared but where its tables are."""
    nothing = Accounts.model_construct(source="", key="", attributes=Attributes(), crosswalk={})
    return Company.model_construct(accounts=nothing, sources=sources, targets={}, folder=folder)


def _notes(name: str, findings: list[Finding]) -> Iterator[Note]:
    for found in findings:
        if found.table == name:
            yield Note(found.name, found.state, found.column, found.rows, found.detail, found.fix)
