"""The engine's SQL types, as far as the declaration cares what a column holds."""

import re

NUMBER = re.compile(r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|FLOAT|DOUBLE|REAL|DECIMAL.*|BIGNUM")
FLAG = "BOOLEAN"
# Times of nanoseconds, without zone and with.
NANOSECONDS = ("TIMESTAMP_NS", "TIMESTAMPTZ_NS")
# The type of a column that holds nothing.
NULL = '"NULL"'


def is_number(type_: str) -> bool:
    """Whether values of this SQL type can be added up; an untyped column of nulls can."""
    return type_ == NULL or NUMBER.fullmatch(type_) is not None


def as_read(expression: str, type_: str) -> str:
    """A stored column as every query sees it: times in microseconds, UUIDs as text."""
    if type_ == "UUID":
        return f"CAST({expression} AS VARCHAR)"
    return in_microseconds(expression, type_)


def in_microseconds(expression: str, type_: str) -> str:
    """`expression` of SQL type `type_`; a time of nanoseconds cut, never rounded, to microseconds.

    A cast would round, so that the last nanosecond of a day fell on the next one; and DuckDB's own
    whole-number division cuts towards 1970, which before it would round up.
    """
    if type_ not in NANOSECONDS:
        return expression
    count = f"epoch_ns({expression})"
    moment = f"make_timestamp({count} // 1000 - CAST({count} % 1000 < 0 AS BIGINT))"
    return f"timezone('UTC', {moment})" if type_ == "TIMESTAMPTZ_NS" else moment


def type_in_words(type_: str) -> str:
    """An SQL type in plain words."""
    words = {"VARCHAR": "text", FLAG: "true/false", NULL: "nothing", "BLOB": "bytes"}
    if is_number(type_) and type_ != NULL:
        return "numbers"
    return words.get(type_, f"values of type {type_}")
