"""The portfolio page's content: the band cards, the table's rows, and the same rows as CSV.

Its one rule: everything is worded here, so that the template only places it and the CSV file
says what the page says.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from markupsafe import Markup

from features import publish
from features.declaring.company import Company, Playbook
from serving.assessment.reasons import reasons
from serving.pages import charts, wording
from serving.pages.selection import Query, select, weeks_before
from serving.published.edition import Edition, Entry
from serving.published.target_edition import RowIndex
from training.calibrating.bands import BAND_WORDS, BANDS, Band

MOST_CAUSES = 4
NOTHING_STANDS_OUT = "No single signal stands out"
CSV_CHUNK = 500
CSV_COLUMNS = (
    "account_id",
    "name",
    "segment",
    "owner",
    "as_of",
    "status",
    "health_score",
    "health_score_low",
    "health_score_high",
    "health_score_4_weeks_ago",
    "churn_probability",
    "main_reason",
    "second_reason",
    "renewal",
    "mrr",
    "next_step",
)


@dataclass(frozen=True, slots=True)
class Card:
    """One band's card: how many accounts, what they pay, what is new."""

    band: Band
    word: str
    accounts: str
    notes: tuple[str, ...]
    link: str
    chosen: bool


def cards(query: Query, edition: Edition, currency: str) -> list[Card]:
    """The four band cards; each links to its band's accounts."""
    totals = edition.totals()
    return [
        Card(
            band=band,
            word=BAND_WORDS[band],
            accounts=wording.counted(totals[band].accounts, "account"),
            notes=tuple(_notes(band, totals[band].mrr, edition, currency)),
            link=query.link(status=band),
            chosen=query.status == band,
        )
        for band in BANDS
    ]


def _notes(band: Band, mrr: float | None, edition: Edition, currency: str) -> Iterator[str]:
    if band == "unscored":
        yield from _causes(edition)
        return
    if mrr is not None:
        yield f"{wording.money(mrr, currency)} monthly revenue"
    if len(edition.trend_dates) > 1:
        before, now = edition.trend_band[:, -2], edition.trend_band[:, -1]
        code = BANDS.index(band)
        yield f"{int(((now == code) & (before != code)).sum()):,} new {_since(edition)}"


def _since(edition: Edition) -> str:
    before, now = edition.trend_dates[-2:]
    return "this week" if (now - before).days == 7 else f"since {wording.short_day(before)}"


def _causes(edition: Edition) -> Iterator[str]:
    """Why accounts are not scored, the commonest first; rare ones are summed up."""
    told = edition.column("unscored_reason").drop_null().value_counts().to_pylist()
    told.sort(key=lambda item: -item["counts"])
    if len(told) == 1:
        yield told[0]["values"]
        return
    for item in told[:MOST_CAUSES]:
        yield f"{item['counts']:,} · {item['values']}"
    if rest := sum(item["counts"] for item in told[MOST_CAUSES:]):
        yield f"{rest:,} · other reasons"


class Told(NamedTuple):
    """The two strongest reasons, or why there is no score."""

    first: str
    second: str


class Renewal(NamedTuple):
    """When the contract renews, and how far that is from the day of the scores."""

    day: str
    distance: str


class Plan(NamedTuple):
    """The playbook that an account waits for and where it starts."""

    title: str
    step: str


@dataclass(frozen=True, slots=True)
class Row:
    """One account's row, worded."""

    link: str
    title: str
    about: str
    band: Band
    score: str
    change: wording.Arrow | None
    trend: Markup
    told: Told
    renewal: Renewal | None
    mrr: str
    plan: Plan


def rows(query: Query, edition: Edition, chosen: RowIndex, company: Company) -> list[Row]:
    """The rows of `chosen`, in that order."""
    across = charts.places(edition.trend_dates)
    words = segment_words(edition, company)
    place = weeks_before(edition.trend_dates)
    return [
        Row(
            link=account_link(entry.assessment.account_id, query.target),
            title=entry.title,
            about=" · ".join(_about(entry, words)),
            band=entry.assessment.band,
            score=wording.score(entry.assessment.health_score),
            change=change(entry, place),
            trend=charts.sparkline(across, [point.health_score for point in entry.trend]),
            told=_told(entry),
            renewal=renewal(entry),
            mrr="" if entry.mrr is None else wording.money(entry.mrr, company.about.currency),
            plan=plan(entry, company.playbooks),
        )
        for entry in edition.entries(chosen)
    ]


def account_link(account_id: str, target: str) -> str:
    """The address of an account's page; an empty `target` is the default one."""
    suffix = f"?{urlencode({'target': target})}" if target else ""
    return f"/accounts/{quote(account_id, safe='')}{suffix}"


def segment_words(edition: Edition, company: Company) -> dict[str, str]:
    """What each segment is called; empty where all accounts stand in one."""
    return segment_titles(edition.values("segment"), company)


def segment_titles(found: Sequence[str], company: Company) -> dict[str, str]:
    """The titles of the segments that were found; empty where there is but one."""
    if len(found) < 2:
        return {}
    declared = {name: segment.title for name, segment in company.segments.items()}
    return {name: declared.get(name, name) for name in found}


def _about(entry: Entry, words: Mapping[str, str]) -> list[str]:
    return [text for text in (words.get(entry.assessment.segment), entry.owner) if text]


def change(entry: Entry, place: int | None) -> wording.Arrow | None:
    """How the printed score moved since the run at `place` of the trend."""
    if place is None:
        return None
    return wording.arrow(entry.trend[place].health_score, entry.assessment.health_score)


def _told(entry: Entry) -> Told:
    if entry.assessment.unscored_reason:
        return Told(entry.assessment.unscored_reason, "")
    told = [wording.brief(item) for item in reasons(entry.assessment)[:2]]
    first, second = [*told, "", ""][:2]
    return Told(first or NOTHING_STANDS_OUT, second)


def renewal(entry: Entry) -> Renewal | None:
    """When the account renews, worded, where that is known."""
    return renewal_of(entry.renewal, entry.assessment.as_of)


def renewal_of(when: date | None, as_of: date | None) -> Renewal | None:
    """A day of renewal seen from the day of the scores, worded, where both are known."""
    if when is None or as_of is None:
        return None
    return Renewal(wording.day(when), wording.distance(when, as_of))


def plan(entry: Entry, playbooks: Mapping[str, Playbook]) -> Plan:
    """What to do next; nothing while an account is healthy."""
    band, found = entry.assessment.band, playbooks.get(entry.assessment.playbook or "")
    if band == "unscored":
        return Plan("Judge this one yourself", "")
    if band == "green" or found is None:
        return Plan("None needed" if band == "green" else "No playbook fits", "")
    return Plan(found.title, f"First: {found.steps[0].do}")


def csv_table(query: Query, edition: Edition, company: Company) -> Iterator[str]:
    """The whole selection as CSV, line by line; figures unrounded, as in the JSON."""
    yield _csv_line(CSV_COLUMNS)
    place = weeks_before(edition.trend_dates)
    chosen = select(query, edition)
    for start in range(0, len(chosen), CSV_CHUNK):
        for entry in edition.entries(chosen[start : start + CSV_CHUNK]):
            yield _csv_line(_csv_cells(entry, place, company))


def _csv_cells(entry: Entry, place: int | None, company: Company) -> tuple[Any, ...]:
    item, told = entry.assessment, _told(entry)
    return (
        item.account_id,
        entry.name,
        item.segment,
        entry.owner,
        item.as_of,
        BAND_WORDS[item.band],
        item.health_score,
        item.health_score_low,
        item.health_score_high,
        None if place is None else entry.trend[place].health_score,
        item.churn_probability,
        told.first,
        told.second,
        entry.renewal,
        entry.mrr,
        " · ".join(filter(None, plan(entry, company.playbooks))),
    )


def _csv_line(cells: Sequence[Any]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(
        [publish.harmless(cell) if isinstance(cell, str) else cell for cell in cells]
    )
    return line.getvalue()
