"""Rows of a fact source that repeat another row in every column but those of a loader."""

from collections.abc import Iterator

from features.breaches.rounds import Round
from features.engines.sql_text import quote
from features.errors import Finding
from features.reading import kinds
from features.structure.facts import can_be_asked
from features.structure.readable import ReadableTables, with_read_errors

ROUND = Round.READABLE


def breaches(readable: ReadableTables) -> Iterator[Finding]:
    """One finding for each source of facts that has such rows."""
    for name, source in readable.company.sources.items():
        if can_be_asked(readable, name, source):
            yield from with_read_errors(name, readable.file(name), _duplicates(readable, name))


def _duplicates(readable: ReadableTables, name: str) -> Iterator[Finding]:
    own = ", ".join(map(quote, kinds.own_columns(readable.tables.columns[name])))
    fact = f"(SELECT * EXCLUDE ({own}) FROM {quote(name)})" if own else quote(name)
    query = f"SELECT count(*) - count(DISTINCT hash(fact)) AS n FROM {fact} AS fact"
    if count := readable.row(query)["n"]:
        yield Finding(
            "duplicate_rows",
            "sources",
            "warning",
            name,
            None,
            count,
            f"{readable.file(name)}: rows that repeat another row in every column",
            "remove the copies; if each row is a fact of its own, leave them",
        )
