"""Reads `churnlight.toml`: every mistake at once, each with its line and a way to mend it.

The declaration is checked in one pass over what the file says (shape, types, names that refer
to other tables), after what it adopts from the catalogue has been filled in.
"""

import hashlib
import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from features import catalog, mistakes
from features.company import Company, Target
from features.errors import DeclarationError, NotFound, Problem
from features.mistakes import FILE
from features.spelling import did_you_mean
from features.toml_lines import KeyPath, Lines


def load(folder: Path | str) -> Company:
    """The company that `folder/churnlight.toml` declares.

    Raises
    ------
    NotFound
        There is no such file.
    DeclarationError
        The file cannot be understood; the message lists every problem with its line.
    """
    folder = Path(folder)
    try:
        text = (folder / FILE).read_text(encoding="utf-8-sig")
    except (FileNotFoundError, NotADirectoryError):
        raise NotFound(
            f"{folder / FILE}: no such file; write one with: churnlight init {folder}"
        ) from None
    except UnicodeDecodeError as error:
        raise DeclarationError(
            f"{folder / FILE}: not UTF-8 text ({error.reason}); save it as UTF-8"
        ) from error
    except OSError as error:
        raise DeclarationError(
            f"{folder / FILE}: cannot be read ({error.strerror}); mend its rights"
        ) from error
    return parse(text, folder)


def parse(text: str, folder: Path = Path()) -> Company:
    """The company that `text` declares; as `load`, for a declaration that is at hand."""
    raw = _toml(text)
    lines = Lines(text)
    not_adopted = list(_adopt(raw, lines))
    problems = [*not_adopted, *_not_for_the_file(raw, lines), *_broken_references(raw, lines)]
    company = None
    try:
        company = Company.model_validate(raw | {"folder": folder})
    except ValidationError as error:
        found = [mistakes.problem(detail, lines) for detail in error.errors()]
        problems += [item for item in found if not _follows_from(item, not_adopted)]
    if problems or company is None:
        raise DeclarationError.of(problems)
    company = company.model_copy(update={"targets": _with_delays(company)})
    return company.model_copy(update={"declaration_hash": _hash(company)})


def _with_delays(company: Company) -> dict[str, Target]:
    """The targets, none settled before its facts can have reached us."""
    return {
        name: target.model_copy(update={"reporting_delay": _delay(company, target)})
        for name, target in company.targets.items()
    }


def _delay(company: Company, target: Target) -> int:
    known = [company.sources[target.source].known_time]
    known += [target.event.ended_known] if target.event else []
    return max(target.reporting_delay, *(item.delay or 0 for item in known if item), 0)


def _follows_from(item: Problem, not_adopted: list[Problem]) -> bool:
    """Whether `item` only says that what could not be adopted is not there."""
    tables = {adopt.key.removesuffix(".adopt") for adopt in not_adopted}
    return item.what == "missing" and item.key.rpartition(".")[0] in tables


def _not_for_the_file(raw: Mapping[str, Any], lines: Lines) -> Iterator[Problem]:
    for key in sorted(mistakes.NOT_IN_THE_FILE & raw.keys()):
        yield _unknown((key,), "unknown key", key, mistakes.keys_at(()), lines)


def _toml(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        where = re.search(r"at line (\d+), column (\d+)", str(error))
        line = int(where[1]) if where else text.count("\n") + 1
        what = re.sub(r"\s*\(at .*\)", "", str(error)).rstrip(".")
        raise _not_toml(line, what[:1].lower() + what[1:]) from None
    except ValueError:
        raise _not_toml(1, "a number with too many digits") from None
    except RecursionError:
        raise _not_toml(1, "arrays or tables too deep inside each other") from None


def _not_toml(line: int, what: str) -> DeclarationError:
    return DeclarationError.of([Problem(FILE, line, "syntax", what, "", "mend the TOML there")])


def _hash(company: Company) -> str:
    # The order of the tables counts: the first segment that matches wins.
    canonical = json.dumps(company.model_dump(mode="json"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _adopt(raw: dict[str, Any], lines: Lines) -> Iterator[Problem]:
    """Fills in, in place, what `adopt = "family.name"` takes from the catalogue."""
    for kind in ("indicators", "playbooks"):
        for name, table in _tables(raw, kind):
            if not isinstance(wanted := table.get("adopt"), str):
                continue
            found = catalog.entries(kind)
            if wanted not in found:
                path = (kind, name, "adopt")
                yield _unknown(
                    path, f"no such entry of the catalogue's {kind}", wanted, found, lines
                )
                continue
            raw[kind][name] = {**found[wanted], **table}
            _adopt_playbook(raw, wanted, raw[kind][name])


def _adopt_playbook(raw: dict[str, Any], wanted: str, table: dict[str, Any]) -> None:
    family = wanted.partition(".")[0]
    playbook = table.get("playbook")
    offered = catalog.entries("playbooks").get(f"{family}.{playbook}")
    if offered is not None and isinstance(raw.setdefault("playbooks", {}), dict):
        raw["playbooks"].setdefault(playbook, {**offered, "adopt": f"{family}.{playbook}"})


def _tables(raw: Mapping[str, Any], kind: str) -> list[tuple[str, dict[str, Any]]]:
    group = raw.get(kind)
    items = group.items() if isinstance(group, dict) else ()
    return [(name, table) for name, table in items if isinstance(table, dict)]


def _broken_references(raw: Mapping[str, Any], lines: Lines) -> Iterator[Problem]:
    sources = [name for name, _ in _tables(raw, "sources")]
    playbooks = [name for name, _ in _tables(raw, "playbooks")]
    for path, name in _named_sources(raw):
        if isinstance(name, str) and name not in sources:
            yield _unknown(path, "no such source is declared", name, sources, lines)
    for indicator, table in _tables(raw, "indicators"):
        playbook = table.get("playbook")
        if isinstance(playbook, str) and playbook not in playbooks:
            path = ("indicators", indicator, "playbook")
            yield _unknown(path, "no such playbook is declared", playbook, playbooks, lines)
    yield from _broken_systems(raw, lines)
    yield from _facts_without_columns(raw, lines)


def _named_sources(raw: Mapping[str, Any]) -> Iterator[tuple[KeyPath, Any]]:
    accounts = raw.get("accounts")
    if isinstance(accounts, dict):
        yield ("accounts", "source"), accounts.get("source")
    for target, table in _tables(raw, "targets"):
        for form in ("event", "inactivity"):
            if isinstance(part := table.get(form), dict):
                yield ("targets", target, form, "source"), part.get("source")
        yield ("targets", target, "active"), table.get("active")
    for indicator, table in _tables(raw, "indicators"):
        yield ("indicators", indicator, "source"), table.get("source")


def _broken_systems(raw: Mapping[str, Any], lines: Lines) -> Iterator[Problem]:
    accounts = raw.get("accounts")
    declared = accounts.get("crosswalk") if isinstance(accounts, dict) else None
    crosswalk = declared if isinstance(declared, dict) else {}
    for source, table in _tables(raw, "sources"):
        account = table.get("account")
        system = account.get("system") if isinstance(account, dict) else None
        if isinstance(system, str) and system not in crosswalk:
            path = ("sources", source, "account", "system")
            yield _unknown(path, "no such system in accounts.crosswalk", system, crosswalk, lines)


def _facts_without_columns(raw: Mapping[str, Any], lines: Lines) -> Iterator[Problem]:
    """A source that facts are taken from needs an account key and an event time."""
    tables = dict(_tables(raw, "sources"))
    accounts = raw.get("accounts")
    plain = isinstance(accounts, dict) and not accounts.get("derived")
    users = {
        name: path
        for path, name in _named_sources(raw)
        if isinstance(name, str) and not (plain and path == ("accounts", "source"))
    }
    for source, user in users.items():
        for key in ("account", "event_time"):
            if source in tables and key not in tables[source]:
                where = ("sources", source, key)
                mend = f'add {key} = "…": {".".join(user)} takes facts from it'
                yield Problem(FILE, lines[where], ".".join(where), "missing", "", mend)


def _unknown(path: KeyPath, what: str, got: str, known: Iterable[str], lines: Lines) -> Problem:
    return Problem(FILE, lines[path], ".".join(path), what, repr(got), did_you_mean(got, known))
