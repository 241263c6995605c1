"""The sentences of the gate: refusals, and comparisons with simpler models and the champion."""

from collections.abc import Iterator, Sequence
from datetime import date

from training import phrases
from training.artifact import Artifact
from training.learning import sides
from training.metrics.measured import Measured
from training.records.evaluation import ChampionComparison, Evaluation
from training.records.training_record import TrainingRecord

NAMED_COLUMNS = 3
# Tables that nobody prepared for it stay below: the best published AUC of churn are about .93.
TOO_GOOD = 0.95


def test_dates(evaluation: Evaluation) -> str:
    """The dates over which gains were measured, as they are named after "on"."""
    _, *earlier = evaluation.test_dates
    if not earlier:
        return evaluation.as_of
    dates = "test dates" if evaluation.kind == "later as-of date" else "blocks of time"
    return f"{len(earlier) + 1} {dates} from {earlier[-1].as_of} to {evaluation.as_of}"


def trees_left_out(evaluation: Evaluation, gain: Measured) -> str:
    """Why trees are left out whose `gain` over the scorecard is not significant."""
    result = "significantly worse" if gain.below_zero else "not significant"
    return (
        f"on {test_dates(evaluation)} the gain of trees over the scorecard in log loss is "
        f"{phrases.figures(gain)}: {result}"
    )


def contradicted_sides(made: TrainingRecord) -> list[str]:
    """The declared sides that the rows speak against, each with its cost and the cure."""
    if made.declared is None:
        return []
    target = made.declared.target
    return [f"{sides.said(found, target)}; {sides.FIX}" for found in made.contradicted]


def own_columns(evaluation: Evaluation) -> list[str]:
    """Each segment that was tried with columns of its own, with the gain and what came of it."""
    return [
        f"segment {one.segment}: columns of its own gain {phrases.figures(one.gain)} in log loss "
        f"on {one.rows:,} rows of {test_dates(evaluation)}: "
        f"{'kept' if one.kept else 'not significant, so not kept'}"
        for one in evaluation.own_columns
    ]


def weak_segments(evaluation: Evaluation) -> Iterator[str]:
    """Each segment on which the model is worse than the base rate."""
    for segment in evaluation.segments:
        if segment.worse_than_base_rate:
            yield phrases.weak_segment(segment)


def too_good(evaluation: Evaluation) -> list[str]:
    """That customers are told apart better than by honest columns, and by which columns."""
    low = evaluation.quality.auc.low
    if low is None or low <= TOO_GOOD:
        return []
    drivers = evaluation.drivers
    names = [one.indicator for one in drivers.indicators[:NAMED_COLUMNS]] if drivers else []
    told = f"an AUC of {phrases.plain(evaluation.quality.auc.value)} is too good to be true"
    columns = f"look whether {', '.join(names)} were written after the outcome"
    return [f"{told}: {columns}, and leave out what was (--ignore)"]


def champion_line(evaluation: Evaluation) -> str:
    """How the model compares with the champion of the day; empty where there was none."""
    comparison = evaluation.champion
    if comparison is None:
        return ""
    name = f"the champion, version {comparison.version}"
    return (
        f"{name}: {comparison.why}" if comparison.why else phrases.compared(name, comparison.gain)
    )


def no_skill(artifact: Artifact, shortfalls: Sequence[str]) -> str:
    """The refusal of a model that does not beat everything simpler."""
    return (
        f"{_not_promoted(artifact)}: on {test_dates(artifact.evaluation)} it is "
        f"{'; '.join(shortfalls)}; add indicators or history"
    )


def not_compared(artifact: Artifact, version: str, why: str) -> str:
    """The refusal of a model that was never compared with the champion of that `version`."""
    reason = f" ({why})" if why else ""
    return (
        f"{_not_promoted(artifact)}: training has not compared it with the champion, version "
        f"{version}{reason}; compare the two on dates with known outcomes (churnlight review) and "
        "promote with --review FILE, or promote with --reason TEXT"
    )


def not_better(
    artifact: Artifact, comparison: ChampionComparison, version: str, until: date | None
) -> str:
    """The refusal of a model that cannot replace the champion, which is valid `until` that day."""
    days = comparison.as_of or (artifact.evaluation.as_of,)
    valid = f" (valid until {until})" if until else ""
    name = f"the champion, version {version}{valid}, on {_listed(days)}"
    return (
        f"{_not_promoted(artifact)}: {phrases.compared(name, comparison.gain)}; keep the champion, "
        "or promote with --review FILE or --reason TEXT"
    )


def _not_promoted(artifact: Artifact) -> str:
    name = artifact.name or artifact.target
    return f"model {name} version {artifact.version} is not promoted"


def _listed(days: Sequence[str]) -> str:
    return days[0] if len(days) == 1 else f"{', '.join(days[:-1])} and {days[-1]}"
