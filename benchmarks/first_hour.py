"""What `init` and `check` cost on 20 tables, next to a bare read of the same columns by DuckDB.

The company is made up: an account table, subscriptions, and eighteen logs of events that share
out the rows. It lies once as CSV and once as Parquet. *read* asks DuckDB for every row of every
table, with its own guesses of types (the largest value of a column would not do: Parquet says it
without being read); *init* drafts a declaration, *check* reports on it, all rounds of it. Of CSV,
*typed* writes every table into Parquet with its types spelled out, the least that plain cells cost,
and *plain* does so with the reader of `init` and `check`, which also knows all other ways to write
a day or a number.

Each job runs in a process of its own, after the same job on few rows, so that imports and compiled
code do not count. Seconds are those of the processor, peak memory is that of the process, `--rows`
are those of all tables together.
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
FEW_ROWS = 8_000
BATCH_ROWS = 250_000
JOBS = {"csv": ("read", "typed", "plain", "init", "check"), "parquet": ("read", "init", "check")}
TYPES = {
    "account_id": "VARCHAR",
    "signed_up_on": "DATE",
    "plan": "VARCHAR",
    "started_on": "DATE",
    "ended_on": "DATE",
    "mrr": "BIGINT",
    "happened_at_utc": "TIMESTAMP",
    "event": "VARCHAR",
    "amount": "DOUBLE",
    "minutes": "BIGINT",
}


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--job", help=argparse.SUPPRESS)
    parser.add_argument("--folders", type=Path, nargs=2, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.job:
        print(json.dumps(_measured(asked.job, *asked.folders)))
        return
    with tempfile.TemporaryDirectory(prefix="churnlight-") as made:
        figures = {
            kind: _figures(
                kind,
                _company(Path(made) / f"few-{kind}", FEW_ROWS, kind),
                _company(Path(made) / kind, asked.rows, kind),
            )
            for kind in JOBS
        }
    if asked.json:
        print(json.dumps(figures))
        return
    print(f"{asked.rows:,} rows in {LOGS + 2} tables")
    for kind, jobs in figures.items():
        for job, (seconds, mib) in jobs.items():
            times = seconds / jobs["read"][0]
            print(f"  {kind:8} {job:6} {seconds:8.2f} s {times:6.1f} × read {mib:8.0f} MiB")


def _figures(kind: str, few: Path, folder: Path) -> dict[str, tuple[float, float]]:
    found: dict[str, tuple[float, float]] = {}
    for job in JOBS[kind]:
        command = [sys.executable, __file__, "--job", job, "--folders", str(few), str(folder)]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        seconds, mib = json.loads(said.splitlines()[-1])
        found[job] = (seconds, mib)
    return found


def _measured(job: str, few: Path, folder: Path) -> tuple[float, float]:
    """CPU seconds of the job, and the peak memory of the process in MiB."""
    import resource

    _do(job, few)
    start = time.process_time()
    _do(job, folder)
    seconds = time.process_time() - start
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _do(job: str, folder: Path) -> None:
    from features import contract
    from features.declaring.declaration import load
    from features.declaring.mistakes import DECLARATION_FILE
    from features.drafting import draft

    if job == "read":
        _read(folder)
    elif job in ("typed", "plain"):
        _spool(folder, by_types=job == "typed")
    elif job == "init":
        draft.write(folder, force=True)
    else:
        if not (folder / DECLARATION_FILE).exists():
            draft.write(folder)
        contract.check(load(folder))


def _read(folder: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")
        for path in sorted((*folder.glob("*.csv"), *folder.glob("*.parquet"))):
            for _ in connection.sql(f"SELECT * FROM '{path}'").to_arrow_reader(BATCH_ROWS):
                pass


def _spool(folder: Path, *, by_types: bool) -> None:
    """Writes all tables as Parquet: by the types of their columns, or as our reader does."""
    from features import engines
    from features.drafting.tables.profiles import AS_GUESSED
    from features.reading.files import Reader
    from features.settings import Settings

    threads = Settings.read().cores
    with (
        tempfile.TemporaryDirectory(prefix="churnlight-") as out,
        engines.start("duckdb") as engine,
    ):
        reader = Reader(engine, Path(out), threads)
        for path in sorted(folder.glob("*.csv")):
            if not by_types:
                reader.look(path.stem, [path], AS_GUESSED)
                continue
            names = path.open(encoding="utf-8").readline().strip().split(",")
            columns = ", ".join(f"'{name}': '{TYPES[name]}'" for name in names)
            scan = f"read_csv('{path}', header = true, delim = ',', columns = {{{columns}}})"
            engine.spool(f"SELECT * FROM {scan}", Path(out) / f"{path.stem}.parquet", threads)
        if not by_types:
            reader.show()


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
            f"to_seconds(CAST(i * {DAYS * 86_400 / each} AS BIGINT)) AS happened_at_utc, "
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
