"""The engines that read a company's tables, by the name that `[company] engine` gives.

A new engine is one module here and one line in `ENGINES`.
"""

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from features.engines.on_duckdb import Engine

ENGINES = {"duckdb": "features.engines.on_duckdb", "spark": "features.engines.on_spark"}


def start(name: str) -> "Engine":
    """A fresh engine; close it by using it as a context manager."""
    make: Callable[[], Engine] = import_module(ENGINES[name]).Engine
    return make()
