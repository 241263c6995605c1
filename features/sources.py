"""Opens a company's tables in an engine, each as a view of its own name.

One function per kind of source. What cannot be opened is a finding of the data usability
report, with the file, what is wrong and how to fix it.
"""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from features import engines
from features.declaring.column import Column, plain
from features.declaring.company import Company
from features.declaring.named_columns import NamedColumn, named_columns
from features.declaring.source import Source
from features.declaring.spelling import nearest
from features.engines import object_store
from features.engines.on_duckdb import Engine, EngineError
from features.engines.sql_text import quote
from features.errors import ContractBroken, Finding
from features.progress import Progress, silent
from features.reading import files
from features.reading.databases import fetching
from features.reading.files import Declared, Reader
from features.reading.notes import Note
from features.reading.places import broken, location
from features.reading.text_files import NoTable
from features.settings import Settings
from features.shaping import declared_shape, exchange, row_numbers

# What a declared column may hold that must stay as it is written, zeros and all.
IDS = ("text", "salesforce id")


@dataclass(frozen=True)
class Tables:
    """The company's tables, open: the engine, each source's columns, and what could not be opened.

    `columns[source]` maps a column to its SQL type. `unreadable` holds what could not be opened,
    sources that are not there, and values that could not be read. `notes` are what the reader of
    files says of each source, `first_rows` the numbers of their first rows.
    """

    company: Company
    engine: Engine
    columns: dict[str, dict[str, str]]
    unreadable: tuple[Finding, ...]
    notes: Mapping[str, Sequence[Note]] = field(default_factory=dict)
    first_rows: Mapping[str, int] = field(default_factory=dict)

    def location(self, source: str) -> str:
        """Where a source is, for messages: its path, or its table."""
        return location(self.company.sources[source])

    def numbered(self, source: str) -> str:
        """SELECT of a source's rows, each with its number in the file as `row_numbers.ROW`."""
        declared = self.company.sources[source]
        return row_numbers.numbered(self.engine, source, declared, self.first_rows.get(source, 1))


@contextmanager
def open_tables(company: Company, *, progress: Progress = silent) -> Iterator[Tables]:
    """The company's tables, closed again at the end of the block."""
    with (
        tempfile.TemporaryDirectory(prefix="churnlight-") as spool,
        engines.start(company.about.engine) as engine,
    ):
        reader = Reader(engine, Path(spool), Settings.read().cores)
        spooled = fetching.spool(company, Path(spool))
        unreadable = list(spooled.findings)
        looked_at: list[str] = []
        there = [name for name, its in company.sources.items() if its.sql is None]
        for number, name in enumerate([*there, *spooled.paths], 1):
            progress(f"reading {name} {number}/{len(company.sources)}")
            try:
                _look(company, name, reader, engine, spooled.paths.get(name))
                looked_at.append(name)
            except ContractBroken as refused:
                unreadable += refused.findings
        notes = reader.show()
        columns: dict[str, dict[str, str]] = {}
        for name in (name for name in company.sources if name in looked_at):
            try:
                columns[name] = _shaped(company, name, engine)
            except ContractBroken as refused:
                unreadable += refused.findings
        yield Tables(company, engine, columns, tuple(unreadable), notes, reader.first_rows())


def _look(
    company: Company, name: str, reader: Reader, engine: Engine, spooled: Path | None
) -> None:
    source = company.sources[name]
    if source.path is not None and object_store.is_url(source.path):
        _open_url(name, source.path, engine)
        return
    if source.currency is not None:
        _look_at_rates(company, name, source.currency.rates, reader, engine)
    paths = [spooled] if spooled is not None else _existing(company, name, source)
    try:
        reader.look(name, paths, _declared(company, name))
    except NoTable as error:
        detail = f"{location(source)} cannot be read: {error.detail}"
        raise broken("unreadable", name, detail, error.fix) from error


def _look_at_rates(company: Company, name: str, path: str, reader: Reader, engine: Engine) -> None:
    """Looks at the rates of a source as if they were a source themselves."""
    rates = exchange.rates_of(name)
    with_rates = {**company.sources, rates: Source(path=path)}
    _look(company.model_copy(update={"sources": with_rates}), rates, reader, engine, None)


def _shaped(company: Company, name: str, engine: Engine) -> dict[str, str]:
    """The columns of a source in its declared shape, its amounts in one currency."""
    source = company.sources[name]
    as_it_lies = engine.types(f"SELECT * FROM {quote(name)}")
    columns = declared_shape.shape(engine, name, source, as_it_lies)
    return columns if source.currency is None else exchange.convert(engine, name, source, columns)


def _declared(company: Company, name: str) -> Declared:
    """What the declaration says of a source's file."""
    source = company.sources[name]
    named = [column for column in named_columns(company) if column.source == name]
    keys = {plain(spelling) for spelling in _keys(source, named)}
    held_as_time = {
        plain(spelling)
        for column, declared in source.columns.items()
        if declared.holds == "time"
        for spelling in (column, *declared.names)
    }
    times = {
        one.column: one.epoch
        for one in named
        if one.content in ("day", "time") and one.column not in source.columns
    }
    return Declared(
        is_key=lambda column: plain(column) in keys,
        is_time=lambda column: plain(column) in held_as_time,
        times=times,
        date_order=source.date_order,
        decimal=source.csv.decimal,
        separator=source.csv.separator,
        encoding=source.csv.encoding,
    )


def _keys(source: Source, named: Sequence[NamedColumn]) -> Iterator[str]:
    """The columns that hold keys, and so must not be read as numbers, in all their spellings."""
    keys = [one.column for one in named if one.content == "key"]
    keys += [key for key, column in source.columns.items() if column.holds in IDS]
    for key in keys:
        yield key
        yield from source.columns.get(key, Column()).names


def _open_url(name: str, url: str, engine: Engine) -> None:
    try:
        engine.read_url(name, url)
    except (OSError, EngineError) as error:
        detail = f"{object_store.shown(url)} cannot be read: {error}"
        fix = "check the address, the credentials in the environment, and that it is Parquet"
        raise broken("unreadable", name, detail, fix) from error


def _existing(company: Company, name: str, source: Source) -> list[Path]:
    path = company.folder / str(source.path)
    try:
        return files.parts(path)
    except NoTable as error:
        raise broken("unsupported_file", name, f"{source.path} {error.detail}", error.fix) from None
    except FileNotFoundError:
        pass
    beside = [sibling.name for sibling in path.parent.glob("*")] if path.parent.is_dir() else []
    near = nearest(path.name, beside)
    fix = f"did you mean {near!r}?" if near else f"put it there or fix sources.{name}.path"
    detail = f"{source.path}: no such file in {company.folder}"
    raise broken("missing_file", name, detail, fix)
