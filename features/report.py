"""How findings are shown: as a table for people, as JSON for programs."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from features import contract
from features.errors import Finding

WIDTH = 100
COLOURS = {"error": "bold red", "warning": "yellow", "advice": "cyan"}


def as_json(findings: Sequence[Finding]) -> str:
    """The findings as a JSON list, one object each."""
    return json.dumps([asdict(item) for item in findings], indent=2, ensure_ascii=False)


def show(findings: Sequence[Finding]) -> None:
    """Writes the findings to stdout, a table per state, and the verdict."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(width=WIDTH, highlight=False)
    for state, colour in COLOURS.items():
        rows = [item for item in findings if item.state == state]
        if not rows:
            continue
        shown = Table(title=Text(f"{state} ({len(rows)})", style=colour), title_justify="left")
        shown.add_column("check", overflow="fold", max_width=18)
        shown.add_column("table, column", overflow="fold", max_width=18)
        shown.add_column("rows", justify="right")
        shown.add_column("what is wrong, and how to mend it", overflow="fold")
        for item in rows:
            place = item.table if item.column is None else f"{item.table}\n{item.column}"
            count = "" if item.rows is None else f"{item.rows:,}"
            told = Text.assemble(item.detail, "\n", (f"→ {item.mend}", "italic"))
            shown.add_row(
                Text(f"{item.name}\n({item.step})"), Text(place), count, told, end_section=True
            )
        console.print(shown)
    console.print(Text(contract.verdict(findings)))
