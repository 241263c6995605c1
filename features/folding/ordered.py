"""Folds for which the order of an account's facts counts: the last, different values, quantiles.

The facts that a fold takes are put in order once, and serve every span that asks the same of them.
"""

from typing import Any, NamedTuple

import numpy as np

from features.folding.compiled import bits_set, compiled, inlined, lowest_bit
from features.folding.records import (
    DISTINCT,
    LAST,
    QUANTILE,
    SILENCE,
    THE_DAY,
    WORD,
    Floats,
    FoldProgram,
    Indices,
    Ints,
    KernelGrid,
    Words,
    carries,
    reach,
    value_of,
)


class Chosen(NamedTuple):
    """Facts of an account, in some order: their places, and the as-of dates that hold each."""

    places: Indices
    begin: Indices
    end: Indices


@compiled
def fold_in_order(facts: Words, program: FoldProgram, grid: KernelGrid, panel: Floats) -> None:
    """Folds one account's facts into the slots of `panel` for which their order counts."""
    places = np.empty(0, np.int64)
    for other in range(len(program.others)):
        if other == 0 or not _share_order(program.others, other):
            places = _in_order(facts, program.others[other])
        _fold(facts, places, program, other, grid, panel)


@compiled
def _share_order(others: Ints, other: int) -> Any:
    """Whether this fold takes the same facts in the same order as the one before it."""
    same = True
    for key in range(3):
        same &= others[other, key] == others[other - 1, key]
    return same


@compiled
def _in_order(facts: Words, other: Ints) -> Indices:
    """The places of the facts that a fold takes, in the order in which it takes them."""
    how, flag, word = other[0], other[1], other[2]
    places = np.empty(len(facts), np.int64)
    kept = 0
    for fact in range(len(facts)):
        if carries(facts, fact, flag):
            places[kept] = fact
            kept += 1
    places = places[:kept].copy()
    if how == LAST:
        return places
    keys = np.empty(kept, np.uint64)
    for i in range(kept):
        of_day = how == SILENCE or word == THE_DAY
        key = facts[places[i], 0] & np.uint64(0xFFFF) if of_day else facts[places[i], word]
        keys[i] = _rank(key) if how == QUANTILE else key
    return places[np.argsort(keys)]


@inlined
def _rank(bits: Any) -> Any:
    """A word that stands in the order of the float64 of these bits."""
    sign = np.uint64(1) << np.uint64(WORD - 1)
    return ~bits if bits & sign else bits | sign


@compiled
def _fold(
    facts: Words, places: Indices, program: FoldProgram, other: int, grid: KernelGrid, panel: Floats
) -> None:
    how, _, word, span, slot = program.others[other]
    chosen = _reached(facts, places, program.spans, span, grid)
    result = panel[slot]
    if how == LAST:
        _last(facts, chosen, word, result)
    elif how == DISTINCT:
        _distinct(facts, chosen, word, result)
    elif how == QUANTILE:
        _quantile(facts, chosen, word, program.levels[other], result)
    else:
        before, days = program.spans[span, 0], program.spans[span, 1]
        for date in range(len(grid.days)):
            # The day before the span begins, on the scale of the records.
            result[date] = grid.days[date] - grid.base - before - days - 1
        _silence(facts, chosen, days, result)


@compiled
def _reached(facts: Words, places: Indices, spans: Ints, span: int, grid: KernelGrid) -> Chosen:
    """Those facts that the span holds for some as-of date, in their order."""
    held, begin, end = np.empty((3, len(places)), np.int64)
    kept = 0
    for position in places:
        first, behind = reach(facts[position, 0], spans, span, grid)
        if first < behind:
            held[kept], begin[kept], end[kept] = position, first, behind
            kept += 1
    return Chosen(held[:kept], begin[:kept], end[:kept])


@compiled
def _last(facts: Words, chosen: Chosen, word: int, result: Floats) -> None:
    """The value of the fact that is last by event time, then known time, then value."""
    dates = len(result) - 1
    best = np.full(dates, -1, np.int64)
    for i in range(len(chosen.places)):
        fact = chosen.places[i]
        for date in range(chosen.begin[i], chosen.end[i]):
            if best[date] < 0 or _is_later(facts, fact, best[date], word):
                best[date] = fact
    for date in range(dates):
        result[date] = np.nan if best[date] < 0 else value_of(facts, best[date], word)


@compiled
def _is_later(facts: Words, one: int, other: int, word: int) -> Any:
    for moment in range(facts.shape[1] - 2, facts.shape[1]):
        mine, its = np.int64(facts[one, moment]), np.int64(facts[other, moment])
        if mine != its:
            return mine > its
    return value_of(facts, one, word) > value_of(facts, other, word)


@compiled
def _distinct(facts: Words, chosen: Chosen, word: int, result: Floats) -> None:
    """How many different values: the as-of dates of each value are a bit set, counted once."""
    there = np.zeros((len(result) - 1 + WORD - 1) // WORD, np.uint64)
    last = len(chosen.places) - 1
    for i in range(last + 1):
        _set_bits(there, chosen.begin[i], chosen.end[i])
        value = facts[chosen.places[i], word]
        if i == last or facts[chosen.places[i + 1], word] != value:
            for part in range(len(there)):
                bits = there[part]
                there[part] = np.uint64(0)
                while bits:
                    result[part * WORD + np.int64(lowest_bit(bits))] += 1.0
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
def _quantile(facts: Words, chosen: Chosen, word: int, level: float, result: Floats) -> None:
    """The quantile, linear between neighbours (Hyndman & Fan 1996, type 7).

    Facts come ranked; each as-of date holds the bit set of its facts' ranks, in which the
    neighbours of the quantile are the bits at two positions.
    """
    dates, places = len(result) - 1, chosen.places
    ranks = np.zeros((dates, (len(places) + WORD - 1) // WORD), np.uint64)
    counts = np.zeros(dates, np.int64)
    for rank in range(len(places)):
        bit = np.uint64(1) << np.uint64(rank % WORD)
        for date in range(chosen.begin[rank], chosen.end[rank]):
            ranks[date, rank // WORD] |= bit
            counts[date] += 1
    for date in range(dates):
        if counts[date] == 0:
            result[date] = np.nan
            continue
        position = level * (counts[date] - 1)
        low = np.int64(np.floor(position))
        high = min(low + 1, counts[date] - 1)
        lower = value_of(facts, places[_bit_at(ranks[date], low)], word)
        upper = value_of(facts, places[_bit_at(ranks[date], high)], word)
        result[date] = lower + (upper - lower) * (position - low)


@compiled
def _bit_at(bits: Words, position: Any) -> Any:
    """The place of the bit that `position` set bits precede."""
    left: Any = position
    part = 0
    while left >= np.int64(bits_set(bits[part])):
        left -= np.int64(bits_set(bits[part]))
        part += 1
    word, bit, width = bits[part], part * WORD, WORD // 2
    while width:
        lower = word & ((np.uint64(1) << np.uint64(width)) - np.uint64(1))
        count = np.int64(bits_set(lower))
        if left < count:
            word = lower
        else:
            left -= count
            bit += width
            word >>= np.uint64(width)
        width //= 2
    return bit


@compiled
def _silence(facts: Words, chosen: Chosen, days: int, result: Floats) -> None:
    """The longest run of days of the span without a fact.

    `result` holds, per as-of date, the day before the span begins, and then the longest silence.
    """
    dates = len(result) - 1
    last = result.copy()
    longest = np.zeros(dates)
    for i in range(len(chosen.places)):
        day = np.float64(facts[chosen.places[i], 0] & np.uint64(0xFFFF))
        for date in range(chosen.begin[i], chosen.end[i]):
            longest[date] = max(longest[date], day - last[date] - 1)
            last[date] = day
    for date in range(dates):
        result[date] = max(longest[date], result[date] + days - last[date])
