"""The list by opportunity, and the card on an account's page, worded.

Its one rule: an opportunity is never called health, its score always says that 100 is the best
prospect, and what is held back says so in place of a next step.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from features.declaring.company import Playbook
from serving.assessment.opportunities import STATE_WORDS, Opportunity, State
from serving.pages import account_card, account_list, wording
from serving.pages.account_list import (
    AccountListQuery,
    AccountRow,
    CommonChoice,
    NextStep,
    first_step,
    one_of,
)
from serving.published.book import Book
from serving.published.prospects import Prospect, Prospects
from serving.published.run_table import RowIndex
from training.calibrating.bands import Band
from training.calibrating.opportunity import LISTED_FROM

SHOWN: dict[str, str] = {
    "yes": "Opportunities",
    "held_back": "Held back",
    "no": "No opportunity",
    "unscored": "Not scored",
    "all": "All",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OpportunityQuery(AccountListQuery):
    """The query of the list by opportunity."""

    path: ClassVar[str] = "/opportunities"
    defaults: ClassVar[Mapping[str, str | int]] = {"show": "yes", "page": 1}

    show: str

    @classmethod
    def read(cls, given: Mapping[str, str], edition: Prospects) -> "OpportunityQuery":
        """The query that the parameters of a URL make; unknown parameters are ignored.

        Raises
        ------
        BadQuery
            A value is none of those that there are.
        """
        common = CommonChoice.read(given, edition)
        return cls(**common._asdict(), show=one_of(given, "show", list(SHOWN)))

    def select(self, edition: Prospects) -> RowIndex:
        """The rows that it asks for, best prospect first."""
        return edition.rows(
            light=self.show if self.show in STATE_WORDS else None,
            q=self.q or None,
            segment=self.segment or None,
            owner=self.owner or None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OpportunityRow(AccountRow):
    """One account's row in the list by opportunity, worded; `band` is its health's."""

    band: Band | None
    chance: str


def content(book: Book, edition: Prospects, query: OpportunityQuery) -> dict[str, object]:
    """Everything that the list's template places.

    Raises
    ------
    BadQuery
        The query asks for a page after the last.
    """
    chosen = query.select(edition)
    plain = {"plain": query.link(q="", show="all", segment="", owner="")}
    return {
        "query": query,
        "rows": _rows(book, edition, query.cut(chosen)),
        "counts": {state: f"{edition.count(state):,}" for state in STATE_WORDS},
        "listed_from": f"{LISTED_FROM:.0f}",
        "pager": query.pager(len(chosen)) | plain,
        "shown": SHOWN,
        **account_list.list_parts(book.company, edition, book.opportunities),
    }


def _rows(book: Book, edition: Prospects, rows: RowIndex) -> list[OpportunityRow]:
    words = account_list.segment_words(edition, book.company)
    health = book.edition(book.targets[0])
    return [
        _row(book, entry, words, health.band(entry.account_id)) for entry in edition.entries(rows)
    ]


def _row(
    book: Book, entry: Prospect, words: Mapping[str, str], band: Band | None
) -> OpportunityRow:
    opportunity = entry.opportunity
    return OpportunityRow(
        link=account_list.account_link(opportunity.account_id, "") + "#opportunities",
        title=entry.title,
        about=account_list.about(entry, opportunity.segment, words),
        band=band,
        chance=_chance(opportunity),
        score=wording.score(opportunity.opportunity_score),
        reasons=account_list.main_reasons(opportunity),
        renewal=account_list.renewal(entry.renewal, opportunity.as_of),
        mrr=account_list.monthly(entry.mrr, book.company),
        next_step=_next_step(opportunity, book.company.playbooks),
    )


def _chance(opportunity: Opportunity) -> str:
    if opportunity.opportunity_probability is None:
        return wording.DASH
    return wording.chance(opportunity.opportunity_probability)


def _next_step(opportunity: Opportunity, playbooks: Mapping[str, Playbook]) -> NextStep:
    if opportunity.opportunity == "held_back":
        return NextStep(str(opportunity.held_back_reason), "")
    playbook = playbooks.get(opportunity.playbook or "")
    if playbook is None:
        return NextStep("None needed" if opportunity.opportunity == "no" else wording.DASH, "")
    return first_step(playbook)


@dataclass(frozen=True, slots=True)
class OpportunityCard:
    """One opportunity on an account's page; with reasons where it is one."""

    title: str
    state: State
    word: str
    note: str
    score: str
    range: str
    chance: str
    span: str
    reasons: tuple[account_card.Reason, ...]
    context: tuple[account_card.ContextDriver, ...]
    plan: account_card.PlaybookCard | None


def cards(book: Book, account_id: str) -> list[OpportunityCard]:
    """The opportunities of an account, one for each target that is published and has it."""
    editions = [book.prospects(target) for target in book.opportunities]
    return [_card(book, edition, account_id) for edition in editions if account_id in edition]


def _card(book: Book, edition: Prospects, account_id: str) -> OpportunityCard:
    opportunity = edition.entry(account_id).opportunity
    run, shows_reasons = account_list.frame(book.company, edition), opportunity.opportunity == "yes"
    plan = book.company.playbooks.get(opportunity.playbook or "")
    return OpportunityCard(
        title=book.company.targets[edition.target].title or edition.target,
        state=opportunity.opportunity,
        word=STATE_WORDS[opportunity.opportunity],
        note=_note(opportunity),
        score=wording.score(opportunity.opportunity_score),
        range=wording.likely_range(
            opportunity.opportunity_score_low, opportunity.opportunity_score_high
        ),
        chance=_chance(opportunity),
        span=f"“{run['meaning']}” between {run['first_day']} and {run['last_day']}",
        reasons=tuple(account_card.reason_cards(opportunity, {})) if shows_reasons else (),
        context=tuple(account_card.context(opportunity)) if shows_reasons else (),
        plan=account_card.PlaybookCard(f"playbook-{opportunity.playbook}", plan) if plan else None,
    )


def _note(opportunity: Opportunity) -> str:
    """Why nothing is to be done about it now; empty where something is."""
    return opportunity.held_back_reason or opportunity.unscored_reason or ""
