"""The certificate of a model's explanations: what was checked at its training, stored with it.

Four checks need nothing but the model and rows that it learnt from; a fifth, whether planted causes
are found, needs a company that is simulated (`training.planted`). A check that is missed is said
wherever the model is told of; it stops nothing.

Fidelity claims a direction, never an amount: with the top driver's values replaced by those of
other rows that taught, the score moves on average to the side that the driver states. Of those rows
and not the one usual value, since a driver's points are its distance from what is expected of them,
and where values are skewed the usual one has points of its own. Of a scorecard, which only adds up,
it says little. Stability asks whether another draw of the same model's seeds would have named the
same top driver.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from features.progress import Progress, silent
from training import model, split
from training.artifact import Artifact
from training.drivers import fold
from training.matrix import Feature
from training.model import Restraint, Rows

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]

SHOWN_ROWS = 2_000
COMPARED_ROWS = 300
REFIT_ROWS = 10_000
FAITHFUL_ROWS, REFERENCES = 300, 100
OTHER_SEEDS = (1_000, 2_000)
LARGEST_GAP = 1e-9
LARGEST_DIFFERENCE = 1e-10
FAITHFUL, STABLE = 0.95, 0.90


@dataclass(frozen=True)
class Check:
    """One check: what its `value` is, over how many `cases`, and on which side of `threshold`.

    `value` and `passed` are None where no row could be checked.
    """

    name: str
    says: str
    value: float | None
    threshold: float
    aim: Literal["at least", "at most"]
    cases: int
    passed: bool | None

    @classmethod
    def at_most(cls, name: str, says: str, value: float, threshold: float, cases: int) -> "Check":
        """A check of a difference that should be nothing."""
        return cls(name, says, value, threshold, "at most", cases, value <= threshold)

    @classmethod
    def share(cls, name: str, says: str, good: npt.NDArray[np.bool_], threshold: float) -> "Check":
        """A check of how many of the cases are `good`."""
        value = float(good.mean()) if len(good) else None
        passed = None if value is None else value >= threshold
        return cls(name, says, value, threshold, "at least", len(good), passed)


def certified(
    artifact: Artifact, rows: Rows, more: Sequence[Check] = (), progress: Progress = silent
) -> Artifact:
    """The artifact with its certificate in `evaluation["certificate"]`, as plain JSON values.

    Parameters
    ----------
    rows : Rows
        Those that it learnt from; accounts of the latest date are explained.
    more : sequence of Check
        What else was checked.
    """
    progress(f"certifying the explanations of {artifact.target}")
    latest = rows.where(rows.as_of == rows.as_of.max()).thinned(SHOWN_ROWS)
    checks = [
        _additivity(artifact, latest.X),
        _agreement(artifact, latest.X[:COMPARED_ROWS]),
        _fidelity(artifact, latest.X, rows.X),
        _stability(artifact, rows, latest.X),
        *more,
    ]
    found = {
        "as_of": str(latest.latest),
        "checks": [asdict(item) for item in checks],
        "passed": all(item.passed is not False for item in checks),
    }
    return replace(artifact, evaluation=artifact.evaluation | {"certificate": found})


def told(evaluation: dict[str, Any]) -> list[str]:
    """One line for each check that was missed."""
    return [
        f"explanations, {item['name']} missed: {item['says']} is {item['value']:.3g} of "
        f"{item['cases']:,} cases, {item['aim']} {item['threshold']:g} is wanted"
        for item in evaluation["certificate"]["checks"]
        if item["passed"] is False
    ]


def top_drivers(contributions: Floats, features: Sequence[Feature]) -> Places:
    """Per row the number of the indicator with most points, in the order of the features."""
    _, folded = fold(contributions, features)
    top: Places = np.argmax(np.abs(folded), axis=1)
    return top


def _additivity(artifact: Artifact, X: Floats) -> Check:
    found, scale = artifact.contributions(X), artifact.scale
    told = scale.unclipped(found[:, -1]) + (found[:, :-1] * scale.points_per_margin).sum(axis=1)
    gap = float(np.abs(told - scale.unclipped(artifact.margins(X))).max(initial=0.0))
    says = "the largest gap between base plus drivers and the score, in its points,"
    return Check.at_most("additivity", says, gap, LARGEST_GAP, len(X))


def _agreement(artifact: Artifact, X: Floats) -> Check:
    """The trees' contributions against LightGBM's own; those of a scorecard are its points."""
    theirs = artifact.scorecard.contributions(X)
    own = [booster.predict(X, pred_contrib=True, num_threads=1) for booster in artifact.boosters]
    if own:
        theirs = theirs + np.mean(np.asarray(own, dtype=np.float64), axis=0)
    scale = np.maximum(1.0, np.abs(theirs.sum(axis=1, keepdims=True)))
    worst = float((np.abs(artifact.contributions(X) - theirs) / scale).max(initial=0.0))
    says = "the largest difference from LightGBM's pred_contrib, relative to the margin,"
    return Check.at_most("agreement", says, worst, LARGEST_DIFFERENCE, len(X))


def _fidelity(artifact: Artifact, X: Floats, taught: Floats) -> Check:
    """A driver's reference is its values among all that taught: its points count from there."""
    shown = X[split.spread(len(X), FAITHFUL_ROWS)]
    others = taught[split.spread(len(taught), REFERENCES)]
    contributions = artifact.contributions(shown)
    names, folded = fold(contributions, artifact.features)
    top = top_drivers(contributions, artifact.features)
    replaced = np.repeat(shown, len(others), axis=0)
    for place, feature in enumerate(artifact.features):
        mine = np.repeat(top == names.index(feature.indicator), len(others))
        replaced[mine, place] = np.tile(others[:, place], len(shown))[mine]
    after = artifact.margins(replaced).reshape(len(shown), len(others)).mean(axis=1)
    states = np.take_along_axis(folded, top[:, None], axis=1)[:, 0]
    good = ((artifact.margins(shown) - after) * states > 0)[states != 0]
    says = "the share whose score moves to the stated side when the top driver is as in training"
    return Check.share("fidelity", says, good, FAITHFUL)


def _stability(artifact: Artifact, rows: Rows, X: Floats) -> Check:
    """Two bags of other seeds on the same thinned rows; a scorecard has no seeds to draw again."""
    says = "the share with the same top driver under other seeds"
    if not artifact.boosters:
        return Check.share("stability", says, np.zeros(0, dtype=np.bool_), STABLE)
    restraint = Restraint(**artifact.training["restraint"])
    taught = rows.where(split.sample(rows.accounts, REFIT_ROWS))
    data = model.dataset(taught)
    tops = []
    for first in OTHER_SEEDS:
        seeds = range(first, first + len(artifact.boosters))
        bag = [model.boost(data, taught, restraint, seed).model_to_string() for seed in seeds]
        found = replace(artifact, models=tuple(bag)).contributions(X)
        tops.append(top_drivers(found, artifact.features))
    return Check.share("stability", says, tops[0] == tops[1], STABLE)
