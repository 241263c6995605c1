"""The contents of a folder of tables: columns, types, which are unique, which share their keys.

Everything here is measured; what it may mean is guessed in the other modules of this room.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from features.declaring.recipe import Recipe, recipes
from features.drafting import exports
from features.drafting.words import name_words
from features.engines.on_duckdb import Engine, EngineError
from features.engines.sql_text import quote
from features.engines.sql_types import is_number
from features.errors import NotFound

FOLDERS = ("", "data")
SUFFIXES = frozenset({".parquet", ".csv"})
KEY_WORDS = frozenset(
    "id key no nr num number code uuid guid account acct customer client company org "
    "organisation organization tenant workspace member subscriber user shop".split()
)


@dataclass(frozen=True)
class ColumnProfile:
    """A column as it was found; `filled` counts its non-null rows, `distinct` its values."""

    name: str
    type: str
    rows: int
    filled: int
    distinct: int

    @property
    def words(self) -> frozenset[str]:
        """The words of its name, in lower case."""
        return name_words(self.name)

    @property
    def is_time(self) -> bool:
        """Whether it holds dates or timestamps."""
        return self.type == "DATE" or self.type.startswith("TIMESTAMP")

    @property
    def is_naive(self) -> bool:
        """Whether it holds timestamps that name no zone."""
        return self.type.startswith("TIMESTAMP") and "TIME ZONE" not in self.type

    @property
    def is_number(self) -> bool:
        """Whether its values can be added up."""
        return is_number(self.type) and not self.is_key_like

    @property
    def is_key_like(self) -> bool:
        """Whether its name and type allow it to be a key."""
        return bool(self.words & KEY_WORDS) and (self.type == "VARCHAR" or "INT" in self.type)

    @property
    def is_unique(self) -> bool:
        """Whether every row has a value of its own."""
        return self.rows > 0 and self.filled == self.rows == self.distinct


@dataclass(frozen=True)
class TableProfile:
    """A table as it was found: the name it gets, its path in the folder, rows and columns.

    Of an export that is recognised, `recipe` is what it is read by.
    """

    name: str
    path: str
    rows: int
    columns: tuple[ColumnProfile, ...]
    recipe: str | None = None

    @property
    def export(self) -> Recipe | None:
        """What is known of the table, where it is a product's export."""
        return None if self.recipe is None else recipes()[self.recipe]

    def column(self, name: str) -> ColumnProfile:
        """The column of that name."""
        return next(candidate for candidate in self.columns if candidate.name == name)

    @property
    def keys(self) -> tuple[ColumnProfile, ...]:
        """The columns that may hold keys."""
        return tuple(column for column in self.columns if column.is_key_like)

    @property
    def times(self) -> tuple[ColumnProfile, ...]:
        """The columns that hold dates or timestamps, at least one."""
        return tuple(column for column in self.columns if column.is_time and column.filled)


def usable_name(text: str) -> str:
    """`text` as a name that a declaration may use."""
    plain = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_") or "table"
    return plain if plain[0].isalpha() else f"t{plain}"


def files(folder: Path) -> list[Path]:
    """The tables in `folder` and in its data folder, by name."""
    paths = [
        path
        for part in FOLDERS
        for path in sorted((folder / part).glob("*"))
        if path.is_file() and path.suffix.lower() in SUFFIXES and path.name[0] != "."
    ]
    if not paths:
        raise NotFound(f"{folder}: no .parquet or .csv file there or in its folder data")
    return paths


def look(engine: Engine, folder: Path) -> tuple[list[TableProfile], list[str]]:
    """The tables with rows, readable in `engine` by their names; and what could not be used."""
    profiles: list[TableProfile] = []
    left_out: list[str] = []
    for path in files(folder):
        relative = path.relative_to(folder).as_posix()
        name = _free_name(usable_name(path.stem), profiles)
        try:
            _open(engine, name, path)
            found = _profiles(engine, name, relative)
        except EngineError as error:
            left_out.append(f"{relative}: cannot be read: {str(error).splitlines()[0]}")
            continue
        profiles += [profile for profile in found if profile.rows]
        if not found[0].rows:
            left_out.append(f"{relative}: has no rows")
    return profiles, left_out


def _free_name(name: str, taken: list[TableProfile]) -> str:
    names = {profile.name for profile in taken}
    number = 2
    free = name
    while free in names:
        free, number = f"{name}_{number}", number + 1
    return free


def _open(engine: Engine, name: str, path: Path) -> None:
    if path.suffix.lower() == ".csv":
        engine.read_csv(name, path, [])
        named = [column for column in _types(engine, name) if name_words(column) & KEY_WORDS]
        engine.read_csv(name, path, named)
    else:
        engine.read_parquet(name, path)


def _profiles(engine: Engine, name: str, relative: str) -> list[TableProfile]:
    """The table that is open as `name`; an export as often as its recipes read it."""
    readings = exports.shape(engine, name)
    try:
        return [_profile(engine, view, relative, recipe) for view, recipe in readings.items()]
    except EngineError:
        if readings == {name: None}:
            raise
        exports.take_back(engine, name)
        return [_profile(engine, name, relative, None)]


def _profile(engine: Engine, name: str, relative: str, recipe: str | None) -> TableProfile:
    types = _types(engine, name)
    counts = ", ".join(
        f"count({quote(column)}), {_distinct(column, type_)}" for column, type_ in types.items()
    )
    rows, *measured = engine.row(f"SELECT count(*), {counts} FROM {quote(name)}")
    columns = tuple(
        ColumnProfile(column, types[column], rows, filled, distinct)
        for column, filled, distinct in zip(types, measured[::2], measured[1::2], strict=True)
    )
    return TableProfile(name, relative, rows, columns, recipe)


def _types(engine: Engine, name: str) -> dict[str, str]:
    return engine.types(f"SELECT * FROM {quote(name)}")


def _distinct(column: str, type_: str) -> str:
    """Exact where it decides about a key, about right for the rest."""
    exact = name_words(column) & KEY_WORDS and (type_ == "VARCHAR" or "INT" in type_)
    return f"{'count(DISTINCT ' if exact else 'approx_count_distinct('}{quote(column)})"
