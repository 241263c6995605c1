"""A page as Markdown: the same words and tables, figures by what they say."""

from collections.abc import Sequence

from markupsafe import Markup

from training.reporting.page import Cell, Figure, Key, List, Note, Page, Part, Section, Table


def render(page: Page) -> str:
    """The page as one Markdown document."""
    whose = f"{page.company}{' (simulated data)' if page.simulated else ''}"
    head = [f"# {page.title}", f"*{escaped(whose)}*", escaped(page.lead)]
    head += [_note(note) for note in page.notes]
    if page.keys:
        head.append(_list([_key(key) for key in page.keys]))
    blocks = [*head, *(block for section in page.sections for block in _section(section))]
    return "\n\n".join([block for block in blocks if block] + [escaped(page.foot)]).strip() + "\n"


def _key(key: Key) -> str:
    return f"{key.label}: {key.value} ({key.note})" if key.note else f"{key.label}: {key.value}"


def _section(section: Section) -> list[str]:
    return [f"## {escaped(section.title)}", *(_part(part) for part in section.parts)]


def _part(part: Part) -> str:
    if isinstance(part, Table):
        return _table(part)
    if isinstance(part, Figure):
        return f"**{escaped(part.title)}**\n\n{escaped(part.alt)}"
    if isinstance(part, Note):
        return _note(part)
    return _list(part.points) if isinstance(part, List) else escaped(part)


def _note(note: Note) -> str:
    return f"> {escaped(note.text)}"


def _list(points: Sequence[str]) -> str:
    return "\n".join(f"- {escaped(point)}" for point in points)


def _table(table: Table) -> str:
    sides = ["---:" if side else "---" for side in table.sides]
    rows = [table.head, *table.rows]
    lines = [f"| {' | '.join(escaped(cell) for cell in row)} |" for row in rows]
    drawn = "\n".join([lines[0], f"| {' | '.join(sides)} |", *lines[1:]])
    return "\n\n".join(
        part for part in (f"**{escaped(table.caption)}**", drawn, table.note) if part
    )


def escaped(text: Cell) -> str:
    """A text in which nothing is markup by accident."""
    plain = str(text.striptags() if isinstance(text, Markup) else text)
    for sign in ("\\", "|", "*", "_", "`", "<", "[", "#"):
        plain = plain.replace(sign, f"\\{sign}")
    return " ".join(plain.split())
