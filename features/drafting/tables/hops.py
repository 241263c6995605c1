"""Keys over other tables: a login names its user, and the user's row names the account.

There may be several such tables on the way: an event names its session, the session its user.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from features import clock
from features.drafting.tables.links import Link
from features.drafting.tables.profiles import TableProfile
from features.drafting.tables.validity import Validity
from features.engines.sql_text import quote


@dataclass(frozen=True)
class Way:
    """`column` of a table names accounts, or the rows of another table by `hop`.

    Accounts are named by their own key, or by `system_key`, which is the account table's column
    of another system's keys.
    """

    column: str
    hop: "Hop | None" = None
    system_key: str | None = None


@dataclass(frozen=True)
class Hop:
    """Rows of the table `source` are named by its column `key`, and lead to accounts by `way`.

    The declaration calls it `[links.SOURCE]`; `holds` are the columns that say when a row does.
    """

    source: str
    key: str
    way: Way
    holds: Validity | None = None

    @property
    def account_column(self) -> str | None:
        """The account table's column that the last table on the way names; None for its key."""
        return self.way.hop.account_column if self.way.hop is not None else self.way.system_key

    @property
    def along(self) -> "tuple[Hop, ...]":
        """The hop and those after it."""
        return (self, *(self.way.hop.along if self.way.hop is not None else ()))

    def joined(self, facts: str, event: str) -> tuple[str, str]:
        """SQL of the joins from the column `facts` to the account's key, and that key.

        `event` is the moment, in UTC, at which the tables on the way must hold.
        """
        name = quote(f"by way of {self.source}")
        key = f"{name}.{quote(self.way.column)}"
        on = f"CAST({facts} AS VARCHAR) = CAST({name}.{quote(self.key)} AS VARCHAR)"
        if self.holds is not None:
            begins, ends = (
                clock.in_utc(f"{name}.{quote(column.name)}", column.type, "UTC")
                for column in (self.holds.begins, self.holds.ends)
            )
            on += f" AND ({begins} IS NULL OR {event} >= {begins})"
            on += f" AND ({ends} IS NULL OR {event} < {ends})"
        join = f" LEFT JOIN {quote(self.source)} AS {name} ON {on}"
        if self.way.hop is None:
            return join, key
        further, account = self.way.hop.joined(key, event)
        return join + further, account


def ways(
    linked: list[Link], named: Mapping[str, Way], tables: Iterable[TableProfile]
) -> dict[str, Way]:
    """By table how its rows lead to accounts over other tables, over as few as possible.

    `named` gives those that name accounts themselves. The column that an export's recipe names
    comes first, and is the only one that leads to people: a rating has the key of an agent, too.
    """
    exports = {table.name: table.export for table in tables if table.export is not None}
    own = {name: export.account for name, export in exports.items()}
    people = {name for name, export in exports.items() if export.person is not None}
    usable = sorted(
        (
            link
            for link in linked
            if own.get(link.table) in (None, link.column) or link.to_table not in people
        ),
        key=lambda link: (own.get(link.table) != link.column, not link.is_plain),
    )
    found = dict(named)
    while True:
        further: dict[str, Way] = {}
        for link in usable:
            on = found.get(link.to_table)
            if on is not None and link.table not in found and link.to_column != on.column:
                hop = Hop(link.to_table, link.to_column, on, link.holds)
                further.setdefault(link.table, Way(link.column, hop))
        if not further:
            return {table: way for table, way in found.items() if table not in named}
        found |= further


def in_system(hop: Hop, system: str) -> Hop:
    """The hop, with the name that the declaration gives to the keys at its end."""
    if hop.way.hop is None:
        return replace(hop, way=replace(hop.way, system_key=system))
    return replace(hop, way=replace(hop.way, hop=in_system(hop.way.hop, system)))
