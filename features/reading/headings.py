"""Whether the first row of a table has the names of its columns, or is a row like the others."""

import re
from collections.abc import Sequence

from features.reading import amounts, moments

SHOWN = 4
PLAINLY_DATA = re.compile(
    r"[^@\s]+@[^@\s]+\.\w+|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
)


def are_data(names: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether all `names` look like the cells of the `rows` below them."""
    given = [(name, place) for place, name in enumerate(names) if name]
    if not given or _are_numbered([name for name, _ in given]):
        return False
    below = [[row[place].strip() for row in rows if place < len(row)] for _, place in given]
    kinds = [
        _is_data(name) or _is_alike(name, cells)
        for (name, _), cells in zip(given, below, strict=True)
    ]
    repeated = [name in cells for (name, _), cells in zip(given, below, strict=True)]
    return any(kinds) and all(kind or again for kind, again in zip(kinds, repeated, strict=True))


def told(names: Sequence[str]) -> tuple[str, str]:
    """What is said of such a table, and how to fix it."""
    shown = ", ".join(repr(name) for name in list(filter(None, names))[:SHOWN])
    detail = f"its first row holds data, no names of columns: {shown}"
    return detail, "write the names of the columns as its first row"


def _are_numbered(names: Sequence[str]) -> bool:
    """Whether the columns are called 0, 1, 2, as some programs call what has no name."""
    return any(list(names) == [str(n + first) for n in range(len(names))] for first in (0, 1))


def _is_data(name: str) -> bool:
    return (
        moments.form_of(name) is not None
        or amounts.form_of(name) is not None
        or PLAINLY_DATA.fullmatch(name) is not None
    )


def _is_alike(name: str, cells: Sequence[str]) -> bool:
    """Whether it has digits, and is written as most of the cells below it are."""
    alike = sum(_shape(cell) == _shape(name) for cell in cells)
    return any(map(str.isdigit, name)) and 2 * alike > len(cells)


def _shape(text: str) -> str:
    return re.sub(r"\d", "0", re.sub(r"[^\W\d_]", "a", text))
