"""The rows of a company as Spark computes them: facts go to shards of accounts, rows to files.

Spark evaluates the row work of each stream, gives every account a shard and a number in it, and
sends the records to their shards, where `features.assembling.shards` folds them. What compares
accounts with each other (`peer_rank`) is left to Spark's window functions. Nothing comes to the
driver but the texts of categories and the number of accounts per shard.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pyarrow as pa

from features.assembling import panel, shards, source_sql
from features.assembling.feature_plan import FeatureColumn, FeaturePlan
from features.assembling.shards import ACCOUNT, Shards, Wire
from features.clock import Calendar
from features.engines.on_spark import Engine, errors_of_ours, ticked
from features.engines.source_errors import naming_the_source
from features.folding.fold_plan import FoldPlan
from features.folding.measures import FEWEST_PEERS
from features.progress import Progress, silent
from features.sources import Tables

if TYPE_CHECKING:
    from pyspark.sql import Column as SparkColumn
    from pyspark.sql import DataFrame

ACCOUNTS_PER_SHARD = 20_000
PARTITION = "day"
LEADING = {
    "account_id": pa.string(),
    "as_of": pa.date32(),
    "segment": pa.string(),
    "history_days": pa.int32(),
}
IN_SPARK = {
    pa.string(): "string",
    pa.date32(): "date",
    pa.int32(): "int",
    pa.float64(): "double",
    pa.bool_(): "boolean",
    pa.int8(): "tinyint",
}
MIB = 1 << 20


@dataclass(frozen=True)
class Distribution:
    """The rows of a company's accounts on a grid of as-of dates, with labels or without."""

    tables: Tables
    feature_plan: FeaturePlan
    calendar: Calendar
    until: date
    labelled: bool = True

    def write(self, folder: Path, progress: Progress = silent) -> dict[date, Path]:
        """Writes the rows into `folder` and returns the file of each as-of date that has any.

        Files are Parquet with page checksums, sorted by account_id.

        Raises
        ------
        DeclarationError, ContractBroken, ChurnlightError
            As `panel.gather_facts`.
        """
        with naming_the_source(self.engine.named), errors_of_ours():
            progress("sending facts to their accounts")
            rows = self.rows()
            progress("computing the indicators on Spark")
            by_day = rows.withColumn(PARTITION, rows["as_of"]).repartition(self._dates, PARTITION)
            ordered = by_day.sortWithinPartitions(PARTITION, "account_id")
            written = ordered.write.partitionBy(PARTITION).option("compression", "zstd")
            written.option("parquet.page.write-checksum.enabled", "true").parquet(str(folder))
        return dict(_files(folder))

    @contextmanager
    def written(
        self, progress: Progress = silent, *, within: Path | None = None
    ) -> Iterator[dict[date, Path]]:
        """As `write`, into a folder that is there for the block, by default a shared one."""
        with tempfile.TemporaryDirectory(prefix=".", dir=within or self.engine.shared) as folder:
            yield self.write(Path(folder, "rows"), progress)

    def rows(self) -> "DataFrame":
        """The rows, computed where they are asked for; in no order."""
        for source in sorted(self._sources()):
            self.engine.open(source)
        count = self._number_accounts()
        records = self._records()
        work = Shards(
            self._folded,
            self.calendar,
            self.until,
            {
                stream_and_text: self._texts(*stream_and_text)
                for stream_and_text in self._categories()
            },
            self._sizes(),
            self._memory,
        )
        sent = records.repartitionById(count, records["shard"])
        ranked = self._ranked(sent.mapInArrow(work, _in_spark(self._answered)))
        return ranked.select(*map(ticked, self.schema.names))

    @property
    def engine(self) -> Engine:
        """The engine of the tables, which is Spark."""
        return cast(Engine, self.tables.engine)

    @property
    def _dates(self) -> int:
        return len(self.calendar.as_of)

    @property
    def _memory(self) -> int:
        """Bytes for the facts of one shard: as many are folded at a time as there are cores."""
        settings = self.engine.settings
        at_once = self.engine.spark.conf.get("spark.executor.cores", None) or settings.cores
        return settings.facts_mib * MIB // max(int(at_once), 1)

    @property
    def _folded(self) -> FeaturePlan:
        """The requested columns, with the values themselves where their ranks are requested."""
        columns = tuple(
            self.feature_plan.ranked(column) or column for column in self.feature_plan.columns
        )
        return replace(self.feature_plan, columns=columns)

    @property
    def _plans(self) -> tuple[FoldPlan, ...]:
        return tuple(self._folded.plans.values())

    def _sources(self) -> set[str]:
        company = self.tables.company
        events = [target.event.source for target in company.targets.values() if target.event]
        streams = {plan.stream for plan in self._plans}
        named = {company.accounts.source, *company.linking, *events, *streams}
        return named & company.sources.keys()

    def _number_accounts(self) -> int:
        """Makes the accounts readable, numbered within shards; returns the number of shards.

        An account's number holds that of its shard in the upper 32 bits.
        """
        accounts = source_sql.unnumbered_accounts(self.tables)
        frame = self.engine.frame(accounts)
        cores = self.engine.spark.sparkContext.defaultParallelism
        count = max(cores, -(-frame.count() // ACCOUNTS_PER_SHARD))
        sharded = frame.selectExpr(
            f"pmod(xxhash64(account_id), {count}) AS shard", *map(ticked, frame.columns)
        )
        numbered = sharded.selectExpr(
            "shiftleft(shard, 32) - 1"
            " + row_number() OVER (PARTITION BY shard ORDER BY account_id) AS account",
            *map(ticked, frame.columns),
        )
        self.engine.show(source_sql.ACCOUNTS, numbered)
        return count

    def _sizes(self) -> dict[int, int]:
        numbered = self.engine.spark.table(ticked(source_sql.ACCOUNTS))
        shard = numbered.selectExpr("CAST(shiftright(account, 32) AS INT) AS shard")
        return {row["shard"]: row["count"] for row in shard.groupBy("shard").count().collect()}

    def _records(self) -> "DataFrame":
        wire = Wire(self._plans)
        accounts = {
            "text 0": "account_id",
            "text 1": "segment",
            "day": "since",
            "known": "until",
        }
        records = self._sent(wire, f'SELECT * FROM "{source_sql.ACCOUNTS}"', ACCOUNT, accounts)
        sought = panel.stream_queries(self.tables, self._folded.plans, self.calendar)
        for number, (plan, reach, select) in enumerate(sought):
            query = source_sql.unpacked_records(self.tables, plan, reach, select)
            records = records.unionAll(self._sent(wire, query, number, _own_columns(plan)))
        return records

    def _sent(self, wire: Wire, query: str, stream: int, column_of: dict[str, str]) -> "DataFrame":
        """The result of `query` in the columns of the wire."""
        shared = {
            "shard": "shiftright(account, 32)",
            "account": "account & 4294967295",
            "stream": str(stream),
        }
        columns = shared | column_of
        return self.engine.frame(query).selectExpr(
            *(
                f"CAST({columns.get(name, 'NULL')} AS {type_}) AS {ticked(name)}"
                for name, type_ in wire.names().items()
            )
        )

    def _categories(self) -> Iterator[tuple[str, str]]:
        for plan in self._plans:
            for value in plan.values:
                if value.kind == "category":
                    yield plan.stream, value.text

    def _texts(self, source: str, text: str) -> pa.Array:
        rows = self.engine.frame(source_sql.category_texts(source, text)).collect()
        # By code points, which is the order of UTF-8 and of every engine.
        return pa.array(sorted(row["category"] for row in rows), pa.string())

    @property
    def schema(self) -> pa.Schema:
        """The columns of the rows."""
        if self.labelled:
            return self._answered
        return pa.schema(
            [column for column in self._answered if not column.name.startswith("label__")]
        )

    @property
    def _answered(self) -> pa.Schema:
        """The columns that a shard returns."""
        columns = dict(LEADING)
        for column in self.feature_plan.columns:
            columns[column.name] = pa.string() if column.dtype == "category" else pa.float64()
        for name in self.tables.company.targets:
            columns |= {f"eligible__{name}": pa.bool_(), f"label__{name}": pa.int8()}
        return pa.schema(columns)

    def _ranked(self, rows: "DataFrame") -> "DataFrame":
        ranks = [column for column in self.feature_plan.columns if self.feature_plan.ranked(column)]
        return rows.withColumns({column.name: _rank(column) for column in ranks}) if ranks else rows


def _in_spark(schema: pa.Schema) -> str:
    """The columns of `schema` as Spark declares them."""
    return ", ".join(f"{ticked(column.name)} {IN_SPARK[column.type]}" for column in schema)


def _own_columns(plan: FoldPlan) -> dict[str, str]:
    """Where the wire's columns come from in a stream's SELECT."""
    columns = {"day": "event_time", "known": "known_time"}
    for word, places in enumerate(shards.flag_positions(plan)):
        bits = [
            f"shiftleft(CAST({ticked(source_sql.condition_name(position))} AS BIGINT), {bit})"
            for bit, position in enumerate(places)
        ]
        columns[f"flags {word}"] = " | ".join(bits)
    for position, name in enumerate(shards.wire_columns(plan)):
        columns[name] = ticked(source_sql.value_name(position))
    if plan.has_moments:
        for name in ("event", "known"):
            columns[f"{name}_us"] = f"unix_micros(CAST({name}_time AS TIMESTAMP_LTZ))"
    return columns


def _rank(column: FeatureColumn) -> "SparkColumn":
    """As `measures` has it: the share that is lower, and half of those that are equal."""
    from pyspark.sql import Window
    from pyspark.sql import functions as f

    values = f.col(ticked(column.name))
    peers = Window.partitionBy("as_of", "segment")
    ordered = peers.orderBy(values.asc_nulls_last())
    size, lower = f.count(values).over(peers), f.rank().over(ordered) - 1
    lower_or_equal = f.count(values).over(ordered)
    enough = values.isNotNull() & (size >= FEWEST_PEERS)
    return f.when(enough, (lower + lower_or_equal) / 2 / size)


def _files(folder: Path) -> Iterator[tuple[date, Path]]:
    for file in folder.glob(f"{PARTITION}=*/*.parquet"):
        yield date.fromisoformat(file.parent.name.removeprefix(f"{PARTITION}=")), file
