"""What is made of little data: below a number of churners, the scorecard alone, well shrunken.

The number is read off the learning curve of the shipped companies (`docs/learning-curve.md`).
The artifact, its drivers and its pages are those of any other model.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from features.progress import Progress, silent
from training.learning import search, split
from training.learning.model import TrainingRows
from training.learning.search import Choice

LEAST_FOR_TREES = 100
"""So many different accounts must have the rarer outcome (churners, mostly) before trees are tried.

From there on the search for trees cost no shipped company more than 0.6 % of its log loss on a
later date; on fewer it cost up to 1.4 %, and no real company's loss was surely lowered by it.
"""

LEAST_IN_A_MOMENT = 40
"""The same for a table of one moment, whose folds are like what will be scored.

There the search for trees was better than the shrunken scorecard from 40 on; fewer were not tried.
"""

PENALTY = 30.0
"""The ridge of the scorecard where few accounts cannot choose one.

At 40 and 90 churners it was at most 0.8 % of log loss from the best of 1, 10, 30 and 100 on every
shipped company; letting folds choose was 1.1 %, 100 1.7 % and 10 1.5 %.
"""

SHRUNKEN = replace(search.FIRST_TRIED[0], share=0.0, penalty=PENALTY)
"""The settings of a model of few churners."""


def choose_settings(
    rows: TrainingRows,
    folds: Sequence[split.CvFold],
    chosen_on: str,
    *,
    trials: int = search.TRIALS,
    progress: Progress = silent,
) -> Choice:
    """The settings that suit the rows, found by a search; with few churners, fixed ones."""
    found = rarer(rows)
    least = LEAST_IN_A_MOMENT if chosen_on == search.ONE_MOMENT else LEAST_FOR_TREES
    if found >= least:
        return search.search_settings(rows, folds, chosen_on, trials=trials, progress=progress)
    why = f"{found} accounts have the rarer outcome, and trees are tried from {least} on"
    return Choice(SHRUNKEN, "nothing, by few accounts", trees_left_out=why)


def rarer(rows: TrainingRows) -> int:
    """How many different accounts have the rarer of the two outcomes, on any date."""
    accounts = np.asarray(rows.accounts)
    return min(len(np.unique(accounts[rows.y == outcome])) for outcome in (0, 1))
