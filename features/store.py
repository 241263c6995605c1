"""The feature store: published snapshots, one folder per as-of date, which never change.

::

    DIR/store.json                        what the columns mean: their definitions' digest
    DIR/as_of=2026-01-05/rows.parquet     the rows of that morning, sorted by account_id
    DIR/as_of=2026-01-05/rows.sha256      the file's digest: it is verified before it is read

The folders' names are those by which other tools know a partitioned table. A date that is there
is left as it is: publishing computes only what is missing, so that a weekly refresh costs one date
and a run that was interrupted goes on where it stopped. Because facts count only from their known
time on, the rows of a date are the same whenever they are computed.

Labels are not kept: they are settled later than the date to which they belong.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features import clock, publish
from features.assembling import panel
from features.assembling.feature_plan import FeaturePlan, plan_features
from features.declaring.definitions import definitions
from features.errors import ChurnlightError, DeclarationError, NotFound
from features.folding.fact_history import FactHistory
from features.progress import Progress, silent
from features.sources import Tables

ABOUT, ROWS, DIGEST = "store.json", "rows.parquet", ".sha256"
# As-of dates that are published together: what an interruption can cost.
DATES_AT_ONCE = 52


@dataclass(frozen=True)
class FeatureStore:
    """The published snapshots in `folder`.

    While they are written, about `bytes_at_once` of their rows are in memory.
    """

    folder: Path
    bytes_at_once: int = 256 << 20

    def published(self) -> list[date]:
        """The as-of dates that are there."""
        days = (file.parent.name.removeprefix("as_of=") for file in self._files())
        return sorted(date.fromisoformat(day) for day in days)

    def read(self, as_of: Sequence[date] = (), columns: list[str] | None = None) -> pa.Table:
        """The rows of these as-of dates, by default of all; sorted by as_of, account_id.

        Raises
        ------
        NotFound
            A date is not published, or none is.
        ChurnlightError
            A file is damaged.
        """
        there = self.published()
        if missing := sorted(set(as_of) - set(there)):
            raise NotFound(
                f"{self.folder}: no snapshot of {missing[0]}; "
                f"publish it: churnlight features --out {self.folder} --as-of {missing[0]}"
            )
        if not there:
            raise NotFound(f"{self.folder}: no snapshot is published here")
        wanted = sorted(set(as_of)) or there
        return pa.concat_tables([_verified(self._file(day), columns) for day in wanted])

    def refresh(
        self, tables: Tables, as_of: Sequence[date], *, progress: Progress = silent
    ) -> list[date]:
        """Publishes the as-of dates that are missing, and returns them.

        Raises
        ------
        DeclarationError
            The store holds features of another definition.
        """
        feature_plan = plan_features(tables)
        self._claim(feature_plan)
        missing = sorted(set(as_of) - set(self.published()))
        for begin in range(0, len(missing), DATES_AT_ONCE):
            days = missing[begin : begin + DATES_AT_ONCE]
            if tables.engine.distributes:
                self._publish_written(tables, feature_plan, days, progress)
                continue
            with panel.gather_facts(
                tables, feature_plan, clock.Calendar(days), progress
            ) as history:
                progress(f"publishing {days[0]} to {days[-1]}")
                self._publish(feature_plan, history)
        return missing

    def _publish(self, feature_plan: FeaturePlan, history: FactHistory) -> None:
        with ExitStack() as stack:
            days = history.layout.calendar.as_of
            writers = {day: stack.enter_context(self._writing(day)) for day in days}
            for piece in panel.row_blocks(feature_plan, history, days[-1], self.bytes_at_once):
                labels = [name for name in piece.column_names if name.startswith("label__")]
                rows = piece.drop_columns(labels)
                for day, writer in writers.items():
                    writer.write(rows.filter(pc.equal(rows["as_of"], pa.scalar(day))))

    def _publish_written(
        self, tables: Tables, feature_plan: FeaturePlan, days: list[date], progress: Progress
    ) -> None:
        """Publishes the files that a cluster writes; no row comes to this machine."""
        from features.assembling.distribution import Distribution

        distribution = Distribution(
            tables, feature_plan, clock.Calendar(days), days[-1], labelled=False
        )
        with distribution.written(progress, within=self.folder) as files:
            for day in days:
                with publish.new_directory(self._file(day).parent) as folder:
                    if day in files:
                        os.replace(files[day], folder / ROWS)
                    else:
                        pq.write_table(distribution.schema.empty_table(), folder / ROWS)
                    _seal(folder / ROWS)

    @contextmanager
    def _writing(self, day: date) -> Iterator["_Writer"]:
        with publish.new_directory(self._file(day).parent) as folder:
            writer = _Writer(folder / ROWS)
            yield writer
            writer.close()

    def _claim(self, feature_plan: FeaturePlan) -> None:
        """Writes down what the columns mean, or makes sure that they still mean it."""
        meaning, path = column_meaning(feature_plan), self.folder / ABOUT
        if not path.exists():
            publish.write_json(meaning, path)
            return
        held = json.loads(path.read_text(encoding="utf-8"))
        if held != meaning:
            changed = sorted(
                name
                for name in held["definitions"].keys() | meaning["definitions"].keys()
                if held["definitions"].get(name) != meaning["definitions"].get(name)
            )
            raise DeclarationError(
                f"{self.folder}: holds features of other definitions ({', '.join(changed)} "
                "changed); published features never change: publish into another folder"
            )

    def _file(self, day: date) -> Path:
        return self.folder / f"as_of={day}" / ROWS

    def _files(self) -> Iterator[Path]:
        return self.folder.glob(f"as_of=????-??-??/{ROWS}")


class _Writer:
    """Writes the rows of one as-of date as they come; a date without any has an empty table."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: pq.ParquetWriter | None = None

    def write(self, rows: pa.Table) -> None:
        if self._file is None:
            self._file = pq.ParquetWriter(
                self._path, rows.schema, compression="zstd", write_page_checksum=True
            )
        self._file.write_table(rows)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            _seal(self._path)


def _seal(path: Path) -> None:
    path.with_suffix(DIGEST).write_text(_digest(path), encoding="ascii")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _verified(path: Path, columns: list[str] | None) -> pa.Table:
    """The table in `path`. Page checksums do not cover what the columns are called."""
    held = path.with_suffix(DIGEST)
    if not held.is_file() or held.read_text(encoding="ascii", errors="replace") != _digest(path):
        raise ChurnlightError(
            f"{path}: does not match its digest; remove its folder and publish the date again"
        )
    return publish.read_parquet(path, columns)


def column_meaning(feature_plan: FeaturePlan) -> dict[str, Any]:
    """The meaning of the columns of a company's features, as a store keeps it."""
    company = feature_plan.company
    meanings: dict[str, str] = {}
    for name in company.targets:
        meanings |= definitions(company, name, ("live", "shadow"))
    columns = [f"{column.name}: {column.dtype}" for column in feature_plan.columns]
    digest = hashlib.sha256(json.dumps([meanings, columns], sort_keys=True).encode()).hexdigest()
    return {"definitions": meanings, "columns": columns, "digest": digest}
