"""The next decision of an account and its outcome, computed the slow and obvious way.

Its one design rule is that of `outcome_oracle`: written from the definition alone, term by term
and day by day, importing nothing of the product.
"""

from calendar import monthrange
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True)
class Version:
    """One row of the subscriptions: what it says of a term, and when it reached us."""

    contract: str
    start: date
    known: date
    renews: date | None
    ended: date | None
    ended_known: date | None
    amount: float = 0.0

    def is_over(self, day: date) -> bool:
        """Tell whether the term is known on a morning to have ended before it."""
        if self.ended is None:
            return False
        return all(when < day for when in (self.ended, self.ended_known or self.ended, self.known))


@dataclass(frozen=True)
class Asked:
    """The days of a target: gap, least window, most, notice, grace (at least 1), delay."""

    gap: int
    least: int
    most: int | None
    notice: int
    grace: int
    delay: int


@dataclass(frozen=True)
class Answer:
    """The state or outcome of a row, the day of its decision, that of its largest contract."""

    outcome: str
    decision: date | None
    by_amount: date | None


def account(rows: Iterable[Version], day: date, asked: Asked, until: date) -> Answer:
    """Return the answer of the account's contract with the earliest known decision."""
    lasting = [row for row in rows if row.ended is None or row.ended > row.start]
    names = sorted({row.contract for row in lasting})
    each = [_contract([r for r in lasting if r.contract == n], day, asked, until) for n in names]
    dated = [one for one in each if one.decision is not None]
    if dated:
        # Equal days: the first by name.
        first = min(dated, key=lambda one: one.decision or date.max)
        largest = max(dated, key=lambda one: one.amount)
        return Answer(first.outcome, first.decision, largest.decision)
    for outcome in ("overdue", "no renewal date", "leaving"):
        if any(one.outcome == outcome for one in each):
            return Answer(outcome, None, None)
    return Answer("no contract", None, None)


@dataclass(frozen=True)
class _One:
    outcome: str
    decision: date | None = None
    amount: float = 0.0


def _contract(rows: Sequence[Version], day: date, asked: Asked, until: date) -> _One:
    known = [versions[-1] for versions in _terms(rows, before=day).values()]
    running = [version for version in known if not version.is_over(day)]
    if not any(version.start < day for version in running):
        return _One("no contract")
    current = max(running, key=lambda version: version.start)
    if current.ended is not None and (current.ended_known or current.ended) < day:
        return _One("leaving")
    if current.renews is None:
        return _One("no renewal date")
    renewal = current.renews
    if asked.notice:
        renewal = next_renewal(current.start, renewal, day + timedelta(days=asked.notice))
    if renewal + timedelta(days=asked.grace) < day:
        return _One("overdue")
    decision = renewal - timedelta(days=asked.notice)
    return _One(_decided(rows, current, renewal, day, asked, until), decision, current.amount)


def _decided(
    rows: Sequence[Version],
    current: Version,
    renewal: date,
    day: date,
    asked: Asked,
    until: date,
) -> str:
    decision = renewal - timedelta(days=asked.notice)
    opens = day + timedelta(days=asked.gap)
    if decision < day:
        return "pending"
    if decision < opens:
        return "in the gap"
    if asked.most is not None and (decision - day).days > asked.most:
        return "beyond at_most"
    grace = timedelta(days=asked.grace)
    closes = max(opens + timedelta(days=asked.least), renewal + grace)
    if closes + grace + timedelta(days=asked.delay) > until:
        return "not settled yet"
    truth = _terms(rows)
    left = _left([versions[-1] for versions in truth.values()], grace)
    if any(not version.is_over(day) and _end(version) < opens for version in left):
        return "left before the window"
    if any(opens <= _end(version) < closes for version in left):
        return "left"
    signed = any(
        start > current.start
        and start <= (current.renews or date.max) + grace
        and _outlasts(versions[0], current.renews or date.max)
        for start, versions in truth.items()
    )
    if asked.notice:
        put_off = any(
            version.known < closes and not _comes_to(current, version.renews)
            for version in _after(truth[current.start], current)
        )
        return "undecided" if put_off and not signed else "stayed"
    return "stayed" if signed and not _overdue(truth, current, closes, grace) else "undecided"


def _terms(rows: Sequence[Version], before: date | None = None) -> dict[date, list[Version]]:
    """Return the versions of each term in the order in which they were known."""
    terms: dict[date, list[Version]] = {}
    for row in sorted(rows, key=lambda row: row.known):
        if before is None or row.known < before:
            terms.setdefault(row.start, []).append(row)
    return terms


def _left(terms: Sequence[Version], grace: timedelta) -> list[Version]:
    """Return the terms whose end no other outlives that began within the grace of it."""
    return [
        term
        for term in terms
        if term.ended is not None
        and not any(
            other.start <= term.ended + grace and (other.ended is None or other.ended > term.ended)
            for other in terms
        )
    ]


def _end(term: Version) -> date:
    assert term.ended is not None
    return term.ended


def _outlasts(later: Version, renewal: date) -> bool:
    if later.renews is None:
        return later.start >= renewal
    return later.renews > renewal


def _after(versions: Sequence[Version], current: Version) -> Sequence[Version]:
    return versions[versions.index(current) + 1 :]


def _comes_to(term: Version, day: date | None) -> bool:
    """Tell whether a contract that renews itself has a renewal on that day."""
    if day is None:
        return False
    assert term.renews is not None
    return next_renewal(term.start, term.renews, day) == day


def _overdue(
    truth: dict[date, list[Version]], current: Version, closes: date, grace: timedelta
) -> bool:
    """Tell whether the contract's last term before `closes` should have been renewed by then."""
    last = max(start for start in truth if start < closes)
    first_version, today = truth[last][0], truth[last][-1]
    renews = current.renews if last == current.start else first_version.renews
    if today.ended is not None and today.ended < closes:
        return False
    return renews is not None and renews + grace < closes


def next_renewal(start: date, renews: date, least: date) -> date:
    """Return the first renewal from `least` on: a term later each time, by months where whole."""
    months = (renews.year - start.year) * 12 + renews.month - start.month
    number, day = 0, renews
    while day < least:
        number += 1
        if months > 0 and _in_months(start, months) == renews:
            day = _in_months(start, months * (number + 1))
        else:
            day = renews + number * (renews - start)
    return day


def _in_months(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
