"""`init`: looks at a folder of tables and writes a first `churnlight.toml`, every guess marked.

The text is read back as a declaration before it is written, so a draft always loads.
"""

import re
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from features import engines, publish
from features.declaring import declaration
from features.declaring.mistakes import DECLARATION_FILE
from features.declaring.recipe import Recipe
from features.drafting import (
    failures,
    first_indicators,
    first_playbooks,
    money,
    reading,
    target,
    toml_text,
)
from features.drafting.reading import Reading
from features.drafting.tables import (
    no_contracts,
    profiles,
    snapshot_tables,
    spans,
)
from features.drafting.tables.account_table import AccountTable
from features.drafting.tables.facts import FactTable
from features.drafting.tables.hops import Hop
from features.drafting.tables.profiles import ColumnProfile, TableProfile
from features.drafting.words import UTC
from features.engines.on_duckdb import Engine
from features.errors import DeclarationError, NotFound
from features.plurals import counted

HEAD = """\
# A first declaration, guessed from the tables in this folder. Lines marked "guessed" say why;
# lines marked "decide" wait for you. Then: churnlight check --company {folder}
# Every table and key is explained in docs/declaration.md.
"""


def write(folder: Path, *, force: bool = False) -> Path:
    """Writes `folder/churnlight.toml` and returns its path.

    Raises
    ------
    DeclarationError
        There is one already and `force` is not given, or no column can be an account's key.
    NotFound
        The folder, or tables in it, are not there.
    """
    if not folder.is_dir():
        raise NotFound(f"{folder}: no such folder")
    path = folder / DECLARATION_FILE
    if path.exists() and not force:
        raise DeclarationError(f"{path} exists already; overwrite it with --force")
    text = draft_declaration(folder)
    with publish.replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return path


def draft_declaration(folder: Path) -> str:
    """The text of a first declaration for the tables in `folder`."""
    with (
        tempfile.TemporaryDirectory(prefix="churnlight-") as spool,
        engines.start("duckdb") as engine,
    ):
        tables, left_out = profiles.look(engine, folder, Path(spool))
        read = reading.read(engine, tables)
        if read is not None and read.accounts is not None and not read.facts:
            raise _nothing_about_accounts(folder, read.accounts, [*left_out, *_told(read)])
        if read is None or not read.facts:
            raise _nothing_to_go_on(folder, tables, left_out)
        if read.activity is None and (read.end is None or read.end.kind == "loss"):
            raise _nobody_leaves(folder, read)
        text = "\n".join(_lines(folder, read, [*left_out, *_told(read)], engine))
    declaration.parse(text, folder)
    return text


def _nothing_to_go_on(
    folder: Path, tables: list[TableProfile], left_out: list[str]
) -> DeclarationError:
    looked = [
        f"{table.path}: keys {_listed(table.keys)}, times {_listed(table.times)}"
        for table in tables
    ]
    why = (
        f"{folder}: no table has both a column with keys of accounts, such as customer_id, and a "
        "column of dates or timestamps; rename the columns, or write "
        f"{DECLARATION_FILE} by hand after docs/declaration.md. Looked at:"
    )
    return DeclarationError("\n  ".join([why, *looked, *left_out]))


def _nothing_about_accounts(
    folder: Path, accounts: AccountTable, left_out: list[str]
) -> DeclarationError:
    why = (
        f"{folder}: {accounts.table.path} has one row per account ({accounts.key}), and no other "
        "table has both keys of these accounts and times, so that nothing tells what they do; "
        "bring tables of the same accounts, or give the accounts a column with the keys that the "
        "others use. Looked at:"
    )
    return DeclarationError("\n  ".join([why, *left_out]))


def _told(read: Reading) -> list[str]:
    return [each.told for each in read.left_out]


def _listed(columns: tuple[ColumnProfile, ...]) -> str:
    return ", ".join(column.name for column in columns) or "none"


def _nobody_leaves(folder: Path, read: Reading) -> DeclarationError:
    why = (
        f"{folder}: nothing says when a customer leaves, and no table shows what customers do, "
        "so that their silence could say it; add one. Looked at:"
    )
    return DeclarationError("\n  ".join([why, *target.looked_at(read)]))


def _lines(folder: Path, read: Reading, left_out: list[str], engine: Engine) -> Iterator[str]:
    main = read.activity or read.facts[0]
    days = spans.span(engine, main.table.name, main.event)
    reserved = engine.rows("SELECT keyword_name FROM duckdb_keywords()").column(0).to_pylist()
    daily = frozenset(entry.table.name for entry in read.facts if spans.is_daily(engine, entry))
    amounts = money.doubts(engine, read.facts)
    failed = failures.find(engine, read.facts)
    drafts = first_indicators.indicators(read, daily, reserved, amounts, failed)
    yield HEAD.format(folder=folder.name or folder)
    yield from _company(folder, read)
    yield from _accounts(read)
    yield from _sources(read, left_out)
    yield from _target(read, days, engine)
    for entry in drafts:
        told = [f"guessed: {entry.why}", *([f"decide: {entry.doubt}"] if entry.doubt else [])]
        yield from toml_text.table(f"indicators.{entry.name}", entry.keys, *told)
    yield from toml_text.table(
        "bands",
        {"capacity": 0.1, "min_history": "28d"},
        "guessed: a team can work one account in ten",
    )
    for name, keys in first_playbooks.named(entry.keys.get("playbook") for entry in drafts).items():
        yield from toml_text.table(
            f"playbooks.{name}", keys, "placeholder: put your own steps here"
        )


def _target(read: Reading, days: int, engine: Engine) -> Iterator[str]:
    end = read.end
    rows = no_contracts.doubts(engine, end.facts) if end is not None else ()
    comments = [*target.comments(read), *(f"decide: {doubt}" for doubt in rows)]
    yield from toml_text.table("targets.churn", target.keys(read, days), *comments)


def _company(folder: Path, read: Reading) -> Iterator[str]:
    name = folder.resolve()
    called = name.parent.name if name.name == "data" else name.name
    keys: dict[str, object] = {"name": re.sub(r"[-_]+", " ", called).strip().title() or "Company"}
    undecided = read.latest is not None and read.latest[1].undecided
    if read.until is None or read.latest is None or undecided:
        yield from toml_text.table("company", keys, "decide: data_until = the last complete day")
        return
    keys["data_until"] = read.until.until
    entry, column = read.latest
    place = f"{entry.table.path}, {column.name}"
    why = [f"guessed from {place}: the tables are complete up to that morning"]
    if read.until.later:
        why.append(
            f"decide: {place}: {counted(read.until.later, 'row')} after that, up to "
            f"{read.until.stray}, had not happened yet: bookings, or typing errors?"
        )
    yield from toml_text.table("company", keys, *why)


def _accounts(read: Reading) -> Iterator[str]:
    found = read.accounts
    if found is None:
        keys: dict[str, object] = {"source": read.facts[0].table.name, "key": read.key}
        keys["derived"] = True
        yield from toml_text.table(
            "accounts", keys, f"guessed: {read.why}; accounts are derived from their facts"
        )
        return
    keys = {"source": found.table.name, "key": read.key}
    keys["attributes"] = {**read.attributes, "since": found.since}
    if read.crosswalk:
        keys["crosswalk"] = read.crosswalk
    if (merger := read.merger) is not None:
        aliases = {"source": merger.table.name, "old": merger.old, "new": merger.new}
        keys["aliases"] = aliases | {"known_time": _time(merger.day)}
    why = [f"guessed from {found.table.path}: {read.why}"]
    if snapshot_tables.columns_of_today(found.table):
        why.append(f"note: {found.table.path}: {snapshot_tables.told(found.table)}")
    if merger is not None:
        why.append(
            f"guessed: {merger.table.path}, {counted(merger.table.rows, 'row')}: accounts "
            f"{merger.old} became {merger.new} on {merger.day.name}"
        )
    if merger is not None and _lacks_zone(merger.day):
        why.append(_zone("known_time", merger.day))
    yield from toml_text.table("accounts", keys, *why)


def _sources(read: Reading, left_out: list[str]) -> Iterator[str]:
    names = {entry.table.name for entry in read.facts}
    if read.accounts is not None and read.accounts.table.name not in names:
        table = read.accounts.table
        names |= {table.name}
        yield from toml_text.table(
            f"sources.{table.name}", _place(table), "one row per account", *_noted(table)
        )
    end = read.end
    late = [entry for entry in read.facts if entry.known is None and entry.table.export is None]
    for entry in read.facts:
        ended = end.column if end is not None and end.facts is entry else None
        yield from _source(entry, ended, _lateness(late) if entry in late[:1] else ())
    yield from _links(read, names)
    yield from (f"{toml_text.comment(f'left out: {line}')}\n" for line in left_out)


def _lateness(late: list[FactTable]) -> Iterator[str]:
    """The question of late rows, asked once for all tables that do not tell it."""
    yield (
        f"decide: if rows of {', '.join(entry.table.path for entry in late)} reach you days after "
        'they happened, say so in the source of each: known_time = { delay = "1d" }'
    )


def _place(table: TableProfile) -> dict[str, object]:
    """Where a table is, of an export by which recipe it is read, and which ids are made long."""
    keys: dict[str, object] = {"path": table.path}
    if table.dump is not None:
        keys = {"sql": f"sqlite:///{table.dump.database}", "table": table.dump.table}
    if table.recipe is not None:
        keys["adopt"] = table.recipe
    if table.long_ids:
        keys["columns"] = {name: {"holds": "salesforce id"} for name in table.long_ids}
    return keys


def _links(read: Reading, names: set[str]) -> Iterator[str]:
    """The links, and the sources of those that are no facts."""
    hops = {
        hop.source: (hop, before)
        for entry in read.facts
        if entry.hop is not None
        for hop, before in zip(entry.hop.along, _before(entry, entry.hop), strict=True)
    }
    for name, table in read.between.items():
        if name not in names:
            why = "says which account something else belongs to"
            yield from toml_text.table(f"sources.{name}", _place(table), why)
    if read.merger is not None:
        table = read.merger.table
        yield from toml_text.table(f"sources.{table.name}", _place(table), "merged accounts")
    for name, (hop, before) in hops.items():
        yield from _link(read, hop, f"guessed: {before} names rows of {read.between[name].path}")


def _before(entry: FactTable, hop: Hop) -> Iterator[str]:
    """What names the rows of each table on the way: the facts, then the table before."""
    yield f"{entry.table.path}, {entry.account}"
    yield from (f"{each.source}, {each.way.column}" for each in hop.along[:-1])


def _link(read: Reading, hop: Hop, named: str) -> Iterator[str]:
    account: object = hop.way.column
    then = f"and these name accounts by {hop.way.column}"
    if hop.way.system_key is not None:
        account = {"column": hop.way.column, "system": hop.way.system_key}
    if hop.way.hop is not None:
        account = {"column": hop.way.column, "link": hop.way.hop.source}
        further = read.between[hop.way.hop.source].path
        then = f"and these name rows of {further} by {hop.way.column}"
    keys: dict[str, object] = {"source": hop.source, "key": hop.key, "account": account}
    why = [f"{named}, {then}"]
    if (holds := hop.holds) is not None:
        keys |= {"valid_from": _time(holds.begins), "valid_to": _time(holds.ends)}
        why.append(
            f"guessed: a row holds from {holds.begins.name} until {holds.ends.name}, "
            "a moment at which it no longer does"
        )
        for key, column in (("valid_from", holds.begins), ("valid_to", holds.ends)):
            why += [_zone(key, column)] if _lacks_zone(column) else []
    yield from toml_text.table(f"links.{hop.source}", keys, *why)


def _source(
    entry: FactTable, ended: ColumnProfile | None, questions: Iterable[str]
) -> Iterator[str]:
    account: object = entry.account
    if entry.system is not None:
        account = {"system": entry.system, "column": entry.account}
    if entry.hop is not None:
        account = {"column": entry.account, "link": entry.hop.source}
    if (export := entry.table.export) is not None:
        yield from _adopted(entry, export, account)
        return
    keys = _place(entry.table) | {"account": account}
    keys["event_time"] = _time(entry.event)
    why = ["guessed: account and times, by their names and values"]
    if entry.known is not None:
        keys["known_time"] = {"column": entry.known.name} | _zone_or_epoch(entry.known)
    why += questions
    if entry.known is not None and _lacks_zone(entry.known):
        why.append(_zone("known_time", entry.known))
    if _lacks_zone(entry.event) or (ended is not None and _lacks_zone(ended)):
        why.append(_zone("event_time", entry.event))
    yield from toml_text.table(f"sources.{entry.table.name}", keys, *why, *_noted(entry.table))


def _adopted(entry: FactTable, export: Recipe, account: object) -> Iterator[str]:
    """A recognised export: what its recipe says is not repeated."""
    keys = _place(entry.table)
    if account != export.account:
        keys["account"] = account
    if export.key is not None:
        keys["event_time"] = {"column": entry.event.name, "zone": "UTC"}
    why = [f"recognised by its columns: {export.title}; docs/sources.md tells what that means"]
    if export.local_times and entry.event.is_naive:
        why.append(_zone("event_time", entry.event) + "; taken as UTC")
    yield from toml_text.table(f"sources.{entry.table.name}", keys, *why, *_noted(entry.table))


def _time(column: ColumnProfile) -> object:
    """A time column as `event_time`, with its zone or its epoch where it has one."""
    more = _zone_or_epoch(column)
    return {"column": column.name, **more} if more else column.name


def _zone_or_epoch(column: ColumnProfile) -> dict[str, str]:
    """The zone that its name says, or the unit in which it counts."""
    if column.epoch is not None:
        return {"epoch": column.epoch}
    return {"zone": "UTC"} if column.is_naive and column.words & UTC else {}


def _noted(table: TableProfile) -> list[str]:
    """What the reader of the file noticed: an order of day and month to decide, odd cells."""
    counted_times = [column for column in table.columns if column.epoch]
    undecided = {column.name for column in table.columns if column.undecided}
    return [
        *(f"guessed: {column.name} counts {column.epoch} since 1970" for column in counted_times),
        *(f"{'decide' if note.column in undecided else 'note'}: {note}" for note in table.notes),
    ]


def _lacks_zone(column: ColumnProfile) -> bool:
    return column.is_naive and not column.words & UTC


def _zone(key: str, column: ColumnProfile) -> str:
    asked = f'{key} = {{ column = {toml_text.value(column.name)}, zone = "Europe/Berlin" }}'
    return (
        f"decide: the timestamps carry no zone; name it: {asked} "
        f"({column.name}: {column.filled:,} timestamps)"
    )
