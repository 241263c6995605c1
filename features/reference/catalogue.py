"""Writes the catalogue's page, `docs/catalogue.md`, from the catalogue itself.

The page contains only what the families' files contain: the first comment lines of a file introduce
its family, its tables are the rows. Renew the page with

    python -m features.reference.catalogue > docs/catalogue.md
"""

import sys
from collections.abc import Iterator, Mapping
from importlib.resources import files
from itertools import takewhile
from typing import Any

from features import catalog
from features.declaring.indicator import BASES

HEAD = """\
# The catalogue

<!-- Made by `python -m features.reference.catalogue > docs/catalogue.md`; a test compares. -->

Ready-made indicators, playbooks and taxonomies, by family. Adopt one by name in `churnlight.toml`,
name the source that it reads, and override the keys that differ in your tables
(`where = "true"` counts every row):

```toml
[indicators.recency]
adopt = "shop.recency"
source = "orders"
```

An adopted indicator brings its playbook, the taxonomy of its topic and, as drafts, the indicators
that it is computed from. They come under the names listed here; a table of your own with such a
name replaces the catalogue's. Playbooks and taxonomies can also be adopted by themselves, with
`adopt = "family.name"` in `[playbooks.NAME]` or `[taxonomies.NAME]`, and changed key by key:

```toml
[indicators.seats_in_use]            # people with a log-in, per licensed seat
adopt = "usage.seats_in_use"
source = "logins"

[indicators.licensed_seats]          # the number of seats comes from another table
adopt = "usage.licensed_seats"
stage = "draft"                      # used only to compute the share
source = "contracts"
value = "seats"

[taxonomies.software]                # the topics of texts, one of them with your keywords
adopt = "voice.software"
topics.price = ["price", "too expensive", "zu teuer"]
```

- *Kind*: a **leading** indicator moves early enough to act, a **lagging** one reports what has
  happened and is never a headline, **context** cannot be changed: no healthy side, no playbook.
- *Healthy*: the side of the shown value on which an account does well.
- *Says*: the sentence that the account page shows; where there are two, the second is used where
  the indicator raises the score. Every sentence compares the value with the usual one. Whether that
  lowers or raises the score is shown beside it on the page. `{window}` reads "the last 90 days" or
  "the whole history", `{unit}` is the unit's noun ("1 order", "2 orders"), and with the unit `%`
  a share of 0.38 reads 38%.
- A *peer rank* is the share of the segment's accounts with a lower value. A *deviation* is 0 at the
  account's own mean and ±1 at one of its own standard deviations.
"""
INDICATORS = """\
| indicator | dimension, kind | measures | healthy | says | playbook |
|---|---|---|---|---|---|"""


def page() -> str:
    """The whole page as Markdown."""
    return "\n".join([HEAD, *(_family(name) for name in catalog.families())])


def _family(name: str) -> str:
    tables = catalog.families()[name]
    indicators = [_row(name, key, entry) for key, entry in tables["indicators"].items()]
    playbooks = [_steps(name, key, entry) for key, entry in tables["playbooks"].items()]
    topics = [_taxonomy(name, key, entry) for key, entry in tables.get("taxonomies", {}).items()]
    intro = _introduction(name)
    table = [INDICATORS, *indicators, ""]
    return "\n".join([f"## {name}\n", intro, "", *table, *topics, *playbooks])


def _introduction(family: str) -> str:
    """The comment lines that the family's file begins with."""
    text = (files(catalog) / f"{family}.toml").read_text("utf-8")
    comment = takewhile(lambda line: line.startswith("#"), text.splitlines())
    return "\n".join(line.removeprefix("#").strip() for line in comment)


def _row(family: str, name: str, entry: Mapping[str, Any]) -> str:
    cells = [
        f"`{family}.{name}`<br>{entry['title']}",
        f"{entry['dimension']}, {entry['kind']}",
        _measured(entry),
        entry.get("healthy", "–"),
        "<br>".join(entry[key] for key in ("says", "says_good") if key in entry),
        f"`{entry['playbook']}`" if "playbook" in entry else "–",
    ]
    return f"| {' | '.join(cells)} |"


def _measured(entry: Mapping[str, Any]) -> str:
    return ", ".join(_measured_parts(entry))


def _measured_parts(entry: Mapping[str, Any]) -> Iterator[str]:
    yield _what(entry)
    if "quantile" in entry:
        yield f"at {entry['quantile']}"
    if "about" in entry:
        yield f"of texts about {entry['about']['topic']}"
    if "where" in entry:
        yield f"where `{entry['where']}`"
    yield _over_time(entry)
    if "shrink" in entry:
        yield f"shrunk by {entry['shrink']:g}"


def _what(entry: Mapping[str, Any]) -> str:
    """The measure and what it is of."""
    if entry["measure"] == "quotient":
        return f"`{entry['over']}` per `{entry['per']}`"
    of = entry["of"] if entry["measure"] == "peer_rank" else entry.get("value")
    return f"{entry['measure']} of `{of}`" if of is not None else str(entry["measure"])


def _over_time(entry: Mapping[str, Any]) -> str:
    if "windows" not in entry and entry["measure"] in BASES:
        return "over the same windows"
    windows = " ".join(entry.get("windows", ["all"]))
    if "lag" in entry:
        return f"{windows} against {entry['earlier']} that end {entry['lag']} ago"
    return f"{windows} against the {entry['earlier']} before" if "earlier" in entry else windows


def _taxonomy(family: str, name: str, entry: Mapping[str, Any]) -> str:
    topics = [f"- {topic}: `{'`, `'.join(words)}`" for topic, words in entry["topics"].items()]
    return "\n".join([f"**`{family}.{name}`** Topics and their keywords:\n", *topics, ""])


def _steps(family: str, name: str, entry: Mapping[str, Any]) -> str:
    steps = [
        f"{number}. {step['do']} ({', '.join(_how(step))})"
        for number, step in enumerate(entry["steps"], start=1)
    ]
    head = f"**`{family}.{name}`** {entry['title']}. {entry['purpose']}"
    owner = f"Owner: {entry['owner']}; not again within {entry['cooldown']}."
    return "\n".join([f"{head} {owner}\n", *steps, ""])


def _how(step: Mapping[str, str]) -> Iterator[str]:
    if "channel" in step:
        yield step["channel"]
    yield f"within {step['within']}"


if __name__ == "__main__":
    sys.stdout.write(page())
