"""The basis of every check: the open tables, and which of their columns hold what is declared.

The checks run in two rounds. The first says what cannot be read at all; the second asks only
what can still be asked, so that one broken column hides no other breach.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from features.declaring.company import Company
from features.engines.on_duckdb import EngineError
from features.errors import Finding
from features.sources import Tables

Location = tuple[str, str | None]
EXAMPLES = 3


@dataclass(frozen=True)
class ReadableTables:
    """The tables, and the places (a source, or a column of one) that have an error."""

    tables: Tables
    broken: frozenset[Location]

    @property
    def company(self) -> Company:
        """The company whose tables these are."""
        return self.tables.company

    def holds(self, source: str, *columns: str | None) -> bool:
        """Whether `source` and all of these columns of it may be asked."""
        places = {(source, None), *((source, column) for column in columns)}
        return source in self.tables.columns and not places & self.broken

    def file(self, source: str) -> str:
        """Where the source is, for messages."""
        return self.tables.location(source)

    def row(self, query: str) -> dict[str, Any]:
        """The one row that `query` returns, by column."""
        row: dict[str, Any] = self.tables.engine.rows(query).to_pylist()[0]
        return row

    def examples(self, query: str) -> str:
        """Up to three of the keys that `query` returns, for messages."""
        keys = self.tables.engine.rows(f"{query} ORDER BY 1 LIMIT {EXAMPLES}")
        return ", ".join(repr(str(key)) for key in keys.column(0).to_pylist())


def with_read_errors(source: str, file: str, findings: Iterable[Finding]) -> Iterator[Finding]:
    """These findings; when the engine fails while they are looked for, that is one itself."""
    try:
        yield from findings
    except EngineError as error:
        detail = f"{file} cannot be read completely: {error}"
        fix = "repair the file or export it again"
        yield Finding("unreadable", "sources", "error", source, None, None, detail, fix)
