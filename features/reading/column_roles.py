"""What the declaration says of a table's columns, as far as it decides how they are read."""

from dataclasses import dataclass
from typing import Self

from features.declaring.company import Company


@dataclass(frozen=True)
class ColumnRoles:
    """The columns of one table that hold keys, times or amounts.

    `dated` are the times without which a row is no fact, `ends` those of them that end a
    contract; `days` and `amounts` are the account table's own.
    """

    keys: frozenset[str]
    dated: frozenset[str]
    ends: frozenset[str]
    days: frozenset[str]
    amounts: frozenset[str]

    @property
    def times(self) -> frozenset[str]:
        """All columns that must hold times."""
        return self.dated | self.days

    @property
    def all(self) -> frozenset[str]:
        """Every column that the declaration names by one of its keys."""
        return self.keys | self.times | self.amounts

    @classmethod
    def of(cls, company: Company, name: str) -> Self:
        """The roles of the columns of the source `name`."""
        source, accounts = company.sources[name], company.accounts
        is_account_table, attributes = name == accounts.source, accounts.attributes
        own = [accounts.key, *accounts.crosswalk.values()]
        events = [
            target.event
            for target in company.targets.values()
            if target.event and target.event.source == name
        ]
        ends = [event.ended for event in events]
        parts = (source.event_time, source.known_time, *(event.ended_known for event in events))
        return cls(
            keys=_named(source.account.column if source.account else None, *own * is_account_table),
            dated=_named(*(part.column for part in parts if part), *ends),
            ends=_named(*ends),
            days=_named(*[attributes.since, attributes.renewal] * is_account_table),
            amounts=_named(*[attributes.mrr] * is_account_table),
        )


def _named(*columns: str | None) -> frozenset[str]:
    return frozenset(column for column in columns if column is not None)
