"""The rows of one shard of a company's accounts, wherever the shard's facts are sent.

A shard is some of the accounts with all of their facts. They arrive as Arrow batches in any order,
in one layout for all streams (`Wire`), and leave as the rows of `features.assembling.panel`:
an executor of a cluster runs the same kernel as a single machine.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.assembling import panel
from features.assembling.feature_plan import FeaturePlan
from features.clock import Calendar
from features.folding import fact_history
from features.folding.fact_history import (
    AccountIndex,
    BlockStore,
    FactHistory,
    PartLayout,
    StreamFacts,
    part_layout,
)
from features.folding.fold_plan import FoldPlan, ValueKind
from features.folding.records import FIRST_FLAGS, WORD

# The stream of the accounts themselves: first day, id and segment.
ACCOUNT = -1

ROWS_AT_ONCE = 100_000
# In which columns of the wire a value travels.
WIRE_COLUMNS: dict[ValueKind, str] = {
    "number": "number",
    "flag": "number",
    "day": "number",
    "category": "text",
    "identity": "identity",
}


@dataclass(frozen=True)
class Wire:
    """How many columns of each sort the records of all streams need, and which stream uses which.

    Columns: shard, account (its number in the shard), stream (its place among the plans, or
    `ACCOUNT`), day and known (dates), the words of flags, number, text and identity columns, and
    two moments (microseconds). What a stream does not use is null.
    """

    plans: tuple[FoldPlan, ...]

    def names(self) -> dict[str, str]:
        """The columns in order, with their types in Spark."""
        counts = {"flags": max([1, *(1 + plan.flag_words for plan in self.plans)])}
        used = [name for plan in self.plans for name in wire_columns(plan)]
        for sort in ("number", "text", "identity"):
            counts[sort] = len({name for name in used if name.startswith(sort)})
        counts["text"] = max(counts["text"], 2)
        types = {"flags": "bigint", "number": "double", "text": "string", "identity": "bigint"}
        columns = {
            "shard": "int",
            "account": "int",
            "stream": "int",
            "day": "date",
            "known": "date",
        }
        for sort, count in counts.items():
            columns |= {f"{sort} {number}": types[sort] for number in range(count)}
        return columns | {"event_us": "bigint", "known_us": "bigint"}


def wire_columns(plan: FoldPlan) -> list[str]:
    """In which column of the wire each value of the plan travels."""
    columns: list[str] = []
    for value in plan.values:
        sort = WIRE_COLUMNS[value.kind]
        columns.append(f"{sort} {sum(name.startswith(sort) for name in columns)}")
    return columns


def flag_positions(plan: FoldPlan) -> list[range]:
    """The places of the conditions whose flags each word holds."""
    ends = [0, FIRST_FLAGS, *(FIRST_FLAGS + WORD * (n + 1) for n in range(plan.flag_words))]
    count = len(plan.keeps)
    return [range(min(a, count), min(b, count)) for a, b in pairwise(ends)]


@dataclass(frozen=True)
class Shards:
    """Everything a shard needs to make its rows; a call with its batches makes them.

    `texts` has, per stream and text of a category, the sorted texts; `sizes` the number of
    accounts of each shard.
    """

    feature_plan: FeaturePlan
    calendar: Calendar
    until: date
    texts: dict[tuple[str, str], pa.Array]
    sizes: dict[int, int]
    memory: int

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The rows of the shard whose records these are; none of none."""
        first = next((batch for batch in batches if batch.num_rows), None)
        if first is None:
            return
        plans = tuple(self.feature_plan.plans.values())
        size = self.sizes[first["shard"][0].as_py()]
        lay = part_layout(size, self.calendar, plans)
        with BlockStore(self.memory) as shelf:
            gathering = _Gathering(self, [StreamFacts(plan, lay, shelf) for plan in plans])
            gathering.add(first)
            for batch in batches:
                gathering.add(batch)
            history = gathering.history(lay)
            for parts in history.ranges(ROWS_AT_ONCE):
                yield from panel.build_rows(
                    self.feature_plan, history, self.until, parts
                ).to_batches()

    def one_word(self, plan: FoldPlan, position: int, column: pa.Array) -> pa.Array:
        """The 64 bits of a value that arrived in `column`."""
        value = plan.values[position]
        if value.kind != "category":
            return column
        places = pc.index_in(column, value_set=self.texts[plan.stream, value.text])
        return places.cast(pa.float64())


@dataclass
class _Gathering:
    """The records of a shard as they come."""

    shards: Shards
    streams: list[StreamFacts]
    accounts: list[pa.RecordBatch] = field(default_factory=list)

    def add(self, batch: pa.RecordBatch) -> None:
        for stream in pc.unique(batch["stream"]).to_pylist():
            of_stream = batch.filter(pc.equal(batch["stream"], stream))
            if stream == ACCOUNT:
                self.accounts.append(of_stream)
            else:
                facts = self.streams[stream]
                facts.add(_records(self.shards, facts.plan, of_stream))

    def history(self, lay: PartLayout) -> FactHistory:
        feature_plan = self.shards.feature_plan
        streams = {facts.plan.stream: facts for facts in self.streams}
        accounts = _accounts(self.accounts, derived=feature_plan.company.accounts.derived)
        first = panel.first_dates(feature_plan, accounts, self.shards.calendar, streams)
        texts = {
            name: self.shards.texts[indicator.source, str(indicator.value)]
            for name, indicator in feature_plan.categorical.items()
        }
        return FactHistory(accounts, lay, streams, first, texts, 1)


def _records(shards: Shards, plan: FoldPlan, batch: pa.RecordBatch) -> pa.RecordBatch:
    """Records of one stream from the wire, as `StreamFacts` takes them."""
    flags = [batch[f"flags {word}"] for word in range(1 + plan.flag_words)]
    values = [
        shards.one_word(plan, position, batch[name])
        for position, name in enumerate(wire_columns(plan))
    ]
    moments = [batch["event_us"], batch["known_us"]] if plan.has_moments else []
    first = pa.array(flags[0].to_numpy().astype(np.uint16))
    records = [batch["account"], batch["day"], batch["known"], first]
    records += [*flags[1:], *values, *moments]
    return pa.RecordBatch.from_arrays(records, [str(position) for position in range(len(records))])


def _accounts(batches: list[pa.RecordBatch], *, derived: bool) -> AccountIndex:
    accounts = pa.Table.from_batches(batches).sort_by("account")
    columns = {
        "account_id": accounts["text 0"],
        "segment": accounts["text 1"],
        "since": accounts["day"],
        "until": accounts["known"],
    }
    return fact_history.account_index(pa.table(columns), derived=derived)
