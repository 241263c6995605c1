"""Copies of the examples to work in, so that a benchmark finds nothing done and leaves nothing."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples"


class NoData(Exception):
    """An example's data cannot be had without the user; the message says how to get it."""


@contextmanager
def copied(name: str) -> Iterator[Path]:
    """A copy of the example `name` with its data and without a workspace, gone afterwards.

    Raises
    ------
    NoData
        Its data are not there and `get_data.py` alone does not bring them.
    """
    with tempfile.TemporaryDirectory(prefix="churnlight-") as place:
        folder = Path(place) / name
        shutil.copytree(
            EXAMPLES / name, folder, ignore=shutil.ignore_patterns(".churnlight", "__pycache__")
        )
        if not any((folder / "data").glob("*.parquet")):
            _fetch(folder)
        yield folder


def _fetch(folder: Path) -> None:
    command = [sys.executable, str(folder / "get_data.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoData(f"{folder.name}: {done.stderr.strip()} (see examples/{folder.name}/README.md)")
