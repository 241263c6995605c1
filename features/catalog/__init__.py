"""The catalogue: ready-made indicators, playbooks and taxonomies, and recipes of sources.

One TOML file per family of indicators, one per vendor in `sources/` for the tables that people
export. An indicator's file has the syntax of `churnlight.toml`, a recipe that of
`features.declaring.recipe`; entries are adopted by `adopt = "family.name"`. A new entry is one
table in one of these files.
"""

import tomllib
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any


@cache
def families() -> dict[str, dict[str, Any]]:
    """Each family's name and what its file says."""
    return _read(files(__package__))


@cache
def vendors() -> dict[str, dict[str, Any]]:
    """Each vendor's name and what its file of recipes says."""
    return _read(files(__package__) / "sources")


def _read(folder: Traversable) -> dict[str, dict[str, Any]]:
    paths = sorted(
        (path for path in folder.iterdir() if path.name.endswith(".toml")),
        key=lambda path: path.name,
    )
    return {
        path.name.removesuffix(".toml"): tomllib.loads(path.read_text("utf-8")) for path in paths
    }


@cache
def entries(kind: str) -> dict[str, dict[str, Any]]:
    """All entries of `kind` (such as `"indicators"`) by `family.name`."""
    return {
        f"{family}.{name}": table
        for family, tables in families().items()
        for name, table in tables.get(kind, {}).items()
    }


@cache
def recipes() -> dict[str, dict[str, Any]]:
    """All recipes of sources by `vendor.table`."""
    return {
        f"{vendor}.{name}": table
        for vendor, tables in vendors().items()
        for name, table in tables.items()
    }
