"""The page of reports: it needs nothing, says everything in words, and never varies."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from axe_playwright_python.sync_playwright import Axe
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import Page as BrowserPage

import report_cases
from training.metrics.measured import UNKNOWN, Measured
from training.metrics.proportion import Proportion
from training.reporting.page import (
    Figure,
    Key,
    List,
    Note,
    Page,
    Section,
    Table,
    light,
    render,
    shares,
    with_interval,
    write,
)

HOSTILE = '<script>alert("x")</script> & "quoted"'


def page_of(figures: list[Figure]) -> Page:
    """Return a page with every kind of part."""
    rows = [["AUC", with_interval(Measured(0.7, 0.65, 0.75))], [HOSTILE, "–"]]
    bands = [[light(band), "3"] for band in ("red", "yellow", "green", "unscored")]
    return Page(
        "Model report",
        HOSTILE,
        sections=[
            Section("Quality", HOSTILE, Table("Measures", ["measure", "value"], rows, HOSTILE)),
            Section("Figures", *figures),
            Section("Bands", Table("Bands", ["band", "accounts"], bands), List([HOSTILE])),
        ],
        lead="What was learnt.",
        keys=[Key("AUC", "0.700", "0.65 to 0.75"), Key("ECE", "0.02")],
        notes=[Note("Promote.", "good"), Note("Wait.", "caution"), Note("Keep.", "bad")],
        foot=HOSTILE,
        simulated=True,
    )


@pytest.fixture(scope="module")
def page() -> Page:
    return page_of(report_cases.figures())


@pytest.fixture(scope="module")
def html(page: Page) -> str:
    return render(page)


class Reader(HTMLParser):
    """The tags of a page with their attributes."""

    def __init__(self, text: str) -> None:
        """Reads `text`."""
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Keeps the tag."""
        self.tags.append((tag, dict(attributes)))


def test_the_page_is_the_same_bytes_when_it_is_made_again(html: str, tmp_path: Path) -> None:
    again = page_of(report_cases.figures())
    assert render(again) == html
    write(again, tmp_path / "report.html")
    assert (tmp_path / "report.html").read_text("utf-8") == html


def test_the_page_asks_for_nothing_beside_itself(html: str) -> None:
    tags = Reader(html).tags
    assert {tag for tag, _ in tags}.isdisjoint({"script", "link", "img", "iframe", "object"})
    assert "://" not in html
    assert "@import" not in html
    for name in ("href", "src"):
        told = [attributes[name] for _, attributes in tags if name in attributes]
        assert all(value and value.startswith("#") for value in told)


def test_every_reference_of_the_page_finds_one_name(html: str) -> None:
    names = [attributes["id"] for _, attributes in Reader(html).tags if "id" in attributes]
    assert len(names) == len(set(names))
    assert set(re.findall(r"(?:url\(|href=\")#([^)\"]+)", html)) <= set(names)


def test_text_stays_text(html: str) -> None:
    assert "<script>" not in html
    assert html.count("&lt;script&gt;") >= 6


def test_every_figure_is_told_in_words_and_every_table_has_headers(page: Page, html: str) -> None:
    tags = Reader(html).tags
    told = [attributes["aria-label"] for tag, attributes in tags if attributes.get("role") == "img"]
    assert told == [figure.alt for figure in page.figures]
    assert [tag for tag, _ in tags].count("table") == [tag for tag, _ in tags].count("caption")
    assert {attributes["scope"] for tag, attributes in tags if tag == "th"} == {"col", "row"}


def test_a_figure_by_itself_is_a_whole_drawing_without_a_date(page: Page) -> None:
    for figure in page.figures:
        assert ElementTree.fromstring(figure.svg).tag.endswith("svg")
        assert "dc:date" not in figure.svg
        assert "matplotlib.org" not in figure.svg
        assert len(figure.svg) < 100_000
        assert figure.width == 490


def test_a_drawing_that_cannot_be_scaled_is_refused(page: Page) -> None:
    drawing = replace(page.figures[0], svg="<svg></svg>")
    with pytest.raises(ValueError, match="without viewBox"):
        render(page_of([drawing]))


@pytest.mark.parametrize("browser_page", [1280, 390], indirect=True)
def test_axe_finds_nothing_and_nothing_runs_out_of_the_page(
    browser_page: BrowserPage, html: str
) -> None:
    browser_page.set_content(html)
    for closed in browser_page.locator("summary").all():
        closed.click()
    found = Axe().run(browser_page)
    assert found.violations_count == 0, found.generate_report()
    width = browser_page.evaluate("document.documentElement.scrollWidth")
    assert width <= browser_page.evaluate("innerWidth")


def test_what_cells_say() -> None:
    assert with_interval(Measured(-0.0001, -0.1, 1234.5)) == "0.000 (−0.100 to 1,234.500)"
    assert with_interval(Measured(0.5, None, None)) == "0.500"
    assert shares(Measured(0.614, 0.5, 0.7)) == "61% (50% to 70%)"
    assert shares(Measured(None, None, None)) == "–"


@given(st.integers(0, 400), st.integers(0, 400))
def test_a_proportion_lies_in_its_interval_and_one_of_nothing_is_unknown(a: int, b: int) -> None:
    found = Proportion(min(a, b), max(a, b))
    if not found.count:
        assert found.measured == UNKNOWN
        return
    assert found.value is not None
    assert found.low is not None
    assert found.high is not None
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert (found.low == 0) == (found.events == 0)
    assert (found.high == 1) == (found.events == found.count)


def test_the_interval_of_a_proportion_is_the_exact_one() -> None:
    # Clopper & Pearson's own kind of example: of 10, none, and of 20, five.
    assert Proportion(0, 10).high == pytest.approx(0.3085, abs=1e-4)
    assert Proportion(5, 20).low == pytest.approx(0.0866, abs=1e-4)
    assert Proportion(5, 20).high == pytest.approx(0.4910, abs=1e-4)
