"""The review as a page for people: the verdict first, then the evidence in order of weight."""

from collections.abc import Iterator

from training.metrics.measured import Measured
from training.registry import review_decision
from training.reporting.page import Key, Note, Page, Section, Table, number, sentence, share
from training.review.candidates import ModelSummary
from training.review.content import ReviewContent
from training.review.pages import ledger_section, population_sections
from training.review.pages.calibration_section import calibration_section
from training.review.pages.comparison_section import comparison_section
from training.review.pages.migration_section import migration_section
from training.review.pages.population_sections import coverage_section, drift_section


def review_page(content: ReviewContent) -> Page:
    """The content of a review as a page."""
    promote = content.verdict.decision == review_decision.PROMOTE
    decision = "promote the challenger" if promote else "keep the champion"
    reasons = sentence("; ".join(content.verdict.reasons))
    return Page(
        title=f"Review of {content.target} on {content.as_of}",
        company=content.company,
        lead=_lead(content),
        keys=list(_keys(content)),
        notes=[
            Note(f"Verdict: {decision}. {reasons}", "good" if promote else "bad"),
            *(Note(sentence(text), "caution") for text in content.warnings),
        ],
        sections=_sections(content),
        foot=(
            f"Intervals are 95% and resample accounts. {_scale(content)} Rows of "
            f"{content.as_of}: SHA-256 {content.data_digest[:12]}."
        ),
        simulated=content.simulated,
    )


def _sections(content: ReviewContent) -> list[Section]:
    """All sections in order; one that does not apply to the target says why."""
    ledger, flaps, lead_times = content.ledger, content.flaps, content.lead_times
    why = {name: f"Not applicable: {text}." for name, text in content.not_applicable.items()}
    return [
        _checks(content),
        comparison_section(content),
        ledger_section.ledger_section(content, ledger)
        if ledger
        else Section(ledger_section.TITLE, why["ledger"]),
        calibration_section(content),
        drift_section(content.drift),
        migration_section(content),
        population_sections.flaps_section(flaps)
        if flaps
        else Section(population_sections.FLAPS, why["flaps"]),
        population_sections.lead_times_section(lead_times)
        if lead_times
        else Section(population_sections.LEAD_TIMES, why["lead_times"]),
        coverage_section(content),
    ]


def _scale(content: ReviewContent) -> str:
    if content.adverse:
        return "Health scores run from 0 to 100; 100 is the healthiest."
    return (
        "Opportunity scores run from 0 to 100; 100 is the best prospect, and an account is an "
        "opportunity from 70 up."
    )


def _lead(content: ReviewContent) -> str:
    reason = f" Reason given for retraining: {content.reason}." if content.reason else ""
    return (
        f"Champion: {_model(content.champion)}. Challenger: {_model(content.challenger)}. "
        f"Outcomes count that were settled by {content.as_of}; the tables are complete until "
        f"{content.data_until}.{reason}"
    )


def _model(model: ModelSummary) -> str:
    first, last = model.trained_on
    dates = model.training_dates
    days = f"{dates} as-of dates from {first} to {last}" if dates > 1 else f"one as-of date, {last}"
    expiry = f", expires on {model.expiry}" if model.expiry else ""
    return (
        f"version {model.version}, trained on {days} (outcomes settled by "
        f"{model.trained_until}{expiry})"
    )


def _keys(content: ReviewContent) -> Iterator[Key]:
    if result := content.comparison.result:
        yield _key("Challenger's gain in log loss", result.log_loss_gain)
        yield _key("Challenger's gain in AUC", result.auc_gain)
    moved = content.migration
    label = "Accounts that change band" if content.adverse else "Accounts that change status"
    yield Key(label, number(moved.changed, 0), f"of {moved.scored:,} scored")
    if content.ledger:
        first = content.ledger.leads[0]
        yield Key(
            f"Green {first.lead_days} days before churn",
            share(first.shares["green"]),
            f"{first.green:,} of {first.churns:,}",
        )


def _key(label: str, gain: Measured) -> Key:
    between = f"{number(gain.low, 4)} to {number(gain.high, 4)}"
    return Key(label, number(gain.value, 4), between)


def _checks(content: ReviewContent) -> Section:
    rows = [
        [check.name, "passed" if check.passed else "failed", sentence(check.reason)]
        for check in content.verdict.checks
    ]
    action = review_decision.command(
        content.target, content.challenger.version, content.verdict.failed
    )
    return Section(
        "What decides",
        "The challenger is promoted if it passes every check. What cannot be shown counts as "
        "failed.",
        Table("Checks", ["check", "result", "why"], rows),
        f"What to do: {action}",
    )
