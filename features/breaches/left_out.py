"""Rows that a source's own condition leaves out, so that a wrong condition is seen."""

from collections.abc import Iterator

from features.breaches.rounds import Round
from features.declaring.source import Source
from features.engines.sql_text import quote
from features.errors import Finding
from features.shaping import declared_shape
from features.structure.readable import ReadableTables, with_read_errors

ROUND = Round.READABLE


def breaches(readable: ReadableTables) -> Iterator[Finding]:
    """One finding for each source whose `where`, its own or its recipe's, leaves rows out."""
    for name, source in readable.company.sources.items():
        if source.where is not None and readable.holds(name):
            found = _left_out(readable, name, source)
            yield from with_read_errors(name, readable.file(name), found)


def _left_out(readable: ReadableTables, name: str, source: Source) -> Iterator[Finding]:
    whole = quote(declared_shape.as_it_lies(name))
    rows = readable.row(
        f"SELECT (SELECT count(*) FROM {whole}) AS whole, "
        f"(SELECT count(*) FROM {quote(name)}) AS kept"
    )
    left_out = rows["whole"] - rows["kept"]
    if left_out:
        detail = (
            f"{readable.file(name)}: {left_out:,} of {rows['whole']:,} rows left out by "
            f"sources.{name}.where: {source.where}"
        )
        fix = f"if these rows count, write a sources.{name}.where that keeps them"
        yield Finding("left_out", "sources", "advice", name, None, left_out, detail, fix)
