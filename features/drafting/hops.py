"""Keys over two tables: a login names its user, and the user's row names the account."""

from dataclasses import dataclass

from features.drafting.links import Link


@dataclass(frozen=True)
class Hop:
    """Column `column` names rows of `source` by `key`; their column `account` names accounts."""

    column: str
    source: str
    key: str
    account: str


def find(linked: list[Link], table: str, accounts: str) -> Hop | None:
    """How `table` names rows of `accounts` by way of one other table, if it does."""
    for first in linked:
        if first.table != table or first.to_table == accounts:
            continue
        for second in linked:
            if (second.table, second.to_table) == (first.to_table, accounts):
                return Hop(first.column, first.to_table, first.to_column, second.column)
    return None
