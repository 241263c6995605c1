"""Facts as the time kernel reads them: records of 64-bit words, in parts of neighbouring accounts.

The first word of a record holds its day (bits 0 to 15), the position of the first as-of date after
it was known (16 to 31), its account within its part (32 to 47) and sixteen flags (48 to 63). Words
of 64 more flags each, the values and, where a fold asks for them, the moments follow.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from features.folding.compiled import as_float, compiled, inlined

Words = npt.NDArray[np.uint64]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]
Indices = npt.NDArray[np.int64]

DAYS = 1 << 16
FIRST_FLAGS = 16
WORD = 64
# In place of the word of a value: the fact's day itself.
THE_DAY = -1

SUM, MAX, MIN = 0, 1, 2
LAST, DISTINCT, QUANTILE, SILENCE = 0, 1, 2, 3


class FoldProgram(NamedTuple):
    """The program of the kernel, as arrays; written by `features.folding.fold_plan`.

    Folds are numbered by `slot`. `spans` has (before, days or -1, known) per span. Counts stand
    by flag: those of flag f from `count_start[f]` on. Extremes and sums stand by group, a flag
    and the word of a value; `others` are folds that need an account's facts in order, with
    columns (how, flag, word, span, slot), sorted, and `levels` the quantile of each.
    """

    spans: Ints
    count_start: Ints
    count_span: Ints
    count_slot: Ints
    group_flag: Ints
    group_word: Ints
    group_start: Ints
    group_how: Ints
    group_span: Ints
    group_slot: Ints
    others: Ints
    levels: Floats
    slots: int
    flag_words: int
    """Words that hold flags, the first included."""


class KernelGrid(NamedTuple):
    """The as-of dates for the kernel: `Calendar`'s table, and the day that records count from."""

    days: Ints
    starts: npt.NDArray[np.uint16]
    base: int
    """The day number that is 0 in a record."""
    shift: int
    """The difference between a record's day and its place in `starts`."""
    noticed: npt.NDArray[np.uint16]
    """The calendar's table of the days on which facts become known, and the day it begins with."""
    notice_origin: int


class FactBatch(NamedTuple):
    """Facts on their way into parts of 2**shift accounts each, in columns.

    `free[part]` is where the part's next record goes; it moves on.
    """

    codes: Ints
    days: Ints
    known: Ints
    flags: npt.NDArray[np.uint16]
    shift: int
    free: Indices


@compiled
def tally(codes: Ints, shift: int, counts: Indices) -> None:
    """Adds to `counts` how many of the facts belong to each part of 2**shift accounts."""
    for i in range(len(codes)):
        counts[codes[i] >> shift] += 1


@compiled
def place_records(
    batch: FactBatch,
    grid: KernelGrid,
    first: npt.NDArray[np.uint16],
    records: Words,
    places: Indices,
) -> None:
    """Writes the first word of each fact into its part, and down where it went.

    `first[account]` sinks to the first as-of date after any fact of the account was known.
    """
    top = len(grid.noticed) - 1
    local = (1 << batch.shift) - 1
    for i in range(len(batch.codes)):
        code = batch.codes[i]
        part = code >> batch.shift
        there = batch.free[part]
        batch.free[part] = there + 1
        places[i] = there
        lo = grid.noticed[min(max(batch.known[i] - grid.notice_origin, 0), top)]
        day = min(max(batch.days[i] - grid.base, 0), DAYS - 1)
        records[there, 0] = (
            np.uint64(day)
            | np.uint64(lo) << np.uint64(16)
            | np.uint64(code & local) << np.uint64(32)
            | np.uint64(batch.flags[i]) << np.uint64(48)
        )
        first[code] = min(first[code], lo)


@compiled
def place_further_word(places: Indices, words: Words, word: int, records: Words) -> None:
    """Writes another word of each fact where its first one went."""
    for i in range(len(places)):
        records[places[i], word] = words[i]


@compiled
def by_account(records: Words, accounts: int) -> tuple[Words, Indices]:
    """The records in the order of their accounts (a counting sort), and where each one begins."""
    begins = np.zeros(accounts + 1, np.int64)
    for i in range(len(records)):
        begins[account_of(records[i, 0]) + 1] += 1
    for account in range(accounts):
        begins[account + 1] += begins[account]
    free = begins[:-1].copy()
    ordered = np.empty_like(records)
    for i in range(len(records)):
        account = account_of(records[i, 0])
        there = free[account]
        free[account] = there + 1
        for word in range(records.shape[1]):
            ordered[there, word] = records[i, word]
    return ordered, begins


@inlined
def account_of(word: Any) -> Any:
    """The account of a record, within its part, from its first word."""
    return np.int64((word >> np.uint64(32)) & np.uint64(0xFFFF))


@inlined
def reach(word: Any, spans: Ints, span: int, grid: KernelGrid) -> Any:
    """The as-of dates, from the first to the one behind the last, whose span holds the fact."""
    top = len(grid.starts) - 1
    first_date = np.int64(word & np.uint64(0xFFFF)) - grid.shift + spans[span, 0]
    begin = np.int64(grid.starts[min(max(first_date, 0), top)])
    if spans[span, 2]:
        begin = max(begin, np.int64((word >> np.uint64(16)) & np.uint64(0xFFFF)))
    days = spans[span, 1]
    if days < 0:
        return begin, len(grid.days)
    return begin, np.int64(grid.starts[min(max(first_date + days, 0), top)])


@inlined
def carries(records: Words, fact: int, flag: int) -> Any:
    """Whether the fact carries the flag, as 0 or 1."""
    if flag < FIRST_FLAGS:
        return (records[fact, 0] >> np.uint64(WORD - FIRST_FLAGS + flag)) & np.uint64(1)
    rest = flag - FIRST_FLAGS
    return (records[fact, 1 + rest // WORD] >> np.uint64(rest % WORD)) & np.uint64(1)


@inlined
def value_of(records: Words, fact: int, word: int) -> Any:
    """The number in a word of the fact, or its day."""
    if word == THE_DAY:
        return np.float64(records[fact, 0] & np.uint64(0xFFFF))
    return as_float(records[fact, word])
