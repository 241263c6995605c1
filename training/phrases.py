"""How gains in log loss are worded: in summaries, refusals, reports and progress lines alike.

A gain is how far a model's log loss lies below that of something simpler. Refusals and summaries
show the change in log loss instead, with its sign: below 0 the model is better.
"""

from training.metrics.measured import Measured
from training.metrics.segments import Segment

BASE_RATE = "the base rate"


def figures(gain: Measured) -> str:
    """A gain with its interval, to the fourth digit."""
    if not gain.known:
        return "an unknown amount"
    return f"{gain.value:.4f} (95 % CI {gain.low:.4f} to {gain.high:.4f})"


def log_loss_change(gain: Measured) -> str:
    """The change in log loss that a gain is, with its sign and interval; below 0 is better."""
    if gain.value is None or gain.low is None or gain.high is None:
        return "by an unknown amount"
    value, low, high = (_signed(-number) for number in (gain.value, gain.high, gain.low))
    return f"by {value} (95 % CI {low} to {high})"


def _signed(number: float) -> str:
    # Adding 0 turns the -0.0 of a number that is rounded to nothing into 0.0.
    return f"{round(number, 4) + 0.0:+.4f}"


def result(gain: Measured) -> str:
    """Whether a model is better than what it is compared with, as one says it before "than"."""
    if gain.above_zero:
        return "significantly better"
    return "significantly worse" if gain.below_zero else "not significantly better"


def compared(name: str, gain: Measured) -> str:
    """How a model compares with `name`, with the figures."""
    return f"{result(gain)} than {name}: log loss differs {log_loss_change(gain)}"


def weak_segment(segment: Segment) -> str:
    """On which segment a model is worse than the base rate, and whether that is significant."""
    gain = segment.gain_over_base_rate
    how, end = ("significantly worse", "") if gain.below_zero else ("worse", ": not significant")
    return (
        f"{how} than {BASE_RATE} on segment {segment.segment} ({segment.accounts:,} accounts, "
        f"{segment.events:,} events): log loss differs {log_loss_change(gain)}{end}"
    )


def plain(value: float | None) -> str:
    """A measure to the third digit."""
    return "unknown" if value is None else f"{value:.3f}"


def with_interval(measured: Measured) -> str:
    """A measure to the third digit, with its interval where it has one."""
    value, low, high = map(plain, (measured.value, measured.low, measured.high))
    return value if low == high else f"{value} ({low} to {high})"
