"""The pages in a real browser: accessibility, keyboard, phone, and no JavaScript."""

import re
import socket
from collections.abc import Iterator
from threading import Thread

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, ViewportSize, expect

import page_cases
from serving.application import application
from serving.published.book import Book


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    """Return the book of the invented company."""
    company = page_cases.declare(tmp_path_factory.mktemp("sundial"))
    return page_cases.publish(company, targets=("churn", "expansion"), promoted=False)


@pytest.fixture(scope="module")
def site(book: Book) -> Iterator[str]:
    """Yield the address of the pages behind a real server."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(application(book), log_level="warning"))
    thread = Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join()


TABLET: ViewportSize = {"width": 1024, "height": 900}
LOOKED_AT = {
    "portfolio": "/",
    "everything": "/?status=all&page=2",
    "account": "/accounts/northwind",
    "clipped": "/accounts/clipped-high",
    "not scored": "/accounts/newcomer",
    "mistake": "/?status=blue",
    "opportunities": "/opportunities?show=all",
    "opportunity": "/accounts/seventy",
}


@pytest.mark.parametrize("browser_page", [1280, 390], indirect=True)
@pytest.mark.parametrize("address", LOOKED_AT.values(), ids=LOOKED_AT)
def test_axe_finds_nothing_and_nothing_runs_out_of_the_page(
    browser_page: Page, site: str, address: str
) -> None:
    browser_page.goto(site + address)
    for closed in browser_page.locator("summary").all():
        closed.click()
    found = Axe().run(browser_page)
    assert found.violations_count == 0, found.generate_report()
    assert_nothing_runs_out(browser_page)
    browser_page.set_viewport_size(TABLET)
    assert_nothing_runs_out(browser_page)


def assert_nothing_runs_out(page: Page) -> None:
    """The page is no wider than its window."""
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_browser_applies_the_stylesheet_and_blocks_nothing(
    browser_page: Page, site: str
) -> None:
    complaints: list[str] = []
    browser_page.on("console", lambda message: complaints.append(message.text))
    browser_page.on("dialog", lambda dialog: complaints.append(dialog.message))
    for address in ("/?size=500", "/accounts/script"):
        browser_page.goto(site + address)
        badge = browser_page.locator("main .badge.red").first
        expect(badge).to_have_css("color", "rgb(160, 16, 40)")
    assert complaints == []


def test_an_account_is_reached_by_keyboard_alone(browser_page: Page, site: str) -> None:
    browser_page.goto(f"{site}/?q=northwind")
    browser_page.keyboard.press("Tab")
    expect(browser_page.get_by_role("link", name="Skip to content")).to_be_focused()
    browser_page.keyboard.press("Enter")
    link = browser_page.get_by_role("link", name="Northwind Logistics")
    for _ in range(20):
        browser_page.keyboard.press("Tab")
        if link.evaluate("item => item === document.activeElement"):
            break
    expect(link).to_be_focused()
    assert link.evaluate("item => getComputedStyle(item).outlineStyle") == "solid"
    browser_page.keyboard.press("Enter")
    expect(browser_page.get_by_role("heading", level=1)).to_have_text("Northwind Logistics")


def test_the_form_works_without_javascript(browser: Browser, site: str) -> None:
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(site)
    page.get_by_label("Status", exact=True).select_option("red")
    page.get_by_label("Sort by", exact=True).select_option("name")
    page.get_by_role("button", name="Apply").click()
    assert set(page.locator("td.status").all_inner_texts()) == {"At risk"}
    expect(page.get_by_label("Status", exact=True)).to_have_value("red")
    page.context.close()


def test_on_a_phone_every_row_is_a_card_that_names_its_figures(browser: Browser, site: str) -> None:
    page = browser.new_context(viewport={"width": 390, "height": 844}).new_page()
    page.goto(f"{site}/?q=northwind")
    cell = page.locator("td.score")
    assert cell.evaluate("cell => getComputedStyle(cell, '::before').content") == '"Score"'
    assert page.get_by_role("row").count() == 2
    page.context.close()


def test_the_number_on_both_pages_is_the_same(browser_page: Page, site: str) -> None:
    browser_page.goto(f"{site}/?q=northwind")
    row = browser_page.get_by_role("row", name="Northwind").inner_text()
    browser_page.get_by_role("link", name="Northwind Logistics").click()
    head = browser_page.locator(".summary").inner_text()
    assert "At risk" in row
    assert "At risk" in head
    assert re.search(r"\b31\b", row)
    assert re.search(r"\b31\b\s*/ 100", head)
