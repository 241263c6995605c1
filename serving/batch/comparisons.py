"""Which earlier runs the scores of a run are compared with, and for which accounts.

All accounts with the run before, and with those of four and of thirteen weeks ago, where there are
any; an account whose renewal an earlier run still expected, with the first run since it.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from features.errors import ChurnlightError
from features.progress import Progress
from serving.published import runs
from serving.published.movement_rows import Over
from serving.published.runs import Run
from training.artifact import Artifact
from training.champions import champion_folder

WEEKS: dict[Over, int] = {"4 weeks": 4, "13 weeks": 13}
# A run that is a week off is still the one of so many weeks ago.
SLACK = timedelta(weeks=1)
# An account's last renewal is looked for in the runs of so long.
LOOK_BACK = timedelta(days=366)


@dataclass(frozen=True)
class Comparison:
    """An earlier run to compare with, what it is called, and the accounts (`None`: all)."""

    over: Over
    run: Run
    accounts: frozenset[str] | None = None


def earlier_runs(dates: Sequence[date], root: Path, progress: Progress) -> list[Run]:
    """The current runs of other as-of dates than `dates`, oldest first.

    Where one cannot be read, `progress` says so.
    """
    found = []
    for day in runs.current_dates(root):
        try:
            if day not in dates and day < max(dates) and (run := runs.of_date(root, day)):
                found.append(run)
        except ChurnlightError as error:
            progress(f"cannot say what moved the scores since {day}: {error}")
    return found


def comparisons(day: date, earlier: Sequence[Run], progress: Progress) -> list[Comparison]:
    """What the run of `day` is compared with, among `earlier` runs in any order."""
    before = sorted((run for run in earlier if run.as_of < day), key=lambda run: run.as_of)
    if not before:
        return []
    found = [Comparison("run", before[-1])]
    for over, weeks in WEEKS.items():
        sought = day - timedelta(weeks=weeks)
        nearest = min(before, key=lambda run: (abs(run.as_of - sought), run.as_of))
        if abs(nearest.as_of - sought) <= SLACK:
            found.append(Comparison(over, nearest))
    return found + _since_renewals(day, before, progress)


def _since_renewals(day: date, before: Sequence[Run], progress: Progress) -> list[Comparison]:
    accounts: dict[int, list[str]] = {}
    dates = [run.as_of for run in before]
    for account, renewal in last_renewals(day, before, progress).items():
        place = bisect_left(dates, renewal)
        if place < len(before):
            accounts.setdefault(place, []).append(account)
    return [
        Comparison("renewal", before[place], frozenset(ids))
        for place, ids in sorted(accounts.items())
    ]


def last_renewals(day: date, before: Sequence[Run], progress: Progress) -> dict[str, date]:
    """The last renewal up to `day` that any of the runs expected, of each account that had one."""
    facts = []
    for run in before:
        if run.as_of >= day - LOOK_BACK:
            try:
                table = run.accounts(["account_id", "renewal"])
            except (ChurnlightError, OSError) as error:
                progress(f"cannot say which accounts renewed since {run.as_of}: {error}")
                continue
            facts.append(table.filter(_passed(table["renewal"], run.as_of, day)))
    if not facts:
        return {}
    last = pa.concat_tables(facts).group_by("account_id").aggregate([("renewal", "max")])
    return dict(zip(*(last[name].to_pylist() for name in last.column_names), strict=True))


def _passed(renewals: pa.ChunkedArray, since: date, day: date) -> pa.ChunkedArray:
    """Whether a renewal that was still ahead on one day has passed by another."""
    days = renewals.cast(pa.date32())
    ahead = pc.greater_equal(days, pa.scalar(since, pa.date32()))
    return pc.and_(ahead, pc.less_equal(days, pa.scalar(day, pa.date32())))


def models_of(
    run: Run, today: Mapping[str, Artifact], workspace: Path, progress: Progress
) -> dict[str, Artifact]:
    """The models that made a run, by their targets, as far as they are there.

    Where one cannot be read, `progress` says so.
    """
    models = {}
    for target in sorted(today.keys() & run.models.keys()):
        digest = run.models[target]["digest"]
        if digest == today[target].digest:
            models[target] = today[target]
            continue
        try:
            models[target] = Artifact.load(champion_folder(workspace, target) / digest)
        except ChurnlightError as error:
            progress(f"cannot say what moved the scores of {target} since {run.as_of}: {error}")
    return models
