"""`churnlight` in a process of its own, which is forked where importing ends.

Importing costs more than most commands do, so one process imports for all and forks for each. That
the installed command itself starts is left to the tests of its help and of the README.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path

IMPORTED = (
    "lightgbm",
    "mlflow",
    "serving.batch.scoring_run",
    "serving.cli",
    "training.registry.tracking",
    "training.train",
)
STDOUT, STDERR = 1, 2
FORKS = get_context("forkserver")
FORKS.set_forkserver_preload([*IMPORTED])

Done = subprocess.CompletedProcess[str]


def churnlight(
    *words: object, before: Callable[[], object] | None = None, **environment: str
) -> Done:
    """Run the command with `environment` on top of this process's; its process calls `before`."""
    said = [str(word) for word in words]
    variables = os.environ | {"COLUMNS": "100"} | environment
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder, name) for name in ("stdout", "stderr")]
        process = FORKS.Process(target=_main, args=(said, dict(variables), files, before))
        process.start()
        process.join()
        stdout, stderr = (file.read_text("utf-8") for file in files)
        code = process.exitcode
    assert code is not None
    return Done(said, code, stdout, stderr)


def _main(
    words: list[str],
    environment: dict[str, str],
    files: list[Path],
    before: Callable[[], object] | None,
) -> None:
    for number, file in zip((STDOUT, STDERR), files, strict=True):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT), number)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["churnlight", *words]
    from serving.cli import main

    if before is not None:
        before()
    main()
