"""`init`: looks at a folder of tables and writes a first `churnlight.toml`, every guess marked.

The text is read back as a declaration before it is written, so a draft always loads.
"""

import json
import re
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

from features import engines, publish
from features.declaring import declaration
from features.declaring.mistakes import DECLARATION_FILE
from features.drafting import first_indicators, guesses, profiles
from features.drafting.guesses import FactTable, Reading
from features.drafting.profiles import ColumnProfile
from features.engines.on_duckdb import Engine
from features.errors import DeclarationError, NotFound

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
    with engines.start("duckdb") as engine:
        tables, left_out = profiles.look(engine, folder)
        reading = guesses.read(tables, profiles.links(engine, tables))
        if reading is None or not reading.facts:
            raise DeclarationError(
                f"{folder}: no table has both a column with keys of accounts, such as "
                "customer_id, and a column of dates or timestamps; rename the columns, or write "
                f"{DECLARATION_FILE} by hand after docs/declaration.md"
            )
        text = "\n".join(_lines(folder, reading, [*left_out, *reading.left_out], engine))
    declaration.parse(text, folder)
    return text


def _lines(folder: Path, reading: Reading, left_out: list[str], engine: Engine) -> Iterator[str]:
    activity = reading.activity
    latest = activity.known or activity.event
    until = profiles.complete_until(engine, activity.table.name, latest)
    days = profiles.span(engine, activity.table.name, activity.event.name)
    reserved = engine.rows("SELECT keyword_name FROM duckdb_keywords()").column(0).to_pylist()
    daily = frozenset(
        entry.table.name
        for entry in reading.facts
        if profiles.is_daily(engine, entry.table.name, entry.account, entry.event.name)
    )
    drafts = first_indicators.indicators(reading, daily, reserved)
    yield HEAD.format(folder=folder.name or folder)
    yield from _company(folder, until, activity)
    yield from _accounts(reading)
    yield from _sources(reading, left_out)
    yield from _target(reading, days)
    for entry in drafts:
        yield from _table(f"indicators.{entry.name}", entry.keys, f"guessed: {entry.why}")
    yield from _table(
        "bands",
        {"capacity": 0.1, "min_history": "28d"},
        "guessed: a team can work one account in ten",
    )
    for name, keys in first_indicators.playbooks(drafts).items():
        yield from _table(f"playbooks.{name}", keys, "placeholder: put your own steps here")


def _company(folder: Path, until: date | None, activity: FactTable) -> Iterator[str]:
    name = folder.resolve()
    called = name.parent.name if name.name == "data" else name.name
    keys: dict[str, object] = {"name": re.sub(r"[-_]+", " ", called).strip().title() or "Company"}
    if until is not None:
        keys["data_until"] = until
    why = f"guessed from {activity.table.path}: the tables are complete up to that morning"
    yield from _table("company", keys, why)


def _accounts(reading: Reading) -> Iterator[str]:
    if reading.accounts is None:
        keys: dict[str, object] = {
            "source": reading.facts[0].table.name,
            "key": reading.key,
            "derived": True,
        }
        why = "guessed: no table has one row per account and its first day; accounts are derived"
    else:
        keys = {"source": reading.accounts.name, "key": reading.key}
        keys["attributes"] = {**reading.attributes, "since": reading.since}
        if reading.crosswalk:
            keys["crosswalk"] = reading.crosswalk
        why = f"guessed: {reading.key} is unique there and other tables name it"
    yield from _table("accounts", keys, why)


def _sources(reading: Reading, left_out: list[str]) -> Iterator[str]:
    names = {facts.table.name for facts in reading.facts}
    if reading.accounts is not None and reading.accounts.name not in names:
        yield from _table(
            f"sources.{reading.accounts.name}",
            {"path": reading.accounts.path},
            "one row per account",
        )
    for facts in reading.facts:
        yield from _source(facts)
    for line in left_out:
        yield f"# left out: {line}\n"


def _source(facts: FactTable) -> Iterator[str]:
    account: object = facts.account
    if facts.system is not None:
        account = {"system": facts.system, "column": facts.account}
    keys: dict[str, object] = {
        "path": facts.table.path,
        "account": account,
        "event_time": facts.event.name,
    }
    why = ["guessed: account and times, by their names and values"]
    if facts.known is not None:
        keys["known_time"] = {"column": facts.known.name}
    else:
        why.append('decide: if facts arrive late, known_time = { delay = "1d" }')
    if facts.known is not None and facts.known.is_naive:
        why.append(_zone("known_time", facts.known))
    if facts.event.is_naive or (facts.ended is not None and facts.ended.is_naive):
        why.append(_zone("event_time", facts.event))
    yield from _table(f"sources.{facts.table.name}", keys, *why)


def _zone(key: str, column: ColumnProfile) -> str:
    example = f'{key} = {{ column = {_toml(column.name)}, zone = "Europe/Berlin" }}'
    return f"decide: the timestamps carry no zone; name it: {example}"


def _target(reading: Reading, days: int) -> Iterator[str]:
    why, keys = first_indicators.target(reading, days)
    yield from _table("targets.churn", keys, f"guessed: {why}")


def _table(name: str, keys: dict[str, object], *comments: str) -> Iterator[str]:
    """A table of the file, its comments above it and an empty line below."""
    yield from (f"# {' '.join(comment.split())}" for comment in comments)
    yield f"[{name}]"
    yield from (f"{key} = {_toml(value)}" for key, value in keys.items())
    yield ""


def _toml(value: object) -> str:
    """A value as TOML text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        pairs = (f"{_key(name)} = {_toml(element)}" for name, element in value.items())
        return f"{{ {', '.join(pairs)} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, date | datetime):
        return value.isoformat()
    return _text(value) if isinstance(value, str) else str(value)


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _text(name)


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
