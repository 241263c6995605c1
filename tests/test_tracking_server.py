"""A real tracking server, on PostgreSQL: registered there, scored anywhere.

Whoever loads the champion has the packages that it names and what was logged, nothing of this
checkout.
"""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest
from mlflow.pyfunc import get_model_dependencies
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from features.settings import Settings
from trained_company import TARGET, House, built
from training.learning.matrix import tabular
from training.registry import tracking

NAME = "small-shop-churn"
PATIENCE = 120
SCORE = """
import json, sys
import mlflow, pandas as pd
model = mlflow.pyfunc.load_model("models:/small-shop-churn@champion")
answered = model.predict(pd.read_json(sys.argv[1], orient="split", dtype=False))
import training
print(json.dumps({"code": training.__file__, "rows": answered.to_dict("records")}))
"""


def answers(address: str) -> bool:
    """Return whether the server at `address` is up."""
    try:
        with urllib.request.urlopen(f"{address}/health", timeout=1) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


@pytest.fixture
def server(postgres_url: str, tmp_path: Path, free_port: int) -> Iterator[str]:
    """Yield the address of a tracking server with its store in PostgreSQL."""
    store = postgres_url.replace("postgresql://", "postgresql+psycopg://")
    options = ["--backend-store-uri", store, "--artifacts-destination", str(tmp_path / "artifacts")]
    address = ["--host", "127.0.0.1", "--port", str(free_port), "--workers", "1"]
    with (tmp_path / "server.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", "server", *options, *address],
            stdout=log,
            stderr=log,
            start_new_session=True,
            # A registry needs none of the dozen processes that wait for the server's own jobs.
            env=os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
        )
    try:
        wait_for(f"http://127.0.0.1:{free_port}", process, tmp_path / "server.log")
        yield f"http://127.0.0.1:{free_port}"
    finally:
        process.terminate()
        process.wait()


def wait_for(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Return when the server answers; fail where it ended, with what it said."""
    for _ in range(PATIENCE):
        if answers(address):
            return
        try:
            process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            continue
        pytest.fail(f"the tracking server ended: {log.read_text()}")
    pytest.fail(f"the tracking server never answered: {log.read_text()}")


def environment_of(requirements: Path, folder: Path) -> Path:
    """Link what the requirements name, and what that needs, from this environment to `folder`."""
    folder.mkdir()
    waiting = [Requirement(line).name for line in requirements.read_text("utf-8").splitlines()]
    seen: set[str] = set()
    while waiting:
        if (name := canonicalize_name(waiting.pop())) in seen:
            continue
        seen.add(name)
        package = distribution(name)
        needed = [Requirement(line) for line in package.requires or ()]
        waiting += [item.name for item in needed if not item.marker or item.marker.evaluate()]
        for top in {file.parts[0] for file in package.files or ()} - {"..", "__pycache__"}:
            if not (folder / top).exists():
                (folder / top).symlink_to(str(package.locate_file(top)))
    return folder


def scored_elsewhere(address: str, rows: Path, folder: Path) -> dict[str, Any]:
    """Return what a process says that has what the model names and the server, nothing of ours."""
    folder.mkdir()
    named = get_model_dependencies(f"models:/{NAME}@champion")  # type: ignore[no-untyped-call]
    requirements = Path(named)
    environment = {
        "MLFLOW_TRACKING_URI": address,
        "PYTHONPATH": str(environment_of(requirements, folder / "packages")),
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "HOME": str(folder),
        "PATH": "/usr/bin:/bin",
    }
    # Without `site` nobody reads the environment's link to this checkout.
    command = [sys.executable, "-S", "-W", "ignore", "-c", SCORE, str(rows)]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_a_server_holds_the_model_and_any_process_scores_with_it(
    server: str, trained: House, tmp_path: Path
) -> None:
    house = trained.copy(tmp_path / "company")
    settings = Settings(tracking_uri=server)
    artifact = house.trained.artifact
    assert tracking.register(artifact, house.company, settings)[:2] == (NAME, "1")
    promoted = tracking.promote(house.company, TARGET, settings=settings)
    assert (promoted.version, promoted.digest) == ("1", artifact.digest)

    columns = [*(item.name for item in tabular(artifact.features)), "history_days"]
    frame = built(house.company).table.select(columns).to_pandas().head(20)
    frame.to_json(tmp_path / "rows.json", orient="split")
    with tracking.client(house.company, settings) as mlflow:
        found = scored_elsewhere(server, tmp_path / "rows.json", tmp_path / "elsewhere")
        here = mlflow.pyfunc.load_model(f"models:/{NAME}@champion").predict(frame)
    assert not Path(found["code"]).is_relative_to(Path(__file__).parent.parent)
    probabilities = [row["churn_probability"] for row in found["rows"]]
    assert probabilities == pytest.approx(here["churn_probability"].tolist(), abs=1e-9, nan_ok=True)
