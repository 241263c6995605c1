"""Functions compiled to machine code, kept beside their source or in the user's cache.

A place that cannot be written costs the seconds of compiling at every start, and nothing else.
"""

from collections.abc import Callable
from typing import Any

from numba import njit


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` as machine code that releases the interpreter's lock, compiled at first use."""
    try:
        found: Callable[..., Any] = njit(cache=True, nogil=True)(function)
    except RuntimeError:
        found = njit(nogil=True)(function)
    return found
