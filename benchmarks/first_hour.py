"""What `init` and `check` cost on 20 tables, next to a bare read of the same columns by DuckDB.

The company is made up: an account table, subscriptions, and eighteen logs of events that share
out the rows. It lies once as CSV and once as Parquet. *read* asks DuckDB for the largest value of
every column of every table, with its own guesses of types; *init* drafts a declaration, *check*
reports on it. Each runs in a process of its own; its seconds are those of the processor after all
imports, and peak memory is that of the process. `--rows` are those of all tables together.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

LOGS = 18
ACCOUNTS_PER_ROWS = 200
DAYS = 700
JOBS = ("read", "init", "check")


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--job", choices=JOBS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.job:
        print(json.dumps(_measured(asked.job, asked.folder)))
        return
    with tempfile.TemporaryDirectory(prefix="churnlight-") as made:
        figures = {
            kind: _figures(_company(Path(made) / kind, asked.rows, kind))
            for kind in ("csv", "parquet")
        }
    if asked.json:
        print(json.dumps(figures))
        return
    print(f"{asked.rows:,} rows in {LOGS + 2} tables")
    for kind, jobs in figures.items():
        for job, (seconds, mib) in jobs.items():
            times = seconds / jobs["read"][0]
            print(f"  {kind:8} {job:6} {seconds:8.2f} s {times:6.1f} × read {mib:8.0f} MiB")


def _figures(folder: Path) -> dict[str, tuple[float, float]]:
    found: dict[str, tuple[float, float]] = {}
    for job in JOBS:
        command = [sys.executable, __file__, "--job", job, "--folder", str(folder)]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        seconds, mib = json.loads(said.splitlines()[-1])
        found[job] = (seconds, mib)
    return found


def _measured(job: str, folder: Path) -> tuple[float, float]:
    """CPU seconds of the job without its imports, and the peak memory of the process in MiB."""
    import resource

    from features import contract
    from features.declaring.declaration import load
    from features.drafting import draft

    start = time.process_time()
    if job == "read":
        _read(folder)
    elif job == "init":
        draft.write(folder, force=True)
    else:
        contract.check(load(folder))
    seconds = time.process_time() - start
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _read(folder: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")
        for path in sorted((*folder.glob("*.csv"), *folder.glob("*.parquet"))):
            connection.execute(f"SELECT max(COLUMNS(*)) FROM '{path}'").fetchall()


def _company(folder: Path, rows: int, kind: str) -> Path:
    folder.mkdir()
    accounts = max(rows // ACCOUNTS_PER_ROWS, 50)
    key = "'A' || lpad(CAST({} AS VARCHAR), 7, '0') AS account_id"
    tables = {
        "accounts": f"SELECT {key.format('i')}, DATE '2023-01-01' + CAST(i % 200 AS INTEGER) AS "
        f"signed_up_on, ['basic', 'pro', 'team'][1 + i % 3] AS plan FROM range({accounts}) t(i)",
        "subscriptions": f"SELECT {key.format('i')}, DATE '2023-01-01' + CAST(i % 200 AS INTEGER) "
        "AS started_on, CASE WHEN i % 4 = 0 THEN DATE '2023-10-01' + CAST(i * 7 % 400 AS INTEGER) "
        f"END AS ended_on, 10 + i % 90 AS mrr FROM range({accounts}) t(i)",
    }
    each = (rows - 2 * accounts) // LOGS
    for number in range(LOGS):
        tables[f"events_{number}"] = (
            f"SELECT {key.format(f'i * 7919 % {accounts}')}, TIMESTAMP '2023-08-01' + "
            f"to_seconds(CAST(i * {DAYS * 86_400 / each} AS BIGINT)) AS happened_at, "
            "['login', 'view', 'export', 'edit'][1 + i * 31 % 7 % 4] AS event, "
            "i * 37 % 100000 / 100.0 AS amount, i % 60 AS minutes "
            f"FROM range({each}) t(i)"
        )
    with duckdb.connect() as connection:
        for name, query in tables.items():
            connection.execute(f"COPY ({query}) TO '{folder / f'{name}.{kind}'}'")
    return folder


if __name__ == "__main__":
    main()
