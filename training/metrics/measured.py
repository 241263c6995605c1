"""A measure with its interval."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Measured:
    """A measure and its 95% interval `low` to `high`; each is None where it is not known."""

    value: float | None
    low: float | None
    high: float | None

    @property
    def known(self) -> bool:
        """Whether the value and both ends of the interval are known."""
        return None not in (self.value, self.low, self.high)

    @property
    def above_zero(self) -> bool:
        """Whether it is significantly above 0; False where that is not known."""
        return self.low is not None and self.low > 0

    @property
    def below_zero(self) -> bool:
        """Whether it is significantly below 0; False where that is not known."""
        return self.high is not None and self.high < 0


UNKNOWN = Measured(None, None, None)
