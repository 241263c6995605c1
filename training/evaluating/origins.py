"""Rolling origins: what was said of rows by models that had learnt nothing from their date on.

One date has too few events to tell a model from its best column. So the procedure is repeated at
up to five origins, a horizon apart where their labels overlap, and each is judged by its own
rivals: the base rate that it knew, the column that it found best, the scorecard of its columns.
Gains are means of paired differences over the rows of all origins; their intervals resample
accounts, and an account that several origins judged is one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from training.calibrating.calibration import log_losses
from training.evaluating import gate
from training.metrics import quality

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int8]
Measured = dict[str, float | None]

MEASURES = ("auc", "log_loss", "gain_over_base_rate")


@dataclass(frozen=True)
class Rival:
    """Something that a model must beat: its name, and its calibrated log-odds (rows,)."""

    name: str
    logits: Floats


@dataclass(frozen=True)
class Origin:
    """Rows of one as-of date (or block of time), what a model said of them, and what its rivals.

    `trained_on` are the dates that taught both, `base` the rate of the event that they knew;
    `champion` is what the champion said, where it had learnt nothing from that date on.
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

    def gain_over(self, place: int) -> Floats:
        """By how much each row's log loss is below that of a rival.

        Where the model was a scorecard it had no scorecard beside it, and gained nothing over it.
        """
        if place < len(self.rivals):
            return self.better_than(self.rivals[place].logits)
        return np.zeros(len(self.labels))

    def without_trees(self) -> "Origin":
        """The same of the scorecard, which stood beside the model where that had trees."""
        cards = [rival for rival in self.rivals if rival.name == gate.SCORECARD]
        if not cards:
            return self
        others = [rival for rival in self.rivals if rival.name != gate.SCORECARD]
        return replace(self, logits=cards[0].logits, rivals=others)


def constant(rate: float, rows: int) -> Floats:
    """The log-odds (rows,) of saying the same rate of every row."""
    return np.full(rows, np.log(rate / (1 - rate)))


def pooled(origins: Sequence[Origin], report: dict[str, Any]) -> dict[str, Any]:
    """The gains over all origins, and what each showed, as plain JSON values.

    Parameters
    ----------
    origins : sequence of Origin
        The one that is reported first, whose rivals are named; then the earlier ones.
    report : dict
        What `evaluate.evaluate` says of the first.
    """
    first, *earlier = origins
    shown = _plain(first, report)
    if not earlier:
        over = {key: shown[key] for key in ("gain_over_base_rate", "baselines")}
        return over | {"origins": [shown]}
    beside = [
        {"baseline": _named(place, origins)}
        | _mean([item.gain_over(place) for item in origins], origins)
        for place in range(len(first.rivals))
    ]
    return {
        "gain_over_base_rate": _mean([item.skill() for item in origins], origins),
        "baselines": beside,
        "origins": [shown, *(_plain(item, _measures(item)) for item in earlier)],
    }


def _named(place: int, origins: Sequence[Origin]) -> str:
    """What a rival was, and what stood in its place at earlier origins where that was another."""
    name, *others = dict.fromkeys(
        item.rivals[place].name for item in origins if place < len(item.rivals)
    )
    return f"{name} (earlier: {', '.join(others)})" if others else name


def over_champion(origins: Sequence[Origin]) -> dict[str, Any] | None:
    """The gain over the champion, and the dates on which it could be judged; None without any."""
    fair = [(item, item.champion) for item in origins if item.champion is not None]
    if not fair:
        return None
    found = _mean([item.better_than(said) for item, said in fair], [item for item, _ in fair])
    return {**found, "as_of": [item.as_of for item, _ in fair]}


def _mean(gains: Sequence[Floats], origins: Sequence[Origin]) -> Measured:
    """The mean gain of the rows of all origins, with its interval by accounts."""
    every = np.concatenate(gains)
    accounts = [name for item in origins for name in item.accounts]
    return quality.interval(lambda rows: float(every[rows].mean()), accounts)


def _plain(item: Origin, measures: dict[str, Any]) -> dict[str, Any]:
    """What one origin showed, with these measures of it."""
    beside = [
        {"baseline": rival.name} | _mean([item.better_than(rival.logits)], [item])
        for rival in item.rivals
    ]
    return {
        "as_of": item.as_of,
        "trained_on": list(item.trained_on),
        "rows": len(item.labels),
        "accounts": len(set(item.accounts)),
        "events": int(item.labels.sum()),
        **{key: measures[key] for key in MEASURES},
        "baselines": beside,
    }


def _measures(item: Origin) -> dict[str, Measured]:
    def auc(rows: npt.NDArray[np.int64]) -> float:
        return quality.auc(item.logits[rows], item.labels[rows])

    losses = log_losses(item.logits, item.labels)
    found = (
        quality.interval(auc, item.accounts),
        quality.interval(lambda rows: float(losses[rows].mean()), item.accounts),
        _mean([item.skill()], [item]),
    )
    return dict(zip(MEASURES, found, strict=True))
