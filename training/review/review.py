"""`review`: everything that the ML engineer needs twice a year, from one call, with a verdict.

The same tables, models and morning give the same bytes: nothing in a review comes from the wall
clock except what the registry recorded.
"""

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa

from features import contract, publish, snapshots
from features.declaring.company import Company
from features.errors import DeclarationError, GateRefused, NotFound
from features.progress import Progress, silent
from features.settings import Settings
from training.registry import review_decision
from training.reporting import markdown
from training.reporting import page as reports
from training.reporting.target_words import target_words
from training.review.candidates import Candidates, candidates
from training.review.comparison import ModelComparison, compare, compared_rows
from training.review.comparison_by_row import comparison_by_row
from training.review.comparison_dates import comparison_dates
from training.review.content import ReviewContent
from training.review.pages.review_page import review_page
from training.review.review_data import ReviewData, review_data
from training.review.review_warnings import review_warnings
from training.review.sections.calibration import calibration
from training.review.sections.coverage import coverage
from training.review.sections.drift import drift
from training.review.sections.flaps import flaps
from training.review.sections.lead_times import lead_times
from training.review.sections.ledger import LedgerEntry, as_table, ledger, ledger_entries
from training.review.sections.migration import migration
from training.review.statuses import statuses
from training.review.verdict import verdict

CHALLENGER = "challenger"

# Why a review of an opportunity leaves these out; in the order of its sections.
NOT_APPLICABLE = {
    "ledger": "an opportunity is not a churn, so there is none to look back at",
    "flaps": "an opportunity has no bands, so no change of band is announced",
    "lead_times": "a lead time is the warning time before churn, and an opportunity is no warning",
}


@dataclass(frozen=True)
class Review:
    """The content of the review, and the ledger's entries as a table; none for an opportunity."""

    content: ReviewContent
    ledger: pa.Table | None

    @property
    def promotes(self) -> bool:
        """Whether the verdict is to promote."""
        return self.content.verdict.decision == review_decision.PROMOTE

    @property
    def as_json(self) -> str:
        """The content as readable JSON."""
        return json.dumps(self.content.plain(), indent=2, ensure_ascii=False, allow_nan=False)

    def write(self, folder: Path) -> None:
        """Writes review.json, review.md, review.html and, of churn, ledger.csv into `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        publish.write_json(self.content.plain(), folder / review_decision.FILE)
        if self.ledger is not None:
            publish.write_csv(self.ledger, folder / "ledger.csv")
        page = review_page(self.content)
        reports.write(page, folder / "review.html")
        with publish.replacing(folder / "review.md") as temporary:
            temporary.write_text(markdown.render(page), encoding="utf-8")

    def require_promotion(self) -> None:
        """Raises GateRefused, with the reasons, unless the verdict is to promote."""
        if not self.promotes:
            reasons = "; ".join(self.content.verdict.reasons)
            raise GateRefused(f"keep the champion of {self.content.target}: {reasons}")


@dataclass(frozen=True)
class ReviewRequest:
    """What to review.

    Parameters
    ----------
    target : str, optional
        Without it, the only adverse target of the declaration, or its only one.
    challenger : str
        A registry alias or version.
    as_of : date, optional
        The review's morning; outcomes count that are settled by then. By default `data_until`.
    reason : str
        Why one retrains inside the review period.
    """

    target: str | None = None
    challenger: str = CHALLENGER
    as_of: date | None = None
    reason: str = ""


def review(
    company: Company,
    request: ReviewRequest = ReviewRequest(),
    *,
    settings: Settings | None = None,
    progress: Progress = silent,
) -> Review:
    """The review of a target's champion and a challenger; neither they nor the registry change.

    Raises
    ------
    NotFound
        There is no champion, no registry, no such challenger or target, or the history does not
        have the morning: it is later than the data, before the first account, or before a model's
        last training outcome was settled.
    DeclarationError
        The declaration measures something else than a model was trained on, or several targets
        could be meant.
    ContractBroken
        The company's tables break the data contract.
    """
    settings = settings or Settings.read()
    target = _resolve_target(company, request.target)
    models = candidates(company, target, request.challenger, settings)
    with contract.sound_tables(company) as tables:
        morning = snapshots.requested_dates(tables, [request.as_of] if request.as_of else [])[0]
        _require_settled(models, morning)
        data = review_data(tables, models, morning, progress=progress)
    return _review_of(data, request.reason, progress)


def _require_settled(models: Candidates, morning: date) -> None:
    """Raises NotFound if a model was trained on outcomes that were not settled on the morning."""
    for candidate in models:
        if candidate.trained_until > morning:
            raise NotFound(
                f"--as-of {morning}: the {candidate.role}, version {candidate.artifact.version}, "
                f"was trained on outcomes that were settled on {candidate.trained_until}; give "
                "that day or a later one"
            )


def _resolve_target(company: Company, name: str | None) -> str:
    """The target to review: the one of that name, else the only adverse one, or the only one."""
    if name is not None:
        if name not in company.targets:
            declared = ", ".join(company.targets)
            raise NotFound(f"target {name!r} is not declared; declared are: {declared}")
        return name
    likely = company.adverse or company.opportunities
    if len(likely) != 1:
        raise DeclarationError(
            f"several targets could be reviewed; choose one with --target: "
            f"{', '.join(company.targets)}"
        )
    return next(iter(likely))


def _review_of(data: ReviewData, reason: str, progress: Progress) -> Review:
    """The review of the data; `reason` is why one retrains inside the review period."""
    if not data.latest.num_rows:
        raise NotFound(f"--as-of {data.dates.as_of}: there were no accounts yet; give a later day")
    by_renewal = data.company.targets[data.target].by_renewal
    dates = (comparison_by_row if by_renewal else comparison_dates)(data, progress)
    progress("comparing the two models")
    scheme = statuses(data.models.champion.artifact)
    comparison = compare(compared_rows(data, dates), dates, data.company.bands.capacity, scheme)
    progress("measuring calibration, drift, migration and flaps")
    entries = ledger_entries(data) if data.adverse else None
    return Review(
        _content(data, reason, comparison, entries),
        None if entries is None else as_table(entries),
    )


def _content(
    data: ReviewData,
    reason: str,
    comparison: ModelComparison,
    entries: list[LedgerEntry] | None,
) -> ReviewContent:
    """What the review is of, its verdict, and the evidence."""
    champion, challenger = data.models
    about, declared = data.company.about, data.company.targets[data.target]
    shift, moved = drift(data), migration(data)
    return ReviewContent(
        format=review_decision.FORMAT,
        company=about.name,
        simulated=about.simulated,
        currency=about.currency,
        target=data.target,
        as_of=data.dates.as_of,
        data_until=data.mature.data_until,
        data_digest=snapshots.digest(data.latest),
        adverse=data.adverse,
        score=champion.artifact.output_names[1],
        words=target_words(challenger.artifact),
        titles=_titles(data.models),
        silence_days=declared.inactivity.within if declared.inactivity else None,
        capacity=data.company.bands.capacity,
        champion=champion.summary(),
        challenger=challenger.summary(),
        reason=reason,
        verdict=verdict(data, comparison),
        warnings=review_warnings(data, comparison, shift, moved, reason),
        comparison=comparison,
        ledger=None if entries is None else ledger(entries, data),
        calibration=calibration(data),
        drift=shift,
        migration=moved,
        flaps=flaps(data) if data.adverse else None,
        lead_times=lead_times(data.models) if data.adverse else None,
        coverage=coverage(data),
        not_applicable={} if data.adverse else NOT_APPLICABLE,
    )


def _titles(models: Candidates) -> dict[str, str]:
    """The titles of the indicators of either model."""
    return {
        name: meaning.title
        for candidate in models
        for name, meaning in sorted(candidate.artifact.meanings.items())
    }


def summary(result: Review) -> str:
    """The verdict in a few lines: what decided, and the warnings."""
    content = result.content
    checks = [
        f"  {'passed' if check.passed else 'failed'}: {check.name}: {check.reason}"
        for check in content.verdict.checks
    ]
    cautions = [f"  warning: {text}" for text in content.warnings]
    head = (
        f"{content.target} on {content.as_of}: {content.verdict.decision} "
        f"(champion version {content.champion.version}, challenger version "
        f"{content.challenger.version})"
    )
    return "\n".join([head, *checks, *cautions])


def next_step(result: Review, company: Path, out: Path) -> str:
    """The command that acts on the verdict, as the review's last line."""
    content, path = result.content, out / review_decision.FILE
    action = review_decision.command(
        content.target,
        content.challenger.version,
        content.verdict.failed,
        str(company),
        str(path),
    )
    return f"next: {action}"
