"""The documentation hangs together: no dead link, no page that nothing leads to, a true map."""

import re
import tomllib
from pathlib import Path
from urllib.parse import unquote

import pytest

HOUSE = Path(__file__).parents[1]
ROOMS = ("features", "training", "serving")
PAGES = sorted(
    [
        *HOUSE.glob("*.md"),
        *(HOUSE / "docs").rglob("*.md"),
        *(HOUSE / "benchmarks").glob("*.md"),
        *(HOUSE / "examples").glob("*/README.md"),
        *(HOUSE / "findings").glob("*.md"),
    ]
)


def text_of(page: Path) -> str:
    """The page without its code, in which brackets are no links."""
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"`[^`\n]*`", "`code`", text)


def links(page: Path) -> list[str]:
    """Where the links and pictures of a page lead, without those to other sites."""
    found = re.findall(r"\]\(([^()\s]+)\)", text_of(page))
    return [link for link in found if not re.match(r"[a-z]+:", link)]


def target(page: Path, link: str) -> Path:
    path = unquote(link.partition("#")[0])
    return (page.parent / path).resolve() if path else page


def anchors(page: Path) -> set[str]:
    """The names under which the headings of a page can be linked."""
    heads = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(HOUSE)))
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in links(page):
        path = target(page, link)
        assert path.exists(), link
        if "#" in link and path.suffix == ".md":
            assert link.partition("#")[2] in anchors(path), link


def test_the_index_lists_every_page() -> None:
    index = HOUSE / "docs/README.md"
    linked = {target(index, link) for link in links(index)}
    pages = {page for page in (HOUSE / "docs").glob("*.md") if page != index}
    assert pages - linked == set()


def test_every_decision_is_listed() -> None:
    index = HOUSE / "docs/decisions/README.md"
    linked = {target(index, link) for link in links(index)}
    assert set(index.parent.glob("0*.md")) - linked == set()


def test_every_page_is_reached_from_the_readme() -> None:
    reached: set[Path] = set()
    waiting = [HOUSE / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        paths = [target(page, link) for link in links(page)]
        waiting += [path / "README.md" if path.is_dir() else path for path in paths]
    assert set((HOUSE / "docs").rglob("*.md")) - reached == set()


@pytest.mark.parametrize("layer", ROOMS)
def test_the_map_shows_every_room_in_the_order_that_imports_keep(layer: str) -> None:
    contributing = (HOUSE / "CONTRIBUTING.md").read_text("utf-8")
    _, _, section = contributing.partition(f"**`{layer}/`: ")
    rows = re.findall(r"^\| (`.*?) \|", section.split("\n\n")[1], re.MULTILINE)
    shown = [
        re.sub(r"/$|\.py$", "", name) for row in rows for name in re.findall(r"`([^`]+)`", row)
    ]
    contracts = tomllib.loads((HOUSE / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
    (order,) = [
        contract["layers"]
        for contract in contracts["contracts"]
        if contract.get("containers") == [layer]
    ]
    height = {room: step for step, rooms in enumerate(order) for room in re.findall(r"\w+", rooms)}
    assert sorted(shown) == sorted(height)
    assert [height[room] for room in shown] == sorted(height.values())


def test_every_one_place_is_there() -> None:
    contributing = (HOUSE / "CONTRIBUTING.md").read_text("utf-8")
    table = contributing[contributing.index("### The one place") :].partition("\n### ")[0]
    paths = re.findall(r"`((?:features|training|serving|tests)/[\w/.]*)`", table)
    assert len(paths) > 10
    assert [path for path in paths if not (HOUSE / path).exists()] == []
