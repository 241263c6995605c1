"""A source's table in the shape that its declaration gives it.

Columns get the names by which the declaration knows them, are read as what they hold or computed
from their row, and only the rows that count are there. Everything else reads the table in this
shape, so that nobody has to remember.
"""

from collections.abc import Iterator, Mapping

from features.declaring.column import Column, by_plain_name, found
from features.declaring.source import Source
from features.declaring.spelling import did_you_mean
from features.engines.on_duckdb import Engine, EngineError
from features.engines.sql_text import quote
from features.engines.sql_types import is_number
from features.errors import ContractBroken, Finding
from features.reading.epochs import PER_UNIT

SQL_TYPES = {
    "text": "VARCHAR",
    "number": "DOUBLE",
    "flag": "BOOLEAN",
    "time": "TIMESTAMP WITH TIME ZONE",
    "salesforce id": "VARCHAR",
}
# The letters of the three characters by which 18-character ids differ from those of 15: each says
# which of five characters are capitals.
CHECK_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def shape(engine: Engine, name: str, source: Source, types: Mapping[str, str]) -> dict[str, str]:
    """Gives the table that is open as `name` its declared shape, and returns its columns.

    Parameters
    ----------
    types : Mapping of str to str
        The SQL types of the table's columns, as it lies.

    Raises
    ------
    ContractBroken
        A column is not there, or an expression cannot be computed.
    """
    if not has_shape(source):
        return dict(types)
    if missing := list(_missing(name, source, types)):
        raise ContractBroken(missing)
    engine.rename(name, as_it_lies(name))
    named = _in_names(source, types, quote(as_it_lies(name)))
    computed = f"SELECT {', '.join(_computed(engine, source, named))} FROM ({named})"
    try:
        engine.show_as(name, f"SELECT * FROM ({computed}){_counting(source)}")
    except EngineError:
        raise ContractBroken(list(_refused(engine, name, source, named, computed))) from None
    return engine.types(f"SELECT * FROM {quote(name)}")


def has_shape(source: Source) -> bool:
    """Whether a source declares columns or which rows count."""
    return bool(source.columns) or source.where is not None


def shaped(engine: Engine, source: Source, rows: str) -> str:
    """SELECT of `rows`, a SELECT from the table as it lies, in the declared shape.

    Columns that the table does not have pass through.
    """
    named = _in_names(source, engine.types(rows), f"({rows})")
    computed = f"SELECT {', '.join(_computed(engine, source, named))} FROM ({named})"
    return f"SELECT * FROM ({computed}){_counting(source)}"


def _in_names(source: Source, types: Mapping[str, str], rows: str) -> str:
    return f"SELECT {', '.join(_named(source, types))} FROM {rows}"


def _counting(source: Source) -> str:
    """The rows that count."""
    return f" WHERE coalesce(({source.where}), FALSE)" if source.where else ""


def as_it_lies(name: str) -> str:
    """What a table of a declared shape is called as it was before, with all its rows."""
    return f"{name} as it lies"


def _missing(name: str, source: Source, types: Mapping[str, str]) -> Iterator[Finding]:
    present = by_plain_name(types)
    for column, declared in source.columns.items():
        if declared.value is None and not declared.optional:
            if found(column, declared, present) is not None:
                continue
            spellings = ", ".join(map(repr, (column, *declared.names)))
            detail = f"none of the columns {spellings}, which sources.{name}.columns names"
            fix = f'{did_you_mean(column, types)}: columns.{column} = ["its name in the table"]'
            yield Finding("missing_column", "sources", "error", name, column, None, detail, fix)


def _named(source: Source, types: Mapping[str, str]) -> Iterator[str]:
    """The table's own columns, those that are declared under their declared names."""
    present = by_plain_name(types)
    named = {name: declared for name, declared in source.columns.items() if declared.value is None}
    lies_as = {name: found(name, declared, present) for name, declared in named.items()}
    yield from (quote(column) for column in types if column not in lies_as.values())
    for name, declared in named.items():
        column = lies_as[name]
        sql = "NULL" if column is None else held(quote(column), types[column], declared)
        if column is None and declared.holds is not None:
            sql = f"CAST(NULL AS {SQL_TYPES[declared.holds]})"
        yield f"{sql} AS {quote(name)}"


def _computed(engine: Engine, source: Source, named: str) -> Iterator[str]:
    """All columns, the computed ones last: each may use those before, and replaces its name's."""
    values = {name: declared.value for name, declared in source.columns.items() if declared.value}
    lower = {name.lower() for name in values}
    yield from (quote(column) for column in engine.types(named) if column.lower() not in lower)
    yield from (f"({value}) AS {quote(name)}" for name, value in values.items())


def held(expression: str, type_: str, declared: Column) -> str:
    """A cell as what its column holds; empty text is missing."""
    if declared.unit == "cents":
        whole = held(expression, type_, Column(holds="number"))
        return f"CAST({whole} AS DOUBLE) / 100"
    if declared.holds is None:
        return expression
    text = f"nullif(trim({_written(expression, type_)}), '')"
    if declared.holds == "time":
        return _time(expression, text, type_, declared)
    if declared.holds == "salesforce id":
        return _of_eighteen_characters(text)
    if declared.holds == "number" and is_number(type_):
        return expression
    return f"CAST({text} AS {SQL_TYPES[declared.holds]})"


def _written(expression: str, type_: str) -> str:
    """A cell as text; of whole numbers that were made fractions, as gaps do to ids, without .0."""
    text = f"CAST({expression} AS VARCHAR)"
    return f"regexp_replace({text}, '[.]0$', '')" if type_ in ("DOUBLE", "FLOAT") else text


def _time(expression: str, text: str, type_: str, declared: Column) -> str:
    """Dates and timestamps as they are; numbers by their unit, text as ISO 8601, by default UTC."""
    if type_ == "DATE" or type_.startswith("TIMESTAMP"):
        return expression
    if is_number(type_):
        return _since_1970(expression, declared) if declared.epoch else expression
    written = f"CAST({text} AS TIMESTAMP WITH TIME ZONE)"
    if declared.epoch is None:
        return written
    counted = _since_1970(f"CAST({text} AS BIGINT)", declared)
    return f"CASE WHEN regexp_full_match({text}, '[0-9]+') THEN {counted} ELSE {written} END"


def _since_1970(number: str, declared: Column) -> str:
    assert declared.epoch is not None
    factor = PER_UNIT[declared.epoch]
    return f"timezone('UTC', make_timestamp(CAST({number} * {factor} AS BIGINT)))"


def _of_eighteen_characters(text: str) -> str:
    """A Salesforce id in its long form, which says by three letters which others are capitals."""
    is_capital = f"ascii(substr({text}, 5 * part + place + 1, 1)) BETWEEN 65 AND 90"
    bits = f"list_transform([0, 1, 2, 3, 4], lambda place: CASE WHEN {is_capital} "
    bits += "THEN 1 << place ELSE 0 END)"
    letter = f"substr('{CHECK_LETTERS}', 1 + CAST(list_sum({bits}) AS INTEGER), 1)"
    check = f"array_to_string(list_transform([0, 1, 2], lambda part: {letter}), '')"
    return f"CASE WHEN length({text}) = 15 THEN {text} || {check} ELSE {text} END"


def _refused(
    engine: Engine, name: str, source: Source, named: str, computed: str
) -> Iterator[Finding]:
    """The first expression that the engine refuses, and why."""
    before = ""
    for key, column in source.columns.items():
        if column.value is None:
            continue
        before += f", ({column.value}) AS {quote(key)}"
        if refusal := _refusal(engine, f"SELECT *{before} FROM ({named})"):
            yield _not_sql(name, f"columns.{key}", column.value, refusal)
            return
    condition = f"CASE WHEN ({source.where}) THEN 1 END"
    if refusal := _refusal(engine, f"SELECT {condition} FROM ({computed})"):
        yield _not_sql(name, "where", str(source.where), refusal)
    else:
        yield _not_sql(name, "where", str(source.where), "it gives no true or false")


def _refusal(engine: Engine, query: str) -> str | None:
    try:
        engine.types(query)
    except EngineError as error:
        return str(error).splitlines()[0]
    return None


def _not_sql(name: str, key: str, text: str, refusal: str) -> Finding:
    detail = f"sources.{name}.{key} is refused: {refusal}: {text}"
    fix = "write one expression over the columns of a row"
    return Finding("not_sql", "sources", "error", name, None, None, detail, fix)
