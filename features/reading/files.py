"""The one reader of files: of `init`, of `--company` and of `--table` alike.

Each file is looked at once. A text file becomes a Parquet file in a folder of its own, typed by all
of its values; what they leave open, the order of day and month, other columns of the file decide,
and after them other files read with it. What remains open is noted, and stays text.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from features.declaring.column import Unit
from features.engines.on_duckdb import Engine, EngineError
from features.engines.sql_text import literal, quote
from features.engines.sql_types import is_number
from features.reading import (
    columns,
    epochs,
    first_pass,
    ids,
    json_lines,
    kinds,
    text_files,
    workbooks,
)
from features.reading.amounts import Decimal
from features.reading.columns import Held, Rows
from features.reading.moments import ORDERS, Order
from features.reading.notes import Note
from features.reading.text_files import Layout, NoTable

MOST_LINES = 3


def none_of_them(name: str) -> bool:
    """Says no of every column."""
    return False


def parts(path: Path) -> list[Path]:
    """The files of the table at `path`: a file, those of a folder, or those that a glob matches.

    Raises
    ------
    FileNotFoundError
        There is none.
    NoTable
        It is of no kind that can be read.
    """
    if path.is_dir():
        return _of_folder(path)
    if text_files.suffix(path) not in kinds.SUFFIXES:
        raise NoTable(f"is none of {kinds.LISTED}", "convert the file to one of them")
    if path.is_file():
        return [path]
    found = sorted(path.parent.glob(path.name)) if "*" in path.name else []
    if not found:
        raise FileNotFoundError(path)
    # An engine reads a glob of Parquet files itself, and may share them out.
    return [path] if path.suffix == ".parquet" else found


def _of_folder(folder: Path) -> list[Path]:
    """The parts of a table that lie in its folder, as loading tools leave them."""
    found = [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not any(part[0] in "._" for part in path.relative_to(folder).parts)
    ]
    held_kinds = {text_files.suffix(path) for path in found}
    if not found or not held_kinds <= kinds.SUFFIXES or len(held_kinds) > 1:
        held = f"holds files of the kinds {', '.join(sorted(held_kinds))}" if found else "is empty"
        fix = f"name a folder with files of one of {kinds.LISTED}"
        raise NoTable(f"is a folder that {held}", fix)
    return found


@dataclass(frozen=True)
class Declared:
    """What is known of a file before it is read.

    `is_key` says which columns stay as written, `is_time` among which texts of a Parquet file to
    look for days; `times` are columns that must hold times, each with its epoch, if it counts.
    With `guesses`, as for a draft, `is_time` also says which numbers may count moments, and an
    order of day and month that nothing proves is taken to be day first.
    """

    is_key: Callable[[str], bool] = none_of_them
    is_time: Callable[[str], bool] = none_of_them
    times: Mapping[str, Unit | None] = field(default_factory=dict)
    date_order: Order | None = None
    decimal: Decimal | None = None
    separator: str | None = None
    encoding: str | None = None
    flags_are_texts: bool = False
    guesses: bool = False


@dataclass
class Looked:
    """A file after the look at its values: where they are, and what its columns hold."""

    declared: Declared
    rows: Rows
    types: dict[str, str]
    held: dict[str, Held] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()
    notes: list[Note] = field(default_factory=list)
    spooled: Path | None = None

    def proven(self, among: Iterable[Any]) -> set[Any]:
        """Which of these orders or decimal signs the columns of the file prove."""
        return {held.proves for held in self.held.values()} & set(among)


class Reader:
    """Reads files into views of an engine; text files by way of `spool`, a folder."""

    def __init__(self, engine: Engine, spool: Path, threads: int) -> None:
        self._engine, self._spool, self._threads = engine, spool, threads
        self._looked: dict[str, Looked] = {}

    def look(self, view: str, paths: list[Path], declared: Declared) -> None:
        """Looks at the files of one table; `show` then makes it readable as `view`.

        Raises
        ------
        NoTable
            They are no table of their kind.
        """
        try:
            suffix = text_files.suffix(paths[0])
            if suffix in kinds.SEPARATORS:
                looked = self._text(view, paths, declared)
            elif suffix in kinds.WORKBOOKS:
                looked = self._workbook(view, paths, declared)
            elif suffix in kinds.JSON_LINES:
                looked = self._json_lines(view, paths, declared)
            else:
                looked = self._stored(view, paths, declared)
            texts = [name for name, type_ in looked.types.items() if type_ == "VARCHAR"]
            keys = [name for name in texts if declared.is_key(name)]
            looked.notes += ids.doubles(looked.rows, keys)
        except EngineError as error:
            raise NoTable(str(error), "repair the file or export it again") from error
        self._looked[view] = looked

    def show(self) -> dict[str, list[Note]]:
        """Makes all tables readable that were looked at; returns what is to be said of each."""
        orders = set().union(*(looked.proven(ORDERS) for looked in self._looked.values()))
        notes = {}
        for view, looked in self._looked.items():
            settled = [_settled(looked, held, orders) for held in looked.held.values()]
            looked.held = {held.column: held for held in settled}
            _count(looked)
            self._make(view, looked)
            notes[view] = [
                *looked.notes,
                *(note for held in looked.held.values() for note in held.notes),
            ]
        return notes

    def held(self, view: str) -> dict[str, Held]:
        """What the columns hold that are not as the file has them."""
        return self._looked[view].held

    def first_rows(self) -> dict[str, int]:
        """By view the number of its first row, as an editor or a spreadsheet shows its file."""
        return {view: looked.rows.first for view, looked in self._looked.items()}

    def _text(self, view: str, paths: list[Path], declared: Declared) -> Looked:
        layouts = [text_files.layout(path, declared.encoding, declared.separator) for path in paths]
        layout = layouts[0]
        for path, other in zip(paths, layouts, strict=True):
            if other.names != layout.names:
                detail = f"{path.name} has other columns than {paths[0].name}"
                raise NoTable(detail, "export them with the same columns, or as two sources")
        copies = [self._spool / f"{view}-{place}.csv" for place in range(len(paths))]
        readable = [
            text_files.in_utf8(path, layout.encoding, copy)
            for path, copy in zip(paths, copies, strict=True)
        ]
        keys = [name for name in layout.names if declared.is_key(name)]
        out = self._spool / f"{view}.text.parquet"
        try:
            types = first_pass.write(self._engine, layout, readable, keys, out, self._threads)
        except EngineError as error:
            raise self._malformed(layout, readable, error) from error
        finally:
            for copy in copies:
                copy.unlink(missing_ok=True)
        scan = f"read_parquet({literal(str(out))}, file_row_number = true)"
        count = self._engine.row(f"SELECT count(*) FROM {scan}")[0]
        rows = Rows(self._engine, scan, count, first=2 + layout.lines_above)
        looked = Looked(declared, rows, types, spooled=out)
        _drop_unnamed(looked, layout)
        texts = [
            name
            for name, type_ in types.items()
            if type_ == "VARCHAR" and name not in (*keys, *looked.dropped)
        ]
        _look_at(looked, texts)
        return looked

    def _malformed(self, layout: Layout, paths: list[Path], error: EngineError) -> NoTable:
        if "unicode" in str(error):
            for path in paths:
                text_files.in_utf8(path, "utf-8", path)
            return text_files.no_text(paths[0], "utf-8")
        try:
            found = self._engine.rejected(layout.scan(paths, rejects=True))
        except EngineError:
            return NoTable(str(error).split("\nPossible")[0], "repair the file")
        if not found:
            return NoTable(str(error).split("\n")[0], "repair the file or export it again")
        lines = "; ".join(f"line {line:,}: {said}" for line, said in found[:MOST_LINES])
        more = f" and {len(found) - MOST_LINES:,} more" if len(found) > MOST_LINES else ""
        fix = "quote cells that hold the separator, or export the table again"
        return NoTable(f"has {len(found):,} malformed lines: {lines}{more}", fix)

    def _workbook(self, view: str, paths: list[Path], declared: Declared) -> Looked:
        if len(paths) > 1:
            raise NoTable("are several workbooks", "name one of them, or save them as CSV")
        out = self._spool / f"{view}.text.parquet"
        notes = workbooks.copy(paths[0], out, declared.is_key)
        looked = self._spooled(out, declared)
        looked.notes += notes
        texts = [name for name, type_ in looked.types.items() if type_ == "VARCHAR"]
        _look_at(looked, [name for name in texts if not declared.is_key(name)])
        return looked

    def _json_lines(self, view: str, paths: list[Path], declared: Declared) -> Looked:
        out = self._spool / f"{view}.text.parquet"
        scan = json_lines.scan(self._engine, paths, declared.is_key)
        self._engine.spool(f"SELECT * FROM {scan}", out, self._threads)
        looked = self._unpacked(view, self._spooled(out, declared, first=1))
        _look_for_times(looked, lambda name: not declared.is_key(name))
        return looked

    def _spooled(self, out: Path, declared: Declared, first: int = 2) -> Looked:
        """A table that lies in our folder as it was written; `first` is its first row's number."""
        scan = f"read_parquet({literal(str(out))}, file_row_number = true)"
        types = self._engine.types(f"SELECT * FROM read_parquet({literal(str(out))})")
        count = self._engine.row(f"SELECT count(*) FROM {scan}")[0]
        return Looked(declared, Rows(self._engine, scan, count, first), types, spooled=out)

    def _unpacked(self, view: str, looked: Looked) -> Looked:
        """The rows that Airbyte keeps in a column of JSON; without such a column, the table."""
        query = json_lines.unpacked(looked.types, looked.rows.scan)
        if query is None:
            return looked
        lines, out = self._spool / f"{view}.jsonl", self._spool / f"{view}.rows.parquet"
        self._engine.write_lines(query, lines)
        scan = json_lines.scan(self._engine, [lines], looked.declared.is_key)
        self._engine.spool(f"SELECT * FROM {scan}", out, self._threads)
        lines.unlink()
        return self._spooled(out, looked.declared, looked.rows.first)

    def _stored(self, view: str, paths: list[Path], declared: Declared) -> Looked:
        _require_own_names(paths[0])
        listed = ", ".join(literal(str(path)) for path in paths)
        self._engine.read_parquet(view, *paths)
        by_name = ", union_by_name = true" if len(paths) > 1 else ""
        scan = f"read_parquet([{listed}], file_row_number = true{by_name})"
        types = self._engine.types(f"SELECT * FROM {quote(view)}")
        count = self._engine.row(f"SELECT count(*) FROM {quote(view)}")[0]
        looked = Looked(declared, Rows(self._engine, scan, count, first=1), types)
        if json_lines.RAW in types:
            looked = self._unpacked(view, looked)
            _look_for_times(looked, lambda name: not declared.is_key(name))
        else:
            _look_for_times(looked, lambda name: name in declared.times or declared.is_time(name))
        kept = [name for name, type_ in types.items() if type_ == "BLOB"]
        for name in ids.are_uuids(looked.rows, kept):
            looked.held[name] = Held(name, sql=ids.as_uuid(quote(name)))
        return looked

    def _make(self, view: str, looked: Looked) -> None:
        changed = {name: held.sql for name, held in looked.held.items() if held.sql is not None}
        if looked.spooled is None and not changed:
            return
        selected = ", ".join(
            f"{changed[name]} AS {quote(name)}" if name in changed else quote(name)
            for name in looked.types
            if name not in looked.dropped
        )
        if looked.spooled is None:
            stored = f"{view} as written"
            self._engine.rename(view, stored)
            self._engine.show_as(view, f"SELECT {selected} FROM {quote(stored)}")
            return
        if changed:
            out = self._spool / f"{view}.parquet"
            scan = f"read_parquet({literal(str(looked.spooled))})"
            self._engine.spool(f"SELECT {selected} FROM {scan}", out, self._threads)
            looked.spooled.unlink()
            looked.spooled = out
        scan = f"read_parquet({literal(str(looked.spooled))})"
        listed = selected if not changed else "*"
        self._engine.show_as(view, f"SELECT {listed} FROM {scan}")


def _require_own_names(path: Path) -> None:
    """Raises NoTable where two columns of a Parquet file have one name."""
    if "*" in path.name:
        return
    try:
        names = pq.read_schema(path).names
    except (pa.ArrowException, OSError):
        # The engine says what is wrong with the file.
        return
    text_files.require_own_names(names, "")


def _look_at(looked: Looked, texts: list[str]) -> None:
    sampled = columns.samples(looked.rows, texts)
    for name in texts:
        held = columns.look(looked.rows, name, sampled[name])
        if held.kind != "others" or not looked.declared.flags_are_texts:
            looked.held[name] = held


def _look_for_times(looked: Looked, is_asked: Callable[[str], bool]) -> None:
    """Looks for days and moments among the texts of a file that tells texts from numbers."""
    texts = [
        name
        for name, type_ in looked.types.items()
        if type_ == "VARCHAR" and not looked.declared.is_key(name) and is_asked(name)
    ]
    _look_at(looked, texts)
    looked.held = {name: held for name, held in looked.held.items() if held.kind == "times"}


def _drop_unnamed(looked: Looked, layout: Layout) -> None:
    """Leaves out the columns without a name that say nothing: empty ones, and row numbers."""
    for name in layout.unnamed:
        column, scan = quote(name), looked.rows.scan
        filled = looked.rows.asked(f"SELECT count({column}) AS n FROM {scan}")[0]["n"]
        is_index = (
            name == layout.names[0]
            and looked.types[name] == "BIGINT"
            and filled == looked.rows.rows
            and looked.rows.asked(
                f"SELECT coalesce(bool_and({column} = {columns.ROW}), TRUE) AS same FROM {scan}"
            )[0]["same"]
        )
        if is_index and filled:
            detail = "numbers the rows and has no name: it is left out"
            note = Note("row_numbers", "advice", None, None, f"the first column {detail}", "none")
            looked.notes.append(replace(note, fix="write tables without their row numbers"))
        if is_index or not filled:
            looked.dropped += (name,)


def _settled(looked: Looked, held: Held, family: set[Order]) -> Held:
    """The column with what its values left open decided: as declared, or as others prove."""
    if held.settle is None:
        return held
    if held.kind == "times":
        return _settled_order(looked, held, family)
    decimal = looked.declared.decimal or _only(looked.proven((".", ",")))
    if decimal is None or held.proves == decimal:
        return held
    if held.proves is not None and looked.declared.decimal is None:
        return held
    return replace(held.settle(decimal), kind=held.kind)


def _settled_order(looked: Looked, held: Held, family: set[Order]) -> Held:
    assert held.settle is not None
    declared = looked.declared.date_order
    if declared is not None and held.proves not in (declared, None):
        detail = f"is {held.proves}, as its values prove; date_order says {declared}"
        fix = f'date_order = "{held.proves}", or remove it'
        note = Note("contradicted_date_order", "error", held.column, None, detail, fix)
        return replace(held, notes=(*held.notes, note))
    if not held.open:
        return held
    order = declared or _only(looked.proven(ORDERS)) or _only(family)
    if order is None and looked.declared.guesses:
        return replace(held, sql=held.settle(ORDERS[0]).sql)
    return held if order is None else replace(held.settle(order), kind=held.kind)


def _only(found: set[Any]) -> Any:
    return next(iter(found)) if len(found) == 1 else None


def _count(looked: Looked) -> None:
    """Reads the declared columns of times that hold numbers as what they count or write."""
    if looked.declared.guesses:
        _guess_counts(looked)
    for name, epoch in looked.declared.times.items():
        if name not in looked.types:
            continue
        held = looked.held.get(name, Held(name))
        counts = is_number(looked.types[name]) or (held.kind == "numbers" and held.sql is not None)
        if not counts:
            if epoch is not None and looked.types[name] != "VARCHAR":
                detail = f"holds no counts of {epoch}, as epoch says, but {looked.types[name]}"
                note = Note("contradicted_epoch", "error", name, None, detail, "remove epoch")
                looked.notes.append(note)
            continue
        number = held.sql or quote(name)
        least, most = _ends(looked, number)
        if least is None or most is None:
            continue
        read: str | None
        said: tuple[Note, ...]
        if epoch is None and _are_days(looked, number, least, most):
            read, said = epochs.written_day(number), ()
        else:
            read, said = _as_moments(name, number, least, most, epoch)
        looked.held[name] = replace(held, kind="times", sql=read, notes=(*held.notes, *said))


def _ends(looked: Looked, number: str) -> tuple[float | None, float | None]:
    """The least and the largest of the numbers."""
    found = looked.rows.asked(
        f"SELECT min({number}) AS least, max({number}) AS most FROM {looked.rows.scan}"
    )[0]
    return found["least"], found["most"]


def _are_days(looked: Looked, number: str, least: float, most: float) -> bool:
    """Whether every number is a day that is written as one, such as 20240131."""
    if not epochs.may_be_days(least, most):
        return False
    none = f"{number} IS NOT NULL AND {epochs.written_day(number)} IS NULL"
    found = looked.rows.asked(f"SELECT count_if({none}) AS n FROM {looked.rows.scan}")
    return not found[0]["n"]


def _guess_counts(looked: Looked) -> None:
    """Takes numbers for moments or days where name and values allow it, in one way."""
    for name, type_ in looked.types.items():
        if not is_number(type_) or not looked.declared.is_time(name):
            continue
        least, most = _ends(looked, quote(name))
        if least is None or most is None:
            continue
        if _are_days(looked, quote(name), least, most):
            looked.held[name] = Held(name, kind="times", sql=epochs.written_day(quote(name)))
        elif len(units := epochs.plausible(least, most)) == 1:
            unit = units[0].unit
            moment = epochs.moment(quote(name), unit)
            looked.held[name] = Held(name, kind="times", sql=moment, epoch=unit)
        elif epochs.are_excel_days(least, most):
            looked.notes.append(_excel_days(name, least, most, "advice"))


def _excel_days(name: str, least: float, most: float, state: Literal["error", "advice"]) -> Note:
    days = " to ".join(str(epochs.excel_day(number)) for number in (least, most))
    detail = f"holds numbers from {least:,} to {most:,}: as days that Excel counts, {days}"
    fix = "if they are days, format the column as a date in Excel, and export it again"
    return Note("excel_days", state, name, None, detail, fix)


def _as_moments(
    name: str, number: str, least: float, most: float, epoch: Unit | None
) -> tuple[str | None, tuple[Note, ...]]:
    units = epochs.plausible(least, most)
    said = " or ".join(map(str, units)) or "in no unit they are moments between 1990 and 2060"
    values = f"{least:,} to {most:,}"
    if epoch is not None and (not units or epoch in {unit.unit for unit in units}):
        return epochs.moment(number, epoch), ()
    if epoch is not None:
        detail = f"counts from {values}, which are no moments as {epoch}; {said}"
        fix = f'epoch = "{units[0].unit}"'
        return None, (Note("contradicted_epoch", "error", name, None, detail, fix),)
    if units:
        detail = f"holds numbers from {values}; counted since 1970 they run {said}"
        fix = f'{{ column = "{name}", epoch = "{units[0].unit}" }}'
        return None, (Note("undeclared_epoch", "error", name, None, detail, fix),)
    if epochs.are_excel_days(least, most):
        return None, (_excel_days(name, least, most, "error"),)
    return None, ()
