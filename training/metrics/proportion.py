"""A proportion with its interval: of so many, how many."""

from dataclasses import dataclass

from scipy.special import betaincinv

from training.metrics.measured import Measured

LEVEL = 0.95


@dataclass(frozen=True)
class Proportion:
    """`events` of `count`, and the 95% interval of the share behind them.

    Exact (Clopper & Pearson 1934): never narrower than it says, also where nothing or everything
    happened. All three are None where nothing was counted.
    """

    events: float
    count: int

    @property
    def value(self) -> float | None:
        """The share that was seen, 0 to 1."""
        return self.events / self.count if self.count else None

    @property
    def low(self) -> float | None:
        """The lower end of the interval."""
        return self._end((1 - LEVEL) / 2, 0.0) if self.events else self.value

    @property
    def high(self) -> float | None:
        """The upper end of the interval."""
        return self._end((1 + LEVEL) / 2, 1.0) if self.events < self.count else self.value

    def _end(self, level: float, more: float) -> float:
        events, others = self.events + more, self.count - self.events + 1 - more
        return float(betaincinv(events, others, level))

    @property
    def measured(self) -> Measured:
        """The share with its interval."""
        return Measured(self.value, self.low, self.high)
