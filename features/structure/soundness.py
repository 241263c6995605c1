"""Whether the tables can be read as declared: what must hold before anything is computed."""

from collections.abc import Iterator
from contextlib import contextmanager

from features import sources
from features.declaring.company import Company
from features.errors import ContractBroken, Finding
from features.settings import Settings
from features.sources import Tables
from features.structure import columns, expressions, facts, keys
from features.structure.readable import ReadableTables


def breaches(tables: Tables) -> list[Finding]:
    """Every structural breach at once; one at a column hides none at another."""
    first = unreadable_tables(tables)
    return [*first, *inconsistencies(readable_tables(tables, first))]


def unreadable_tables(tables: Tables) -> list[Finding]:
    """First round: tables and columns that are not there or hold something else."""
    return [*tables.unreadable, *columns.breaches(ReadableTables(tables, frozenset()))]


def readable_tables(tables: Tables, first: list[Finding]) -> ReadableTables:
    """What can still be asked after the first round."""
    errors = (item for item in first if item.state == "error")
    return ReadableTables(tables, frozenset((item.table, item.column) for item in errors))


def inconsistencies(ground: ReadableTables) -> Iterator[Finding]:
    """Second round: what the tables that can be read say wrong."""
    with ground.tables.engine.parallel(Settings.read().cores):
        yield from keys.breaches(ground)
        yield from facts.breaches(ground)
        yield from facts.subscription_ends(ground)
        yield from expressions.breaches(ground)


def require_sound(tables: Tables) -> Tables:
    """These tables, when nothing structural is wrong with them.

    Raises
    ------
    ContractBroken
        With every structural error.
    """
    if errors := [item for item in breaches(tables) if item.state == "error"]:
        raise ContractBroken(errors)
    return tables


@contextmanager
def sound_tables(company: Company) -> Iterator[Tables]:
    """The company's tables, open and without structural errors; raises ContractBroken."""
    with sources.open_tables(company) as tables:
        yield require_sound(tables)
