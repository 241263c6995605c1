"""Opens a company's tables in an engine, each as a view of its own name.

One function per kind of source. What cannot be opened is a finding of the data usability
report, with the file, what is wrong and how to fix it.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from features import engines, exchange, shaping
from features.declaring.column import Column
from features.declaring.company import Company, Source
from features.declaring.spelling import nearest
from features.engines import object_store
from features.engines.on_duckdb import Engine, EngineError
from features.engines.sql_text import quote
from features.errors import ContractBroken, Finding
from features.reading import databases
from features.reading.places import broken, location

# What a declared column may hold that must stay as it is written, zeros and all.
IDS = ("text", "salesforce id")


@dataclass(frozen=True)
class Tables:
    """The company's tables, open: the engine, each source's columns, and what could not be opened.

    `columns[source]` maps a column to its SQL type. `unreadable` holds what could not be opened,
    sources that are not there, and values that could not be read.
    """

    company: Company
    engine: Engine
    columns: dict[str, dict[str, str]]
    unreadable: tuple[Finding, ...]

    def location(self, source: str) -> str:
        """Where a source is, for messages: its path, or its table."""
        return location(self.company.sources[source])


@contextmanager
def open_tables(company: Company) -> Iterator[Tables]:
    """The company's tables, closed again at the end of the block."""
    with (
        tempfile.TemporaryDirectory(prefix="churnlight-") as spool,
        engines.start(company.about.engine) as engine,
    ):
        columns: dict[str, dict[str, str]] = {}
        spooled = databases.spool(company, Path(spool))
        unreadable = list(spooled.findings)
        for name, source in company.sources.items():
            if source.sql is not None and name not in spooled.paths:
                continue
            try:
                as_it_lies = _open(company, name, engine, spooled.paths.get(name))
                columns[name] = shaping.shape(engine, name, source, as_it_lies)
                if source.currency is not None:
                    _open_rates(company, name, source.currency.rates, engine)
                    columns[name] = exchange.convert(engine, name, source, columns[name])
            except ContractBroken as refused:
                unreadable += refused.findings
        yield Tables(company, engine, columns, tuple(unreadable))


def _open_rates(company: Company, name: str, path: str, engine: Engine) -> None:
    """Opens the rates of a source as if they were one."""
    rates = exchange.rates_of(name)
    alone = company.model_copy(update={"sources": {rates: Source(path=path)}})
    _open(alone, rates, engine, None)


def _open(company: Company, name: str, engine: Engine, path: Path | None) -> dict[str, str]:
    source = company.sources[name]
    if source.path is not None and object_store.is_url(source.path):
        return _open_url(name, source.path, engine)
    path = path or _existing(company, name, source)
    try:
        if path.suffix.lower() == ".csv":
            engine.read_csv(name, path, _key_columns(company, name))
        else:
            engine.read_parquet(name, path)
        return engine.types(f"SELECT * FROM {quote(name)}")
    except EngineError as error:
        detail = f"{location(source)} cannot be read: {error}"
        raise broken("unreadable", name, detail, "repair the file or export it again") from error


def _open_url(name: str, url: str, engine: Engine) -> dict[str, str]:
    try:
        engine.read_url(name, url)
        return engine.types(f"SELECT * FROM {quote(name)}")
    except (OSError, EngineError) as error:
        detail = f"{object_store.shown(url)} cannot be read: {error}"
        fix = "check the address, the credentials in the environment, and that it is Parquet"
        raise broken("unreadable", name, detail, fix) from error


def _existing(company: Company, name: str, source: Source) -> Path:
    path = company.folder / str(source.path)
    if path.suffix.lower() not in {".csv", ".parquet"}:
        detail = f"{source.path} is neither .parquet nor .csv"
        raise broken("unsupported_file", name, detail, "convert the file to one of the two")
    if path.is_file() or ("*" in path.name and any(path.parent.glob(path.name))):
        return path
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
