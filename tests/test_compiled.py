"""Machine code that is kept from one process to the next."""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]

INNER = "from features.folding.compiled import compiled\n@compiled\ndef inner(x): return x + {}\n"
OUTER = (
    "from features.folding.compiled import compiled\nfrom features.inner import inner\n"
    "@compiled\ndef outer(x): return inner(x)\n"
)
ASK = "from features.outer import outer; print(outer(1), sum(outer.stats.cache_hits.values()))"


SHAPES = "from typing import NamedTuple\nclass {}(NamedTuple):\n    first: int\n"
TAKER = (
    "from features.folding.compiled import compiled\n"
    "@compiled\ndef first(pair): return pair.first\n"
)
ASK_CLASS = (
    "from features.taker import first; from features.shapes import {0}; print(first({0}(7)))"
)


def package_in(folder: Path) -> Path:
    """Return a package `features` in `folder` that can compile."""
    package = folder / "features"
    (package / "folding").mkdir(parents=True)
    shutil.copy(ROOT / "features" / "folding" / "compiled.py", package / "folding")
    (package / "__init__.py").touch()
    (package / "folding" / "__init__.py").touch()
    return package


def answer(folder: Path, question: str) -> str:
    """Return what another process prints."""
    command = [sys.executable, "-c", question]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_a_kernel_is_compiled_anew_when_what_it_calls_has_changed(tmp_path: Path) -> None:
    package = package_in(tmp_path)
    (package / "outer.py").write_text(OUTER)
    found = []
    for added in (1, 1, 20):
        (package / "inner.py").write_text(INNER.format(added))
        found.append(answer(tmp_path, ASK))
    assert found == ["2 0", "2 1", "21 0"]


def test_a_kernel_outlives_a_new_name_of_its_arguments_class(tmp_path: Path) -> None:
    package = package_in(tmp_path)
    (package / "taker.py").write_text(TAKER)
    for name in ("Before", "After"):
        (package / "shapes.py").write_text(SHAPES.format(name))
        assert answer(tmp_path, ASK_CLASS.format(name)) == "7"
