"""What a page of 500 accounts costs next to its own JSON, and one score next to bare prediction.

Its one rule: requests go through the whole application (guard, routing, rendering) in this
process and without a network, the compared ones in turn; ratios are of medians of one run.
"""

import argparse
import asyncio
import json
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp, Message

from benchmarks.instruments.copies import copied
from benchmarks.instruments.processes import load
from features.declaring import declaration
from features.settings import Settings
from serving.application import application, warm
from serving.batch import demonstration
from serving.published.book import Book
from training.learning.matrix import matrix

ROUNDS, SCORES = 15, 300
PAGE = "GET /?size=500"
JSON = "GET /v1/accounts?limit=500"
WITH_DRIVERS = "GET /v1/accounts?limit=500&drivers=true"
SCORE = "POST /v1/score"
BARE = "predict of the boosters"


class Client:
    """Asks an ASGI application, one request after the other."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._loop = asyncio.new_event_loop()

    def ask(self, request: str, body: bytes = b"") -> bytes:
        """The body of the answer to `request` ("GET /path?query"), which must be 200."""
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            sent.append(message)

        self._loop.run_until_complete(self._app(_scope(request), receive, send))
        if sent[0]["status"] != 200:
            raise SystemExit(f"{request} was answered with {sent[0]['status']}")
        return b"".join(message.get("body", b"") for message in sent[1:])


def _scope(request: str) -> dict[str, Any]:
    method, _, address = request.partition(" ")
    path, _, query = address.partition("?")
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(b"host", b"localhost"), (b"content-type", b"application/json")],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 3000),
    }


def medians(actions: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median milliseconds of each action, all of them in turn, after one round unmeasured."""
    took: dict[str, list[float]] = {name: [] for name in actions}
    for _ in range(rounds + 1):
        for name, action in actions.items():
            began = time.perf_counter()
            action()
            took[name].append(1000 * (time.perf_counter() - began))
    return {name: statistics.median(found[1:]) for name, found in took.items()}


def page_and_json(client: Client) -> dict[str, Any]:
    """The page of 500 accounts and its JSON, without and with drivers."""
    took = medians(
        {
            PAGE: lambda: client.ask(PAGE),
            JSON: lambda: client.ask(JSON),
            WITH_DRIVERS: lambda: client.ask(WITH_DRIVERS),
        },
        ROUNDS,
    )
    return {
        "milliseconds": took,
        "kib": {request: len(client.ask(request)) // 1024 for request in took},
        "page_over_json": took[PAGE] / took[JSON],
        "page_over_json_with_drivers": took[PAGE] / took[WITH_DRIVERS],
    }


def one_score(client: Client, book: Book) -> dict[str, Any]:
    """One account by `POST /v1/score`, and the bag's bare `predict` and TreeSHAP on its row."""
    edition = book.edition(book.targets[0])
    artifact = book.artifact(edition.target)
    row = matrix(edition.features.slice(0, 1), artifact.features)
    account = {"account_id": edition.column("account_id")[0].as_py()}
    body = json.dumps({"accounts": [account]}).encode()
    took = medians(
        {
            SCORE: lambda: client.ask(SCORE, body),
            "GET /livez": lambda: client.ask("GET /livez"),
            BARE: lambda: artifact.margins(row),
            "contributions of the boosters": lambda: artifact.contributions(row),
        },
        SCORES,
    )
    return {"milliseconds": took, "score_over_predict": took[SCORE] / took[BARE]}


def measured(folder: Path) -> dict[str, Any]:
    """All figures of the company in `folder`, whose scores are published."""
    book = Book.open(declaration.load(folder), Settings.read())
    warm(book)
    client = Client(application(book))
    return {
        "pages": page_and_json(client),
        "score": one_score(client, book),
        "accounts": len(book.edition(book.targets[0])),
        "load": load(),
    }


def shown(found: dict[str, Any]) -> str:
    """The figures as text."""
    pages, score = found["pages"], found["score"]
    lines = [f"of {found['accounts']:,} accounts, {found['load']}"]
    lines += [
        f"  {request:<42}{ms:>9.2f} ms{pages['kib'][request]:>8,} KiB"
        for request, ms in pages["milliseconds"].items()
    ]
    over, over_drivers = pages["page_over_json"], pages["page_over_json_with_drivers"]
    lines.append(f"  page over its JSON {over:.2f}×, with drivers {over_drivers:.2f}×")
    lines += [f"  {request:<42}{ms:>9.2f} ms" for request, ms in score["milliseconds"].items()]
    lines.append(f"  {SCORE} over bare predict {score['score_over_predict']:.1f}×")
    return "\n".join(lines)


def main() -> None:
    """Measures a published company, by default a fresh copy of cdnow after its demo."""
    asked = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    asked.add_argument("--company", type=Path, help="folder of a company with published scores")
    asked.add_argument("--json", action="store_true")
    given = asked.parse_args()
    with ExitStack() as stack:
        folder = given.company
        if folder is None:
            folder = stack.enter_context(copied("cdnow"))
            demonstration.run(folder, settings=Settings.read(), progress=_tell)
        found = measured(folder)
    print(json.dumps(found, indent=2) if given.json else shown(found))


def _tell(step: str) -> None:
    print(step, file=sys.stderr)


if __name__ == "__main__":
    main()
