"""What the reader noticed of a column: cells that it left out, readings that it could not choose.

`check` shows notes as findings, `init` as comments of the draft, `train --table` as notices.
"""

from dataclasses import dataclass
from typing import Literal

from features.errors import Finding

State = Literal["error", "warning", "advice"]


@dataclass(frozen=True)
class Note:
    """One remark about a column, `name` as the check that shows it, with how many rows and why."""

    name: str
    state: State
    column: str | None
    rows: int | None
    detail: str
    fix: str

    def finding(self, table: str, file: str) -> Finding:
        """The note as a row of the report about `table`, which is the file at `file`."""
        where = f"{file}, column {self.column!r}" if self.column else file
        detail = f"{where}: {self.detail}"
        return Finding(
            self.name, "sources", self.state, table, self.column, self.rows, detail, self.fix
        )

    def __str__(self) -> str:
        where = f"{self.column}: " if self.column else ""
        return f"{where}{self.detail}; {self.fix}"


@dataclass(frozen=True)
class CellNote:
    """A value that is not of its column's kind: how many rows have it, and the first of them.

    Rows are counted as a spreadsheet shows them: the names of the columns are row 1.
    """

    value: str
    count: int
    row: int

    def __str__(self) -> str:
        return f"{self.value!r} ({self.count:,}×, first in row {self.row:,})"


def listed(cells: list[CellNote], most: int = 3) -> str:
    """The first few of the cells, and how many more there are."""
    more = f" and {len(cells) - most} other values" if len(cells) > most else ""
    return ", ".join(map(str, cells[:most])) + more
