"""The parameters of an address: what each one means, and which values it takes.

Its one rule: a parameter is declared once; requests are checked, and the OpenAPI document and
docs/api.md are written, from that declaration.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import JsonValue
from starlette.requests import Request

from features.declaring.spelling import did_you_mean
from serving.problems import MAX_ERRORS, Mistake, in_parameter, invalid

Schema = dict[str, JsonValue]


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A parameter that takes any text of at most `max_length` characters."""

    name: str
    description: str
    max_length: int | None = None
    location: Literal["query", "path"] = "query"

    def schema(self) -> Schema:
        """The JSON schema of its values."""
        longest: Schema = {} if self.max_length is None else {"maxLength": self.max_length}
        shortest: Schema = {"minLength": 1} if self.location == "path" else {}
        return {"type": "string"} | longest | shortest

    def rule(self) -> str:
        """The rule for its value, in words."""
        return (
            "text" if self.max_length is None else f"text of at most {self.max_length} characters"
        )

    def accepts(self, value: str) -> bool:
        """Whether `value`, as the URL has it, follows the rule."""
        return self.max_length is None or len(value) <= self.max_length


@dataclass(frozen=True, kw_only=True)
class ChoiceParameter(Parameter):
    """A parameter that takes one of `choices`."""

    choices: tuple[str, ...]

    def schema(self) -> Schema:
        """The JSON schema of its values."""
        return {"enum": list(self.choices)}

    def rule(self) -> str:
        """The rule for its value, in words."""
        return f"one of {', '.join(self.choices)}"

    def accepts(self, value: str) -> bool:
        """Whether `value` is one of the choices."""
        return value in self.choices


@dataclass(frozen=True, kw_only=True)
class WholeParameter(Parameter):
    """A parameter that takes a whole number from `minimum` to `maximum`."""

    minimum: int
    maximum: int
    default: int

    def schema(self) -> Schema:
        """The JSON schema of its values."""
        bounds: Schema = {"minimum": self.minimum, "maximum": self.maximum}
        return {"type": "integer"} | bounds | {"default": self.default}

    def rule(self) -> str:
        """The rule for its value, in words."""
        return f"a whole number from {self.minimum} to {self.maximum}"

    def accepts(self, value: str) -> bool:
        """Whether `value` is such a number, in decimal digits."""
        longest = len(str(self.maximum)) + 1
        digits = value.isascii() and value.isdecimal() and len(value) <= longest
        return digits and self.minimum <= int(value) <= self.maximum


@dataclass(frozen=True, kw_only=True)
class FlagParameter(Parameter):
    """A parameter that is true or false, by default false."""

    def schema(self) -> Schema:
        """The JSON schema of its values."""
        return {"type": "boolean", "default": False}

    def rule(self) -> str:
        """The rule for its value, in words."""
        return "true or false"

    def accepts(self, value: str) -> bool:
        """Whether `value` is one of the two words."""
        return value in ("true", "false")


def read_query(request: Request, declared: Sequence[Parameter]) -> Mapping[str, str]:
    """The query parameters of `request`, each declared, given once, and following its rule.

    Raises
    ------
    HttpProblem
        422 with every mistake.
    """
    by_name = {parameter.name: parameter for parameter in declared if parameter.location == "query"}
    times = Counter(name for name, _ in request.query_params.multi_items())
    mistakes = [*_misnamed(times, by_name), *_misused(request.query_params, by_name)]
    if mistakes:
        raise invalid(mistakes[:MAX_ERRORS])
    return request.query_params


def _misnamed(times: Mapping[str, int], by_name: Mapping[str, Parameter]) -> list[Mistake]:
    unknown = [
        in_parameter(name, f"unknown parameter; {did_you_mean(name, by_name)}")
        for name in times
        if name not in by_name
    ]
    repeated = [
        in_parameter(name, "give the parameter only once")
        for name, given in times.items()
        if given > 1
    ]
    return unknown + repeated


def _misused(given: Mapping[str, str], by_name: Mapping[str, Parameter]) -> list[Mistake]:
    return [
        in_parameter(name, f"must be {parameter.rule()}, got {given[name]!r}")
        for name, parameter in by_name.items()
        if name in given and not parameter.accepts(given[name])
    ]
