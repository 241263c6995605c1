"""The words of the declaration language: durations, names, sentences, and the base of its tables.

Each is a type that a table's field can have; what does not fit it is refused with what is wrong
and how to fix it.
"""

import re
from string import Formatter
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer
from pydantic_core import PydanticCustomError

PLACEHOLDERS = frozenset({"value", "usual", "window", "unit"})


def refuse(what: str, fix: str) -> PydanticCustomError:
    """An error of a declaration in two parts: what is wrong and how to fix it."""
    return PydanticCustomError("declaration", "{what}", {"what": what, "fix": fix})


def _days(text: Any) -> Any:
    if isinstance(text, str) and (match := re.fullmatch(r"(\d{1,5})d", text.strip())):
        return int(match[1])
    raise refuse("not a duration", 'write whole days, such as "28d"')


NEXT_RENEWAL = "next renewal"


def _horizon(text: Any) -> Any:
    if text == NEXT_RENEWAL:
        return text
    if isinstance(text, str) and "renew" in text.lower():
        raise refuse("not a horizon", f'write "{NEXT_RENEWAL}", or whole days, such as "90d"')
    return _days(text)


def _horizon_text(horizon: int | str) -> str:
    return horizon if isinstance(horizon, str) else window_text(horizon)


def _window(text: Any) -> Any:
    return None if text == "all" else _days(text)


def window_text(days: int | None) -> str:
    """A window as the declaration writes it: `"28d"`, or `"all"` for the whole history.

    Examples
    --------
    >>> window_text(28), window_text(None)
    ('28d', 'all')
    """
    return "all" if days is None else f"{days}d"


def _plain_name(name: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9]*([_-][a-z0-9]+)*", name):
        raise refuse("not a usable name", "use lower-case letters, digits and single _ or -")
    return name


def _sentence(text: str) -> str:
    try:
        fields = [part[1:] for part in Formatter().parse(text) if part[1] is not None]
    except ValueError:
        raise refuse("not a sentence with {placeholders}", "close every brace") from None
    names = {str(name) for name, _, _ in fields}
    if any(form or conversion for _, form, conversion in fields):
        raise refuse("a placeholder with a format", "write it plain, such as {value}")
    if unknown := sorted(names - PLACEHOLDERS):
        raise refuse(
            f"unknown placeholder {{{unknown[0]}}}",
            "use {value}, {usual}, {window} or {unit}",
        )
    return text


def not_empty(items: tuple[Any, ...]) -> tuple[Any, ...]:
    """`items`, of which there must be some."""
    if not items:
        raise refuse("empty", "name at least one")
    return items


Days = Annotated[int, BeforeValidator(_days), PlainSerializer(window_text)]
Horizon = Annotated[
    int | Literal["next renewal"], BeforeValidator(_horizon), PlainSerializer(_horizon_text)
]
Window = Annotated[int | None, BeforeValidator(_window), PlainSerializer(window_text)]
Name = Annotated[str, AfterValidator(_plain_name)]
Sentence = Annotated[str, Field(min_length=1), AfterValidator(_sentence)]
Text = Annotated[str, Field(min_length=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Probability = Annotated[float, Field(gt=0, lt=1)]


class TomlTable(BaseModel):
    """The base of every table of the declaration: frozen, and unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
