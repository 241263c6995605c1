"""Warnings beside the verdict of a review; they decide nothing."""

from collections.abc import Iterator

from training.evaluating import sentences
from training.expiry import VALID_FOR
from training.phrases import figures
from training.review.candidates import Candidate, Candidates
from training.review.comparison import ModelComparison
from training.review.review_data import ReviewData
from training.review.sections.drift import ReviewDrift
from training.review.sections.migration import Migration
from training.review.statuses import Statuses, statuses

# How far a repeated procedure's AUC may be from the stated one by the order of sums alone.
SAME = 1e-6

# How many times the capacity may be red on one morning before it is worth a warning.
BEYOND = 1.5

# So many shifted columns are named.
NAMED = 3


def review_warnings(
    data: ReviewData,
    comparison: ModelComparison,
    drift: ReviewDrift,
    migration: Migration,
    reason: str,
) -> list[str]:
    """The warnings, as whole sentences; `reason` is why one retrains inside the review period."""
    scheme = statuses(data.models.challenger.artifact)
    return [
        *_of_time(data, reason),
        *_of_registry(data.models),
        *_of_tables(comparison, data.models.challenger),
        *sentences.contradicted_sides(data.models.challenger.artifact.training),
        *_of_segments(comparison),
        *_of_capacity(migration, data.company.bands.capacity, scheme),
        *_of_drift(drift),
    ]


def _of_time(data: ReviewData, reason: str) -> Iterator[str]:
    champion, challenger = data.models
    apart = challenger.data_until - champion.data_until
    if not data.models.same and apart < VALID_FOR and not reason:
        yield (
            f"retrained {apart.days} days after the champion (by the dates of their data), but "
            f"reviews are due every {VALID_FOR.days} days (next after {champion.good_until}); give "
            "the reason with --reason"
        )
    today = data.dates.as_of
    if champion.expired(today):
        yield (
            f"the champion has expired by {today}: its data end on {champion.data_until}, so it "
            f"was good until {champion.good_until}; the registry's expiry date, counted from "
            f"registration, is {champion.expiry or 'unknown'}"
        )


def _of_registry(models: Candidates) -> Iterator[str]:
    champion = models.champion.artifact
    if not models.champion.tags:
        yield (
            f"the registry does not know the installed champion (version {champion.version}, "
            f"digest {champion.digest[:12]}), so its expiry date is unknown"
        )


def _of_tables(comparison: ModelComparison, challenger: Candidate) -> Iterator[str]:
    """A procedure that is repeated on the same rows makes the same model."""
    evaluation, repeated = challenger.artifact.evaluation, comparison.repeated_auc
    stated = evaluation.quality.auc.value
    alike = evaluation.tested == "procedure" and evaluation.kind == "later as-of date"
    if alike and repeated is not None and stated is not None and abs(repeated - stated) > SAME:
        yield (
            f"repeating the challenger's training gives an AUC of {repeated:.4f}, but its own "
            f"evaluation states {stated:.4f}: the tables or the code have changed since"
        )


def _of_segments(comparison: ModelComparison) -> Iterator[str]:
    for segment in comparison.result.segments if comparison.result else ():
        gain = segment.log_loss_gain
        if gain and gain.high is not None and gain.high < 0:
            yield (
                f"segment {segment.segment}: the challenger is significantly worse than the "
                f"champion, gain in log loss {figures(gain)}"
            )


def _of_capacity(migration: Migration, capacity: float, scheme: Statuses) -> Iterator[str]:
    counts = migration.matrix.values()
    first = sum(after[scheme.first_name] for after in counts)
    every = sum(sum(after.values()) - after["unscored"] for after in counts)
    if every and first > BEYOND * capacity * every:
        what = "red" if scheme.first_name == "red" else "opportunities"
        yield (
            f"with the challenger, {first:,} of {every:,} scored accounts ({first / every:.0%}) "
            f"would be {what} on {migration.as_of}; the team's capacity is {capacity:.0%}"
        )


def _of_drift(drift: ReviewDrift) -> Iterator[str]:
    major = [f"{column.title} ({column.column})" for column in drift.columns if column.major]
    if major:
        count = "1 column has" if len(major) == 1 else f"{len(major)} columns have"
        more = f" and {len(major) - NAMED} more" if len(major) > NAMED else ""
        yield (
            f"{count} shifted far more than chance explains since {drift.since}: "
            f"{', '.join(major[:NAMED])}{more}"
        )
    if drift.scores and drift.scores.major:
        yield (
            f"the champion's scores have shifted far more than chance explains since "
            f"{drift.since} (stability index {drift.scores.index:.2f})"
        )
