"""The catalogue: ready-made indicators, playbooks and taxonomies, one TOML file per family.

A family's file has the syntax of `churnlight.toml`; its entries are adopted by
`adopt = "family.name"`. A new entry is one table in one of these files.
"""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def families() -> dict[str, dict[str, Any]]:
    """Each family's name and what its file says."""
    found = sorted(
        (item for item in files(__package__).iterdir() if item.name.endswith(".toml")),
        key=lambda item: item.name,
    )
    return {
        item.name.removesuffix(".toml"): tomllib.loads(item.read_text("utf-8")) for item in found
    }


@cache
def entries(kind: str) -> dict[str, dict[str, Any]]:
    """All entries of `kind` (such as `"indicators"`) by `family.name`."""
    return {
        f"{family}.{name}": table
        for family, tables in families().items()
        for name, table in tables.get(kind, {}).items()
    }
