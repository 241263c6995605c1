"""What the reader of files says of a source: cells left out, readings that nothing proved.

Of a column that must hold times, `features.structure.columns` says it as an error.
"""

from collections.abc import Iterator

from features.breaches.rounds import Round
from features.errors import Finding
from features.structure.readable import ReadableTables

ROUND = Round.READABLE


def breaches(readable: ReadableTables) -> Iterator[Finding]:
    """One finding for each note about a column that is not in error already."""
    for source, notes in readable.tables.notes.items():
        for note in notes:
            if note.state != "error" and readable.holds(source, note.column):
                yield note.finding(source, readable.file(source))
