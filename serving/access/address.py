"""One address of the port: the route behind it, and the role that may call it.

Its one rule: an address needs the token unless it says otherwise, so that one that is added
without a thought is guarded.
"""

from dataclasses import dataclass
from typing import Literal

from starlette.routing import Route

# "token": callers with the token, or over loopback where none is set; "open": anybody.
Role = Literal["token", "open"]


@dataclass(frozen=True)
class Address:
    """A route with the role that its callers need."""

    route: Route
    role: Role = "token"
