"""The contents of a folder of tables: columns, types, which are unique, which share their keys.

Everything here is measured; what it may mean is guessed in the other modules of this room.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from features.declaring.column import Unit
from features.declaring.recipe import Recipe, recipes
from features.drafting.tables import dumps, exports
from features.drafting.tables.dumps import Dump
from features.drafting.words import name_words
from features.engines.on_duckdb import Engine, EngineError
from features.engines.sql_text import quote
from features.engines.sql_types import is_number
from features.errors import NotFound
from features.reading import kinds, text_files
from features.reading.columns import Held
from features.reading.files import Declared, Reader, parts
from features.reading.notes import Note
from features.reading.text_files import NoTable
from features.settings import Settings

FOLDERS = ("", "data")
KEY_WORDS = frozenset(
    "id key no nr num number code uuid guid account acct customer client company org "
    "organisation organization tenant workspace member subscriber user shop".split()
)
PART = re.compile(r"(part|chunk|batch)[-_.\d]|\d+[-_.]|[0-9a-f]{8,}")
TIME_WORDS = frozenset(
    "at on time date day datetime timestamp ts epoch created updated started ended start end since "
    "until when month moment".split()
)


@dataclass(frozen=True)
class ColumnProfile:
    """A column as it was found; `filled` counts its non-null rows, `distinct` its values.

    `epoch` is the unit of moments that are counted; `undecided` are days of which no value proves
    whether day or month comes first: they are read day first.
    """

    name: str
    type: str
    rows: int
    filled: int
    distinct: int
    epoch: Unit | None = None
    undecided: bool = False

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

    Of an export that is recognised, `recipe` is what it is read by; `notes` are what the reader of
    its file noticed. A table of an SQLite file is a `dump`. `long_ids` are the columns whose
    Salesforce ids of 15 characters were made 18.
    """

    name: str
    path: str
    rows: int
    columns: tuple[ColumnProfile, ...]
    recipe: str | None = None
    notes: tuple[Note, ...] = ()
    dump: Dump | None = None
    long_ids: tuple[str, ...] = ()

    @property
    def export(self) -> Recipe | None:
        """What is known of the table, where it is a product's export."""
        return None if self.recipe is None else recipes()[self.recipe]

    def column(self, name: str) -> ColumnProfile:
        """The column of that name."""
        return next(candidate for candidate in self.columns if candidate.name == name)

    @property
    def keys(self) -> tuple[ColumnProfile, ...]:
        """The columns that may hold keys: by their names, or as the recipe of an export says."""
        export = self.export
        said = {export.account, export.person, export.key} if export is not None else set()
        return tuple(one for one in self.columns if one.is_key_like or one.name in said)

    @property
    def times(self) -> tuple[ColumnProfile, ...]:
        """The columns that hold dates or timestamps, at least one."""
        return tuple(column for column in self.columns if column.is_time and column.filled)


def usable_name(text: str) -> str:
    """`text` as a name that a declaration may use."""
    plain = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_") or "table"
    return plain if plain[0].isalpha() else f"t{plain}"


# Named like a key, a column stays as it is written; named like a time, it may count.
AS_GUESSED = Declared(
    is_key=lambda name: bool(name_words(name) & KEY_WORDS),
    is_time=lambda name: bool(name_words(name) & TIME_WORDS),
    guesses=True,
)


def files(folder: Path) -> list[Path]:
    """The tables in `folder` and in its data folder, by name: files, and folders of parts."""
    paths = [
        table
        for part in FOLDERS
        for path in sorted((folder / part).glob("*"))
        for table in _tables_at(path)
    ]
    if not paths and not dumps.files(folder, FOLDERS):
        raise NotFound(f"{folder}: no table ({kinds.LISTED}) there or in its folder data")
    return paths


def _tables_at(path: Path) -> list[Path]:
    """The table that a path is, or those of a loader's data set, without the loader's own."""
    if path.name[0] in "._":
        return []
    if _is_table(path) or _holds_parts(path):
        return [path]
    return [table for table in kinds.tables(path) if _holds_parts(table)]


def _is_table(path: Path) -> bool:
    return path.is_file() and text_files.suffix(path) in kinds.SUFFIXES


def _holds_parts(path: Path) -> bool:
    """Whether it is one table's folder: loading tools number its files, or call them parts."""
    if not path.is_dir():
        return False
    held = [part for part in path.iterdir() if part.name[0] not in "._"]
    return bool(held) and all(_is_table(part) and PART.match(part.name) for part in held)


def look(engine: Engine, folder: Path, spool: Path) -> tuple[list[TableProfile], list[str]]:
    """The tables with rows, readable in `engine` by their names; and what could not be used.

    `spool` is a folder for copies, which must last as long as the tables are read.
    """
    profiles: list[TableProfile] = []
    left_out: list[str] = []
    paths: dict[str, Path] = {}
    reader = Reader(engine, spool, Settings.read().cores)
    for path in files(folder):
        name = _free_name(usable_name(text_files.stem(path)), paths)
        try:
            reader.look(name, parts(path), AS_GUESSED)
        except NoTable as error:
            relative = path.relative_to(folder).as_posix()
            left_out.append(f"{relative}: cannot be read: {error.detail}; {error.fix}")
        else:
            paths[name] = path
    fetched, unread = _fetched(folder, spool, reader, paths)
    left_out += unread
    notes = reader.show()
    for name in (*paths, *fetched):
        dump = fetched.get(name)
        place = paths[name].relative_to(folder).as_posix() if dump is None else dump.place
        told = [*notes[name], *(dump.notes if dump is not None else ())]
        found = _profiles(engine, name, place, reader.held(name), told)
        profiles += [replace(profile, dump=dump) for profile in found if profile.rows]
        if not found[0].rows:
            left_out.append(f"{place}: has no rows")
    return _with_long_ids(engine, profiles), left_out


def _fetched(
    folder: Path, spool: Path, reader: Reader, paths: Mapping[str, Path]
) -> tuple[dict[str, Dump], list[str]]:
    """The tables of the folder's SQLite files by free names, looked at; what cannot be read."""
    fetched: dict[str, Dump] = {}
    left_out: list[str] = []
    for path in dumps.files(folder, FOLDERS):
        found, unread = dumps.fetch(folder, path, spool)
        left_out += unread
        for dump in found:
            name = _free_name(usable_name(dump.table), {*paths, *fetched})
            reader.look(name, [dump.copy], AS_GUESSED)
            fetched[name] = dump
    return fetched, left_out


def _with_long_ids(engine: Engine, profiles: list[TableProfile]) -> list[TableProfile]:
    """The tables, of which those beside Salesforce's have its ids in their long form, too."""
    recipes_found = [profile.recipe for profile in profiles if profile.recipe is not None]
    if not any(recipe.startswith("salesforce.") for recipe in recipes_found):
        return profiles
    return [_lengthened(engine, profile) for profile in profiles]


def _lengthened(engine: Engine, profile: TableProfile) -> TableProfile:
    known = profile.export.columns if profile.export is not None else {}
    columns = [column.name for column in profile.keys if column.name not in known]
    short = exports.of_short_ids(engine, profile.name, columns)
    if not short:
        return profile
    exports.lengthen(engine, profile.name, short)
    counts = _profile(engine, profile.name, profile.path, {}).columns
    measured = {column.name: column for column in counts}
    columns_now = tuple(
        replace(column, distinct=measured[column.name].distinct) for column in profile.columns
    )
    return replace(profile, columns=columns_now, long_ids=short)


def _free_name(name: str, taken: Collection[str]) -> str:
    number = 2
    free = name
    while free in taken:
        free, number = f"{name}_{number}", number + 1
    return free


def _profiles(
    engine: Engine, name: str, relative: str, held: Mapping[str, Held], notes: Sequence[Note]
) -> list[TableProfile]:
    """The table that is open as `name`; an export as often as its recipes read it."""
    readings = exports.shape(engine, name)
    try:
        found = [_profile(engine, view, relative, held) for view in readings]
    except EngineError:
        if readings == {name: None}:
            raise
        exports.take_back(engine, name)
        return [replace(_profile(engine, name, relative, held), notes=tuple(notes))]
    return [
        replace(profile, recipe=recipe, notes=tuple(notes))
        for profile, recipe in zip(found, readings.values(), strict=True)
    ]


def _profile(engine: Engine, name: str, relative: str, held: Mapping[str, Held]) -> TableProfile:
    types = _types(engine, name)
    counts = "".join(
        f", count({quote(column)}), {_distinct(column, type_)}" for column, type_ in types.items()
    )
    rows, *measured = engine.row(f"SELECT count(*){counts} FROM {quote(name)}")
    columns = tuple(
        ColumnProfile(
            column,
            types[column],
            rows,
            filled,
            distinct,
            epoch=held[column].epoch if column in held else None,
            undecided=column in held and bool(held[column].open),
        )
        for column, filled, distinct in zip(types, measured[::2], measured[1::2], strict=True)
    )
    return TableProfile(name, relative, rows, columns)


def _types(engine: Engine, name: str) -> dict[str, str]:
    """The columns of a table that are the company's, not its loader's."""
    types = engine.types(f"SELECT * FROM {quote(name)}")
    own = kinds.own_columns(types)
    return {column: type_ for column, type_ in types.items() if column not in own}


def _distinct(column: str, type_: str) -> str:
    """Exact where it decides about a key, about right for the rest."""
    exact = name_words(column) & KEY_WORDS and (type_ == "VARCHAR" or "INT" in type_)
    return f"{'count(DISTINCT ' if exact else 'approx_count_distinct('}{quote(column)})"
