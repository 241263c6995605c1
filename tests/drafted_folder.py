"""A folder of small tables, and what `init` makes of it.

Forty accounts sign up on the first of January 2023; the tables that a test adds are written out
from one list per column, so that every count in a draft can be worked out by hand.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import zip_longest
from pathlib import Path
from typing import Any

from features.declaring.company import Company
from features.declaring.declaration import parse
from features.drafting import draft

ACCOUNTS = 40
FIRST, UNTIL = date(2023, 1, 1), date(2024, 12, 31)
KEYS = [f"a{number:02}" for number in range(ACCOUNTS)]
# Of ten accounts each, the day on which they left, if they did.
LEFT = [date(2023, 6, 1)] * 10 + [date(2024, 6, 1)] * 10 + [None] * 20

# By table its columns, each a sequence of cells; Any, so that a test may join parts of any kind.
Tables = Mapping[str, Any]


def account_columns(key: str = "account_id") -> dict[str, Sequence[object]]:
    """The columns of a table of accounts."""
    return {key: KEYS, "name": [f"Company {key}" for key in KEYS], "created_at": [FIRST] * ACCOUNTS}


def login_columns(key: str = "account_id") -> dict[str, Sequence[object]]:
    """A login of each account every ten days, until it left."""
    rows = list(_logins())
    return {key: [row[0] for row in rows], "login_on": [row[1] for row in rows]}


def _logins() -> Iterator[tuple[str, date]]:
    for account, left in zip(KEYS, LEFT, strict=True):
        day = FIRST
        while day < (left or UNTIL):
            yield account, day
            day += timedelta(days=10)
    yield KEYS[-1], UNTIL


def write(folder: Path, tables: Tables) -> Path:
    """Writes each of `tables` as CSV and returns `folder`; None is an empty cell."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, columns in tables.items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([list(columns), *zip_longest(*columns.values())])
    return folder


def drafted(folder: Path, tables: Tables) -> tuple[Company, str]:
    """The declaration that `init` drafts for `tables`, and its text."""
    text = draft.draft_declaration(write(folder, tables))
    return parse(text, folder), text


def comments_above(text: str, header: str) -> list[str]:
    """The comment lines right above `[header]`."""
    lines = text[: text.index(f"[{header}]")].splitlines()
    above: list[str] = []
    while lines and lines[-1].startswith("#"):
        above.insert(0, lines.pop().removeprefix("# "))
    return above
