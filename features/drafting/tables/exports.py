"""The exports of widespread products, recognised by their columns and read by their recipes.

A recognised table is given the shape of its recipe, so that whatever looks at it sees the columns
and rows that the recipe declares.
"""

from collections.abc import Iterable

from features.declaring.column import Column as DeclaredColumn
from features.declaring.recipe import recipes, source_of
from features.engines.on_duckdb import Engine
from features.engines.sql_text import quote
from features.errors import ContractBroken
from features.shaping import declared_shape

SALESFORCE_ID = "[A-Za-z0-9]{15}([A-Z0-5]{3})?"


def recognised(columns: Iterable[str]) -> str | None:
    """The recipe of a table with these columns: of those that fit, the one that asks for most.

    Two that ask for equally many are no recognition.
    """
    names = list(columns)
    fitting = {
        name: len(recipe.required)
        for name, recipe in recipes().items()
        if recipe.of is None and recipe.is_of(names)
    }
    most = max(fitting.values(), default=0)
    best = [name for name, count in fitting.items() if count == most]
    return best[0] if len(best) == 1 else None


def shape(engine: Engine, name: str) -> dict[str, str | None]:
    """Gives the table that is open as `name` its recipe's shape, if it is an export.

    Returns the recipe of each table that it is read as, by name: one that is read a second time is
    open under a second name.
    """
    types = engine.types(f"SELECT * FROM {quote(name)}")
    recipe = recognised(types)
    if recipe is None:
        return {name: None}
    try:
        declared_shape.shape(engine, name, source_of(recipe), types)
    except ContractBroken:
        take_back(engine, name)
        return {name: None}
    readings: dict[str, str | None] = {name: recipe}
    for other, each in recipes().items():
        if each.of == recipe:
            view = f"{name}_{other.partition('.')[2]}"
            engine.show_as(view, f"SELECT * FROM {quote(declared_shape.as_it_lies(name))}")
            declared_shape.shape(engine, view, source_of(other), types)
            readings[view] = other
    return readings


def take_back(engine: Engine, name: str) -> None:
    """Opens a table as it lies again, whose columns are called like an export's and hold others.

    Raises
    ------
    EngineError
        The table was no export.
    """
    engine.show_as(name, f"SELECT * FROM {quote(declared_shape.as_it_lies(name))}")


def of_short_ids(engine: Engine, name: str, columns: Iterable[str]) -> tuple[str, ...]:
    """Those of the columns that hold nothing but Salesforce ids, some of them in the short form."""
    texts = engine.types(f"SELECT * FROM {quote(name)}")
    asked = [column for column in columns if texts[column] == "VARCHAR"]
    if not asked:
        return ()
    counts = ", ".join(map(_are_short_ids, asked))
    held = engine.row(f"SELECT {counts} FROM {quote(name)}")
    return tuple(column for column, is_held in zip(asked, held, strict=True) if is_held)


def _are_short_ids(column: str) -> str:
    is_id = f"regexp_full_match({quote(column)}, '{SALESFORCE_ID}')"
    some = f"count_if(length({quote(column)}) = 15 AND {is_id}) > 0"
    return f"{some} AND count_if(NOT {is_id}) = 0"


def lengthen(engine: Engine, name: str, columns: Iterable[str]) -> None:
    """Gives the Salesforce ids in these columns of a table the long form that recipes have."""
    long = DeclaredColumn(holds="salesforce id")
    made = ", ".join(
        f"{declared_shape.held(quote(column), 'VARCHAR', long)} AS {quote(column)}"
        for column in columns
    )
    before = f"{name} in short ids"
    engine.rename(name, before)
    engine.show_as(name, f"SELECT * REPLACE ({made}) FROM {quote(before)}")
