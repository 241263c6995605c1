"""A pair of values, the champion's and the challenger's: most of a review comes in pairs."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

ModelRole = Literal["champion", "challenger"]
ROLES: tuple[ModelRole, ModelRole] = ("champion", "challenger")
Value = TypeVar("Value")


@dataclass(frozen=True)
class ByModel(Generic[Value]):
    """A value of each model; iterating gives the champion's first."""

    champion: Value
    challenger: Value

    def __iter__(self) -> Iterator[Value]:
        return iter((self.champion, self.challenger))

    def of(self, role: ModelRole) -> Value:
        """The value of the model in that role."""
        return self.champion if role == "champion" else self.challenger
