"""`[sources.NAME]` of the declaration: where a table is, its key, its times and its amounts."""

import codecs
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from features.declaring.column import DeclaredColumn, Unit
from features.declaring.vocabulary import Days, Share, Text, TomlTable, not_empty, refuse


class AccountKey(TomlTable):
    """A source's account column, in the keys of `system` (of the crosswalk) or of a `link`."""

    column: Text
    system: str | None = None
    link: str | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.system is not None and self.link is not None:
            raise refuse("either a system or a link", "name the one whose keys the column has")
        return self


class TimeColumn(TomlTable):
    """A time column: the IANA zone of timestamps that carry none, or the unit of a count."""

    column: Text
    zone: str | None = None
    epoch: Unit | None = None


def as_column(text: Any) -> Any:
    """A column's name alone as the table that names it."""
    return {"column": text} if isinstance(text, str) else text


class KnownTime(TomlTable):
    """When a fact reached us: a column of its own, or the event time and a fixed delay."""

    column: str | None = None
    zone: str | None = None
    epoch: Unit | None = None
    delay: Days | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.column is None) == (self.delay is None):
            raise refuse(
                "needs either a column or a delay",
                '{ column = "ingested_at" } or { delay = "1d" }',
            )
        if self.delay is not None and (self.zone is not None or self.epoch is not None):
            raise refuse("a delay has no zone or epoch", "remove it, or name a column")
        return self


class Currency(TomlTable):
    """Amounts in several currencies: `column` names the currency of a row, `to` the one wanted.

    `rates` is a file with the columns date, currency and rate: how many of `to` one unit is worth.
    The last rate before the day of the event counts. `amounts` are the columns to convert.
    """

    column: Text
    to: Text
    rates: Text
    amounts: Annotated[tuple[Text, ...], Field(strict=False), AfterValidator(not_empty)]


def _codec(name: str) -> str:
    try:
        codecs.lookup(name)
    except LookupError:
        raise refuse("no such encoding", 'write "cp1252", "latin-1" or "utf-16"') from None
    return name


class CsvFormat(TomlTable):
    """How a text file is written, where its values do not tell."""

    separator: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    decimal: Literal[".", ","] | None = None
    encoding: Annotated[str, AfterValidator(_codec)] | None = None


class Source(TomlTable):
    """`[sources.NAME]`: one table of the company, with the columns of its key and its times.

    `absent` is what no row in a window means for count, sum and distinct: `"zero"` (nothing
    happened) or `"missing"` (we do not know). `tolerate` is the share of rows with a broken
    reference that may be left out with a warning. `date_order` and `csv` say of a text file what
    its values do not prove. `where` is which rows count at all, for whatever
    reads the source, and `columns` names and computes columns that its table has otherwise.
    """

    adopt: str | None = None
    path: str | None = None
    sql: str | None = None
    table: str | None = None
    account: Annotated[AccountKey, BeforeValidator(as_column)] | None = None
    event_time: Annotated[TimeColumn, BeforeValidator(as_column)] | None = None
    known_time: Annotated[KnownTime, BeforeValidator(as_column)] | None = None
    currency: Currency | None = None
    date_order: Literal["day first", "month first"] | None = None
    csv: CsvFormat = CsvFormat()
    absent: Literal["zero", "missing"] = "zero"
    tolerate: Share = 0.0
    where: str | None = None
    columns: dict[Text, DeclaredColumn] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.path is None) == (self.sql is None):
            raise refuse("needs either path or sql", 'path = "orders.parquet"')
        if (self.sql is None) != (self.table is None):
            raise refuse(
                "sql and table go together",
                'sql = "postgresql://…" (or "$NAME_OF_A_VARIABLE"), table = "orders"',
            )
        if self.currency is not None and self.event_time is None:
            raise refuse("currency needs the day of each fact", 'add event_time = "…"')
        return self
