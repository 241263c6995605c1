"""The whole content of a review, as `review.json` holds it."""

from dataclasses import dataclass
from datetime import date

from pydantic import TypeAdapter

from training.reporting.target_words import TargetWords
from training.review.candidates import ModelSummary
from training.review.comparison import ModelComparison
from training.review.sections.calibration import ReviewDateCalibration
from training.review.sections.coverage import SegmentCoverage
from training.review.sections.drift import ReviewDrift
from training.review.sections.flaps import Flaps
from training.review.sections.lead_times import ReviewLeadTimes
from training.review.sections.ledger import Ledger
from training.review.sections.migration import Migration
from training.review.verdict import Verdict


@dataclass(frozen=True, kw_only=True)
class ReviewContent:
    """A review: what it is of, its verdict, and the evidence.

    `score` is the name of the score's column, `words` how one speaks of the target, and `titles`
    what people call the indicators of either model. `silence_days`: after so many days without
    activity an account counts as churned, where the target is declared so. Sections that do not
    apply to an opportunity are None, and `not_applicable` says why.
    """

    format: int
    company: str
    simulated: bool
    currency: str | None
    target: str
    as_of: date
    data_until: date
    data_digest: str
    adverse: bool
    score: str
    words: TargetWords
    titles: dict[str, str]
    silence_days: int | None
    capacity: float
    champion: ModelSummary
    challenger: ModelSummary
    reason: str
    verdict: Verdict
    warnings: list[str]
    comparison: ModelComparison
    ledger: Ledger | None
    calibration: list[ReviewDateCalibration]
    drift: ReviewDrift
    migration: Migration
    flaps: Flaps | None
    lead_times: ReviewLeadTimes | None
    coverage: list[SegmentCoverage]
    not_applicable: dict[str, str]

    def plain(self) -> dict[str, object]:
        """The same as JSON values."""
        values: dict[str, object] = _ADAPTER.dump_python(self, mode="json")
        return values


_ADAPTER = TypeAdapter(ReviewContent)
