"""A column of a source that is called, written or computed differently in its table."""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from features.declaring.vocabulary import Text, TomlTable, refuse

Content = Literal["text", "number", "flag", "time", "salesforce id"]
Unit = Literal["seconds", "milliseconds", "microseconds"]
Minor = Literal["cents"]


class Column(TomlTable):
    """`[sources.NAME.columns]`: a column by the names that tables give it, or computed.

    The first of its own name and `names` that the table has becomes the column; case, spaces and
    punctuation do not matter. `value` is an SQL expression over the row instead. `holds` is what
    its cells are read as, `epoch` the unit of times that are numbers, `unit` that of amounts in
    hundredths, which are divided by 100. An `optional` column that
    the table lacks is empty.
    """

    names: Annotated[tuple[Text, ...], Field(strict=False)] = ()
    value: str | None = None
    holds: Content | None = None
    epoch: Unit | None = None
    unit: Minor | None = None
    optional: bool = False

    @model_validator(mode="after")
    def _named_or_computed(self) -> Self:
        others = (self.names, self.holds, self.epoch, self.unit, self.optional)
        if self.value is not None and any(others):
            raise refuse(
                "a computed column has no other keys",
                'write its expression alone, such as columns.share = "used / nullif(seats, 0)"',
            )
        if self.epoch is not None and self.holds != "time":
            raise refuse("epoch is for times", 'add holds = "time", or remove epoch')
        if self.unit is not None and self.holds not in (None, "number"):
            raise refuse("unit is for numbers", 'holds = "number", or remove unit')
        return self


def _short_form(written: Any) -> Any:
    """Text is an expression, an array is names."""
    if isinstance(written, str):
        return {"value": written}
    return {"names": written} if isinstance(written, list) else written


DeclaredColumn = Annotated[Column, BeforeValidator(_short_form)]


def plain(name: str) -> str:
    """What stays of a column's name when case, spaces and punctuation do not matter.

    Examples
    --------
    >>> plain("CreatedDate") == plain("created_date")
    True
    """
    return re.sub(r"[\W_]", "", name.casefold())


def found(column: str, declared: Column, present: dict[str, str]) -> str | None:
    """The table's name of a column; `present` has the table's names by their `plain` ones."""
    spellings = (column, *declared.names)
    return next((present[plain(name)] for name in spellings if plain(name) in present), None)


def by_plain_name(names: Any) -> dict[str, str]:
    """The table's names by what stays of them; of names that are alike the first."""
    present: dict[str, str] = {}
    for name in names:
        present.setdefault(plain(name), name)
    return present
