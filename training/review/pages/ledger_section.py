"""The watermelon ledger in tables: what churned accounts scored before they left."""

from collections.abc import Callable, Mapping
from datetime import timedelta

from training.calibrating.bands import BAND_WORDS, BANDS
from training.reporting.page import UNKNOWN, Part, Section, Table, number, share
from training.review.content import ReviewContent
from training.review.pages.long_tables import MOST, note_of_rest
from training.review.sections.ledger import BandCounts, LeadTotals, Ledger

TITLE = "Watermelon ledger"
MRR_TODAY = (
    "MRR is what the account table says today; accounts without an MRR there are not counted."
)


def ledger_section(content: ReviewContent, ledger: Ledger) -> Section:
    """Bands before churn by lead, in sample and out of it, and the watermelons."""
    period = f"from {ledger.churned_from} to {ledger.churned_before - timedelta(days=1)}"
    parts: list[Part] = [
        (
            f"The champion's scores on weekly mornings before the {ledger.churns:,} churns "
            f"{period}, rebuilt from the tables. A watermelon is an account that churned while "
            "green. These are back-tested scores of the current champion, not the scores that were "
            "published at the time."
        )
    ]
    if content.silence_days:
        parts.append(
            f"Churn is dated to the last activity, which is known only after "
            f"{content.silence_days} days of silence: an account that was active to its last day "
            "is green here, and no model could have known better."
        )
    parts.append(_all_leads(ledger))
    if any(lead.out_of_sample.churns not in (0, lead.churns) for lead in ledger.leads):
        caption = "Out of sample: mornings after the champion's last training outcome"
        parts.append(_leads(ledger, caption, lambda lead: lead.out_of_sample))
    parts.append(_watermelons(ledger, content.titles))
    return Section(TITLE, *parts)


def _all_leads(ledger: Ledger) -> Table:
    """All entries, with the churns that have no morning so long before."""
    table = _leads(ledger, "Before churn", lambda lead: lead)
    left_out = [number(lead.left_out, 0) for lead in ledger.leads]
    rows = [[*row, count] for row, count in zip(table.rows, left_out, strict=True)]
    return Table(table.caption, [*table.head, "left out"], rows, _in_sample(ledger))


def _in_sample(ledger: Ledger) -> str:
    out_of_sample = sum(lead.out_of_sample.churns for lead in ledger.leads)
    every = sum(lead.churns for lead in ledger.leads)
    note = (
        f"{every - out_of_sample:,} of {every:,} scores are in sample: the champion was trained on "
        "outcomes that were still to come on that morning, so it may have known this one. Left "
        "out: accounts that churned too early for the tables to reach back that many days."
    )
    return f"{note} {MRR_TODAY}" if _has_mrr(ledger) else note


def _has_mrr(ledger: Ledger) -> bool:
    return any(lead.revenue_red_before.known for lead in ledger.leads)


def _leads(ledger: Ledger, caption: str, part: Callable[[LeadTotals], BandCounts]) -> Table:
    priced = _has_mrr(ledger)
    rows = [
        [
            f"{lead.lead_days} days",
            number(counts.churns, 0),
            *(f"{counts.of(band):,} ({share(counts.shares[band])})" for band in BANDS),
            *([share(counts.revenue_red_before.share)] if priced else []),
        ]
        for lead in ledger.leads
        for counts in [part(lead)]
    ]
    more = ["share of MRR at risk"] if priced else []
    return Table(caption, ["lead", "churns", *(BAND_WORDS[band] for band in BANDS), *more], rows)


def _watermelons(ledger: Ledger, titles: Mapping[str, str]) -> Table:
    rows = [
        [
            entry.account_id,
            entry.owner or UNKNOWN,
            str(entry.churned),
            number(entry.mrr, 2),
            number(entry.health_score, 0),
            f"{titles.get(entry.first_driver or '', UNKNOWN)} ({number(entry.driver_points, 1)})",
            "yes" if entry.in_sample else "no",
        ]
        for entry in ledger.watermelons[:MOST]
    ]
    head = ["account", "owner", "churned", "MRR", "score", "first driver (points)", "in sample"]
    caption = f"Watermelons: green {ledger.leads[0].lead_days} days before churn"
    return Table(caption, head, rows, note_of_rest(ledger.watermelons))
