"""Whether the tables can be read as declared: what must hold before anything is computed."""

from collections.abc import Iterator
from contextlib import contextmanager

from features import sources
from features.declaring.company import Company
from features.errors import ContractBroken, Finding
from features.settings import Settings
from features.sources import Tables
from features.structure import (
    columns,
    currencies,
    ends,
    expressions,
    facts,
    keys,
    links,
    renewals,
)
from features.structure.readable import ReadableTables


def breaches(tables: Tables) -> list[Finding]:
    """Every structural breach at once; one at a column hides none at another."""
    first = unreadable_tables(tables)
    return [*first, *inconsistencies(readable_tables(tables, first))]


def unreadable_tables(tables: Tables) -> list[Finding]:
    """First round: tables and columns that are not there or hold something else."""
    return [*tables.unreadable, *columns.breaches(ReadableTables(tables, frozenset()))]


def readable_tables(tables: Tables, first: list[Finding]) -> ReadableTables:
    """The tables that can still be checked after the first round."""
    errors = (finding for finding in first if finding.state == "error")
    return ReadableTables(tables, frozenset((finding.table, finding.column) for finding in errors))


def inconsistencies(readable: ReadableTables) -> Iterator[Finding]:
    """Second round: what the tables that can be read say wrong."""
    with readable.tables.engine.parallel(Settings.read().cores):
        yield from keys.breaches(readable)
        yield from links.breaches(readable)
        yield from facts.breaches(readable)
        yield from ends.breaches(readable)
        yield from renewals.breaches(readable)
        yield from currencies.breaches(readable)
        yield from expressions.breaches(readable)


def require_sound(tables: Tables) -> Tables:
    """These tables, when nothing structural is wrong with them.

    Raises
    ------
    ContractBroken
        With every structural error.
    """
    if errors := [finding for finding in breaches(tables) if finding.state == "error"]:
        raise ContractBroken(errors)
    return tables


@contextmanager
def sound_tables(company: Company) -> Iterator[Tables]:
    """The company's tables, open and without structural errors; raises ContractBroken."""
    with sources.open_tables(company) as tables:
        yield require_sound(tables)
