"""Writes the page of the catalogue, `docs/catalogue.md`, from the catalogue itself.

Nothing is said on the page that does not stand in a family's file: its first comment lines
introduce it, its tables are the rows. Renew the page with

    python -m features.catalog.page > docs/catalogue.md
"""

import sys
from collections.abc import Iterator, Mapping
from importlib.resources import files
from itertools import takewhile
from typing import Any

from features import catalog

HEAD = """\
# The catalogue

<!-- Made by `python -m features.catalog.page > docs/catalogue.md`; a test compares. -->

Ready-made indicators and playbooks, by family. Adopt one by name in `churnlight.toml`, say which of
your sources it reads, and change what differs in your tables; what you write wins (`where = "true"`
counts every row):

```toml
[indicators.recency]
adopt = "shop.recency"
source = "orders"
```

An adopted indicator brings its playbook along. A playbook is adopted by itself with
`[playbooks.NAME]` and `adopt = "family.name"`, and any of its keys can be changed there.

- *Kind*: a **leading** indicator moves early enough to act, a **lagging** one reports what has
  happened and is never a headline, **context** cannot be changed: no healthy side, no playbook.
- *Healthy*: the side of the shown value on which an account does well.
- *Says*: the sentence where the score is lowered. Both sentences of an indicator state the value
  beside the usual one and leave the sign to the page, as value and sign may disagree. `{window}`
  reads "the last 90 days" or "the whole history"; with the unit `%` a share of 0.38 reads 38%.
"""
INDICATORS = """\
| indicator | dimension, kind | measures | healthy | says | playbook |
|---|---|---|---|---|---|"""


def page() -> str:
    """The whole page as Markdown."""
    return "\n".join([HEAD, *(_family(name) for name in catalog.families())])


def _family(name: str) -> str:
    tables = catalog.families()[name]
    indicators = [_row(name, key, item) for key, item in tables["indicators"].items()]
    playbooks = [_steps(name, key, item) for key, item in tables["playbooks"].items()]
    intro = _introduction(name)
    return "\n".join([f"## {name}\n", intro, "", INDICATORS, *indicators, "", *playbooks])


def _introduction(family: str) -> str:
    """The comment lines that the family's file begins with."""
    text = (files(catalog) / f"{family}.toml").read_text("utf-8")
    comment = takewhile(lambda line: line.startswith("#"), text.splitlines())
    return "\n".join(line.removeprefix("#").strip() for line in comment)


def _row(family: str, name: str, item: Mapping[str, Any]) -> str:
    cells = [
        f"`{family}.{name}`<br>{item['title']}",
        f"{item['dimension']}, {item['kind']}",
        _measured(item),
        item.get("healthy", "–"),
        item["says"]["bad"],
        f"`{item['playbook']}`" if "playbook" in item else "–",
    ]
    return f"| {' | '.join(cells)} |"


def _measured(item: Mapping[str, Any]) -> str:
    return ", ".join(_measured_parts(item))


def _measured_parts(item: Mapping[str, Any]) -> Iterator[str]:
    of = f" of `{item['value']}`" if "value" in item else ""
    yield f"{item['measure']}{of}"
    if "quantile" in item:
        yield f"at {item['quantile']}"
    if "where" in item:
        yield f"where `{item['where']}`"
    if "earlier" in item:
        yield f"{' '.join(item['windows'])} against the {item['earlier']} before"
    else:
        yield " ".join(item.get("windows", ["all"]))


def _steps(family: str, name: str, item: Mapping[str, Any]) -> str:
    steps = [
        f"{number}. {step['do']} ({', '.join(_how(step))})"
        for number, step in enumerate(item["steps"], start=1)
    ]
    head = f"**`{family}.{name}`** {item['title']}. {item['purpose']}"
    owner = f"Owner: {item['owner']}; not again within {item['cooldown']}."
    return "\n".join([f"{head} {owner}\n", *steps, ""])


def _how(step: Mapping[str, str]) -> Iterator[str]:
    if "channel" in step:
        yield step["channel"]
    yield f"within {step['within']}"


if __name__ == "__main__":
    sys.stdout.write(page())
