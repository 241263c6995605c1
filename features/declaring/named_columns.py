"""The columns that a declaration names outside of its SQL expressions, each with its key.

A new key that names a column is one line here: its column is then read as what it must hold, and
checked.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from features.declaring.column import Unit
from features.declaring.company import Company, Link
from features.declaring.source import Source
from features.declaring.target import Event

Content = Literal["any", "key", "day", "time", "number"]


@dataclass(frozen=True)
class NamedColumn:
    """A column that the declaration names: the naming key, and what the column should hold.

    A `"time"` needs a zone unless it carries one, a `"day"` does not. `epoch` is the unit in which
    times may count.
    """

    source: str
    column: str
    key: str
    content: Content = "any"
    zone: str | None = None
    zone_key: str = ""
    epoch: Unit | None = None


def named_columns(company: Company) -> Iterator[NamedColumn]:
    """Every column that the declaration names outside of SQL expressions."""
    yield from _of_accounts(company)
    for name, link in company.links.items():
        yield from _of_link(name, link)
    for name, source in company.sources.items():
        yield from _of_source(name, source)
    for name, target in company.targets.items():
        if target.event and target.event.ended:
            yield from _of_the_end(company, name, target.event)
        if target.event and target.event.ended_known and target.event.ended_known.column:
            ended_known, key = target.event.ended_known, f"targets.{name}.event.ended_known"
            yield NamedColumn(
                target.source,
                str(ended_known.column),
                key,
                "time",
                ended_known.zone,
                key,
                ended_known.epoch,
            )


def _of_the_end(company: Company, target: str, event: Event) -> Iterator[NamedColumn]:
    declared, key = company.sources[event.source].event_time, f"targets.{target}.event"
    zone, epoch = (declared.zone, declared.epoch) if declared else (None, None)
    zone_key = f"sources.{event.source}.event_time"
    pause = event.paused
    named = {"ended": event.ended}
    if pause is not None:
        named |= {"paused.from": pause.begins, "paused.until": pause.until}
    for part, column in named.items():
        where = f"{key}.{part}"
        yield NamedColumn(event.source, str(column), where, "time", zone, zone_key, epoch)
    contents: dict[str, Content] = {"renews": "day", "contract": "key", "amount": "number"}
    for part, content in contents.items():
        if (column := getattr(event, part)) is not None:
            yield NamedColumn(event.source, column, f"{key}.{part}", content, epoch=epoch)


def _of_accounts(company: Company) -> Iterator[NamedColumn]:
    accounts = company.accounts
    yield NamedColumn(accounts.source, accounts.key, "accounts.key", "key")
    contents: dict[str, Content] = {"since": "day", "renewal": "day", "mrr": "number"}
    declared = company.sources[accounts.source].event_time
    epoch = declared.epoch if declared else None
    for attribute, column in accounts.attributes:
        if column is not None:
            key = f"accounts.attributes.{attribute}"
            content = contents.get(attribute, "any")
            yield NamedColumn(accounts.source, column, key, content, epoch=epoch)
    for system, column in accounts.crosswalk.items():
        yield NamedColumn(accounts.source, column, f"accounts.crosswalk.{system}", "key")
    if (aliases := accounts.aliases) is not None:
        for word, column in (("old", aliases.old), ("new", aliases.new)):
            yield NamedColumn(aliases.source, column, f"accounts.aliases.{word}", "key")
        at, key = aliases.known_time, "accounts.aliases.known_time"
        yield NamedColumn(aliases.source, at.column, key, "time", at.zone, key, at.epoch)


def _of_link(name: str, link: Link) -> Iterator[NamedColumn]:
    yield NamedColumn(link.source, link.key, f"links.{name}.key", "key")
    yield NamedColumn(link.source, link.account.column, f"links.{name}.account", "key")
    times = {
        "valid_from": link.valid_from,
        "valid_to": link.valid_to,
        "known_time": link.known_time,
    }
    for word, at in times.items():
        if at is not None:
            key = f"links.{name}.{word}"
            yield NamedColumn(link.source, at.column, key, "time", at.zone, key, at.epoch)


def _of_source(name: str, source: Source) -> Iterator[NamedColumn]:
    if source.account:
        yield NamedColumn(name, source.account.column, f"sources.{name}.account", "key")
    if source.event_time:
        at, key = source.event_time, f"sources.{name}.event_time"
        yield NamedColumn(name, at.column, key, "time", at.zone, key, at.epoch)
    if source.known_time and source.known_time.column:
        known, key = source.known_time, f"sources.{name}.known_time"
        yield NamedColumn(name, str(known.column), key, "time", known.zone, key, known.epoch)
