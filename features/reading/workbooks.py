"""Workbooks of Excel: the first sheet is the table, its first row has the names of the columns."""

from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from features.reading import headings
from features.reading.notes import Note
from features.reading.text_files import HEAD_ROWS, NoTable


def copy(path: Path, out: Path, is_key: Callable[[str], bool]) -> list[Note]:
    """Writes the first sheet as Parquet to `out`; keys, and a column of mixed cells, as text.

    Raises
    ------
    NoTable
        It is no workbook, its sheet is empty, or the extra that reads it is not installed.
    """
    try:
        from python_calamine import CalamineError, CalamineWorkbook
    except ImportError:
        fix = "pip install 'churnlight[excel]', or save the sheet as CSV"
        raise NoTable("is a workbook, and the extra excel is not installed", fix) from None
    try:
        book = CalamineWorkbook.from_path(str(path))
        rows = book.get_sheet_by_index(0).to_python()
    except CalamineError as error:
        raise NoTable(f"is no workbook that can be read ({error})", "save it again") from error
    if not rows:
        raise NoTable(f"its first sheet, {book.sheet_names[0]!r}, is empty", "put the table there")
    if headings.are_data(*_as_written(rows)):
        raise NoTable(*headings.told(_as_written(rows)[0]))
    names = [_name(cell, place) for place, cell in enumerate(rows[0])]
    if twice := {name for name in names if names.count(name) > 1}:
        detail = f"columns have one name, {min(twice)!r}"
        raise NoTable(detail, "rename all but one of them in the first row")
    columns = list(zip(*rows[1:], strict=True)) or [()] * len(names)
    table = pa.table(
        {
            name: _texts(cells) if is_key(name) else _column(cells)
            for name, cells in zip(names, columns, strict=True)
        }
    )
    pq.write_table(table, out)
    return _other_sheets(book.sheet_names)


def _other_sheets(names: Sequence[str]) -> list[Note]:
    if len(names) < 2:
        return []
    detail = f"only its first sheet, {names[0]!r}, is read, not {', '.join(map(repr, names[1:]))}"
    return [Note("other_sheets", "advice", None, None, detail, "save other tables as own files")]


def _as_written(rows: Sequence[Sequence[Any]]) -> tuple[list[str], list[list[str]]]:
    """The first row as texts, and some of those below it."""
    first, *below = [[_text(cell).strip() for cell in row] for row in rows[:HEAD_ROWS]]
    return first, below


def _name(cell: Any, place: int) -> str:
    return str(cell).strip() or f"column{place}"


def _column(cells: Sequence[Any]) -> pa.Array:
    """The cells as times, numbers or flags where all of them are such; else as texts."""
    values = _values(cells)
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {int, float} and kinds:
        whole = all(value is None or float(value).is_integer() for value in values)
        numbers = [value if value is None or not whole else int(value) for value in values]
        return pa.array(numbers, pa.int64() if whole else pa.float64())
    if kinds == {date, datetime} or kinds == {datetime}:
        moments = [
            value
            if value is None or isinstance(value, datetime)
            else datetime.combine(value, time())
            for value in values
        ]
        return pa.array(moments, pa.timestamp("us"))
    if kinds in ({date}, {bool}, {time}):
        return pa.array(values)
    return _texts(cells)


def _values(cells: Sequence[Any]) -> list[Any]:
    return [None if cell == "" else cell for cell in cells]


def _texts(cells: Sequence[Any]) -> pa.Array:
    values = [None if value is None else _text(value) for value in _values(cells)]
    return pa.array(values, pa.string())


def _text(value: Any) -> str:
    """A cell as Excel shows it: whole numbers without decimals."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if not isinstance(value, timedelta) else str(value.total_seconds())
