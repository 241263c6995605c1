"""A self-contained page of prose, tables and figures: the same bytes for the same content.

A page needs nothing else: no script, no address, and its stylesheet and figures are inside it. It
reads at any width and on paper, and by its words alone: every table has headers and a caption,
every figure has a description and, where it shows numbers, a table too.

    page = Page("Model report", "Acme", lead="Out of time, on 3,211 accounts.", sections=[
        Section("Quality", "How well it ranks.", Table("Measures", ["measure", "value"], rows)),
        Section("Calibration", reliability.curve(groups)),
    ])
    write(page, Path("report.html"))
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from features import publish
from training.calibrating import bands
from training.calibrating.bands import BAND_SHAPES, BAND_WORDS, Band
from training.metrics.measured import Measured

HERE = Path(__file__).parent / "templates"
Tone = Literal["plain", "good", "caution", "bad"]
Cell = str | Markup
PIXELS_PER_POINT = 4 / 3
UNKNOWN = "–"


@dataclass(frozen=True)
class Table:
    """Rows of cells under `head`; the first cell of a row is its header.

    Columns whose cells are figures are set to the right. `note` is shown below.
    """

    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    note: str = ""

    kind = "table"

    @property
    def sides(self) -> list[str]:
        """Per column, the class that sets it: `right` for figures, else none."""
        columns = list(zip(*self.rows, strict=True)) or [()] * len(self.head)
        return ["right" if index and _figures(cells) else "" for index, cells in enumerate(columns)]


def _figures(cells: Sequence[Cell]) -> bool:
    """Whether every cell is a figure, or unknown."""
    values = [str(cell) for cell in cells if cell not in ("", UNKNOWN)]
    return bool(values) and all(re.match(r"[−+$€£¥]*\d", text) for text in values)


@dataclass(frozen=True)
class Figure:
    """A drawing: `svg` is a whole document, `alt` says in a sentence what it shows.

    `name` is that of its file, without suffix; `numbers` are what was drawn, as a table.
    """

    name: str
    title: str
    svg: str
    alt: str
    numbers: Table | None = None

    kind = "figure"

    @property
    def width(self) -> int:
        """As wide as it was drawn, in pixels."""
        box = re.search(r"viewBox=\"\S+ \S+ (\S+)", self.svg)
        if box is None:
            raise ValueError(f"figure {self.name}: a drawing without viewBox cannot be scaled")
        return round(float(box[1]) * PIXELS_PER_POINT)

    def _repr_svg_(self) -> str:
        # By this name notebooks ask an object for its picture.
        return self.svg


@dataclass(frozen=True)
class Note:
    """A paragraph set apart: a verdict (`good`, `bad`), a `caution`, or a plain remark."""

    text: str
    tone: Tone = "plain"

    kind = "note"


@dataclass(frozen=True)
class List:
    """Short points, one line each."""

    points: Sequence[str]

    kind = "list"


@dataclass(frozen=True)
class Key:
    """One of the few figures at the head of a page."""

    label: str
    value: str
    note: str = ""


Part = str | Markup | Table | Figure | Note | List
# A kind, and a part of it or several that stand side by side.
Block = tuple[str, Part | list[Table | Figure]]


@dataclass(frozen=True, init=False)
class Section:
    """A title and the parts below it, in order; a text is a paragraph."""

    title: str
    parts: tuple[Part, ...]

    def __init__(self, title: str, *parts: Part) -> None:
        """Takes the parts one after the other."""
        object.__setattr__(self, "title", title)
        object.__setattr__(self, "parts", parts)

    @property
    def anchor(self) -> str:
        """The section's address on its page."""
        return re.sub(r"[^a-z0-9]+", "-", self.title.lower()).strip("-")

    @property
    def blocks(self) -> list[Block]:
        """The parts by kind; neighbouring tables and figures together, to be shown side by side."""
        blocks: list[Block] = []
        for part in self.parts:
            last = blocks[-1][1] if blocks else None
            if not isinstance(part, Table | Figure):
                blocks.append(("text" if isinstance(part, str) else part.kind, part))
            elif isinstance(last, list):
                last.append(part)
            else:
                blocks.append(("beside", [part]))
        return blocks


@dataclass(frozen=True)
class Page:
    """The content of a page: title, company, a lead, the key figures, then the sections."""

    title: str
    company: str
    sections: Sequence[Section]
    lead: str = ""
    keys: Sequence[Key] = ()
    notes: Sequence[Note] = ()
    foot: str = ""
    simulated: bool = False

    @property
    def figures(self) -> list[Figure]:
        """Every figure of the page, in order."""
        parts = [part for section in self.sections for part in section.parts]
        return [part for part in parts if isinstance(part, Figure)]


def render(page: Page) -> str:
    """The page as one HTML document."""
    return _environment().get_template("report.html").render(page=page)


def write(page: Page, path: Path) -> None:
    """Writes the rendered page to `path`, whole or not at all."""
    with publish.replacing(path) as temporary:
        temporary.write_text(render(page), encoding="utf-8")


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    styles = [bands.STATIC / "bands.css", HERE / "report.css"]
    made.globals["stylesheet"] = Markup("\n".join(path.read_text("utf-8") for path in styles))
    made.filters["inline"] = inline
    made.tests["dated"] = lambda cell: re.fullmatch(r"\d{4}-\d\d-\d\d", cell) is not None
    return made


def inline(figure: Figure, index: int) -> Markup:
    """The figure's drawing as an element of a page, its names made its own by its `index`.

    Without namespaces, which HTML does not need, so that the page contains no address; in the
    page's letters; as wide as it was drawn at most.
    """
    svg = figure.svg[figure.svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"\sxmlns(:xlink)?=\"[^\"]*\"", "", svg).replace("xlink:href=", "href=")
    svg = re.sub(r" ?font-family: [^;\"]*;?", "", svg)
    used = set(re.findall(r"(?:url\(|href=\")#([^)\"]+)", svg))
    svg = re.sub(r"\sid=\"([^\"]*)\"", lambda name: _named(name[1], index, used), svg)
    svg = re.sub(r"(url\(|href=\")#", rf"\1#f{index}-", svg)
    box = re.search(r"viewBox=\"[^\"]*\"", svg)
    opening = f'<svg {box[0] if box else ""} width="{figure.width}" aria-hidden="true">'
    return Markup(re.sub(r"^<svg[^>]*>", opening, svg))


def _named(name: str, index: int, used: set[str]) -> str:
    return f' id="f{index}-{name}"' if name in used else ""


# What cells hold


def with_interval(measure: Measured, digits: int = 3, scale: float = 1.0) -> str:
    """A measure with its 95% interval, both times `scale`: `0.728 (0.716 to 0.740)`."""
    ends = (measure.value, measure.low, measure.high)
    value, low, high = (number(end, digits, scale) for end in ends)
    return value if UNKNOWN in (low, high) else f"{value} ({low} to {high})"


def sentence(text: str) -> str:
    """The text as a sentence: a capital, a full stop, and minus signs before its numbers."""
    signed = re.sub(r"(?<![\w-])-(?=\d)", "−", text)
    return f"{signed[:1].upper()}{signed[1:]}."


def number(value: float | None, digits: int = 3, scale: float = 1.0) -> str:
    """A number with so many digits behind the point, thousands apart; a dash where unknown."""
    if value is None:
        return UNKNOWN
    text = f"{value * scale:,.{digits}f}"
    return text.lstrip("-") if not text.strip("-0.,") else text.replace("-", "−")


def share(value: float | None, digits: int = 0) -> str:
    """A share as a percentage."""
    return UNKNOWN if value is None else f"{number(value, digits, 100)}%"


def shares(measure: Measured, digits: int = 0) -> str:
    """A share with its 95% interval, as percentages: `61% (58% to 64%)`."""
    ends = (measure.value, measure.low, measure.high)
    value, low, high = (share(end, digits) for end in ends)
    return value if UNKNOWN in (low, high) else f"{value} ({low} to {high})"


def light(band: Band) -> Markup:
    """A band as shape, word and colour."""
    return Markup(
        '<span class="badge {band}"><svg width="12" height="12" viewBox="0 0 12 12" '
        'aria-hidden="true"><path d="{shape}"/></svg>{word}</span>'
    ).format(band=band, shape=BAND_SHAPES[band], word=BAND_WORDS[band])
