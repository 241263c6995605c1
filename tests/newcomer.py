"""The README's main job, done in an empty clone as a newcomer would: JSON and a page at the end."""

import json
import os
import re
import signal
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

HOUSE = Path(__file__).parent.parent
MINUTES = 60
LIMIT = 10 * MINUTES


def empty_clone(folder: Path) -> Path:
    """Return a clone of the last commit in `folder`, in which nothing is set up."""
    place = folder / "churnlight"
    subprocess.run(["git", "clone", "--quiet", str(HOUSE), str(place)], check=True)
    return place


@contextmanager
def running(command: str, clone: Path) -> Iterator[tuple[str, str]]:
    """The command in the foreground until the service says its address; then Ctrl-C.

    Yields what was printed until then, and the address.
    """
    set_by_us = ("CHURNLIGHT_", "MAKE", "MFLAGS")
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(set_by_us)
    }
    process = subprocess.Popen(
        command.split(),
        cwd=clone,
        env=environment | {"CHURNLIGHT_PORT": str(_unused_port())},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        yield _until_ready(process)
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=LIMIT)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def _until_ready(process: subprocess.Popen[str]) -> tuple[str, str]:
    printed: list[str] = []
    assert process.stdout is not None
    for line in process.stdout:
        printed.append(line)
        if found := re.search(r"is ready: (http\S+)", line):
            return "".join(printed), found[1]
    pytest.fail("the command ended before the service was ready:\n" + "".join(printed[-40:]))


def ask(address: str, body: object = None) -> str:
    """The answer of the service to a GET, or to a POST of JSON."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=MINUTES) as answer:
        return str(answer.read().decode())


def commands() -> list[str]:
    """The commands of the README's first code block of shell."""
    block = re.search(r"```sh\n(.*?)```", (HOUSE / "README.md").read_text("utf-8"), re.S)
    assert block is not None
    return [line.partition("#")[0].strip() for line in block[1].splitlines()]


def do_the_main_job(clone: Path, company: str, command: str) -> None:
    """Run the README's command; then ask the service for the worst account, its score and page."""
    with running(command, clone) as (printed, address):
        assert "At risk" in printed
        first = json.loads(ask(f"{address}/v1/accounts?band=red&limit=1"))["accounts"][0]
        body = {"accounts": [{"account_id": first["account_id"]}], "drivers": True}
        score = json.loads(ask(f"{address}/v1/score", body))["scores"][0]
        page = ask(f"{address}/accounts/{first['account_id']}")
        listed = ask(f"{address}/?q={first['account_id']}")
    total = score["base_points"] + sum(driver["health_points"] for driver in score["drivers"])
    assert total == pytest.approx(score["health_score_unclipped"], abs=1e-9)
    assert score["health_score"] == first["health_score"]
    assert "At risk" in page
    assert f"/accounts/{first['account_id']}" in listed
    assert ("Simulated data" in page) == (company == "examples/saas")
    assert _published(clone / company) == 13


def _published(company: Path) -> int:
    return len(json.loads((company / ".churnlight/scores/current.json").read_text("utf-8")))


def _unused_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
