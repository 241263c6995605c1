"""The service as it runs: real BentoML processes on a real port, from start to end."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import served_cases as cases
from features.declaring.company import Company

ROOT = Path(__file__).parents[1]
PATIENCE = 120
READY = re.compile(r"Churnlight is ready: (http://\S+)")
UP = re.compile(r"Service churnlight initialized")
ENDED = "Service instance cleanup finalized"
BENTOML_PATHS = (
    "/docs.json",
    "/schema.json",
    "/healthz",
    "/assets/main.js",
    "/static_content/index.css",
    "/static_content/../../app.py",
    "/predict",
)


@dataclass
class Server:
    """A running process, and what it has said so far."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)

    def until(self, pattern: re.Pattern[str]) -> re.Match[str]:
        """Read what the process says until it says `pattern`."""
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.append(line)
            if found := pattern.search(line):
                return found
        pytest.fail(f"ended before it said {pattern.pattern!r}:\n{self.said}")

    def drain(self) -> Thread:
        """Go on reading, so that the process never waits for a reader."""
        assert self.process.stdout
        thread = Thread(target=self.lines.extend, args=(self.process.stdout,), daemon=True)
        thread.start()
        return thread

    @property
    def said(self) -> str:
        """Everything that was said so far."""
        return "".join(self.lines)


def environment(**more: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("CHURNLIGHT_")}
    return kept | more


def terminate(process: subprocess.Popen[str]) -> None:
    process.terminate()


def press_ctrl_c(process: subprocess.Popen[str]) -> None:
    """Do what a terminal does: every process of the group gets the signal."""
    os.killpg(process.pid, signal.SIGINT)


@contextmanager
def started(
    command: list[str],
    ready: re.Pattern[str],
    end: Callable[[subprocess.Popen[str]], None] = terminate,
    **more: str,
) -> Iterator[Server]:
    """Yield a server in its own process group; end it, and see that it ended cleanly."""
    with subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        env=environment(**more),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        server = Server(process)
        try:
            server.until(ready)
            reader = server.drain()
            yield server
            workers = children(process)
        finally:
            end(process)
            process.wait(PATIENCE)
        reader.join(PATIENCE)
    assert process.returncode == 0, server.said
    assert ENDED in server.said
    assert "Traceback" not in server.said
    assert workers
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)


def serve(company: Company, port: int) -> list[str]:
    return ["serving.cli", "serve", "--company", str(company.folder), "--port", str(port)]


def children(process: subprocess.Popen[str]) -> list[int]:
    found = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return [int(pid) for pid in found]


@pytest.fixture(scope="module")
def company(served: Company) -> Company:
    return served


@pytest.fixture(scope="module")
def port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        found: int = listener.getsockname()[1]
        return found


@pytest.fixture(scope="module")
def server(company: Company, port: int) -> Iterator[Server]:
    with started(serve(company, port), READY) as running:
        yield running


@pytest.fixture(scope="module")
def client(server: Server, port: int) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as opened:
        yield opened


def problem(response: httpx.Response, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = response.json()
    return found


def test_it_says_its_address_once_it_is_ready(server: Server, port: int) -> None:
    assert f"Churnlight is ready: http://127.0.0.1:{port}\n" in server.said


def test_it_is_alive_and_ready(client: httpx.Client, company: Company) -> None:
    assert client.get("/livez").json() == {"status": "alive"}
    found = client.get("/readyz").json()
    model = found["targets"]["churn"]["model"]
    assert (model["version"], model["digest"]) == ("7", cases.artifact(company).digest)


def test_it_scores(client: httpx.Client) -> None:
    body = {"accounts": [{"account_id": "a-001"}, {"features": {"recency__all": 12}}]}
    first, second = client.post("/v1/score", json=body).json()["scores"]
    published = client.get("/v1/accounts/a-001").json()
    assert first["health_score"] == published["health_score"]
    assert second["band"] in ("red", "yellow", "green")


def test_it_serves_the_pages(client: httpx.Client) -> None:
    for path in ("/", "/accounts/a-001", "/static/churnlight.css", "/static/bands.css"):
        response = client.get(path)
        assert response.status_code == 200
        assert "default-src 'none'" in response.headers["content-security-policy"]
    assert "Harbour Books" in client.get("/").text


@pytest.mark.parametrize("path", BENTOML_PATHS)
def test_bentoml_s_own_addresses_are_not_served(client: httpx.Client, path: str) -> None:
    assert problem(client.get(path), 404)["title"]


def test_a_large_body_is_refused_while_it_is_sent(client: httpx.Client, port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.putrequest("POST", "/v1/score")
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", str(10**12))
    connection.endheaders(b"[")
    response = connection.getresponse()
    assert response.status == 413
    assert json.loads(response.read())["status"] == 413
    connection.close()


def test_a_chunked_body_is_bounded_too(client: httpx.Client) -> None:
    chunks = (b" " * 65536 for _ in range(32))
    headers = {"content-type": "application/json"}
    problem(client.post("/v1/score", content=chunks, headers=headers), 413)


def test_head_has_no_body(port: int, server: Server) -> None:
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as wire:
        wire.sendall(b"HEAD /v1/accounts HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = b"".join(iter(lambda: wire.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    assert int(re.findall(rb"(?i)content-length: (\d+)", head)[0]) > 1000
    assert body == b""


@pytest.mark.parametrize("host", ["evil.example", "localhost:1:2", "127.0.0.1.evil.example"])
def test_another_host_name_is_refused(client: httpx.Client, host: str) -> None:
    problem(client.get("/v1/accounts", headers={"host": host}), 421)


bodies = st.one_of(
    st.binary(max_size=200),
    st.text(max_size=100).map(str.encode),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["accounts", "account_id", "features", "target", "spend__90d"]),
                inner,
            )
        ),
    ).map(lambda content: json.dumps(content).encode()),
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=bodies, media=st.sampled_from(["application/json", "text/plain", "application/pickle"]))
def test_whatever_is_sent_the_answer_is_a_problem_and_never_a_500(
    client: httpx.Client, body: bytes, media: str
) -> None:
    response = client.post("/v1/score", content=body, headers={"content-type": media})
    if response.status_code != 200:
        assert response.status_code in (400, 404, 415, 422)
        problem(response, response.status_code)


def test_no_account_is_named_in_the_log(server: Server, client: httpx.Client) -> None:
    assert client.get("/accounts/a-001").status_code == 200
    assert client.get("/v1/accounts/a-001").status_code == 200
    assert client.get("/accounts/nobody-here").status_code == 404
    assert "a-001" not in server.said
    assert "nobody-here" not in server.said


def test_nothing_failed_on_the_way(server: Server, client: httpx.Client) -> None:
    assert client.get("/livez").status_code == 200
    assert "Traceback" not in server.said


def test_a_token_guards_every_interface(company: Company, free_port: int) -> None:
    command = [*serve(company, free_port), "--host", "0.0.0.0"]
    base = f"http://127.0.0.1:{free_port}"
    with started(command, READY, press_ctrl_c, CHURNLIGHT_TOKEN="open-sesame"):
        assert httpx.get(f"{base}/readyz", trust_env=False).status_code == 200
        problem(httpx.get(f"{base}/v1/accounts", trust_env=False), 401)
        allowed = httpx.get(f"{base}/", auth=("me", "open-sesame"), trust_env=False)
        assert allowed.status_code == 200
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", free_port))


def test_bentoml_serves_it_by_its_name(company: Company, free_port: int) -> None:
    command = ["bentoml", "serve", "serving.service:Churnlight", "--host", "127.0.0.1"]
    command += ["--port", str(free_port)]
    base = f"http://127.0.0.1:{free_port}"
    with started(command, UP, CHURNLIGHT_COMPANY=str(company.folder)):
        assert httpx.get(f"{base}/readyz", trust_env=False).status_code == 200
        assert "churnlight_" in httpx.get(f"{base}/metrics", trust_env=False).text
        problem(httpx.get(f"{base}/docs.json", trust_env=False), 404)


def ended(command: list[str], **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        env=environment(**more),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


@pytest.mark.parametrize("verb", ["serve", "demo"])
def test_a_port_in_use_ends_the_command_before_any_work(verb: str, tmp_path: Path) -> None:
    declared = cases.declare(tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        command = ["serving.cli", verb, "--company", str(declared.folder), "--port", str(port)]
        done = ended(command)
    assert done.returncode == 1
    assert f"127.0.0.1:{port} is in use" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (declared.folder / ".churnlight").exists()


@pytest.mark.parametrize("host", ["0.0.0.0"])
def test_an_open_host_without_a_token_is_refused(
    company: Company, free_port: int, host: str
) -> None:
    done = ended([*serve(company, free_port), "--host", host])
    assert done.returncode == 2
    assert "CHURNLIGHT_HOST" in done.stderr
    assert "Traceback" not in done.stderr


def test_nothing_promoted_is_said(tmp_path: Path, free_port: int) -> None:
    done = ended(serve(cases.declare(tmp_path), free_port))
    assert done.returncode == 5
    assert "churnlight" in done.stderr
    assert "Traceback" not in done.stderr


PROBE = """
import sys
from starlette.testclient import TestClient
from serving.service import Port, Worker
Worker()
client = TestClient(Port.application, base_url="http://localhost")
body = {"accounts": [{"account_id": "a-001"}, {"features": {"recency__all": 3}}]}
assert client.post("/v1/score", json=body).status_code == 200
assert client.get("/").status_code == 200
assert client.get("/readyz").status_code == 200
found = {"mlflow", "shap", "duckdb"} & set(sys.modules)
sys.exit(f"imported: {sorted(found)}" if found else 0)
"""


def test_the_worker_imports_no_mlflow_and_no_shap(company: Company, tmp_path: Path) -> None:
    probe = tmp_path / "probe.py"
    probe.write_text(PROBE, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(probe)],
        cwd=ROOT,
        env=environment(CHURNLIGHT_COMPANY=str(company.folder), PYTHONPATH=str(ROOT)),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
