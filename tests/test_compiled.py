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


def test_a_kernel_is_compiled_anew_when_what_it_calls_has_changed(tmp_path: Path) -> None:
    package = tmp_path / "features"
    (package / "folding").mkdir(parents=True)
    shutil.copy(ROOT / "features" / "folding" / "compiled.py", package / "folding")
    (package / "__init__.py").touch()
    (package / "folding" / "__init__.py").touch()
    (package / "outer.py").write_text(OUTER)

    def answer(added: int) -> str:
        (package / "inner.py").write_text(INNER.format(added))
        command = [sys.executable, "-c", ASK]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    assert [answer(1), answer(1), answer(20)] == ["2 0", "2 1", "21 0"]
