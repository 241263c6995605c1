"""What is made of little data: below a number of churners, the scorecard alone, well shrunken.

The number is read off the learning curve of the shipped companies (`docs/learning-curve.md`).
The artifact, its drivers and its pages are those of any other model.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from features.progress import Progress, silent
from training import search, split
from training.model import Rows
from training.search import Choice

LEAST_FOR_TREES = 200
"""So many different accounts must have the rarer outcome (churners, mostly) before trees are tried.

On fewer, trees lowered no shipped company's log loss on a later date by more than noise, and the
choice among them, and among penalties, cost some of it.
"""

PENALTY = 30.0
"""The ridge of the scorecard where few accounts cannot choose one: at 40 to 200 churners it was at
most 0.8 % from the best on every shipped company, folds that choose 1.1 %, 100 1.7 %, 10 1.5 %."""

SHRUNKEN = replace(search.FIRST[0], share=0.0, penalty=PENALTY)
"""The restraint of a model of few churners."""


def choose(
    rows: Rows,
    folds: Sequence[split.Fold],
    chosen_on: str,
    *,
    trials: int = search.TRIALS,
    progress: Progress = silent,
) -> Choice:
    """The restraint that suits the rows, as `search.choose`; on few churners, nothing to choose."""
    found = rarer(rows)
    if found >= LEAST_FOR_TREES:
        return search.choose(rows, folds, chosen_on, trials=trials, progress=progress)
    why = f"{found} accounts have the rarer outcome, and trees are tried from {LEAST_FOR_TREES} on"
    return Choice(SHRUNKEN, "nothing, by few accounts", trees_left_out=why)


def rarer(rows: Rows) -> int:
    """How many different accounts have the rarer of the two outcomes, on any date."""
    accounts = np.asarray(rows.accounts)
    return min(len(np.unique(accounts[rows.y == outcome])) for outcome in (0, 1))
