"""The rows of a table with their numbers, as an editor or a spreadsheet shows them.

Rows that do not count are numbered, too, so that a number leads to its row in the file.
"""

from features.declaring.source import Source
from features.engines.on_duckdb import Engine
from features.engines.sql_text import quote
from features.shaping import declared_shape, exchange

ROW = "row in the file"


def numbered(engine: Engine, name: str, source: Source, first: int) -> str:
    """SELECT of the table that is open as `name`, in its shape, each row with its number `ROW`.

    `first` is the number of the first row: 2 where row 1 has the names of the columns. Ask for it
    with `engine.in_order()`.
    """
    rows = f"SELECT *, row_number() OVER () + {first - 1} AS {quote(ROW)} FROM "
    if declared_shape.has_shape(source):
        lying = rows + quote(declared_shape.as_it_lies(name))
        rows = declared_shape.shaped(engine, source, lying)
    else:
        rows += quote(exchange.as_paid(name) if source.currency is not None else name)
    if source.currency is None:
        return rows
    return exchange.converted(name, source, engine.types(rows), f"({rows})")
