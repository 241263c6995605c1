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
    paths = sorted(
        (path for path in files(__package__).iterdir() if path.name.endswith(".toml")),
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
