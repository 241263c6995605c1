"""What features cost next to reading the same columns, a grouped scan, pandas and Polars.

The job: 36 windowed columns (counts by event; count, sum and maximum of a value; each over 7, 28,
90 and 365 days) for every account at so many month starts, through the product's own declaration,
as a stream of Arrow tables that are counted and let go. Its one rule: everything compared runs in
turn, in one run, on as many threads, after a warm-up that has imported and compiled; figures are
ratios of medians of three.

*read* streams the job's five columns out of DuckDB as Arrow, *scan* is `SELECT account, day,
event, count(*), sum(value) GROUP BY ALL`. *job* opens the tables and streams the snapshots built
from them; *checked* builds them as one table and also asks, before, whether the tables keep the
structural contract; *refresh* is the job for one date. Peak memory is that of a process that does
nothing but the job. `--shapes` adds what other shapes of the job cost next to it: 104 weekly dates
for 24, eight windows for four, distinct users and the median.
"""

import argparse
import importlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import duckdb

# A script's folder comes first among the places of modules, and this script has the name of the
# room that it measures: it stands back, also when another script of the folder asks for the room.
sys.path[:] = [place for place in sys.path if Path(place).resolve() != Path(__file__).parent]
if __name__ == "features":
    del sys.modules["features"]
    sys.modules["features"] = importlib.import_module("features")

from benchmarks.instruments import event_log  # noqa: E402
from benchmarks.instruments.event_log import EVENTS, MORE_WINDOWS, WINDOWS  # noqa: E402

ROUNDS = 3
MOST_FOR_POLARS, MOST_FOR_PANDAS = 10_000_000, 1_000_000
READ = "SELECT account, happened_at, known_at, event, value FROM '{}'"
SCAN = (
    "SELECT account, CAST(happened_at AS DATE) AS day, event, count(*), sum(value) "
    "FROM '{}' GROUP BY ALL"
)
Work = Callable[[], object]


def main() -> None:
    """Measures and prints."""
    asked = _arguments()
    os.environ["CHURNLIGHT_THREADS"] = str(asked.threads)
    if asked.only_the_job:
        print(json.dumps(_only_the_job(asked.only_the_job, asked.snapshots)))
        return
    folder = event_log.made(asked.data, asked.events, asked.accounts)
    figures = _figures(folder, asked)
    if asked.json:
        print(json.dumps(figures))
        return
    print(f"{asked.events:,} events, {asked.accounts:,} accounts, {asked.snapshots} as-of dates")
    for name, figure in figures.items():
        shown = "not measured at this size" if figure is None else f"{figure:,.2f}"
        print(f"  {name:34} {shown}")
    print(f"load {os.getloadavg()[0]:.1f}", file=sys.stderr)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--accounts", type=int, default=100_000)
    parser.add_argument("--snapshots", type=int, default=24, help="months; above 24, weeks")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--shapes", action="store_true", help="also other shapes of the job")
    parser.add_argument("--json", action="store_true", help="one line of JSON")
    place = Path(tempfile.gettempdir()) / "churnlight-benchmarks"
    parser.add_argument("--data", type=Path, default=place, help="where the logs are kept")
    parser.add_argument("--only-the-job", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def _figures(folder: Path, asked: argparse.Namespace) -> dict[str, float | None]:
    from benchmarks.instruments.other_engines import with_pandas, with_polars

    dates = event_log.dates(asked.snapshots)
    work: dict[str, Work] = {
        "read": lambda: _stream(READ.format(folder / EVENTS), asked.threads),
        "scan": lambda: _stream(SCAN.format(folder / EVENTS), asked.threads),
        "job": lambda: _job(folder, dates),
        "checked": lambda: _job(folder, dates, checked=True),
        "refresh": lambda: _job(folder, dates[-1:]),
    }
    if asked.events <= MOST_FOR_POLARS:
        work["polars"] = lambda: with_polars(folder, dates, WINDOWS)
    if asked.events <= MOST_FOR_PANDAS:
        work["pandas"] = lambda: with_pandas(folder, dates, WINDOWS)
    if asked.shapes:
        work |= _shapes(folder, dates)
    seconds = _measured(work)
    job = seconds["job"]
    figures: dict[str, float | None] = {
        "events": asked.events,
        "ratio_to_read": job / seconds["read"],
        "ratio_to_scan": job / seconds["scan"],
        "ratio_to_polars": _faster(seconds, "polars"),
        "ratio_to_pandas": _faster(seconds, "pandas"),
        "peak_rss_mb": _peak(folder, asked),
        "checked_ratio_to_read": seconds["checked"] / seconds["read"],
        "checked_ratio_to_scan": seconds["checked"] / seconds["scan"],
        "refresh_ratio_to_read": seconds["refresh"] / seconds["read"],
    }
    for name in _shapes(folder, dates) if asked.shapes else ():
        figures[f"{name}_ratio_to_job"] = seconds[name] / job
    return figures


def _faster(seconds: dict[str, float], other: str) -> float | None:
    """How many times faster the job is than in the other engine."""
    return seconds[other] / seconds["job"] if other in seconds else None


def _shapes(folder: Path, dates: Sequence[date]) -> dict[str, Work]:
    weeks = event_log.weeks(104)
    return {
        "weekly_dates_104": lambda: _job(folder, weeks),
        "windows_8": lambda: _job(folder, dates, event_log.declaration(MORE_WINDOWS)),
        "distinct_and_median": lambda: _job(
            folder, dates, event_log.declaration(WINDOWS, with_values=True)
        ),
    }


def _measured(work: dict[str, Work]) -> dict[str, float]:
    """Median seconds of each piece of work, after one warm-up of all, in turn."""
    taken: dict[str, list[float]] = {name: [] for name in work}
    for turn in range(ROUNDS + 1):
        for name, piece in work.items():
            print(f"  round {turn} of {ROUNDS}: {name}", file=sys.stderr)
            began = time.perf_counter()
            piece()
            if turn:
                taken[name].append(time.perf_counter() - began)
    return {name: statistics.median(seconds) for name, seconds in taken.items()}


def _stream(query: str, threads: int) -> int:
    with duckdb.connect(config={"threads": threads}) as engine:
        engine.execute("SET preserve_insertion_order = false")
        return sum(batch.num_rows for batch in engine.sql(query).to_arrow_reader(250_000))


def _job(
    folder: Path, dates: Sequence[date], text: str | None = None, *, checked: bool = False
) -> int:
    from features import snapshots, sources
    from features.declaring.declaration import parse

    company = parse(text or event_log.declaration(), folder)
    if checked:
        return len(snapshots.build(company, dates).table)
    with sources.open_tables(company) as tables:
        return sum(len(rows) for rows in snapshots.stream_from(tables, dates))


def _only_the_job(folder: Path, snapshots: int) -> float:
    """The peak of this process's memory, in MB, during the job.

    Counted anew from here on: a child starts with the peak of its parent.
    """
    _job(folder, event_log.dates(1))
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    _job(folder, event_log.dates(snapshots))
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) * 1024 / 1e6


def _peak(folder: Path, asked: argparse.Namespace) -> float:
    command = [sys.executable, __file__, "--only-the-job", str(folder)]
    command += ["--snapshots", str(asked.snapshots), "--threads", str(asked.threads)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout)


if __name__ == "__main__":
    main()
