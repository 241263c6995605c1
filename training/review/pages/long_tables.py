"""Tables of a list which may be long: so many rows, and where the rest is."""

from collections.abc import Sequence

from training.registry import review_decision

MOST = 20


def note_of_rest(rows: Sequence[object]) -> str:
    """The note below a table that shows the first rows; empty where it shows all."""
    if len(rows) <= MOST:
        return ""
    return f"The first {MOST} of {len(rows):,}; {review_decision.FILE} has all."
