"""The list by health: the band cards, the table's rows, and the same rows as CSV.

Its one rule: everything is worded here, so that the template only places it and the CSV file
says what the page says.
"""

import csv
import io
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from features import publish
from features.declaring.company import Company, Playbook
from serving.pages import account_card, account_list, charts, wording
from serving.pages.account_list import AccountRow, MainReasons, NextStep, first_step
from serving.pages.selection import HealthQuery, select, weeks_before
from serving.published.edition import Edition, Entry
from serving.published.run_table import RowIndex
from training.calibrating.bands import BAND_WORDS, BANDS, Band

MOST_CAUSES = 4
DAYS = re.compile(r"\d[\d,]* days?")
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
class BandCard:
    """One band's card: how many accounts, what they pay, what is new."""

    band: Band
    word: str
    accounts: str
    notes: tuple[str, ...]
    link: str
    chosen: bool


def cards(query: HealthQuery, edition: Edition, currency: str) -> list[BandCard]:
    """The four band cards; each links to its band's accounts."""
    totals = edition.totals()
    return [
        BandCard(
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
    if (chance := edition.usual_chance(band)) is not None:
        yield f"{wording.chance(chance)} leave; {wording.usual_chance(edition.usual_chance())}"
    if mrr is not None:
        yield f"{wording.money(mrr, currency)} monthly revenue"
    if len(edition.trend_dates) > 1:
        before, now = edition.trend_band[:, -2], edition.trend_band[:, -1]
        code = BANDS.index(band)
        yield f"{int(((now == code) & (before != code)).sum()):,} moved here {_since(edition)}"


def _since(edition: Edition) -> str:
    before, now = edition.trend_dates[-2:]
    return "this week" if (now - before).days == 7 else f"since {wording.short_day(before)}"


def _causes(edition: Edition) -> Iterator[str]:
    """Why accounts are not scored, the commonest first; rare ones are summed up.

    Causes that differ in their days alone are one.
    """
    told: dict[str, Counter[str]] = defaultdict(Counter)
    for cause in edition.column("unscored_reason").drop_null().value_counts().to_pylist():
        told[DAYS.sub("… days", cause["values"])][cause["values"]] = cause["counts"]
    causes = [
        (texts.total(), next(iter(texts)) if len(texts) == 1 else alike)
        for alike, texts in sorted(told.items(), key=lambda cause: -cause[1].total())
    ]
    if len(causes) == 1:
        yield causes[0][1]
        return
    for count, text in causes[:MOST_CAUSES]:
        yield f"{count:,} · {text}"
    if rest := sum(count for count, _ in causes[MOST_CAUSES:]):
        yield f"{rest:,} · other reasons"


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthRow(AccountRow):
    """One account's row in the list by health, worded."""

    band: Band
    change: wording.Arrow | None
    trend: Markup
    forecast: str


def rows(
    query: HealthQuery, edition: Edition, chosen: RowIndex, company: Company
) -> list[HealthRow]:
    """The rows of `chosen`, in that order."""
    across = charts.places(edition.trend_dates)
    words = account_list.segment_words(edition, company)
    earlier = weeks_before(edition.trend_dates)
    return [
        HealthRow(
            link=account_list.account_link(entry.account_id, query.target),
            title=entry.title,
            about=account_list.about(entry, entry.assessment.segment, words),
            band=entry.assessment.band,
            score=wording.score(entry.assessment.health_score),
            change=change(entry, earlier),
            trend=charts.sparkline(across, [point.health_score for point in entry.trend]),
            forecast=_chance(entry.assessment.forecast_probability),
            reasons=_reasons(entry, company),
            renewal=account_list.renewal(entry.renewal, entry.assessment.as_of),
            mrr=account_list.monthly(entry.mrr, company),
            next_step=next_step(entry, company.playbooks),
        )
        for entry in edition.entries(chosen)
    ]


def _chance(probability: float | None) -> str:
    return wording.DASH if probability is None else wording.chance(probability)


def _reasons(entry: Entry, company: Company) -> MainReasons:
    """An account's score in two lines; by renewal, its last light where it has none now."""
    last = account_card.last_light(entry, company)
    return (
        MainReasons(entry.assessment.unscored_reason or "", last)
        if last
        else (account_list.main_reasons(entry.assessment))
    )


def change(entry: Entry, earlier: int | None) -> wording.Arrow | None:
    """How the printed score moved since the run at `earlier` of the trend."""
    if earlier is None:
        return None
    return wording.arrow(entry.trend[earlier].health_score, entry.assessment.health_score)


def next_step(entry: Entry, playbooks: Mapping[str, Playbook]) -> NextStep:
    """The next step; none while an account is healthy or not scored."""
    band, playbook = entry.assessment.band, playbooks.get(entry.assessment.playbook or "")
    if band == "unscored":
        return NextStep(wording.DASH, "")
    if band == "green":
        return NextStep("None needed", "")
    return first_step(playbook) if playbook else NextStep("No playbook fits", "")


def csv_table(query: HealthQuery, edition: Edition, company: Company) -> Iterator[str]:
    """The whole selection as CSV, line by line; figures unrounded, as in the JSON."""
    yield _csv_line(CSV_COLUMNS)
    earlier = weeks_before(edition.trend_dates)
    chosen = select(query, edition)
    for start in range(0, len(chosen), CSV_CHUNK):
        for entry in edition.entries(chosen[start : start + CSV_CHUNK]):
            yield _csv_line(_csv_cells(entry, earlier, company))


def _csv_cells(entry: Entry, earlier: int | None, company: Company) -> tuple[object, ...]:
    assessment, why = entry.assessment, _reasons(entry, company)
    return (
        assessment.account_id,
        entry.name,
        assessment.segment,
        entry.owner,
        assessment.as_of,
        BAND_WORDS[assessment.band],
        assessment.health_score,
        assessment.health_score_low,
        assessment.health_score_high,
        None if earlier is None else entry.trend[earlier].health_score,
        assessment.churn_probability,
        why.first,
        why.second,
        entry.renewal,
        entry.mrr,
        " · ".join(filter(None, next_step(entry, company.playbooks))),
    )


def _csv_line(cells: Sequence[object]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(
        [publish.harmless(cell) if isinstance(cell, str) else cell for cell in cells]
    )
    return line.getvalue()
