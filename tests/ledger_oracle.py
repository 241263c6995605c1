"""The watermelon ledger, counted again the slow and obvious way: a twin of `outcome_oracle`.

Its one design rule is that of its twin: written from docs/review.md alone, importing nothing of
the product. What it is given are the company's own rows, and what was published of them.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any, NamedTuple, TypeVar

from measure_oracle import start_of

LEADS = (30, 60, 90, 180)
BANDS = ("red", "yellow", "green", "unscored")
LOOKS_BACK = 182
WEEK = 7

Row = dict[str, Any]
Churn = tuple[str, date]
Eligible = Callable[[str, date], bool]


class Fact(NamedTuple):
    """Something an account did, and when that reached the company; both in UTC."""

    account: str
    at: datetime
    known: datetime


class Term(NamedTuple):
    """A subscription: when it began and ended (None: it runs), and when either was known."""

    account: str
    began: datetime
    ended: datetime | None
    began_known: datetime
    ended_known: datetime | None


class Account(NamedTuple):
    """What the account table says of an account today."""

    since: date
    segment: str | None
    owner: str | None
    mrr: float | None


Item = TypeVar("Item", Fact, Term)


@dataclass(frozen=True)
class Asked:
    """What a ledger asks: its days, and after how many days (`settles`) an outcome is settled.

    `settles` is grace + within + reporting delay; `taught_until` is the champion's.
    """

    morning: date
    first_morning: date
    taught_until: date
    settles: int
    min_history: int

    @property
    def before(self) -> date:
        """Return the day from which on nobody can yet know who churned."""
        return self.morning - timedelta(days=self.settles)

    @property
    def since(self) -> date:
        """Return the first day whose churns count."""
        return max(self.before - timedelta(days=LOOKS_BACK), self.first_morning)


@dataclass(frozen=True)
class Recount:
    """The ledger's rows in their order, per lead its totals, and how many churns there were."""

    asked: Asked
    churns: int
    rows: list[Row]
    leads: list[Row]

    @property
    def watermelons(self) -> list[tuple[str, date]]:
        """Return who was green 30 days before, by MRR from the largest, unknown last."""
        green = [row for row in self.rows if (row["lead_days"], row["band"]) == (30, "green")]
        green.sort(key=lambda row: (row["mrr"] is None, -(row["mrr"] or 0)))
        return [(row["account_id"], row["churned"]) for row in green]


def ends(terms: Iterable[Term], grace: int) -> set[Churn]:
    """Return on which days accounts ended their last subscription, none beginning in `grace`.

    Days are whole, a grace is a day at least, and terms that did not last one do not count.
    """
    own = _by_account(term for term in terms if _lasted(term))
    return {
        (account, term.ended.date())
        for account, mine in own.items()
        for term in mine
        if term.ended is not None
        and not any(_continues(other, term.ended.date(), grace) for other in mine)
    }


def _lasted(term: Term) -> bool:
    return term.ended is None or term.ended.date() > term.began.date()


def _continues(other: Term, ended: date, grace: int) -> bool:
    in_time = other.began.date() <= ended + timedelta(days=max(grace, 1))
    return in_time and (other.ended is None or other.ended.date() > ended)


def silences(facts: Iterable[Fact], within: int) -> set[Churn]:
    """Return the days after which accounts did nothing for more than `within` days."""
    found = set()
    for account, mine in _by_account(facts).items():
        days = sorted({fact.at.date() for fact in mine})
        found |= {(account, a) for a, b in pairwise(days) if (b - a).days > within}
        found.add((account, days[-1]))
    return found


def running(terms: Iterable[Term]) -> Eligible:
    """Return what tells whether a subscription ran on a morning, as it was known then."""
    own = _by_account(terms)

    def told(account: str, morning: date) -> bool:
        now = start_of(morning)
        return any(
            term.began < now
            and term.began_known < now
            and not (term.ended is not None and max(term.ended, _known(term)) < now)
            for term in own.get(account, ())
        )

    return told


def _known(term: Term) -> datetime:
    found = term.ended_known or term.ended
    assert found is not None
    return found


def active(facts: Iterable[Fact], within: int) -> Eligible:
    """Return what tells whether anything was known of the `within` days before a morning."""
    own = _by_account(facts)

    def told(account: str, morning: date) -> bool:
        now = start_of(morning)
        first = now - timedelta(days=within)
        return any(first <= fact.at < now and fact.known < now for fact in own.get(account, ()))

    return told


def looks(churns: Iterable[Churn], asked: Asked) -> set[tuple[str, date]]:
    """Return of which accounts on which as-of dates the ledger needs what was said."""
    counted = _counted(churns, asked)
    looked = {(account, _looked_on(day, lead, asked)) for account, day in counted for lead in LEADS}
    return {look for look in looked if look[1] >= asked.first_morning}


def count(
    churns: Iterable[Churn],
    asked: Asked,
    accounts: Mapping[str, Account],
    eligible: Eligible,
    published: Sequence[Row],
) -> Recount:
    """Return the ledger of these churns by what was published of the accounts.

    `published` are the rows of `churnlight score` on all days of `looks`.
    """
    scores = {(row["account_id"], row["as_of"]): row for row in published}
    rows, left_out = [], dict.fromkeys(LEADS, 0)
    counted = _counted(churns, asked)
    for account, day in counted:
        for lead in LEADS:
            looked_on = _looked_on(day, lead, asked)
            if looked_on < asked.first_morning:
                left_out[lead] += 1
                continue
            score = scores.get((account, looked_on))
            _same_reason(score, accounts[account], eligible(account, looked_on), looked_on, asked)
            told = {
                "account_id": account,
                "churned": day,
                "lead_days": lead,
                "looked_on": looked_on,
                "days_before": (day - looked_on).days,
                "in_sample": looked_on < asked.taught_until,
            }
            rows.append(told | _said(score) | _today(accounts[account], there=score is not None))
    leads = [
        {"lead_days": lead, "left_out": left_out[lead]} | _totals_of(rows, lead) for lead in LEADS
    ]
    return Recount(asked, len(counted), rows, leads)


def _counted(churns: Iterable[Churn], asked: Asked) -> list[Churn]:
    found = [pair for pair in churns if asked.since <= pair[1] < asked.before]
    return sorted(found, key=lambda pair: (pair[1], pair[0]))


def _looked_on(churned: date, lead: int, asked: Asked) -> date:
    """Return the morning of the review's weekday that is `lead` days or a little more before."""
    day = asked.morning
    while (churned - day).days < lead:
        day -= timedelta(days=WEEK)
    return day


def _same_reason(
    score: Row | None, account: Account, eligible: bool, looked_on: date, asked: Asked
) -> None:
    """Assert that the published row has a score where the account's own rows give it one."""
    age = (looked_on - account.since).days
    if score is None:
        assert age <= 0, (account, looked_on)
        return
    scorable = eligible and age >= asked.min_history and score["completeness"] > 0
    assert (score["band"] != "unscored") == scorable, (score, account, eligible)


def _said(score: Row | None) -> Row:
    if score is None or score["band"] == "unscored":
        kept = dict.fromkeys(["health_score", "churn_probability", "first_driver", "driver_points"])
        return {"band": "unscored"} | kept
    movable = [item for item in score["drivers"] if item["kind"] != "context"]
    first = max(movable, key=lambda item: abs(item["health_points"]))
    return {
        "band": score["band"],
        "health_score": score["health_score"],
        "churn_probability": score["churn_probability"],
        "first_driver": first["indicator"],
        "driver_points": first["health_points"],
    }


def _today(account: Account, *, there: bool) -> Row:
    return {
        "segment": account.segment if there else None,
        "owner": account.owner,
        "mrr": account.mrr,
    }


def _totals_of(rows: Sequence[Row], lead: int) -> Row:
    entries = [row for row in rows if row["lead_days"] == lead]
    later = [row for row in entries if not row["in_sample"]]
    return _totals(entries) | {"out_of_sample": _totals(later)}


def _totals(entries: Sequence[Row]) -> Row:
    bands = {band: sum(row["band"] == band for row in entries) for band in BANDS}
    paying = [row for row in entries if row["mrr"] is not None]
    churned = sum(row["mrr"] for row in paying)
    caught = sum(row["mrr"] for row in paying if row["band"] == "red")
    revenue = {
        "accounts": len(entries),
        "known": len(paying),
        "churned": churned,
        "caught": caught,
        "share": caught / churned if churned else None,
    }
    shares = {band: n / len(entries) if entries else None for band, n in bands.items()}
    return {"churns": len(entries)} | bands | {"shares": shares, "revenue_red_before": revenue}


def _by_account(rows: Iterable[Item]) -> dict[str, list[Item]]:
    found: dict[str, list[Item]] = defaultdict(list)
    for row in rows:
        found[row.account].append(row)
    return dict(found)
