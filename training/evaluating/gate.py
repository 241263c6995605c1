"""The promotion gate: what a model must have shown on its test dates to score and to serve.

A model must be significantly better (the lower end of the gain's 95% interval above 0) than the
base rate, the best single column and, where it has trees, the scorecard of the same columns, over
all test dates. A champion that is still valid is replaced only by a model that is significantly
better on dates that trained neither, and never by one that was not compared with it. Everything
is read from the artifact's own evaluation; nothing is measured here. `sentences` words it.
"""

from dataclasses import dataclass
from datetime import date

from features.errors import GateRefused
from training import phrases
from training.artifact import Artifact
from training.evaluating import sentences
from training.evaluating.origins import SCORECARD
from training.metrics.measured import Measured
from training.records.evaluation import ChampionComparison, Evaluation


@dataclass(frozen=True)
class Standing:
    """The champion as the registry knows it; `expiry` is the last day on which it is valid."""

    version: str
    digest: str
    expiry: date
    data_digest: str = ""


def beats(gain: Measured) -> bool:
    """Whether a gain in log loss is significantly above 0; an unknown one is not."""
    return gain.above_zero


def shortfalls(evaluation: Evaluation) -> list[str]:
    """The comparisons that the model does not win, with figures; any of them refuses promotion."""
    rivals = [(phrases.BASE_RATE, evaluation.gain_over_base_rate)]
    rivals += [(rival.baseline, rival.gain) for rival in evaluation.baselines]
    return [_shortfall(name, gain, evaluation) for name, gain in rivals if not beats(gain)]


def _shortfall(name: str, gain: Measured, evaluation: Evaluation) -> str:
    told = phrases.compared(name, gain)
    if name != SCORECARD or not evaluation.scorecard_refused:
        return told
    return f"{told}, which alone is refused ({evaluation.scorecard_refused})"


def trees_prove_nothing(evaluation: Evaluation) -> str:
    """Why the model does as well without its trees; empty where they are a significant gain."""
    for rival in evaluation.baselines:
        if rival.baseline == SCORECARD and not beats(rival.gain):
            return sentences.trees_left_out(evaluation, rival.gain)
    return ""


def require_skill(artifact: Artifact) -> None:
    """Raises GateRefused unless the model beats the base rate and every baseline."""
    if lacking := shortfalls(artifact.evaluation):
        weak = sentences.weak_segments(artifact.evaluation)
        raise GateRefused(sentences.no_skill(artifact, [*lacking, *weak]))


def require_better(artifact: Artifact, champion: Standing, today: date) -> None:
    """Raises GateRefused where the champion should stay.

    That is where the artifact was not compared with this very champion, is significantly worse, or
    is not significantly better while the champion is valid.
    """
    comparison = compared_with(artifact, champion)
    if comparison is None:
        why = _why_not_compared(artifact, champion)
        raise GateRefused(sentences.not_compared(artifact, champion.version, why))
    if beats(comparison.gain):
        return
    valid = today <= champion.expiry
    if comparison.gain.below_zero or valid:
        until = champion.expiry if valid else None
        raise GateRefused(sentences.not_better(artifact, comparison, champion.version, until))


def _why_not_compared(artifact: Artifact, champion: Standing) -> str:
    comparison = artifact.evaluation.champion
    same = comparison is not None and comparison.digest == champion.digest
    return comparison.why if comparison and same else ""


def compared_with(artifact: Artifact, champion: Standing) -> ChampionComparison | None:
    """The artifact's comparison with this very champion; None where nobody compared them."""
    comparison = artifact.evaluation.champion
    if comparison is None or comparison.digest != champion.digest or comparison.gain.low is None:
        return None
    return comparison


def outlook(evaluation: Evaluation) -> list[str]:
    """The lines of a summary about the gate: champion, weak segments, and whether it refuses."""
    lines = [sentences.champion_line(evaluation), *sentences.weak_segments(evaluation)]
    if lacking := shortfalls(evaluation):
        lines.append(f"will not be promoted: {'; '.join(lacking)}")
    return [line for line in lines if line]
