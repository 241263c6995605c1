"""Columns that grow with the age of the data: windows that reach back beyond the first fact.

Such a column counts what there is, and on each later as-of date there is more. No outcome decides
which they are, but the windows, the measure, and the first fact of the source.
"""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from features import snapshots
from features.assembling import source_sql
from features.breaches.rounds import Round
from features.declaring.indicator import Indicator
from features.errors import Finding
from features.plurals import counted
from features.sources import Tables

ROUND = Round.COMPUTABLE

# A sum, or an extreme, of more facts is larger; a mean, a rank or a latest value need not be.
GROWING = ("count", "sum", "distinct", "max", "longest_silence", "days_since_first")
# Windows that are cut on fewer of the training dates hold the same time on most of them.
OFTEN = 0.25
FIX = "nothing has to be done; shorter windows hold best while the history is short"


def breaches(tables: Tables) -> Iterator[Finding]:
    """Per source, the windows of live indicators that often reach back beyond its first fact."""
    growing = {
        name: indicator
        for name, indicator in tables.company.staged("live").items()
        if indicator.measure in GROWING
    }
    if not growing or not (days := _training_dates(tables)):
        return
    by_source: dict[str, list[str]] = {}
    for name, indicator in growing.items():
        first = source_sql.first_day(tables, indicator.source) or days[0]
        if cut := _cut(indicator, first, days):
            by_source.setdefault(indicator.source, []).append(f"{name} ({', '.join(cut)})")
    for source, columns in by_source.items():
        yield _finding(tables, source, columns, days)


def _training_dates(tables: Tables) -> list[date]:
    """Every month start that some target may be trained on."""
    targets = tables.company.targets
    return sorted({day for name in targets for day in snapshots.mature_month_starts(tables, name)})


def _cut(indicator: Indicator, first: date, days: Sequence[date]) -> list[str]:
    """The windows that reach back beyond the first fact on many dates, each with how many."""
    cut = []
    for window in indicator.spans():
        if window is None:
            cut.append("all")
        elif (count := sum(day - timedelta(window) < first for day in days)) > OFTEN * len(days):
            cut.append(f"{window}d on {count}")
    return cut


def _finding(tables: Tables, source: str, columns: Sequence[str], days: Sequence[date]) -> Finding:
    detail = (
        f"{tables.location(source)}: the first fact is of {source_sql.first_day(tables, source)}, "
        f"and of {counted(len(days), 'training date')} from {days[0]} on these windows reach back "
        f"beyond it: {'; '.join(columns)}. They grow with the age of the data. Beyond the largest "
        "value that training saw they change no score further, and folds of later dates weigh them"
    )
    return Finding("grows_with_the_data", "features", "advice", source, None, None, detail, FIX)
