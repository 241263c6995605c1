"""How figures are worded: in summaries, refusals, reports and progress lines alike."""

from training.metrics.measured import Measured


def figures(measured: Measured) -> str:
    """A difference in log loss with its interval, to the fourth digit."""
    if not measured.known:
        return "an unknown amount"
    return f"{measured.value:.4f} ({measured.low:.4f} to {measured.high:.4f})"
