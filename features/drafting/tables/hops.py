"""Keys over two tables: a login names its user, and the user's row names the account."""

from collections.abc import Mapping
from dataclasses import dataclass

from features.drafting.tables.links import Link


@dataclass(frozen=True)
class Hop:
    """Column `column` names rows of the table `source` by `key`; `account` there names accounts.

    The declaration calls it `[links.SOURCE]`.
    """

    column: str
    source: str
    key: str
    account: str


def find(linked: list[Link], table: str, named: Mapping[str, str]) -> Hop | None:
    """How `table` leads to accounts by way of one of the tables that name them.

    `named` gives, by table, the column with the account's own key.
    """
    return next(
        (
            Hop(link.column, link.to_table, link.to_column, named[link.to_table])
            for link in linked
            if link.table == table and named.get(link.to_table, link.to_column) != link.to_column
        ),
        None,
    )
