"""The facts of all accounts, gathered stream by stream, and the rows that are folded from them.

Facts arrive in any order, as Arrow batches, and are put into parts of neighbouring accounts.
What does not fit into the memory that they may take is put aside in a file. Once all facts are
there, the rows of any range of parts are folded, part by part, by as many threads as there are.
"""

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from features.clock import Calendar
from features.folding import kernel, records
from features.folding.fold_plan import FoldPlan
from features.folding.records import DAYS, Floats, Indices, KernelGrid, Words
from features.folding.term_chains import Terms

DateNumbers = npt.NDArray[np.uint16]

ACCOUNTS_PER_PART = 256
# An account's place in its part has sixteen bits.
MOST_ACCOUNTS_PER_PART = 1 << 16
MOST_PARTS = 512


class Block(Protocol):
    """Records of one batch, ordered by part."""

    def records(self, begin: int, end: int) -> Words:
        """Some of the records, shape (end - begin, words)."""


@dataclass(frozen=True)
class InMemory:
    """A block that is kept in memory."""

    words: Words

    def records(self, begin: int, end: int) -> Words:
        """As `Block`."""
        return self.words[begin:end]


@dataclass(frozen=True)
class OnDisk:
    """A block that is kept in a file, from byte `offset` on."""

    file: int
    offset: int
    width: int

    def records(self, begin: int, end: int) -> Words:
        """As `Block`. Raises OSError if the file cannot be read."""
        size = 8 * self.width
        wanted = (end - begin) * size
        read = os.pread(self.file, wanted, self.offset + begin * size)
        if len(read) != wanted:
            raise OSError(f"spilled facts are missing from disk: {len(read)} of {wanted} bytes")
        return np.frombuffer(read, np.uint64).reshape(-1, self.width)


class BlockStore:
    """Keeps blocks in memory as long as they take no more than `memory` bytes, then in a file.

    The file has no name and goes when the shelf is closed, or with the process.
    """

    def __init__(self, memory: int, folder: Path | None = None) -> None:
        self._left = memory
        self._folder = folder
        self._file: Any = None

    def __enter__(self) -> "BlockStore":
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def keep(self, words: Words) -> Block:
        """The block of these records. Raises OSError if there is no room on the disk."""
        self._left -= words.nbytes
        if self._left >= 0:
            return InMemory(words)
        if self._file is None:
            # Closed with the shelf, not with a block.
            self._file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115
        offset = self._file.seek(0, os.SEEK_END)
        self._file.write(words.data)
        self._file.flush()
        return OnDisk(self._file.fileno(), offset, words.shape[1])


@dataclass(frozen=True)
class AccountIndex:
    """Who the rows are of, in the order of their ids.

    `segments` is dictionary-encoded. `since` is the day number of the account's first day, `NEVER`
    where it has none; `None` where accounts are derived, which exist from the first fact on that
    is known. `until` is the number of the last day on which an account is one of its own, `NEVER`
    unless it is merged into another; `None` where none is.
    """

    ids: pa.Array
    segments: pa.DictionaryArray
    since: Indices | None
    until: Indices | None = None

    def __len__(self) -> int:
        return len(self.ids)


NEVER = np.iinfo(np.int32).max


def account_index(accounts: pa.Table, *, derived: bool) -> AccountIndex:
    """The accounts from columns account_id (sorted), segment, since and until (date32)."""
    ids, segments, since, until = (
        accounts[name].combine_chunks() for name in ("account_id", "segment", "since", "until")
    )
    segments = segments.dictionary_encode()
    last = None if until.null_count == len(until) else _day_numbers(until)
    return AccountIndex(ids, segments, None if derived else _day_numbers(since), last)


def _day_numbers(days: pa.Array) -> Indices:
    numbers: Indices = days.cast(pa.int32()).fill_null(NEVER).to_numpy().astype(np.int64)
    return numbers


@dataclass(frozen=True)
class PartLayout:
    """How accounts fall into parts of 2**shift neighbours, and as-of dates into a grid."""

    accounts: int
    shift: int
    calendar: Calendar
    grid: KernelGrid

    @property
    def parts(self) -> int:
        """How many parts there are."""
        return -(-self.accounts // (1 << self.shift))

    def bounds(self, part: int) -> tuple[int, int]:
        """The numbers of the part's first account and of the one behind its last."""
        return part << self.shift, min((part + 1) << self.shift, self.accounts)


def part_layout(count: int, calendar: Calendar, plans: Sequence[FoldPlan]) -> PartLayout:
    """The layout for so many accounts (`count`).

    Records hold days in sixteen bits: they begin some 170 years before the last day that any
    fold looks at; what is older counts as that old.
    """
    per_part = max(ACCOUNTS_PER_PART, -(-count // MOST_PARTS))
    shift = min((per_part - 1).bit_length(), MOST_ACCOUNTS_PER_PART.bit_length() - 1)
    ahead = max([0, *(-span.before for plan in plans for span in plan.spans)])
    base = int(calendar.days[-1]) + ahead - DAYS + 2
    grid = KernelGrid(
        days=calendar.days,
        starts=calendar.starts,
        base=base,
        shift=calendar.origin - base,
        noticed=calendar.noticed,
        notice_origin=calendar.notice_origin,
    )
    return PartLayout(count, shift, calendar, grid)


class StreamFacts:
    """The facts of one stream, in records, by part.

    Batches have the columns account (int32), day and known (date32), flags (uint16), one uint64
    per further 64 flags, the plan's values (64 bits each) and, where the plan has moments, event
    and known time (int64, microseconds).
    """

    def __init__(self, plan: FoldPlan, layout: PartLayout, shelf: BlockStore) -> None:
        self.plan = plan
        self.first: DateNumbers = np.full(layout.accounts, len(layout.calendar.days), np.uint16)
        """Per account the first as-of date after any of its facts was known."""
        self._layout = layout
        self._shelf = shelf
        self._blocks: list[tuple[Block, Indices]] = []

    def add(self, batch: pa.RecordBatch) -> None:
        """Takes the facts of a batch in. Raises OSError if there is no room on the disk."""
        if not batch.num_rows:
            return
        codes, days, known_days = (_raw(batch.column(i), np.dtype(np.int32)) for i in range(3))
        flags = _raw(batch.column(3), np.dtype(np.uint16))
        ends = np.zeros(self._layout.parts + 1, np.int64)
        records.tally(codes, self._layout.shift, ends[1:])
        np.cumsum(ends, out=ends)
        written = np.empty((batch.num_rows, self.plan.words), np.uint64)
        places = np.empty(batch.num_rows, np.int64)
        arrived = records.FactBatch(
            codes, days, known_days, flags, self._layout.shift, ends[:-1].copy()
        )
        records.place_records(arrived, self._layout.grid, self.first, written, places)
        for word in range(1, self.plan.words):
            column = _raw(batch.column(word + 3), np.dtype(np.uint64))
            records.place_further_word(places, column, word, written)
        self._blocks.append((self._shelf.keep(written), ends))

    def part(self, part: int) -> tuple[Words, Indices]:
        """The part's records in the order of its accounts, and where each account begins."""
        begin, end = self._layout.bounds(part)
        pieces = [
            block.records(ends[part], ends[part + 1])
            for block, ends in self._blocks
            if ends[part] < ends[part + 1]
        ]
        words = np.concatenate(pieces) if pieces else np.empty((0, self.plan.words), np.uint64)
        return records.by_account(words, end - begin)


def _raw(column: pa.Array, kind: np.dtype[Any]) -> npt.NDArray[Any]:
    """The column's numbers as they lie in memory; a number under a null is never read."""
    return np.frombuffer(column.buffers()[1], kind)[column.offset : column.offset + len(column)]


@dataclass(frozen=True)
class FoldedRows:
    """The rows of a range of accounts: sorted by as-of date, then account.

    `account` numbers the accounts among all, `date` the as-of dates; `folds[stream]` has one row
    of floats per slot of the stream's plan, null as NaN.
    """

    account: Indices
    date: Indices
    folds: dict[str, Floats]


@dataclass(frozen=True)
class FactHistory:
    """All facts that a company's rows are folded from."""

    accounts: AccountIndex
    layout: PartLayout
    streams: dict[str, StreamFacts]
    first: DateNumbers
    """The first as-of date on which each account exists."""
    texts: dict[str, pa.Array]
    """The sorted texts of each indicator that has any."""
    threads: int
    terms: Mapping[str, Terms] = field(default_factory=dict)
    """The terms of the contracts of each target by renewal."""

    def ranges(self, rows: int) -> Iterator[range]:
        """The parts, in ranges that have at most about so many rows."""
        dates = len(self.layout.calendar.days)
        step = max(1, rows // (dates << self.layout.shift))
        for begin in range(0, self.layout.parts, step):
            yield range(begin, min(begin + step, self.layout.parts))

    def shown(self, parts: range | None = None) -> FoldedRows:
        """The rows of these parts, by default of all."""
        chosen = range(self.layout.parts) if parts is None else parts
        begin, end = chosen.start << self.layout.shift, chosen.stop << self.layout.shift
        dates = len(self.layout.calendar.days)
        there = [np.flatnonzero(self.first[begin:end] <= date) for date in range(dates)]
        counts = np.array([len(accounts) for accounts in there])
        return FoldedRows(
            begin + np.concatenate(there),
            np.repeat(np.arange(dates), counts),
            {name: self._folded(facts, chosen, counts) for name, facts in self.streams.items()},
        )

    def _folded(self, facts: StreamFacts, parts: range, counts: Indices) -> Floats:
        out = np.empty((len(facts.plan.folds), int(counts.sum())))
        at = [0, *np.cumsum(counts)[:-1]]
        work = []
        for part in parts:
            work.append((part, np.array(at, np.int64)))
            begin, end = self.layout.bounds(part)
            dates = np.bincount(self.first[begin:end], minlength=len(counts) + 1)[:-1]
            at += np.cumsum(dates)
        program, grid = facts.plan.program, self.layout.grid

        def one(part: int, rows: Indices) -> None:
            begin, end = self.layout.bounds(part)
            kernel.fold_accounts(facts.part(part), program, grid, self.first[begin:end], rows, out)

        with ThreadPoolExecutor(self.threads) as pool:
            for _ in pool.map(one, *zip(*work, strict=True)) if work else ():
                pass
        for slot, fold in enumerate(facts.plan.folds):
            if fold.how in ("first_day", "last_day"):
                out[slot] += self.layout.grid.base
        return out
