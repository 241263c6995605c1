"""Recipes: what is known of the tables that a vendor's product exports, whoever the company is.

A recipe is a table of one of the files in `features/catalog/sources/`. What it says of a source
is adopted by `[sources.NAME] adopt = "vendor.table"`; the rest is for `churnlight init`, which
recognises the table by its columns.
"""

from collections.abc import Iterable
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from features import catalog
from features.declaring.column import DeclaredColumn, by_plain_name, found
from features.declaring.company import Attributes
from features.declaring.source import Source
from features.declaring.vocabulary import Days, Name, Text, TomlTable

Kind = Literal[
    "subscriptions",
    "invoices",
    "tickets",
    "ratings",
    "accounts",
    "usage",
    "deals",
    "contacts",
    "people",
]
# What a recipe says in the words of `[sources.NAME]`.
OF_A_SOURCE = ("account", "event_time", "known_time", "absent", "where", "columns")


class Ending(BaseModel):
    """How contracts end in a table: the keys of a target's event, and which column is notice."""

    model_config = TomlTable.model_config

    ended: Text
    notice: Text | None = None
    ended_known: Any = None
    paused: Any = None
    grace: Days = 0
    where: str | None = None


class Recipe(BaseModel):
    """One table as a vendor's product exports it, or as a warehouse holds it.

    `columns` has the names in all its forms; by those that are not optional it is recognised. A
    recipe that is `of` another reads the same table a second time, such as tickets on the day on
    which they were solved. `key` and `attributes` are for a table of accounts, `event` for one of
    contracts, `indicators` are adopted entries of the catalogue with the keys that differ. Where
    its files have `local_times`, timestamps without a zone may be of another zone than declared.
    Of `people` who belong to accounts, `person` is the key by which the vendor's other tables name
    them. Where a recipe `needs_link`, its `account` is the key of a row, which leads to an account
    over another table only.
    """

    model_config = TomlTable.model_config

    title: Text
    kind: Kind
    documentation: Annotated[tuple[Text, ...], Field(strict=False, min_length=1)]
    of: str | None = None
    local_times: bool = False
    needs_link: bool = False
    columns: dict[Text, DeclaredColumn]
    account: Text | None = None
    event_time: Any = None
    known_time: Any = None
    absent: Any = None
    where: str | None = None
    key: Text | None = None
    person: Text | None = None
    attributes: Attributes = Attributes()
    event: Ending | None = None
    indicators: dict[Name, dict[str, Any]] = Field(default_factory=dict)

    @property
    def event_column(self) -> str | None:
        """The column of the event time; of accounts, that of their first day."""
        return self.attributes.since if self.key is not None else _column_of(self.event_time)

    @property
    def known_column(self) -> str | None:
        """The column of the known time, where there is one."""
        return _column_of(self.known_time)

    @property
    def required(self) -> list[str]:
        """The columns without which a table is not this one."""
        return [
            name
            for name, column in self.columns.items()
            if column.value is None and not column.optional
        ]

    def is_of(self, columns: Iterable[str]) -> bool:
        """Whether a table with these columns has all that are required, by any of their names."""
        present = by_plain_name(columns)
        return all(found(name, self.columns[name], present) is not None for name in self.required)


def _column_of(declared: Any) -> str | None:
    return declared.get("column") if isinstance(declared, dict) else declared


@cache
def recipes() -> dict[str, Recipe]:
    """All recipes by `vendor.table`, one that is `of` another with its columns."""
    offered = catalog.recipes()
    return {name: Recipe.model_validate(_whole(table)) for name, table in offered.items()}


def keys_of_source(name: str) -> dict[str, Any]:
    """What the recipe says of its source, as `[sources.NAME]` would write it."""
    whole = _whole(catalog.recipes()[name])
    return {key: whole[key] for key in OF_A_SOURCE if key in whole}


def source_of(name: str) -> Source:
    """A source that adopts the recipe, wherever its table is."""
    return Source.model_validate({**keys_of_source(name), "path": "-"})


def _whole(table: dict[str, Any]) -> dict[str, Any]:
    """The recipe with the columns of the one that it is `of`; its own stand before them."""
    base = catalog.recipes().get(str(table.get("of")))
    if base is None:
        return table
    return {**table, "columns": {**base["columns"], **table.get("columns", {})}}
