"""What one fit of training costs, next to a plain LightGBM fit of the same rows, by their number.

The rows are made up: months of as-of dates, 48 columns of which some matter, one value in twenty
missing. *plain* is LightGBM with its own settings and training's number of rounds; *scorecard* is
a fit of the scorecard alone, *trees* one of a scorecard and trees, each with its cross-fitted
margins and its calibration, as `churnlight train` repeats it for every judged date. Each runs in a
process of its own; seconds are those of the processor after all imports and the making of the
rows, and memory is the peak of the process less that of its rows. With `--company`, the whole
`churnlight train` of examples instead, next to the import of what it needs.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

# As the product's own commands: threads that wait must not burn a core; read when libgomp loads.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from benchmarks.instruments.copies import NoData, copied
from benchmarks.instruments.processes import cost, load

ROWS = (6_000, 24_000, 96_000)
COLUMNS, MONTHS, ROUNDS, SEED = 48, 12, 60, 5
JOBS = ("plain", "scorecard", "trees")
CHURNLIGHT = str(Path(sys.executable).with_name("churnlight"))
IMPORT = [sys.executable, "-c", "import lightgbm, mlflow, matplotlib, optuna"]


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=ROWS)
    parser.add_argument("--company", nargs="+", default=())
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--job", choices=JOBS, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.job:
        print(json.dumps(_measured(asked.job, asked.rows[0])))
    elif asked.company:
        for name in asked.company:
            print(_company(name), flush=True)
    else:
        for rows in asked.rows:
            figures = {job: _figures(job, rows) for job in JOBS}
            print(json.dumps({str(rows): figures}) if asked.json else _worded(rows, figures))
        print(load())


def _figures(job: str, rows: int) -> list[float]:
    command = [sys.executable, "-m", "benchmarks.training", "--job", job, "--rows", str(rows)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    found: list[float] = json.loads(done.stdout)
    return found


def _worded(rows: int, figures: dict[str, list[float]]) -> str:
    lines = [
        f"  {job:10} {seconds:8.2f} s {seconds / figures['plain'][0]:6.1f} × plain {mib:8.0f} MiB"
        for job, (seconds, mib) in figures.items()
    ]
    return "\n".join([f"{rows:,} rows of {COLUMNS} columns", *lines])


def _company(name: str) -> str:
    """The cost of training an example, in imports of what it needs."""
    try:
        with copied(name) as folder:
            plain = cost(IMPORT)
            trained = cost([CHURNLIGHT, "train", "--company", str(folder)])
    except NoData as error:
        return f"{name}: left out, {error}"
    return (
        f"{name}: {trained.cpu:.1f} s of CPU, {trained.cpu / plain.cpu:.1f} × its imports, "
        f"peak {trained.peak_mib:,.0f} MiB, {load()}"
    )


def _measured(job: str, rows: int) -> list[float]:
    """Seconds of the processor, and MiB beyond the rows, of one job."""
    import lightgbm as lgb
    import numpy as np

    from training.learning.fitted import FittedModel
    from training.learning.matrix import Feature
    from training.learning.model import ModelSettings, TrainingRows

    draw = np.random.default_rng(SEED)
    X = np.abs(draw.standard_normal((rows, COLUMNS)))
    margins = X[:, 0] - X[:, 1] + 0.5 * X[:, 2] * X[:, 3] - 1.5
    y = (draw.random(rows) < 1 / (1 + np.exp(-margins))).astype(np.int8)
    X[draw.random(X.shape) < 0.05] = np.nan
    numbers = np.arange(rows)
    as_of = np.datetime64("2025-01-01") + 30 * (numbers % MONTHS)
    names = [f"a{number}" for number in numbers // MONTHS]
    features = [Feature(f"c{column}", f"c{column}", 90, "number") for column in range(COLUMNS)]
    given = TrainingRows(X, y, names, as_of, features, [0] * COLUMNS)
    share = 0.5 if job == "trees" else 0.0
    wanted = ModelSettings(6, 0.1, 10.0, 40, 0.6, rounds=ROUNDS, share=share, curved=True)
    held, began = _peak(), time.process_time()
    if job == "plain":
        options = {"objective": "binary", "verbosity": -1, "num_threads": 1}
        lgb.train(options, lgb.Dataset(X, y), ROUNDS)
    else:
        fitted = FittedModel.of(given, wanted, as_of == as_of.max())
        fitted.logits(X[: rows // MONTHS])
    return [time.process_time() - began, _peak() - held]


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
