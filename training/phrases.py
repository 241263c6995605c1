"""How figures are worded: in summaries, refusals, reports and progress lines alike."""

from collections.abc import Mapping
from typing import Any

Measured = Mapping[str, Any]


def figures(measured: Measured) -> str:
    """A difference in log loss with its interval, to the fourth digit."""
    if any(measured[key] is None for key in ("value", "low", "high")):
        return "an unknown amount"
    return "{value:.4f} ({low:.4f} to {high:.4f})".format(**measured)
