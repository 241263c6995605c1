"""How a text file is laid out: encoding, separator, quotes and names of columns.

Its first lines decide the layout, and DuckDB reads the rest by it; a line that does not fit is
told with its number. No row is ever skipped.
"""

import codecs
import csv
import gzip
import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, cast

from features.engines.sql_text import literal, quote
from features.reading import headings
from features.reading.kinds import SEPARATORS

HEAD_BYTES = 1 << 16
HEAD_ROWS = 200
CHUNK = 1 << 20
# The first bytes of a file that name its encoding, the longest first.
MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
UTF8 = ("utf-8", "utf-8-sig")
# What an index column of pandas is called.
INDEX_NAMES = ("", "Unnamed: 0")


class NoTable(Exception):
    """A file that cannot be read as a table: what is wrong, and how to fix it."""

    def __init__(self, detail: str, fix: str) -> None:
        super().__init__(detail)
        self.detail, self.fix = detail, fix


@dataclass(frozen=True)
class Layout:
    """A text file's layout. `names` are the columns of the file, in order; each occurs once.

    `unnamed` are those of them whose heading is empty: the ends of lines with one separator too
    many, or the row numbers that pandas wrote.
    """

    separator: str
    escape: str
    encoding: str
    names: tuple[str, ...]
    unnamed: tuple[str, ...] = ()
    lines_above: int = 0

    def scan(self, paths: list[Path], *, rejects: bool = False) -> str:
        """The table function that reads all columns as text; an empty cell is NULL."""
        columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in self.names)
        told = ", store_rejects = true, rejects_limit = 0" if rejects else ""
        return (
            f"read_csv([{', '.join(literal(str(path)) for path in paths)}], auto_detect = false, "
            f"header = true, skip = {self.lines_above}, delim = {literal(self.separator)}, "
            f"quote = '\"', escape = {literal(self.escape)}, columns = {{{columns}}}, "
            f"null_padding = false{told})"
        )

    @property
    def listed(self) -> str:
        """All columns, as a SELECT lists them."""
        return ", ".join(quote(name) for name in self.names)


def suffix(path: Path) -> str:
    """The suffix that says what a file holds, without `.gz`."""
    return path.with_suffix("").suffix.lower() if is_packed(path) else path.suffix.lower()


def stem(path: Path) -> str:
    """The file's name without its suffixes."""
    return path.with_suffix("").stem if is_packed(path) else path.stem


def is_packed(path: Path) -> bool:
    """Whether the file is gzipped."""
    return path.suffix.lower() == ".gz"


def layout(path: Path, encoding: str | None = None, separator: str | None = None) -> Layout:
    """The layout of the file, as declared or by its first lines.

    Raises
    ------
    NoTable
        It is empty, its names are not unique, or it is no text of its encoding.
    """
    found = encoding or _marked(path)
    text = _head(path, found)
    above = 1 if re.match(r"sep=.\r?\n", text) else 0
    separator = separator or (text[4] if above else None)
    body = text.split("\n", 1)[1] if above else text
    if not body.strip():
        raise NoTable("is empty", "export it again")
    escape = "\\" if '\\"' in body and '""' not in body else '"'
    chosen = separator or _separator(body, SEPARATORS[suffix(path)], escape)
    rows = list(_rows(body, chosen, escape))
    names = [name.strip() for name in rows[0]]
    if headings.are_data(names, rows[1:]):
        raise NoTable(*headings.told(names))
    if len(rows) > 1 and all(len(row) == len(names) + 1 and not row[-1] for row in rows[1:]):
        names.append("")
    return replace(
        _named(names), separator=chosen, escape=escape, encoding=found, lines_above=above
    )


def require_own_names(names: list[str], where: str) -> None:
    """Raises NoTable where two columns have one name, but for the case of its letters."""
    counts = Counter(name.lower() for name in names if name)
    for name, count in counts.items():
        if count > 1:
            places = [str(n + 1) for n, other in enumerate(names) if other.lower() == name]
            detail = f"columns {' and '.join(places)} have one name, {name!r}"
            raise NoTable(detail, f"rename all but one of them{where}")


def _named(names: list[str]) -> Layout:
    require_own_names(names, " in the first line")
    if not any(names):
        raise NoTable("its first line names no column", "write the names of the columns there")
    given = tuple(name or f"column{place}" for place, name in enumerate(names))
    unnamed = tuple(
        given[place]
        for place, name in enumerate(names)
        if not name or (place == 0 and name in INDEX_NAMES)
    )
    return Layout(",", '"', "utf-8", given, unnamed)


def _separator(body: str, candidates: str, escape: str) -> str:
    """The sign that cuts the first lines into most columns, equally many in each."""

    def merit(sign: str) -> tuple[float, int]:
        widths = [len(row) for row in _rows(body, sign, escape)]
        alike = sum(abs(width - widths[0]) <= 1 for width in widths) / len(widths)
        return (alike if widths[0] > 1 else 0.0), widths[0]

    return max(candidates, key=merit)


def _rows(body: str, separator: str, escape: str) -> Iterator[list[str]]:
    reader = csv.reader(
        io.StringIO(body, newline=""),
        delimiter=separator,
        doublequote=escape == '"',
        escapechar=None if escape == '"' else escape,
    )
    try:
        for row, _ in zip(filter(None, reader), range(HEAD_ROWS), strict=False):
            yield row
    except csv.Error:
        return


def opened(path: Path) -> IO[bytes]:
    """The file's bytes, unpacked."""
    return cast("IO[bytes]", gzip.open(path) if is_packed(path) else path.open("rb"))


def _marked(path: Path) -> str:
    with opened(path) as file:
        start = file.read(4)
    return next((name for mark, name in MARKS.items() if start.startswith(mark)), "utf-8")


def _head(path: Path, encoding: str) -> str:
    """The file's first whole lines."""
    with opened(path) as file:
        start = file.read(HEAD_BYTES)
    whole = len(start) < HEAD_BYTES
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(start, final=whole)
    except UnicodeDecodeError:
        raise no_text(path, encoding) from None
    return text.lstrip("\ufeff") if whole else text.lstrip("\ufeff").rpartition("\n")[0] or text


def in_utf8(path: Path, encoding: str, copy: Path) -> Path:
    """The file itself if it is UTF-8, else a copy of it that is.

    Raises
    ------
    NoTable
        It holds bytes that are no text of its encoding.
    """
    if encoding in UTF8:
        return path
    decoder = codecs.getincrementaldecoder(encoding)()
    with opened(path) as file, copy.open("w", encoding="utf-8", newline="") as out:
        try:
            while chunk := file.read(CHUNK):
                out.write(decoder.decode(chunk))
            out.write(decoder.decode(b"", final=True))
        except UnicodeDecodeError:
            raise no_text(path, encoding) from None
    return copy


def no_text(path: Path, encoding: str) -> NoTable:
    """What is said of a file that is not text of its encoding: the line of the first bad byte."""
    with opened(path) as file:
        for number, line in enumerate(file, 1):
            try:
                line.decode(encoding)
            except UnicodeDecodeError as error:
                shown = line[max(error.start - 10, 0) : error.start + 10].decode(
                    "cp1252", "replace"
                )
                detail = (
                    f"line {number} is not {encoding.removesuffix('-sig').upper()}: byte "
                    f"0x{line[error.start]:02x} in {shown!r}"
                )
                fix = 'save it as UTF-8, or say what it is: csv = { encoding = "cp1252" }'
                return NoTable(detail, fix)
    return NoTable(f"is not {encoding} text", "save it as UTF-8")
