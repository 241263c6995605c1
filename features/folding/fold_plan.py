"""The folds of the facts of one stream: the declaration's side of the kernel.

A `TimeFold` says it in the words of the declaration (SQL texts and spans). A `FoldPlan` collects
the folds of a stream, gives every different condition a flag and every different value a word, and
writes them down as the kernel's `FoldProgram`.
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, TypeVar

import numpy as np

from features.clock import Span
from features.folding import records
from features.folding.records import FIRST_FLAGS, WORD, FoldProgram, Ints

How = Literal[
    "count",
    "sum",
    "max",
    "min",
    "first_day",
    "last_day",
    "last",
    "distinct",
    "quantile",
    "silence",
]
ValueKind = Literal["number", "flag", "category", "identity", "day"]
EVERY_FACT = "TRUE"

IN_ANY_ORDER: dict[How, int] = {
    "sum": records.SUM,
    "max": records.MAX,
    "min": records.MIN,
    "last_day": records.MAX,
    "first_day": records.MIN,
}
IN_ORDER: dict[How, int] = {
    "last": records.LAST,
    "distinct": records.DISTINCT,
    "quantile": records.QUANTILE,
    "silence": records.SILENCE,
}


@dataclass(frozen=True)
class FoldValue:
    """A value to fold: an SQL expression over the row, and how it becomes one word.

    A `number` (or `flag`, 0 or 1) is a float, a `day` the days since 1970 as a float, a
    `category` its place among the sorted texts as a float, an `identity` 64 bits that are equal
    where the values are.
    """

    text: str
    kind: ValueKind = "number"


@dataclass(frozen=True)
class TimeFold:
    """One number per account and as-of date from the facts for which `keep` (SQL) is true.

    `last_day` and `first_day` are days since 1970; `last` goes by event time, known time, value.
    Counts, `distinct` and sums of nothing are 0, everything else of nothing is null.
    """

    how: How
    span: Span
    keep: str = EVERY_FACT
    value: FoldValue | None = None
    level: float = 0.0


@dataclass
class FoldPlan:
    """The folds of one stream of facts, each once, in the order in which they were asked for."""

    stream: str
    folds: list[TimeFold] = field(default_factory=list)

    def slot(self, fold: TimeFold) -> int:
        """The number of the fold, which is written down if it is new."""
        if fold not in self.folds:
            self.folds.append(fold)
        return self.folds.index(fold)

    @cached_property
    def keeps(self) -> tuple[str, ...]:
        """The conditions; the place of each is its flag."""
        return _different(fold.keep for fold in self.folds)

    @cached_property
    def values(self) -> tuple[FoldValue, ...]:
        """The values, in the order of their words."""
        return _different(fold.value for fold in self.folds if fold.value is not None)

    @cached_property
    def spans(self) -> tuple[Span, ...]:
        """The spans."""
        return _different(fold.span for fold in self.folds)

    @property
    def has_moments(self) -> bool:
        """Whether records end with event and known time (microseconds), which `last` needs."""
        return any(fold.how == "last" for fold in self.folds)

    @property
    def flag_words(self) -> int:
        """Words of flags beside the sixteen of the first word."""
        return (max(len(self.keeps) - FIRST_FLAGS, 0) + WORD - 1) // WORD

    @property
    def words(self) -> int:
        """The length of a record."""
        return 1 + self.flag_words + len(self.values) + 2 * self.has_moments

    @cached_property
    def program(self) -> FoldProgram:
        """The folds as the kernel takes them."""
        counts = sorted(
            (self.keeps.index(fold.keep), self.spans.index(fold.span), slot)
            for slot, fold in enumerate(self.folds)
            if fold.how == "count"
        )
        ops = sorted(
            (self.keeps.index(fold.keep), self._word(fold), IN_ANY_ORDER[fold.how], span, slot)
            for slot, fold in enumerate(self.folds)
            if fold.how in IN_ANY_ORDER
            for span in [self.spans.index(fold.span)]
        )
        groups = _different((flag, word) for flag, word, *_ in ops)
        others = sorted(
            (
                IN_ORDER[fold.how],
                self.keeps.index(fold.keep),
                self._word(fold),
                self.spans.index(fold.span),
                slot,
            )
            for slot, fold in enumerate(self.folds)
            if fold.how in IN_ORDER
        )
        return FoldProgram(
            spans=_ints([_numbers(span) for span in self.spans], 3),
            count_start=_ints(_starts([flag for flag, _, _ in counts], range(len(self.keeps)))),
            count_span=_ints([span for _, span, _ in counts]),
            count_slot=_ints([slot for _, _, slot in counts]),
            group_flag=_ints([flag for flag, _ in groups]),
            group_word=_ints([word for _, word in groups]),
            group_start=_ints(_starts([(flag, word) for flag, word, *_ in ops], groups)),
            group_how=_ints([how for _, _, how, _, _ in ops]),
            group_span=_ints([span for _, _, _, span, _ in ops]),
            group_slot=_ints([slot for _, _, _, _, slot in ops]),
            others=_ints(others, 5),
            levels=np.array([self.folds[slot].level for *_, slot in others], float),
            slots=len(self.folds),
            flag_words=1 + self.flag_words,
        )

    def _word(self, fold: TimeFold) -> int:
        if fold.value is None:
            return records.THE_DAY
        return 1 + self.flag_words + self.values.index(fold.value)


Item = TypeVar("Item", bound=Hashable)
FoldReader = Callable[[TimeFold], records.Floats]


def _different(items: Iterable[Item]) -> tuple[Item, ...]:
    return tuple(dict.fromkeys(items))


def _numbers(span: Span) -> tuple[int, int, int]:
    return span.before, -1 if span.days is None else span.days, int(span.known)


def _starts(of: list[Item], groups: Iterable[Item]) -> list[int]:
    """Where each group begins in a list that is sorted by group, and the list's end."""
    starts = [0]
    for group in groups:
        starts.append(starts[-1] + of.count(group))
    return starts


def _ints(items: Sequence[int] | Sequence[tuple[int, ...]], width: int = 0) -> Ints:
    array = np.array(items, np.int32)
    return array.reshape(-1, width) if width else array.reshape(-1)
