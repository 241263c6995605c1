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
from features.declaring.column import Column, Unit, plain
from features.declaring.company import Company, Source, TimeColumn
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
from features.shaping import declared_shape, exchange

# What a declared column may hold that must stay as it is written, zeros and all.
IDS = ("text", "salesforce id")


@dataclass(frozen=True)
class Tables:
    """The company's tables, open: the engine, each source's columns, and what could not be opened.

    `columns[source]` maps a column to its SQL type. `unreadable` holds what could not be opened,
    sources that are not there, and values that could not be read. `notes` are what the reader of
    files says of each source.
    """

    company: Company
    engine: Engine
    columns: dict[str, dict[str, str]]
    unreadable: tuple[Finding, ...]
    notes: Mapping[str, Sequence[Note]] = field(default_factory=dict)

    def location(self, source: str) -> str:
        """Where a source is, for messages: its path, or its table."""
        return location(self.company.sources[source])


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
        yield Tables(company, engine, columns, tuple(unreadable), notes)


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
    """Looks at the rates of a source as if they were one."""
    rates = exchange.rates_of(name)
    alone = company.model_copy(update={"sources": {rates: Source(path=path)}})
    _look(alone, rates, reader, engine, None)


def _shaped(company: Company, name: str, engine: Engine) -> dict[str, str]:
    """The columns of a source in its declared shape, its amounts in one currency."""
    source = company.sources[name]
    as_it_lies = engine.types(f"SELECT * FROM {quote(name)}")
    columns = declared_shape.shape(engine, name, source, as_it_lies)
    return columns if source.currency is None else exchange.convert(engine, name, source, columns)


def _declared(company: Company, name: str) -> Declared:
    """What the declaration says of a source's file."""
    source = company.sources[name]
    keys = {plain(column) for column in _key_columns(company, name)}
    held_as_time = {
        plain(spelling)
        for column, declared in source.columns.items()
        if declared.holds == "time"
        for spelling in (column, *declared.names)
    }
    times = {name: epoch for name, epoch in _times(company, name) if name not in source.columns}
    return Declared(
        is_key=lambda column: plain(column) in keys,
        is_time=lambda column: plain(column) in held_as_time,
        times=times,
        date_order=source.date_order,
        decimal=source.csv.decimal,
        separator=source.csv.separator,
        encoding=source.csv.encoding,
    )


def _times(company: Company, name: str) -> Iterator[tuple[str, Unit | None]]:
    """The columns of a source that must hold times, each with the unit of its counts."""
    source, attributes = company.sources[name], company.accounts.attributes
    counted = source.event_time.epoch if source.event_time else None
    if source.event_time is not None:
        yield source.event_time.column, counted
    if source.known_time is not None and source.known_time.column is not None:
        yield source.known_time.column, source.known_time.epoch
    if name == company.accounts.source:
        yield from ((day, counted) for day in (attributes.since, attributes.renewal) if day)
    yield from ((at.column, at.epoch) for at in _times_of_links(company, name))
    for target in company.targets.values():
        if target.event is None or target.event.source != name:
            continue
        pause = target.event.paused
        days = [target.event.ended, *((pause.begins, pause.until) if pause else ())]
        yield from ((day, counted) for day in days if day is not None)
        if (known := target.event.ended_known) is not None and known.column is not None:
            yield known.column, known.epoch


def _times_of_links(company: Company, name: str) -> Iterator[TimeColumn]:
    for link in company.links.values():
        if link.source == name:
            yield from filter(None, (link.valid_from, link.valid_to, link.known_time))
    if (aliases := company.accounts.aliases) is not None and aliases.source == name:
        yield aliases.known_time


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


def _key_columns(company: Company, name: str) -> list[str]:
    """The columns of a CSV that hold keys, and so must not be read as numbers."""
    source = company.sources[name]
    keys = [source.account.column] if source.account else []
    if name == company.accounts.source:
        keys += [company.accounts.key, *company.accounts.crosswalk.values()]
    for link in company.links.values():
        keys += [link.key, link.account.column] if link.source == name else []
    if (aliases := company.accounts.aliases) is not None and aliases.source == name:
        keys += [aliases.old, aliases.new]
    keys += [key for key, column in source.columns.items() if column.holds in IDS]
    return keys + [other for key in keys for other in source.columns.get(key, Column()).names]
