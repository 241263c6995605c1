"""The measures of indicators: the folds that each asks for, and the value it computes from them.

A measure is one function. It is called twice: once with folds of no rows, to learn which folds
it needs, and once with the folds of the accounts. Numbers are float64 with NaN for null, one
per row (account and as-of date).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.clock import Span
from features.declaring.indicator import Indicator
from features.declaring.source import Source
from features.folding.fold_plan import (
    EVERY_FACT,
    FoldReader,
    FoldValue,
    How,
    TimeFold,
    ValueKind,
)
from features.folding.records import Floats, Indices

FEWEST_PEERS = 20


@dataclass(frozen=True)
class RowContext:
    """The context of the rows that a measure sees beside their facts.

    As-of day, days of history, and a number that rows of the same segment and date share.
    """

    as_of: Floats
    history_days: Floats
    peers: Indices


@dataclass(frozen=True)
class MeasureInput:
    """One column that is asked for: an indicator over one window (days; `None`: whole history).

    `kind` is what its value is folded as, `keep` (SQL) which rows count; `ask` returns a fold of
    its source's facts, `other` what another indicator is over the same window, or over the only
    one that it has.
    """

    indicator: Indicator
    window: int | None
    source: Source
    kind: ValueKind
    keep: str
    ask: FoldReader
    other: Callable[[str], Floats]
    rows: RowContext

    @property
    def span(self) -> Span:
        """The window."""
        return Span(self.window)

    def fold(self, how: How, span: Span | None = None) -> Floats:
        """The fold of the rows that count, by default over the window."""
        value = None
        if (
            how not in ("count", "silence", "first_day", "last_day")
            and self.indicator.value is not None
        ):
            value = FoldValue(self.indicator.value, self.kind)
        level = self.indicator.quantile or 0.0 if how == "quantile" else 0.0
        return self.ask(TimeFold(how, span or self.span, self.keep, value, level))

    def reported(self, values: Floats, span: Span | None = None) -> Floats:
        """`values`; null where silence says nothing and the source has no row in the span."""
        if self.source.absent == "zero":
            return values
        return np.where(
            self.ask(TimeFold("count", span or self.span, EVERY_FACT)) > 0, values, np.nan
        )

    def after(self, days: int, values: Floats) -> Floats:
        """`values`; null where the account has less than so many days of history."""
        return np.where(self.rows.history_days >= days, values, np.nan)


def _share(over: Floats, per: Floats) -> Floats:
    """One over the other, null where the other is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(per == 0, np.nan, over / per)


def _count(asked: MeasureInput) -> Floats:
    return asked.reported(asked.fold("count"))


def _sum(asked: MeasureInput) -> Floats:
    return asked.reported(asked.fold("sum"))


def _distinct(asked: MeasureInput) -> Floats:
    return asked.reported(asked.fold("distinct"))


def _mean(asked: MeasureInput) -> Floats:
    return _share(asked.fold("sum"), asked.fold("count"))


def _max(asked: MeasureInput) -> Floats:
    return asked.fold("max")


def _min(asked: MeasureInput) -> Floats:
    return asked.fold("min")


def _quantile(asked: MeasureInput) -> Floats:
    return asked.fold("quantile")


def _latest(asked: MeasureInput) -> Floats:
    return asked.fold("last")


def _days_since(asked: MeasureInput) -> Floats:
    return asked.rows.as_of - asked.fold("last_day")


def _days_since_first(asked: MeasureInput) -> Floats:
    return asked.rows.as_of - asked.fold("first_day")


def _days_until(asked: MeasureInput) -> Floats:
    return asked.fold("last") - asked.rows.as_of


def _change(asked: MeasureInput) -> Floats:
    return asked.fold("last") - asked.fold("last", Span(None, before=asked.window or 0))


def _longest_silence(asked: MeasureInput) -> Floats:
    return asked.reported(asked.after(asked.window or 0, asked.fold("silence")))


def _ratio(asked: MeasureInput) -> Floats:
    """Recent amount per day over earlier amount per day.

    `shrink` facts, spread evenly over both spans, draw small counts towards 1 (the mean of a
    gamma prior: Gelman et al., Bayesian Data Analysis, 2.6). The history must be as long as both
    spans: over the few days that a new account has of the earlier one, it would be any number.
    """
    indicator, window = asked.indicator, asked.window or 0
    earlier, lag = indicator.earlier or 0, indicator.lag or window
    how: How = "count" if indicator.of == "count" else "sum"
    shrink = (indicator.shrink or 0.0) / (window + earlier)
    recent = asked.fold(how) / window + shrink
    before = asked.fold(how, Span(earlier, before=lag)) / earlier + shrink
    return asked.reported(asked.after(lag + earlier, _share(recent, before)))


def _deviation(asked: MeasureInput) -> Floats:
    """The count against the account's own baseline: equal spans before the window.

    In units of their sample deviation, which is at least that of a Poisson count of their mean
    and at least 1.
    """
    window, earlier = asked.window or 0, asked.indicator.earlier or 0
    spans = [Span(window, before=back) for back in range(window, earlier + window, window)]
    baseline = np.stack([asked.fold("count", span) for span in spans])
    mean = baseline.mean(axis=0)
    spread = np.maximum(baseline.std(axis=0, ddof=1), np.sqrt(np.maximum(mean, 1.0)))
    deviations = asked.after(window + earlier, (asked.fold("count") - mean) / spread)
    return asked.reported(deviations, Span(window + earlier))


def _quotient(asked: MeasureInput) -> Floats:
    return _share(asked.other(str(asked.indicator.over)), asked.other(str(asked.indicator.per)))


def _peer_rank(asked: MeasureInput) -> Floats:
    """The share of the segment's accounts with a lower value, those with the same one half.

    Of those that have a value on that date, itself included (a mid-rank: Kendall 1945); null
    among fewer than `FEWEST_PEERS`.
    """
    values = asked.other(str(asked.indicator.of))
    shares = np.full(len(values), np.nan)
    there = np.flatnonzero(~np.isnan(values))
    order = there[np.lexsort((values[there], asked.rows.peers[there]))]
    peers, ordered = asked.rows.peers[order], values[order]
    group = _run_starts(peers[1:] != peers[:-1], len(order))
    equal = _run_starts((peers[1:] != peers[:-1]) | (ordered[1:] != ordered[:-1]), len(order))
    size = np.bincount(group, minlength=len(order))[group]
    lower, same = equal - group, np.bincount(equal, minlength=len(order))[equal]
    ranks = (lower + same / 2) / np.maximum(size, 1)
    shares[order] = np.where(size >= FEWEST_PEERS, ranks, np.nan)
    return shares


def _run_starts(changes: npt.NDArray[np.bool_], length: int) -> Indices:
    """For each place the place at which its run of equals began."""
    starts = np.zeros(length, np.int64)
    starts[1:][changes] = np.flatnonzero(changes) + 1
    return np.maximum.accumulate(starts)


MEASURES: dict[str, Callable[[MeasureInput], Floats]] = {
    "count": _count,
    "sum": _sum,
    "mean": _mean,
    "max": _max,
    "min": _min,
    "share": _mean,
    "distinct": _distinct,
    "latest": _latest,
    "days_since": _days_since,
    "days_since_first": _days_since_first,
    "days_until": _days_until,
    "quantile": _quantile,
    "ratio": _ratio,
    "change": _change,
    "longest_silence": _longest_silence,
    "deviation": _deviation,
    "quotient": _quotient,
    "peer_rank": _peer_rank,
}
# What a measure folds its value as, where that is not a number.
FOLDED_AS: dict[str, ValueKind] = {"share": "flag", "distinct": "identity", "days_until": "day"}
# Measures that are 0 of nothing, unless the source's silence means nothing.
ALWAYS_KNOWN = ("count", "sum", "distinct")
