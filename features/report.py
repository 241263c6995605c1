"""How findings are shown: as a table for people, as JSON for programs."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from features import contract
from features.errors import Finding

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

WIDTH = 100
COLOURS = {"error": "bold red", "warning": "yellow", "advice": "cyan"}


def as_json(findings: Sequence[Finding]) -> str:
    """The findings as a JSON list, one object each."""
    return json.dumps([asdict(finding) for finding in findings], indent=2, ensure_ascii=False)


def show(findings: Sequence[Finding]) -> None:
    """Writes the findings to stdout, a table per state, and the verdict."""
    from rich.console import Console
    from rich.text import Text

    console = Console(width=WIDTH, highlight=False)
    for state, colour in COLOURS.items():
        of_state = [finding for finding in findings if finding.state == state]
        if of_state:
            console.print(_table(Text(f"{state} ({len(of_state)})", style=colour), of_state))
    console.print(Text(contract.verdict(findings)))


def _table(title: "Text", findings: Sequence[Finding]) -> "Table":
    from rich.table import Table
    from rich.text import Text

    shown = Table(title=title, title_justify="left")
    shown.add_column("check", overflow="fold", max_width=18)
    shown.add_column("table, column", overflow="fold", max_width=18)
    shown.add_column("rows", justify="right")
    shown.add_column("finding and fix", overflow="fold")
    for finding in findings:
        shown.add_row(
            Text(f"{finding.name}\n({finding.step})"),
            Text("\n".join(filter(None, (finding.table, finding.column)))),
            "" if finding.rows is None else f"{finding.rows:,}",
            Text.assemble(finding.detail, "\n", (f"→ {finding.fix}", "italic")),
            end_section=True,
        )
    return shown
