"""Measures whose value and interval a test knows to be known."""

from training.metrics.measured import Measured


def known(measured: Measured) -> tuple[float, float, float]:
    """Return the lower end, the value and the upper end."""
    assert measured.low is not None
    assert measured.value is not None
    assert measured.high is not None
    return measured.low, measured.value, measured.high


def rising(measured: Measured) -> bool:
    """Return whether the value is known and lies in its interval."""
    low, value, high = known(measured)
    return low <= value <= high
