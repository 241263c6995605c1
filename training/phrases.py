"""How gains in log loss are worded: in summaries, refusals, reports and progress lines alike.

A gain in log loss is how far a model's log loss lies below that of what it is compared with. Above
0 the model is better, wherever a gain is shown.
"""

from training.metrics.measured import Measured
from training.metrics.segments import SegmentResult

BASE_RATE = "the base rate"


def figures(gain: Measured) -> str:
    """A gain with its interval, to the fourth digit."""
    if gain.value is None or gain.low is None or gain.high is None:
        return "unknown"
    value, low, high = (_rounded(number) for number in (gain.value, gain.low, gain.high))
    return f"{value} (95% CI {low} to {high})"


def _rounded(number: float) -> str:
    # Adding 0 turns the -0.0 of a number that is rounded to nothing into 0.0.
    return f"{round(number, 4) + 0.0:.4f}"


def result(gain: Measured) -> str:
    """Whether a model is better than what it is compared with, to be followed by "than"."""
    if gain.above_zero:
        return "significantly better"
    return "significantly worse" if gain.below_zero else "not significantly better"


def compared(name: str, gain: Measured) -> str:
    """How a model compares with `name`, with the figures."""
    return f"{result(gain)} than {name}: gain in log loss {figures(gain)}"


def weak_segment(segment: SegmentResult) -> str:
    """On which segment a model is worse than the base rate, and whether that is significant."""
    gain = segment.gain_over_base_rate
    how, end = ("significantly worse", "") if gain.below_zero else ("worse", ": not significant")
    return (
        f"{how} than {BASE_RATE} on segment {segment.segment} ({segment.accounts:,} accounts, "
        f"{segment.events:,} events): gain in log loss {figures(gain)}{end}"
    )


def plain(value: float | None) -> str:
    """A measure to the third digit."""
    return "unknown" if value is None else f"{value:.3f}"


def with_interval(measured: Measured) -> str:
    """A measure to the third digit, with its interval where it has one."""
    value, low, high = map(plain, (measured.value, measured.low, measured.high))
    return value if low == high else f"{value} ({low} to {high})"
