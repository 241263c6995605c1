"""The promotion gate: what a model must have shown, where it was judged, to score and to serve.

A model must surely beat (the lower end of the 95 % interval above 0) the base rate, the best single
column and, where it has trees, the scorecard of the same columns, over all dates that judged.
A champion that is still valid gives way only to what is surely better on dates that neither had
learnt from, and none gives way to what was never set beside it. Everything is read from the
artifact's own evaluation; nothing is measured here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from features.errors import GateRefused
from training.artifact import Artifact
from training.evaluating.origins import SCORECARD
from training.metrics.measured import Measured
from training.phrases import figures
from training.records.evaluation import ChampionComparison, Evaluation

BASE_RATE = "the base rate"


@dataclass(frozen=True)
class Standing:
    """The champion as the registry knows it; `expiry` is the last day on which it is valid."""

    version: str
    digest: str
    expiry: date
    data_digest: str = ""


def beats(gain: Measured) -> bool:
    """Whether a gain in log loss is surely above 0; one that is not known is none."""
    return gain.low is not None and gain.low > 0


def shortfalls(evaluation: Evaluation) -> list[str]:
    """What the model is no better than, each with the figures; any of it refuses promotion."""
    rivals = [(BASE_RATE, evaluation.gain_over_base_rate)]
    rivals += [(rival.baseline, rival.gain) for rival in evaluation.baselines]
    return [
        f"no better than {name}: log loss lower by {figures(gain)}"
        for name, gain in rivals
        if not beats(gain)
    ]


def word(gain: Measured) -> str:
    """How a gain in log loss over something simpler is spoken of."""
    return "better" if beats(gain) else "no better"


def judges(evaluation: Evaluation) -> str:
    """The dates over which gains were measured, as they are spoken of after "on"."""
    _, *earlier = evaluation.test_dates
    if not earlier:
        return evaluation.as_of
    dates = "as-of dates" if evaluation.kind == "later as-of date" else "blocks of time"
    span = f"from {earlier[-1].as_of} to {evaluation.as_of}"
    return f"{len(earlier) + 1} {dates} {span}"


def trees_prove_nothing(evaluation: Evaluation) -> str:
    """Why a model does as well without its trees; empty where they earn their place."""
    for rival in evaluation.baselines:
        if rival.baseline == SCORECARD and not beats(rival.gain):
            return (
                f"on {judges(evaluation)}, which judged, trees lowered the log loss of the "
                f"scorecard by {figures(rival.gain)}, which "
                f"{'is surely worse' if _surely_worse(rival.gain) else 'may be nothing'}"
            )
    return ""


def require_skill(artifact: Artifact) -> None:
    """Raises GateRefused unless the model beats the base rate and every baseline."""
    if found := shortfalls(artifact.evaluation):
        also = "".join(f"; {line}" for line in weak_segments(artifact.evaluation))
        raise GateRefused(
            f"{_named(artifact)} is not promoted: on {judges(artifact.evaluation)} it is "
            f"{'; '.join(found)}{also}; add indicators or history"
        )


def require_better(artifact: Artifact, champion: Standing, today: date) -> None:
    """Raises GateRefused where the champion should stay.

    That is where the artifact was not compared with this very champion, is surely worse, or is not
    surely better while the champion is valid.
    """
    comparison = compared_with(artifact, champion)
    if comparison is None:
        raise GateRefused(
            f"{_named(artifact)} is not promoted: {_not_compared(artifact, champion)}; set the two "
            "side by side on what has matured (churnlight review) and promote with --review FILE, "
            "or promote with --reason TEXT"
        )
    gain = comparison.gain
    if beats(gain):
        return
    days = comparison.as_of or [artifact.evaluation.as_of]
    where = f"on {_listed(days)} its log loss is lower by {figures(gain)}"
    if _surely_worse(gain):
        told = f"worse than the champion, version {champion.version}: {where}"
    elif today <= champion.expiry:
        told = (
            f"no better than the champion, version {champion.version}, which is valid until "
            f"{champion.expiry}: {where}"
        )
    else:
        return
    raise GateRefused(
        f"{_named(artifact)} is not promoted: {told}; keep the champion, or promote with "
        "--review FILE or --reason TEXT"
    )


def _not_compared(artifact: Artifact, champion: Standing) -> str:
    comparison = artifact.evaluation.champion
    told = f"training has not compared it with the champion, version {champion.version}"
    same = comparison is not None and comparison.digest == champion.digest
    return f"{told} ({comparison.why})" if comparison and same else told


def compared_with(artifact: Artifact, champion: Standing) -> ChampionComparison | None:
    """The artifact's comparison with this very champion; None where nobody compared them."""
    comparison = artifact.evaluation.champion
    if comparison is None or comparison.digest != champion.digest or comparison.gain.low is None:
        return None
    return comparison


def weak_segments(evaluation: Evaluation) -> Iterator[str]:
    """Each segment on which the model did worse than the base rate, and how sure that is."""
    for item in evaluation.segments:
        if item.worse_than_base_rate:
            gain = item.gain_over_base_rate
            yield (
                f"{_sureness(gain)} worse than {BASE_RATE} on segment {item.segment} "
                f"({item.accounts:,} accounts, {item.events:,} events): log loss lower by "
                f"{figures(gain)}"
            )


def _sureness(gain: Measured) -> str:
    return "surely" if _surely_worse(gain) else "perhaps"


def _surely_worse(gain: Measured) -> bool:
    return gain.high is not None and gain.high < 0


def _listed(days: Sequence[str]) -> str:
    return days[0] if len(days) == 1 else f"{', '.join(days[:-1])} and {days[-1]}"


def champion_line(evaluation: Evaluation) -> str:
    """How the model did beside the champion of the day; empty where there was none."""
    comparison = evaluation.champion
    if comparison is None:
        return ""
    name, gain = f"the champion, version {comparison.version}", comparison.gain
    if comparison.why:
        return f"{name}: {comparison.why}"
    how = "better" if beats(gain) else "worse" if _surely_worse(gain) else "no better"
    return f"{how} than {name}: log loss lower by {figures(gain)}"


def told(evaluation: Evaluation) -> list[str]:
    """What a summary says of the gate: the champion, weak segments, and whether it will refuse."""
    lines = [champion_line(evaluation), *weak_segments(evaluation)]
    if lacking := shortfalls(evaluation):
        lines.append(f"will not be promoted: {'; '.join(lacking)}")
    return [line for line in lines if line]


def _named(artifact: Artifact) -> str:
    return f"model {artifact.name or artifact.target} version {artifact.version}"
