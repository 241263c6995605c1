"""Contracts as chains of terms: which is in force when, which ends another continues, which lapse.

Written for all contracts at once. Nothing here knows a declaration; days are numbers since 1970.
"""

from dataclasses import dataclass, fields, replace

import numpy as np
import numpy.typing as npt

Days = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

NEVER = int(np.iinfo(np.int32).max)
# Days of different contracts never meet: further apart than any two days.
APART = 1 << 33
LONGEST_MONTH = 31


@dataclass(frozen=True)
class Terms:
    """The versions of terms, sorted by account, contract, first day and known day.

    `contract` numbers the contracts from 0 in that order. `known` is when the version reached us,
    which may be before its first day. `renews` is the day of the renewal. `ended_known` is when
    the end reached us; `resumes` until when another term continues an end inside a pause.
    `amount` is NaN where it is not known.
    """

    account: Days
    contract: Days
    start: Days
    known: Days
    renews: Days
    ended: Days
    ended_known: Days
    resumes: Days
    amount: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.account)

    @property
    def first_of_contract(self) -> Days:
        """The place of each contract's first version."""
        return np.flatnonzero(np.diff(self.contract, prepend=-1))

    def of_accounts(self, first: int, last: int) -> "Terms":
        """The versions of the accounts numbered `first` to `last`, their contracts from 0 on."""
        begin, end = np.searchsorted(self.account, [first, last + 1])
        part = {field.name: getattr(self, field.name)[begin:end] for field in fields(self)}
        part["contract"] = part["contract"] - (part["contract"][0] if begin < end else 0)
        return Terms(**part)

    @property
    def over(self) -> Days:
        """The day on which each version is over and known to be; `NEVER` while it runs."""
        known = np.maximum(np.maximum(self.ended, self.ended_known), self.known)
        return np.where(self.ended == NEVER, NEVER, known)

    @property
    def first_of_term(self) -> Flags:
        """Whether a version is the first of its term."""
        same = (np.diff(self.contract) == 0) & (np.diff(self.start) == 0)
        return np.concatenate([[True], ~same]) if len(self) else np.zeros(0, bool)


def in_force(terms: Terms, days: Days) -> tuple[Days, Flags]:
    """The place of the version in force, per contract and as-of date, -1 without; whether it runs.

    A term that is known before its first day is in force; the contract runs only while one does
    that has begun.
    """
    begin = terms.first_of_contract
    length = np.diff([*begin, len(terms)])
    over, opens_term = terms.over, terms.first_of_term
    now = np.full((len(begin), len(days)), -1)
    before, runs = now.copy(), np.zeros(now.shape, bool)
    ran = runs.copy()
    for rank in range(int(length.max(initial=0))):
        longer = np.flatnonzero(length > rank)
        version = begin[longer] + rank
        new = opens_term[version][:, None]
        before[longer] = np.where(new, now[longer], before[longer])
        ran[longer] = np.where(new, runs[longer], ran[longer])
        known = terms.known[version][:, None] < days
        goes_on = over[version][:, None] >= days
        begun = terms.start[version][:, None] < days
        now[longer] = np.where(
            known, np.where(goes_on, version[:, None], before[longer]), now[longer]
        )
        runs[longer] = np.where(known, ran[longer] | (goes_on & begun), runs[longer])
    return now, runs


def rolled(start: Days, renews: Days, least: Days) -> Days:
    """The first of a contract's renewals from the day `least` on, a term apart.

    Terms of whole months keep the day of the month on which they began, or the month's last.
    """
    least = np.broadcast_to(least, renews.shape)
    months, day = _months(start, renews)
    days = np.maximum(renews - start, 1)
    longest = np.where(months > 0, months * LONGEST_MONTH, days)
    late = (renews != NEVER) & (renews < least)
    count = np.where(late, (least - renews) // longest, 0)
    while True:
        renewal = np.where(
            months > 0,
            _in_months(np.where(late, renews, 0), months * count, day),
            renews + count * days,
        )
        renewal = np.where(late & (count > 0), renewal, renews)
        behind = late & (renewal < least)
        if not behind.any():
            return renewal
        count = count + behind


def _months(start: Days, renews: Days) -> tuple[Days, Days]:
    """How many whole months a term has, 0 if it has not; the day of the month of its start."""
    there = renews != NEVER
    begun, first = _split(start)
    due, last = _split(np.where(there, renews, start))
    is_last = _split(np.where(there, renews, start) + 1)[1] == 0
    whole = there & (due > begun) & ((last == first) | (is_last & (first > last)))
    return np.where(whole, due - begun, 0), first


def _split(days: Days) -> tuple[Days, Days]:
    """The number of the month, and the day in it from 0 on."""
    months = days.astype("datetime64[D]").astype("datetime64[M]")
    return months.astype(np.int64), days - months.astype("datetime64[D]").astype(np.int64)


def _in_months(days: Days, months: Days, day: Days) -> Days:
    """That many months after `days`, on a day of the month or on its last."""
    month = _split(days)[0] + months
    begins, next_begins = (
        each.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
        for each in (month, month + 1)
    )
    return np.asarray(np.minimum(begins + day, next_begins - 1))


def account_ends(terms: Terms, grace: int) -> tuple[Days, Days]:
    """The account and the day of each end that no other term of the account continues.

    As the tables say today: of each term its last version, whatever contract it is of.
    """
    opens = np.flatnonzero(terms.first_of_term)
    last = np.append(opens[1:], len(terms)) - 1 if len(opens) else opens
    # Of terms that begin together, the one that lasts longest closes the account's.
    last = last[np.lexsort((terms.ended[last], terms.start[last], terms.account[last]))]
    together = Terms(**{field.name: getattr(terms, field.name)[last] for field in fields(terms)})
    left = chains(replace(together, contract=together.account), grace).left
    account = (left + APART // 2) // APART
    return account, left - account * APART


@dataclass(frozen=True)
class Chains:
    """What became of every term, as the tables say today: its last version, and its first renewal.

    Sorted as `versions` are. `term` is each version's term, `left` the ends that no other term of
    the contract continues, each as contract and day in one number; `left_known` when they are
    known.
    """

    versions: Terms
    contract: Days
    start: Days
    ended: Days
    renews: Days
    term: Days
    left: Days
    left_known: Days

    def ends_between(self, contract: Days, first: Days, last: Days) -> Days:
        """How often each contract was left in [first, last)."""
        return self.ends_before(contract, last) - self.ends_before(contract, first)

    def ends_before(self, contract: Days, day: Days) -> Days:
        """How often each contract was left before a day, and all contracts before it at all."""
        return np.searchsorted(self.left, contract * APART + day)

    def ends_known(self, contract: Days, day: Days) -> Days:
        """As `ends_before`, of the ends that were over and known before the day."""
        return np.searchsorted(self.left_known, contract * APART + day)

    def signed(self, grace: int) -> Flags:
        """Whether a later term outlasts each version's renewal, begun by `grace` days after it.

        A changed date in the same term is no signature. A later term without a date is one from
        the day of the renewal on.
        """
        versions = self.versions
        by_then = np.where(versions.renews == NEVER, NEVER, versions.renews + grace)
        signed = np.zeros(len(versions), bool)
        later = self.term + 1
        while True:
            there = np.minimum(later, len(self.start) - 1)
            asked = (later < len(self.start)) & (self.contract[there] == versions.contract)
            asked &= self.start[there] <= by_then
            if not asked.any():
                return signed
            outlasts = self.renews[there] > versions.renews
            undated = (self.renews[there] == NEVER) & (self.start[there] < versions.renews)
            signed |= asked & outlasts & ~undated
            later = later + 1

    def moved(self) -> Days:
        """The day on which a later version of the term put each version's renewal off, or never.

        A date that the contract comes to by renewing itself is no other date.
        """
        versions, place = self.versions, np.arange(len(self.versions))
        moved, behind = np.full(len(versions), NEVER), 1
        while True:
            later = np.minimum(place + behind, len(versions) - 1)
            same = (later == place + behind) & (self.term[later] == self.term)
            if not same.any():
                return moved
            renews = versions.renews[later]
            least = np.where(renews == NEVER, versions.renews, renews)
            other = rolled(versions.start, versions.renews, least) != renews
            moved = np.where(same & other, np.minimum(moved, versions.known[later]), moved)
            behind += 1

    def lapsed(self, version: Days, renewal: Days, closes: Days, grace: int) -> Flags:
        """Whether the last term begun before `closes` was by then overdue beyond the grace."""
        contract = self.versions.contract[version]
        key = self.contract * APART + self.start
        last = np.searchsorted(key, contract * APART + closes) - 1
        due = np.where(last == self.term[version], renewal, self.renews[last])
        overdue = (due != NEVER) & (due + grace < closes)
        return np.asarray((self.ended[last] >= closes) & overdue)


def chains(versions: Terms, grace: int) -> Chains:
    """The chains; an end is continued by another term that begins within `grace` days of it."""
    opens = versions.first_of_term
    first = np.flatnonzero(opens)
    last = np.append(first[1:], len(versions)) - 1 if len(first) else first
    contract, start = versions.contract[first], versions.start[first]
    ended, resumes = versions.ended[last], versions.resumes[last]
    by_then = np.maximum(ended + grace, np.where(resumes == NEVER, 0, resumes))
    # The terms that begin in time lie before this place; the furthest end of theirs counts.
    place = np.searchsorted(contract * APART + start, contract * APART + by_then, side="right")
    furthest = np.maximum.accumulate(contract * APART + ended) if len(first) else ended
    outlasted = furthest[place - 1] - contract * APART > ended
    left = (ended != NEVER) & ~outlasted
    known = versions.over[last]
    return Chains(
        versions,
        contract,
        start,
        ended,
        versions.renews[first],
        np.cumsum(opens) - 1,
        np.sort(contract[left] * APART + ended[left]),
        np.sort(contract[left] * APART + known[left]),
    )
