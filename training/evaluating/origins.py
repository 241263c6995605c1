"""Rolling origins: rows of later dates, scored by models that were trained on earlier ones.

One date has too few events to distinguish a model from its best column, so the procedure runs at
up to five origins, a horizon apart where their labels overlap, and each is compared with its own
rivals: the base rate that it knew, the column that it found best, the scorecard of its columns.
Gains are means of paired differences over the rows of all origins; their intervals resample
accounts, and an account that is in several origins is one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from training.calibrating.calibration import log_losses
from training.metrics import quality
from training.metrics.measured import Measured
from training.metrics.quality import Quality
from training.records.evaluation import BaselineGain, DateResult

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int8]

# The name of the baseline that a model with trees must beat to keep them.
SCORECARD = "logistic regression on the same columns"


@dataclass(frozen=True)
class Rival:
    """Something that a model must beat: its name, and its calibrated log-odds (rows,)."""

    name: str
    logits: Floats


@dataclass(frozen=True)
class Origin:
    """Rows of one as-of date (or block of time), with the log-odds of a model and of its rivals.

    `trained_on` are the dates of the rows that trained both, `base` the rate of the event in them;
    `champion` are the champion's log-odds, where no row of that date or later trained it.
    """

    as_of: str
    trained_on: Sequence[str]
    labels: Labels
    accounts: Sequence[str]
    logits: Floats
    base: float
    rivals: Sequence[Rival] = ()
    champion: Floats | None = None

    def better_than(self, logits: Floats) -> Floats:
        """By how much each row's log loss is below that of other `logits` (rows,)."""
        return log_losses(logits, self.labels) - log_losses(self.logits, self.labels)

    def skill(self) -> Floats:
        """By how much each row's log loss is below that of the base rate."""
        return self.better_than(constant(self.base, len(self.labels)))

    def gain_over(self, rival: int) -> Floats:
        """By how much each row's log loss is below that of a rival.

        Where the model was a scorecard it had no scorecard beside it, and gained nothing over it.
        """
        if rival < len(self.rivals):
            return self.better_than(self.rivals[rival].logits)
        return np.zeros(len(self.labels))

    def without_trees(self) -> "Origin":
        """The same of the scorecard, which stood beside the model where that had trees."""
        cards = [rival for rival in self.rivals if rival.name == SCORECARD]
        if not cards:
            return self
        others = [rival for rival in self.rivals if rival.name != SCORECARD]
        return replace(self, logits=cards[0].logits, rivals=others)


def constant(rate: float, rows: int) -> Floats:
    """The log-odds (rows,) of predicting the same rate for every row."""
    return np.full(rows, np.log(rate / (1 - rate)))


@dataclass(frozen=True)
class Pooled:
    """The gains over all origins, and what each origin showed."""

    gain_over_base_rate: Measured
    baselines: tuple[BaselineGain, ...]
    test_dates: tuple[DateResult, ...]


def pooled(origins: Sequence[Origin], first_quality: Quality) -> Pooled:
    """The gains over all origins, and what each showed.

    Parameters
    ----------
    origins : sequence of Origin
        The one of the headline figures, whose rivals are named; then the earlier ones.
    first_quality : Quality
        That of the first.
    """
    first, *earlier = origins
    shown = _result(
        first, first_quality.auc, first_quality.log_loss, first_quality.gain_over_base_rate
    )
    if not earlier:
        return Pooled(shown.gain_over_base_rate, shown.baselines, (shown,))
    baselines = tuple(
        BaselineGain(
            _named(number, origins), _mean([o.gain_over(number) for o in origins], origins)
        )
        for number in range(len(first.rivals))
    )
    gain = _mean([origin.skill() for origin in origins], origins)
    return Pooled(gain, baselines, (shown, *(_measured(origin) for origin in earlier)))


def _named(number: int, origins: Sequence[Origin]) -> str:
    """The name of a rival, and of those in its place at earlier origins where they differ."""
    name, *others = dict.fromkeys(
        origin.rivals[number].name for origin in origins if number < len(origin.rivals)
    )
    return f"{name} (earlier: {', '.join(others)})" if others else name


@dataclass(frozen=True)
class ChampionGain:
    """The gain over the champion, and the dates on which it could be measured."""

    gain: Measured
    as_of: tuple[str, ...]


def over_champion(origins: Sequence[Origin]) -> ChampionGain | None:
    """The gain over the champion; None where no origin could measure it."""
    fair = [(origin, origin.champion) for origin in origins if origin.champion is not None]
    if not fair:
        return None
    gain = _mean([origin.better_than(logits) for origin, logits in fair], [o for o, _ in fair])
    return ChampionGain(gain, tuple(origin.as_of for origin, _ in fair))


def _mean(gains: Sequence[Floats], origins: Sequence[Origin]) -> Measured:
    """The mean gain of the rows of all origins, with its interval by accounts."""
    every = np.concatenate(gains)
    accounts = [name for origin in origins for name in origin.accounts]
    return quality.mean_interval(every, accounts)


def _measured(origin: Origin) -> DateResult:
    return _result(
        origin,
        quality.auc_interval(origin.logits, origin.labels, origin.accounts),
        quality.mean_interval(log_losses(origin.logits, origin.labels), origin.accounts),
        _mean([origin.skill()], [origin]),
    )


def _result(origin: Origin, auc: Measured, log_loss: Measured, gain: Measured) -> DateResult:
    """The result of one origin, with these measures."""
    return DateResult(
        as_of=origin.as_of,
        trained_on=tuple(origin.trained_on),
        rows=len(origin.labels),
        accounts=len(set(origin.accounts)),
        events=int(origin.labels.sum()),
        auc=auc,
        log_loss=log_loss,
        gain_over_base_rate=gain,
        baselines=tuple(
            BaselineGain(rival.name, _mean([origin.better_than(rival.logits)], [origin]))
            for rival in origin.rivals
        ),
    )
