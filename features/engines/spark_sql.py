"""DuckDB's SQL, in which declarations and row work are written, as Spark's.

There is one text of each query. What the two engines spell differently is respelt here, by its
syntax tree (sqlglot); what they would compute differently is either replaced by what means the
same, or refused: only functions for which a test shows equal results get through.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from sqlglot import exp, parse_one
from sqlglot.errors import ParseError, TokenError

from features.engines.on_duckdb import EngineError

SAME_ON_BOTH: tuple[type[exp.Expr], ...] = (
    # Logic and choice.
    *(exp.And, exp.Or, exp.Not, exp.Case, exp.If, exp.Coalesce, exp.Nullif, exp.Exists),
    *(exp.Greatest, exp.Least),
    # Numbers.
    *(exp.Abs, exp.Round, exp.Sqrt, exp.Exp, exp.Ln, exp.Pow),
    # Texts.
    *(exp.Lower, exp.Upper, exp.Length, exp.Left, exp.Right, exp.Substring, exp.Trim, exp.Replace),
    *(exp.StartsWith, exp.EndsWith, exp.Contains, exp.StrPosition, exp.Concat, exp.RegexpLike),
    # Days.
    *(exp.Year, exp.Quarter, exp.Month, exp.Day, exp.Hour, exp.Minute),
    # The first of several mergers.
    exp.Min,
)
DATE_PARTS = ("YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "HOUR", "MINUTE")
LARGE = 1 << 53
WHOLE = (*exp.DataType.SIGNED_INTEGER_TYPES, *exp.DataType.UNSIGNED_INTEGER_TYPES)

# Functions of a session, by their signatures.
FUNCTIONS = {
    # A number that is divided by 0 is infinite or no number, as IEEE 754 has it; Spark refuses.
    "churnlight_ratio(a DOUBLE, b DOUBLE) RETURNS DOUBLE": """
        CASE WHEN b <> 0 OR isnan(b) THEN a / b
             ELSE CAST('Infinity' AS DOUBLE)
                  * CASE WHEN startswith(CAST(b AS STRING), '-') THEN -a ELSE a END END""",
    # Where clocks show a time twice, Spark takes the first and Churnlight the second: a day later
    # the new offset holds, and it is a reading if the clocks then show that very time.
    "churnlight_utc(zone STRING, shown TIMESTAMP_NTZ) RETURNS TIMESTAMP_NTZ": """
        (SELECT CASE WHEN convert_timezone('UTC', zone, second) = shown THEN second ELSE first END
         FROM (SELECT first, shown - (convert_timezone('UTC', zone, first + INTERVAL 1 DAY)
                                      - (first + INTERVAL 1 DAY)) AS second
               FROM (SELECT convert_timezone(zone, 'UTC', shown) AS first)))""",
}


def functions() -> list[str]:
    """The statements that make a session know what translated queries call."""
    return [
        f"CREATE OR REPLACE TEMPORARY FUNCTION {signature} RETURN {body}"
        for signature, body in FUNCTIONS.items()
    ]


@lru_cache(maxsize=4096)
def translated(query: str) -> str:
    """A query or an expression of DuckDB as one of Spark with the same result.

    Raises
    ------
    EngineError
        It calls a function that may mean something else on Spark.
    """
    try:
        tree = parse_one(query, read="duckdb")
    except (ParseError, TokenError) as error:
        raise EngineError(f"cannot be read as SQL: {str(error).splitlines()[0]}") from error
    return _anew(tree).sql(dialect="spark")


def _anew(node: exp.Expr) -> exp.Expr:
    """The tree with everything below `node`, and then itself, spelt for Spark."""
    for part in list(node.iter_expressions()):
        part.replace(_anew(part))
    return _alike(node)


def _alike(node: exp.Expr) -> exp.Expr:
    if isinstance(node, exp.Div):
        return exp.func("churnlight_ratio", node.this, node.expression)
    if isinstance(node, exp.Anonymous):
        return _called(node)
    if not isinstance(node, exp.Func) or isinstance(node, SAME_ON_BOTH):
        return node
    return _known(node)


def _known(node: exp.Func) -> exp.Expr:
    """The Spark expression of a function that sqlglot knows by name."""
    if isinstance(node, exp.Cast):
        return _cast(node)
    if type(node) in IN_OTHER_WORDS:
        return IN_OTHER_WORDS[type(node)](node)
    if isinstance(node, exp.Extract) and node.name.upper() in DATE_PARTS:
        return node
    if isinstance(node, exp.DateDiff) and node.text("unit").upper() == "DAY":
        ends = (exp.cast(end, "DATE") for end in (node.this, node.expression))
        return exp.func("datediff", *ends)
    raise _refused(node.sql_name().lower())


def _iso_weekday(node: exp.Func) -> exp.Expr:
    return exp.paren(exp.func("weekday", node.this) + 1)


def _weekday(node: exp.Func) -> exp.Expr:
    """Sunday is 0."""
    return exp.paren(_iso_weekday(node) % 7)


def _start(node: exp.Func) -> exp.Expr:
    return exp.cast(node, "TIMESTAMPNTZ")


def _is_nan(node: exp.Func) -> exp.Expr:
    """Null of null."""
    return exp.case().when(node.this.copy().is_(exp.null()).not_(), node)


def _whole(node: exp.Func) -> exp.Expr:
    """Spark returns integers, which cannot hold every number; large ones are whole already."""
    number = exp.cast(node.this.copy(), "DOUBLE")
    is_small = exp.func("abs", number) < LARGE
    return exp.case().when(is_small, exp.cast(node, "DOUBLE")).else_(number.copy())


IN_OTHER_WORDS: dict[type[exp.Expr], Callable[[Any], exp.Expr]] = {
    exp.DayOfWeekIso: _iso_weekday,
    exp.DayOfWeek: _weekday,
    exp.TimestampTrunc: _start,
    exp.IsNan: _is_nan,
    exp.Ceil: _whole,
    exp.Floor: _whole,
}


def _called(node: exp.Anonymous) -> exp.Expr:
    """The Spark expression of a function that only DuckDB has."""
    name, arguments = node.name.lower(), node.expressions
    if name == "epoch_us":
        return exp.func("unix_micros", exp.cast(arguments[0], "TIMESTAMPLTZ"))
    if name == "hash":
        return exp.func("xxhash64", *arguments)
    if name == "isfinite":
        infinity = exp.cast(exp.Literal.string("Infinity"), "DOUBLE")
        return exp.paren(exp.func("abs", arguments[0]) < infinity)
    if name == "timezone" and arguments[0].name == "UTC":
        local = arguments[1]
        if isinstance(local, exp.Anonymous) and local.name.lower() == "churnlight_utc":
            return local
        return exp.cast(local, "TIMESTAMPNTZ")
    if name == "timezone":  # what the zone's clocks show, which the outer call asks in UTC
        return exp.func("churnlight_utc", *arguments)
    raise _refused(name)


def _cast(node: exp.Cast) -> exp.Expr:
    """DuckDB rounds numbers to whole ones where Spark cuts them off."""
    if node.to.this not in WHOLE:
        return node
    plain = node.copy()
    rounded = node.copy()
    rounded.set("this", exp.func("rint", exp.cast(node.this.copy(), "DOUBLE")))
    is_broken = exp.func("typeof", node.this.copy()).isin("double", "float")
    return exp.case().when(is_broken, rounded).else_(plain)


def _refused(name: str) -> EngineError:
    return EngineError(
        f"{name}() may mean something else on Spark than on DuckDB; "
        "say it in other words, compute it before, or let DuckDB read the tables "
        '(engine = "duckdb")'
    )
