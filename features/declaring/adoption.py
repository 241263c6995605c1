"""Fills in what a declaration adopts from the catalogue, and what that brings along.

An adopted source has the columns, times and rows of its recipe; a column that is declared stands
in the place of the recipe's.

An adopted indicator comes with what its entry names of the same family: its playbook, the taxonomy
of its topic, and the indicators that it is made of. Whatever is declared under such a name stands
in its place.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from features import catalog
from features.declaring import recipe
from features.declaring.indicator import BASES
from features.declaring.mistakes import unknown_name
from features.declaring.toml_lines import Lines
from features.errors import Mistake

ADOPTABLE = ("taxonomies", "indicators", "playbooks", "sources")
# Tables inside a table, of which one key can be changed and the others stay.
MERGED = ("topics", "about", "columns")


def adopt(raw: dict[str, Any], lines: Lines) -> Iterator[Mistake]:
    """Fills in, in place, what `adopt = "family.name"` takes from the catalogue.

    Returns what cannot be adopted.
    """
    for kind in ADOPTABLE:
        for name, table in named_tables(raw, kind):
            if not isinstance(wanted := table.get("adopt"), str):
                continue
            offered = _offered(kind)
            if wanted not in offered:
                path, what = (kind, name, "adopt"), f"no such entry of the catalogue's {kind}"
                yield unknown_name(path, what, wanted, offered, lines)
                continue
            raw[kind][name] = _filled(offered[wanted], table)
            if kind == "indicators":
                _bring_along(raw, wanted.partition(".")[0], raw[kind][name])


def _offered(kind: str) -> dict[str, dict[str, Any]]:
    """What the catalogue has for tables of a kind, by full names."""
    if kind == "sources":
        return {name: recipe.keys_of_source(name) for name in catalog.recipes()}
    return catalog.entries(kind)


def named_tables(raw: Mapping[str, Any], kind: str) -> list[tuple[str, dict[str, Any]]]:
    """The tables `[kind.NAME]` of a declaration as it was read, by name."""
    group = raw.get(kind)
    named = group.items() if isinstance(group, dict) else ()
    return [(name, table) for name, table in named if isinstance(table, dict)]


def _filled(entry: Mapping[str, Any], declared: Mapping[str, Any]) -> dict[str, Any]:
    """The entry's keys, with what is written in the file in their place."""
    filled = {**entry, **declared}
    for key in MERGED:
        theirs, mine = entry.get(key), declared.get(key)
        # Keywords of one's own replace the catalogue's topic.
        if isinstance(theirs, dict) and isinstance(mine, dict) and "keywords" not in mine:
            filled[key] = {**theirs, **mine}
    if "says" in declared and "says_good" not in declared:
        # The company's sentence serves both sides; the catalogue's good one is of another wording.
        filled.pop("says_good", None)
    return filled


def _bring_along(raw: dict[str, Any], family: str, table: dict[str, Any]) -> None:
    about = table.get("about")
    _bring(raw, "playbooks", family, table.get("playbook"))
    _bring(raw, "taxonomies", family, about.get("taxonomy") if isinstance(about, dict) else None)
    for key in BASES.get(str(table.get("measure")), ()):
        _bring_base(raw, family, table, key)


def _bring_base(raw: dict[str, Any], family: str, table: dict[str, Any], key: str) -> None:
    """A base is there to be computed with: a draft, and nothing to act on."""
    base = _bring(raw, "indicators", family, table.get(key))
    if base is None:
        return
    base["stage"] = "draft"
    base.pop("playbook", None)
    if "source" in table:
        base["source"] = table["source"]
    if "windows" in table and (key != "per" or len(base.get("windows", ["all"])) > 1):
        base["windows"] = table["windows"]
    _bring_along(raw, family, base)


def _bring(raw: dict[str, Any], kind: str, family: str, name: Any) -> dict[str, Any] | None:
    """The catalogue's entry, now declared; None where there is none, or the company has its own."""
    entry = f"{family}.{name}"
    group = raw.setdefault(kind, {})
    if entry not in catalog.entries(kind) or not isinstance(group, dict) or name in group:
        return None
    brought = {**catalog.entries(kind)[entry], "adopt": entry}
    group[name] = brought
    return brought
