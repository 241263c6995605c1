"""Writes the page of the ready-made sources, `docs/sources.md`, from their recipes.

The first comment lines of a vendor's file introduce it, the comment above a recipe says what to
know of its table. Renew the page with

    python -m features.reference.sources_page > docs/sources.md
"""

import re
import sys
from collections.abc import Iterator
from importlib.resources import files
from itertools import takewhile

from features import catalog
from features.declaring.recipe import Recipe, recipes

HEAD = """\
# Ready-made sources

<!-- Made by `python -m features.reference.sources_page > docs/sources.md`; a test compares. -->

What is known of the tables that widespread products export: columns in their various spellings,
times and zones, which rows are no customers, and how contracts end. Adopt one by name, and say only
where the table is:

```toml
[sources.subscriptions]
adopt = "stripe.subscriptions"
path = "data/subscriptions.csv"
```

`churnlight init` recognises such a table by its columns and writes the rest: the target where the
table has contracts, and the indicators that it feeds. Every key that you write yourself replaces
the recipe's, one column at a time: `columns.customer = ["account_no"]` says how your table calls
it.

From an adopted source on, conditions and values name columns as in the tables below, whatever the
file calls them. A file needs the columns that are *required*; case, spaces and punctuation of names
do not matter.
"""


def page() -> str:
    """The whole page as Markdown."""
    return "\n".join([HEAD, *(_vendor(name) for name in catalog.vendors())])


def _vendor(vendor: str) -> str:
    text = (files(catalog) / "sources" / f"{vendor}.toml").read_text("utf-8")
    lines = text.splitlines()
    found = {name: item for name, item in recipes().items() if name.startswith(f"{vendor}.")}
    parts = [_recipe(name, item, _comment_above(lines, name)) for name, item in found.items()]
    return "\n".join([f"## {vendor}\n", _joined(takewhile(_is_comment, lines)), "", *parts])


def _is_comment(line: str) -> bool:
    return line.startswith("#")


def _joined(lines: Iterator[str] | list[str]) -> str:
    return "\n".join(line.removeprefix("#").strip() for line in lines)


def _comment_above(lines: list[str], name: str) -> str:
    """The comment lines directly above a recipe's table."""
    place = lines.index(f"[{name.partition('.')[2]}]")
    above = list(takewhile(_is_comment, reversed(lines[:place])))
    return _joined(above[::-1])


def _recipe(name: str, recipe: Recipe, comment: str) -> str:
    head = [f"### `{name}`", "", f"**{recipe.title}** ({recipe.kind}).", comment, ""]
    facts = [f"- {fact}" for fact in _facts(recipe)]
    columns = [f"| `{key}` | {' | '.join(_cells(recipe, key))} |" for key in recipe.columns]
    table = ["| column | in the table | read as |", "|---|---|---|", *columns]
    return "\n".join([*head, *facts, "", *table, ""])


def _facts(recipe: Recipe) -> Iterator[str]:
    if recipe.of is not None:
        yield f"The table of `{recipe.of}`, read a second time."
    if recipe.account is not None:
        yield f"Account: `{recipe.account}`; event time: {_time(recipe.event_time)}."
    if recipe.known_time is not None:
        yield f"Known time: {_time(recipe.known_time)}."
    if recipe.key is not None:
        yield f"Account table: key `{recipe.key}`, first day `{recipe.attributes.since}`."
    if recipe.where is not None:
        yield f"Rows that count: `{recipe.where}`."
    if recipe.event is not None:
        notice = f"; notice: `{recipe.event.notice}`" if recipe.event.notice else ""
        yield f"A contract ends: `{recipe.event.ended}`{notice}."
    if recipe.indicators:
        adopted = sorted({f"`{keys['adopt']}`" for keys in recipe.indicators.values()})
        yield f"Feeds {', '.join(adopted)} of [the catalogue](catalogue.md)."
    yield f"From: {'; '.join(recipe.documentation)}."


def _time(declared: object) -> str:
    if not isinstance(declared, dict):
        return f"`{declared}`"
    if "delay" in declared:
        return f"{declared['delay']} later"
    zone = f" ({declared['zone']} where it names no zone)" if "zone" in declared else ""
    return f"`{declared['column']}`{zone}"


def _cells(recipe: Recipe, name: str) -> Iterator[str]:
    column = recipe.columns[name]
    if column.value is not None:
        yield f"computed: `{re.sub(r'[|]', chr(92) + '|', column.value)}`"
        yield "–"
        return
    names = ", ".join(f"`{spelling}`" for spelling in (name, *column.names))
    yield f"{names}{'' if column.optional else ' (required)'}"
    epoch = f", numbers as {column.epoch}" if column.epoch else ""
    yield f"{column.holds or 'it is'}{epoch}"


if __name__ == "__main__":
    sys.stdout.write(page())
