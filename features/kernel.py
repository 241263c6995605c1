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

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from features.compiled import as_float, bits_set, compiled, inlined, lowest_bit

Words = npt.NDArray[np.uint64]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]
Places = npt.NDArray[np.int64]

DAYS = 1 << 16
FIRST_FLAGS = 16
WORD = 64
THE_DAY = -1
"""In place of the word of a value: the fact's day itself."""

SUM, MAX, MIN = 0, 1, 2
LAST, DISTINCT, QUANTILE, SILENCE = 0, 1, 2, 3


class Program(NamedTuple):
    """What the kernel folds, as arrays; written by `features.folds`.

    Folds are numbered by `slot`. `spans` has (before, days or -1, known) per span. Counts stand
    by flag: those of flag f from `count_start[f]` on. Extremes and sums stand by group, a flag
    and the word of a value; `others` are folds that need an account's facts in order, with
    columns (how, flag, word, span, slot), and `levels` the quantile of each.
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


class Grid(NamedTuple):
    """The as-of dates for the kernel: `Calendar`'s table, and the day that records count from."""

    days: Ints
    starts: npt.NDArray[np.uint16]
    base: int
    """The day number that is 0 in a record."""
    shift: int
    """What a record's day is greater by than a place in `starts`."""


class Batch(NamedTuple):
    """Facts on their way into parts of 2**shift accounts each, in columns.

    `free[part]` is where the part's next record goes; it moves on.
    """

    codes: Ints
    days: Ints
    known: Ints
    flags: npt.NDArray[np.uint16]
    shift: int
    free: Places


class Chosen(NamedTuple):
    """Some facts of an account: their places, and the as-of dates whose span holds each."""

    places: Places
    begin: Places
    end: Places


@compiled
def tally(codes: Ints, shift: int, counts: Places) -> None:
    """Adds to `counts` how many of the facts belong to each part of 2**shift accounts."""
    for i in range(len(codes)):
        counts[codes[i] >> shift] += 1


@compiled
def place(
    batch: Batch, grid: Grid, first: npt.NDArray[np.uint16], records: Words, places: Places
) -> None:
    """Writes the first word of each fact into its part, and down where it went.

    `first[account]` sinks to the first as-of date after any fact of the account was known.
    """
    top = len(grid.starts) - 1
    origin = grid.base + grid.shift
    local = (1 << batch.shift) - 1
    for i in range(len(batch.codes)):
        code = batch.codes[i]
        part = code >> batch.shift
        there = batch.free[part]
        batch.free[part] = there + 1
        places[i] = there
        lo = grid.starts[min(max(batch.known[i] - origin, 0), top)]
        day = min(max(batch.days[i] - grid.base, 0), DAYS - 1)
        records[there, 0] = (
            np.uint64(day)
            | np.uint64(lo) << np.uint64(16)
            | np.uint64(code & local) << np.uint64(32)
            | np.uint64(batch.flags[i]) << np.uint64(48)
        )
        first[code] = min(first[code], lo)


@compiled
def place_word(places: Places, words: Words, word: int, records: Words) -> None:
    """Writes another word of each fact where its first one went."""
    for i in range(len(places)):
        records[places[i], word] = words[i]


@compiled
def by_account(records: Words, accounts: int) -> tuple[Words, Places]:
    """The records in the order of their accounts (a counting sort), and where each one begins."""
    begins = np.zeros(accounts + 1, np.int64)
    for i in range(len(records)):
        begins[_account(records[i, 0]) + 1] += 1
    for account in range(accounts):
        begins[account + 1] += begins[account]
    free = begins[:-1].copy()
    ordered = np.empty_like(records)
    for i in range(len(records)):
        account = _account(records[i, 0])
        there = free[account]
        free[account] = there + 1
        for word in range(records.shape[1]):
            ordered[there, word] = records[i, word]
    return ordered, begins


@compiled
def fold(
    facts: tuple[Words, Places],
    program: Program,
    grid: Grid,
    first: npt.NDArray[np.uint16],
    rows: Places,
    out: Floats,
) -> None:
    """Folds the facts of some neighbouring accounts.

    Parameters
    ----------
    facts
        As `by_account` answers them.
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
        panel[:] = start
        errors[:] = 0.0
        bounds = begins[account], begins[account + 1]
        _fold_in_any_order(records, bounds, program, grid, panel, errors)
        _finish(program, panel, errors, dates)
        for other in range(len(program.others)):
            _fold_in_order(records[bounds[0] : bounds[1]], program, other, grid, panel)
        for date in range(first[account], dates):
            row = rows[date]
            rows[date] = row + 1
            for slot in range(program.slots):
                out[slot, row] = panel[slot, date]


@inlined
def _account(word: Any) -> Any:
    return np.int64((word >> np.uint64(32)) & np.uint64(0xFFFF))


@compiled
def _starting_panel(program: Program, dates: int) -> Floats:
    start = np.zeros((program.slots, dates + 1))
    for group in range(len(program.group_flag)):
        for op in range(program.group_start[group], program.group_start[group + 1]):
            if program.group_how[op] == MAX:
                start[program.group_slot[op]] = -np.inf
            elif program.group_how[op] == MIN:
                start[program.group_slot[op]] = np.inf
    return start


@inlined
def _reach(word: Any, spans: Ints, span: int, grid: Grid) -> Any:
    """The as-of dates, from the first to the one behind the last, whose span holds the fact."""
    top = len(grid.starts) - 1
    place = np.int64(word & np.uint64(0xFFFF)) - grid.shift + spans[span, 0]
    begin = np.int64(grid.starts[min(max(place, 0), top)])
    if spans[span, 2]:
        begin = max(begin, np.int64((word >> np.uint64(16)) & np.uint64(0xFFFF)))
    days = spans[span, 1]
    if days < 0:
        return begin, len(grid.days)
    return begin, np.int64(grid.starts[min(max(place + days, 0), top)])


@inlined
def _carries(records: Words, fact: int, flag: int) -> Any:
    if flag < FIRST_FLAGS:
        return (records[fact, 0] >> np.uint64(WORD - FIRST_FLAGS + flag)) & np.uint64(1)
    rest = flag - FIRST_FLAGS
    return (records[fact, 1 + rest // WORD] >> np.uint64(rest % WORD)) & np.uint64(1)


@inlined
def _value(records: Words, fact: int, word: int) -> Any:
    if word == THE_DAY:
        return np.float64(records[fact, 0] & np.uint64(0xFFFF))
    return as_float(records[fact, word])


@inlined
def _fold_in_any_order(
    records: Words,
    bounds: tuple[int, int],
    program: Program,
    grid: Grid,
    panel: Floats,
    errors: Floats,
) -> None:
    spans = len(program.spans)
    begin, end = np.empty((2, spans), np.int64)
    for fact in range(bounds[0], bounds[1]):
        for span in range(spans):
            begin[span], end[span] = _reach(records[fact, 0], program.spans, span, grid)
        flags = records[fact, 0] >> np.uint64(WORD - FIRST_FLAGS)
        _count(flags, 0, program, begin, end, panel)
        for word in range(1, program.flag_words):
            flags = records[fact, word]
            _count(flags, FIRST_FLAGS + (word - 1) * WORD, program, begin, end, panel)
        for group in range(len(program.group_flag)):
            if _carries(records, fact, program.group_flag[group]):
                value = _value(records, fact, program.group_word[group])
                for op in range(program.group_start[group], program.group_start[group + 1]):
                    span = program.group_span[op]
                    dates = begin[span], end[span]
                    _take(
                        value, program.group_how[op], program.group_slot[op], dates, panel, errors
                    )


@inlined
def _count(
    flags: Any, offset: int, program: Program, begin: Places, end: Places, panel: Floats
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
def _finish(program: Program, panel: Floats, errors: Floats, dates: int) -> None:
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


@compiled
def _fold_in_order(facts: Words, program: Program, other: int, grid: Grid, panel: Floats) -> None:
    how, flag, word, span, slot = program.others[other]
    chosen = _choose(facts, flag, program.spans, span, grid)
    found = panel[slot]
    if how == LAST:
        _last(facts, chosen, word, found)
    elif how == DISTINCT:
        _distinct(facts, chosen, word, found)
    elif how == QUANTILE:
        _quantile(facts, chosen, word, program.levels[other], found)
    else:
        before, days = program.spans[span, 0], program.spans[span, 1]
        for date in range(len(grid.days)):
            # The day before the span begins, on the scale of the records.
            found[date] = grid.days[date] - grid.base - before - days - 1
        _silence(facts, chosen, days, found)


@compiled
def _choose(facts: Words, flag: int, spans: Ints, span: int, grid: Grid) -> Chosen:
    places, begin, end = np.empty((3, len(facts)), np.int64)
    kept = 0
    for fact in range(len(facts)):
        if _carries(facts, fact, flag):
            places[kept] = fact
            begin[kept], end[kept] = _reach(facts[fact, 0], spans, span, grid)
            kept += 1
    return Chosen(places[:kept], begin[:kept], end[:kept])


@compiled
def _last(facts: Words, chosen: Chosen, word: int, found: Floats) -> None:
    """The value of the fact that is last by event time, then known time, then value."""
    dates = len(found) - 1
    best = np.full(dates, -1, np.int64)
    for i in range(len(chosen.places)):
        fact = chosen.places[i]
        for date in range(chosen.begin[i], chosen.end[i]):
            if best[date] < 0 or _is_later(facts, fact, best[date], word):
                best[date] = fact
    for date in range(dates):
        found[date] = np.nan if best[date] < 0 else _value(facts, best[date], word)


@compiled
def _is_later(facts: Words, one: int, other: int, word: int) -> Any:
    for moment in range(facts.shape[1] - 2, facts.shape[1]):
        mine, its = np.int64(facts[one, moment]), np.int64(facts[other, moment])
        if mine != its:
            return mine > its
    return _value(facts, one, word) > _value(facts, other, word)


@compiled
def _distinct(facts: Words, chosen: Chosen, word: int, found: Floats) -> None:
    """How many different values: the as-of dates of each value are a bit set, counted once."""
    values = np.empty(len(chosen.places), np.uint64)
    for i in range(len(values)):
        values[i] = facts[chosen.places[i], word]
    order = np.argsort(values)
    there = np.zeros((len(found) - 1 + WORD - 1) // WORD, np.uint64)
    for i in range(len(order)):
        _set_bits(there, chosen.begin[order[i]], chosen.end[order[i]])
        if i + 1 == len(order) or values[order[i + 1]] != values[order[i]]:
            for part in range(len(there)):
                bits = there[part]
                there[part] = np.uint64(0)
                while bits:
                    found[part * WORD + np.int64(lowest_bit(bits))] += 1.0
                    bits &= bits - np.uint64(1)


@compiled
def _set_bits(bits: Words, begin: int, end: int) -> None:
    full = ~np.uint64(0)
    if begin >= end:
        return
    for part in range(begin // WORD, (end - 1) // WORD + 1):
        low, high = max(begin - part * WORD, 0), min(end - part * WORD, WORD)
        bits[part] |= (full >> np.uint64(WORD - (high - low))) << np.uint64(low)


@compiled
def _quantile(facts: Words, chosen: Chosen, word: int, level: float, found: Floats) -> None:
    """The quantile, linear between neighbours (Hyndman & Fan 1996, type 7).

    Facts are ranked once; each as-of date holds the bit set of its facts' ranks, in which the
    neighbours of the quantile are the bits at two positions.
    """
    dates = len(found) - 1
    values = np.empty(len(chosen.places))
    for i in range(len(values)):
        values[i] = _value(facts, chosen.places[i], word)
    order = np.argsort(values)
    ranks = np.zeros((dates, (len(order) + WORD - 1) // WORD), np.uint64)
    for rank in range(len(order)):
        bit = np.uint64(1) << np.uint64(rank % WORD)
        for date in range(chosen.begin[order[rank]], chosen.end[order[rank]]):
            ranks[date, rank // WORD] |= bit
    for date in range(dates):
        count = 0
        for part in range(ranks.shape[1]):
            count += int(bits_set(ranks[date, part]))
        if count == 0:
            found[date] = np.nan
            continue
        place = level * (count - 1)
        low = np.int64(np.floor(place))
        lower = values[order[_bit_at(ranks[date], low)]]
        upper = values[order[_bit_at(ranks[date], min(low + 1, count - 1))]]
        found[date] = lower + (upper - lower) * (place - low)


@compiled
def _bit_at(bits: Words, position: Any) -> Any:
    """The place of the bit that `position` set bits precede."""
    left: Any = position
    for part in range(len(bits)):
        here = np.int64(bits_set(bits[part]))
        if left < here:
            word = bits[part]
            for _ in range(left):
                word &= word - np.uint64(1)
            return part * WORD + np.int64(lowest_bit(word))
        left -= here
    return -1


@compiled
def _silence(facts: Words, chosen: Chosen, days: int, found: Floats) -> None:
    """The longest run of days of the span without a fact.

    `found` holds, per as-of date, the day before the span begins, and then the answer.
    """
    dates = len(found) - 1
    order = np.argsort(facts[:, 0][chosen.places] & np.uint64(0xFFFF))
    last = found.copy()
    longest = np.zeros(dates)
    for i in order:
        day = np.float64(facts[chosen.places[i], 0] & np.uint64(0xFFFF))
        for date in range(chosen.begin[i], chosen.end[i]):
            longest[date] = max(longest[date], day - last[date] - 1)
            last[date] = day
    for date in range(dates):
        found[date] = max(longest[date], found[date] + days - last[date])
