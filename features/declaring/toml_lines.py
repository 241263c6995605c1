"""Finds the line of every key in a TOML text, inside inline tables and arrays too.

Python's own reader gives values without places. The text that is scanned here has been read by
it already, so it is valid, and the scan only has to find its way.
"""

import re
from bisect import bisect_right
from collections import Counter

KeyPath = tuple[str, ...]

_BLANK = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_STRING = re.compile(
    r'"""(?:\\.|[^\\])*?"""(?!")|\'\'\'.*?\'\'\'(?!\')'
    r'|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'',
    re.DOTALL,
)
_BARE_VALUE = re.compile(r"[^,\]}#\n]*")
_KEY_PART = re.compile(r"""\s*([\w-]+|"(?:\\.|[^"\\\n])*"|'[^'\n]*')\s*""")


class Lines:
    r"""Where each key of a TOML text is: `lines[("targets", "churn", "gap")]` is its line.

    Items of an array are numbered from "0". A key that is not there (something is missing) has
    the line of the nearest table around it.

    Examples
    --------
    >>> lines = Lines('name = "Acme"\n[targets.churn]\nhorizon = "90d"\n')
    >>> lines[("targets", "churn", "horizon")], lines[("targets", "churn", "gap")]
    (3, 2)
    """

    def __init__(self, text: str) -> None:
        scan = _Scan(text)
        scan.document()
        starts = [0] + [match.end() for match in re.finditer("\n", text)]
        self._lines = {path: bisect_right(starts, at) for path, at in scan.offsets.items()}

    def __getitem__(self, path: KeyPath) -> int:
        while path and path not in self._lines:
            path = path[:-1]
        return self._lines.get(path, 1)


class _Scan:
    """One walk through the text; `offsets` maps each key's path to its offset."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.offsets: dict[KeyPath, int] = {}
        self._items: Counter[KeyPath] = Counter()

    def document(self) -> None:
        table: KeyPath = ()
        while self._next():
            if self._next() == "[":
                table = self._header()
            else:
                self._pair(table)

    def _next(self) -> str:
        """The next character that means something; empty at the end."""
        blank = _BLANK.match(self.text, self.at)
        self.at = blank.end() if blank else self.at
        return self.text[self.at : self.at + 1]

    def _header(self) -> KeyPath:
        start = self.at
        many = self.text.startswith("[[", start)
        self.at += 2 if many else 1
        keys = self._key()
        table = self._numbered(keys[:-1]) + keys[-1:]
        if many:
            self.offsets.setdefault(table, start)
            self._items[table] += 1
        table = self._numbered(keys)
        self.offsets.setdefault(table, start)
        self.at = self.text.index("]", self.at) + (2 if many else 1)
        return table

    def _numbered(self, keys: KeyPath) -> KeyPath:
        """`keys` with the number of the current item after each array of tables."""
        path: KeyPath = ()
        for key in keys:
            path += (key,)
            if count := self._items[path]:
                path += (str(count - 1),)
        return path

    def _pair(self, table: KeyPath) -> None:
        start = self.at
        path = table + self._key()
        for length in range(len(table) + 1, len(path) + 1):
            self.offsets.setdefault(path[:length], start)
        self.at = self.text.index("=", self.at) + 1
        self._value(path)

    def _key(self) -> KeyPath:
        parts: list[str] = []
        while part := _KEY_PART.match(self.text, self.at):
            parts.append(part[1].strip("\"'"))
            self.at = part.end()
            if not self.text.startswith(".", self.at):
                break
            self.at += 1
        return tuple(parts)

    def _value(self, path: KeyPath) -> None:
        start = self._next()
        if start == "[":
            self._array(path)
        elif start == "{":
            self._inline(path)
        else:
            value = _STRING.match(self.text, self.at) or _BARE_VALUE.match(self.text, self.at)
            self.at = value.end() if value else len(self.text)

    def _array(self, path: KeyPath) -> None:
        self.at += 1
        number = 0
        while self._next() not in ("]", ""):
            key_path = (*path, str(number))
            self.offsets.setdefault(key_path, self.at)
            self._value(key_path)
            self._comma()
            number += 1
        self.at += 1

    def _inline(self, path: KeyPath) -> None:
        self.at += 1
        while self._next() not in ("}", ""):
            self._pair(path)
            self._comma()
        self.at += 1

    def _comma(self) -> None:
        if self._next() == ",":
            self.at += 1
