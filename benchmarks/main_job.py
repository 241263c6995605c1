"""What the demo's main job costs, as a multiple of importing lightgbm, mlflow and bentoml.

Its one rule: everything is measured in fresh processes of the same run, the import before each
demo, so that a busy or a slow machine weighs on both. The job is `churnlight demo --no-serve` on
a copy of the example whose data are there: check, features for every mature month start,
training, promotion, and scoring all customers with drivers on the last 13 weeks.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.instruments.copies import EXAMPLES, NoData, copied
from benchmarks.instruments.processes import Cost, cost, load, median

REPEATS = 3
CHURNLIGHT = str(Path(sys.executable).with_name("churnlight"))
IMPORT = [sys.executable, "-c", "import lightgbm, mlflow, bentoml"]
COMPANIES = sorted(path.parent.name for path in EXAMPLES.glob("*/churnlight.toml"))


def measured(name: str) -> dict[str, Any]:
    """Cost of the demo of `name` and of the import, medians of `REPEATS`, and their ratios."""
    pairs = [(cost(IMPORT), _demo(name)) for _ in range(REPEATS)]
    imports, demos = ([pair[place] for pair in pairs] for place in (0, 1))
    return {
        "import": asdict(median(imports)),
        "demo": asdict(median(demos)),
        "wall_ratio": statistics.median(demo.wall / plain.wall for plain, demo in pairs),
        "cpu_ratio": statistics.median(demo.cpu / plain.cpu for plain, demo in pairs),
        "steps": _steps(name),
        "load": load(),
    }


def _demo(name: str) -> Cost:
    with copied(name) as folder:
        return cost([CHURNLIGHT, "demo", "--no-serve", "--company", str(folder)])


def _steps(name: str) -> list[dict[str, Any]]:
    with copied(name) as folder:
        command = [sys.executable, __file__, "--steps-of", str(folder)]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


class Stopwatch:
    """Times each step that the demo names, until it names one that begins with another word."""

    def __init__(self) -> None:
        self.steps: list[tuple[str, float, float]] = []
        self("importing")

    def __call__(self, step: str) -> None:
        """Begins `step`."""
        self.steps.append((step.split()[0], time.perf_counter(), sum(os.times()[:4])))

    def read(self) -> list[dict[str, Any]]:
        """The steps in order with their seconds of wall and CPU."""
        self("end")
        found: list[dict[str, Any]] = []
        for (name, wall, cpu), (_, wall_end, cpu_end) in zip(
            self.steps[:-1], self.steps[1:], strict=True
        ):
            if not found or found[-1]["step"] != name:
                found.append({"step": name, "wall": 0.0, "cpu": 0.0})
            found[-1]["wall"] += wall_end - wall
            found[-1]["cpu"] += cpu_end - cpu
        return found


def time_steps(folder: Path) -> list[dict[str, Any]]:
    """The steps of the demo, run in this process on the company in `folder`."""
    watch = Stopwatch()
    import serving.cli  # noqa: F401  (it sets the environment of every verb)
    from features.settings import Settings
    from serving.batch import demonstration

    demonstration.run(folder, settings=Settings.read(), progress=watch)
    return watch.read()


def shown(name: str, found: dict[str, Any]) -> str:
    """The figures of one company as text."""
    demo, plain = found["demo"], found["import"]
    head = (
        f"{name}: main job {found['wall_ratio']:.1f}× the import on the clock, "
        f"{found['cpu_ratio']:.1f}× in CPU, peak {demo['peak_mib'] / 1024:.2f} GiB"
    )
    lines = [
        head,
        f"  demo {_seconds(demo)}, import {_seconds(plain)}; medians of {REPEATS}, {found['load']}",
        f"  {'step, in one further run':<28}{'wall s':>8}{'CPU s':>8}",
    ]
    lines += [
        f"    {item['step']:<26}{item['wall']:>8.1f}{item['cpu']:>8.1f}" for item in found["steps"]
    ]
    return "\n".join(lines)


def _seconds(figures: dict[str, float]) -> str:
    return f"{figures['wall']:.1f} s ({figures['cpu']:.1f} s of CPU)"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures the asked companies that have data; says of the others how to get it."""
    asked = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    asked.add_argument("--company", choices=[*COMPANIES, "all"], default="cdnow")
    asked.add_argument("--json", action="store_true")
    asked.add_argument("--steps-of", type=Path, help=argparse.SUPPRESS)
    given = asked.parse_args(arguments)
    if given.steps_of:
        print(json.dumps(time_steps(given.steps_of)))
        return
    results = {}
    for name in COMPANIES if given.company == "all" else [given.company]:
        try:
            results[name] = measured(name)
        except NoData as error:
            print(f"left out: {error}", file=sys.stderr)
    if given.json:
        print(json.dumps(results, indent=2))
    else:
        print("\n\n".join(shown(name, found) for name, found in results.items()))


if __name__ == "__main__":
    main()
