"""A module of a room registers itself by what it defines: adding one is adding its file."""

from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType


def modules_defining(name: str, room: ModuleType) -> Iterator[ModuleType]:
    """The modules of the package `room` that define `name`, in alphabetical order.

    Examples
    --------
    >>> from features import declaring
    >>> [module.__name__ for module in modules_defining("nearest", declaring)]
    ['features.declaring.spelling']
    """
    for module_info in sorted(iter_modules(room.__path__), key=lambda module: module.name):
        module = import_module(f"{room.__name__}.{module_info.name}")
        if hasattr(module, name):
            yield module
