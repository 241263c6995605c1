"""Pydantic's refusals of a declaration in plain words: the rule, the value and the fix.

`PLAIN_WORDS` has one line per kind of refusal; a kind that it lacks keeps pydantic's words.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from features.declaring.company import Company
from features.declaring.spelling import did_you_mean
from features.declaring.toml_lines import KeyPath, Lines
from features.errors import Mistake

DECLARATION_FILE = "churnlight.toml"
NOT_IN_THE_FILE = frozenset({"folder", "declaration_hash"})
LONGEST_GOT = 60

# kind of refusal: (what is wrong, how to fix it), filled in with pydantic's context
PLAIN_WORDS: dict[str, tuple[str, str]] = {
    "string_type": ("not text", 'write it in quotes: "…"'),
    "string_too_short": ("empty", "write something, or leave the key out"),
    "bool_type": ("neither true nor false", "write true or false, without quotes"),
    "float_type": ("not a number", "write it without quotes, such as 0.1"),
    "date_type": ("not a date", "write it without quotes: 2026-06-30"),
    "date_from_datetime_inexact": ("not a whole day", "write the day alone: 2026-06-30"),
    "dict_type": ("not a table", "write {{ … }} or a [table] of its own"),
    "model_type": ("not a table", "write {{ … }} or a [table] of its own"),
    "tuple_type": ("not an array", 'write ["…", "…"]'),
    "greater_than": ("too small", "it must be more than {gt:g}"),
    "greater_than_equal": ("too small", "it must be at least {ge:g}"),
    "less_than": ("too large", "it must be less than {lt:g}"),
    "less_than_equal": ("too large", "it must be at most {le:g}"),
    "finite_number": ("not a number", "write a finite number"),
}


def problem(detail: ErrorDetails, lines: Lines) -> Mistake:
    """One refusal of pydantic's as a problem with its line in the file."""
    path = tuple(str(part) for part in detail["loc"] if part != "[key]")
    what, given, fix = _words(detail, path)
    return Mistake(DECLARATION_FILE, lines[path], ".".join(path), what, given, fix)


def unknown_name(
    path: KeyPath, what: str, named: str, allowed: Iterable[str], lines: Lines
) -> Mistake:
    """A name at `path` that is none of the `allowed`, with the nearest of them."""
    fix = did_you_mean(named, allowed)
    return Mistake(DECLARATION_FILE, lines[path], ".".join(path), what, repr(named), fix)


def shown_value(value: Any) -> str:
    """`value` as the file would say it, short; nothing for a whole table."""
    if isinstance(value, Mapping | BaseModel):
        return ""
    text = _toml(value)
    return text if len(text) <= LONGEST_GOT else text[: LONGEST_GOT - 1] + "…"


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date | datetime):
        return value.isoformat()
    return repr(value)


def _words(detail: ErrorDetails, path: KeyPath) -> tuple[str, str, str]:
    """The rule that is broken, the value, and how to fix it."""
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        return "unknown key", repr(path[-1]), did_you_mean(path[-1], keys_at(path[:-1]))
    if kind == "missing":
        return "missing", "", _add(path)
    if kind == "too_short":
        return "empty", "", f"declare at least one: [{'.'.join(path)}.NAME]"
    if kind == "declaration":
        return context["what"], shown_value(detail["input"]), context["fix"]
    if kind == "literal_error":
        choices = get_args(_annotation(path))
        return "no such choice", shown_value(detail["input"]), _choose(detail["input"], choices)
    plain = PLAIN_WORDS.get(kind, (detail["msg"][0].lower() + detail["msg"][1:], ""))
    return plain[0], shown_value(detail["input"]), plain[1].format(**context)


def _add(path: KeyPath) -> str:
    whole_table = isinstance(_annotation(path), type) and issubclass(_annotation(path), BaseModel)
    is_group = get_origin(_annotation(path)) is dict
    if is_group:
        return f"add a table [{'.'.join(path)}.NAME]"
    return f"add a table [{'.'.join(path)}]" if whole_table else f"add {path[-1]} = …"


def _choose(value: Any, choices: tuple[str, ...]) -> str:
    guess = did_you_mean(value, choices) if isinstance(value, str) else ""
    listed = "one of " + ", ".join(repr(choice) for choice in choices)
    return f"{guess} {listed}" if guess.startswith("did") else listed


def keys_at(path: KeyPath) -> list[str]:
    """The keys that the table at `path` may have."""
    return [key for key in _fields(_annotation(path)) or () if key not in NOT_IN_THE_FILE]


def _annotation(path: KeyPath) -> Any:
    """The type that the declaration language gives to the value at `path`."""
    model: Any = Company
    for part in path:
        fields = _fields(model)
        if fields is None:
            model = _items(model)
        else:
            model = fields[part].annotation if part in fields else None
        model = _bare(model)
    return model


def _fields(model: Any) -> dict[str, FieldInfo] | None:
    """The fields of a table by the keys that the file gives them; none of what is no table."""
    fields: dict[str, FieldInfo] | None = getattr(model, "model_fields", None)
    if fields is None:
        return None
    return {field.alias or name: field for name, field in fields.items()}


def _items(annotation: Any) -> Any:
    """The type of a dict's values or of a tuple's items."""
    items = [argument for argument in get_args(annotation) if argument is not Ellipsis]
    return items[-1] if items else None


def _bare(annotation: Any) -> Any:
    """The one type inside `X | None` and `Annotated[X, …]`; a container stays as it is."""
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    inner = [argument for argument in get_args(annotation) if argument is not type(None)]
    optional = len(inner) < len(get_args(annotation))
    return _bare(inner[0]) if optional and len(inner) == 1 else annotation
