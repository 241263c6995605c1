"""The queries and rows that all lists of accounts share, for both kinds of score.

`portfolio` is the list by health, `opportunity_pages` the one by opportunity; another list brings
its own query and columns and takes the rest from here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import ClassVar, NamedTuple, Self, TypeVar
from urllib.parse import quote, urlencode

from features.declaring.company import Company, Playbook
from serving.assessment.reasons import reasons
from serving.assessment.score_parts import TargetScore
from serving.pages import wording
from serving.published.run_table import (
    LONGEST_SEARCH,
    ListedAccount,
    RowIndex,
    RunTable,
)

Allowed = TypeVar("Allowed", bound=str)

NOTHING_STANDS_OUT = "No single signal stands out"


class BadQuery(ValueError):
    """A query parameter that cannot be understood; the message is for the reader."""


class CommonChoice(NamedTuple):
    """The filters of every list; empty texts mean no filter."""

    target: str
    q: str
    segment: str
    owner: str
    page: int

    @classmethod
    def read(cls, given: Mapping[str, str], edition: RunTable) -> Self:
        """The choice that the parameters of a URL make.

        Raises
        ------
        BadQuery
            A value is none of those that the edition knows.
        """
        q = given.get("q", "").strip()
        if len(q) > LONGEST_SEARCH:
            raise BadQuery(f"q: at most {LONGEST_SEARCH} characters, got {len(q)}")
        return cls(
            target=given.get("target", ""),
            q=q,
            segment=one_of(given, "segment", ["", *edition.values("segment")]),
            owner=one_of(given, "owner", ["", *edition.values("owner")]),
            page=whole(given, "page"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountListQuery:
    """The query of a list; empty texts mean no filter."""

    # Where the list is, and which values an address leaves out.
    path: ClassVar[str]
    defaults: ClassVar[Mapping[str, str | int]]

    target: str
    q: str
    segment: str
    owner: str
    page: int

    @property
    def per_page(self) -> int:
        """How many rows a page has."""
        return 50

    def link(self, path: str = "", **changed: str | int) -> str:
        """The address of this query with some parameters changed, defaults left out."""
        parameters = asdict(self)
        if unknown := changed.keys() - parameters.keys():
            raise TypeError(f"a list has no parameters {', '.join(sorted(unknown))}")
        chosen: dict[str, str | int] = parameters | {"page": 1} | changed
        stated = {
            key: value for key, value in chosen.items() if value not in ("", self.defaults.get(key))
        }
        return f"{path or self.path}?{urlencode(stated)}"

    def cut(self, chosen: RowIndex) -> RowIndex:
        """The rows of the page that is asked for.

        Raises
        ------
        BadQuery
            The page is after the last.
        """
        pages = max(1, -(-len(chosen) // self.per_page))
        if self.page > pages:
            raise BadQuery(f"page: got {self.page}; the last page is {pages}")
        start = (self.page - 1) * self.per_page
        return chosen[start : start + self.per_page]

    def pager(self, matches: int) -> dict[str, str]:
        """Which of so many `matches` are shown, and the pages before and after."""
        start = (self.page - 1) * self.per_page
        last = min(start + self.per_page, matches)
        return {
            "shown": f"{start + 1:,}–{last:,} of {matches:,}" if matches else "0 of 0",
            "before": self.link(page=self.page - 1) if self.page > 1 else "",
            "after": self.link(page=self.page + 1) if last < matches else "",
        }


def one_of(given: Mapping[str, str], key: str, allowed: Sequence[Allowed]) -> Allowed:
    """The parameter `key`, one of `allowed`, the first of them where it is empty; else BadQuery."""
    value = given.get(key) or allowed[0]
    for choice in allowed:
        if choice == value:
            return choice
    shown = ", ".join(name for name in allowed[:12] if name)
    more = ", …" if len(allowed) > 12 else ""
    raise BadQuery(f"{key}: got “{wording.shortened(value)}”; choose one of {shown}{more}")


def whole(given: Mapping[str, str], key: str) -> int:
    """The parameter `key`, a whole number from 1 up, 1 where it is empty; else BadQuery."""
    value = given.get(key) or "1"
    if not (value.isascii() and value.isdigit() and len(value) < 9 and int(value) > 0):
        raise BadQuery(
            f"{key}: got “{wording.shortened(value)}”; it must be a whole number, 1 or greater"
        )
    return int(value)


class MainReasons(NamedTuple):
    """The two strongest reasons, or why there is no score."""

    first: str
    second: str


class Renewal(NamedTuple):
    """When the contract renews, and how far that is from the day of the scores."""

    day: str
    distance: str


class NextStep(NamedTuple):
    """The playbook that an account waits for and where it starts."""

    title: str
    step: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRow:
    """The cells that every list's rows share, in words."""

    link: str
    title: str
    about: str
    score: str
    reasons: MainReasons
    renewal: Renewal | None
    mrr: str
    next_step: NextStep


def account_link(account_id: str, target: str) -> str:
    """The address of an account's page; an empty `target` is the default one."""
    suffix = f"?{urlencode({'target': target})}" if target else ""
    return f"/accounts/{quote(account_id, safe='')}{suffix}"


def segment_words(edition: RunTable, company: Company) -> dict[str, str]:
    """The name of each segment; empty where all accounts are in one."""
    names = edition.values("segment")
    if len(names) < 2:
        return {}
    titles = {name: segment.title for name, segment in company.segments.items()}
    return {name: titles.get(name, name) for name in names}


def about(account: ListedAccount, segment: str, words: Mapping[str, str]) -> str:
    """The line below an account's name in a list."""
    return " · ".join(filter(None, (words.get(segment), account.owner)))


def main_reasons(score: TargetScore) -> MainReasons:
    """A row's score in two lines."""
    if score.unscored_reason:
        return MainReasons(score.unscored_reason, "")
    first, second = [*(wording.brief(driver) for driver in reasons(score)[:2]), "", ""][:2]
    return MainReasons(first or NOTHING_STANDS_OUT, second)


def renewal(when: date | None, as_of: date | None) -> Renewal | None:
    """A day of renewal seen from the day of the scores, worded, where both are known."""
    if when is None or as_of is None:
        return None
    return Renewal(wording.day(when), wording.distance(when, as_of))


def monthly(mrr: float | None, company: Company) -> str:
    """The monthly payment of an account; empty where it is not known."""
    return "" if mrr is None else wording.money(mrr, company.about.currency)


def first_step(playbook: Playbook) -> NextStep:
    """A playbook as a next step."""
    return NextStep(playbook.title, f"First: {playbook.steps[0].do}")


def frame(company: Company, edition: RunTable) -> dict[str, str]:
    """The facts of the run on a page: its day, the event of the chance, and when."""
    as_of, model = edition.run.as_of, edition.model
    first = as_of + timedelta(days=model["gap_days"])
    last = first + timedelta(days=model["horizon_days"] - 1)
    scored = len(edition) - edition.count("unscored")
    return {
        "accounts": wording.counted(scored, "scored account"),
        "as_of": wording.day(as_of),
        "computed_at": wording.moment(edition.run.computed_at),
        "meaning": wording.leaving(company.targets[edition.target]),
        "within": wording.within(company.targets[edition.target], model["horizon_days"]),
        "first_day": wording.day(first),
        "last_day": wording.day(last),
        "window": wording.window(company.targets[edition.target], first, last),
    }


def list_parts(company: Company, edition: RunTable, targets: Sequence[str]) -> dict[str, object]:
    """What every list's template places beside its rows; it is a list by one of `targets`.

    That is its lead, the choices of its form with their words (an empty one leaves its field out),
    and which columns the company's facts can fill.
    """
    return {
        **frame(company, edition),
        "targets": {name: company.targets[name].title or name for name in targets},
        "segments": segment_words(edition, company),
        "owners": edition.values("owner"),
        "has_renewal": edition.has("renewal"),
        "has_mrr": edition.has("mrr"),
    }
