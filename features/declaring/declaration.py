"""Reads `churnlight.toml`: every mistake at once, each with its line and a way to fix it.

The declaration is checked in one pass over what the file says (shape, types, names that refer
to other tables), after what it adopts from the catalogue has been filled in.
"""

import hashlib
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from features.declaring import adoption, mistakes
from features.declaring.adoption import named_tables
from features.declaring.company import Company
from features.declaring.indicator import BASES, Indicator, Topic
from features.declaring.mistakes import DECLARATION_FILE, unknown_name
from features.declaring.target import Target
from features.declaring.toml_lines import KeyPath, Lines
from features.errors import DeclarationError, Mistake, NotFound


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
        text = (folder / DECLARATION_FILE).read_text(encoding="utf-8-sig")
    except (FileNotFoundError, NotADirectoryError):
        raise NotFound(
            f"{folder / DECLARATION_FILE}: no such file; write one with: churnlight init {folder}"
        ) from None
    except UnicodeDecodeError as error:
        raise DeclarationError(
            f"{folder / DECLARATION_FILE}: not UTF-8 text ({error.reason}); save it as UTF-8"
        ) from error
    except OSError as error:
        raise DeclarationError(
            f"{folder / DECLARATION_FILE}: cannot be read ({error.strerror}); fix its permissions"
        ) from error
    return parse(text, folder)


def parse(text: str, folder: Path = Path()) -> Company:
    """The company that `text` declares; as `load`, for a declaration that is at hand."""
    raw = _toml(text)
    lines = Lines(text)
    not_adopted = list(adoption.adopt(raw, lines))
    _derive(raw)
    problems = [*not_adopted, *_not_for_the_file(raw, lines), *_broken_references(raw, lines)]
    company = None
    try:
        company = Company.model_validate(raw | {"folder": folder})
    except ValidationError as error:
        refused = [mistakes.problem(detail, lines) for detail in error.errors()]
        problems += [problem for problem in refused if not _follows_from(problem, not_adopted)]
    if problems or company is None:
        raise DeclarationError.of(problems)
    company = company.model_copy(
        update={"targets": _with_delays(company), "indicators": _with_keywords(company)}
    )
    return company.model_copy(update={"declaration_hash": _hash(company)})


def _with_delays(company: Company) -> dict[str, Target]:
    """The targets, none settled before its facts can have reached us."""
    return {
        name: target.model_copy(update={"reporting_delay": _delay(company, target)})
        for name, target in company.targets.items()
    }


def _with_keywords(company: Company) -> dict[str, Indicator]:
    """The indicators, each topic with the keywords that its taxonomy gives it."""
    return {
        name: indicator.model_copy(update={"about": _about(company, indicator.about)})
        for name, indicator in company.indicators.items()
    }


def _about(company: Company, about: Topic | None) -> Topic | None:
    if about is None or about.taxonomy is None:
        return about
    keywords = company.taxonomies[about.taxonomy].topics[str(about.topic)]
    return about.model_copy(update={"keywords": keywords})


def _delay(company: Company, target: Target) -> int:
    known_times = [company.sources[target.source].known_time]
    known_times += [target.event.ended_known] if target.event else []
    return max(
        target.reporting_delay,
        *(known_time.delay or 0 for known_time in known_times if known_time),
        0,
    )


def _follows_from(problem: Mistake, not_adopted: list[Mistake]) -> bool:
    """Whether `problem` only says that what could not be adopted is missing."""
    not_there = {adopt.key.removesuffix(".adopt") for adopt in not_adopted}
    return problem.what == "missing" and problem.key.rpartition(".")[0] in not_there


def _not_for_the_file(raw: Mapping[str, Any], lines: Lines) -> Iterator[Mistake]:
    for key in sorted(mistakes.NOT_IN_THE_FILE & raw.keys()):
        yield unknown_name((key,), "unknown key", key, mistakes.keys_at(()), lines)


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
        raise _not_toml(1, "arrays or tables nested too deeply") from None


def _not_toml(line: int, what: str) -> DeclarationError:
    return DeclarationError.of(
        [Mistake(DECLARATION_FILE, line, "syntax", what, "", "fix the TOML there")]
    )


def _hash(company: Company) -> str:
    # The order of the tables counts: the first segment that matches wins.
    canonical = json.dumps(company.model_dump(mode="json", by_alias=True), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _derive(raw: dict[str, Any]) -> None:
    """Fills in, in place, the source and windows of indicators that are made of others."""
    indicators = dict(named_tables(raw, "indicators"))
    # A rank may be of a quotient, whose own are then there.
    for measure in ("quotient", "peer_rank"):
        key = BASES[measure][0]
        for table in indicators.values():
            base = indicators.get(str(table.get(key)))
            if table.get("measure") == measure and base is not None:
                table.setdefault("source", base.get("source"))
                table.setdefault("windows", base.get("windows", ["all"]))


def _broken_references(raw: Mapping[str, Any], lines: Lines) -> Iterator[Mistake]:
    sources = [name for name, _ in named_tables(raw, "sources")]
    playbooks = [name for name, _ in named_tables(raw, "playbooks")]
    for path, name in (*_named_sources(raw), *_linking_sources(raw)):
        if isinstance(name, str) and name not in sources:
            yield unknown_name(path, "no such source is declared", name, sources, lines)
    for kind in ("indicators", "targets"):
        for name, table in named_tables(raw, kind):
            playbook = table.get("playbook")
            if isinstance(playbook, str) and playbook not in playbooks:
                path = (kind, name, "playbook")
                yield unknown_name(path, "no such playbook is declared", playbook, playbooks, lines)
    yield from _broken_likelihoods(raw, lines)
    yield from _renewals_of_today(raw, lines)
    yield from _broken_systems(raw, lines)
    yield from _broken_links(raw, lines)
    yield from _broken_bases(raw, lines)
    yield from _broken_topics(raw, lines)
    yield from _facts_without_columns(raw, lines)


def _broken_likelihoods(raw: Mapping[str, Any], lines: Lines) -> Iterator[Mistake]:
    indicators = [name for name, _ in named_tables(raw, "indicators")]
    for target, table in named_tables(raw, "targets"):
        likelier = table.get("likelier")
        for name in likelier if isinstance(likelier, dict) else ():
            if name not in indicators:
                path = ("targets", target, "likelier", name)
                yield unknown_name(path, "no such indicator is declared", name, indicators, lines)


def _renewals_of_today(raw: Mapping[str, Any], lines: Lines) -> Iterator[Mistake]:
    """Renewal dates from the account table, whose rows say what holds today."""
    accounts = raw.get("accounts")
    table = accounts.get("source") if isinstance(accounts, dict) else None
    if isinstance(accounts, dict) and accounts.get("derived"):
        return
    for target, declared in named_tables(raw, "targets"):
        event = declared.get("event")
        if isinstance(event, dict) and "renews" in event and event.get("source") == table:
            path = ("targets", target, "event", "renews")
            what = "the account table holds today's renewal date, which knows who stayed"
            fix = "name a source with a row per term, which says when the row was known"
            got = repr(event["renews"])
            yield Mistake(DECLARATION_FILE, lines[path], ".".join(path), what, got, fix)


def _named_sources(raw: Mapping[str, Any]) -> Iterator[tuple[KeyPath, Any]]:
    accounts = raw.get("accounts")
    if isinstance(accounts, dict):
        yield ("accounts", "source"), accounts.get("source")
    for target, table in named_tables(raw, "targets"):
        for form in ("event", "inactivity"):
            if isinstance(part := table.get(form), dict):
                yield ("targets", target, form, "source"), part.get("source")
        yield ("targets", target, "active"), table.get("active")
    for indicator, table in named_tables(raw, "indicators"):
        yield ("indicators", indicator, "source"), table.get("source")


def _broken_systems(raw: Mapping[str, Any], lines: Lines) -> Iterator[Mistake]:
    accounts = raw.get("accounts")
    declared = accounts.get("crosswalk") if isinstance(accounts, dict) else None
    crosswalk = declared if isinstance(declared, dict) else {}
    for path, account in _account_keys(raw):
        system = account.get("system")
        if isinstance(system, str) and system not in crosswalk:
            what = "no such system in accounts.crosswalk"
            yield unknown_name((*path, "system"), what, system, crosswalk, lines)


def _account_keys(raw: Mapping[str, Any]) -> Iterator[tuple[KeyPath, Mapping[str, Any]]]:
    """The tables `account = { … }` of sources and links."""
    for kind in ("sources", "links"):
        for name, table in named_tables(raw, kind):
            if isinstance(account := table.get("account"), dict):
                yield (kind, name, "account"), account


def _broken_links(raw: Mapping[str, Any], lines: Lines) -> Iterator[Mistake]:
    """Links that are not there, and links that lead back to themselves."""
    links = dict(named_tables(raw, "links"))
    for path, account in _account_keys(raw):
        link, where = account.get("link"), (*path, "link")
        if not isinstance(link, str):
            continue
        if link not in links:
            yield unknown_name(where, "no such link is declared", link, links, lines)
        elif path[0] == "links" and _leads_back(links, path[1]):
            what, fix = "it leads back to itself", "let the last link name the account itself"
            yield Mistake(DECLARATION_FILE, lines[where], ".".join(where), what, repr(link), fix)
    used = {account.get("link") for _, account in _account_keys(raw)}
    for name in links.keys() - used:
        key, fix = ("links", name), f'account = {{ column = "…", link = "{name}" }} in a source'
        yield Mistake(DECLARATION_FILE, lines[key], ".".join(key), "no source uses it", "", fix)


def _leads_back(links: Mapping[str, Mapping[str, Any]], name: str) -> bool:
    """Whether following a link comes by it again."""
    on: Any = name
    for _ in links:
        account = links[on].get("account")
        on = account.get("link") if isinstance(account, dict) else None
        if on == name:
            return True
        if not isinstance(on, str) or on not in links:
            return False
    return False


def _linking_sources(raw: Mapping[str, Any]) -> Iterator[tuple[KeyPath, Any]]:
    for link, table in named_tables(raw, "links"):
        yield ("links", link, "source"), table.get("source")
    accounts = raw.get("accounts")
    aliases = accounts.get("aliases") if isinstance(accounts, dict) else None
    if isinstance(aliases, dict):
        yield ("accounts", "aliases", "source"), aliases.get("source")


def _broken_bases(raw: Mapping[str, Any], lines: Lines) -> Iterator[Mistake]:
    """Indicators that are made of others have to find them, with columns that fit."""
    indicators = dict(named_tables(raw, "indicators"))
    for name, table in indicators.items():
        measure = table.get("measure")
        for key in BASES.get(str(measure), ()):
            base, path = table.get(key), ("indicators", name, key)
            if not isinstance(base, str):
                continue
            if base not in indicators or base == name:
                others = indicators.keys() - {name}
                yield unknown_name(path, "no such other indicator is declared", base, others, lines)
            elif (
                indicators[base].get("measure")
                in (("quotient", "peer_rank"), ("peer_rank",))[measure == "peer_rank"]
            ):
                fix = "name one that is measured over facts"
                what = f"a {indicators[base].get('measure')} cannot be part of a {measure}"
                yield Mistake(DECLARATION_FILE, lines[path], ".".join(path), what, repr(base), fix)
            elif missing := _windows_that_lack(table, indicators[base], key):
                what = f"indicators.{base} has no window {missing[0]}"
                fix = f'add it there, or take windows = ["{missing[0]}"] out here'
                yield Mistake(DECLARATION_FILE, lines[path], ".".join(path), what, repr(base), fix)


def _windows_that_lack(table: Mapping[str, Any], base: Mapping[str, Any], key: str) -> list[str]:
    windows, its = table.get("windows", []), base.get("windows", ["all"])
    if (
        not isinstance(windows, list)
        or not isinstance(its, list)
        or (key == "per" and len(its) == 1)
    ):
        return []
    return [str(window) for window in windows if window not in its]


def _broken_topics(raw: Mapping[str, Any], lines: Lines) -> Iterator[Mistake]:
    taxonomies = dict(named_tables(raw, "taxonomies"))
    for name, table in named_tables(raw, "indicators"):
        about = table.get("about")
        if not isinstance(about, dict) or not isinstance(about.get("taxonomy"), str):
            continue
        taxonomy, path = about["taxonomy"], ("indicators", name, "about", "taxonomy")
        if taxonomy not in taxonomies:
            yield unknown_name(path, "no such taxonomy is declared", taxonomy, taxonomies, lines)
            continue
        topics = taxonomies[taxonomy].get("topics")
        topic = about.get("topic")
        if isinstance(topics, dict) and isinstance(topic, str) and topic not in topics:
            path = ("indicators", name, "about", "topic")
            yield unknown_name(path, f"no such topic in {taxonomy}", topic, topics, lines)


def _facts_without_columns(raw: Mapping[str, Any], lines: Lines) -> Iterator[Mistake]:
    """A source that facts are taken from needs an account key and an event time."""
    declared = dict(named_tables(raw, "sources"))
    accounts = raw.get("accounts")
    plain = isinstance(accounts, dict) and not accounts.get("derived")
    users = {
        name: path
        for path, name in _named_sources(raw)
        if isinstance(name, str) and not (plain and path == ("accounts", "source"))
    }
    for source, user in users.items():
        for key in ("account", "event_time"):
            if source in declared and key not in declared[source]:
                where = ("sources", source, key)
                fix = f'add {key} = "…": {".".join(user)} takes facts from it'
                yield Mistake(DECLARATION_FILE, lines[where], ".".join(where), "missing", "", fix)
