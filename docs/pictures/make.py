"""Takes the pictures of the README from a company whose scores are published.

    make pictures                                    # runs the demo first where it was not run
    python docs/pictures/make.py --company examples/saas

Shows the list of accounts, and the account that stands first in it, as a browser shows them.
"""

import argparse
import io
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import uvicorn
from PIL import Image
from playwright.sync_api import sync_playwright

from features.declaring import declaration
from features.settings import Settings
from serving.application import application, warm
from serving.published.book import Book

if TYPE_CHECKING:
    from playwright.sync_api import Page

HERE = Path(__file__).parent
WIDTH, HEIGHT = 1280, 900
SCALE = 1.5
QUALITY = 82
CHROMIUM_ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"]


@contextmanager
def served(company: Path) -> Iterator[str]:
    """Serves the company on a free port of this machine; yields the address."""
    book = Book.open(declaration.load(company), Settings.read())
    warm(book)
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(application(book), log_level="warning"))
    thread = Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


def take(page: "Page", name: str) -> None:
    """Writes what the window shows to `name`.webp beside this file."""
    picture = Image.open(io.BytesIO(page.screenshot()))
    path = HERE / f"{name}.webp"
    picture.save(path, "WEBP", quality=QUALITY, method=6)
    print(f"{path}: {path.stat().st_size // 1024} KiB")


def main() -> None:
    """Takes both pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--company", type=Path, default=Path("examples/saas"))
    company = parser.parse_args().company
    with served(company) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=CHROMIUM_ARGUMENTS
        )
        page = browser.new_page(
            viewport={"width": WIDTH, "height": HEIGHT}, device_scale_factor=SCALE
        )
        page.goto(address)
        take(page, "list")
        page.locator("main tbody a[href^='/accounts/']").first.click()
        page.wait_for_load_state()
        take(page, "account")
        browser.close()


if __name__ == "__main__":
    main()
