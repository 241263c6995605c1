"""The time kernel: facts of whole accounts to folds over spans, for every as-of date at once.

A fact is a record of 64-bit words. The first holds its day, the position `lo` of the first
as-of date after it was known, its account and sixteen flags; further words hold more flags and
values. A fold is one number per account and as-of date: a count, sum, maximum and the like of
the facts that carry a flag and lie in a span.

No fact is ever joined with an as-of date. A span `[as_of − before − days, as_of − before)` holds
a fact of day d for exactly the as-of dates numbered `begin` to `end − 1`, where

    begin = max(lo, starts[d + before])      end = starts[d + before + days]

and `starts` counts the as-of dates up to a day (`features.clock.Calendar`). It is exact for facts
that arrive late, and needs no order. Counts are then differences (+1 at begin, −1 at end) that
one running sum turns into numbers; sums and extremes are applied to [begin, end), so that nothing
that has left a window leaves a rounding error behind. Sums carry their rounding errors along
(Neumaier 1974): their last bit does not depend on the order of the facts.

An account's folds fit into the cache, so accounts are worked through one by one, in parts of
neighbouring accounts that share nothing: as many at a time as there are threads.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from features.folding.compiled import compiled, inlined, lowest_bit
from features.folding.ordered import fold_in_order
from features.folding.records import (
    FIRST_FLAGS,
    MAX,
    MIN,
    SUM,
    WORD,
    Floats,
    FoldProgram,
    Indices,
    KernelGrid,
    Words,
    carries,
    reach,
    value_of,
)


@compiled
def fold_accounts(
    facts: tuple[Words, Indices],
    program: FoldProgram,
    grid: KernelGrid,
    first: npt.NDArray[np.uint16],
    rows: Indices,
    out: Floats,
) -> None:
    """Folds the facts of some neighbouring accounts.

    Parameters
    ----------
    facts
        As `by_account` returns them.
    first : (accounts,) uint16
        The first as-of date on which each account exists.
    rows : (as-of dates,) int64
        The row of `out` for the first of these accounts that exists, per as-of date; moved on.
    out : (slots, rows) float64
        Filled: null is NaN.
    """
    records, begins = facts
    dates = len(grid.days)
    panel, errors = np.empty((2, program.slots, dates + 1))
    start = _starting_panel(program, dates)
    for account in range(len(begins) - 1):
        if first[account] >= dates:
            continue
        # Whole arrays would be assigned with a check of their shapes, a fifth of the compilation.
        for slot in range(program.slots):
            for date in range(dates + 1):
                panel[slot, date] = start[slot, date]
                errors[slot, date] = 0.0
        bounds = begins[account], begins[account + 1]
        _fold_in_any_order(records, bounds, program, grid, panel, errors)
        _finish(program, panel, errors, dates)
        fold_in_order(records[bounds[0] : bounds[1]], program, grid, panel)
        for date in range(first[account], dates):
            row = rows[date]
            rows[date] = row + 1
            for slot in range(program.slots):
                out[slot, row] = panel[slot, date]


@compiled
def _starting_panel(program: FoldProgram, dates: int) -> Floats:
    start = np.zeros((program.slots, dates + 1))
    for group in range(len(program.group_flag)):
        for op in range(program.group_start[group], program.group_start[group + 1]):
            if program.group_how[op] == MAX:
                start[program.group_slot[op]] = -np.inf
            elif program.group_how[op] == MIN:
                start[program.group_slot[op]] = np.inf
    return start


@inlined
def _fold_in_any_order(
    records: Words,
    bounds: tuple[int, int],
    program: FoldProgram,
    grid: KernelGrid,
    panel: Floats,
    errors: Floats,
) -> None:
    spans = len(program.spans)
    begin, end = np.empty((2, spans), np.int64)
    for fact in range(bounds[0], bounds[1]):
        for span in range(spans):
            begin[span], end[span] = reach(records[fact, 0], program.spans, span, grid)
        flags = records[fact, 0] >> np.uint64(WORD - FIRST_FLAGS)
        _count(flags, 0, program, begin, end, panel)
        for word in range(1, program.flag_words):
            flags = records[fact, word]
            _count(flags, FIRST_FLAGS + (word - 1) * WORD, program, begin, end, panel)
        for group in range(len(program.group_flag)):
            if carries(records, fact, program.group_flag[group]):
                value = value_of(records, fact, program.group_word[group])
                for op in range(program.group_start[group], program.group_start[group + 1]):
                    span = program.group_span[op]
                    dates = begin[span], end[span]
                    _take(
                        value, program.group_how[op], program.group_slot[op], dates, panel, errors
                    )


@inlined
def _count(
    flags: Any, offset: int, program: FoldProgram, begin: Indices, end: Indices, panel: Floats
) -> None:
    while flags:
        flag = offset + np.int64(lowest_bit(flags))
        flags &= flags - np.uint64(1)
        for op in range(program.count_start[flag], program.count_start[flag + 1]):
            span = program.count_span[op]
            if begin[span] < end[span]:
                slot = program.count_slot[op]
                panel[slot, begin[span]] += 1.0
                panel[slot, end[span]] -= 1.0


@inlined
def _take(
    value: float, how: int, slot: int, dates: tuple[int, int], panel: Floats, errors: Floats
) -> None:
    if how == SUM:
        for date in range(dates[0], dates[1]):
            # The branch-free sum of Knuth (1969), with what is rounded away kept apart.
            before = panel[slot, date]
            total = before + value
            there = total - before
            errors[slot, date] += (before - (total - there)) + (value - there)
            panel[slot, date] = total
    elif how == MAX:
        for date in range(dates[0], dates[1]):
            panel[slot, date] = max(panel[slot, date], value)
    else:
        for date in range(dates[0], dates[1]):
            panel[slot, date] = min(panel[slot, date], value)


@compiled
def _finish(program: FoldProgram, panel: Floats, errors: Floats, dates: int) -> None:
    for op in range(len(program.count_slot)):
        slot = program.count_slot[op]
        running = 0.0
        for date in range(dates):
            running += panel[slot, date]
            panel[slot, date] = running
    for op in range(len(program.group_slot)):
        slot, how = program.group_slot[op], program.group_how[op]
        for date in range(dates):
            if how == SUM and np.isfinite(panel[slot, date]):
                panel[slot, date] += errors[slot, date]
            elif how != SUM and np.isinf(panel[slot, date]):
                panel[slot, date] = np.nan
