"""What pages say of opportunities: the list of them, and the card on an account's page, worded.

Its one rule: an opportunity is never called health, its score always says that 100 is the best
prospect, and what is held back says so in place of a next step.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any, NamedTuple
from urllib.parse import urlencode

from features.declaring.company import Playbook
from serving.assessment.opportunities import STATE_WORDS, Opportunity, State
from serving.assessment.reasons import reasons
from serving.pages import account_card, portfolio, wording
from serving.pages.portfolio import NOTHING_STANDS_OUT, Plan, Renewal, Told
from serving.pages.selection import BadQuery, one_of, whole
from serving.published.book import Book
from serving.published.prospects import Prospect, Prospects
from serving.published.target_edition import LONGEST_SEARCH, RowIndex
from training.calibrating.bands import Band

SIZE = 50
SHOWN: dict[str, str] = {
    "yes": "Opportunities",
    "held_back": "Held back",
    "no": "No opportunity",
    "unscored": "Not scored",
    "all": "All",
}


@dataclass(frozen=True, slots=True)
class Query:
    """What a reader of the list asked to see; empty texts mean no filter."""

    target: str
    q: str
    show: str
    segment: str
    owner: str
    page: int

    @classmethod
    def read(cls, given: Mapping[str, str], found: Prospects) -> "Query":
        """The query that the parameters of a URL make; unknown parameters are ignored.

        Raises
        ------
        BadQuery
            A value is none of those that there are.
        """
        q = given.get("q", "").strip()
        if len(q) > LONGEST_SEARCH:
            raise BadQuery(f"q: at most {LONGEST_SEARCH} letters, got {len(q)}")
        return cls(
            target=given.get("target", ""),
            q=q,
            show=one_of(given, "show", list(SHOWN)),
            segment=one_of(given, "segment", ["", *found.values("segment")]),
            owner=one_of(given, "owner", ["", *found.values("owner")]),
            page=whole(given, "page"),
        )

    def link(self, **changed: Any) -> str:
        """The address of this query with some parameters changed, defaults left out."""
        wanted = asdict(replace(self, **({"page": 1} | changed)))
        plain = {"show": "yes", "page": 1}
        said = {key: value for key, value in wanted.items() if value not in ("", plain.get(key))}
        return f"/opportunities?{urlencode(said)}"

    def select(self, found: Prospects) -> RowIndex:
        """The rows that it asks for, best prospect first."""
        state: State | None = next((name for name in STATE_WORDS if name == self.show), None)
        return found.rows(
            light=state, q=self.q or None, segment=self.segment or None, owner=self.owner or None
        )


class Row(NamedTuple):
    """One account's row, worded; `band` is its health's."""

    link: str
    title: str
    about: str
    band: Band | None
    chance: str
    score: str
    told: Told
    renewal: Renewal | None
    mrr: str
    plan: Plan


def content(book: Book, found: Prospects, query: Query) -> dict[str, Any]:
    """Everything that the list's template places.

    Raises
    ------
    BadQuery
        The query asks for a page after the last.
    """
    chosen = query.select(found)
    pages = max(1, -(-len(chosen) // SIZE))
    if query.page > pages:
        raise BadQuery(f"page: got {query.page}; the last page is {pages}")
    start = (query.page - 1) * SIZE
    return {
        "query": query,
        "rows": _rows(book, found, chosen[start : start + SIZE]),
        "counts": {state: f"{found.count(state):,}" for state in STATE_WORDS},
        "pager": _pager(query, len(chosen), start, pages),
        "shown": SHOWN,
        "targets": {name: book.company.targets[name].title or name for name in book.opportunities},
        "segments": portfolio.segment_titles(found.values("segment"), book.company),
        "owners": found.values("owner"),
        **frame(book, found),
    }


def frame(book: Book, found: Prospects) -> dict[str, str]:
    """What the list and the card say of the run: what would happen, and when."""
    as_of, model = found.run.as_of, found.model
    first = as_of + timedelta(days=model["gap_days"])
    last = first + timedelta(days=model["horizon_days"] - 1)
    return {
        "accounts": wording.counted(len(found), "account"),
        "as_of": wording.day(as_of),
        "computed_at": wording.moment(found.run.computed_at),
        "meaning": wording.leaving(book.company.targets[found.target]),
        "first_day": wording.day(first),
        "last_day": wording.day(last),
    }


def _pager(query: Query, count: int, start: int, pages: int) -> dict[str, str]:
    last = min(start + SIZE, count)
    return {
        "shown": f"{start + 1:,}–{last:,} of {count:,}" if count else "0 of 0",
        "before": query.link(page=query.page - 1) if query.page > 1 else "",
        "after": query.link(page=query.page + 1) if query.page < pages else "",
        "plain": query.link(q="", show="all", segment="", owner=""),
    }


def _rows(book: Book, found: Prospects, rows: RowIndex) -> list[Row]:
    words = portfolio.segment_titles(found.values("segment"), book.company)
    health = book.edition(book.targets[0])
    return [
        _row(book, entry, words, health.band(entry.opportunity.account_id))
        for entry in found.entries(rows)
    ]


def _row(book: Book, entry: Prospect, words: Mapping[str, str], band: Band | None) -> Row:
    item, currency = entry.opportunity, book.company.about.currency
    about = [text for text in (words.get(item.segment), entry.owner) if text]
    return Row(
        link=portfolio.account_link(item.account_id, "") + "#opportunities",
        title=entry.title,
        about=" · ".join(about),
        band=band,
        chance=_chance(item),
        score=wording.score(item.opportunity_score),
        told=_told(item),
        renewal=portfolio.renewal_of(entry.renewal, item.as_of),
        mrr="" if entry.mrr is None else wording.money(entry.mrr, currency),
        plan=_plan(item, book.company.playbooks),
    )


def _chance(item: Opportunity) -> str:
    if item.opportunity_probability is None:
        return wording.DASH
    return wording.chance(item.opportunity_probability)


def _told(item: Opportunity) -> Told:
    if item.unscored_reason:
        return Told(item.unscored_reason, "")
    first, second = [*(wording.brief(driver) for driver in reasons(item)[:2]), "", ""][:2]
    return Told(first or NOTHING_STANDS_OUT, second)


def _plan(item: Opportunity, playbooks: Mapping[str, Playbook]) -> Plan:
    if item.opportunity == "held_back":
        return Plan(str(item.held_back_reason), "")
    found = playbooks.get(item.playbook or "")
    if found is None:
        return Plan("None needed" if item.opportunity == "no" else wording.DASH, "")
    return Plan(found.title, f"First: {found.steps[0].do}")


@dataclass(frozen=True, slots=True)
class Card:
    """One opportunity as it stands on an account's page; the reasons are told where it is one."""

    title: str
    state: State
    word: str
    note: str
    score: str
    between: str
    chance: str
    span: str
    reasons: tuple[account_card.Reason, ...]
    background: tuple[account_card.Background, ...]
    plan: account_card.PlaybookCard | None


def cards(book: Book, account_id: str) -> list[Card]:
    """The opportunities of an account, one for each target that is published and has it."""
    every = [book.prospects(target) for target in book.opportunities]
    return [_card(book, found, account_id) for found in every if account_id in found]


def _card(book: Book, found: Prospects, account_id: str) -> Card:
    item = found.entry(account_id).opportunity
    said, told = frame(book, found), item.opportunity == "yes"
    plan = book.company.playbooks.get(item.playbook or "")
    return Card(
        title=book.company.targets[found.target].title or found.target,
        state=item.opportunity,
        word=STATE_WORDS[item.opportunity],
        note=_note(item),
        score=wording.score(item.opportunity_score),
        between=wording.between(item.opportunity_score_low, item.opportunity_score_high),
        chance=_chance(item),
        span=f"“{said['meaning']}”, here {said['first_day']} to {said['last_day']}",
        reasons=tuple(account_card.told(item, {})) if told else (),
        background=tuple(account_card.background(item)) if told else (),
        plan=account_card.PlaybookCard(f"playbook-{item.playbook}", plan) if plan else None,
    )


def _note(item: Opportunity) -> str:
    """Why nothing is to be done about it now; empty where something is."""
    return item.held_back_reason or item.unscored_reason or ""
