"""What a review prints: every figure of its content, to the digit that people read."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

import review_cases
from review_cases import DAY, EARLIER, MORNING
from training.registry import review_decision
from training.reporting.page import Page, Table
from training.reporting.target_words import TargetWords
from training.review.content import ReviewContent
from training.review.pages.calibration_section import calibration_section
from training.review.pages.comparison_section import comparison_section
from training.review.pages.ledger_section import ledger_section
from training.review.pages.long_tables import MOST
from training.review.pages.migration_section import migration_section
from training.review.pages.population_sections import drift_section
from training.review.pages.review_page import review_page
from training.review.verdict import Verdict, VerdictCheck


@pytest.fixture(scope="module")
def content() -> ReviewContent:
    return review_cases.content()


@pytest.fixture(scope="module")
def page(content: ReviewContent) -> Page:
    return review_page(content)


def tables(parts: Sequence[object]) -> dict[str, Table]:
    return {part.caption: part for part in parts if isinstance(part, Table)}


def section(page: Page, title: str) -> tuple[list[str], dict[str, Table]]:
    """The texts and the tables, by caption, of a section."""
    (parts,) = [each.parts for each in page.sections if each.title == title]
    return [str(part) for part in parts if isinstance(part, str)], tables(parts)


def rows(table: Table) -> list[list[str]]:
    """The cells of the table, a badge by its word."""
    return [
        [getattr(cell, "striptags", lambda cell=cell: cell)() for cell in row] for row in table.rows
    ]


# The verdict


def test_the_page_says_the_verdict_and_of_which_models(page: Page) -> None:
    assert page.title == "Review of churn on 2026-06-01"
    assert page.lead == (
        "Champion: version 1, trained on one as-of date, 2025-07-01 (outcomes settled by "
        "2026-01-30). Challenger: version 2, trained on 6 as-of dates from 2025-07-01 to "
        "2025-12-01 (outcomes settled by 2026-01-30, expires on 2026-08-01). Outcomes count that "
        "were settled by 2026-06-01; the tables are complete until 2026-06-01. Reason given for "
        "retraining: a new plan."
    )
    assert [(note.text, note.tone) for note in page.notes] == [
        ("Verdict: promote the challenger. It is better.", "good"),
        ("The tables have changed.", "caution"),
    ]
    assert page.foot.endswith("Rows of 2026-06-01: SHA-256 0123456789ab.")
    assert [(key.label, key.value, key.note) for key in page.keys] == [
        ("Challenger's gain in log loss", "0.0123", "0.0012 to 0.0235"),
        ("Challenger's gain in AUC", "0.1000", "0.0500 to 0.1500"),
        ("Accounts that change band", "21", "of 1,521 scored"),
        ("Green 30 days before churn", "50%", "20 of 40"),
    ]
    texts, decides = section(page, "What decides")
    assert rows(decides["Checks"]) == [["skill", "passed", "It is better."]]
    assert texts[-1] == f"What to do: {review_decision.command('churn', '2', ())}"


def test_a_review_that_keeps_the_champion_says_so(content: ReviewContent) -> None:
    failed = Verdict("keep", ["it is no better"], [VerdictCheck("skill", False, "it is no better")])
    nothing = replace(content.comparison, result=None, since_the_champion=[])
    kept = review_page(
        replace(content, verdict=failed, reason="", comparison=nothing, calibration=[])
    )
    assert (kept.notes[0].text, kept.notes[0].tone) == (
        "Verdict: keep the champion. It is no better.",
        "bad",
    )
    assert "Reason" not in kept.lead
    assert rows(section(kept, "What decides")[1]["Checks"])[0][1] == "failed"
    assert section(kept, "Champion against challenger")[1] == {}


# The comparison


def test_the_comparison_is_printed_to_the_digit(page: Page) -> None:
    gain = "0.0123 (0.0012 to 0.0235)"
    texts, found = section(page, "Champion against challenger")
    assert texts == ["The two models are compared on dates that neither was trained on."]
    levels = found["2,345 rows of 1,234 accounts, 240 churned (10.2%)"]
    assert rows(levels) == [
        ["AUC", "0.7123", "0.8123"],
        ["log loss", "0.3562", "0.4062"],
        ["ECE", "0.0890", "0.1015"],
        ["predicted rate", "0.1781", "0.2031"],
    ]
    assert levels.note.endswith(f"log loss {gain}, AUC 0.1000 (0.0500 to 0.1500).")
    assert rows(found["By as-of date"]) == [
        ["2026-03-01", "2,345", "10.2%", "0.4321", "0.4123", gain]
    ]
    assert rows(found["Value to the team on 2026-03-01 (capacity 10%)"]) == [
        ["accounts worked at capacity", "231", "241"],
        ["precision at capacity", *["50% (40% to 60%)"] * 2],
        ["lift at capacity", *["2.12 (1.50 to 3.00)"] * 2],
        ["share of all that churned among them", "–", "–"],
        ["accounts: At risk", "230", "240"],
        ["precision: At risk", "61.2%", "61.2%"],
        ["share of churned MRR that was At risk", "41.2%", "51.2%"],
    ]
    assert rows(found["By segment"]) == [
        ["large", "1,200", "10.2%", "11.2%", "12.3%", gain],
        ["small", "1,200", "10.2%", "11.2%", "12.3%", "too few rows"],
    ]
    matured = found["As-of dates that have matured since the champion was trained"]
    assert rows(matured) == [
        ["2026-02-01", "overlapping", "unseen", ""],
        ["2026-03-01", "unseen", "unseen", "yes"],
    ]


def test_an_opportunity_is_compared_in_its_own_words(content: ReviewContent) -> None:
    welcome = replace(content, adverse=False, words=TargetWords("had the event", "likeliest"))
    day = review_cases.result().by_as_of[0]
    unpriced = replace(day, value=type(day.value)(*(replace(v, revenue=None) for v in day.value)))
    result = replace(review_cases.result(), by_as_of=[unpriced])
    compared = replace(content.comparison, result=result)
    parts = comparison_section(replace(welcome, comparison=compared)).parts
    value = tables(parts)["Value to the team on 2026-03-01 (capacity 10%)"]
    assert [row[0] for row in value.rows][3:] == [
        "share of all that had the event among them",
        "accounts: opportunity",
        "precision: opportunity",
    ]
    assert value.note == ""


def test_calibration_is_printed_to_the_digit(page: Page, content: ReviewContent) -> None:
    measures = ["0.012 (0.001 to 0.023)", "1.01 (0.90 to 1.12)", "–"]
    known = ["1,200", "10.5%", *measures, "unseen"]
    found = section(page, "Calibration")[1]
    assert rows(found["The champion, by as-of date"]) == [
        [str(EARLIER), *known],
        [str(DAY), *known],
    ]
    assert rows(found["The challenger, by as-of date"]) == [
        [str(EARLIER), "0", "–", "–", "–", "–", "trained on"],
        [str(DAY), *known],
    ]
    for role in ("champion", "challenger"):
        assert rows(found[f"The {role}, by segment of the compared rows"])[0] == [
            "large",
            *measures,
        ]
    result = review_cases.result()
    single = replace(content.comparison, result=replace(result, segments=result.segments[:1]))
    alone = calibration_section(replace(content, comparison=single, calibration=[]))
    assert not any("by segment" in caption for caption in tables(alone.parts))


# The ledger


def test_the_ledger_is_printed_to_the_digit(page: Page, content: ReviewContent) -> None:
    texts, found = section(page, "Watermelon ledger")
    assert "the 40 churns from 2026-02-01 to 2026-05-31, rebuilt" in texts[0]
    assert "only after 60 days of silence" in texts[1]
    every = found["Before churn"]
    assert rows(every) == [
        ["30 days", "40", "10 (25%)", "0 (0%)", "20 (50%)", "10 (25%)", "25%", "0"],
        ["60 days", "20", "5 (25%)", "0 (0%)", "10 (50%)", "5 (25%)", "25%", "20"],
        ["90 days", "8", "2 (25%)", "0 (0%)", "4 (50%)", "2 (25%)", "25%", "32"],
        ["180 days", "0", "0 (–)", "0 (–)", "0 (–)", "0 (–)", "–", "40"],
    ]
    assert every.note.startswith("18 of 68 scores are in sample: ")
    fresh = found["Out of sample: mornings after the champion's last training outcome"]
    assert [row[1] for row in fresh.rows] == ["30", "20", "0", "0"]
    melons = found["Watermelons: green 30 days before churn"]
    assert rows(melons)[:2] == [
        ["W00", "–", "2026-03-01", "1,234.57", "81", "Visits (12.3)", "yes"],
        ["W01", "Ada", "2026-03-01", "–", "81", "– (12.3)", "no"],
    ]
    assert melons.note == "The first 20 of 21; review.json has all."
    assert len(melons.rows) == MOST
    ledger = review_cases.ledger()
    few = tables(
        ledger_section(content, replace(ledger, watermelons=ledger.watermelons[:20])).parts
    )
    assert few["Watermelons: green 30 days before churn"].note == ""


# All accounts


def test_the_migration_is_printed_dearest_account_first(page: Page, content: ReviewContent) -> None:
    texts, found = section(page, "Which accounts change band")
    assert texts[0].endswith(
        "on 2026-06-01, 21 of 1,521 scored accounts would change band: 0 towards At risk, 21 "
        "towards Healthy, and 0 are scored by only one of the models."
    )
    assert rows(found["Accounts by both models"]) == [
        ["At risk", "1,500", "0", "21", "0"],
        ["Watch", "0", "0", "0", "0"],
        ["Healthy", "0", "0", "0", "0"],
        ["Not scored", "0", "0", "0", "0"],
    ]
    assert rows(found["By owner"]) == [
        ["Ada", "1,521", "21", "0", "21"],
        ["Ben", "1,521", "0", "0", "0"],
    ]
    assert "By segment" not in found
    changed = found["Accounts that change"]
    assert rows(changed)[0] == ["M20", "Ada", "At risk → Healthy", "35.7", "71.2", "24,691.34"]
    assert [row[0] for row in changed.rows] == [f"M{number:02}" for number in range(20, 0, -1)]
    assert changed.note.startswith("The first 20 of 21;")
    nobody = migration_section(replace(content, migration=review_cases.migration(0)))
    assert "Accounts that change" not in tables(nobody.parts)


def test_drift_is_printed_to_the_digit(page: Page) -> None:
    texts, found = section(page, "Drift")
    assert "from 2026-02-01, its last training date (1,234 scored accounts)" in texts[0]
    assert "to 2026-06-01 (2,345)" in texts[0]
    assert rows(found["Shift of scores and columns"]) == [
        ["The champion's scores", "", "0.051", "0.061", ""],
        ["Visits", "visits__28d", "0.500", "0.100", "major"],
        ["Spend", "spend__28d", "0.200", "0.100", "beyond chance"],
    ]
    shares = found["Share of scored accounts, by the champion"]
    assert rows(shares) == [
        [str(EARLIER), "12.3%", "25.0%", "62.7%"],
        [str(MORNING), "–", "–", "–"],
    ]
    drift = review_cases.drift()
    many = replace(drift, columns=drift.columns[:1] * 21)
    for scores, shown in ((drift.scores, 21), (None, 20)):
        parts = drift_section(replace(many, scores=scores)).parts
        table = tables(parts)["Shift of scores and columns"]
        assert (len(table.rows), table.note[:18]) == (shown, "The first 20 of 21")


def test_flaps_lead_times_and_coverage_are_printed_to_the_digit(page: Page) -> None:
    texts, found = section(page, "Flaps")
    assert texts[0].startswith("Weekly scores from 2026-02-01 to 2026-06-01.")
    assert "score is 3 points beyond" in texts[0]
    assert rows(found["Changes of band"])[:2] == [
        ["champion, shown", "2,000", "90", "4.51", "10", "0.51", "–"],
        ["champion, announced", "2,000", "45", "2.25", "1", "0.05", "0.21"],
    ]
    texts, found = section(page, "Lead times")
    assert texts[0].startswith("3 of 4 indicators have another lead time")
    assert rows(found["Lead times that changed"]) == [
        ["Visits a week", "leads, 60 days", "leads, 90 days"],
        ["Spend", "not measured", "says nothing"],
        ["Tickets", "leads, 60 days", "leads, 60 days or more"],
    ]
    covered = section(page, "Coverage")[1]["Coverage by segment"]
    assert rows(covered) == [["all accounts", "1,200", "1,100", "90%", "81%", "–", "–"]]
