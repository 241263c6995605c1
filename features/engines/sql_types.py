"""The engine's SQL types, as far as the declaration cares what a column holds."""

import re

NUMBER = re.compile(r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|FLOAT|DOUBLE|REAL|DECIMAL.*|BIGNUM")
FLAG = "BOOLEAN"
# The type of a column that holds nothing.
NULL = '"NULL"'


def is_number(type_: str) -> bool:
    """Whether values of this SQL type can be added up; an untyped column of nulls can."""
    return type_ == NULL or NUMBER.fullmatch(type_) is not None


def type_in_words(type_: str) -> str:
    """An SQL type in plain words."""
    words = {"VARCHAR": "text", FLAG: "true/false", NULL: "nothing", "BLOB": "bytes"}
    if is_number(type_) and type_ != NULL:
        return "numbers"
    return words.get(type_, f"values of type {type_}")
