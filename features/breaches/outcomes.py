"""Whether the history holds enough outcomes of each target to train and evaluate on.

Outcomes are counted by the same code that labels the rows for training.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from features import snapshots
from features.breaches.rounds import Round
from features.declaring.company import Company
from features.declaring.target import Target
from features.engines.on_duckdb import EngineError
from features.errors import Finding
from features.evidence import readings
from features.plurals import counted
from features.reading import places
from features.sources import Tables

ROUND = Round.LABELLED

# Different accounts that must have churned, and that must have stayed, at mature dates.
MIN_CHURNERS = 30

MOST_MONTHS = 12
# With at least so many outcomes expected in a month, having none is strange.
EXPECTED = 3

# So many churns that begin again, and such a share of all, may be no churns.
FEW_RETURNS, MANY_RETURNS = 3, 0.05


@dataclass(frozen=True)
class OutcomeCounts:
    """The outcomes of the eligible accounts of one target at its mature as-of dates.

    `months` has one row per as-of date: (as_of, eligible with a label, churned). `churned` and
    `stayed` count different accounts over all of them.
    """

    months: tuple[tuple[date, int, int], ...]
    churned: int
    stayed: int

    @property
    def by_day(self) -> dict[date, int]:
        """How many churned, by as-of date."""
        return {day: hit for day, _, hit in self.months}


def count_outcomes(table: pa.Table, target: str) -> OutcomeCounts:
    """The outcomes of `target` in the rows of snapshots."""
    label = table[f"label__{target}"]
    settled = table.filter(pc.is_valid(label))
    grouped = settled.group_by("as_of").aggregate(
        [(f"label__{target}", "count"), (f"label__{target}", "sum")]
    )
    months = zip(
        grouped["as_of"].to_pylist(),
        grouped[f"label__{target}_count"].to_pylist(),
        grouped[f"label__{target}_sum"].to_pylist(),
        strict=True,
    )
    return OutcomeCounts(
        tuple(sorted(months)), _accounts(settled, target, 1), _accounts(settled, target, 0)
    )


def _accounts(settled: pa.Table, target: str, label: int) -> int:
    rows = settled.filter(pc.equal(settled[f"label__{target}"], label))
    return int(pc.count_distinct(rows["account_id"]).as_py())


def breaches(tables: Tables) -> Iterator[Finding]:
    """Targets without mature dates or with too few outcomes; the outcomes of the others."""
    for name in tables.company.targets:
        try:
            yield from _of_target(tables, name)
        except EngineError as error:
            detail = f"the outcomes cannot be counted: {error}"
            fix = f"fix [targets.{name}]"
            yield _finding(tables.company, name, ("error", "not_computable"), detail, fix)


def _of_target(tables: Tables, name: str) -> Iterator[Finding]:
    months = snapshots.mature_month_starts(tables, name)
    if not months:
        yield _no_month(tables, name)
        return
    others = readings.other_readings(tables.company.targets[name])
    outcomes, by_other = _counted(tables, name, others, months)
    yield from too_few(tables.company, name, outcomes)
    yield from _without_outcome(tables.company, name, outcomes)
    yield _figures(tables.company, name, outcomes, by_other)
    yield from _returns(tables, name)


def _counted(
    tables: Tables, name: str, others: dict[str, Target], months: list[date]
) -> tuple[OutcomeCounts, dict[str, OutcomeCounts]]:
    """The outcomes of the target as it is declared, and by other readings of it."""
    asked = {name: tables.company.targets[name]}
    names = {words: f"{name}-{place}" for place, words in enumerate(others)}
    asked |= {names[words]: target for words, target in others.items()}
    bare = tables.company.model_copy(update={"targets": asked, "indicators": {}})
    rows = snapshots.build_from(replace(tables, company=bare), months).table
    by_other = {words: count_outcomes(rows, names[words]) for words in others}
    return count_outcomes(rows, name), by_other


def _returns(tables: Tables, name: str) -> Iterator[Finding]:
    """Ends that another subscription of the account follows soon."""
    target = tables.company.targets[name]
    if target.event is None or target.event.ended is None:
        return
    found = readings.returns(tables, target.event, snapshots.data_until(tables))
    if not found.changes and not found.again:
        return
    many = found.again >= max(FEW_RETURNS, MANY_RETURNS * found.churns)
    detail = (
        f"of {counted(found.ends, 'end')}, {found.changes:,} are followed by another subscription "
        "on the same or the next day: changes of plan, no churn"
    )
    if found.again:
        detail += (
            f". Of {counted(found.churns, 'churn')}, {found.again:,} begin again within "
            f"{readings.AGAIN_DAYS} days, typically after {found.days:.0f}"
        )
    fix = "for your information: is that so?"
    if found.again:
        key = f"[targets.{name}]"
        fix = f'if they never left: grace = "{readings.AGAIN_DAYS}d", where or paused of {key}'
    state: Literal["warning", "advice"] = "warning" if many else "advice"
    kind = (state, "ends_that_begin_again")
    yield _finding(tables.company, name, kind, detail, fix, found.changes + found.again)


def _no_month(tables: Tables, name: str) -> Finding:
    company = tables.company
    target = company.targets[name]
    until, first = snapshots.data_until(tables), snapshots.data_from(tables)
    ahead = target.days_to_settle
    detail = (
        f"no month start has {company.bands.min_history} days of facts before it and {ahead} days "
        f"(until its outcome is settled) after it: data from {first} until {until}"
    )
    needed = first + timedelta(days=company.bands.min_history + ahead + 31)
    key = "at_least" if target.by_renewal else "horizon"
    fix = f"provide tables up to {needed} or shorten targets.{name}.{key}"
    return _finding(company, name, (_gravity(company, name), "no_mature_month"), detail, fix)


def too_few(company: Company, name: str, outcomes: OutcomeCounts) -> Iterator[Finding]:
    """One class only, or fewer than `MIN_CHURNERS` accounts of a class."""
    state = _gravity(company, name)
    left, right = company.targets[name].words
    accounts_by_outcome = {left: outcomes.churned, right: outcomes.stayed}
    dates = counted(len(outcomes.months), "mature month start")
    if not outcomes.months:
        detail = f"no account is eligible at any of the mature month starts; needed: {MIN_CHURNERS}"
        yield _finding(company, name, (state, "one_class"), f"{detail} that {left}", _fix(name))
    for word, accounts in accounts_by_outcome.items() if outcomes.months else ():
        if accounts < MIN_CHURNERS:
            check = "one_class" if accounts == 0 else "too_few_churners"
            both = ", ".join(f"{count:,} {other}" for other, count in accounts_by_outcome.items())
            happened = f"{counted(accounts, 'different account')} {word}"
            detail = f"{happened} at {dates}, {MIN_CHURNERS} are needed ({both})"
            yield _finding(company, name, (state, check), detail, _fix(name), accounts)


def _gravity(company: Company, name: str) -> Literal["error", "warning"]:
    """Of an opportunity it is a warning: it gets no model, and the other targets get theirs."""
    return "error" if name in company.adverse else "warning"


def _without_outcome(company: Company, name: str, outcomes: OutcomeCounts) -> Iterator[Finding]:
    """Months in which nobody churned although, by the rate of all, some should have."""
    eligible = sum(those for _, those, _ in outcomes.months)
    hits = sum(hit for _, _, hit in outcomes.months)
    none = [
        day
        for day, those, hit in outcomes.months
        if not hit and those * hits >= EXPECTED * eligible
    ]
    if none and hits:
        word, _ = company.targets[name].words
        detail = (
            f"at {len(none)} of {len(outcomes.months)} mature month starts, {none[0]:%Y-%m} to "
            f"{none[-1]:%Y-%m}, no account {word}: the tables may hold only accounts that are "
            "still there, or the outcomes may end early"
        )
        fix = "set company.data_from (or data_until) to where the tables are complete"
        kind: tuple[Literal["warning"], str] = ("warning", "months_without_outcome")
        yield _finding(company, name, kind, detail, fix)


def _fix(name: str) -> str:
    return f"provide a longer history or more accounts, or change the rule of [targets.{name}]"


def _figures(
    company: Company, name: str, outcomes: OutcomeCounts, by_other: dict[str, OutcomeCounts]
) -> Finding:
    word, _ = company.targets[name].words
    earlier = len(outcomes.months) - MOST_MONTHS
    before = f"{counted(earlier, 'earlier month')}, " if earlier > 0 else ""
    title = company.targets[name].title
    accounts = counted(outcomes.churned, "account")
    by_title = bool(title) and name not in company.adverse
    happened = f"{accounts}: {title}," if by_title else f"{accounts} {word}"
    by_month = _by_month(outcomes, by_other) or "none"
    detail = (
        f"{happened} at {counted(len(outcomes.months), 'mature month start')}; of the eligible: "
        f"{before}{by_month}{_other_totals(outcomes, word, by_other)}"
    )
    fix = "for your information: does this match what you expect?"
    return _finding(company, name, ("advice", "outcomes"), detail, fix)


def _by_month(outcomes: OutcomeCounts, by_other: dict[str, OutcomeCounts]) -> str:
    """The latest months, each with what other readings give in brackets."""
    others = [
        other.by_day for words, other in by_other.items() if words not in _same(outcomes, by_other)
    ]
    listed = []
    for day, eligible, hit in outcomes.months[-MOST_MONTHS:]:
        beside = " / ".join(f"{other[day]:,}" if day in other else "?" for other in others)
        listed.append(f"{day:%Y-%m} {hit:,} of {eligible:,}" + (f" ({beside})" if beside else ""))
    return ", ".join(listed)


def _same(outcomes: OutcomeCounts, by_other: dict[str, OutcomeCounts]) -> list[str]:
    """The readings that change no month, as far as their own outcomes are settled."""
    declared = outcomes.by_day
    return [
        words
        for words, other in by_other.items()
        if all(declared.get(day) == hit for day, hit in other.by_day.items())
    ]


def _other_totals(outcomes: OutcomeCounts, word: str, by_other: dict[str, OutcomeCounts]) -> str:
    same = _same(outcomes, by_other)
    totals = [
        f"{words}, {other.churned:,} accounts {word}"
        for words, other in by_other.items()
        if words not in same
    ]
    in_brackets = f". In brackets, other readings: {'; '.join(totals)}" if totals else ""
    return in_brackets + (f". The same {' and '.join(same)}" if same else "")


def _finding(
    company: Company,
    name: str,
    kind: tuple[Literal["error", "warning", "advice"], str],
    detail: str,
    fix: str,
    rows: int | None = None,
) -> Finding:
    target = company.targets[name]
    state, check = kind
    location = places.location(company.sources[target.source])
    located = f"targets.{name}: {location}: {detail}"
    return Finding(check, "train", state, target.source, None, rows, located, fix)
