"""Promote or keep: the checks that decide, each with its figures.

The rules are those of `training.evaluating.gate`, by which `churnlight promote` goes, on more
evidence. A challenger is promoted when it passes every check: it has skill of its own, and on
outcomes that neither it nor the champion was trained on, its log loss is significantly lower. An
expired champion gives way to a challenger that is not significantly worse. What cannot be shown
counts as failed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from training.evaluating import gate, sentences
from training.metrics.measured import Measured
from training.phrases import figures
from training.records.evaluation import BaselineGain, Subject
from training.registry.review_decision import BETTER, DIFFERENT, KEEP, PROMOTE, SKILL, Verb
from training.reporting.target_words import CHURN, target_words
from training.review.by_model import ByModel
from training.review.candidates import Candidate, Candidates
from training.review.comparison import ComparisonResult, ModelComparison
from training.review.review_data import ReviewData


@dataclass(frozen=True)
class SkillFigures:
    """The challenger's own evaluation, and whether of it or of its procedure."""

    gain_over_base_rate: Measured
    baselines: tuple[BaselineGain, ...]
    as_of: str
    tested: Subject


@dataclass(frozen=True)
class GainFigures:
    """The gains over the champion, and whether that has expired."""

    log_loss_gain: Measured
    auc_gain: Measured
    champion_expired: bool


@dataclass(frozen=True)
class VerdictCheck:
    """One question of the verdict: whether it is passed, why, and on which figures."""

    name: str
    passed: bool
    reason: str
    figures: ByModel[str] | SkillFigures | GainFigures | None = None


@dataclass(frozen=True)
class Verdict:
    """The decision, the reasons that decide (those of failed checks, if any), and all checks."""

    decision: Verb
    reasons: list[str]
    checks: list[VerdictCheck]

    @property
    def failed(self) -> list[str]:
        """The names of the checks that failed."""
        return [check.name for check in self.checks if not check.passed]


def verdict(data: ReviewData, comparison: ModelComparison) -> Verdict:
    """The verdict on the two models of a review."""
    champion, challenger = data.models
    happened = target_words(challenger.artifact).happened
    checks = [
        is_different(data.models),
        has_skill(challenger),
        is_better(comparison, champion.expired(data.dates.as_of), happened),
    ]
    failed = [check for check in checks if not check.passed]
    return Verdict(
        decision=KEEP if failed else PROMOTE,
        reasons=[check.reason for check in failed or checks],
        checks=checks,
    )


def is_different(models: Candidates) -> VerdictCheck:
    """Whether the challenger is another model than the champion."""
    digests = ByModel(*(candidate.artifact.digest for candidate in models))
    reason = (
        "the challenger is the champion itself"
        if models.same
        else "the challenger and the champion are different models"
    )
    return VerdictCheck(DIFFERENT, not models.same, reason, digests)


def has_skill(challenger: Candidate) -> VerdictCheck:
    """Whether the challenger beats the base rate and every baseline in its own evaluation."""
    evaluation = challenger.artifact.evaluation
    shown = SkillFigures(
        gain_over_base_rate=evaluation.gain_over_base_rate,
        baselines=evaluation.baselines,
        as_of=evaluation.as_of,
        tested=evaluation.tested,
    )
    what = "the challenger's procedure" if shown.tested == "procedure" else "the challenger"
    where = f"on {sentences.test_dates(evaluation)}, {what}"
    if shortfalls := gate.shortfalls(evaluation):
        return VerdictCheck(SKILL, False, f"{where} is {'; '.join(shortfalls)}", shown)
    gain = figures(shown.gain_over_base_rate)
    reason = f"{where} beats the base rate (gain in log loss {gain}) and every simpler model"
    return VerdictCheck(SKILL, True, reason, shown)


def is_better(
    comparison: ModelComparison, expired: bool, happened: str = CHURN.happened
) -> VerdictCheck:
    """Whether the challenger is significantly better; not worse, where the champion has expired.

    Parameters
    ----------
    expired : bool
        Whether the champion has expired.
    happened : str
        The verb for accounts that had the event: "churned".
    """
    result = comparison.result
    if result is None:
        return VerdictCheck(BETTER, False, _no_result(comparison))
    gain = result.log_loss_gain
    shown = GainFigures(gain, result.auc_gain, expired)
    better = gate.beats(gain)
    no_worse = gain.known and not gain.below_zero
    passed = better or (expired and no_worse)
    reason = f"on {_span(comparison.as_of)}, {_sentence(result, happened)}"
    if expired and not better:
        reason += (
            "; the champion has expired, so a challenger that is not significantly worse may "
            "replace it"
        )
    elif comparison.makes_champion and not passed:
        reason += f" ({comparison.explanation})"
    return VerdictCheck(BETTER, passed, reason, shown)


def _no_result(comparison: ModelComparison) -> str:
    if comparison.basis == "none":
        return comparison.explanation
    return "on the comparison dates, all accounts that both models score have the same outcome"


def _sentence(result: ComparisonResult, happened: str) -> str:
    gain = result.log_loss_gain
    size = "significantly higher" if gain.below_zero else "not significantly lower"
    size = "significantly lower" if gate.beats(gain) else size
    return (
        f"the challenger's log loss is {size} than the champion's: gain in log loss "
        f"{figures(gain)} over {result.rows:,} rows, in {result.events:,} of which the account "
        f"{happened}"
    )


def _span(days: Sequence[date]) -> str:
    return str(days[0]) if len(days) == 1 else f"{len(days)} dates from {days[0]} to {days[-1]}"
